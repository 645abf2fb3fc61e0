/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to core/image: the decoders behind oqz_image_decode().
 */
#ifndef OQZ_IMAGE_DECODE_H
#define OQZ_IMAGE_DECODE_H

#include "core/image/image.h"

/* One encoded file and where it shall go. */
struct oqz_decode_job {
	const uint8_t *data;
	size_t size;
	const char *name;
	enum oqz_image_mode mode;
	struct oqz_image_limits limits; /* defaults filled in */
	struct oqz_image *img;
	struct oqz_err *err;
};

/* Checks dimensions against the limits, then reserves. */
enum oqz_status oqz_decode_reserve(const struct oqz_decode_job *job, uint64_t width, uint64_t height, int channels);

/* One format each, after its signature has been seen. Errors name the job's file; the image is undefined then. */
enum oqz_status oqz_decode_jpeg(const struct oqz_decode_job *job);
enum oqz_status oqz_decode_png(const struct oqz_decode_job *job);
enum oqz_status oqz_decode_netpbm(const struct oqz_decode_job *job);
enum oqz_status oqz_decode_bmp(const struct oqz_decode_job *job);
/* Where configure did not find the library: OQZ_E_UNSUPPORTED, naming it. */
enum oqz_status oqz_decode_webp(const struct oqz_decode_job *job);
enum oqz_status oqz_decode_tiff(const struct oqz_decode_job *job);
enum oqz_status oqz_decode_jpeg2000(const struct oqz_decode_job *job);

#endif
