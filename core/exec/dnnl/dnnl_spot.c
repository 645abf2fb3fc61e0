/* SPDX-License-Identifier: Apache-2.0
 *
 * See dnnl_spot.h. Everything about a primitive is asked of its descriptor, so no caller has to describe it twice.
 */
#include "core/exec/dnnl/dnnl_spot.h"
#include "core/base/rng.h"
#include "core/tensor/float_bits.h"

#include <math.h>
#include <string.h>

enum { KEPT = 2, POST_MAX = 4 };

struct oqz_dnnl_spot {
	const_dnnl_primitive_desc_t pd;
	const dnnl_convolution_desc_t *conv; /* a transposed convolution's as well: the same struct */
	bool transposed;                     /* NULL conv: a matrix product */
	const dnnl_memory_desc_t *src, *dst, *weights;
	int64_t window; /* kept weights of one channel */
	bool borrowed;
	struct kept {
		float *weights[KEPT]; /* (input channels of the group, kernel...) or (K); NULL: given with each run */
		float bias[KEPT];
		float post[POST_MAX][KEPT]; /* what a post-operation multiplies the channel by */
	} kept;
};

void oqz_dnnl_spot_free(struct oqz_dnnl_spot *s)
{
	for (int k = 0; s && !s->borrowed && k < KEPT; k++)
		free(s->kept.weights[k]);
	free(s);
}

static bool plain(const dnnl_memory_desc_t *md)
{
	return md->format_kind == dnnl_blocked && md->format_desc.blocking.inner_nblks == 0 &&
	       (md->data_type == dnnl_f32 || md->data_type == dnnl_bf16 || md->data_type == dnnl_s8 ||
	        md->data_type == dnnl_u8);
}

static bool plain_output(const dnnl_memory_desc_t *md)
{
	return md->format_kind == dnnl_blocked && md->format_desc.blocking.inner_nblks == 0 &&
	       (md->data_type == dnnl_f32 || md->data_type == dnnl_s32);
}

static double load(const dnnl_memory_desc_t *md, const void *data, int64_t at)
{
	at += md->offset0;
	switch (md->data_type) {
	case dnnl_f32: return ((const float *)data)[at];
	case dnnl_bf16: return oqz_bits_float((uint32_t)((const uint16_t *)data)[at] << 16);
	case dnnl_s8: return ((const int8_t *)data)[at];
	default: return ((const uint8_t *)data)[at];
	}
}

static int64_t stride(const dnnl_memory_desc_t *md, int dim) { return md->format_desc.blocking.strides[dim]; }

/* Output channels: dimension 1 of a convolution's output, the last of a product's. */
static int channel_dim(const struct oqz_dnnl_spot *s) { return s->conv ? 1 : s->dst->ndims - 1; }

/* The k-th channel that is kept: one in the middle, and the last, where blocks of channels may be incomplete. */
static int64_t channel(const struct oqz_dnnl_spot *s, int k)
{
	int64_t n = s->dst->dims[channel_dim(s)];

	return k == 0 ? n / 3 : n - 1;
}

/* ---- what can be checked --------------------------------------------------------------------------------------- */

static const_dnnl_post_ops_t post_ops(const struct oqz_dnnl_spot *s)
{
	const_dnnl_primitive_attr_t attr;
	const_dnnl_post_ops_t ops;

	if (dnnl_primitive_desc_get_attr(s->pd, &attr) != dnnl_success ||
	    dnnl_primitive_attr_get_post_ops(attr, &ops) != dnnl_success)
		return NULL;
	return ops;
}

