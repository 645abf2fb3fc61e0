/* SPDX-License-Identifier: Apache-2.0
 *
 * MatMulInteger, QLinearMatMul, ConvInteger and QLinearConv: 8-bit codes in, exact sums in 32 bits. oneDNN multiplies
 * the codes as they are; zero points, which may be known at run time only, are put in afterwards, row by row of the
 * sums (a row: the outputs of one row of A, or of one pixel):
 *
 *	sum((a - z)(b - y)) = sum(a b) - z sum(b) - y (sum(a) - k z)		k products each, z of A, y of B
 *
 * All in unsigned arithmetic: only the result has to fit into 32 bits. oneDNN wants signed codes of B. Constant ones
 * have y taken off where 8 bits hold the difference, as they mostly do; else unsigned codes become signed ones by a
 * shift of 128, y with them, and a convolution gets one more output channel, whose weights are ones: it gives sum(a).
 * What a window reads beyond the edge is z: oneDNN takes 0, so where z is another number the input is copied into a
 * frame of it. QLinear operators scale as their reference does: float32, half to even, saturating.
 */
#include "core/base/checked.h"
#include "core/exec/dnnl/dnnl_conv.h"
#include "core/exec/dnnl/dnnl_matmul.h"
#include "core/ops/strided.h"

#include <math.h>
#include <string.h>

enum { CODES = 255 }; /* the largest difference of two codes */

/* Where the operators have their inputs; -1: not at all. */
struct places {
	int b, a_zero, b_zero, a_scale, b_scale, y_scale, y_zero, bias;
};

struct integer {
	struct oqz_dnnl_prim *prim;
	struct places at;
	int n_in;
	int64_t rows, n, wide;     /* sums; columns of the product, n and now and then one more: sum(a) */
	int64_t k, m, a_rows;      /* products of a sum; rows of A in one matrix, and of all of A */
	int64_t b_size, b_of_each; /* elements of a B that is read at run time (0: packed); rows of sums for each of its
	                            * matrices */
	bool a_signed, flip_b, has_y; /* flip_b: codes of B are unsigned at run time */
	bool last;                    /* the last column of the product is sum(a) */
	bool frame;                   /* the input is copied to `box`, which leaves its edges out */
	struct oqz_box box;
	size_t frame_bytes, frame_begin;
	uint32_t *b_sum, *y, *bias; /* n of each; b_sum and y of a B that is packed */
	float *scale, zero, lo, hi; /* QLinear: n factors, what is added, bounds; else NULL */
	size_t at_frame, at_b, at_b_sum, at_y, at_base, at_sums, at_prim; /* scratch memory */
};

static void integer_free(void *state)
{
	struct integer *s = state;

	if (s) {
		oqz_dnnl_prim_free(s->prim);
		free(s->b_sum);
		free(s->y);
		free(s->bias);
		free(s->scale);
	}
	free(s);
}
OQZ_DEFINE_CLEANUP(struct integer, integer_free)

/* ---- constants -------------------------------------------------------------------------------------------------- */

static bool is8(enum oqz_dtype t) { return t == OQZ_DT_U8 || t == OQZ_DT_I8; }

static bool known(const struct oqz_step_desc *d, int i) { return !oqz_step_has(d, i) || d->constant[i]; }

/* Number i of an input that has one number or one for each of many; 0 where it is left out. */
static int32_t number(const struct oqz_tensor *t, int64_t i)
{
	return t ? (int32_t)oqz_load_i(t->dtype, t->data, (size_t)(oqz_tensor_nelem(t) == 1 ? 0 : i)) : 0;
}

static int64_t count(const struct oqz_step_desc *d, int i)
{
	return i >= 0 && oqz_step_has(d, i) ? oqz_shape_nelem(&d->in_type[i].shape) : 1;
}

/* Signed codes of a constant B of n channels; channel c's element i is at c * channel + i * step. Fills s->y, s->b_sum
 * and *ret_reach, what a sum can reach. */
