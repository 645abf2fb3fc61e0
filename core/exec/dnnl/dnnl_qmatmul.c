/* SPDX-License-Identifier: Apache-2.0
 *
 * Gemm and MatMul on int8 and FP8 grids, float32 out, as dnnl_qconv.c. The right-hand side is either constant (packed
 * once, one scale per column or one for all) or a second quantized activation; its integer codes must be signed with
 * zero point 0, which is what oneDNN's kernels take (attention).
 */
#include "core/base/checked.h"
#include "core/exec/dnnl/dnnl_grid.h"
#include "core/exec/dnnl/dnnl_matmul.h"

#include <math.h>

struct qmatmul {
	struct oqz_dnnl_prim *prim;
	struct oqz_dnnl_source source[2];
	int n_source;          /* 1: B is packed in the primitive */
	size_t n[2], bytes[2]; /* elements; bytes of scratch for the codes */
};

static void qmatmul_free(void *state)
{
	struct qmatmul *q = state;

	if (q)
		oqz_dnnl_prim_free(q->prim);
	free(q);
}

/* Constant B: scales and bias from its columns, weights packed. */
static enum oqz_status build_packed(const struct oqz_step_desc *d, struct qmatmul *q, struct oqz_dnnl_attr *attr,
                                    char *why, size_t why_size, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_weights_release) struct oqz_dnnl_weights w = { 0 };
	OQZ_CLEANUP_FREE float *row = NULL, *bias = NULL;
	const struct oqz_shape *s = &d->quant[1].codes->shape;
	struct oqz_dnnl_mm g;

	if (s->rank != 2)
		return oqz_dnnl_decline(why, why_size, "constant right-hand side of rank %d", (int)s->rank);
	if (!oqz_dnnl_mm_init(&g, d, &d->in_type[0].shape, s, why, why_size))
		return OQZ_E_UNSUPPORTED;
	if (g.trans_a)
		return oqz_dnnl_decline(why, why_size, "transA");
	OQZ_TRY(oqz_dnnl_weights_init(&w, d, 1, !g.trans_b, &q->source[0], why, why_size, err));
	OQZ_TRY(oqz_dnnl_mm_bias(&g, d, &row, why, why_size, err));
	bias = malloc((size_t)w.channels * sizeof *bias);
	if (!bias)
		return oqz_err_nomem(err, "a bias", (size_t)w.channels * sizeof *bias);
	if (!oqz_dnnl_set_scales(attr, &q->source[0], &w, 2, 1, g.alpha, row, w.channels, bias, why, why_size))
		return OQZ_E_UNSUPPORTED;
	if (!oqz_dnnl_attr_act(attr, d->act))
		return oqz_dnnl_decline(why, why_size, "activation %s cannot be fused", d->act->op_type);
	OQZ_TRY(oqz_dnnl_attr_finish(attr, err));
	enum oqz_status st =
	    oqz_dnnl_mm_build(&g, q->source[0].type, w.type, w.codes, row ? bias : NULL, attr, &q->prim, err);
	if (st == OQZ_E_UNSUPPORTED)
		return oqz_dnnl_decline(why, why_size, "oneDNN has no kernel for it");
	OQZ_TRY(st);
	return oqz_dnnl_pack_scales(q->prim, &w, err);
}

