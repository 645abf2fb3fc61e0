/* SPDX-License-Identifier: Apache-2.0
 *
 * Driver of the elementwise families. The loops see contiguous runs of their own arithmetic type; runs of float32 (and
 * float64, int64, uint64) tensors are handed over as they lie in memory, all others pass through blocks on the stack.
 */
#include "core/ops/op_elementwise.h"
#include "core/ops/broadcast.h"
#include "core/ops/ops_util.h"

enum { BLOCK = 256 };

union block {
	float f[BLOCK];
	double d[BLOCK];
	int64_t i[BLOCK];
	uint64_t u[BLOCK];
};

/* Texts stand once (core/tensor/text.h): Equal compares their pointers as the 64-bit words that they are. */
static bool is_native(enum ew_class c, enum oqz_dtype t)
{
	static const enum oqz_dtype native[EW_CLASSES] = { OQZ_DT_F32, OQZ_DT_F64, OQZ_DT_I64, OQZ_DT_U64,
		                                           OQZ_DT_BOOL };

	_Static_assert(sizeof(void *) == sizeof(uint64_t), "a text's pointer is compared as a uint64");
	return native[c] == t || (c == EW_U64 && t == OQZ_DT_STRING);
}

enum ew_class ew_class_of(enum oqz_dtype t)
{
	if (t == OQZ_DT_F32)
		return EW_F32;
	if (oqz_dtype_is_float(t))
		return EW_F64;
	return is_native(EW_U64, t) ? EW_U64 : EW_I64;
}

void ew_widen(enum ew_class c, enum oqz_dtype t, const void *p, size_t first, size_t n, void *out)
{
	if (c == EW_F32)
		oqz_to_f32(t, (const char *)p + first * oqz_dtype_size(t), n, out);
	else if (c == EW_F64)
		oqz_load_row(t, p, first, n, out);
	else
		oqz_to_i64(t, (const char *)p + first * oqz_dtype_size(t), n, out);
}

void ew_narrow(enum ew_class c, enum oqz_dtype t, const void *in, size_t n, void *p, size_t first)
{
	const float *f = in;
	const int64_t *q = in;

	if (c == EW_F64)
		oqz_store_row(t, in, n, p, first);
	else
		for (size_t i = 0; i < n; i++)
			if (c == EW_F32)
				oqz_store_f(t, p, first + i, (double)f[i]);
			else
				oqz_store_i(t, p, first + i, q[i]);
}

/* An operand's part of a block: in place when the type is the class' own. */
static const void *operand(enum ew_class c, const struct oqz_tensor *t, int64_t at, size_t n, int step,
                           union block *tmp)
{
	size_t size = oqz_dtype_size(t->dtype);

	if (is_native(c, t->dtype))
		return (const char *)t->data + (size_t)at * size;
	ew_widen(c, t->dtype, t->data, (size_t)at, step ? n : 1, tmp);
	return tmp;
}

/* float32 with float32 stays float32; anything else with a float is done in double (Pow mixes types). */
static enum ew_class common_class(const struct ew_formula *f, const struct oqz_tensor *a, const struct oqz_tensor *b)
{
	enum ew_class x = ew_class_of(a->dtype), y = b ? ew_class_of(b->dtype) : x;

	if (f->loop[EW_BOOL] && a->dtype == OQZ_DT_BOOL && (!b || b->dtype == OQZ_DT_BOOL))
		return EW_BOOL;
	if (x == y)
		return x;
	return x <= EW_F64 || y <= EW_F64 ? EW_F64 : x;
}

enum oqz_status ew_run(const struct oqz_node *n, const struct ew_formula *f, const struct oqz_tensor *a,
                       const struct oqz_tensor *b, struct oqz_tensor *out, const struct ew_params *p,
                       struct oqz_err *err)
{
	enum ew_class c = common_class(f, a, b);
	struct oqz_bcast it;
	union block ta, tb, to;

	if (!f->loop[c])
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "%s of %s", n->op_type, oqz_dtype_name(a->dtype));
	/* Predicates write bool, one byte, themselves. */
	bool direct_out = f->to_bool || is_native(c, out->dtype);
	bool direct = is_native(c, a->dtype) && (!b || is_native(c, b->dtype)) && direct_out;
	size_t out_size = oqz_dtype_size(out->dtype);
	char *o = out->data;

	oqz_bcast_init(&it, &out->shape, b ? 2 : 1, (const struct oqz_shape *[]) { &a->shape, b ? &b->shape : NULL });
	for (int64_t row = 0; row < it.rows; row++, oqz_bcast_next(&it)) {
		size_t run = (size_t)it.run, width = direct ? run : BLOCK;

		for (size_t j = 0; j < run; j += width) {
			size_t m = run - j < width ? run - j : width;
			size_t first = (size_t)row * run + j;
			const void *x = operand(c, a, it.at[0] + it.step[0] * (int64_t)j, m, it.step[0], &ta);
			const void *y =
			    b ? operand(c, b, it.at[1] + it.step[1] * (int64_t)j, m, it.step[1], &tb) : NULL;

			f->loop[c](m, x, it.step[0], y, it.step[1], direct_out ? (void *)(o + first * out_size) : &to,
			           p);
			if (!direct_out)
				ew_narrow(c, out->dtype, &to, m, o, first);
		}
	}
	return OQZ_OK;
}

