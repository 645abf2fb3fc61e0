/* SPDX-License-Identifier: Apache-2.0
 *
 * Step pad: the image, or the normalized planes, in a larger frame.
 */
#include "core/image/image_steps.h"

#include <math.h>
#include <string.h>

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
	if (!st->is_float)
		return oqz_step_place(st, w, h, left, top, (uint8_t)s->u.pad.value, err);
	OQZ_TRY(pad_planes(s, st, w, h, left, top, err));
	st->geometry.offset_x += left;
	st->geometry.offset_y += top;
	return OQZ_OK;
}

static void pad_dims(const struct oqz_step *s, struct oqz_step_dims *d)
{
	d->width = s->width ? s->width : -1;
	d->height = s->width ? s->height : -1;
}

const struct oqz_step_def oqz_step_pad = {
	{ "pad", "put the image into a larger one", "size", pad_params }, true, true, pad_parse, pad_run, pad_dims
};