/* Two activations. */
static enum oqz_status build_pair(const struct oqz_step_desc *d, struct qmatmul *q, struct oqz_dnnl_attr *attr,
                                  char *why, size_t why_size, struct oqz_err *err)
{
	struct oqz_dnnl_source *a = &q->source[0], *b = &q->source[1];
	float scale;
	struct oqz_dnnl_mm g;

	if (!oqz_dnnl_source_init(b, d, 1, why, why_size) ||
	    !oqz_dnnl_mm_init(&g, d, &d->in_type[0].shape, &d->in_type[1].shape, why, why_size))
		return OQZ_E_UNSUPPORTED;
	if (b->type == dnnl_u8 && b->fq.qmax <= 127 && b->from_float)
		b->type = dnnl_s8; /* codes without sign that fit are signed codes as well */
	if (b->type != (a->fq.kind == OQZ_FQ_MINIFLOAT ? a->type : dnnl_s8) || b->zero)
		return oqz_dnnl_decline(why, why_size,
		                        "codes of the right-hand side are unsigned or have a zero point");
	if (d->n_in > 2 || g.trans_a || g.trans_b)
		return oqz_dnnl_decline(why, why_size, "Gemm of two activations");
	double reach = fmax((double)a->zero - a->fq.qmin, (double)a->fq.qmax - a->zero) * 128.0;
	if (a->fq.kind == OQZ_FQ_AFFINE && (double)g.a[g.nd - 1] * reach > INT32_MAX)
		return oqz_dnnl_decline(why, why_size, "sums could exceed 32 bits");
	scale = (float)((double)a->scale * b->scale);
	if (!(scale >= 1e-30f && scale <= 1e30f))
		return oqz_dnnl_decline(why, why_size, "scales leave the range of float32");
	if (!oqz_dnnl_set_scale(attr, a, scale))
		return oqz_dnnl_decline(why, why_size, "oneDNN refuses the scales");
	if (!oqz_dnnl_attr_act(attr, d->act))
		return oqz_dnnl_decline(why, why_size, "activation %s cannot be fused", d->act->op_type);
	OQZ_TRY(oqz_dnnl_attr_finish(attr, err));
	enum oqz_status st = oqz_dnnl_mm_build(&g, a->type, b->type, NULL, NULL, attr, &q->prim, err);
	if (st == OQZ_E_UNSUPPORTED)
		return oqz_dnnl_decline(why, why_size, "oneDNN has no kernel for it");
	return st;
}

static enum oqz_status qmatmul_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                      size_t why_size, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_attr_release) struct oqz_dnnl_attr attr = { 0 };

	if (!d->group || !d->quant[1].present)
		return oqz_dnnl_decline(why, why_size, "the right-hand side is not quantized");
	struct qmatmul *q = calloc(1, sizeof *q);
	if (!q)
		return oqz_err_nomem(err, "a matrix product", sizeof *q);
	enum oqz_status st = oqz_dnnl_attr_init(&attr, err);
	q->n_source = d->quant[1].codes ? 1 : 2;
	if (st == OQZ_OK && !oqz_dnnl_source_init(&q->source[0], d, 0, why, why_size))
		st = OQZ_E_UNSUPPORTED;
	if (st == OQZ_OK)
		st = (q->n_source == 1 ? build_packed : build_pair)(d, q, &attr, why, why_size, err);
	if (st != OQZ_OK) {
		qmatmul_free(q);
		return st;
	}
	oqz_dnnl_choice(ret, q->prim, "qmatmul");
	for (int i = 0; i < q->n_source; i++) {
		oqz_dnnl_source_bind(&q->source[i]);
		q->n[i] = (size_t)oqz_shape_nelem(&d->in_type[i].shape);
		q->bytes[i] =
		    q->source[i].from_float ? oqz_align_up(q->n[i] * oqz_dnnl_source_size(&q->source[i]), 64) : 0;
		ret->scratch_bytes += q->bytes[i];
	}
	ret->ahead[0] = q->source[0].from_float;
	ret->state = q;
	return OQZ_OK;
}

static void qmatmul_ahead(const void *state, const struct oqz_step_call *c, int k, const float *x, size_t first,
                          size_t n)
{
	const struct qmatmul *q = state;

	oqz_dnnl_source_codes(&q->source[0], x, n, (char *)c->scratch + first * oqz_dnnl_source_size(&q->source[0]));
}

static enum oqz_status qmatmul_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct qmatmul *q = state;
	char *scratch = c->scratch;
	const void *arg[3];

	for (int i = 0; i < q->n_source; i++) {
		arg[i] = c->in[i]->data;
		if (q->source[i].from_float) {
			if (i > 0 || !c->ahead)
				oqz_dnnl_source_codes(&q->source[i], c->in[i]->data, q->n[i], scratch);
			arg[i] = scratch;
			scratch += q->bytes[i];
		}
	}
	arg[q->n_source] = c->out[0]->data;
	return oqz_dnnl_prim_run(q->prim, arg, scratch, err);
}

const struct oqz_impl oqz_impl_dnnl_qmatmul = { "dnnl.qmatmul", qmatmul_create, qmatmul_run, qmatmul_free,
	                                        qmatmul_ahead };