/* An activation at x; NaN: not known here. Slopes are at most 1.5, but for alpha's. */
static double activation(dnnl_alg_kind_t alg, double alpha, double beta, double x)
{
	switch ((int)alg) {
	case dnnl_eltwise_relu: return x > 0 ? x : alpha * x;
	case dnnl_eltwise_elu: return x > 0 ? x : alpha * expm1(x);
	case dnnl_eltwise_tanh: return tanh(x);
	case dnnl_eltwise_logistic: return 1 / (1 + exp(-x));
	case dnnl_eltwise_abs: return fabs(x);
	case dnnl_eltwise_linear: return alpha * x + beta;
	case dnnl_eltwise_clip: return x < alpha ? alpha : x > beta ? beta : x;
	case dnnl_eltwise_soft_relu: return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
	case dnnl_eltwise_swish: return x / (1 + exp(-alpha * x));
	case dnnl_eltwise_hardswish: return x * fmin(fmax(x + 3, 0), 6) / 6;
	case dnnl_eltwise_mish: return x * tanh(x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)));
	case dnnl_eltwise_gelu_erf: return 0.5 * x * (1 + erf(x * M_SQRT1_2));
	case dnnl_eltwise_gelu_tanh: return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
	default: return NAN;
	}
}

static bool has_formula(const_dnnl_post_ops_t ops, int i)
{
	dnnl_alg_kind_t alg;
	float scale, alpha, beta;

	switch ((int)dnnl_post_ops_get_kind(ops, i)) {
	case dnnl_sum: return true;
	case dnnl_eltwise:
		return dnnl_post_ops_get_params_eltwise(ops, i, &scale, &alg, &alpha, &beta) == dnnl_success &&
		       !isnan(activation(alg, alpha, beta, 1));
	case dnnl_binary: {
		const dnnl_memory_desc_t *md;
		return dnnl_post_ops_get_params_binary(ops, i, &alg, &md) == dnnl_success && alg == dnnl_binary_mul;
	}
	default: return false;
	}
}

static bool can_check(struct oqz_dnnl_spot *s)
{
	const_dnnl_post_ops_t ops = post_ops(s);
	dnnl_primitive_kind_t kind;

	if (!ops || dnnl_post_ops_len(ops) > POST_MAX ||
	    dnnl_primitive_desc_query(s->pd, dnnl_query_primitive_kind, 0, &kind) != dnnl_success)
		return false;
	for (int i = 0; i < dnnl_post_ops_len(ops); i++)
		if (!has_formula(ops, i))
			return false;
	s->transposed = kind == dnnl_deconvolution;
	if (kind == dnnl_convolution || kind == dnnl_deconvolution) {
		dnnl_query_t q = s->transposed ? dnnl_query_deconvolution_d : dnnl_query_convolution_d;
		if (dnnl_primitive_desc_query(s->pd, q, 0, &s->conv) != dnnl_success)
			return false;
	} else if (kind != dnnl_matmul) {
		return false;
	}
	s->src = dnnl_primitive_desc_query_md(s->pd, dnnl_query_src_md, 0);
	s->dst = dnnl_primitive_desc_query_md(s->pd, dnnl_query_dst_md, 0);
	s->weights = dnnl_primitive_desc_query_md(s->pd, dnnl_query_weights_md, 0);
	return plain(s->src) && plain_output(s->dst);
}

enum oqz_status oqz_dnnl_spot_new(const_dnnl_primitive_desc_t pd, struct oqz_dnnl_spot **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_spot_free_cleanup) struct oqz_dnnl_spot *s = calloc(1, sizeof *s);

	*ret = NULL;
	if (!s)
		return oqz_err_nomem(err, "a spot check", sizeof *s);
	s->pd = pd;
	if (can_check(s))
		*ret = oqz_steal(s);
	return OQZ_OK;
}

/* ---- constants -------------------------------------------------------------------------------------------------- */

