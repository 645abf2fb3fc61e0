/* SPDX-License-Identifier: Apache-2.0
 *
 * Float graph + plan -> quantized graph. Three ways to say "on the grid", in order of preference:
 *
 *   1. QuantizeLinear/DequantizeLinear, where the grid is exactly an ONNX element type with half-even rounding: any
 * other tool understands it, and the executor lowers it to integer arithmetic. Constants become codes +
 * DequantizeLinear.
 *   2. One FakeQuant node, for constants too where scales are per tensor or per channel, since the executor makes codes
 * for its kernels from node and numbers.
 *   3. Other constants: their fake-quantized values, computed here once.
 */
#include "core/base/checked.h"
#include "core/base/str.h"
#include "core/ops/op_fakequant.h"
#include "core/quant/qplan.h"
#include "core/tensor/fakequant.h"

#include <stdio.h>
#include <string.h>

/* One edge being rewritten. */
struct edge {
	struct oqz_graph *g;
	struct oqz_node *node;
	const struct oqz_qplan_site *site;
	struct oqz_value *x;      /* what the node reads now, or makes */
	enum oqz_dtype codes;     /* ONNX type of the grid, UNDEFINED when there is none */
	struct oqz_node *before;  /* where new nodes go */
	const char *base;         /* "N/<input>/", "N/out<output>/" */
	struct oqz_node *made[2]; /* new nodes, to be resolved */
	int n_made;
};

/* ---------------------------------------------------------------------------------------------------- grids as types
 */

static bool same_grid(const struct oqz_fq *a, const struct oqz_fq *b)
{
	if (a->kind != b->kind || a->round != b->round)
		return false;
	if (a->kind == OQZ_FQ_AFFINE)
		return a->qmin == b->qmin && a->qmax == b->qmax;
	return a->mf.exp_bits == b->mf.exp_bits && a->mf.man_bits == b->mf.man_bits && a->mf.bias == b->mf.bias &&
	       a->mf.special == b->mf.special && a->mf.max == b->mf.max;
}

enum oqz_dtype oqz_qspec_dtype(const struct oqz_qspec *q)
{
	static const enum oqz_dtype types[] = { OQZ_DT_I8,     OQZ_DT_U8,        OQZ_DT_I16,      OQZ_DT_U16,
		                                OQZ_DT_I4,     OQZ_DT_U4,        OQZ_DT_F8E4M3FN, OQZ_DT_F8E4M3FNUZ,
		                                OQZ_DT_F8E5M2, OQZ_DT_F8E5M2FNUZ };
	struct oqz_fq want, have;

	if (q->dynamic || (q->grid.kind != OQZ_GRID_AFFINE && q->grid.kind != OQZ_GRID_MINIFLOAT))
		return OQZ_DT_UNDEFINED;
	oqz_qspec_fq(q, &want);
	for (size_t i = 0; i < OQZ_COUNTOF(types); i++) {
		if (!oqz_fq_of_dtype(types[i], &have) || !same_grid(&want, &have))
			continue;
		for (size_t k = 0; q->zero && k < q->n_scale; k++) {
			if (q->zero[k] < want.qmin || q->zero[k] > want.qmax)
				return OQZ_DT_UNDEFINED; /* a zero point has the type of the codes */
		}
		return types[i];
	}
	return OQZ_DT_UNDEFINED;
}

/* First operator set whose QuantizeLinear can say this. */
static int opset_of(enum oqz_dtype codes, const struct oqz_qspec *q)
{
	if (q->block > 0)
		return 21;
	switch (codes) {
	case OQZ_DT_I8:
	case OQZ_DT_U8: return 13;
	case OQZ_DT_I16:
	case OQZ_DT_U16:
	case OQZ_DT_I4:
	case OQZ_DT_U4: return 21;
	default: return 19;
	}
}

/* ---------------------------------------------------------------------------------------------------- constants */

static enum oqz_status add_constant(struct edge *e, const char *suffix, const struct oqz_tensor *t,
                                    struct oqz_value **ret, struct oqz_err *err)
{
	return oqz_graph_insert_constant(e->g, t, ret, err, "%s%s", e->base, suffix);
}

