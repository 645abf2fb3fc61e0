/* SPDX-License-Identifier: Apache-2.0
 *
 * The arithmetic side of quantized groups: which grids the low-precision kernels can take, codes of activations and of
 * weights, and the factors that turn an accumulator into the layer's output:
 *
 *	y[c] = sum((x - zx) * (w - zw)[c]) * (sx * sw[c]) + b[c]
 *
 * Integer grids of up to 8 bits: codes are u8 or s8, sums are exact. Small floats (FP8 and narrower): the codes'
 *values, before the scale, are exact in bfloat16, and so is each product in float32; sums are float32.
 *
 * oneDNN 2.6 computes (float(sum) + bias) * scale, so the bias is handed over divided by the scale (in double, rounded
 * once): the same number up to rounding of the last step, and bit for bit when scales are powers of two. With bfloat16
 *the scale is a post-operation, with the same order.
 */
#ifndef OQZ_EXEC_DNNL_GRID_H
#define OQZ_EXEC_DNNL_GRID_H

#include "core/exec/dnnl/dnnl_util.h"
#include "core/tensor/fakequant.h"

/* The quantizer of an activation: one scale. */
struct oqz_dnnl_source {
	bool from_float;       /* codes are made here; else the input is the codes */
	dnnl_data_type_t type; /* dnnl_u8, dnnl_s8; of small floats, without the scale: dnnl_bf16 or dnnl_f32 */
	struct oqz_fq fq;
	float scale;
	int32_t zero;
	float lo, hi;     /* small floats: bounds of the quotients x / scale (infinities: none) */
	oqz_row1_fn *pre; /* what is applied before the quantizer; NULL: nothing, or a clamp that the grid took over */
	struct oqz_row_params pre_params;
};

struct oqz_dnnl_weights {
	dnnl_data_type_t type; /* dnnl_s8; of small floats: the source's */
	void *codes;           /* in the tensor's order; zero points taken off */
	float *scale;          /* one per output channel */
	double *bound;         /* sum of |code| per channel */
	struct oqz_shape shape;
	int axis; /* of the output channels */
	int64_t channels;
	bool scales_left;       /* out_scale is to be applied: it is not in the codes */
	bool scale_is_argument; /* see oqz_dnnl_pack_scales */
	dnnl_memory_desc_t scale_md;
	float *out_scale;
};
void oqz_dnnl_weights_release(struct oqz_dnnl_weights *w);

/* The quantizer on input i. False: no grid that this CPU has arithmetic for, or more than one scale (reason in why). */
bool oqz_dnnl_source_init(struct oqz_dnnl_source *s, const struct oqz_step_desc *d, int i, char *why, size_t why_size);
/* The pointers inside refer to the struct itself: call after moving it. */
void oqz_dnnl_source_bind(struct oqz_dnnl_source *s);
static inline size_t oqz_dnnl_type_size(dnnl_data_type_t t) { return t == dnnl_f32 ? 4 : t == dnnl_bf16 ? 2 : 1; }
static inline size_t oqz_dnnl_source_size(const struct oqz_dnnl_source *s) { return oqz_dnnl_type_size(s->type); }
/* n codes of x. */
void oqz_dnnl_source_codes(const struct oqz_dnnl_source *s, const float *x, size_t n, void *out);

/* Codes of the constant input i, whose output channels run along `axis` of its shape, for a source of this type.
 * OQZ_E_UNSUPPORTED (why set): not constant, scales neither single nor along that axis, or another kind of grid. */
enum oqz_status oqz_dnnl_weights_init(struct oqz_dnnl_weights *w, const struct oqz_step_desc *d, int i, int axis,
                                      const struct oqz_dnnl_source *s, char *why, size_t why_size, struct oqz_err *err);

/* The factors of the output, one per channel, into w->out_scale or the codes, and the bias divided by them (`bias` may
 * be NULL: zeros; n_bias 1 or channels; written to ret_bias, w->channels floats). `factor` multiplies the products
 * (Gemm's alpha). False: the accumulator could overflow, or a factor leaves float32's range. */
bool oqz_dnnl_out_scales(const struct oqz_dnnl_source *s, struct oqz_dnnl_weights *w, double factor, const float *bias,
                         int64_t n_bias, float *ret_bias, char *why, size_t why_size);
/* The same, and tells oneDNN: the source's zero point, and the scales along dimension `dim` of an output of nd dims. To
 * be called before an activation is appended. */
bool oqz_dnnl_set_scales(struct oqz_dnnl_attr *a, const struct oqz_dnnl_source *s, struct oqz_dnnl_weights *w, int nd,
                         int dim, double factor, const float *bias, int64_t n_bias, float *ret_bias, char *why,
                         size_t why_size);
/* Scales that oneDNN takes as an argument (bfloat16, one per channel) are bound to the primitive here. */
enum oqz_status oqz_dnnl_pack_scales(struct oqz_dnnl_prim *p, const struct oqz_dnnl_weights *w, struct oqz_err *err);
/* One scale for the whole output. */
bool oqz_dnnl_set_scale(struct oqz_dnnl_attr *a, const struct oqz_dnnl_source *s, float scale);

#endif