/* Weights of output channel c in row-major order of all other dimensions but the groups'. */
static void copy_channel(const dnnl_memory_desc_t *md, const void *data, bool product, bool grouped, int64_t c,
                         float *out)
{
	int first = product ? 0 : grouped, nd = product ? 1 : md->ndims - first - 1;
	const dnnl_dim_t *dims = product ? md->dims : md->dims + first + 1;
	const dnnl_dim_t *strides =
	    product ? md->format_desc.blocking.strides : md->format_desc.blocking.strides + first + 1;
	int64_t at =
	    product ? c * stride(md, 1)
	            : c % md->dims[first] * stride(md, first) + (grouped ? c / md->dims[first] * stride(md, 0) : 0);
	dnnl_dims_t i = { 0 };

	for (int d = nd; d >= 0;) {
		*out++ = (float)load(md, data, at);
		for (d = nd - 1; d >= 0; d--) { /* the next place */
			at += strides[d];
			if (++i[d] < dims[d])
				break;
			at -= dims[d] * strides[d];
			i[d] = 0;
		}
	}
}

static enum oqz_status keep_weights(struct oqz_dnnl_spot *s, const dnnl_memory_desc_t *md, const void *data,
                                    struct oqz_err *err)
{
	bool grouped = s->conv && md->ndims == s->src->ndims + 1;
	int64_t n = 1;

	if (!plain(md) || (!s->conv && md->ndims != 2))
		return OQZ_OK; /* such a primitive is not checked */
	for (int i = s->conv ? 1 + grouped : 0; i < (s->conv ? md->ndims : 1); i++)
		n *= md->dims[i];
	s->window = n;
	for (int k = 0; k < KEPT; k++) {
		s->kept.weights[k] = malloc((size_t)n * sizeof(float));
		if (!s->kept.weights[k])
			return oqz_err_nomem(err, "a spot check", (size_t)n * sizeof(float));
		copy_channel(md, data, !s->conv, grouped, channel(s, k), s->kept.weights[k]);
	}
	return OQZ_OK;
}

/* One number for each output channel, or one for all. */
static void keep_vector(const struct oqz_dnnl_spot *s, const dnnl_memory_desc_t *md, const void *data, float *to)
{
	int dim = md->ndims == 1 ? 0 : channel_dim(s);

	for (int k = 0; k < KEPT; k++)
		to[k] = (float)load(md, data, md->dims[dim] == 1 ? 0 : channel(s, k) * stride(md, dim));
}

enum oqz_status oqz_dnnl_spot_keep(struct oqz_dnnl_spot *s, int arg, const dnnl_memory_desc_t *have, const void *data,
                                   struct oqz_err *err)
{
	if (!s)
		return OQZ_OK;
	if (arg == DNNL_ARG_WEIGHTS)
		return keep_weights(s, have, data, err);
	if (arg == DNNL_ARG_BIAS)
		keep_vector(s, have, data, s->kept.bias);
	for (int i = 0; i < POST_MAX; i++)
		if (arg == (DNNL_ARG_ATTR_MULTIPLE_POST_OP(i) | DNNL_ARG_SRC_1))
			keep_vector(s, have, data, s->kept.post[i]);
	return OQZ_OK;
}

void oqz_dnnl_spot_borrow(struct oqz_dnnl_spot *s, const struct oqz_dnnl_spot *from)
{
	if (!s || !from)
		return;
	s->kept = from->kept;
	s->window = from->window;
	s->borrowed = true;
}

/* ---- a look ----------------------------------------------------------------------------------------------------- */

/* A sum and the sum of its terms' magnitudes, which its rounding errors are in proportion to. */
struct sum {
	double value, magnitude;
};

static void add(struct sum *s, double x)
{
	s->value += x;
	s->magnitude += fabs(x);
}

/* Output i's place: the first and the last pixel (or row), where a window hangs over the edge, then any. Returns which
 * of the kept channels it belongs to. */
static int place(const struct oqz_dnnl_spot *s, unsigned turn, int i, int64_t *at)
{
	struct oqz_rng r;
	int k = (int)((turn + (unsigned)i / 2) % KEPT);

	oqz_rng_init(&r, ((uint64_t)turn << 8) + (uint64_t)i);
	for (int d = 0; d < s->dst->ndims; d++)
		at[d] = i == 0   ? 0
		        : i == 1 ? s->dst->dims[d] - 1
		                 : (int64_t)oqz_rng_below(&r, (uint64_t)s->dst->dims[d]);
	at[channel_dim(s)] = channel(s, k);
	return k;
}

