/* SPDX-License-Identifier: Apache-2.0
 *
 * See dnnl_grid.h.
 */
#include "core/exec/dnnl/dnnl_grid.h"
#include "core/ops/op_fakequant.h"
#include "core/tensor/float_bits.h"
#include "core/tensor/quantize_minifloat.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 1024 };

/* What a quantizer says of its grid, as the shared arithmetic wants it, without scales. False: neither kind. */
static bool grid_of(const struct oqz_step_quant *q, struct oqz_fq *ret)
{
	struct oqz_fq fq = { .kind = OQZ_FQ_AFFINE, .qmin = q->qmin, .qmax = q->qmax };

	if (q->fake) {
		const struct oqz_fakequant *f = OQZ_PARAMS(q->fake, struct oqz_fakequant);
		fq.round = (enum oqz_round)f->rounding;
		if (strcmp(f->kind, "minifloat") == 0) {
			fq.kind = OQZ_FQ_MINIFLOAT;
			fq.mf = (struct oqz_minifloat) { .name = "minifloat",
				                         .exp_bits = (int)f->exp_bits,
				                         .man_bits = (int)f->man_bits,
				                         .bias = (int)f->bias,
				                         .special = (enum oqz_minifloat_special)f->special,
				                         .max = (double)f->max };
		} else if (strcmp(f->kind, "affine") != 0) {
			return false;
		}
	} else if (!oqz_dtype_is_int(q->dtype) && !oqz_fq_of_dtype(q->dtype, &fq)) {
		return false;
	}
	fq.axis = -1;
	fq.block = 0;
	*ret = fq;
	return fq.kind == OQZ_FQ_AFFINE || fq.kind == OQZ_FQ_MINIFLOAT;
}

/* Every value of the format is a bfloat16: 8 significant bits, exponents far from the ends. */
static bool fits_bf16(const struct oqz_minifloat *f)
{
	return f->man_bits <= 7 && 1 - f->bias - f->man_bits >= -60 && f->max <= 0x1p60 &&
	       (double)(float)f->max == f->max && f->special <= OQZ_MF_FINITE;
}

/* The element type for an activation's codes; false with a reason. */
static bool source_type(struct oqz_dnnl_source *s, const struct oqz_step_desc *d, int i, char *why, size_t why_size)
{
	const struct oqz_step_quant *q = &d->quant[i];

	if (s->fq.kind == OQZ_FQ_MINIFLOAT) {
		s->type = dnnl_bf16;
		if (!oqz_dnnl_native_bf16())
			return oqz_dnnl_decline(why, why_size, "no bfloat16 products on this CPU"), false;
		if (!q->from_float || !fits_bf16(&s->fq.mf) || s->zero ||
		    (s->fq.round != OQZ_ROUND_HALF_EVEN && s->fq.round != OQZ_ROUND_HALF_TO_ZERO))
			return oqz_dnnl_decline(why, why_size, "input %d is no float that bfloat16 holds", i), false;
		return true;
	}
	if (!oqz_dnnl_exact_int8())
		return oqz_dnnl_decline(why, why_size, "no exact 8-bit products on this CPU"), false;
	if (q->from_float && q->nonnegative && s->zero >= 0 && s->fq.qmin < 0 && s->fq.qmax >= s->zero)
		s->fq.qmin = 0; /* codes below the zero point cannot occur, and unsigned sources are faster */
	bool is_signed = s->fq.qmin < 0;
	if (s->fq.qmin < (is_signed ? -128 : 0) || s->fq.qmax > (is_signed ? 127 : 255))
		return oqz_dnnl_decline(why, why_size, "codes %d..%d of input %d do not fit 8 bits", (int)s->fq.qmin,
		                        (int)s->fq.qmax, i),
		       false;
	if (s->zero < s->fq.qmin || s->zero > s->fq.qmax)
		return oqz_dnnl_decline(why, why_size, "zero point of input %d is out of range", i), false;
	s->type = is_signed ? dnnl_s8 : dnnl_u8;
	if (!q->from_float) {
		enum oqz_dtype t = d->in_type[i].dtype;
		if (t != OQZ_DT_U8 && t != OQZ_DT_I8)
			return oqz_dnnl_decline(why, why_size, "codes of type %s", oqz_dtype_name(t)), false;
		s->type = t == OQZ_DT_I8 ? dnnl_s8 : dnnl_u8;
	}
	return true;
}

