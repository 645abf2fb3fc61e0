/* SPDX-License-Identifier: Apache-2.0
 *
 * Classes as a coloured veil over the picture, for the truth and for what a lane says; what a lane has wrong is black.
 * A class has its colour by its number alone: hues a golden angle apart, so that neighbours in the list never look
 * alike.
 */
#include "segmentation.h"

#include <math.h>

enum { VEIL = 165, WRONG = 225 };

static void colour_of(uint16_t class, uint8_t rgba[4])
{
	double hue = fmod(class * 0.61803398875, 1) * 6, value = class / 7 % 2 ? 190 : 245;

	for (int c = 0; c < 3; c++) {
		/* the usual hexagon of hues at a saturation of 0.8 */
		double k = fmod(5 - 2 * c + hue, 6), part = fmax(0, fmin(1, fmin(k, 4 - k)));
		rgba[c] = (uint8_t)(value * (1 - 0.8 * part));
	}
	rgba[3] = VEIL;
}

/* `truth` may be NULL. */
static enum oqz_status draw_classes(const struct task *t, const uint16_t *classes, const uint16_t *truth, int32_t width,
                                    int32_t height, void *canvas, struct oqz_failure *f)
{
	const double box[4] = { 0, 0, width, height };
	size_t n = (size_t)width * (size_t)height;
	struct oqz_picture p = { t->host->alloc(4 * n), width, height, 4 };

	if (!p.data)
		return t->host->fail(f, OQZ_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		if (truth && truth[i] != NO_CLASS && truth[i] != classes[i])
			p.data[4 * i + 3] = WRONG; /* black */
		else if (classes[i] != NO_CLASS)
			colour_of(classes[i], p.data + 4 * i);
	enum oqz_status st = t->task_host->draw_picture(canvas, &p, box, f);
	t->host->free_mem(p.data);
	return st;
}

static enum oqz_status truth_classes(const struct task *t, const char *path, const struct oqz_geometry *g,
                                     uint16_t *ret, struct oqz_failure *f)
{
	struct oqz_picture truth;
	enum oqz_status st = t->host->load_image(path, OQZ_PICTURE_CODES, &truth, f);

	if (st != OQZ_OK)
		return st;
	if (truth.width != g->image_width || truth.height != g->image_height)
		st = t->host->fail(f, OQZ_E_DATA, "%s: not of the image's size", path);
	for (int64_t i = 0; st == OQZ_OK && i < (int64_t)truth.width * truth.height; i++)
		ret[i] = t->codes.class_of[truth.data[i]];
	t->host->free_mem(truth.data);
	return st;
}

enum oqz_status segmentation_draw(void *self, const struct oqz_item *item, const struct oqz_record *record,
                                  const struct oqz_output *outputs, size_t n_outputs,
                                  const struct oqz_geometry *geometry, void *canvas, struct oqz_failure *f)
{
	const struct task *t = self;
	const int32_t w = geometry->image_width, h = geometry->image_height;
	const size_t n = (size_t)w * (size_t)h;
	const bool has_truth = item->tag < t->labels.n;
	enum oqz_status st = OQZ_OK;

	if (!record && !has_truth)
		return OQZ_OK;
	const struct oqz_output *o =
	    record ? common_output(t->host, t->output, "classes", outputs, n_outputs, f) : NULL;
	if (record && !o)
		return OQZ_E_MISMATCH;
	uint16_t *classes = t->host->alloc(2 * n * sizeof *classes), *truth = classes ? classes + n : NULL;
	if (!classes)
		return t->host->fail(f, OQZ_E_NOMEM, "out of memory");
	if (has_truth)
		st = truth_classes(t, t->labels.v[item->tag], geometry, truth, f);
	if (st == OQZ_OK && record)
		st = segmentation_classes(t, o, w, h, classes, f);
	if (st == OQZ_OK)
		st = draw_classes(t, record ? classes : truth, record && has_truth ? truth : NULL, w, h, canvas, f);
	t->host->free_mem(classes);
	return st;
}
