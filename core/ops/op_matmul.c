/* SPDX-License-Identifier: Apache-2.0
 *
 * MatMul, Gemm and their integer forms over one triple loop in double (exact for 8-bit operands). The innermost loop
 * runs along an output row; each output is summed in the order of k.
 */
#include "core/ops/op_matmul.h"
#include "core/ops/ops_util.h"

#include <stdlib.h>

/* ---- geometry and types ---- */

enum oqz_status oqz_matmul_geometry(const struct oqz_shape *a, const struct oqz_shape *b, struct oqz_matmul *ret,
                                    struct oqz_err *err)
{
	struct oqz_matmul g = { .m = -1, .k = -1, .n = -1 };

	g.out = g.batch = oqz_shape_unknown(OQZ_RANK_UNKNOWN);
	if (a->rank == 0 || b->rank == 0)
		OQZ_FAIL(err, OQZ_E_DATA, "a matrix product of a scalar");
	if (a->rank < 0 || b->rank < 0) {
		*ret = g;
		return OQZ_OK;
	}
	int64_t kb = b->rank == 1 ? b->dim[0] : b->dim[b->rank - 2];
	g.k = a->dim[a->rank - 1] >= 0 ? a->dim[a->rank - 1] : kb;
	OQZ_TRY(oqz_need_dim(kb, g.k, "rows of the second matrix", err));
	g.m = a->rank == 1 ? 1 : a->dim[a->rank - 2];
	g.n = b->rank == 1 ? 1 : b->dim[b->rank - 1];
	g.batch = oqz_shape_of(a->rank > 2 ? a->rank - 2 : 0, a->dim);
	struct oqz_shape bb = oqz_shape_of(b->rank > 2 ? b->rank - 2 : 0, b->dim);
	OQZ_TRY(oqz_shape_broadcast(&g.batch, &bb, err));
	g.out = g.batch;
	if (a->rank > 1)
		g.out.dim[g.out.rank++] = g.m;
	if (b->rank > 1)
		g.out.dim[g.out.rank++] = g.n;
	*ret = g;
	return OQZ_OK;
}

static enum oqz_status infer_product(struct oqz_infer *c, int a, int b, enum oqz_dtype dtype, struct oqz_err *err)
{
	struct oqz_type ta = oqz_in_type(c, a), tb = oqz_in_type(c, b);
	struct oqz_matmul g;

	c->out[0].dtype = dtype;
	OQZ_TRY(oqz_matmul_geometry(&ta.shape, &tb.shape, &g, err));
	c->out[0].shape = g.out;
	return OQZ_OK;
}

static enum oqz_status infer_matmul(struct oqz_infer *c, struct oqz_err *err)
{
	enum oqz_dtype t;

	OQZ_TRY(oqz_same_dtype(c, 0, 3, &t, err));
	return infer_product(c, 0, 1, t, err);
}

static enum oqz_status infer_matmul_integer(struct oqz_infer *c, struct oqz_err *err)
{
	return infer_product(c, 0, 1, OQZ_DT_I32, err);
}

static enum oqz_status infer_qlinear_matmul(struct oqz_infer *c, struct oqz_err *err)
{
	return infer_product(c, 0, 3, oqz_in_type(c, 7).dtype, err);
}

static enum oqz_status infer_gemm(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_gemm_params *p = OQZ_PARAMS(c->node, struct oqz_gemm_params);
	struct oqz_shape s = oqz_shape_unknown(2);
	int64_t k[2] = { -1, -1 };
	enum oqz_dtype t;

	OQZ_TRY(oqz_same_dtype(c, 0, 3, &t, err));
	OQZ_TRY(oqz_need_rank(c, 0, 2, 2, err));
	OQZ_TRY(oqz_need_rank(c, 1, 2, 2, err));
	for (int i = 0; i < 2; i++) {
		bool trans = i == 0 ? p->transA != 0 : p->transB != 0;
		if (oqz_in_rank(c, i) != 2)
			continue;
		const int64_t *dim = c->in[i]->shape.dim;
		s.dim[i] = dim[trans ? 1 - i : i];
		k[i] = dim[trans ? i : 1 - i];
	}
	OQZ_TRY(oqz_need_dim(k[1], k[0], "rows of the second matrix", err));
	if (c->in[2] && c->in[2]->shape.rank >= 0) {
		struct oqz_shape sum = s;
		OQZ_TRY(oqz_need_rank(c, 2, 0, 2, err));
		OQZ_TRY(oqz_shape_broadcast(&sum, &c->in[2]->shape, err));
		OQZ_TRY(oqz_shape_merge(&sum, &s, err)); /* C may not be larger than the product */
	}
	c->out[0] = (struct oqz_type) { t, s };
	return OQZ_OK;
}

