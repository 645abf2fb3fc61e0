/* SPDX-License-Identifier: Apache-2.0
 *
 * Preprocessing: an image file -> the float32 tensor (1, C, H, W) that a model gets, by a list of steps from a
 * manifest. It belongs to the model, not to the task, so that two tasks cannot prepare the same model differently.
 * Steps are rows of a table; `oqz list steps` and `oqz describe` print it.
 *
 * struct oqz_prepare is the checked list: immutable, shared by threads. struct oqz_preparer holds one worker's buffers:
 * after the first images nothing is allocated any more (libjpeg's and libpng's own structures excepted).
 */
#ifndef OQZ_IMAGE_PREPROCESS_H
#define OQZ_IMAGE_PREPROCESS_H

#include "core/base/params.h"
#include "core/image/image.h"
#include <oqz/task.h>

struct oqz_prepare;
struct oqz_preparer;

/* A kind of step as data. `main` is the parameter that a bare value sets: `center-crop: 224` is `center-crop: {size:
 * 224}`; NULL if there is none. `params` ends with a row whose name is NULL. */
struct oqz_step_kind {
	const char *name, *summary, *main;
	const struct oqz_param *params;
};

/* All kinds of steps, sorted by name; *ret_n is their number. */
const struct oqz_step_kind *const *oqz_steps(size_t *ret_n);
/* NULL when there is no such step. */
const struct oqz_step_kind *oqz_step_find(const char *name);

/* One step as it was written. Borrowed for the duration of the call. */
struct oqz_step_spec {
	const char *name;
	const struct oqz_param_value *values;
	size_t n;
	const char *where; /* "zoo.yaml:12:7" for messages, or NULL */
};

/* Checks the list: names (with a near match), parameters, order (8-bit steps before `normalize`). n may be 0: the
 * decoded image as float32, R,G,B, 0..255. `owner` names the list in messages ("preset imagenet-256-224-bilinear"). */
enum oqz_status oqz_prepare_new(const struct oqz_step_spec *steps, size_t n, const char *owner,
                                struct oqz_prepare **ret, struct oqz_err *err);
void oqz_prepare_free(struct oqz_prepare *p);
OQZ_DEFINE_CLEANUP(struct oqz_prepare, oqz_prepare_free)

/* "resize(filter=pil-bilinear,short=256,...) center-crop(size=224) ...": identity of the list, every parameter
 * included. */
void oqz_prepare_canonical(const struct oqz_prepare *p, struct oqz_str *out);
/* (1, C, H, W) of the result; H or W is -1 when it depends on the image. */
struct oqz_shape oqz_prepare_shape(const struct oqz_prepare *p);

/* `limits` may be NULL. The list must outlive the preparer. NULL when out of memory. */
struct oqz_preparer *oqz_preparer_new(const struct oqz_prepare *p, const struct oqz_image_limits *limits);
void oqz_preparer_free(struct oqz_preparer *w);
OQZ_DEFINE_CLEANUP(struct oqz_preparer, oqz_preparer_free)

/* Prepares one image file. `box` (x0, y0, x1, y1 in image pixels, or NULL for the whole image) is what step `affine`
 * crops. *ret borrows the preparer's memory until its next call. Errors name the file. */
enum oqz_status oqz_preparer_run(struct oqz_preparer *w, const char *path, const double *box, struct oqz_view *ret,
                                 struct oqz_geometry *ret_geometry, struct oqz_err *err);
/* The same for an encoded file in memory, and for an RGB image. `name` stands in messages. */
enum oqz_status oqz_preparer_run_data(struct oqz_preparer *w, const void *data, size_t size, const char *name,
                                      const double *box, struct oqz_view *ret, struct oqz_geometry *ret_geometry,
                                      struct oqz_err *err);
enum oqz_status oqz_preparer_run_image(struct oqz_preparer *w, const struct oqz_image *img, const char *name,
                                       const double *box, struct oqz_view *ret, struct oqz_geometry *ret_geometry,
                                       struct oqz_err *err);

#endif