static const struct ew_params *params_of(const struct oqz_node *n)
{
	static const struct ew_params none;

	return n->params ? OQZ_PARAMS(n, struct ew_params) : &none;
}

enum oqz_status ew_run_unary(const struct oqz_call *c, struct oqz_err *err)
{
	return ew_run(c->node, c->node->op->formula, c->in[0], NULL, c->out[0], params_of(c->node), err);
}

enum oqz_status ew_run_binary(const struct oqz_call *c, struct oqz_err *err)
{
	return ew_run(c->node, c->node->op->formula, c->in[0], c->in[1], c->out[0], params_of(c->node), err);
}

/* acc = formula(acc, x), x broadcast to the accumulator's shape. */
static void fold_operand(const struct ew_formula *f, enum ew_class k, const struct oqz_tensor *x,
                         const struct oqz_shape *shape, int64_t *acc)
{
	struct oqz_bcast it;
	union block tmp;

	oqz_bcast_init(&it, shape, 1, (const struct oqz_shape *[]) { &x->shape });
	for (int64_t row = 0; row < it.rows; row++, oqz_bcast_next(&it))
		for (int64_t j = 0; j < it.run; j += BLOCK) {
			size_t m = (size_t)(it.run - j < BLOCK ? it.run - j : BLOCK);
			int64_t *at = acc + row * it.run + j;
			const void *y = operand(k, x, it.at[0] + it.step[0] * j, m, it.step[0], &tmp);

			f->loop[k](m, at, 1, y, it.step[0], at, NULL);
		}
}

/* Any number of operands: accumulated in double or 64-bit integers, so that Sum and Mean round once. */
enum oqz_status ew_run_variadic(const struct oqz_call *c, struct oqz_err *err)
{
	const struct ew_formula *f = c->node->op->formula;
	struct oqz_tensor *out = c->out[0];
	size_t n = (size_t)oqz_tensor_nelem(out);
	enum ew_class k = ew_class_of(out->dtype);
	bool mean = c->node->op->id == OQZ_OP_MEAN;

	if (!f->loop[k])
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "%s of %s", c->node->op_type, oqz_dtype_name(out->dtype));
	if (c->n_in == 2 && !mean)
		return ew_run_binary(c, err);
	if (k == EW_F32)
		k = EW_F64;
	OQZ_CLEANUP_FREE int64_t *acc = malloc(n * sizeof *acc + 1);
	if (!acc)
		return oqz_err_nomem(err, c->node->op_type, n * sizeof *acc);

	struct oqz_bcast it;
	oqz_bcast_init(&it, &out->shape, 1, (const struct oqz_shape *[]) { &c->in[0]->shape });
	for (int64_t row = 0; row < it.rows; row++, oqz_bcast_next(&it))
		for (int64_t j = 0; j < it.run; j++)
			ew_widen(k, out->dtype, c->in[0]->data, (size_t)(it.at[0] + it.step[0] * j), 1,
			         acc + row * it.run + j);
	for (int i = 1; i < c->n_in; i++)
		fold_operand(f, k, c->in[i], &out->shape, acc);
	if (mean) {
		double *d = (double *)acc;
		for (size_t i = 0; i < n; i++)
			d[i] /= c->n_in;
	}
	ew_narrow(k, out->dtype, acc, n, out->data, 0);
	return OQZ_OK;
}

enum oqz_status ew_infer_unary(struct oqz_infer *c, struct oqz_err *err)
{
	const struct ew_formula *f = c->node->op->formula;

	c->out[0] = *c->in[0];
	if (f && f->to_bool)
		c->out[0].dtype = OQZ_DT_BOOL;
	return OQZ_OK;
}

enum oqz_status ew_infer_broadcast(struct oqz_infer *c, struct oqz_err *err)
{
	const struct ew_formula *f = c->node->op->formula;
	struct oqz_type t = oqz_in_type(c, 0);

	/* Pow takes its type from the base. */
	if (c->node->op->id != OQZ_OP_POW)
		OQZ_TRY(oqz_same_dtype(c, 0, c->n_in, &t.dtype, err));
	for (int i = 1; i < c->n_in; i++)
		OQZ_TRY(oqz_shape_broadcast(&t.shape, &c->in[i]->shape, err));
	if (f->to_bool)
		t.dtype = OQZ_DT_BOOL;
	c->out[0] = t;
	return OQZ_OK;
}
