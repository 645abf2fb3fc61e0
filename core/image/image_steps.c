/* SPDX-License-Identifier: Apache-2.0
 *
 * The preprocessing steps: for each its parameter table, how parameters become numbers, and the work. Roundings are
 * those of the programs that the published models were trained and measured with; they differ on purpose (see each
 * comment). Geometry: position in the net's input = position in the image * scale + offset.
 */
#include "core/image/image_steps.h"
#include "core/image/orient.h"

#include <math.h>
#include <string.h>

enum oqz_status oqz_step_floats(float **v, size_t *cap, size_t n, struct oqz_err *err)
{
	if (n <= *cap)
		return OQZ_OK;
	float *p = n <= SIZE_MAX / sizeof *p / 2 ? aligned_alloc(64, (n * sizeof *p + 63) / 64 * 64) : NULL;
	if (!p)
		return oqz_err_nomem(err, "prepared image", n * sizeof *p);
	free(*v);
	*v = p;
	*cap = n;
	return OQZ_OK;
}

enum oqz_status oqz_step_to_floats(struct oqz_step_state *st, const float (*table)[256], struct oqz_err *err)
{
	const size_t ch = (size_t)st->img.channels, n = (size_t)st->img.width * (size_t)st->img.height;
	const uint8_t *in = st->img.data;

	OQZ_TRY(oqz_step_floats(&st->planes, &st->planes_cap, n * ch, err));
	float *out = st->planes;
	if (ch == 3 && table) {
		const float *t0 = table[0], *t1 = table[1], *t2 = table[2];
		float *p1 = out + n, *p2 = out + 2 * n;
		for (size_t i = 0; i < n; i++, in += 3) {
			out[i] = t0[in[0]];
			p1[i] = t1[in[1]];
			p2[i] = t2[in[2]];
		}
	} else {
		for (size_t c = 0; c < ch; c++)
			for (size_t i = 0; i < n; i++)
				out[c * n + i] = table ? table[c][in[i * ch + c]] : (float)in[i * ch + c];
	}
	st->is_float = true;
	st->width = st->img.width;
	st->height = st->img.height;
	st->channels = st->img.channels;
	return OQZ_OK;
}

void oqz_step_swap(struct oqz_step_state *st)
{
	struct oqz_image t = st->img;

	st->img = st->spare;
	st->spare = t;
}

/* `size`: one number for a square, or width:height; absent gives 0, 0. */
enum oqz_status oqz_step_size(const struct oqz_params *p, const char *name, int32_t *w, int32_t *h, struct oqz_err *err)
{
	const int64_t *v;
	size_t n = oqz_params_ints(p, name, &v);

	if (n > 2)
		OQZ_FAIL(err, OQZ_E_USAGE, "%s is one number or width:height", name);
	*w = n > 0 ? (int32_t)v[0] : 0;
	*h = n > 0 ? (int32_t)v[n - 1] : 0;
	return OQZ_OK;
}

static void dims_size(const struct oqz_step *s, struct oqz_step_dims *d)
{
	d->width = s->width;
	d->height = s->height;
}

/* Resizes st->img; the caller keeps the geometry. */
enum oqz_status oqz_step_resize(struct oqz_step_state *st, int32_t w, int32_t h, enum oqz_filter f,
                                const struct oqz_window *win, struct oqz_err *err)
{
	if (!win && w == st->img.width && h == st->img.height)
		return OQZ_OK; /* all of them copy then */
	OQZ_TRY(oqz_resize(&st->img, w, h, f, win, &st->work, &st->spare, err));
	oqz_step_swap(st);
	return OQZ_OK;
}

void oqz_step_scale(struct oqz_geometry *g, double sx, double sy)
{
	g->scale_x *= sx;
	g->scale_y *= sy;
	g->offset_x *= sx;
	g->offset_y *= sy;
}

