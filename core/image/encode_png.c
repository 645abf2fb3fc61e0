/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing an 8-bit image as PNG: for pictures that are data themselves (made small, label maps), losslessly.
 */
#include "core/base/file.h"
#include "core/image/image.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

enum oqz_status oqz_image_write_png(const char *path, const struct oqz_image *img, struct oqz_err *err)
{
	png_image p = { .version = PNG_IMAGE_VERSION,
		        .width = (png_uint_32)img->width,
		        .height = (png_uint_32)img->height,
		        .format = img->channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB };
	png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(p);

	if (img->channels != 1 && img->channels != 3)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "%s: a PNG of %d channels", path, img->channels);
	OQZ_CLEANUP_FREE void *bytes = malloc(size);
	if (!bytes)
		return oqz_err_nomem(err, path, size);
	if (!png_image_write_to_memory(&p, bytes, &size, 0, img->data, 0, NULL))
		OQZ_FAIL(err, OQZ_E_IO, "%s: %s", path, p.message);
	return oqz_file_write(path, bytes, size, err);
}