/* Shape of the scales: scalar, 1-D along the axis, or x's with blocks along the axis. */
static struct oqz_shape scale_shape(const struct oqz_qspec *q, const struct oqz_shape *x)
{
	struct oqz_shape s = { .rank = 0 };

	if (q->axis < 0 || q->dynamic)
		return s;
	if (q->block == 0) {
		s.rank = 1;
		s.dim[0] = (int64_t)q->n_scale;
		return s;
	}
	s = *x;
	s.dim[q->axis] = (s.dim[q->axis] + q->block - 1) / q->block;
	return s;
}

/* The constants scale (float32) and zero point (type `zt`). */
static enum oqz_status add_steps(struct edge *e, enum oqz_dtype zt, struct oqz_value **ret_scale,
                                 struct oqz_value **ret_zero, struct oqz_err *err)
{
	const struct oqz_qspec *q = &e->site->spec;
	struct oqz_shape shape = scale_shape(q, &e->x->type.shape);
	struct oqz_tensor t = { 0 };
	enum oqz_status st;

	st = oqz_tensor_alloc(&t, OQZ_DT_F32, &shape, err);
	if (st == OQZ_OK) {
		memcpy(t.data, q->scale, q->n_scale * sizeof *q->scale);
		st = add_constant(e, "scale", &t, ret_scale, err);
	}
	oqz_tensor_release(&t);
	if (st == OQZ_OK)
		st = oqz_tensor_alloc(&t, zt, &shape, err);
	if (st == OQZ_OK) {
		/* the code of 0.0 of the small floats is 0 */
		for (size_t i = 0; q->zero && i < q->n_scale; i++)
			oqz_store_i(zt, t.data, i, q->zero[i]);
		st = add_constant(e, "zero", &t, ret_zero, err);
	}
	oqz_tensor_release(&t);
	return st;
}

static enum oqz_status codes_tensor(const struct edge *e, struct oqz_tensor *t, struct oqz_err *err)
{
	const struct oqz_tensor *c = e->x->constant;

	OQZ_TRY(oqz_tensor_alloc(t, e->codes, &c->shape, err));
	return oqz_quantize_codes(&e->site->spec, &c->shape, c->data, t->dtype, t->data, err);
}

static enum oqz_status values_tensor(const struct edge *e, struct oqz_tensor *t, struct oqz_err *err)
{
	const struct oqz_tensor *c = e->x->constant;

	OQZ_TRY(oqz_tensor_alloc(t, OQZ_DT_F32, &c->shape, err));
	return oqz_fake_quantize(&e->site->spec, &c->shape, c->data, t->data, err);
}

/* ---------------------------------------------------------------------------------------------------- nodes */

/* A node with one output named base + suffix. */
static enum oqz_status add_node(struct edge *e, const char *suffix, const char *domain, const char *op, int opset,
                                struct oqz_value *const *in, int n_in, struct oqz_value **ret, struct oqz_err *err)
{
	struct oqz_node *n;

	OQZ_TRY(oqz_graph_insert_node(e->g, e->before, domain, op, opset, in, n_in, &n, err, "%s%s", e->base, suffix));
	e->made[e->n_made++] = n;
	*ret = n->out[0];
	return OQZ_OK;
}

static enum oqz_status set_place(struct oqz_node *n, const struct oqz_qspec *q, const char *block, struct oqz_err *err)
{
	if (q->axis >= 0)
		OQZ_TRY(oqz_node_set_int(n, "axis", q->axis, err));
	if (q->block > 0)
		OQZ_TRY(oqz_node_set_int(n, block, q->block, err));
	return OQZ_OK;
}

/* x -> Q -> DQ, or codes -> DQ. */
static enum oqz_status insert_pair(struct edge *e, struct oqz_value **ret, struct oqz_err *err)
{
	const struct oqz_qspec *q = &e->site->spec;
	int opset = opset_of(e->codes, q);
	struct oqz_value *in[3];

	OQZ_TRY(add_steps(e, e->codes, &in[1], &in[2], err));
	if (e->x->constant) {
		struct oqz_tensor t = { 0 };
		enum oqz_status st = codes_tensor(e, &t, err);
		if (st == OQZ_OK)
			st = add_constant(e, "q", &t, &in[0], err);
		oqz_tensor_release(&t);
		OQZ_TRY(st);
	} else {
		in[0] = e->x;
		OQZ_TRY(add_node(e, "q", "", "QuantizeLinear", opset, in, 3, &in[0], err));
		OQZ_TRY(set_place(e->made[0], q, "block_size", err));
	}
	OQZ_TRY(add_node(e, "dq", "", "DequantizeLinear", opset, in, 3, ret, err));
	return set_place(e->made[e->n_made - 1], q, "block_size", err);
}

