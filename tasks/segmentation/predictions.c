/* SPDX-License-Identifier: Apache-2.0
 *
 * What the model gives, pixel by pixel, and its confusion matrix with the label map. Logits of any size are resized to
 * the label map's size; a map of classes must have exactly that size.
 */
#include "segmentation.h"

#include <inttypes.h>
#include <math.h>

/* What the model gives: logits (float) or classes (integers). */
struct prediction {
	const struct oqz_view *view;
	int64_t channels, width, height; /* channels 0: a map of classes */
};

static enum oqz_status open_output(const struct task *t, const struct oqz_output *o, struct prediction *ret,
                                   struct oqz_failure *f)
{
	const struct oqz_shape *s = &o->view.shape;
	enum oqz_dtype d = o->view.dtype;
	bool map = d == OQZ_DT_U8 || d == OQZ_DT_I32 || d == OQZ_DT_I64;
	int32_t r = s->rank;

	if (!map && d != OQZ_DT_F32)
		return t->host->fail(f, OQZ_E_UNSUPPORTED,
		                     "output '%s' has element type %d, logits are f32, classes u8, i32 or i64", o->name,
		                     (int)d);
	if (r < 2 + !map || r > 4 || (r == 4 && s->dim[0] != 1) || (map && r == 4 && s->dim[1] != 1) ||
	    (map && r == 3 && s->dim[0] != 1))
		return t->host->fail(f, OQZ_E_MISMATCH, "output '%s' is neither logits (1,C,H,W) nor classes (1,H,W)",
		                     o->name);
	*ret = (struct prediction) { &o->view, map ? 0 : s->dim[r - 3], s->dim[r - 1], s->dim[r - 2] };
	if (ret->width < 1 || ret->height < 1)
		return t->host->fail(f, OQZ_E_MISMATCH, "output '%s' is empty", o->name);
	if (!map && (ret->channels < t->classes || (ret->channels > t->classes && !t->drop_extra)))
		return t->host->fail(f, OQZ_E_MISMATCH,
		                     "output '%s' has %" PRId64 " channels for %d classes (classes, drop_extra)",
		                     o->name, ret->channels, t->classes);
	return OQZ_OK;
}

static uint16_t class_at(const struct prediction *p, int64_t i, int32_t classes)
{
	int64_t k;

	switch (p->view->dtype) {
	case OQZ_DT_U8: k = ((const uint8_t *)p->view->data)[i]; break;
	case OQZ_DT_I32: k = ((const int32_t *)p->view->data)[i]; break;
	default: k = ((const int64_t *)p->view->data)[i]; break;
	}
	return k >= 0 && k < classes ? (uint16_t)k : NO_CLASS;
}

/* -------------------------------------------------------------------------------------------------- counting */

enum oqz_status segmentation_count_row(const struct task *t, const struct code_table *table, const char *path,
                                       const uint8_t *codes, const uint16_t *found, int64_t n, struct confusion *c,
                                       struct oqz_failure *f)
{
	for (int64_t x = 0; x < n; x++) {
		uint16_t k = table->class_of[codes[x]];
		if (k == NO_CLASS) {
			if (!table->known[codes[x]])
				return t->host->fail(f, OQZ_E_DATA, "%s: the label %d is neither a class nor ignored",
				                     path, codes[x]);
			continue;
		}
		uint16_t p = found[x] == NO_CLASS ? (uint16_t)t->classes : found[x];
		c->n[(int64_t)k * (t->classes + 1) + p]++;
	}
	return OQZ_OK;
}

static enum oqz_status count_map(const struct task *t, const struct prediction *p, const char *path,
                                 const struct oqz_picture *truth, uint16_t *row, struct confusion *c,
                                 struct oqz_failure *f)
{
	enum oqz_status st = OQZ_OK;

	if (p->width != truth->width || p->height != truth->height)
		return t->host->fail(f, OQZ_E_MISMATCH,
		                     "the model's classes are %" PRId64 " x %" PRId64 ", the labels %d x %d", p->width,
		                     p->height, truth->width, truth->height);
	for (int64_t y = 0; y < p->height && st == OQZ_OK; y++) {
		for (int64_t x = 0; x < p->width; x++)
			row[x] = class_at(p, y * p->width + x, t->classes);
		st = segmentation_count_row(t, &t->codes, path, truth->data + y * p->width, row, p->width, c, f);
	}
	return st;
}

static enum oqz_status count_logits(const struct task *t, const struct prediction *p, const char *path,
                                    const struct oqz_picture *truth, uint16_t *row, struct confusion *c, uint64_t *nan,
                                    struct oqz_failure *f)
{
	struct upsampler u = { .logits = p->view->data,
		               .channels = t->classes,
		               .width = p->width,
		               .height = p->height,
		               .out_width = truth->width,
		               .out_height = truth->height,
		               .align_corners = t->align_corners };
	void *memory = t->host->alloc(upsampler_bytes(&u));
	enum oqz_status st = OQZ_OK;