/* What is applied in front of the quantizer. Division and rounding are monotonic, so a clamp (Relu, Clip) before them
 * is one behind them, where the grid clamps anyway: it narrows the grid and costs nothing. NaN passes a clamp and
 * becomes the code of zero, which therefore must be among its results. */
static void absorb(struct oqz_dnnl_source *s, const struct oqz_step_quant *q)
{
	float lo = q->pre_lo, hi = q->pre_hi, first = (float)(s->fq.qmin - s->zero),
	      last = (float)(s->fq.qmax - s->zero);

	s->lo = -INFINITY;
	s->hi = INFINITY;
	s->pre = q->pre_row;
	s->pre_params = q->pre_params;
	if (!q->pre_clamps || !(lo <= 0 && hi >= 0))
		return;
	if (s->fq.kind == OQZ_FQ_MINIFLOAT) {
		s->lo = lo / s->scale;
		s->hi = hi / s->scale;
		s->pre = NULL;
	} else if (s->fq.round == OQZ_ROUND_HALF_EVEN && first <= 0 && last >= 0) {
		lo = rintf(lo / s->scale);
		hi = rintf(hi / s->scale);
		s->fq.qmin = lo > first ? s->zero + (int32_t)lo : s->fq.qmin;
		s->fq.qmax = hi < last ? s->zero + (int32_t)hi : s->fq.qmax;
		s->pre = NULL;
	}
}

bool oqz_dnnl_source_init(struct oqz_dnnl_source *s, const struct oqz_step_desc *d, int i, char *why, size_t why_size)
{
	const struct oqz_step_quant *q = &d->quant[i];

	*s = (struct oqz_dnnl_source) { .from_float = q->from_float };
	if (!q->present || q->codes || !grid_of(q, &s->fq))
		return oqz_dnnl_decline(why, why_size, "input %d is not on an integer or float grid", i), false;
	if (q->axis >= 0 || q->block || oqz_tensor_nelem(q->scale) != 1 || (q->zero && oqz_tensor_nelem(q->zero) != 1))
		return oqz_dnnl_decline(why, why_size, "input %d has more than one scale", i), false;
	s->scale = (float)oqz_load_f(q->scale->dtype, q->scale->data, 0);
	s->zero = q->zero ? (int32_t)oqz_load_i(q->zero->dtype, q->zero->data, 0) : 0;
	if (!(s->scale > 0) || !isfinite(s->scale))
		return oqz_dnnl_decline(why, why_size, "scale of input %d is out of range", i), false;
	absorb(s, q);
	return source_type(s, d, i, why, why_size);
}

void oqz_dnnl_source_bind(struct oqz_dnnl_source *s)
{
	s->fq.scale = &s->scale;
	s->fq.zero = &s->zero;
}

static void source_codes(const struct oqz_dnnl_source *s, const float *x, size_t n, void *out)
{
	int32_t codes[BLOCK];

	if (s->fq.kind == OQZ_FQ_MINIFLOAT) {
		const struct oqz_to_minifloat q = { &s->fq.mf, s->fq.round == OQZ_ROUND_HALF_TO_ZERO, s->scale, s->lo,
			                            s->hi };
		if (s->type == dnnl_f32)
			oqz_quantize_minifloat(&q, x, n, out);
		else
			oqz_quantize_minifloat_bf16(&q, x, n, out);
		return;
	}
	if (s->fq.round == OQZ_ROUND_HALF_EVEN) {
		oqz_quantize_8(x, n, s->scale, s->zero, s->fq.qmin, s->fq.qmax, out);
		return;
	}
	for (size_t at = 0; at < n; at += BLOCK) {
		size_t m = n - at < BLOCK ? n - at : BLOCK;
		struct oqz_shape shape = { .rank = 1, .dim = { (int64_t)m } };
		oqz_fq_codes(&s->fq, &shape, x + at, codes);
		for (size_t i = 0; i < m; i++)
			((uint8_t *)out)[at + i] = (uint8_t)codes[i]; /* modulo 256: right for int8_t as well */
	}
}

