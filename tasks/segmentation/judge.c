/* SPDX-License-Identifier: Apache-2.0
 *
 * Label maps made elsewhere against true ones: two folders of PNG files, paired by the stems of their names. Both hold
 * the same codes. Cityscapes' own endings (_gtFine_labelIds and the like) and "_pred" are not part of a stem.
 */
#include "segmentation.h"
#include "tasks/common/pairs.h"

#include <math.h>
#include <stdio.h>

static const char *const endings[] = { "_gtFine_labelIds",
	                               "_gtFine_labelTrainIds",
	                               "_gtCoarse_labelIds",
	                               "_leftImg8bit",
	                               "_labelIds",
	                               "_labelTrainIds",
	                               "_pred",
	                               "_prediction",
	                               NULL };

/* Adds one pair to the matrix. */
static enum oqz_status count_pair(const struct task *t, const char *truth, const char *found, struct confusion *c,
                                  struct oqz_failure *f)
{
	const struct oqz_host *h = t->host;
	struct oqz_picture a = { 0 }, b = { 0 };
	uint16_t *row = NULL;

	enum oqz_status st = h->load_image(truth, OQZ_PICTURE_CODES, &a, f);
	if (st == OQZ_OK)
		st = h->load_image(found, OQZ_PICTURE_CODES, &b, f);
	if (st == OQZ_OK && (a.width != b.width || a.height != b.height))
		st = h->fail(f, OQZ_E_MISMATCH, "%s is %d x %d, %s %d x %d", found, b.width, b.height, truth, a.width,
		             a.height);
	if (st == OQZ_OK && !(row = h->alloc((size_t)a.width * sizeof *row)))
		st = h->fail(f, OQZ_E_NOMEM, "out of memory");
	for (int32_t y = 0; st == OQZ_OK && y < a.height; y++) {
		const uint8_t *codes = b.data + (size_t)y * (size_t)a.width;
		for (int32_t x = 0; x < a.width; x++)
			row[x] = t->class_of[codes[x]];
		st = segmentation_count_row(t, truth, a.data + (size_t)y * (size_t)a.width, row, a.width, c, f);
	}
	h->free_mem(a.data);
	h->free_mem(b.data);
	h->free_mem(row);
	return st;
}

static enum oqz_status set_figures(const struct task *t, const struct confusion *c, void *sink, struct oqz_failure *f)
{
	enum oqz_status st = OQZ_OK;
	char name[80];

	for (size_t i = 0; t->metrics[i].name && st == OQZ_OK; i++) {
		const char *metric = t->metrics[i].name;
		double v = segmentation_figure(t, c, i);
		bool class = strncmp(metric, "iou_", 4) == 0;
		if (strcmp(metric, "nan_values") == 0)
			continue;
		snprintf(name, sizeof name, "%s%s", class ? "iou." : "", class ? metric + 4 : metric);
		st = t->task_host->set_metric(sink, name, v < 0 ? (double)NAN : v, f);
	}
	return st;
}

struct sink {
	const struct task *t;
	struct confusion *c;
	struct oqz_failure *f;
};

static enum oqz_status on_pair(void *ctx, const char *truth, const char *found)
{
	struct sink *s = ctx;

	return count_pair(s->t, truth, found, s->c, s->f);
}

enum oqz_status segmentation_judge(const struct task *t, const char *annotations, const char *predictions, void *sink,
                                   struct oqz_failure *f)
{
	static const char *const suffixes[] = { ".png", NULL };
	struct confusion c = { .classes = t->classes };
	struct sink ctx = { t, &c, f };
	size_t n = 0;

	enum oqz_status st = segmentation_matrix(t, &c, f);
	if (st == OQZ_OK)
		st = common_pairs(t->host, annotations, predictions, suffixes, endings, on_pair, &ctx, &n, f);
	if (st == OQZ_OK && confusion_total(&c) == 0)
		st = t->host->fail(f, OQZ_E_DATA, "%s: no labelled pixel", annotations);
	if (st == OQZ_OK)
		st = set_figures(t, &c, sink, f);
	if (st == OQZ_OK)
		st = t->task_host->set_metric(sink, "images", (double)n, f);
	t->host->free_mem(c.n);
	return st;
}
