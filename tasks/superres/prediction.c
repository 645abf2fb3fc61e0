/* SPDX-License-Identifier: Apache-2.0
 *
 * The enlarged image that a model's output holds, and its errors against the original. Predictions are rounded to whole
 * levels first (half to even, the product in float32), as the drivers that published figures do; whether they are
 * limited to 0..255 is a parameter, since those drivers differ in it.
 */
#include "superres.h"

#include <inttypes.h>
#include <math.h>

static enum oqz_status open_output(const struct task *t, const struct oqz_output *o, struct area *a,
                                   struct oqz_failure *f)
{
	const struct oqz_shape *s = &o->view.shape;
	bool batch = s->rank == 4;

	if (o->view.dtype != OQZ_DT_F32 && o->view.dtype != OQZ_DT_U8)
		return t->host->fail(f, OQZ_E_UNSUPPORTED, "output '%s' has element type %d, images are f32 or u8",
		                     o->name, (int)o->view.dtype);
	if ((s->rank != 3 && !batch) || (batch && s->dim[0] != 1))
		return t->host->fail(f, OQZ_E_MISMATCH, "output '%s' is no image (1,C,H,W): it has %d dimensions%s",
		                     o->name, s->rank, batch ? ", and not one image" : "");
	*a = (struct area) {
		.view = &o->view, .channels = s->dim[batch], .height = s->dim[batch + 1], .width = s->dim[batch + 2]
	};
	if (a->channels != 1 && a->channels != 3)
		return t->host->fail(f, OQZ_E_MISMATCH, "output '%s' has %" PRId64 " channels, images have 1 or 3",
		                     o->name, a->channels);
	if (a->channels == 1 && t->channel == CHANNEL_RGB)
		return t->host->fail(f, OQZ_E_MISMATCH,
		                     "output '%s' has one channel: compare luma (channel: y or y-full)", o->name);
	return OQZ_OK;
}

enum oqz_status superres_crop(const struct task *t, struct area *a, struct oqz_failure *f)
{
	a->crop = t->crop < 0 ? a->scale : t->crop;
	a->cmp_w = a->kept_w - 2 * a->crop;
	a->cmp_h = a->kept_h - 2 * a->crop;
	int64_t least = t->ssim ? SSIM_WINDOW : 1;
	if (a->cmp_w < least || a->cmp_h < least)
		return t->host->fail(f, OQZ_E_MISMATCH,
		                     "%" PRId64 " x %" PRId64 " pixels without a border of %" PRId64
		                     " leave too little%s",
		                     a->kept_w, a->kept_h, a->crop, t->ssim ? " for SSIM (ssim: false)" : "");
	return OQZ_OK;
}

static enum oqz_status place_image(const struct task *t, const struct oqz_geometry *g, struct area *a,
                                   struct oqz_failure *f)
{
	if (g->scale_x != 1 || g->scale_y != 1 || g->offset_x < 0 || g->offset_y < 0)
		return t->host->fail(f, OQZ_E_MISMATCH,
		                     "the image was resized or cut on its way in, so its pixels have no references");
	a->scale = t->scale ? t->scale : a->width / g->net_width;
	if (a->scale < 1 || a->width != a->scale * g->net_width || a->height != a->scale * g->net_height)
		return t->host->fail(
		    f, OQZ_E_MISMATCH, "the model makes %" PRId64 " x %" PRId64 " of %d x %d, which is not %s",
		    a->width, a->height, g->net_width, g->net_height, t->scale ? "'scale' times" : "a whole multiple");
	a->x0 = (int64_t)g->offset_x * a->scale;
	a->y0 = (int64_t)g->offset_y * a->scale;
	a->kept_w = g->image_width * a->scale;
	a->kept_h = g->image_height * a->scale;
	if (a->x0 + a->kept_w > a->width || a->y0 + a->kept_h > a->height)
		return t->host->fail(f, OQZ_E_MISMATCH, "the model's input does not hold the whole image of %d x %d",
		                     g->image_width, g->image_height);
	return superres_crop(t, a, f);
}

/* The prediction's level at (x, y) of the compared area: rounded, and limited if asked for. */
static double level_at(const struct task *t, const struct area *a, int64_t c, int64_t x, int64_t y, struct record *r)
{
	int64_t at = (c * a->height + a->y0 + a->crop + y) * a->width + a->x0 + a->crop + x;

	if (a->view->dtype == OQZ_DT_U8)
		return ((const uint8_t *)a->view->data)[at];
	const float v = ((const float *)a->view->data)[at] * t->output_scale;
	double level = rintf(v);
	r->below += level < 0;
	r->above += level > 255;
	if (t->clamp)
		level = level < 0 ? 0 : level > 255 ? 255 : level;
	return level;
}