	if (!memory)
		return segmentation_no_memory(t, f);
	upsampler_init(&u, memory);
	for (int64_t y = 0; y < truth->height && st == OQZ_OK; y++) {
		*nan += (uint64_t)upsampler_classes(&u, y, row);
		st =
		    segmentation_count_row(t, &t->codes, path, truth->data + y * truth->width, row, truth->width, c, f);
	}
	t->host->free_mem(memory);
	return st;
}

enum oqz_status segmentation_classes(const struct task *t, const struct oqz_output *o, int32_t width, int32_t height,
                                     uint16_t *ret, struct oqz_failure *f)
{
	struct prediction p;
	enum oqz_status st = open_output(t, o, &p, f);

	if (st != OQZ_OK)
		return st;
	if (!p.channels && (p.width != width || p.height != height))
		return t->host->fail(f, OQZ_E_MISMATCH, "the model's classes are not of the image's size");
	for (int64_t i = 0; !p.channels && i < p.width * p.height; i++)
		ret[i] = class_at(&p, i, t->classes);
	if (!p.channels)
		return OQZ_OK;
	struct upsampler u = { .logits = p.view->data,
		               .channels = t->classes,
		               .width = p.width,
		               .height = p.height,
		               .out_width = width,
		               .out_height = height,
		               .align_corners = t->align_corners };
	void *memory = t->host->alloc(upsampler_bytes(&u));
	if (!memory)
		return segmentation_no_memory(t, f);
	upsampler_init(&u, memory);
	for (int64_t y = 0; y < height; y++)
		upsampler_classes(&u, y, ret + y * width);
	t->host->free_mem(memory);
	return OQZ_OK;
}

static enum oqz_status check_truth(const struct task *t, const char *path, const struct oqz_picture *truth,
                                   const struct oqz_geometry *g, struct oqz_failure *f)
{
	if (truth->width != g->image_width || truth->height != g->image_height)
		return t->host->fail(f, OQZ_E_DATA, "%s: the labels are %d x %d, the image %d x %d", path, truth->width,
		                     truth->height, g->image_width, g->image_height);
	if (g->offset_x != 0 || g->offset_y != 0 || fabs(g->image_width * g->scale_x - g->net_width) > 1 ||
	    fabs(g->image_height * g->scale_y - g->net_height) > 1)
		return t->host->fail(
		    f, OQZ_E_UNSUPPORTED,
		    "the image was padded or cut on its way in; resize it to the model's input instead");
	return OQZ_OK;
}

static enum oqz_status count(const struct task *t, const struct prediction *p, const char *path,
                             const struct oqz_picture *truth, void *sink, struct oqz_failure *f)
{
	uint16_t *row = t->host->alloc((size_t)truth->width * sizeof *row);
	struct confusion c = { 0 };
	uint64_t nan = 0;

	enum oqz_status st = row ? segmentation_matrix(t, &c, f) : segmentation_no_memory(t, f);
	if (st == OQZ_OK)
		st = p->channels ? count_logits(t, p, path, truth, row, &c, &nan, f)
		                 : count_map(t, p, path, truth, row, &c, f);
	if (st == OQZ_OK)
		st = segmentation_record_write(t, &c, nan > UINT32_MAX ? UINT32_MAX : nan, sink, f);
	t->host->free_mem(c.n);
	t->host->free_mem(row);
	return st;
}

enum oqz_status segmentation_score(void *self, const struct oqz_item *item, const struct oqz_output *outputs,
                                   size_t n_outputs, const struct oqz_geometry *geometry, void *record_sink,
                                   struct oqz_failure *f)
{
	const struct task *t = self;
	struct oqz_picture truth;
	struct prediction p = { 0 };

	const struct oqz_output *o = common_output(t->host, t->output, "classes", outputs, n_outputs, f);
	if (!o)
		return OQZ_E_MISMATCH;
	if (item->tag >= t->labels.n)
		return t->host->fail(f, OQZ_E_DATA, "'%s' has no labels: the reader 'images' is for calibration",
		                     item->id);
	const char *path = t->labels.v[item->tag];
	enum oqz_status st = open_output(t, o, &p, f);
	if (st == OQZ_OK)
		st = t->host->load_image(path, OQZ_PICTURE_CODES, &truth, f);
	if (st != OQZ_OK)
		return st;
	st = check_truth(t, path, &truth, geometry, f);
	if (st == OQZ_OK)
		st = count(t, &p, path, &truth, record_sink, f);
	t->host->free_mem(truth.data);
	return st;
}