static enum oqz_status constant_codes(struct integer *s, const struct oqz_step_desc *d, int64_t channel, int64_t step,
                                      int8_t *out, double *ret_reach, struct oqz_err *err)
{
	const struct oqz_tensor *b = d->constant[s->at.b], *zero = d->constant[s->at.b_zero];
	bool fits = true;

	s->b_sum = calloc((size_t)s->n, sizeof *s->b_sum);
	s->y = calloc((size_t)s->n, sizeof *s->y);
	if (!s->b_sum || !s->y)
		return oqz_err_nomem(err, "sums of weights", (size_t)s->n * sizeof *s->y);
	*ret_reach = 0;
	for (int64_t c = 0; c < s->n; c++) {
		double reach = 0;
		for (int64_t i = 0; i < s->k; i++) {
			int64_t v = oqz_load_i(b->dtype, b->data, (size_t)(c * channel + i * step)) - number(zero, c);
			fits &= v >= INT8_MIN && v <= INT8_MAX;
			reach += (double)llabs(v) * CODES;
		}
		*ret_reach = fmax(*ret_reach, reach);
	}
	int32_t shift = b->dtype == OQZ_DT_U8 ? 128 : 0;
	for (int64_t c = 0; c < s->n; c++) {
		int32_t off = fits ? number(zero, c) : shift;
		for (int64_t i = 0; i < s->k; i++) {
			size_t at = (size_t)(c * channel + i * step);
			out[at] = (int8_t)(oqz_load_i(b->dtype, b->data, at) - off);
			s->b_sum[c] += (uint32_t)out[at];
		}
		s->y[c] = (uint32_t)(number(zero, c) - off);
	}
	s->has_y = !fits;
	return OQZ_OK;
}

/* What turns a sum into the output of a QLinear operator, or the reason why not. */
static enum oqz_status scaling(struct integer *s, const struct oqz_step_desc *d, char *why, size_t why_size,
                               struct oqz_err *err)
{
	const struct places *p = &s->at;
	bool u8 = d->out_type[0].dtype == OQZ_DT_U8;

	if (p->y_scale < 0)
		return OQZ_OK;
	for (int i = 0; i < 4; i++) {
		int in = (const int[]) { p->a_scale, p->b_scale, p->y_scale, p->y_zero }[i];
		if (!oqz_step_has(d, in) || !d->constant[in] || (count(d, in) != 1 && (i != 1 || count(d, in) != s->n)))
			return oqz_dnnl_decline(why, why_size, "scales that are not constant, or of rows");
	}
	s->scale = malloc((size_t)s->n * sizeof *s->scale);
	if (!s->scale)
		return oqz_err_nomem(err, "scales", (size_t)s->n * sizeof *s->scale);
	const struct oqz_tensor *as = d->constant[p->a_scale], *bs = d->constant[p->b_scale],
	                        *ys = d->constant[p->y_scale];
	for (int64_t c = 0; c < s->n; c++) {
		s->scale[c] = (float)oqz_load_f(as->dtype, as->data, 0) *
		              (float)oqz_load_f(bs->dtype, bs->data, (size_t)(count(d, p->b_scale) == 1 ? 0 : c)) /
		              (float)oqz_load_f(ys->dtype, ys->data, 0);
		if (!isfinite(s->scale[c]))
			return oqz_dnnl_decline(why, why_size, "scales leave the range of float32");
	}
	s->zero = (float)number(d->constant[p->y_zero], 0);
	s->lo = u8 ? 0 : INT8_MIN;
	s->hi = u8 ? UINT8_MAX : INT8_MAX;
	return OQZ_OK;
}

