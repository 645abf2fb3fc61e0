/* SPDX-License-Identifier: Apache-2.0
 *
 * Gemm and MatMul in float32. Constant right-hand sides are packed once into the order of the chosen kernel (a plain K
 * x N matrix costs up to a third of the speed of a batch-1 classifier layer); two activations multiply as they lie.
 */
#include "core/exec/dnnl/dnnl_matmul.h"

#include <string.h>

static bool is_gemm(const struct oqz_node *n) { return strcmp(n->op_type, "Gemm") == 0; }

/* MatMul: vectors become matrices, batch dims are aligned at the right (numpy's rule). */
static void mm_dims(struct oqz_dnnl_mm *g, const struct oqz_shape *a, const struct oqz_shape *b)
{
	struct oqz_shape x = *a, y = *b;

	if (x.rank == 1)
		x = (struct oqz_shape) { .rank = 2, .dim = { 1, a->dim[0] } };
	if (y.rank == 1)
		y = (struct oqz_shape) { .rank = 2, .dim = { b->dim[0], 1 } };
	if (oqz_shape_span(&y, 0, y.rank - 2) == 1) { /* one right-hand side: rows of all batches in one product */
		g->nd = 2;
		g->a[0] = g->c[0] = oqz_shape_span(&x, 0, x.rank - 1);
		g->a[1] = g->b[0] = x.dim[x.rank - 1];
		g->b[1] = g->c[1] = y.dim[y.rank - 1];
		return;
	}
	g->nd = x.rank > y.rank ? x.rank : y.rank;
	for (int i = 0; i < g->nd; i++) {
		int xi = i - (g->nd - x.rank), yi = i - (g->nd - y.rank);
		g->a[i] = xi < 0 ? 1 : x.dim[xi];
		g->b[i] = yi < 0 ? 1 : y.dim[yi];
		g->c[i] = g->a[i] > g->b[i] ? g->a[i] : g->b[i];
	}
	g->c[g->nd - 2] = g->a[g->nd - 2];
	g->c[g->nd - 1] = g->b[g->nd - 1];
	int batch = g->nd - 2;
	if (batch > 1 && memcmp(g->a, g->b, (size_t)batch * sizeof g->a[0]) == 0) { /* equal batch dims are one */
		for (int i = 1; i < batch; i++)
			g->a[0] *= g->a[i];
		g->b[0] = g->c[0] = g->a[0];
		for (int i = 0; i < 2; i++) {
			g->a[1 + i] = g->a[batch + i];
			g->b[1 + i] = g->b[batch + i];
			g->c[1 + i] = g->c[batch + i];
		}
		g->nd = 3;
	}
}

bool oqz_dnnl_mm_init(struct oqz_dnnl_mm *g, const struct oqz_step_desc *d, const struct oqz_shape *a,
                      const struct oqz_shape *b, char *why, size_t why_size)
{
	*g = (struct oqz_dnnl_mm) { .alpha = 1, .beta = 1 };
	if (a->rank < 1 || b->rank < 1 || oqz_shape_nelem(a) == 0 || oqz_shape_nelem(b) == 0)
		return oqz_dnnl_decline(why, why_size, "an empty tensor"), false;
	if (!is_gemm(d->node)) {
		mm_dims(g, a, b);
	} else {
		g->nd = 2;
		g->trans_a = oqz_node_int(d->node, "transA", 0);
		g->trans_b = oqz_node_int(d->node, "transB", 0);
		g->alpha = oqz_node_float(d->node, "alpha", 1);
		g->beta = oqz_node_float(d->node, "beta", 1);
		g->a[0] = g->c[0] = a->dim[g->trans_a];
		g->a[1] = a->dim[!g->trans_a];
		g->b[0] = b->dim[g->trans_b];
		g->b[1] = g->c[1] = b->dim[!g->trans_b];
	}
	if (g->a[g->nd - 1] != g->b[g->nd - 2])
		return oqz_dnnl_decline(why, why_size, "inner dimensions differ"), false;
	return true;
}