/* ---- kernels ---- */

OQZ_KERNEL static void add_scaled(double *y, const double *x, double w, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		y[i] += w * x[i];
}

/* y (m,n) += a (m,k) * b (k,n), all row-major. */
static void multiply(double *y, const double *a, const double *b, int64_t m, int64_t k, int64_t n)
{
	for (int64_t i = 0; i < m; i++)
		for (int64_t l = 0; l < k; l++)
			add_scaled(y + i * n, b + l * n, a[i * k + l], n);
}

struct work {
	double *a, *b, *y;
};

static void work_release(struct work *w)
{
	free(w->a);
	free(w->b);
	free(w->y);
}

/* Offset of batch element i (flat, in the broadcast batch) in an operand whose own batch is `own`. */
static int64_t batch_offset(const struct oqz_shape *batch, const struct oqz_shape *own, int64_t i, int64_t matrix)
{
	int64_t at = 0, stride = matrix;
	int rank = own->rank > 2 ? own->rank - 2 : 0;

	for (int d = batch->rank - 1; d >= 0; d--) {
		int64_t coord = i % batch->dim[d];
		int od = d - (batch->rank - rank);
		i /= batch->dim[d];
		if (od < 0)
			continue;
		at += own->dim[od] == 1 ? 0 : coord * stride;
		stride *= own->dim[od];
	}
	return at;
}

static void multiply_batches(const struct work *w, const struct oqz_matmul *g, const struct oqz_shape *a,
                             const struct oqz_shape *b)
{
	/* of matrices without elements there may be any number */
	for (int64_t i = 0, n = g->m && g->n ? oqz_shape_nelem(&g->batch) : 0; i < n; i++)
		multiply(w->y + i * g->m * g->n, w->a + batch_offset(&g->batch, a, i, g->m * g->k),
		         w->b + batch_offset(&g->batch, b, i, g->k * g->n), g->m, g->k, g->n);
}

static enum oqz_status work_init(struct work *w, const struct oqz_tensor *a, const struct oqz_tensor *b,
                                 const struct oqz_tensor *y, struct oqz_err *err)
{
	OQZ_TRY(oqz_read_f64(a, &w->a, err));
	OQZ_TRY(oqz_read_f64(b, &w->b, err));
	return oqz_new_f64(oqz_tensor_nelem(y), &w->y, err);
}

/* The bias that only this program's own graphs have (pass fuse-matmul-add): one number, or one per column. */
static enum oqz_status add_bias(const struct work *w, const struct oqz_tensor *bias, const struct oqz_tensor *y,
                                int64_t columns, struct oqz_err *err)
{
	int64_t n = oqz_tensor_nelem(bias);

	if (n != 1 && n != columns)
		OQZ_FAIL(err, OQZ_E_DATA, "a bias of %lld numbers for %lld columns", (long long)n, (long long)columns);
	for (int64_t i = 0; i < oqz_tensor_nelem(y); i++)
		w->y[i] += oqz_load_f(bias->dtype, bias->data, (size_t)(n == 1 ? 0 : i % columns));
	return OQZ_OK;
}

static enum oqz_status run_matmul(const struct oqz_call *c, struct oqz_err *err)
{
	OQZ_CLEANUP(work_release) struct work w = { 0 };
	struct oqz_matmul g;

	OQZ_TRY(oqz_matmul_geometry(&c->in[0]->shape, &c->in[1]->shape, &g, err));
	OQZ_TRY(work_init(&w, c->in[0], c->in[1], c->out[0], err));
	multiply_batches(&w, &g, &c->in[0]->shape, &c->in[1]->shape);
	if (c->n_in > 2 && c->in[2])
		OQZ_TRY(add_bias(&w, c->in[2], c->out[0], g.n, err));
	oqz_write_f64(c->out[0], w.y);
	return OQZ_OK;
}

