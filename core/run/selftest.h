/* SPDX-License-Identifier: Apache-2.0
 *
 * What an installed program can find out about itself on the machine that it is on: whether numbers are rounded as they
 * should be, whether the kernels that this CPU gets agree with the reference, whether plugins work. It needs no data.
 */
#ifndef OQZ_RUN_SELFTEST_H
#define OQZ_RUN_SELFTEST_H

#include "core/base/str.h"
#include "plugins/registry.h"

/* One check: `detail` is what was looked at, and `err` NULL, or why it failed. Strings are borrowed for the call. */
typedef void oqz_selftest_fn(void *ctx, const char *name, const char *detail, const struct oqz_err *err);

/* Roundings, small floats and grids against tables and plain formulas. */
void oqz_selftest_numbers(oqz_selftest_fn *check, void *ctx);
/* Layers with random numbers, in float and quantized, by the implementations that run here against the reference. */
void oqz_selftest_kernels(oqz_selftest_fn *check, void *ctx);
/* Loads a plugin; lets a quantizer, with its default parameters, quantize a small weight and a small activation, which
 * must stay finite and give the same again when the plan is replayed. It runs foreign code: call it in a child process.
 */
enum oqz_status oqz_selftest_plugin(const struct oqz_plugin_info *p, struct oqz_str *detail, struct oqz_err *err);

#endif
