/* SPDX-License-Identifier: Apache-2.0
 *
 * Step color: order of the channels, or one of two lumas.
 */
#include "core/image/image_steps.h"

#include <string.h>

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

const struct oqz_step_def oqz_step_color = { { "color", "order of the channels, or luma alone", "order", color_params },
	                                     true,
	                                     false,
	                                     color_parse,
	                                     color_run,
	                                     color_dims };
