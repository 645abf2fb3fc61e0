/* SPDX-License-Identifier: Apache-2.0
 *
 * Number grids and the one place where numbers are put on them. Public form: struct oqz_qspec (oqz/quantizer.h).
 * Rules: ONNX QuantizeLinear, and PPQ 0.6's for the roundings ONNX does not have.
 */
#ifndef OQZ_QUANT_FORMAT_H
#define OQZ_QUANT_FORMAT_H

#include "core/base/err.h"
#include "core/tensor/minifloat.h"
#include "core/tensor/tensor.h"
#include <oqz/quantizer.h>

struct oqz_str;

struct oqz_fq;

/* Checks that a spec makes sense for a tensor of this shape: counts, axis, positive finite scales, code range. What a
 * shape with unknown rank (-1) or dims (-1) leaves open is not checked. */
enum oqz_status oqz_qspec_check(const struct oqz_qspec *q, const struct oqz_shape *shape, struct oqz_err *err);

/* The same spec for core/tensor/fakequant.h (not CUSTOM). Arrays stay q's. */
void oqz_qspec_fq(const struct oqz_qspec *q, struct oqz_fq *ret);

/* The ONNX element type whose QuantizeLinear is exactly this grid; OQZ_DT_UNDEFINED when there is none. (apply.c) */
enum oqz_dtype oqz_qspec_dtype(const struct oqz_qspec *q);

/* y = dequantize(quantize(x)), n-dimensional, PLAIN float32 to PLAIN float32 (x == y is fine). Affine:
 *   y = (clamp(R(x / s) + z, qmin, qmax) - z) * s   in float32, with a true division, as PPQ's. NaN gives
 * the code of zero for affine grids (z), NaN for formats that have one. -0 may come out. */
enum oqz_status oqz_fake_quantize(const struct oqz_qspec *q, const struct oqz_shape *shape, const float *x, float *y,
                                  struct oqz_err *err);
/* Codes only (affine: including the zero point; minifloat: the bit pattern), as elements of type t, which holds them
 * all (oqz_qspec_dtype in qplan.h). */
enum oqz_status oqz_quantize_codes(const struct oqz_qspec *q, const struct oqz_shape *shape, const float *x,
                                   enum oqz_dtype t, void *codes, struct oqz_err *err);

/* min/max -> scale and zero point of an affine grid, in double, result rounded to float32:
 * PPQ 0.6's minmax_to_scale_offset. */
void oqz_affine_from_range(double lo, double hi, const struct oqz_grid *grid, bool symmetric, bool pow2,
                           float *ret_scale, int32_t *ret_zero);

/* Brute force over all codes: monotone, idempotent, saturating. Fails naming the first code that breaks a rule. */
enum oqz_status oqz_grid_verify(const struct oqz_grid *g, struct oqz_err *err);
/* Number of codes; value of the i-th code in increasing order of code (scale 1, zero 0). */
size_t oqz_grid_ncodes(const struct oqz_grid *g);
double oqz_grid_value(const struct oqz_grid *g, size_t i);

/* Whether two grids have the same numbers, codes and rounding. Custom ones never do: a plugin's function says nothing.
 */
bool oqz_grid_equal(const struct oqz_grid *a, const struct oqz_grid *b);

/* "int8 [-128,127] half-even", "float8e4m3fn max 448 ..." */
void oqz_grid_describe(const struct oqz_grid *g, struct oqz_str *out);

#endif
