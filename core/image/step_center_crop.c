/* SPDX-License-Identifier: Apache-2.0
 *
 * Step center-crop: torchvision's CenterCrop.
 */
#include "core/image/image_steps.h"

#include <math.h>

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
struct oqz_window oqz_step_crop_window(const struct oqz_step *s, int32_t w, int32_t h)
{
	return (struct oqz_window) { (int32_t)rint((w - s->width) / 2.0), (int32_t)rint((h - s->height) / 2.0),
		                     s->width, s->height };
}

static enum oqz_status crop_run(const struct oqz_step *s, struct oqz_step_state *st, struct oqz_err *err)
{
	int32_t w = st->img.width, h = st->img.height;

	if (w < s->width || h < s->height) { /* torchvision pads with zeros first, the odd pixel right and below */
		int32_t left = w < s->width ? (s->width - w) / 2 : 0, top = h < s->height ? (s->height - h) / 2 : 0;
		OQZ_TRY(
		    oqz_step_place(st, w < s->width ? s->width : w, h < s->height ? s->height : h, left, top, 0, err));
	}
	struct oqz_window win = oqz_step_crop_window(s, st->img.width, st->img.height);
	OQZ_TRY(oqz_image_crop(&st->img, &win, &st->spare, err));
	oqz_step_swap(st);
	st->geometry.offset_x -= win.x;
	st->geometry.offset_y -= win.y;
	return OQZ_OK;
}

const struct oqz_step_def oqz_step_center_crop = {
	{ "center-crop", "cut out the middle (torchvision's CenterCrop; smaller images are padded with 0)", "size",
	  crop_params },
	true,
	false,
	crop_parse,
	crop_run,
	oqz_step_dims_size
};
