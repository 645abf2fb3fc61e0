/* SPDX-License-Identifier: Apache-2.0
 *
 * Step orient: turns a photograph as its EXIF data say.
 */
#include "core/image/image_steps.h"
#include "core/image/orient.h"

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

const struct oqz_step_def oqz_step_orient = {
	{ "orient", "apply the EXIF orientation, as OpenCV's imread does and Pillow does not", "exif", orient_params },
	true,
	false,
	orient_parse,
	orient_run,
	orient_dims
};
