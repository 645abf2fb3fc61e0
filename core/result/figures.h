/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to core/result: figures as people read them, the same on the terminal, in Markdown and on the HTML page.
 */
#ifndef OQZ_RESULT_FIGURES_H
#define OQZ_RESULT_FIGURES_H

#include "core/result/results.h"

enum { OQZ_FORMAT_SIZE = 120 };

/* Shares as percentages with two decimals, decibels with three, counts plain; "-" for a number that does not exist.
 * `sign`: always with one. */
void oqz_format_value(char *buf, size_t size, uint32_t unit, double x, bool sign);
/* The metric's difference with its sign; "-" where it has no value in float or quantized. */
void oqz_format_delta(char *buf, size_t size, const struct oqz_metric_result *m);
/* " %", " dB" or "": what stands after a figure or a metric's name. */
const char *oqz_unit_suffix(uint32_t unit);
/* A relative error of a layer or a model. */
void oqz_format_error(char *buf, size_t size, double x);
/* "-0.41 .. +0.12" */
void oqz_format_interval(char *buf, size_t size, const struct oqz_metric_result *m);
void oqz_format_p(char *buf, size_t size, double p);

/* -1: a significant loss, 1: a significant gain (two-sided 5 %, corrected by Holm where several cells were tested), 0:
 * neither. */
int oqz_metric_tone(const struct oqz_metric_result *m);

/* Has the model any cell, hence rows of its own beside its float figures? */
bool oqz_results_has_cells(const struct oqz_results *r, const char *model);

#endif
