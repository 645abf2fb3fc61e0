/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls a reference kernel: types and output shapes come from the operator's own type rule, fed with the actual inputs,
 * so a kernel starts with checked types and allocated outputs. Also the element access that reference kernels share:
 * they compute in double on plain arrays, and the element type matters only when reading and writing.
 */
#include "core/ops/ops_util.h"
#include "core/base/budget.h"

#include <stdlib.h>

enum oqz_status oqz_new_f64(int64_t n, double **ret, struct oqz_err *err)
{
	size_t bytes;

	if (n < 0 || !oqz_size_mul((size_t)n, sizeof(double), &bytes))
		OQZ_FAIL(err, OQZ_E_LIMIT, "a work array of %lld elements is too large", (long long)n);
	OQZ_TRY(oqz_budget_check(bytes, "a work array", err));
	double *p = calloc(bytes ? bytes : 1, 1);
	if (!p)
		return oqz_err_nomem(err, "a work array", bytes);
	*ret = p;
	return OQZ_OK;
}

void oqz_load_row(enum oqz_dtype t, const void *p, size_t first, size_t n, double *out)
{
	const float *f = p;

	if (t == OQZ_DT_F32)
		for (size_t i = 0; i < n; i++)
			out[i] = f[first + i];
	else
		for (size_t i = 0; i < n; i++)
			out[i] = oqz_load_f(t, p, first + i);
}

void oqz_store_row(enum oqz_dtype t, const double *v, size_t n, void *p, size_t first)
{
	float *f = p;

	if (t == OQZ_DT_F32)
		for (size_t i = 0; i < n; i++)
			f[first + i] = (float)v[i];
	else
		for (size_t i = 0; i < n; i++)
			oqz_store_f(t, p, first + i, v[i]);
}

enum oqz_status oqz_read_f64(const struct oqz_tensor *t, double **ret, struct oqz_err *err)
{
	int64_t n = oqz_tensor_nelem(t);
	double *v = NULL;

	OQZ_TRY(oqz_new_f64(n, &v, err));
	oqz_load_row(t->dtype, t->data, 0, (size_t)n, v);
	*ret = v;
	return OQZ_OK;
}

void oqz_write_f64(struct oqz_tensor *t, const double *v)
{
	oqz_store_row(t->dtype, v, (size_t)oqz_tensor_nelem(t), t->data, 0);
}

OQZ_KERNEL void oqz_add_f64(double w, const double *restrict x, double *restrict y, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		y[i] += w * x[i];
}

enum oqz_status oqz_read_ints(const struct oqz_tensor *t, int64_t *out, size_t max, size_t *ret_n, struct oqz_err *err)
{
	return oqz_tensor_ints(t, out, max, ret_n, err);
}

void oqz_shape_strides(const struct oqz_shape *s, int64_t stride[OQZ_MAX_RANK])
{
	int64_t n = 1;

	for (int i = s->rank - 1; i >= 0; i--) {
		stride[i] = n;
		n *= s->dim[i];
	}
}

/* ---- the call ---- */

/* Arrays of one call, in one allocation each; entries beyond the node's own are NULL or unknown. */
struct frame {
	size_t n_in, n_out;
	struct oqz_type *type, *out_type;
	const struct oqz_type **type_of;
	const struct oqz_tensor **in, **constant;
	struct oqz_tensor **out;
	struct oqz_tensor spare; /* output 0 when only others are wanted: kernels count on it */
};

static void frame_release(struct frame *f)
{
	free(f->type);
	free(f->out_type);
	free((void *)f->type_of);
	free((void *)f->in);
	free((void *)f->constant);
	free((void *)f->out);
	oqz_tensor_release(&f->spare);
}

