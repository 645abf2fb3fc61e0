/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this task share: the instance, its data set, and the two measures.
 */
#ifndef SUPERRES_H
#define SUPERRES_H

#include "tasks/common/common.h"

enum superres_channel { CHANNEL_RGB, CHANNEL_Y, CHANNEL_Y_FULL };

struct task {
	const struct oqz_host *host;
	const struct oqz_task_host *task_host;
	const struct oqz_params *dataset;
	const char *output;
	enum superres_channel channel;
	bool bgr, clamp, ssim;
	int32_t crop, scale; /* crop -1: the scale; scale 0: from the model */
	float output_scale;
	struct common_list hr; /* path of each item's reference; the item's tag counts them */
	struct oqz_metric metrics[6];
};

/* struct oqz_task's items(). */
enum oqz_status superres_items(void *self, void *sink, struct oqz_failure *f);

/* Sum of squared differences of n values, in the order given. */
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