/* A net input beyond this is a mistake in the manifest or an image of 1 x 60000 pixels; refuse before allocating. */
enum oqz_status oqz_step_check(double w, double h, struct oqz_err *err)
{
	if (!(w >= 1 && h >= 1))
		OQZ_FAIL(err, OQZ_E_DATA, "resizing leaves no pixels (%g x %g)", w, h);
	if (w > 65500 || h > 65500 || w * h > 178956970)
		OQZ_FAIL(err, OQZ_E_LIMIT, "resizing gives %.0f x %.0f pixels", w, h);
	return OQZ_OK;
}

/* ---------------------------------------------------------------------------------------------------- center-crop */

static const struct oqz_param crop_params[] = {
	OQZ_STEP_SIZE_PARAM(NULL, "width:height, or one number for a square"),
	{ 0 },
};

static enum oqz_status crop_parse(const struct oqz_params *p, const struct oqz_step_dims *dims, struct oqz_step *s,
                                  struct oqz_err *err)
{
	return oqz_step_size(p, "size", &s->width, &s->height, err);
}

/* torchvision: int(round((n - size) / 2)) with Python's round, that is half to even. */
static struct oqz_window crop_window(const struct oqz_step *s, int32_t w, int32_t h)
{
	return (struct oqz_window) { (int32_t)rint((w - s->width) / 2.0), (int32_t)rint((h - s->height) / 2.0),
		                     s->width, s->height };
}

/* Puts src at (x, y) of a new image filled with `fill`. */
enum oqz_status oqz_step_place(const struct oqz_image *src, int32_t w, int32_t h, int32_t x, int32_t y, uint8_t fill,
                               struct oqz_image *dst, struct oqz_err *err)
{
	const size_t ch = (size_t)src->channels, row = (size_t)src->width * ch;

	OQZ_TRY(oqz_image_reserve(dst, w, h, src->channels, err));
	memset(dst->data, fill, oqz_image_bytes(dst));
	for (int32_t i = 0; i < src->height; i++)
		memcpy(dst->data + ((size_t)(y + i) * (size_t)w + (size_t)x) * ch, src->data + (size_t)i * row, row);
	return OQZ_OK;
}

static enum oqz_status crop_run(const struct oqz_step *s, struct oqz_step_state *st, struct oqz_err *err)
{
	int32_t w = st->img.width, h = st->img.height;

	if (w < s->width || h < s->height) { /* torchvision pads with zeros first, the odd pixel right and below */
		int32_t left = w < s->width ? (s->width - w) / 2 : 0, top = h < s->height ? (s->height - h) / 2 : 0;
		OQZ_TRY(oqz_step_place(&st->img, w < s->width ? s->width : w, h < s->height ? s->height : h, left, top,
		                       0, &st->spare, err));
		oqz_step_swap(st);
		st->geometry.offset_x += left;
		st->geometry.offset_y += top;
	}
	struct oqz_window win = crop_window(s, st->img.width, st->img.height);
	OQZ_TRY(oqz_image_crop(&st->img, &win, &st->spare, err));
	oqz_step_swap(st);
	st->geometry.offset_x -= win.x;
	st->geometry.offset_y -= win.y;
	return OQZ_OK;
}

static const struct oqz_step_def step_crop = {
	{ "center-crop", "cut out the middle (torchvision's CenterCrop; smaller images are padded with 0)", "size",
	  crop_params },
	true,
	false,
	crop_parse,
	crop_run,
	dims_size
};

/* ---------------------------------------------------------------------------------------------------- resize */