/* Which of n per-row (per-column) numbers belongs to row (column) i of batch matrix b with `per` rows (columns): one
 * for all, one each, or one each and batch. -1 when the count fits nothing. */
static int64_t vector_index(int64_t n, int64_t per, int64_t matrix, int64_t i)
{
	return n == 1 ? 0 : n == per ? i : n > 0 && n % per == 0 && matrix * per + i < n ? matrix * per + i : -1;
}

/* v (matrices, rows, cols) -= zero, which has one number per row or per column. */
static enum oqz_status subtract_zero(double *v, int64_t count, int64_t rows, int64_t cols, bool by_row,
                                     const struct oqz_tensor *zero, struct oqz_err *err)
{
	int64_t n = zero ? oqz_tensor_nelem(zero) : 0;

	for (int64_t i = 0; zero && i < count; i++) {
		int64_t row = i / cols % rows, col = i % cols, matrix = i / (rows * cols);
		int64_t at = vector_index(n, by_row ? rows : cols, matrix, by_row ? row : col);
		if (at < 0)
			OQZ_FAIL(err, OQZ_E_DATA, "%lld zero points for a matrix of %lld x %lld", (long long)n,
			         (long long)rows, (long long)cols);
		v[i] -= oqz_load_f(zero->dtype, zero->data, (size_t)at);
	}
	return OQZ_OK;
}

static enum oqz_status integer_product(const struct oqz_call *c, int b, const struct oqz_tensor *az,
                                       const struct oqz_tensor *bz, struct work *w, struct oqz_matmul *g,
                                       struct oqz_err *err)
{
	const struct oqz_tensor *ta = c->in[0], *tb = c->in[b];

	OQZ_TRY(oqz_matmul_geometry(&ta->shape, &tb->shape, g, err));
	OQZ_TRY(work_init(w, ta, tb, c->out[0], err));
	OQZ_TRY(subtract_zero(w->a, oqz_tensor_nelem(ta), g->m, g->k, true, az, err));
	OQZ_TRY(subtract_zero(w->b, oqz_tensor_nelem(tb), g->k, g->n, false, bz, err));
	multiply_batches(w, g, &ta->shape, &tb->shape);
	return OQZ_OK;
}

static enum oqz_status run_matmul_integer(const struct oqz_call *c, struct oqz_err *err)
{
	OQZ_CLEANUP(work_release) struct work w = { 0 };
	struct oqz_matmul g;

	OQZ_TRY(integer_product(c, 1, c->in[2], c->in[3], &w, &g, err));
	oqz_write_f64(c->out[0], w.y);
	return OQZ_OK;
}

/* in: a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero */
static enum oqz_status run_qlinear_matmul(const struct oqz_call *c, struct oqz_err *err)
{
	OQZ_CLEANUP(work_release) struct work w = { 0 };
	const struct oqz_tensor *as = c->in[1], *bs = c->in[4], *ys = c->in[6], *yz = c->in[7];
	struct oqz_matmul g;

	OQZ_TRY(integer_product(c, 3, c->in[2], c->in[5], &w, &g, err));
	if (oqz_tensor_nelem(ys) != 1 || oqz_tensor_nelem(yz) != 1)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "an output scale per row");
	float y_scale = (float)oqz_load_f(ys->dtype, ys->data, 0);
	double zero = oqz_load_f(yz->dtype, yz->data, 0);
	for (int64_t i = 0, n = oqz_tensor_nelem(c->out[0]); i < n; i++) {
		int64_t matrix = i / (g.m * g.n);
		int64_t ia = vector_index(oqz_tensor_nelem(as), g.m, matrix, i / g.n % g.m);
		int64_t ib = vector_index(oqz_tensor_nelem(bs), g.n, matrix, i % g.n);
		if (ia < 0 || ib < 0)
			OQZ_FAIL(err, OQZ_E_DATA, "the number of scales does not fit the matrices");
		/* The multiplier is float32, as in ONNX Runtime: the specification leaves its precision open. */
		float m = (float)oqz_load_f(as->dtype, as->data, (size_t)ia) *
		          (float)oqz_load_f(bs->dtype, bs->data, (size_t)ib) / y_scale;
		w.y[i] = (double)nearbyintf((float)w.y[i] * m) + zero;
	}
	oqz_write_f64(c->out[0], w.y);
	return OQZ_OK;
}