static enum oqz_status set_grid(struct oqz_node *n, const struct oqz_grid *g, struct oqz_err *err)
{
	static const char *const kinds[] = { "", "affine", "minifloat", "codebook", "custom" };
	const struct {
		const char *name;
		int64_t v;
	} ints[] = { { "rounding", g->rounding }, { "qmin", g->qmin },         { "qmax", g->qmax },
		     { "exp_bits", g->exp_bits }, { "man_bits", g->man_bits }, { "bias", g->bias },
		     { "special", g->special } };

	OQZ_TRY(oqz_node_set_string(n, "kind", kinds[g->kind], err));
	if (g->kind == OQZ_GRID_CUSTOM)
		return OQZ_OK;
	for (size_t i = 0; i < OQZ_COUNTOF(ints); i++)
		OQZ_TRY(oqz_node_set_int(n, ints[i].name, ints[i].v, err));
	if (g->kind == OQZ_GRID_MINIFLOAT)
		OQZ_TRY(oqz_node_set_float(n, "max", (float)g->max, err));
	if (g->kind != OQZ_GRID_CODEBOOK)
		return OQZ_OK;
	OQZ_CLEANUP_FREE float *v = malloc(g->n_values * sizeof *v);
	if (!v)
		return oqz_err_nomem(err, "a code book", g->n_values * sizeof *v);
	for (uint32_t i = 0; i < g->n_values; i++)
		v[i] = (float)g->values[i];
	const struct oqz_attr a = { .name = "values", .type = OQZ_ATTR_FLOATS, .n = g->n_values, .floats = v };
	return oqz_node_set_attr(n, &a, err);
}

static enum oqz_status import_domain(struct oqz_graph *g, struct oqz_err *err)
{
	const struct oqz_opset own = { .domain = "oqz", .version = 1 };

	if (oqz_graph_opset(g, "oqz") == 0 && !oqz_vec_push(&g->opsets, own))
		return oqz_err_nomem(err, "operator sets", sizeof own);
	return OQZ_OK;
}

static enum oqz_status insert_fakequant(struct edge *e, struct oqz_value **ret, struct oqz_err *err)
{
	const struct oqz_qspec *q = &e->site->spec;
	struct oqz_value *in[3] = { e->x };
	bool custom = q->grid.kind == OQZ_GRID_CUSTOM;
	int n_in = custom ? 1 : (q->zero ? 3 : 2);

	OQZ_TRY(import_domain(e->g, err));
	if (!custom)
		OQZ_TRY(add_steps(e, OQZ_DT_I32, &in[1], &in[2], err));
	OQZ_TRY(add_node(e, "dq", "oqz", "FakeQuant", 1, in, n_in, ret, err));
	OQZ_TRY(set_grid(e->made[0], &q->grid, err));
	if (q->dynamic)
		OQZ_TRY(oqz_node_set_int(e->made[0], "dynamic", q->dynamic, err));
	return set_place(e->made[0], q, "block", err);
}

static enum oqz_status resolve_made(struct edge *e, struct oqz_err *err)
{
	const struct oqz_qspec *q = &e->site->spec;

	for (int i = 0; i < e->n_made; i++) {
		OQZ_TRY(oqz_node_resolve(e->made[i], err));
		OQZ_TRY(oqz_infer_node(e->made[i], err));
	}
	if (e->n_made == 1 && q->grid.kind == OQZ_GRID_CUSTOM) {
		struct oqz_fakequant *p = e->made[0]->params;
		p->custom = q->fake_quantize;
		p->ctx = q->ctx;
	}
	return OQZ_OK;
}

/* ---------------------------------------------------------------------------------------------------- the plan */

static enum oqz_status find_edge(struct oqz_graph *g, const struct oqz_qplan_site *s, struct edge *e,
                                 struct oqz_err *err)
{
	struct oqz_node *n = oqz_graph_node(g, s->node);