dnnl_memory_desc_t oqz_dnnl_mm_md(const struct oqz_dnnl_mm *g, const dnnl_dim_t *dims, bool transposed,
                                  dnnl_data_type_t type)
{
	dnnl_memory_desc_t r = oqz_dnnl_md_dims(g->nd, dims, type);

	if (transposed) { /* Gemm only: two dims */
		r.format_desc.blocking.strides[0] = 1;
		r.format_desc.blocking.strides[1] = dims[0];
	}
	return r;
}

enum oqz_status oqz_dnnl_mm_bias(const struct oqz_dnnl_mm *g, const struct oqz_step_desc *d, float **ret, char *why,
                                 size_t why_size, struct oqz_err *err)
{
	const struct oqz_tensor *t = d->constant[2];
	int64_t n = oqz_dnnl_mm_n(g);

	if (!oqz_step_has(d, 2) || g->beta == 0) {
		*ret = NULL;
		return OQZ_OK;
	}
	if (!t || t->dtype != OQZ_DT_F32)
		return oqz_dnnl_decline(why, why_size, "C is computed at run time or not float32");
	int64_t count = oqz_tensor_nelem(t);
	if (count != 1 && (count != n || t->shape.dim[t->shape.rank - 1] != n))
		return oqz_dnnl_decline(why, why_size, "C has rows of its own");
	float *row = malloc((size_t)n * sizeof *row);
	if (!row)
		return oqz_err_nomem(err, "a bias", (size_t)n * sizeof *row);
	for (int64_t i = 0; i < n; i++)
		row[i] = g->beta * ((const float *)t->data)[count == 1 ? 0 : i];
	*ret = row;
	return OQZ_OK;
}

enum oqz_status oqz_dnnl_mm_build(const struct oqz_dnnl_mm *g, dnnl_data_type_t a_type, dnnl_data_type_t b_type,
                                  const void *weights, const float *bias, struct oqz_dnnl_attr *attr,
                                  struct oqz_dnnl_prim **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_prim_free_cleanup) struct oqz_dnnl_prim *p = NULL;
	dnnl_memory_desc_t a = oqz_dnnl_mm_md(g, g->a, g->trans_a, a_type),
	                   b = oqz_dnnl_mm_md(g, g->b, g->trans_b, b_type),
	                   c = oqz_dnnl_mm_md(g, g->c, false, g->c_type ? g->c_type : dnnl_f32),
	                   want = weights ? oqz_dnnl_md_any(&b) : b, row;
	dnnl_dims_t rdims;
	dnnl_matmul_desc_t md;

	for (int i = 0; i < g->nd; i++)
		rdims[i] = i == g->nd - 1 ? g->c[i] : 1;
	row = oqz_dnnl_md_dims(g->nd, rdims, dnnl_f32);
	DNNL_TRY(dnnl_matmul_desc_init(&md, &a, &want, bias ? &row : NULL, &c));
	OQZ_TRY(oqz_dnnl_prim_new(&md, attr->attr, &p, err));
	if (weights)
		OQZ_TRY(oqz_dnnl_prim_pack(p, DNNL_ARG_WEIGHTS, &b, weights, oqz_dnnl_prim_md(p, dnnl_query_weights_md),
		                           err));
	if (bias)
		OQZ_TRY(oqz_dnnl_prim_pack(p, DNNL_ARG_BIAS, &row, bias, &row, err));
	oqz_dnnl_prim_arg(p, DNNL_ARG_SRC, &a);
	if (!weights)
		oqz_dnnl_prim_arg(p, DNNL_ARG_WEIGHTS, &b);
	oqz_dnnl_prim_arg(p, DNNL_ARG_DST, &c);
	*ret = oqz_steal(p);
	return OQZ_OK;
}

enum oqz_status oqz_dnnl_product_new(const struct oqz_dnnl_product *g, struct oqz_dnnl_prim **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_prim_free_cleanup) struct oqz_dnnl_prim *p = NULL;
	dnnl_memory_desc_t a, b, c;
	dnnl_matmul_desc_t md;

	DNNL_TRY(dnnl_memory_desc_init_by_strides(&a, g->nd, g->a, dnnl_f32, g->a_stride));
	DNNL_TRY(dnnl_memory_desc_init_by_strides(&b, g->nd, g->b, dnnl_f32, g->b_stride));
	DNNL_TRY(dnnl_memory_desc_init_by_strides(&c, g->nd, g->c, dnnl_f32, g->c_stride));
	DNNL_TRY(dnnl_matmul_desc_init(&md, &a, &b, NULL, &c));
	OQZ_TRY(oqz_dnnl_prim_new(&md, NULL, &p, err));
	oqz_dnnl_prim_arg(p, DNNL_ARG_SRC, &a);
	oqz_dnnl_prim_arg(p, DNNL_ARG_WEIGHTS, &b);
	oqz_dnnl_prim_arg(p, DNNL_ARG_DST, &c);
	*ret = oqz_steal(p);
	return OQZ_OK;
}