/* QLinearConv's bias, which the sums have to hold as well. */
static enum oqz_status add_bias(struct integer *s, const struct oqz_step_desc *d, double reach, char *why,
                                size_t why_size, struct oqz_err *err)
{
	const struct oqz_tensor *t = s->at.bias < 0 ? NULL : d->constant[s->at.bias];
	double most = 0;

	if (s->at.bias >= 0 && (!known(d, s->at.bias) || (t && t->dtype != OQZ_DT_I32)))
		return oqz_dnnl_decline(why, why_size, "a bias that is not constant");
	s->bias = calloc((size_t)s->n, sizeof *s->bias);
	if (!s->bias)
		return oqz_err_nomem(err, "a bias", (size_t)s->n * sizeof *s->bias);
	for (int64_t c = 0; t && c < s->n; c++) {
		most = fmax(most, fabs((double)((const int32_t *)t->data)[c]));
		s->bias[c] = (uint32_t)((const int32_t *)t->data)[c];
	}
	if (reach + most > INT32_MAX || (double)s->k * CODES * -INT8_MIN > INT32_MAX)
		return oqz_dnnl_decline(why, why_size, "sums could exceed 32 bits");
	return OQZ_OK;
}

/* ---- matrix products ----------------------------------------------------------------------------------------------
 */

static enum oqz_status build_product(struct integer *s, const struct oqz_step_desc *d, char *why, size_t why_size,
                                     struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_attr_release) struct oqz_dnnl_attr attr = { 0 };
	OQZ_CLEANUP_FREE int8_t *codes = NULL;
	const struct oqz_shape *a = &d->in_type[0].shape, *b = &d->in_type[s->at.b].shape;
	int64_t matrices = 1, all = 1, rows_a = count(d, s->at.a_zero), columns = count(d, s->at.b_zero);
	double reach = 0;
	struct oqz_dnnl_mm g;

	if (!oqz_dnnl_mm_init(&g, d, a, b, why, why_size))
		return OQZ_E_UNSUPPORTED;
	for (int i = 0; i < g.nd - 2; i++) {
		matrices *= g.b[i];
		all *= g.c[i];
	}
	s->n = s->wide = oqz_dnnl_mm_n(&g);
	s->k = g.a[g.nd - 1];
	s->m = a->rank == 1 ? 1 : a->dim[a->rank - 2];
	s->rows = all * g.c[g.nd - 2];
	s->a_rows = oqz_shape_nelem(a) / s->k;
	s->b_of_each = matrices == 1 ? s->rows : g.c[g.nd - 2];
	if ((matrices != 1 && matrices != all) || (s->a_rows != s->m && s->a_rows != s->rows) ||
	    (rows_a != 1 && rows_a != s->m) || (columns != 1 && columns != s->n))
		return oqz_dnnl_decline(why, why_size, "matrices that are read again, or zero points of matrices");
	reach = (double)s->k * CODES * CODES;
	g.c_type = dnnl_s32;
	if (d->constant[s->at.b] && g.nd == 2 && known(d, s->at.b_zero)) {
		codes = malloc((size_t)(s->k * s->n));
		if (!codes)
			return oqz_err_nomem(err, "codes of weights", (size_t)(s->k * s->n));
		OQZ_TRY(constant_codes(s, d, 1, s->n, codes, &reach, err));
	} else {
		s->b_size = oqz_shape_nelem(b);
		s->flip_b = d->in_type[s->at.b].dtype == OQZ_DT_U8;
		s->has_y = s->flip_b || oqz_step_has(d, s->at.b_zero);
	}
	OQZ_TRY(add_bias(s, d, reach, why, why_size, err));
	OQZ_TRY(oqz_dnnl_attr_init(&attr, err));
	return oqz_dnnl_mm_build(&g, s->a_signed ? dnnl_s8 : dnnl_u8, dnnl_s8, codes, NULL, &attr, &s->prim, err);
}

/* ---- convolutions -------------------------------------------------------------------------------------------------
 */