void oqz_dnnl_source_codes(const struct oqz_dnnl_source *s, const float *x, size_t n, void *out)
{
	float block[BLOCK];

	if (!s->pre) {
		source_codes(s, x, n, out);
		return;
	}
	for (size_t at = 0; at < n; at += BLOCK) {
		size_t m = n - at < BLOCK ? n - at : BLOCK;
		s->pre(x + at, block, m, &s->pre_params);
		source_codes(s, block, m, (char *)out + at * oqz_dnnl_source_size(s));
	}
}

/* ---- weights ---------------------------------------------------------------------------------------------------- */

void oqz_dnnl_weights_release(struct oqz_dnnl_weights *w)
{
	free(w->codes);
	free(w->scale);
	free(w->bound);
	free(w->out_scale);
	*w = (struct oqz_dnnl_weights) { 0 };
}

static double scale_at(const struct oqz_tensor *t, int64_t c)
{
	return oqz_load_f(t->dtype, t->data, oqz_tensor_nelem(t) == 1 ? 0 : (size_t)c);
}

OQZ_KERNEL static void divide_row(const float *restrict x, const float *restrict by, size_t n, float *restrict out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = x[i] / by[i];
}

OQZ_KERNEL static void divide_run(const float *restrict x, float by, size_t n, float *restrict out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = x[i] / by;
}

/* Weights are worked on piece by piece, so that nothing between floats and codes leaves the cache. */
enum { PIECE = 1024 };
struct piece {
	size_t first, n, channel;
	bool each; /* one code of each channel from `channel` on; else all are that channel's */
};

/* Goes through the tensor as (outer, channels, inner). Starts with n = 0; false: there are no more. */
static bool next_piece(const struct oqz_dnnl_weights *w, struct piece *p)
{
	size_t inner = (size_t)oqz_shape_span(&w->shape, w->axis + 1, w->shape.rank);
	size_t channels = (size_t)w->channels, end = channels * (size_t)oqz_shape_span(&w->shape, 0, w->axis) * inner;

	p->first += p->n;
	if (p->first >= end)
		return false;
	p->each = inner == 1;
	size_t row = p->each ? channels : inner, left = row - p->first % row;
	p->channel = p->each ? p->first % channels : p->first / inner % channels;
	p->n = left < PIECE ? left : PIECE;
	return true;
}

/* What a piece of weights is made with. */
struct maker {
	const struct oqz_step_quant *q;
	struct oqz_fq fq;     /* their grid, without scales */
	const float *zero;    /* one per channel */
	const int32_t *zeros; /* the same */
};

/* Numbers of the grid, before the scale and with the zero point in them: as they are, or made from what stands before a
 * FakeQuant. */
static void piece_values(const struct maker *m, const struct oqz_dnnl_weights *w, const struct piece *p, float *out)
{
	const struct oqz_tensor *t = m->q->codes;
	const float *x = (const float *)t->data + p->first, *scale = w->scale + p->channel;
	struct oqz_shape shape = { .rank = 1, .dim = { (int64_t)p->n } };
	struct oqz_fq fq = m->fq;
	int32_t codes[PIECE];
	float one = 1;

	if (!m->q->fake) {
		oqz_to_f32(t->dtype, (const char *)t->data + p->first * oqz_dtype_size(t->dtype), p->n, out);
		return;
	}
	if (fq.kind == OQZ_FQ_MINIFLOAT) {
		if (p->each)
			divide_row(x, scale, p->n, out);
		else
			divide_run(x, *scale, p->n, out);
		fq.scale = &one;
		oqz_fq_run(&fq, &shape, out, out);
		return;
	}
	fq.axis = p->each ? 0 : -1;
	fq.scale = scale;
	fq.zero = m->zeros + p->channel;
	oqz_fq_codes(&fq, &shape, x, codes);
	for (size_t k = 0; k < p->n; k++)
		out[k] = (float)codes[k];
}

