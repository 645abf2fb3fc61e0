/* SPDX-License-Identifier: Apache-2.0
 *
 * EXIF 2.3, tag Orientation: values 5 to 8 transpose before they flip.
 */
#include "core/image/orient.h"

#include <string.h>

bool oqz_image_turned(const struct oqz_image *img) { return img->orientation > 1 && img->orientation <= 8; }

enum oqz_status oqz_image_upright(const struct oqz_image *src, struct oqz_image *dst, struct oqz_err *err)
{
	static const struct {
		bool transpose, flip_x, flip_y;
	} moves[8] = { { 0, 0, 0 }, { 0, 1, 0 }, { 0, 1, 1 }, { 0, 0, 1 },
		       { 1, 0, 0 }, { 1, 1, 0 }, { 1, 1, 1 }, { 1, 0, 1 } };
	int o = oqz_image_turned(src) ? src->orientation - 1 : 0;
	int32_t w = moves[o].transpose ? src->height : src->width, h = moves[o].transpose ? src->width : src->height;
	const size_t ch = (size_t)src->channels;

	OQZ_TRY(oqz_image_reserve(dst, w, h, src->channels, err));
	uint8_t *out = dst->data;
	for (int32_t y = 0; y < h; y++)
		for (int32_t x = 0; x < w; x++, out += ch) {
			int32_t fx = moves[o].flip_x ? w - 1 - x : x, fy = moves[o].flip_y ? h - 1 - y : y;
			int32_t sx = moves[o].transpose ? fy : fx, sy = moves[o].transpose ? fx : fy;
			memcpy(out, src->data + ((size_t)sy * (size_t)src->width + (size_t)sx) * ch, ch);
		}
	return OQZ_OK;
}
