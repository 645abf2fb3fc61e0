/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to core/image: what a step is made of. A step's function turns the state's 8-bit image (or, after
 * `normalize`, its float planes) into the next one and keeps the geometry true.
 */
#ifndef OQZ_IMAGE_STEPS_H
#define OQZ_IMAGE_STEPS_H

#include "core/image/preprocess.h"
#include "core/image/resize.h"

enum { OQZ_STEP_CHANNELS = 4 };

/* Parameters of one step, read once. */
struct oqz_step {
	const struct oqz_step_def *def;
	struct oqz_params *params; /* owned; for the canonical text */
	int32_t width, height;     /* of `size`, 0 when absent */
	union {
		struct {
			double scale;
			int32_t shorter, fit_width, fit_height, row_height, max_width;
			enum oqz_filter filter;
		} resize;
		struct {
			int mode;
			bool scale_up;
			int32_t stride;
			uint8_t fill;
			enum oqz_filter filter;
		} letterbox;
		struct {
			int32_t multiple;
			bool center;
			float value;
		} pad;
		struct {
			int order;
		} color;
		struct {
			double padding;
			uint8_t border;
		} affine;
		struct {
			bool exif;
		} orient;
		float table[OQZ_STEP_CHANNELS][256]; /* normalize: the result for every byte of every channel */
	} u;
};

struct oqz_step_state {
	struct oqz_image img, spare;
	float *planes, *spare_planes; /* (C,H,W) */
	size_t planes_cap, spare_cap; /* in floats */
	bool is_float;
	int32_t width, height, channels; /* of the planes */
	struct oqz_resize_work work;
	struct oqz_geometry geometry;
	const double *box;
	const struct oqz_step *next; /* the step after the running one, or NULL */
	bool skip_next;              /* set by a step that did the next one's work too */
};

/* What is known of an image before it is read: -1 where it depends on the file. */
struct oqz_step_dims {
	int32_t width, height, channels;
	bool is_float, touched; /* touched: some step has run */
};

struct oqz_step_def {
	struct oqz_step_kind info;
	bool on_bytes, on_floats; /* which of the two it accepts */
	/* Reads the parameters; the dims are those before the step. */
	enum oqz_status (*parse)(const struct oqz_params *p, const struct oqz_step_dims *dims, struct oqz_step *s,
	                         struct oqz_err *err);
	enum oqz_status (*run)(const struct oqz_step *s, struct oqz_step_state *st, struct oqz_err *err);
	/* Dims after the step. */
	void (*dims)(const struct oqz_step *s, struct oqz_step_dims *d);
};

/* One a file, step_<name>.c. */
extern const struct oqz_step_def oqz_step_affine, oqz_step_center_crop, oqz_step_color, oqz_step_letterbox,
    oqz_step_normalize, oqz_step_orient, oqz_step_pad, oqz_step_resize;
/* The table, sorted by name. */
extern const struct oqz_step_def *const oqz_step_defs[];
extern const size_t oqz_step_defs_n;

/* The row of a parameter `size`, which oqz_step_size() reads: one number for a square, or width:height; absent is 0, 0.
 */
#define OQZ_STEP_SIZE_PARAM(dflt, help)                                  \
	{                                                                \
		"size", OQZ_P_INTS, dflt, 1, 65500, NULL, "pixels", help \
	}
enum oqz_status oqz_step_size(const struct oqz_params *p, const char *name, int32_t *w, int32_t *h,
                              struct oqz_err *err);

/* What the steps share. A result larger than a limit, or without pixels, is refused before memory is reserved. */
enum oqz_status oqz_step_check(double w, double h, struct oqz_err *err);
void oqz_step_swap(struct oqz_step_state *st); /* the spare image becomes the image */
void oqz_step_scale(struct oqz_geometry *g, double sx, double sy);
/* Resizes st->img; the caller keeps the geometry. */
enum oqz_status oqz_step_resample(struct oqz_step_state *st, int32_t w, int32_t h, enum oqz_filter f,
                                  const struct oqz_window *win, struct oqz_err *err);
/* Puts st->img at (left, top) of a w x h image filled with `fill`, which becomes st->img; keeps the geometry. */
enum oqz_status oqz_step_place(struct oqz_step_state *st, int32_t w, int32_t h, int32_t left, int32_t top, uint8_t fill,
                               struct oqz_err *err);
/* struct oqz_step_def's dims() where `size` is what comes out. */
void oqz_step_dims_size(const struct oqz_step *s, struct oqz_step_dims *d);
/* What a center-crop step cuts out of w x h pixels, at least as large as its size. */
struct oqz_window oqz_step_crop_window(const struct oqz_step *s, int32_t w, int32_t h);

/* Room for n floats; contents are undefined. */
enum oqz_status oqz_step_floats(float **v, size_t *cap, size_t n, struct oqz_err *err);
/* The 8-bit image as float planes, looked up in the table, or plain values when NULL. */
enum oqz_status oqz_step_to_floats(struct oqz_step_state *st, const float (*table)[256], struct oqz_err *err);

#endif