enum oqz_status superres_pixels(const struct task *t, const struct oqz_output *outputs, size_t n_outputs,
                                const struct oqz_geometry *geometry, struct oqz_picture *ret, struct oqz_failure *f)
{
	const struct oqz_output *o = common_output(t->host, t->output, "image", outputs, n_outputs, f);
	struct record ignored = { 0 };
	struct area a;

	if (!o)
		return OQZ_E_MISMATCH;
	enum oqz_status st = open_output(t, o, &a, f);
	if (st == OQZ_OK)
		st = place_image(t, geometry, &a, f);
	if (st != OQZ_OK)
		return st;
	a.crop = 0;
	*ret = (struct oqz_picture) { t->host->alloc((size_t)(a.kept_w * a.kept_h * 3)), (int32_t)a.kept_w,
		                      (int32_t)a.kept_h, 3 };
	if (!ret->data)
		return t->host->fail(f, OQZ_E_NOMEM, "out of memory");
	for (int64_t i = 0; i < a.kept_w * a.kept_h; i++)
		for (int c = 0; c < 3; c++) {
			int from = a.channels == 1 ? 0 : t->bgr ? 2 - c : c;
			double level = level_at(t, &a, from, i % a.kept_w, i / a.kept_w, &ignored);
			ret->data[3 * i + c] = (uint8_t)fmin(fmax(level, 0), 255);
		}
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- comparison */

/* One compared plane of both images, in double. */
struct planes {
	double *ref, *pred;
	void *scratch;
};

static double luma(enum superres_channel channel, double r, double g, double b)
{
	return channel == CHANNEL_Y ? superres_y(r, g, b) : superres_y_full(r, g, b);
}

/* Luma of a three-channel prediction is compared as it is, that of a one-channel prediction (whose levels are whole)
 * with the rounded luma of the reference: so do the two families of drivers. */
static void fill_luma(const struct task *t, const struct area *a, const struct oqz_picture *hr, struct planes *p,
                      struct record *r)
{
	for (int64_t y = 0; y < a->cmp_h; y++)
		for (int64_t x = 0; x < a->cmp_w; x++) {
			int64_t at = y * a->cmp_w + x;
			const uint8_t *v = hr->data + 3 * ((y + a->crop) * hr->width + x + a->crop);
			double ref = luma(t->channel, v[0], v[1], v[2]), c[3];
			if (a->channels == 1) {
				p->ref[at] = rint(ref);
				p->pred[at] = level_at(t, a, 0, x, y, r);
				continue;
			}
			for (int i = 0; i < 3; i++)
				c[t->bgr ? 2 - i : i] = level_at(t, a, i, x, y, r);
			p->ref[at] = ref;
			p->pred[at] = luma(t->channel, c[0], c[1], c[2]);
		}
}

static void fill_channel(const struct task *t, const struct area *a, const struct oqz_picture *hr, int64_t c,
                         struct planes *p, struct record *r)
{
	for (int64_t y = 0; y < a->cmp_h; y++)
		for (int64_t x = 0; x < a->cmp_w; x++) {
			int64_t at = y * a->cmp_w + x;
			p->ref[at] = hr->data[3 * ((y + a->crop) * hr->width + x + a->crop) + c];
			p->pred[at] = level_at(t, a, t->bgr ? 2 - c : c, x, y, r);
		}
}

static void compare(const struct task *t, const struct area *a, const struct oqz_picture *hr, struct planes *p,
                    struct record *r)
{
	int64_t n_planes = t->channel == CHANNEL_RGB ? 3 : 1;
	size_t n = (size_t)a->cmp_w * (size_t)a->cmp_h;

	for (int64_t c = 0; c < n_planes; c++) {
		if (t->channel == CHANNEL_RGB)
			fill_channel(t, a, hr, c, p, r);
		else
			fill_luma(t, a, hr, p, r);
		r->squared_error += superres_squared_error(p->ref, p->pred, n);
		if (t->ssim)
			r->ssim += superres_ssim(p->ref, p->pred, a->cmp_w, a->cmp_h, p->scratch) / (double)n_planes;
	}
	r->values = n * (uint64_t)n_planes;
	r->has_ssim = t->ssim;
}

enum oqz_status superres_compare(const struct task *t, const struct area *a, const char *path,
                                 const struct oqz_picture *hr, struct record *r, struct oqz_failure *f)
{
	const struct oqz_host *h = t->host;
	size_t bytes = (size_t)a->cmp_w * (size_t)a->cmp_h * sizeof(double);

	if (hr->width < a->kept_w || hr->height < a->kept_h)
		return h->fail(f, OQZ_E_MISMATCH,
		               "%s: the reference is %d x %d, smaller than the enlarged %" PRId64 " x %" PRId64, path,
		               hr->width, hr->height, a->kept_w, a->kept_h);
	r->cropped = hr->width != a->kept_w || hr->height != a->kept_h;
	struct planes p = { h->alloc(bytes), h->alloc(bytes), h->alloc(superres_ssim_scratch(a->cmp_w)) };
	enum oqz_status st = OQZ_OK;
	if (p.ref && p.pred && p.scratch)
		compare(t, a, hr, &p, r);
	else
		st = h->fail(f, OQZ_E_NOMEM, "out of memory");
	h->free_mem(p.ref);
	h->free_mem(p.pred);
	h->free_mem(p.scratch);
	if (st == OQZ_OK && !isfinite(r->squared_error))
		st = h->fail(f, OQZ_E_DATA, "the model gave values that are not numbers");
	return st;
}

enum oqz_status superres_score(void *self, const struct oqz_item *item, const struct oqz_output *outputs,
                               size_t n_outputs, const struct oqz_geometry *geometry, void *record_sink,
                               struct oqz_failure *f)
{
	const struct task *t = self;
	struct oqz_picture hr;
	struct record r = { 0 };
	struct area a;

	const struct oqz_output *o = common_output(t->host, t->output, "image", outputs, n_outputs, f);
	if (!o)
		return OQZ_E_MISMATCH;
	if (item->tag >= t->hr.n)
		return t->host->fail(f, OQZ_E_DATA, "'%s' has no reference: the reader 'images' is for calibration",
		                     item->id);
	enum oqz_status st = open_output(t, o, &a, f);
	if (st == OQZ_OK)
		st = place_image(t, geometry, &a, f);
	if (st == OQZ_OK)
		st = t->host->load_image(t->hr.v[item->tag], OQZ_PICTURE_RGB, &hr, f);
	if (st != OQZ_OK)
		return st;
	st = superres_compare(t, &a, t->hr.v[item->tag], &hr, &r, f);
	t->host->free_mem(hr.data);
	return st == OQZ_OK ? superres_record_add(t, &r, record_sink, f) : st;
}
