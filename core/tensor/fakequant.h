/* SPDX-License-Identifier: Apache-2.0
 *
 * Putting numbers on a grid: the arithmetic that QuantizeLinear, DequantizeLinear, FakeQuant (core/ops) and the
 * quantization schemes (core/quant) share, so that a simulated network and an exported one give the same bits. Per
 * tensor, per axis and per block; integers, small floats and code books. Knows no operators and no schemes.
 *
 * All of it is float32 arithmetic with a true division (x / s and x * (1 / s) differ at ties):
 *	affine     code = clamp(R(x / s) + z, qmin, qmax)       value = (code - z) * s
 *	minifloat  code = nearest of the format to x / s        value = decode(code) * s
 *	codebook   code = index of the nearest value to x / s   value = values[code] * s
 * Dynamic block scales are no part of the parameters: s is made of the block's largest magnitude, amax, when x is there
 * (OCP microscaling, and NVIDIA's variant of it for FP4):
 *	E8M0       s = scale * 2^clamp(floor(log2(amax / scale)) - floor(log2(largest value of the grid)), -127, 127)
 *	E4M3       s = scale * E4M3(amax / (largest value of the grid) / scale), at least scale * 2^-9
 * NaN gives the code of zero on affine grids and code books, NaN in formats that have one, else the largest magnitude.
 */
#ifndef OQZ_TENSOR_FAKEQUANT_H
#define OQZ_TENSOR_FAKEQUANT_H

#include "core/tensor/minifloat.h"
#include "core/tensor/tensor.h"

enum oqz_fq_dynamic { OQZ_FQ_STATIC = 0, OQZ_FQ_E8M0, OQZ_FQ_E4M3 }; /* numbers of enum oqz_dynamic_scale */

enum oqz_fq_kind { OQZ_FQ_AFFINE = 1, OQZ_FQ_MINIFLOAT, OQZ_FQ_CODEBOOK }; /* numbers of enum oqz_grid_kind */

struct oqz_fq {
	enum oqz_fq_kind kind;
	enum oqz_round round;
	int32_t qmin, qmax;      /* AFFINE; |qmin|, |qmax| <= 2^24, so that float32 holds every code */
	struct oqz_minifloat mf; /* MINIFLOAT; always saturates at mf.max */
	size_t n_values;         /* CODEBOOK: increasing in float32 */
	const double *values;
	int axis;            /* -1: one scale; else 0..rank-1 */
	int64_t block;       /* 0: one scale per index of `axis`; else per block of this many elements along it */
	const float *scale;  /* > 0; count: oqz_fq_scales() */
	const int32_t *zero; /* as many, or NULL for all 0 (AFFINE only) */
	enum oqz_fq_dynamic dynamic; /* not STATIC: needs axis and block, has one scale, no zero point and no codes */
};

/* How many scales a tensor needs: 1; the length of the axis; or, in blocks, the shape with the axis' length replaced by
 * ceil(length / block), row-major. */
size_t oqz_fq_scales(const struct oqz_shape *shape, int axis, int64_t block);

/* Checks everything but scale values: rounding known and possible for the kind, range, format, axis. The message does
 * not name a tensor. */
enum oqz_status oqz_fq_check(const struct oqz_fq *q, const struct oqz_shape *shape, struct oqz_err *err);

/* Dequantized values, x == y is fine. PLAIN, contiguous. The spec must have passed oqz_fq_check(). */
void oqz_fq_run(const struct oqz_fq *q, const struct oqz_shape *shape, const float *x, float *y);
/* Codes (not of dynamic scales): affine with the zero point in them; minifloat: the bit pattern; codebook: the index.
 */
void oqz_fq_codes(const struct oqz_fq *q, const struct oqz_shape *shape, const float *x, int32_t *codes);
/* The same as elements of type t (integers and small floats of at most 16 bits that hold all codes), in `out`, which
 * has room for the tensor. */
void oqz_fq_store_codes(const struct oqz_fq *q, const struct oqz_shape *shape, const float *x, enum oqz_dtype t,
                        void *out);
/* Codes -> values. oqz_fq_run(x) == oqz_fq_values(oqz_fq_codes(x)), but for the sign of zero. Affine codes may be any
 * int32 (DequantizeLinear of int32 biases); code - z is formed in 64 bits and rounded to float32 once. */
void oqz_fq_values(const struct oqz_fq *q, const struct oqz_shape *shape, const int32_t *codes, float *y);

/* The grid of an element type (8-, 16-, 4-, 2-bit integers, FP8, FP4), rounding half-even, one scale: what
 * QuantizeLinear to that type means. False for other types. */
bool oqz_fq_of_dtype(enum oqz_dtype t, struct oqz_fq *ret);

/* R() on float32 as PPQ 0.6 defines it for tensors: half-up is floorf(x + 0.5f) and so on, in float32. */
float oqz_round_f32(float x, enum oqz_round r);

/* "half-even", ...; NULL when unknown. And back: -1 when there is none of that name. */
const char *oqz_round_name(enum oqz_round r);
int oqz_round_by_name(const char *name);

#endif
