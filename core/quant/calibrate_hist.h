/* SPDX-License-Identifier: Apache-2.0
 *
 * What the searching calibrators share, and their searches over given bins, apart so that they can be checked against
 * histograms counted elsewhere.
 */
#ifndef OQZ_QUANT_CALIBRATE_HIST_H
#define OQZ_QUANT_CALIBRATE_HIST_H

#include "core/quant/observer.h"

/* KL: the number of bins to keep, a multiple of 2^(bits-1), by the smallest divergence. `work` has room for 2 * count
 * floats. */
int oqz_kl_search(const float *bins, int count, int bits, float *work);

/* MSE: the range [*ret_start, *ret_end] in bins of width hist_scale. `levels`: codes of the grid, at most `count`;
 * `lowest`: where the first bin begins (0 when symmetric). */
void oqz_mse_search(const double *bins, int count, int levels, bool symmetric, double hist_scale, double lowest,
                    int *ret_start, int *ret_end);

/* Sum of squared errors of the observed values on a grid, for each of n scales. */
enum oqz_status oqz_grid_losses(const struct oqz_observer *o, const struct oqz_grid *grid, const float *scales,
                                size_t n, double *loss, struct oqz_err *err);
/* Small floats: the scale with the least squared error from twice amax / (largest value) down to an eighth of that, in
 * sixteenths of an octave; with pow2 the power of two, from the next one above twice amax / (largest value) down to
 * 2^-16 of it, where nearly all of the tensor would be clipped. (A float grid looks alike in every octave, so where
 * within the octave the scale lies matters as much as the range.) Code books: see there. */
enum oqz_status oqz_grid_mse_scale(const struct oqz_observer *o, const struct oqz_site *site, float *ret_scale,
                                   struct oqz_err *err);

#endif
