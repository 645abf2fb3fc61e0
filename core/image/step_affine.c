/* SPDX-License-Identifier: Apache-2.0
 *
 * Step affine: the crop of a person as mmpose's top-down models want it: the item's box, enlarged, warped into the
 * net's input by one affine map (core/image/affine.c).
 */
#include "core/image/image_steps.h"

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

const struct oqz_step_def oqz_step_affine = {
	{ "affine", "crop the item's box as mmpose's top-down models want it (cv2.warpAffine, linear)", "size",
	  affine_params },
	true,
	false,
	affine_parse,
	affine_run,
	oqz_step_dims_size
};