static const struct oqz_param resize_params[] = {
	{ "short", OQZ_P_INT, "0", 0, 65500, NULL, "pixels",
	  "shorter side becomes this, ratio kept, longer side cut to a whole number (torchvision)" },
	OQZ_STEP_SIZE_PARAM("", "width:height, or one number for a square; ratio not kept"),
	{ "fit", OQZ_P_INTS, "", 1, 65500, NULL, "pixels",
	  "long:short side of a frame to fill, ratio kept (mmcv's imrescale)" },
	{ "height", OQZ_P_INT, "0", 0, 65500, NULL, "pixels",
	  "height becomes this, ratio kept, width rounded up (PaddleOCR)" },
	{ "max_width", OQZ_P_INT, "0", 0, 65500, NULL, "pixels",
	  "with height: widest result, then the ratio is not kept; 0 for any" },
	{ "scale", OQZ_P_FLOAT, "0", 0, 64, NULL, "ratio", "both sides times this, rounded up (MATLAB's imresize)" },
	{ "filter", OQZ_P_STRING, "pil-bilinear", 0, 0, oqz_filter_names, NULL,
	  "library and algorithm, byte for byte" },
	{ 0 },
};

static enum oqz_status resize_parse(const struct oqz_params *p, const struct oqz_step_dims *dims, struct oqz_step *s,
                                    struct oqz_err *err)
{
	OQZ_TRY(oqz_step_size(p, "size", &s->width, &s->height, err));
	OQZ_TRY(oqz_step_size(p, "fit", &s->u.resize.fit_width, &s->u.resize.fit_height, err));
	s->u.resize.shorter = (int32_t)oqz_params_int(p, "short");
	s->u.resize.row_height = (int32_t)oqz_params_int(p, "height");
	s->u.resize.max_width = (int32_t)oqz_params_int(p, "max_width");
	s->u.resize.scale = oqz_params_float(p, "scale");
	s->u.resize.filter = oqz_filter_by_name(oqz_params_string(p, "filter"));
	if ((s->width != 0) + (s->u.resize.fit_width != 0) + (s->u.resize.shorter != 0) +
	        (s->u.resize.row_height != 0) + (s->u.resize.scale > 0) !=
	    1)
		OQZ_FAIL(err, OQZ_E_USAGE, "exactly one of short, size, fit, height and scale is needed");
	if (s->u.resize.max_width && !s->u.resize.row_height)
		OQZ_FAIL(err, OQZ_E_USAGE, "max_width goes with height");
	return OQZ_OK;
}

static void resize_target(const struct oqz_step *s, int32_t w, int32_t h, double *tw, double *th)
{
	*tw = s->width;
	*th = s->height;
	if (s->u.resize.shorter) {
		double n = s->u.resize.shorter;
		*tw = w <= h ? n : floor(n * w / h);
		*th = w <= h ? floor(n * h / w) : n;
	} else if (s->u.resize.fit_width) {
		double a = s->u.resize.fit_width, b = s->u.resize.fit_height;
		double scale = fmin(fmax(a, b) / (w > h ? w : h), fmin(a, b) / (w > h ? h : w));
		*tw = floor(w * scale + 0.5);
		*th = floor(h * scale + 0.5);
	} else if (s->u.resize.row_height) {
		*th = s->u.resize.row_height;
		*tw = ceil(s->u.resize.row_height * ((double)w / h));
		if (s->u.resize.max_width && *tw > s->u.resize.max_width)
			*tw = s->u.resize.max_width;
	} else if (s->u.resize.scale > 0) {
		*tw = ceil(w * s->u.resize.scale);
		*th = ceil(h * s->u.resize.scale);
	}
}

/* When a center-crop follows, only its window is computed; results are the same, a third of the work is saved. */
static enum oqz_status resize_run(const struct oqz_step *s, struct oqz_step_state *st, struct oqz_err *err)
{
	const int32_t w = st->img.width, h = st->img.height;
	const struct oqz_step *next = st->next;
	double tw, th;