/* What has been seen of integer codes. */
struct seen {
	int32_t lo, hi;
};

/* One channel's run of codes with the zero point taken off; returns the sum of their magnitudes. */
OQZ_KERNEL static int64_t store_i8(const float *restrict v, size_t n, float zero, int8_t *restrict out,
                                   struct seen *seen)
{
	int32_t lo = seen->lo, hi = seen->hi;
	int64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		int32_t c = (int32_t)(v[i] - zero);
		lo = c < lo ? c : lo;
		hi = c > hi ? c : hi;
		out[i] = (int8_t)c;
		sum += c < 0 ? -c : c;
	}
	*seen = (struct seen) { lo, hi };
	return sum;
}

/* The same for one code of each channel, where channels lie side by side. */
OQZ_KERNEL static void store_row_i8(const float *restrict v, size_t n, const float *restrict zero, int8_t *restrict out,
                                    double *restrict bound, struct seen *seen)
{
	int32_t lo = seen->lo, hi = seen->hi;

	for (size_t i = 0; i < n; i++) {
		int32_t c = (int32_t)(v[i] - zero[i]);
		lo = c < lo ? c : lo;
		hi = c > hi ? c : hi;
		out[i] = (int8_t)c;
		bound[i] += (double)(c < 0 ? -c : c);
	}
	*seen = (struct seen) { lo, hi };
}

/* Numbers of a small float format, as they are or as bfloat16. */
OQZ_KERNEL static void store_floats(const float *restrict v, size_t n, bool wide, void *restrict out)
{
	for (size_t i = 0; i < n && wide; i++)
		((float *)out)[i] = v[i];
	for (size_t i = 0; i < n && !wide; i++)
		((uint16_t *)out)[i] = (uint16_t)(oqz_float_bits(v[i]) >> 16);
}

OQZ_KERNEL static void add_magnitudes(const float *restrict v, size_t n, double *restrict bound)
{
	for (size_t i = 0; i < n; i++)
		bound[i] += (double)fabsf(v[i]);
}

static void store_piece(struct oqz_dnnl_weights *w, const float *zero, const struct piece *p, const float *v,
                        struct seen *seen)
{
	double *bound = w->bound + p->channel;

	if (w->type == dnnl_s8) {
		int8_t *out = (int8_t *)w->codes + p->first;
		if (p->each)
			store_row_i8(v, p->n, zero + p->channel, out, bound, seen);
		else
			*bound += (double)store_i8(v, p->n, zero[p->channel], out, seen);
		return;
	}
	store_floats(v, p->n, w->type == dnnl_f32, (char *)w->codes + p->first * oqz_dnnl_type_size(w->type));
	if (p->each)
		add_magnitudes(v, p->n, bound);
	for (size_t i = 0; i < p->n && !p->each; i++)
		*bound += (double)fabsf(v[i]);
}

static bool store_all(struct oqz_dnnl_weights *w, const struct maker *m)
{
	struct piece p = { 0 };
	struct seen seen = { 0 };
	float values[PIECE];

	while (next_piece(w, &p)) {
		piece_values(m, w, &p, values);
		store_piece(w, m->zero, &p, values, &seen);
	}
	return seen.lo >= -128 && seen.hi <= 127; /* integers only */
}

/* Everything about them that can be refused before their numbers are looked at. */
static const char *refuse_weights(const struct oqz_step_quant *q, const struct oqz_fq *fq, int axis)
{
	int64_t channels = q->codes->shape.dim[axis], n_scale = oqz_tensor_nelem(q->scale),
	        n_zero = q->zero ? oqz_tensor_nelem(q->zero) : 0;

	if ((q->fake && q->codes->dtype != OQZ_DT_F32) || (fq->kind == OQZ_FQ_MINIFLOAT && !fits_bf16(&fq->mf)))
		return "weights that no kernel takes";
	if (q->block || (n_scale != 1 && (q->axis != axis || n_scale != channels)) || (n_zero > 1 && n_zero != n_scale))
		return "weight scales are not per tensor or per output channel";
	return NULL;
}