struct matmul {
	struct oqz_dnnl_prim *prim;
	bool packed; /* B is in the primitive */
};

static void matmul_free(void *state)
{
	struct matmul *m = state;

	if (m)
		oqz_dnnl_prim_free(m->prim);
	free(m);
}

/* Constant B times alpha: a copy when alpha is not one, else B itself. */
static enum oqz_status scaled_weights(const struct oqz_tensor *b, float alpha, float **own, const void **ret,
                                      struct oqz_err *err)
{
	size_t n = (size_t)oqz_tensor_nelem(b);

	*ret = b->data;
	if (alpha == 1)
		return OQZ_OK;
	*own = malloc(n * sizeof **own);
	if (!*own)
		return oqz_err_nomem(err, "scaled weights", n * sizeof **own);
	for (size_t i = 0; i < n; i++)
		(*own)[i] = alpha * ((const float *)b->data)[i];
	*ret = *own;
	return OQZ_OK;
}

static enum oqz_status matmul_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                     size_t why_size, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_attr_release) struct oqz_dnnl_attr attr = { 0 };
	OQZ_CLEANUP_FREE float *bias = NULL, *own = NULL;
	const struct oqz_tensor *b = d->constant[1];
	const void *weights = NULL;
	struct oqz_dnnl_mm g;

	if (d->group || d->in_type[0].dtype != OQZ_DT_F32 || d->in_type[1].dtype != OQZ_DT_F32)
		return oqz_dnnl_decline(why, why_size, "float32 only");
	if (!oqz_dnnl_mm_init(&g, d, &d->in_type[0].shape, &d->in_type[1].shape, why, why_size))
		return OQZ_E_UNSUPPORTED;
	if (!b && g.alpha != 1)
		return oqz_dnnl_decline(why, why_size, "alpha with two activations");
	OQZ_TRY(oqz_dnnl_mm_bias(&g, d, &bias, why, why_size, err));
	if (b)
		OQZ_TRY(scaled_weights(b, g.alpha, &own, &weights, err));
	OQZ_TRY(oqz_dnnl_attr_init(&attr, err));
	if (!oqz_dnnl_attr_act(&attr, d->act))
		return oqz_dnnl_decline(why, why_size, "activation %s cannot be fused", d->act->op_type);
	OQZ_TRY(oqz_dnnl_attr_finish(&attr, err));
	struct matmul *m = calloc(1, sizeof *m);
	if (!m)
		return oqz_err_nomem(err, "a matrix product", sizeof *m);
	enum oqz_status st = oqz_dnnl_mm_build(&g, dnnl_f32, dnnl_f32, weights, bias, &attr, &m->prim, err);
	if (st != OQZ_OK) {
		matmul_free(m);
		return st == OQZ_E_UNSUPPORTED ? oqz_dnnl_decline(why, why_size, "oneDNN has no kernel for it") : st;
	}
	m->packed = weights;
	oqz_dnnl_choice(ret, m->prim, "matmul");
	ret->uses_constant[0] = d->constant[0] != NULL; /* A is read as it lies, B only when it is not packed */
	ret->state = m;
	return OQZ_OK;
}

static enum oqz_status matmul_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct matmul *m = state;

	if (m->packed)
		return oqz_dnnl_run_unary(m->prim, c, err);
	return oqz_dnnl_prim_run(m->prim, (const void *[]) { c->in[0]->data, c->in[1]->data, c->out[0]->data },
	                         c->scratch, err);
}

const struct oqz_impl oqz_impl_dnnl_matmul = { "dnnl.matmul", matmul_create, matmul_run, matmul_free };
