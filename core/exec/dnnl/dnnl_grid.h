/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer side of quantized groups: which grids the int8 kernels can take, codes of activations and of weights, and
 * the factors that turn an accumulator into the layer's output:
 *
 *	y[c] = sum((x - zx) * (w - zw)[c]) * (sx * sw[c]) + b[c]
 *
 * oneDNN 2.6 computes (float(sum) + bias) * scale, so the bias is handed over divided by the scale (in double, rounded
 * once): the same number up to rounding of the last step, and bit for bit when scales are powers of two.
 */
#ifndef OQZ_EXEC_DNNL_GRID_H
#define OQZ_EXEC_DNNL_GRID_H

#include "core/exec/dnnl/dnnl_util.h"
#include "core/tensor/fakequant.h"

/* The quantizer of an activation: one scale, codes in 8 bits. */
struct oqz_dnnl_source {
	bool from_float;  /* codes are made here; else the input is the codes */
	bool is_signed;   /* int8_t codes, else uint8_t */
	bool half_even;   /* the vectorised loop applies */
	struct oqz_fq fq; /* scale and zero point into the members below */
	float scale;
	int32_t zero;
};

/* Weights as (rows, cols): one row per output channel for a convolution, or a K x N matrix. */
struct oqz_dnnl_weights {
	int8_t *codes; /* zero points taken off */
	float *scale;  /* one per channel */
	double *bound; /* sum of |code| per channel */
	int64_t channels;
};
void oqz_dnnl_weights_release(struct oqz_dnnl_weights *w);

/* The quantizer on input i. False: not an 8-bit grid with one scale (reason in why). */
bool oqz_dnnl_source_init(struct oqz_dnnl_source *s, const struct oqz_step_desc *d, int i, char *why, size_t why_size);
/* The pointers inside refer to the struct itself: call after moving it. */
void oqz_dnnl_source_bind(struct oqz_dnnl_source *s);
/* n codes of x. */
void oqz_dnnl_source_codes(const struct oqz_dnnl_source *s, const float *x, size_t n, void *out);

/* Codes of the constant input i, whose output channels run along `axis` of its shape. OQZ_E_UNSUPPORTED (why set): not
 * constant, scales neither single nor along that axis, or codes beyond 8 bits. */
enum oqz_status oqz_dnnl_weights_init(struct oqz_dnnl_weights *w, const struct oqz_step_desc *d, int i, int axis,
                                      char *why, size_t why_size, struct oqz_err *err);

/* Sets output scales (along dimension `dim` of the output, which has w->channels), the source zero point, and the bias
 * divided by the scale (`bias` may be NULL: zeros; n_bias 1 or channels; written to ret_bias, w->channels floats).
 * `factor` multiplies the products (Gemm's alpha). False: the accumulator could overflow, or a factor leaves float32's
 * range. */
bool oqz_dnnl_set_scales(struct oqz_dnnl_attr *a, const struct oqz_dnnl_source *s, const struct oqz_dnnl_weights *w,
                         int dim, double factor, const float *bias, int64_t n_bias, float *ret_bias, char *why,
                         size_t why_size);

#endif