enum oqz_status oqz_dnnl_weights_init(struct oqz_dnnl_weights *ret, const struct oqz_step_desc *d, int i, int axis,
                                      const struct oqz_dnnl_source *src, char *why, size_t why_size,
                                      struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_weights_release) struct oqz_dnnl_weights w = { 0 };
	OQZ_CLEANUP_FREE float *zero = NULL;
	OQZ_CLEANUP_FREE int32_t *zeros = NULL;
	const struct oqz_step_quant *q = &d->quant[i];
	struct maker m = { .q = q };

	if (!q->present || !q->codes || !grid_of(q, &m.fq) || m.fq.kind != src->fq.kind)
		return oqz_dnnl_decline(why, why_size, "weights are not constant on a grid of the same kind");
	const char *reason = refuse_weights(q, &m.fq, axis);
	if (reason)
		return oqz_dnnl_decline(why, why_size, "%s", reason);
	w.shape = q->codes->shape;
	w.axis = axis;
	w.channels = w.shape.dim[axis];
	w.type = src->fq.kind == OQZ_FQ_MINIFLOAT ? src->type : dnnl_s8;
	size_t bytes = (size_t)oqz_shape_nelem(&w.shape) * oqz_dnnl_type_size(w.type), channels = (size_t)w.channels;
	w.codes = malloc(bytes + 1);
	w.scale = malloc(channels * sizeof *w.scale);
	w.bound = calloc(channels, sizeof *w.bound);
	m.zero = zero = malloc(channels * sizeof *zero);
	m.zeros = zeros = malloc(channels * sizeof *zeros);
	if (!w.codes || !w.scale || !w.bound || !zero || !zeros)
		return oqz_err_nomem(err, "weight codes", bytes);
	for (int64_t c = 0; c < w.channels; c++) {
		w.scale[c] = (float)scale_at(q->scale, c);
		zeros[c] = q->zero ? (int32_t)scale_at(q->zero, c) : 0;
		zero[c] = (float)zeros[c];
	}
	if (q->fake)
		OQZ_TRY(oqz_fq_check(&m.fq, &w.shape, err));
	if (!store_all(&w, &m))
		return oqz_dnnl_decline(why, why_size, "weight codes do not fit 8 bits around their zero point");
	*ret = w;
	w = (struct oqz_dnnl_weights) { 0 };
	return OQZ_OK;
}

/* ---- scales ------------------------------------------------------------------------------------------------------ */

bool oqz_dnnl_set_scale(struct oqz_dnnl_attr *a, const struct oqz_dnnl_source *s, float scale)
{
	if (s->fq.kind == OQZ_FQ_MINIFLOAT)
		return dnnl_post_ops_append_eltwise(a->ops, 1, dnnl_eltwise_linear, scale, 0) == dnnl_success;
	return dnnl_primitive_attr_set_output_scales(a->attr, 1, 0, &scale) == dnnl_success &&
	       (!s->zero || dnnl_primitive_attr_set_zero_points(a->attr, DNNL_ARG_SRC, 1, 0, &s->zero) == dnnl_success);
}

/* One scale per channel. */
static bool set_channel_scales(struct oqz_dnnl_attr *a, const struct oqz_dnnl_source *s, struct oqz_dnnl_weights *w,
                               int nd, int dim)
{
	dnnl_dims_t dims;

	if (s->fq.kind == OQZ_FQ_MINIFLOAT) {
		for (int i = 0; i < nd; i++)
			dims[i] = i == dim ? w->channels : 1;
		w->scale_md = oqz_dnnl_md_dims(nd, dims, dnnl_f32);
		w->scale_is_argument = true;
		return dnnl_post_ops_append_binary(a->ops, dnnl_binary_mul, &w->scale_md) == dnnl_success;
	}
	return dnnl_primitive_attr_set_output_scales(a->attr, w->channels, 1 << dim, w->out_scale) == dnnl_success &&
	       (!s->zero || dnnl_primitive_attr_set_zero_points(a->attr, DNNL_ARG_SRC, 1, 0, &s->zero) == dnnl_success);
}