/* The input in a frame; the window then needs none, nor what oneDNN would add at the end. */
static bool build_frame(struct integer *s, struct oqz_dnnl_conv_geom *g, struct oqz_shape *x)
{
	struct oqz_shape to = *x;
	int64_t step[OQZ_MAX_RANK], into[OQZ_MAX_RANK], bytes;
	enum { MOST = 1 << 30 };

	for (int i = 0; i < g->win.nsp; i++)
		if (!oqz_i64_add(to.dim[i + 2], g->win.pad_l[i] + g->win.pad_r[i], &to.dim[i + 2]))
			return false;
	bytes = to.dim[0] * to.dim[1];
	for (int i = 2; i < to.rank; i++)
		if (!oqz_i64_mul(bytes, to.dim[i], &bytes) || bytes > MOST)
			return false;
	s->box.rank = 0;
	s->frame_begin = 0;
	step[to.rank - 1] = into[to.rank - 1] = x->dim[1];
	for (int i = to.rank - 2; i >= 2; i--) {
		step[i] = step[i + 1] * x->dim[i + 1];
		into[i] = into[i + 1] * to.dim[i + 1];
	}
	oqz_box_add(&s->box, x->dim[0], step[2] * x->dim[2], into[2] * to.dim[2]);
	for (int i = 2; i < to.rank; i++) {
		oqz_box_add(&s->box, x->dim[i], step[i], into[i]);
		s->frame_begin += (size_t)(g->win.pad_l[i - 2] * into[i]);
		g->win.pad_l[i - 2] = g->win.pad_r[i - 2] = 0;
	}
	oqz_box_add(&s->box, x->dim[1], 1, 1);
	s->frame_bytes = (size_t)bytes;
	*x = to;
	return s->frame = true;
}

/* Whether zeros of oneDNN's are not what the window shall read beyond the edge; *ret_sane: no padding is negative. */
static bool needs_frame(const struct integer *s, const struct oqz_step_desc *d, const struct oqz_dnnl_conv_geom *g,
                        bool *ret_sane)
{
	bool padded = false;

	*ret_sane = true;
	for (int i = 0; i < g->win.nsp; i++) {
		padded |= g->win.pad_l[i] || g->win.pad_r[i];
		*ret_sane &= g->win.pad_l[i] >= 0 && g->win.pad_r[i] >= 0;
	}
	return padded && !(known(d, s->at.a_zero) && number(d->constant[s->at.a_zero], 0) == 0);
}

static enum oqz_status conv_primitive(struct integer *s, const struct oqz_step_desc *d, struct oqz_dnnl_conv_geom *g,
                                      const struct oqz_shape *x, const int8_t *codes, struct oqz_err *err)
{
	struct oqz_shape y = d->out_type[0].shape;
	dnnl_memory_desc_t src, dst, w, any;
	dnnl_convolution_desc_t cd;

	y.dim[1] = s->wide;
	if (s->last)
		g->wdims[0] = s->wide; /* of one group */
	w = oqz_dnnl_md_dims(g->n_wdims, g->wdims, dnnl_s8);
	any = oqz_dnnl_md_any(&w);
	oqz_dnnl_md(x, s->a_signed ? dnnl_s8 : dnnl_u8, OQZ_LAYOUT_CHANNELS_LAST, &src);
	oqz_dnnl_md(&y, dnnl_s32, OQZ_LAYOUT_CHANNELS_LAST, &dst);
	OQZ_TRY(oqz_dnnl_conv_desc(g, &src, &any, NULL, &dst, &cd, err));
	OQZ_TRY(oqz_dnnl_prim_new(&cd, NULL, &s->prim, err));
	OQZ_TRY(oqz_dnnl_prim_pack(s->prim, DNNL_ARG_WEIGHTS, &w, codes,
	                           oqz_dnnl_prim_md(s->prim, dnnl_query_weights_md), err));
	oqz_dnnl_prim_arg(s->prim, DNNL_ARG_SRC, &src);
	oqz_dnnl_prim_arg(s->prim, DNNL_ARG_DST, &dst);
	return OQZ_OK;
}

