/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this task share: the instance, its data set, and the two measures.
 */
#ifndef SUPERRES_H
#define SUPERRES_H

#include "tasks/common/common.h"
#include "tasks/common/life.h"

enum superres_channel { CHANNEL_RGB, CHANNEL_Y, CHANNEL_Y_FULL };

struct task {
	COMMON_TASK_HEAD;
	const char *output;
	enum superres_channel channel;
	bool bgr, clamp, ssim;
	int32_t crop, scale; /* crop -1: the scale; scale 0: from the model */
	float output_scale;
	struct common_list hr; /* path of each item's reference; the item's tag counts them */
	struct oqz_metric metrics[6];
};

/* One image's outcome. Stored little-endian in this order, behind: u8 version, u8 flags, u16 zero. */
struct record {
	double squared_error, ssim;
	uint64_t values, below, above; /* compared; outside of 0..255 before they were limited */
	bool cropped;                  /* the reference was larger than the prediction */
	bool has_ssim;
};

/* The part of the output that shows the image, and the crop. All in pixels of the large image. */
struct area {
	const struct oqz_view *view;
	int64_t channels, width, height; /* of the output, (channels, height, width) */
	int64_t x0, y0, kept_w, kept_h;  /* the image in it */
	int64_t crop, cmp_w, cmp_h;      /* taken off every side; what is left */
	int64_t scale;
};

/* prediction.c. Sets crop, cmp_w and cmp_h from the rest; too little left is an error. */
enum oqz_status superres_crop(const struct task *t, struct area *a, struct oqz_failure *f);
/* The prediction against its reference (R,G,B, read from `path`). */
enum oqz_status superres_compare(const struct task *t, const struct area *a, const char *path,
                                 const struct oqz_picture *hr, struct record *r, struct oqz_failure *f);

/* The enlarged image as it is compared, in R,G,B (gray for one channel), of image size times scale; freed with
 * free_mem.
 */
enum oqz_status superres_pixels(const struct task *t, const struct oqz_output *outputs, size_t n_outputs,
                                const struct oqz_geometry *geometry, struct oqz_picture *ret, struct oqz_failure *f);
/* struct oqz_task's score(). */
enum oqz_status superres_score(void *self, const struct oqz_item *item, const struct oqz_output *outputs,
                               size_t n_outputs, const struct oqz_geometry *geometry, void *record_sink,
                               struct oqz_failure *f);

/* records.c */
enum oqz_status superres_record_add(const struct task *t, const struct record *r, void *sink, struct oqz_failure *f);
/* Sums over images, and the figures made of them. */
struct totals {
	double psnr, ssim;
	uint64_t scored, finite, out_of_range, cropped;
};
void superres_add(struct totals *s, const struct record *r);
enum oqz_status superres_figures(const struct task *t, const struct totals *s, void *sink, struct oqz_failure *f);
/* struct oqz_task's finish() and explain(). */
enum oqz_status superres_finish(void *self, const struct oqz_record *records, size_t n, void *metric_sink,
                                struct oqz_failure *f);
enum oqz_status superres_explain(void *self, const struct oqz_record *record, char *text, size_t size,
                                 struct oqz_failure *f);

/* judge.c: enlarged images in a folder against originals in another; sets figures. */
enum oqz_status superres_judge(void *self, const char *annotations, const char *predictions, void *sink,
                               struct oqz_failure *f);

/* dataset.c: struct oqz_task's items(). */
enum oqz_status superres_items(void *self, void *sink, struct oqz_failure *f);

/* draw.c: struct oqz_task's draw(). */
enum oqz_status superres_draw(void *self, const struct oqz_item *item, const struct oqz_record *record,
                              const struct oqz_output *outputs, size_t n_outputs, const struct oqz_geometry *geometry,
                              void *canvas, struct oqz_failure *f);

/* metric.c. Sum of squared differences of n values, in the order given. */
double superres_squared_error(const double *a, const double *b, size_t n);
/* dB of a mean squared error of 8-bit values; +inf for 0. */
double superres_psnr(double mse);

enum { SSIM_WINDOW = 11 };
/* Bytes that superres_ssim() needs for images of this width. */
size_t superres_ssim_scratch(int64_t width);
/* SSIM of two planes of 0..255, both sides at least SSIM_WINDOW: Gaussian 11 x 11 of sigma 1.5, where it fits. */
double superres_ssim(const double *a, const double *b, int64_t width, int64_t height, void *scratch);

/* Luma of R,G,B in 0..255: MATLAB's rgb2ycbcr (16..235, not rounded), and the full range as OpenCV has it. */
double superres_y(double r, double g, double b);
double superres_y_full(double r, double g, double b);

#endif
