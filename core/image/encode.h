/* SPDX-License-Identifier: Apache-2.0
 *
 * 8-bit images to bytes, for pictures in reports. Measurements never depend on these.
 */
#ifndef OQZ_IMAGE_ENCODE_H
#define OQZ_IMAGE_ENCODE_H

#include "core/base/str.h"
#include "core/image/image.h"

/* Appends a JPEG of an image of 3 channels (R,G,B), chroma in full resolution so that thin coloured lines stay sharp.
 */
enum oqz_status oqz_jpeg_encode(const struct oqz_image *img, int quality, struct oqz_str *out, struct oqz_err *err);
/* Appends a PNG of an image of 1, 3 or 4 channels (gray, R,G,B, with alpha). */
enum oqz_status oqz_png_encode(const struct oqz_image *img, struct oqz_str *out, struct oqz_err *err);

#endif