static enum oqz_status build_conv(struct integer *s, const struct oqz_step_desc *d, char *why, size_t why_size,
                                  struct oqz_err *err)
{
	OQZ_CLEANUP_FREE int8_t *codes = NULL;
	const struct oqz_tensor *w = d->constant[s->at.b];
	struct oqz_shape x = d->in_type[0].shape;
	const struct oqz_shape *y = &d->out_type[0].shape;
	struct oqz_dnnl_conv_geom g;
	double reach = 0;
	bool sane;

	if (!w || !known(d, s->at.b_zero))
		return oqz_dnnl_decline(why, why_size, "weights that are not constant");
	if (!oqz_dnnl_conv_geometry(d, &w->shape, &g, why, why_size))
		return OQZ_E_UNSUPPORTED;
	s->n = s->wide = y->dim[1];
	s->k = oqz_shape_span(&w->shape, 1, w->shape.rank);
	s->rows = y->dim[0] * oqz_shape_span(y, 2, y->rank);
	s->m = s->a_rows = s->b_of_each = s->rows;
	int64_t columns = count(d, s->at.b_zero);
	if (count(d, s->at.a_zero) != 1 || (columns != 1 && columns != s->n))
		return oqz_dnnl_decline(why, why_size, "zero points of neither a tensor nor a channel");
	codes = malloc((size_t)((s->n + 1) * s->k));
	if (!codes)
		return oqz_err_nomem(err, "codes of weights", (size_t)((s->n + 1) * s->k));
	OQZ_TRY(constant_codes(s, d, s->k, 1, codes, &reach, err));
	s->last = s->has_y;
	if (s->last) {
		if (g.group > 1)
			return oqz_dnnl_decline(why, why_size, "weights of nine bits, in groups");
		memset(codes + s->n * s->k, 1, (size_t)s->k);
		s->wide++;
	}
	OQZ_TRY(add_bias(s, d, reach, why, why_size, err));
	bool frame = needs_frame(s, d, &g, &sane);
	if (!sane || (frame && !build_frame(s, &g, &x)))
		return oqz_dnnl_decline(why, why_size, "its padding");
	return conv_primitive(s, d, &g, &x, codes, err);
}

/* ---- planning -----------------------------------------------------------------------------------------------------
 */

/* Places of everything in scratch memory; *ret: all of it. */
static bool lay_out(struct integer *s, size_t *ret)
{
	int64_t words = sizeof(uint32_t), sums, matrices = s->rows / s->b_of_each;
	size_t n = 0, row = (size_t)s->n * sizeof(uint32_t);

	return oqz_i64_mul(s->rows, s->wide, &sums) && oqz_i64_mul(sums, words, &sums) &&
	       oqz_size_take(&n, s->frame ? s->frame_bytes : 0, &s->at_frame) &&
	       oqz_size_take(&n, s->flip_b ? (size_t)s->b_size : 0, &s->at_b) &&
	       oqz_size_take(&n, s->b_size ? (size_t)matrices * row : 0, &s->at_b_sum) &&
	       oqz_size_take(&n, s->b_size ? row : 0, &s->at_y) && oqz_size_take(&n, row, &s->at_base) &&
	       oqz_size_take(&n, s->last || s->scale ? (size_t)sums : 0, &s->at_sums) &&
	       oqz_size_take(&n, oqz_dnnl_prim_scratch(s->prim), &s->at_prim) && (*ret = n, true);
}

static bool places_of(enum oqz_op_id op, struct places *ret, bool *ret_conv)
{
	bool plain = op == OQZ_OP_MATMUL_INTEGER || op == OQZ_OP_CONV_INTEGER;

	*ret = plain ? (struct places) { 1, 2, 3, -1, -1, -1, -1, -1 }
	             : (struct places) { 3, 2, 5, 1, 4, 6, 7, op == OQZ_OP_QLINEAR_CONV ? 8 : -1 };
	*ret_conv = op == OQZ_OP_CONV_INTEGER || op == OQZ_OP_QLINEAR_CONV;
	return plain || *ret_conv || op == OQZ_OP_QLINEAR_MATMUL;
}