	resize_target(s, w, h, &tw, &th);
	OQZ_TRY(oqz_step_check(tw, th, err));
	oqz_step_scale(&st->geometry, tw / w, th / h);
	if (s->u.resize.scale > 0 && s->u.resize.filter == OQZ_FILTER_MATLAB_BICUBIC) {
		/* the scale as given, not what rounding made of it, is where MATLAB samples */
		OQZ_TRY(oqz_resize_matlab(&st->img, s->u.resize.scale, s->u.resize.scale, (int32_t)tw, (int32_t)th,
		                          &st->work, &st->spare, err));
		oqz_step_swap(st);
		return OQZ_OK;
	}
	if (!next || next->def != &step_crop || next->width > tw || next->height > th)
		return oqz_step_resize(st, (int32_t)tw, (int32_t)th, s->u.resize.filter, NULL, err);
	struct oqz_window win = crop_window(next, (int32_t)tw, (int32_t)th);
	OQZ_TRY(oqz_step_resize(st, (int32_t)tw, (int32_t)th, s->u.resize.filter, &win, err));
	st->geometry.offset_x -= win.x;
	st->geometry.offset_y -= win.y;
	st->skip_next = true;
	return OQZ_OK;
}

static void resize_dims(const struct oqz_step *s, struct oqz_step_dims *d)
{
	d->width = s->width ? s->width : -1;
	d->height = s->width ? s->height : s->u.resize.row_height ? s->u.resize.row_height : -1;
}

static const struct oqz_step_def step_resize = {
	{ "resize", "resample the image", "size", resize_params }, true, false, resize_parse, resize_run, resize_dims
};

/* ---------------------------------------------------------------------------------------------------- pad */

static const char *const pad_places[] = { "top-left", "center", NULL };

static const struct oqz_param pad_params[] = {
	OQZ_STEP_SIZE_PARAM("", "width:height to pad to; an image that is larger is an error"),
	{ "multiple", OQZ_P_INT, "0", 0, 65500, NULL, "pixels", "pad both sides to a multiple of this instead" },
	{ "value", OQZ_P_FLOAT, "0", -1e6, 1e6, NULL, NULL,
	  "value around the image: 0..255 before normalize, else as normalized" },
	{ "place", OQZ_P_STRING, "top-left", 0, 0, pad_places, NULL, "where the image goes" },
	{ 0 },
};

static enum oqz_status pad_parse(const struct oqz_params *p, const struct oqz_step_dims *dims, struct oqz_step *s,
                                 struct oqz_err *err)
{
	OQZ_TRY(oqz_step_size(p, "size", &s->width, &s->height, err));
	s->u.pad.multiple = (int32_t)oqz_params_int(p, "multiple");
	s->u.pad.value = (float)oqz_params_float(p, "value");
	s->u.pad.center = strcmp(oqz_params_string(p, "place"), "center") == 0;
	if ((s->width != 0) == (s->u.pad.multiple != 0))
		OQZ_FAIL(err, OQZ_E_USAGE, "exactly one of size and multiple is needed");
	if (!dims->is_float &&
	    !(s->u.pad.value >= 0 && s->u.pad.value <= 255 && s->u.pad.value == rintf(s->u.pad.value)))
		OQZ_FAIL(err, OQZ_E_USAGE, "value must be a whole number from 0 to 255 before normalize");
	return OQZ_OK;
}

static enum oqz_status pad_planes(const struct oqz_step *s, struct oqz_step_state *st, int32_t w, int32_t h,
                                  int32_t left, int32_t top, struct oqz_err *err)
{
	const size_t n = (size_t)w * (size_t)h;

	OQZ_TRY(oqz_step_floats(&st->spare_planes, &st->spare_cap, n * (size_t)st->channels, err));
	float *out = st->spare_planes;
	for (size_t i = 0; i < n * (size_t)st->channels; i++)
		out[i] = s->u.pad.value;
	for (int32_t c = 0; c < st->channels; c++)
		for (int32_t y = 0; y < st->height; y++)
			memcpy(out + (size_t)c * n + (size_t)(top + y) * (size_t)w + left,
			       st->planes + ((size_t)c * (size_t)st->height + (size_t)y) * (size_t)st->width,
			       (size_t)st->width * sizeof *out);
	st->spare_planes = st->planes;
	st->planes = out;
	size_t cap = st->spare_cap;
	st->spare_cap = st->planes_cap;
	st->planes_cap = cap;
	st->width = w;
	st->height = h;
	return OQZ_OK;
}