/* (rows, cols) -> (cols, rows) in place of the array. */
static enum oqz_status transpose(double **v, int64_t rows, int64_t cols, struct oqz_err *err)
{
	double *t = NULL;

	OQZ_TRY(oqz_new_f64(rows * cols, &t, err));
	for (int64_t i = 0; i < rows; i++)
		for (int64_t j = 0; j < cols; j++)
			t[j * rows + i] = (*v)[i * cols + j];
	free(*v);
	*v = t;
	return OQZ_OK;
}

static enum oqz_status run_gemm(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_gemm_params *p = OQZ_PARAMS(c->node, struct oqz_gemm_params);
	const struct oqz_shape *a = &c->in[0]->shape, *b = &c->in[1]->shape, *s = &c->out[0]->shape;
	const struct oqz_tensor *t = c->in[2];
	OQZ_CLEANUP(work_release) struct work w = { 0 };

	OQZ_TRY(work_init(&w, c->in[0], c->in[1], c->out[0], err));
	if (p->transA)
		OQZ_TRY(transpose(&w.a, a->dim[0], a->dim[1], err));
	if (p->transB)
		OQZ_TRY(transpose(&w.b, b->dim[0], b->dim[1], err));
	int64_t m = s->dim[0], n = s->dim[1];
	multiply(w.y, w.a, w.b, m, a->dim[p->transA ? 0 : 1], n);
	/* C: (), (1|n), (1|m, 1|n) */
	int64_t cm = t && t->shape.rank == 2 ? t->shape.dim[0] : 1;
	int64_t cn = t && t->shape.rank > 0 ? t->shape.dim[t->shape.rank - 1] : 1;
	for (int64_t i = 0; i < m * n; i++) {
		w.y[i] *= (double)p->alpha;
		if (t) {
			int64_t at = (cm == 1 ? 0 : i / n) * cn + (cn == 1 ? 0 : i % n);
			w.y[i] += (double)p->beta * oqz_load_f(t->dtype, t->data, (size_t)at);
		}
	}
	oqz_write_f64(c->out[0], w.y);
	return OQZ_OK;
}

static const struct oqz_attr_spec gemm_attrs[] = {
	OQZ_A_FLOAT(struct oqz_gemm_params, alpha, 1.0f),
	OQZ_A_FLOAT(struct oqz_gemm_params, beta, 1.0f),
	OQZ_A_INT(struct oqz_gemm_params, transA, 0),
	OQZ_A_INT(struct oqz_gemm_params, transB, 0),
	{ .name = NULL },
};

static const struct oqz_attr_spec einsum_attrs[] = {
	OQZ_A_REQUIRED(struct oqz_einsum_params, equation, OQZ_ATTR_STRING),
	{ .name = NULL },
};

const struct oqz_op oqz_ops_matmul[] = {
	{ OQZ_ROW(EINSUM), OQZ_ROW_PARAMS(struct oqz_einsum_params, einsum_attrs), .infer = oqz_einsum_infer,
	  .run = oqz_einsum_run },
	{ OQZ_ROW(GEMM), OQZ_ROW_PARAMS(struct oqz_gemm_params, gemm_attrs), .infer = infer_gemm, .run = run_gemm,
	  OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_WEIGHT, OQZ_ROLE_BIAS) },
	{ OQZ_ROW(MATMUL), .infer = infer_matmul, .run = run_matmul,
	  OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_WEIGHT, OQZ_ROLE_BIAS) },
	{ OQZ_ROW(MATMUL_INTEGER), .infer = infer_matmul_integer, .run = run_matmul_integer,
	  OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_WEIGHT, OQZ_ROLE_INDEX, OQZ_ROLE_INDEX) },
	{ OQZ_ROW(QLINEAR_MATMUL), .infer = infer_qlinear_matmul, .run = run_qlinear_matmul,
	  OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_INDEX, OQZ_ROLE_INDEX, OQZ_ROLE_WEIGHT, OQZ_ROLE_INDEX,
	                OQZ_ROLE_INDEX, OQZ_ROLE_INDEX, OQZ_ROLE_INDEX) },
	{ .name = NULL },
};