static enum oqz_status integer_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                      size_t why_size, struct oqz_err *err)
{
	OQZ_CLEANUP(integer_free_cleanup) struct integer *s = calloc(1, sizeof *s);
	bool conv;
	size_t scratch;

	if (!s)
		return oqz_err_nomem(err, "a product of integers", sizeof *s);
	if (!oqz_dnnl_exact_int8())
		return oqz_dnnl_decline(why, why_size, "this CPU does not sum 8-bit products exactly");
	if (!places_of(d->node->op->id, &s->at, &conv) || d->group || d->act || d->add || !is8(d->in_type[0].dtype) ||
	    !is8(d->in_type[s->at.b].dtype) || (s->at.y_scale >= 0 && !is8(d->out_type[0].dtype)))
		return oqz_dnnl_decline(why, why_size, "8-bit integers only");
	s->n_in = d->n_in;
	s->a_signed = d->in_type[0].dtype == OQZ_DT_I8;
	enum oqz_status st = (conv ? build_conv : build_product)(s, d, why, why_size, err);
	if (st == OQZ_E_UNSUPPORTED)
		return *why ? st : oqz_dnnl_decline(why, why_size, "oneDNN has no kernel for it");
	OQZ_TRY(st);
	OQZ_TRY(scaling(s, d, why, why_size, err));
	oqz_dnnl_choice(ret, s->prim, conv ? "integer.conv" : "integer.matmul");
	if (!lay_out(s, &scratch))
		return oqz_dnnl_decline(why, why_size, "more memory than there can be");
	ret->scratch_bytes = scratch;
	if (conv)
		ret->in_layout[0] = ret->out_layout[0] = OQZ_LAYOUT_CHANNELS_LAST;
	ret->uses_constant[0] = true;
	ret->uses_constant[s->at.a_zero] = true;
	ret->uses_constant[s->at.b] = ret->uses_constant[s->at.b_zero] = s->b_size > 0;
	ret->state = oqz_steal(s);
	return OQZ_OK;
}

/* ---- running ------------------------------------------------------------------------------------------------------
 */

/* Sum of n codes; `sign` is 128 for signed ones, which it makes unsigned, and 0 for others. */
OQZ_KERNEL static uint32_t sum_of(const uint8_t *x, int64_t n, uint8_t sign)
{
	uint32_t sum = 0;

	for (int64_t i = 0; i < n; i++)
		sum += (uint8_t)(x[i] ^ sign);
	return sum - sign * (uint32_t)n;
}

OQZ_KERNEL static void flip(const uint8_t *x, int64_t n, int8_t *y)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = (int8_t)(x[i] ^ 128);
}

OQZ_KERNEL static void add_row(const int8_t *x, int64_t n, uint32_t *sum)
{
	for (int64_t i = 0; i < n; i++)
		sum[i] += (uint32_t)x[i];
}

/* What all rows with the same z add. */
OQZ_KERNEL static void base_of(const uint32_t *bias, const uint32_t *b_sum, uint32_t z, int64_t n, uint32_t *base)
{
	for (int64_t i = 0; i < n; i++)
		base[i] = bias[i] - z * b_sum[i];
}

OQZ_KERNEL static void settle(const uint32_t *sum, const uint32_t *base, const uint32_t *y, uint32_t e, int64_t n,
                              uint32_t *out)
{
	if (e == 0)
		OQZ_IVDEP for (int64_t i = 0; i < n; i++) out[i] = sum[i] + base[i];
	else
		OQZ_IVDEP for (int64_t i = 0; i < n; i++) out[i] = sum[i] + base[i] - y[i] * e;
}

/* The same, scaled; numbers beyond a code's range are clamped before they become integers. */
OQZ_KERNEL static void settle_scaled(const struct integer *s, const uint32_t *sum, const uint32_t *base,
                                     const uint32_t *y, uint32_t e, uint8_t *out)
{
	const float *scale = s->scale;
	float zero = s->zero, lo = s->lo, hi = s->hi;

	OQZ_IVDEP for (int64_t i = 0; i < s->n; i++)
	{
		float v = rintf((float)(int32_t)(sum[i] + base[i] - y[i] * e) * scale[i]) + zero;
		v = v < lo ? lo : v;
		v = v > hi ? hi : v;
		out[i] = (uint8_t)(int32_t)v;
	}
}