static enum oqz_status pad_run(const struct oqz_step *s, struct oqz_step_state *st, struct oqz_err *err)
{
	int32_t w0 = st->is_float ? st->width : st->img.width, h0 = st->is_float ? st->height : st->img.height;
	int32_t m = s->u.pad.multiple, w = m ? (w0 + m - 1) / m * m : s->width,
	        h = m ? (h0 + m - 1) / m * m : s->height;

	if (w0 > w || h0 > h)
		OQZ_FAIL(err, OQZ_E_DATA, "%d x %d pixels do not fit into the %d x %d of step pad", w0, h0, w, h);
	OQZ_TRY(oqz_step_check(w, h, err));
	int32_t left = s->u.pad.center ? (w - w0) / 2 : 0, top = s->u.pad.center ? (h - h0) / 2 : 0;
	if (st->is_float) {
		OQZ_TRY(pad_planes(s, st, w, h, left, top, err));
	} else {
		OQZ_TRY(oqz_step_place(&st->img, w, h, left, top, (uint8_t)s->u.pad.value, &st->spare, err));
		oqz_step_swap(st);
	}
	st->geometry.offset_x += left;
	st->geometry.offset_y += top;
	return OQZ_OK;
}

static void pad_dims(const struct oqz_step *s, struct oqz_step_dims *d)
{
	d->width = s->width ? s->width : -1;
	d->height = s->width ? s->height : -1;
}

static const struct oqz_step_def step_pad = {
	{ "pad", "put the image into a larger one", "size", pad_params }, true, true, pad_parse, pad_run, pad_dims
};

/* ---------------------------------------------------------------------------------------------------- color */

enum { ORDER_RGB, ORDER_BGR, ORDER_Y, ORDER_GRAY };
static const char *const color_orders[] = { "rgb", "bgr", "y", "gray", NULL };

static const struct oqz_param color_params[] = {
	{ "order", OQZ_P_STRING, NULL, 0, 0, color_orders, NULL,
	  "rgb; bgr; y: full-range luma as OpenCV's YCrCb and gray; gray: luma as Pillow's mode L" },
	{ 0 },
};

static enum oqz_status color_parse(const struct oqz_params *p, const struct oqz_step_dims *dims, struct oqz_step *s,
                                   struct oqz_err *err)
{
	if (dims->channels != 3)
		OQZ_FAIL(err, OQZ_E_USAGE, "the image has no colours any more");
	while (strcmp(color_orders[s->u.color.order], oqz_params_string(p, "order")) != 0)
		s->u.color.order++;
	return OQZ_OK;
}

/* Both lumas are fixed point: OpenCV with 14 bits, Pillow with 16. In place: a gray image is smaller. */
static enum oqz_status color_run(const struct oqz_step *s, struct oqz_step_state *st, struct oqz_err *err)
{
	const size_t n = (size_t)st->img.width * (size_t)st->img.height;
	uint8_t *p = st->img.data;

	switch (s->u.color.order) {
	case ORDER_BGR:
		for (size_t i = 0; i < n; i++, p += 3) {
			uint8_t r = p[0];
			p[0] = p[2];
			p[2] = r;
		}
		break;
	case ORDER_Y:
		for (size_t i = 0; i < n; i++)
			p[i] = (uint8_t)((4899u * p[3 * i] + 9617u * p[3 * i + 1] + 1868u * p[3 * i + 2] + 8192) >> 14);
		st->img.channels = 1;
		break;
	case ORDER_GRAY:
		for (size_t i = 0; i < n; i++)
			p[i] = (uint8_t)((19595u * p[3 * i] + 38470u * p[3 * i + 1] + 7471u * p[3 * i + 2] + 0x8000) >>
			                 16);
		st->img.channels = 1;
		break;
	default: break;
	}
	return OQZ_OK;
}

