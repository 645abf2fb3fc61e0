/* SPDX-License-Identifier: Apache-2.0
 *
 * Resampling by a filter's name: the choice between the families, each in its file resize_<family>.c.
 */
#include "core/image/resize.h"

#include <string.h>

const char *const oqz_filter_names[] = { "pil-nearest", "pil-box",     "pil-bilinear",   "pil-hamming",
	                                 "pil-bicubic", "pil-lanczos", "cv2-nearest",    "cv2-linear",
	                                 "cv2-area",    "cv2-cubic",   "matlab-bicubic", NULL };

enum oqz_filter oqz_filter_by_name(const char *name)
{
	int f = 0;

	while (f < OQZ_FILTER_COUNT - 1 && strcmp(oqz_filter_names[f], name) != 0)
		f++;
	return (enum oqz_filter)f;
}

enum oqz_status oqz_resize(const struct oqz_image *src, int32_t width, int32_t height, enum oqz_filter filter,
                           const struct oqz_window *window, struct oqz_resize_work *work, struct oqz_image *dst,
                           struct oqz_err *err)
{
	if (filter < OQZ_FILTER_CV2_NEAREST)
		return oqz_resize_pillow(src, NULL, width, height, filter, window, work, dst, err);
	struct oqz_image *whole = window ? &work->tmp : dst;
	if (filter == OQZ_FILTER_MATLAB_BICUBIC)
		OQZ_TRY(oqz_resize_matlab(src, (double)width / src->width, (double)height / src->height, width, height,
		                          work, whole, err));
	else
		OQZ_TRY(oqz_resize_opencv(src, width, height, filter, work, whole, err));
	return window ? oqz_image_crop(&work->tmp, window, dst, err) : OQZ_OK;
}
