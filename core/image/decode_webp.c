/* SPDX-License-Identifier: Apache-2.0
 *
 * WebP through libwebp, lossy and lossless, without alpha. One image: animations are refused.
 */
#include "config.h"
#include "core/image/decode.h"

#ifdef HAVE_WEBP
#include <webp/decode.h>

enum oqz_status oqz_decode_webp(const struct oqz_decode_job *job)
{
	WebPBitstreamFeatures f;

	if (WebPGetFeatures(job->data, job->size, &f) != VP8_STATUS_OK)
		OQZ_FAIL(job->err, OQZ_E_DATA, "%s: a damaged WebP file", job->name);
	if (f.has_animation || job->mode == OQZ_IMAGE_CODES)
		OQZ_FAIL(job->err, OQZ_E_UNSUPPORTED, "%s: %s", job->name,
		         f.has_animation ? "an animated WebP file" : "label codes are not read from WebP");
	OQZ_TRY(oqz_decode_reserve(job, (uint64_t)f.width, (uint64_t)f.height, 3));
	if (!WebPDecodeRGBInto(job->data, job->size, job->img->data, oqz_image_bytes(job->img), f.width * 3))
		OQZ_FAIL(job->err, OQZ_E_DATA, "%s: a damaged or truncated WebP file", job->name);
	return OQZ_OK;
}
#else
enum oqz_status oqz_decode_webp(const struct oqz_decode_job *job)
{
	OQZ_FAIL(job->err, OQZ_E_UNSUPPORTED, "%s: a WebP file; oqz was built without libwebp", job->name);
}
#endif