static void color_dims(const struct oqz_step *s, struct oqz_step_dims *d)
{
	if (s->u.color.order >= ORDER_Y)
		d->channels = 1;
}

static const struct oqz_step_def step_color = { { "color", "order of the channels, or luma alone", "order",
	                                          color_params },
	                                        true,
	                                        false,
	                                        color_parse,
	                                        color_run,
	                                        color_dims };

/* ---------------------------------------------------------------------------------------------------- normalize */

static const struct oqz_param normalize_params[] = {
	{ "scale", OQZ_P_FLOAT, "255", 0, 1e6, NULL, NULL, "first divide by this" },
	{ "mean", OQZ_P_FLOATS, "", -1e6, 1e6, NULL, NULL, "then subtract: one number, or one per channel" },
	{ "std", OQZ_P_FLOATS, "", 0, 1e6, NULL, NULL, "then divide: one number, or one per channel" },
	{ 0 },
};

/* Three float32 operations in this order, each rounded, as torch and numpy do them; a byte has 256 values, so they are
 * done 256 times per channel and looked up. */
static enum oqz_status normalize_parse(const struct oqz_params *p, const struct oqz_step_dims *dims, struct oqz_step *s,
                                       struct oqz_err *err)
{
	const double *mean, *std;
	size_t nm = oqz_params_floats(p, "mean", &mean), ns = oqz_params_floats(p, "std", &std);
	const size_t channels = (size_t)dims->channels;
	float scale = (float)oqz_params_float(p, "scale");

	if (!(scale > 0))
		OQZ_FAIL(err, OQZ_E_USAGE, "scale must be greater than 0");
	if ((nm > 1 && nm != channels) || (ns > 1 && ns != channels))
		OQZ_FAIL(err, OQZ_E_USAGE, "mean and std are one number or %zu, one per channel", channels);
	for (size_t i = 0; i < ns; i++)
		if (!((float)std[i] > 0))
			OQZ_FAIL(err, OQZ_E_USAGE, "std must be greater than 0");
	for (size_t c = 0; c < channels; c++) {
		float m = nm ? (float)mean[nm > 1 ? c : 0] : 0, d = ns ? (float)std[ns > 1 ? c : 0] : 1;
		for (int v = 0; v < 256; v++) {
			float x = (float)v / scale;
			x = x - m;
			s->u.table[c][v] = x / d;
		}
	}
	return OQZ_OK;
}

static enum oqz_status normalize_run(const struct oqz_step *s, struct oqz_step_state *st, struct oqz_err *err)
{
	return oqz_step_to_floats(st, s->u.table, err);
}

static void normalize_dims(const struct oqz_step *s, struct oqz_step_dims *d) { d->is_float = true; }

static const struct oqz_step_def step_normalize = { { "normalize", "to float32: (v / scale - mean) / std", "scale",
	                                              normalize_params },
	                                            true,
	                                            false,
	                                            normalize_parse,
	                                            normalize_run,
	                                            normalize_dims };

/* ---------------------------------------------------------------------------------------------------- affine */

static const struct oqz_param affine_params[] = {
	OQZ_STEP_SIZE_PARAM(NULL, "width:height of the crop"),
	{ "padding", OQZ_P_FLOAT, "1.25", 0.01, 100, NULL, "ratio", "the box is enlarged by this first" },
	{ "border", OQZ_P_INT, "0", 0, 255, NULL, NULL, "value outside the image" },
	{ 0 },
};