static int64_t offset(const dnnl_memory_desc_t *md, const int64_t *at)
{
	int64_t o = md->offset0;

	for (int d = 0; d < md->ndims; d++)
		o += at[d] * stride(md, d);
	return o;
}

/* Where along spatial dimension d the input lies that kernel cell `cell` of output place `o` reads; -1: nowhere. */
static int64_t reads(const struct oqz_dnnl_spot *s, int d, int64_t o, int64_t cell)
{
	const dnnl_convolution_desc_t *c = s->conv;
	int64_t step = c->strides[d], reach = cell * (c->dilates[d] + 1), pad = c->padding[0][d];
	int64_t at = s->transposed ? o + pad - reach : o * step - pad + reach;

	if (s->transposed) {
		if (at < 0 || at % step)
			return -1;
		at /= step;
	}
	return at < 0 || at >= s->src->dims[d + 2] ? -1 : at;
}

static void convolve(const struct oqz_dnnl_spot *s, const void *src, double zero, const float *w, const int64_t *at,
                     struct sum *ret)
{
	const dnnl_memory_desc_t *wd = s->weights, *x = s->src;
	int nsp = x->ndims - 2, first = wd->ndims - nsp; /* the weights' first spatial dimension */
	int64_t cells = 1, group = wd->ndims > x->ndims ? at[1] / (s->dst->dims[1] / wd->dims[0]) : 0;

	for (int d = 0; d < nsp; d++)
		cells *= wd->dims[first + d];
	int64_t channels = s->window / cells, base = at[0] * stride(x, 0) + group * channels * stride(x, 1);
	for (int64_t cell = 0; cell < cells; cell++) {
		int64_t rest = cell, from = base;
		bool inside = true;
		for (int d = nsp - 1; d >= 0; d--) {
			int64_t i = reads(s, d, at[d + 2], rest % wd->dims[first + d]);
			rest /= wd->dims[first + d];
			inside &= i >= 0;
			from += i * stride(x, d + 2);
		}
		for (int64_t c = 0; c < channels && inside; c++)
			add(ret, (load(x, src, from + c * stride(x, 1)) - zero) * w[c * cells + cell]);
	}
}

static void multiply(const struct oqz_dnnl_spot *s, const void *src, double zero, const float *w, const void *weights,
                     const int64_t *at, struct sum *ret)
{
	int nd = s->dst->ndims;
	int64_t a = at[nd - 2] * stride(s->src, nd - 2), b = at[nd - 1] * stride(s->weights, nd - 1);

	for (int d = 0; d < nd - 2; d++) { /* a dimension of one is read again and again */
		a += s->src->dims[d] == 1 ? 0 : at[d] * stride(s->src, d);
		b += s->weights->dims[d] == 1 ? 0 : at[d] * stride(s->weights, d);
	}
	for (int64_t k = 0; k < s->src->dims[nd - 1]; k++)
		add(ret, (load(s->src, src, a + k * stride(s->src, nd - 1)) - zero) *
		             (w ? w[k] : load(s->weights, weights, b + k * stride(s->weights, nd - 2))));
}

static double zero_point(const_dnnl_primitive_attr_t attr)
{
	const int32_t *zero;
	dnnl_dim_t n;
	int mask;

	return dnnl_primitive_attr_get_zero_points(attr, DNNL_ARG_SRC, &n, &mask, &zero) == dnnl_success && n == 1
	           ? *zero
	           : 0;
}

static double output_scale(const_dnnl_primitive_attr_t attr, int64_t c)
{
	const float *scale;
	dnnl_dim_t n;
	int mask;

	return dnnl_primitive_attr_get_output_scales(attr, &n, &mask, &scale) == dnnl_success ? scale[n == 1 ? 0 : c]
	                                                                                      : 1;
}

