/* SPDX-License-Identifier: Apache-2.0
 *
 * Step resize: the five ways in which manifests say how large an image becomes, each with the rounding of the program
 * that it comes from. The algorithms are in resize_*.c.
 */
#include "core/image/image_steps.h"

#include <math.h>

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
	if (!next || next->def != &oqz_step_center_crop || next->width > tw || next->height > th)
		return oqz_step_resample(st, (int32_t)tw, (int32_t)th, s->u.resize.filter, NULL, err);
	struct oqz_window win = oqz_step_crop_window(next, (int32_t)tw, (int32_t)th);
	OQZ_TRY(oqz_step_resample(st, (int32_t)tw, (int32_t)th, s->u.resize.filter, &win, err));
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

const struct oqz_step_def oqz_step_resize = {
	{ "resize", "resample the image", "size", resize_params }, true, false, resize_parse, resize_run, resize_dims
};
