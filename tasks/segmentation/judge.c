/* SPDX-License-Identifier: Apache-2.0
 *
 * Label maps made elsewhere against true ones: two folders of PNG files, paired by the stems of their names.
 * Cityscapes' own endings (_gtFine_labelIds and the like) and "_pred" are not part of a stem; they say which codes a
 * file holds, so that trainIds are never taken for labelIds.
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

struct sink {
	const struct task *t;
	struct confusion *c;
	struct oqz_failure *f;
	bool seen[256]; /* codes of predictions that were taken for labelIds */
};

/* The codes of a true or a predicted label map; whether they are labelIds only because nobody says otherwise. */
static enum oqz_status table_of(struct sink *s, const char *path, bool truth, struct code_table *ret, bool *by_default)
{
	const struct oqz_host *h = s->t->host;
	const char *true_codes = h->param_string(s->t->dataset, "codes"),
	           *codes = truth ? true_codes : h->param_string(s->t->dataset, "prediction_codes");
	bool automatic = strcmp(codes, "auto") == 0;
	const char *word = automatic ? segmentation_codes_by_name(s->t, path, "auto") : codes;

	if (!truth && strcmp(word, "auto") == 0)
		word = true_codes;
	*by_default = automatic && (strcmp(word, "auto") == 0 || strcmp(word, "cityscapes") == 0);
	return segmentation_code_table(s->t, word, ret, s->f);
}

static enum oqz_status load_pair(const struct oqz_host *h, const char *truth, const char *found, struct oqz_picture *a,
                                 struct oqz_picture *b, struct oqz_failure *f)
{
	enum oqz_status st = h->load_image(truth, OQZ_PICTURE_CODES, a, f);

	if (st == OQZ_OK)
		st = h->load_image(found, OQZ_PICTURE_CODES, b, f);
	if (st == OQZ_OK && (a->width != b->width || a->height != b->height))
		st = h->fail(f, OQZ_E_MISMATCH, "%s is %d x %d, %s %d x %d", found, b->width, b->height, truth,
		             a->width, a->height);
	return st;
}

/* Adds one pair to the matrix. */
static enum oqz_status count_pair(struct sink *s, const char *truth, const char *found)
{
	const struct oqz_host *h = s->t->host;
	struct oqz_picture a = { 0 }, b = { 0 };
	struct code_table of_truth, of_found;
	uint16_t *row = NULL;
	bool by_default;

	enum oqz_status st = table_of(s, truth, true, &of_truth, &by_default);
	if (st == OQZ_OK)
		st = table_of(s, found, false, &of_found, &by_default);
	if (st == OQZ_OK)
		st = load_pair(h, truth, found, &a, &b, s->f);
	if (st == OQZ_OK && !(row = h->alloc((size_t)a.width * sizeof *row)))
		st = h->fail(s->f, OQZ_E_NOMEM, "out of memory");
	for (int32_t y = 0; st == OQZ_OK && y < a.height; y++) {
		const uint8_t *codes = b.data + (size_t)y * (size_t)a.width;
		for (int32_t x = 0; x < a.width; x++) {
			row[x] = of_found.class_of[codes[x]];
			s->seen[codes[x]] |= by_default;
		}
		st = segmentation_count_row(s->t, &of_truth, truth, a.data + (size_t)y * (size_t)a.width, row, a.width,
		                            s->c, s->f);
	}
	h->free_mem(a.data);
	h->free_mem(b.data);
	h->free_mem(row);
	return st;
}

/* Sky, persons and cars have labelIds from 23 up; the first seven are no classes. */
static void warn_of_train_ids(const struct sink *s)
{
	bool low = false, high = false;

	for (int code = 0; code < 255; code++) {
		low |= s->seen[code] && code < 7;
		high |= s->seen[code] && code >= CITYSCAPES_CLASSES;
	}
	if (s->t->cityscapes && low && !high)
		s->t->host->log(s->t->host, OQZ_LOG_WARN,
		                "predictions hold codes below 19 only, read as labelIds; if they are trainIds, say "
		                "prediction_codes=train-ids");
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

static enum oqz_status on_pair(void *ctx, const char *truth, const char *found)
{
	return count_pair(ctx, truth, found);
}

enum oqz_status segmentation_judge(void *self, const char *annotations, const char *predictions, void *sink,
                                   struct oqz_failure *f)
{
	static const char *const suffixes[] = { ".png", NULL };
	const struct task *t = self;
	struct confusion c = { .classes = t->classes };
	struct sink ctx = { t, &c, f, { false } };
	size_t n = 0;

	enum oqz_status st = segmentation_matrix(t, &c, f);
	if (st == OQZ_OK)
		st = common_pairs(t->host, annotations, predictions, suffixes, endings, on_pair, &ctx, &n, f);
	if (st == OQZ_OK && confusion_total(&c) == 0)
		st = t->host->fail(f, OQZ_E_DATA, "%s: no labelled pixel", annotations);
	if (st == OQZ_OK)
		warn_of_train_ids(&ctx);
	if (st == OQZ_OK)
		st = set_figures(t, &c, sink, f);
	if (st == OQZ_OK)
		st = t->task_host->set_metric(sink, "images", (double)n, f);
	t->host->free_mem(c.n);
	return st;
}