static void scale(struct sum *v, double by)
{
	v->value *= by;
	v->magnitude *= fabs(by);
}

static void apply_post_ops(const struct oqz_dnnl_spot *s, int kept, double before, struct sum *v)
{
	const_dnnl_post_ops_t ops = post_ops(s);
	float factor, alpha, beta;
	dnnl_alg_kind_t alg;

	for (int i = 0; i < dnnl_post_ops_len(ops); i++)
		switch ((int)dnnl_post_ops_get_kind(ops, i)) {
		case dnnl_sum:
			if (dnnl_post_ops_get_params_sum(ops, i, &factor) == dnnl_success)
				add(v, factor * before);
			break;
		case dnnl_binary: scale(v, s->kept.post[i][kept]); break;
		default:
			if (dnnl_post_ops_get_params_eltwise(ops, i, &factor, &alg, &alpha, &beta) != dnnl_success)
				break;
			v->value = factor * activation(alg, alpha, beta, v->value);
			v->magnitude = v->magnitude * fmax(1.5, fabs(alpha)) * fabs(factor) + fabs(v->value);
		}
}

static double output(const struct oqz_dnnl_spot *s, const void *dst, const int64_t *at)
{
	int64_t i = offset(s->dst, at);

	return s->dst->data_type == dnnl_f32 ? (double)((const float *)dst)[i] : ((const int32_t *)dst)[i];
}

void oqz_dnnl_spot_begin(const struct oqz_dnnl_spot *s, struct oqz_dnnl_look *look)
{
	int64_t at[DNNL_MAX_NDIMS];

	for (int i = 0; s && i < OQZ_DNNL_SPOTS; i++) {
		place(s, look->turn, i, at);
		look->before[i] = (float)output(s, look->dst, at);
	}
}

static enum oqz_status differs(const struct oqz_dnnl_spot *s, int64_t at, double got, double want, struct oqz_err *err)
{
	const char *name = "?";

	dnnl_primitive_desc_query(s->pd, dnnl_query_impl_info_str, 0, &name);
	return oqz_err_set(err, OQZ_E_INTERNAL,
	                   "oneDNN's kernel %s gives %g as number %lld of its output where plain sums give %g: the "
	                   "kernel is wrong on this CPU, or memory is damaged; run again, with --engine reference if "
	                   "it comes back",
	                   name, got, (long long)at, want);
}

enum oqz_status oqz_dnnl_spot_end(const struct oqz_dnnl_spot *s, const struct oqz_dnnl_look *look, const void *src,
                                  const void *weights, struct oqz_err *err)
{
	int64_t at[DNNL_MAX_NDIMS];
	const_dnnl_primitive_attr_t attr;

	if (!s || (!weights && !s->kept.weights[0]) || (weights && !plain(s->weights)) ||
	    dnnl_primitive_desc_get_attr(s->pd, &attr) != dnnl_success)
		return OQZ_OK;
	bool whole = s->src->data_type == dnnl_s8 || s->src->data_type == dnnl_u8;
	for (int i = 0; i < OQZ_DNNL_SPOTS; i++) {
		int k = place(s, look->turn, i, at);
		struct sum v = { 0 };
		if (s->conv)
			convolve(s, src, zero_point(attr), s->kept.weights[k], at, &v);
		else
			multiply(s, src, zero_point(attr), s->kept.weights[k], weights, at, &v);
		add(&v, s->kept.bias[k]);
		scale(&v, output_scale(attr, channel(s, k)));
		apply_post_ops(s, k, look->before[i], &v);
		double got = output(s, look->dst, at);
		double allowed = v.magnitude * (whole ? 1e-6 : 1e-4) + 1e-30;
		/* numbers that are not finite, or overflow on the way, have no rounding error to speak of */
		if (v.magnitude < 1e30 && !(fabs(got - v.value) <= allowed))
			return differs(s, offset(s->dst, at), got, v.value, err);
	}
	return OQZ_OK;
}
