/* SPDX-License-Identifier: Apache-2.0
 *
 * Turning an image as its EXIF data say.
 */
#ifndef OQZ_IMAGE_ORIENT_H
#define OQZ_IMAGE_ORIENT_H

#include "core/image/image.h"

/* Is there anything to turn? */
bool oqz_image_turned(const struct oqz_image *img);
/* dst becomes the image upright (orientation 1). */
enum oqz_status oqz_image_upright(const struct oqz_image *src, struct oqz_image *dst, struct oqz_err *err);

#endif