	if (!n)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "the graph has no node of this name");
	bool output = s->input < 0;
	int at = output ? -1 - s->input : s->input;
	struct oqz_value *x = at < (output ? n->n_out : n->n_in) ? (output ? n->out[at] : n->in[at]) : NULL;
	if (!x)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "the node has no such %s", output ? "output" : "input");
	if (strcmp(x->name, s->tensor) != 0)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "the node %s '%s' here, the plan says '%s'", output ? "makes" : "reads",
		         x->name, s->tensor);
	if (x->type.dtype != OQZ_DT_F32 && (x->constant || x->type.dtype != OQZ_DT_UNDEFINED))
		OQZ_FAIL(err, OQZ_E_MISMATCH, "only float32 can be quantized, this is %s",
		         oqz_dtype_name(x->type.dtype));
	if (oqz_qspec_check(&s->spec, &x->type.shape, err) != OQZ_OK)
		return err->code = OQZ_E_MISMATCH;
	if (s->spec.block > 0 && !x->constant && !s->spec.dynamic)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "blocks with scales of their own are for constants only");
	*e = (struct edge) { .g = g, .node = n, .site = s, .x = x, .codes = oqz_qspec_dtype(&s->spec) };
	e->before = output ? (n->index + 1 < (int)g->nodes.n ? g->nodes.v[n->index + 1] : NULL) : n;
	e->base = oqz_arena_printf(g->arena, output ? "%s/out%d/" : "%s/%d/", n->name, at);
	return e->base ? OQZ_OK : oqz_err_nomem(err, "a name", 0);
}

/* Constants on grids that kernels know by their parameters. */
static bool kernels_know(const struct oqz_qspec *q)
{
	return (q->grid.kind == OQZ_GRID_AFFINE || q->grid.kind == OQZ_GRID_MINIFLOAT) && q->block == 0;
}

static enum oqz_status apply_site(struct oqz_graph *g, const struct oqz_qplan_site *s, struct oqz_err *err)
{
	struct edge e;
	struct oqz_value *y = NULL;

	OQZ_TRY(find_edge(g, s, &e, err));
	if (e.codes != OQZ_DT_UNDEFINED) {
		OQZ_TRY(insert_pair(&e, &y, err));
	} else if (e.x->constant && !kernels_know(&s->spec)) {
		struct oqz_tensor t = { 0 };
		enum oqz_status st = values_tensor(&e, &t, err);
		if (st == OQZ_OK)
			st = add_constant(&e, "dq", &t, &y, err);
		oqz_tensor_release(&t);
		OQZ_TRY(st);
	} else {
		OQZ_TRY(insert_fakequant(&e, &y, err));
	}
	if (s->input >= 0) {
		OQZ_TRY(oqz_node_set_input(e.node, s->input, y, err));
		return resolve_made(&e, err);
	}
	if (!oqz_graph_can_replace(e.x, y))
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "the readers of '%s' cannot be given another value", e.x->name);
	OQZ_TRY(oqz_graph_replace(g, e.x, y, err));
	OQZ_TRY(oqz_node_set_input(e.made[0], 0, e.x, err));
	return resolve_made(&e, err);
}

enum oqz_status oqz_qplan_apply(const struct oqz_qplan *p, const struct oqz_graph *g, struct oqz_graph **ret,
                                struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *q = NULL;
	struct oqz_err local;

	err = err ? err : &local;
	OQZ_TRY(oqz_graph_clone(g, &q, err));
	OQZ_TRY(oqz_qplan_replace(p, q, err));
	/* outputs last: until then every edge reads the value that the plan names */
	for (int outputs = 0; outputs < 2; outputs++)
		for (size_t i = 0; i < p->sites.n; i++) {
			const struct oqz_qplan_site *s = &p->sites.v[i];
			if ((s->input < 0) == outputs && apply_site(q, s, err) != OQZ_OK)
				return oqz_err_prefix(err, "quantizing %s %d of node '%s'",
				                      outputs ? "output" : "input", outputs ? -1 - s->input : s->input,
				                      s->node);
		}
	OQZ_TRY(oqz_ops_resolve(q, err)); /* nodes with bodies come out of a clone unresolved */
	OQZ_TRY(oqz_graph_finish(q, err));
	*ret = oqz_steal(q);
	return OQZ_OK;
}