static const struct oqz_tensor *input(const struct integer *s, const struct oqz_step_call *c, int i)
{
	return i < s->n_in ? c->in[i] : NULL;
}

/* Signed codes, their sums by columns, and y of a B that is read now. */
static const void *read_b(const struct integer *s, const struct oqz_step_call *c, char *scratch)
{
	const struct oqz_tensor *b = c->in[s->at.b], *zero = input(s, c, s->at.b_zero);
	uint32_t *sum = (uint32_t *)(scratch + s->at_b_sum), *y = (uint32_t *)(scratch + s->at_y);
	const int8_t *codes = b->data;
	int64_t rows = s->b_size / s->n;

	if (s->flip_b) {
		flip(b->data, s->b_size, (int8_t *)(scratch + s->at_b));
		codes = (const int8_t *)(scratch + s->at_b);
	}
	memset(sum, 0, (size_t)(rows / s->k * s->n) * sizeof *sum);
	for (int64_t r = 0; r < rows; r++)
		add_row(codes + r * s->n, s->n, sum + r / s->k * s->n);
	for (int64_t i = 0; i < s->n; i++)
		y[i] = (uint32_t)(number(zero, i) - (s->flip_b ? 128 : 0));
	return codes;
}

/* Zero points, bias and scales, row by row. `sums` may be the output itself. */
static void finish(const struct integer *s, const struct oqz_step_call *c, const uint32_t *sums, char *scratch)
{
	const struct oqz_tensor *zero = input(s, c, s->at.a_zero);
	const uint8_t *a = c->in[0]->data;
	const uint32_t *b_sum = s->b_size ? (const uint32_t *)(scratch + s->at_b_sum) : s->b_sum,
	               *y = s->b_size ? (const uint32_t *)(scratch + s->at_y) : s->y;
	uint32_t *base = (uint32_t *)(scratch + s->at_base), z = 0;
	char *out = c->out[0]->data;

	for (int64_t r = 0; r < s->rows; r++, sums += s->wide) {
		uint32_t here = (uint32_t)number(zero, r % s->m), e = 0;
		bool next = r > 0 && r % s->b_of_each == 0;
		b_sum += next ? s->n : 0;
		if (r == 0 || next || here != z)
			base_of(s->bias, b_sum, here, s->n, base);
		z = here;
		if (s->has_y)
			e = (s->last ? sums[s->n] : sum_of(a + r % s->a_rows * s->k, s->k, s->a_signed ? 128 : 0)) -
			    (uint32_t)s->k * z;
		if (s->scale)
			settle_scaled(s, sums, base, y, e, (uint8_t *)out + r * s->n);
		else
			settle(sums, base, y, e, s->n, (uint32_t *)out + r * s->n);
	}
}

static enum oqz_status integer_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct integer *s = state;
	char *scratch = c->scratch;
	const void *a = c->in[0]->data;
	void *sums = s->last || s->scale ? scratch + s->at_sums : c->out[0]->data;

	if (s->frame) {
		memset(scratch + s->at_frame, number(input(s, c, s->at.a_zero), 0), s->frame_bytes);
		oqz_box_copy(&s->box, 1, a, scratch + s->at_frame + s->frame_begin);
		a = scratch + s->at_frame;
	}
	if (s->b_size)
		OQZ_TRY(oqz_dnnl_prim_run(s->prim, (const void *[]) { a, read_b(s, c, scratch), sums },
		                          scratch + s->at_prim, err));
	else
		OQZ_TRY(oqz_dnnl_prim_run(s->prim, (const void *[]) { a, sums }, scratch + s->at_prim, err));
	finish(s, c, sums, scratch);
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_dnnl_integer = { "dnnl.integer", integer_create, integer_run, integer_free };