/* Small floats times powers of two are bfloat16 (or float32) numbers: then no scale is left to apply. */
static bool fold_scales(struct oqz_dnnl_weights *w)
{
	int64_t outer = oqz_shape_span(&w->shape, 0, w->axis);
	int64_t inner = oqz_shape_span(&w->shape, w->axis + 1, w->shape.rank);
	size_t k = 0;
	int e;

	for (int64_t c = 0; c < w->channels; c++)
		if (fabsf(frexpf(w->out_scale[c], &e)) != 0.5f || e < -40 || e > 40)
			return false;
	for (int64_t o = 0; o < outer; o++)
		for (int64_t c = 0; c < w->channels; c++)
			for (int64_t i = 0; i < inner; i++, k++) {
				uint16_t *half = (uint16_t *)w->codes + k;
				if (w->type == dnnl_f32)
					((float *)w->codes)[k] *= w->out_scale[c];
				else
					*half = (uint16_t)(oqz_float_bits(oqz_bits_float((uint32_t)*half << 16) *
					                                  w->out_scale[c]) >>
					                   16);
			}
	return true;
}

bool oqz_dnnl_out_scales(const struct oqz_dnnl_source *s, struct oqz_dnnl_weights *w, double factor, const float *bias,
                         int64_t n_bias, float *ret_bias, char *why, size_t why_size)
{
	double lo = (double)s->zero - s->fq.qmin, hi = (double)s->fq.qmax - s->zero, reach = lo > hi ? lo : hi;

	w->out_scale = calloc((size_t)w->channels, sizeof *w->out_scale);
	if (!w->out_scale)
		return oqz_dnnl_decline(why, why_size, "out of memory"), false;
	for (int64_t c = 0; c < w->channels; c++) {
		double f = (double)s->scale * w->scale[c] * factor, b = bias ? bias[n_bias == 1 ? 0 : c] : 0;
		if (w->bound[c] == 0) /* only zeros: the output is the bias, and the scale may be anything */
			f = 1;
		if (s->fq.kind == OQZ_FQ_AFFINE && w->bound[c] * reach > INT32_MAX)
			return oqz_dnnl_decline(why, why_size, "sums could exceed 32 bits"), false;
		if (!(fabs(f) >= 1e-30 && fabs(f) <= 1e30 && fabs(b / f) <= 1e30))
			return oqz_dnnl_decline(why, why_size, "scales leave the range of float32"), false;
		w->out_scale[c] = (float)f;
		ret_bias[c] = (float)(b / (double)w->out_scale[c]);
	}
	w->scales_left = w->type == dnnl_s8 || !fold_scales(w);
	for (int64_t c = 0; c < w->channels && !w->scales_left; c++)
		ret_bias[c] = bias ? bias[n_bias == 1 ? 0 : c] : 0;
	return true;
}

bool oqz_dnnl_set_scales(struct oqz_dnnl_attr *a, const struct oqz_dnnl_source *s, struct oqz_dnnl_weights *w, int nd,
                         int dim, double factor, const float *bias, int64_t n_bias, float *ret_bias, char *why,
                         size_t why_size)
{
	bool same = true;

	if (!oqz_dnnl_out_scales(s, w, factor, bias, n_bias, ret_bias, why, why_size))
		return false;
	for (int64_t c = 1; c < w->channels; c++)
		same &= w->out_scale[c] == w->out_scale[0];
	if (w->scales_left &&
	    (same ? !oqz_dnnl_set_scale(a, s, w->out_scale[0]) : !set_channel_scales(a, s, w, nd, dim)))
		return oqz_dnnl_decline(why, why_size, "oneDNN refuses the scales"), false;
	return true;
}

enum oqz_status oqz_dnnl_pack_scales(struct oqz_dnnl_prim *p, const struct oqz_dnnl_weights *w, struct oqz_err *err)
{
	if (!w->scale_is_argument)
		return OQZ_OK;
	/* the scale is the first post-operation */
	return oqz_dnnl_prim_pack(p, DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, &w->scale_md, w->out_scale,
	                          &w->scale_md, err);
}