static enum oqz_status frame_init(struct frame *f, const struct oqz_node *n, const struct oqz_tensor *const *in,
                                  struct oqz_err *err)
{
	f->n_in = (size_t)(n->n_in > n->op->max_in ? n->n_in : n->op->max_in);
	f->n_out = (size_t)(n->n_out > n->op->max_out ? n->n_out : n->op->max_out);
	f->type = calloc(f->n_in + 1, sizeof *f->type);
	f->out_type = calloc(f->n_out + 1, sizeof *f->out_type);
	f->type_of = calloc(f->n_in + 1, sizeof *f->type_of);
	f->in = calloc(f->n_in + 1, sizeof *f->in);
	f->constant = calloc(f->n_in + 1, sizeof *f->constant);
	f->out = calloc(f->n_out + 1, sizeof *f->out);
	if (!f->type || !f->out_type || !f->type_of || !f->in || !f->constant || !f->out)
		return oqz_err_nomem(err, "a kernel call", (f->n_in + f->n_out) * sizeof *f->type);
	for (int i = 0; i < n->n_in; i++) {
		if (!in[i])
			continue;
		if (in[i]->layout != OQZ_LAYOUT_PLAIN)
			OQZ_FAIL(err, OQZ_E_INTERNAL, "input %d of a reference kernel is not row-major", i);
		f->in[i] = in[i];
		f->constant[i] = in[i]->data ? in[i] : NULL; /* Shape and Size need no data */
		f->type[i] = (struct oqz_type) { in[i]->dtype, in[i]->shape };
		f->type_of[i] = &f->type[i];
	}
	for (size_t i = 0; i <= f->n_out; i++)
		f->out_type[i].shape.rank = OQZ_RANK_UNKNOWN;
	return OQZ_OK;
}

static enum oqz_status check_result(const struct oqz_node *n, struct oqz_tensor *const *out, struct oqz_err *err)
{
	for (int i = 0; i < n->n_out; i++)
		if (n->out[i] && !out[i]->data)
			OQZ_FAIL(err, OQZ_E_INTERNAL, "the kernel left output %d without data", i);
	return OQZ_OK;
}

static bool any_wanted(const struct oqz_node *n)
{
	for (int i = 0; i < n->n_out; i++)
		if (n->out[i])
			return true;
	return false;
}

/* All outputs are tensors of a known place without elements. */
static bool nothing_to_compute(const struct oqz_call *c)
{
	bool any = false;

	for (int i = 0; i < c->n_out; i++) {
		const struct oqz_tensor *t = c->out[i];
		if (t && (!t->data || !oqz_shape_concrete(&t->shape) || oqz_tensor_nelem(t) != 0))
			return false;
		any |= t != NULL;
	}
	return any;
}

enum oqz_status oqz_op_call(const struct oqz_call *c, struct oqz_err *err)
{
	return nothing_to_compute(c) ? OQZ_OK : c->node->op->run(c, err);
}

static enum oqz_status run_in_frame(const struct oqz_node *n, struct frame *f, struct oqz_tensor *out,
                                    struct oqz_err *err)
{
	struct oqz_infer inf = { .node = n,
		                 .n_in = n->n_in,
		                 .n_out = n->n_out,
		                 .in = f->type_of,
		                 .constant = f->constant,
		                 .out = f->out_type };

	if (!any_wanted(n))
		return OQZ_OK;
	OQZ_TRY(oqz_infer_call(&inf, err));
	for (int i = 0; i < n->n_out; i++) {
		if (n->out[i])
			f->out[i] = &out[i];
		else if (i == 0)
			f->out[i] = &f->spare;
		else
			continue;
		if (f->out_type[i].dtype != OQZ_DT_UNDEFINED && !oqz_dtype_is_list(f->out_type[i].dtype) &&
		    oqz_shape_concrete(&f->out_type[i].shape))
			OQZ_TRY(oqz_tensor_alloc(f->out[i], f->out_type[i].dtype, &f->out_type[i].shape, err));
	}
	struct oqz_call call = { .node = n, .n_in = n->n_in, .n_out = n->n_out, .in = f->in, .out = f->out };
	OQZ_TRY(oqz_op_call(&call, err));
	return check_result(n, f->out, err);
}

enum oqz_status oqz_op_run(const struct oqz_node *n, const struct oqz_tensor *const *in, struct oqz_tensor *out,
                           struct oqz_err *err)
{
	OQZ_CLEANUP(frame_release) struct frame f = { 0 };

	if (!n->op || !n->op->run)
		OQZ_FAIL(err, OQZ_E_INTERNAL, "node '%s' (%s) is not resolved", n->name, n->op_type);
	enum oqz_status st = frame_init(&f, n, in, err);
	if (st == OQZ_OK)
		st = run_in_frame(n, &f, out, err);
	if (st != OQZ_OK) {
		for (int i = 0; i < n->n_out; i++)
			oqz_tensor_release(&out[i]);
		oqz_node_err(n, err);
	}
	return st;
}
