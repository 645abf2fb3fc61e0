/* SPDX-License-Identifier: Apache-2.0
 *
 * Resampling of 8-bit images by the algorithm of a named library, byte for byte: published accuracies belong to one of
 * them, and "bilinear" means four different things. Functions write into dst (never the same image as src), use the
 * scratch memory of the caller's work object, and allocate only when that has to grow.
 */
#ifndef OQZ_IMAGE_RESIZE_H
#define OQZ_IMAGE_RESIZE_H

#include "core/image/image.h"

enum oqz_filter {
	OQZ_FILTER_PIL_NEAREST, /* Pillow's Image.resize(); with antialiasing when shrinking, except nearest */
	OQZ_FILTER_PIL_BOX,
	OQZ_FILTER_PIL_BILINEAR,
	OQZ_FILTER_PIL_HAMMING,
	OQZ_FILTER_PIL_BICUBIC,
	OQZ_FILTER_PIL_LANCZOS,
	OQZ_FILTER_CV2_NEAREST, /* OpenCV 4.6's cv2.resize(); no antialiasing except area */
	OQZ_FILTER_CV2_LINEAR,
	OQZ_FILTER_CV2_AREA,
	OQZ_FILTER_CV2_CUBIC,
	OQZ_FILTER_MATLAB_BICUBIC, /* MATLAB's imresize(), with antialiasing when shrinking */
	OQZ_FILTER_COUNT
};

/* "pil-nearest" ... "matlab-bicubic" in the order of the enum, ending in NULL: choices of a parameter. */
extern const char *const oqz_filter_names[];
/* The filter of a name that is known to be valid. */
enum oqz_filter oqz_filter_by_name(const char *name);

/* Scratch memory, reused from image to image. All-zero is empty; for one thread. */
struct oqz_resize_work {
	struct oqz_image tmp;
	void *table;
	size_t table_cap;
};
void oqz_resize_work_release(struct oqz_resize_work *w);
/* At least `bytes`, 64-byte aligned; NULL when out of memory. Contents are undefined. */
void *oqz_resize_work_table(struct oqz_resize_work *w, size_t bytes);

/* A part of the result, in pixels of the result. */
struct oqz_window {
	int32_t x, y, width, height;
};

/* Resizes to width x height. `window` (may be NULL) says that only this part of the result is wanted: dst then is the
 * window, with the same samples as a crop of the whole. */
enum oqz_status oqz_resize(const struct oqz_image *src, int32_t width, int32_t height, enum oqz_filter filter,
                           const struct oqz_window *window, struct oqz_resize_work *work, struct oqz_image *dst,
                           struct oqz_err *err);

/* The families. `box` (x0, y0, x1, y1 in source pixels, inside the image; NULL: all of it) is Pillow's argument. */
enum oqz_status oqz_resize_pillow(const struct oqz_image *src, const float *box, int32_t width, int32_t height,
                                  enum oqz_filter filter, const struct oqz_window *window, struct oqz_resize_work *work,
                                  struct oqz_image *dst, struct oqz_err *err);
enum oqz_status oqz_resize_opencv(const struct oqz_image *src, int32_t width, int32_t height, enum oqz_filter filter,
                                  struct oqz_resize_work *work, struct oqz_image *dst, struct oqz_err *err);
/* MATLAB's imresize(image, scale, 'bicubic'): width and height are the sides times the scales, rounded up. */
enum oqz_status oqz_resize_matlab(const struct oqz_image *src, double scale_x, double scale_y, int32_t width,
                                  int32_t height, struct oqz_resize_work *work, struct oqz_image *dst,
                                  struct oqz_err *err);
/* Part of OpenCV's: shrinking (or equal) in both axes by area. */
enum oqz_status oqz_resize_opencv_area(const struct oqz_image *src, int32_t width, int32_t height,
                                       struct oqz_resize_work *work, struct oqz_image *dst, struct oqz_err *err);

/* Copies a part of src that lies inside it. */
enum oqz_status oqz_image_crop(const struct oqz_image *src, const struct oqz_window *window, struct oqz_image *dst,
                               struct oqz_err *err);

/* cv2.warpAffine (4.6), INTER_LINEAR, constant border. m maps source to destination: x' = m[0]x + m[1]y + m[2]. */
enum oqz_status oqz_warp_affine(const struct oqz_image *src, const double m[6], int32_t width, int32_t height,
                                uint8_t border, struct oqz_image *dst, struct oqz_err *err);

/* mmpose's top-down crop: the matrix that takes a person's box (x0, y0, x1, y1) enlarged by `padding` to a net input of
 * width x height, points rounded to float32 as there. */
void oqz_topdown_matrix(const float box[4], double padding, int32_t width, int32_t height, double m[6]);

#endif