static enum oqz_status affine_parse(const struct oqz_params *p, const struct oqz_step_dims *dims, struct oqz_step *s,
                                    struct oqz_err *err)
{
	s->u.affine.padding = oqz_params_float(p, "padding");
	s->u.affine.border = (uint8_t)oqz_params_int(p, "border");
	return oqz_step_size(p, "size", &s->width, &s->height, err);
}

static float clip_to(double v, int32_t n) { return (float)(v < 0 ? 0 : v > n - 1 ? n - 1 : v); }

static enum oqz_status affine_run(const struct oqz_step *s, struct oqz_step_state *st, struct oqz_err *err)
{
	const int32_t w = st->img.width, h = st->img.height;
	struct oqz_geometry *g = &st->geometry;
	const double whole[4] = { 0, 0, w, h };
	const double *b = st->box ? st->box : whole;
	/* The item's box is in pixels of the file; earlier steps may have moved them. */
	const float box[4] = { clip_to(b[0] * g->scale_x + g->offset_x, w), clip_to(b[1] * g->scale_y + g->offset_y, h),
		               clip_to(b[2] * g->scale_x + g->offset_x, w),
		               clip_to(b[3] * g->scale_y + g->offset_y, h) };
	double m[6];

	if (!(box[2] > box[0] || box[3] > box[1]))
		OQZ_FAIL(err, OQZ_E_DATA, "the box (%g, %g, %g, %g) is empty inside the image", b[0], b[1], b[2], b[3]);
	oqz_topdown_matrix(box, s->u.affine.padding, s->width, s->height, m);
	OQZ_TRY(oqz_warp_affine(&st->img, m, s->width, s->height, s->u.affine.border, &st->spare, err));
	oqz_step_swap(st);
	oqz_step_scale(g, m[0], m[4]);
	g->offset_x += m[2];
	g->offset_y += m[5];
	return OQZ_OK;
}

static const struct oqz_step_def step_affine = {
	{ "affine", "crop the item's box as mmpose's top-down models want it (cv2.warpAffine, linear)", "size",
	  affine_params },
	true,
	false,
	affine_parse,
	affine_run,
	dims_size
};

/* ---------------------------------------------------------------------------------------------------- orient */

static const struct oqz_param orient_params[] = {
	{ "exif", OQZ_P_BOOL, "true", 0, 0, NULL, NULL, "turn the image as its EXIF data say" },
	{ 0 },
};

static enum oqz_status orient_parse(const struct oqz_params *p, const struct oqz_step_dims *dims, struct oqz_step *s,
                                    struct oqz_err *err)
{
	if (dims->touched)
		OQZ_FAIL(err, OQZ_E_USAGE, "must be the first step");
	s->u.orient.exif = oqz_params_bool(p, "exif");
	return OQZ_OK;
}

/* The geometry begins with the turned image: that is what annotations made on a screen refer to. */
static enum oqz_status orient_run(const struct oqz_step *s, struct oqz_step_state *st, struct oqz_err *err)
{
	if (!s->u.orient.exif || !oqz_image_turned(&st->img))
		return OQZ_OK;
	OQZ_TRY(oqz_image_upright(&st->img, &st->spare, err));
	oqz_step_swap(st);
	st->geometry.image_width = st->img.width;
	st->geometry.image_height = st->img.height;
	return OQZ_OK;
}

static void orient_dims(const struct oqz_step *s, struct oqz_step_dims *d) { (void)s, (void)d; }

static const struct oqz_step_def step_orient = {
	{ "orient", "apply the EXIF orientation, as OpenCV's imread does and Pillow does not", "exif", orient_params },
	true,
	false,
	orient_parse,
	orient_run,
	orient_dims
};

const struct oqz_step_def *const oqz_step_defs[] = { &step_affine,    &step_crop,   &step_color, &oqz_step_letterbox,
	                                             &step_normalize, &step_orient, &step_pad,   &step_resize };
const size_t oqz_step_defs_n = OQZ_COUNTOF(oqz_step_defs);
