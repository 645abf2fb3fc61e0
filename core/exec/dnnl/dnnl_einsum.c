/* SPDX-License-Identifier: Apache-2.0
 *
 * Einsum in float32 as batched matrix products, one for each operand after the first. A label is of the batch when both
 * sides have it and something behind needs it, a row or a column when only one side has it, and summed when nothing
 * behind needs it. An operand whose labels of each kind are one stride apart is multiplied where it lies, any other is
 * copied into order first; so is the result. Sums over one side alone, products of single numbers and intermediate
 * results that would be large are left to the reference.
 */
#include "core/base/checked.h"
#include "core/exec/dnnl/dnnl_matmul.h"
#include "core/ops/op_matmul.h"
#include "core/ops/strided.h"

#include <stdio.h>
#include <string.h>

/* MIN_PRODUCT: multiplications in each product of a batch, below which calling for it costs more than it saves. GROWTH:
 * an intermediate result may be so many times as large as the largest operand or the result. */
enum { MIN_PRODUCT = 64, GROWTH = 4, LABELS = OQZ_EINSUM_LABELS, SCRATCH = -1, OUTPUT = -2 };

/* A tensor by its strides along the labels; 0: it does not have the label. */
struct view {
	int64_t stride[LABELS];
	int operand; /* input, SCRATCH or OUTPUT */
	size_t at;   /* in the scratch memory */
};

struct labels {
	int n, of[LABELS];
};

/* One product. Where `copy` is set, the box is copied to or from the place of the scratch memory that is multiplied. */
struct stage {
	struct oqz_dnnl_prim *prim;
	struct place {
		struct view v;
		bool copy;
		struct oqz_box box;
		size_t at;
	} a, b, c;
};

struct einsum {
	int n;
	struct stage *stage;
	size_t at_prims; /* the primitives' own part of the scratch memory */
};

static void einsum_free(void *state)
{
	struct einsum *e = state;

	for (int i = 0; e && e->stage && i < e->n; i++)
		oqz_dnnl_prim_free(e->stage[i].prim);
	if (e)
		free(e->stage);
	free(e);
}

/* While planning. */
struct plan {
	struct oqz_einsum_walk w;
	int n_in;
	size_t bytes; /* of scratch memory up to now */
	int64_t most; /* elements that an intermediate result may have */
	struct labels batch, m, n, k;
	char name[64];   /* of the last product */
	const char *why; /* a reason to decline */
};

static int64_t span(const struct plan *p, const struct labels *l)
{
	int64_t n = 1;

	for (int i = 0; i < l->n; i++)
		n *= p->w.extent[l->of[i]]; /* of labels that one tensor has: it cannot overflow */
	return n;
}

/* Whether the labels are one behind the other in memory, as one label would be; its stride (1 of none). */
static bool joins(const struct plan *p, const struct labels *l, const int64_t *stride, int64_t *ret)
{
	*ret = l->n ? stride[l->of[l->n - 1]] : 1;
	for (int i = 0; i + 1 < l->n; i++)
		if (stride[l->of[i]] != stride[l->of[i + 1]] * p->w.extent[l->of[i + 1]])
			return false;
	return true;
}

/* The largest strides first: as the labels lie in memory. */
static void in_memory_order(struct labels *l, const int64_t *stride)
{
	for (int i = 1; i < l->n; i++)
		for (int j = i; j > 0 && stride[l->of[j - 1]] < stride[l->of[j]]; j--) {
			int t = l->of[j];
			l->of[j] = l->of[j - 1];
			l->of[j - 1] = t;
		}
}

/* Room for n floats; false when it cannot be counted. */
/* Row-major strides of the labels one list behind the other. */
static void dense(const struct plan *p, const struct labels *const *lists, int n, int64_t *stride)
{
	int64_t step = 1;

	memset(stride, 0, LABELS * sizeof *stride);
	for (int i = n - 1; i >= 0; i--)
		for (int j = lists[i]->n - 1; j >= 0; j--) {
			stride[lists[i]->of[j]] = step;
			step *= p->w.extent[lists[i]->of[j]];
		}
}

/* Whether each label's stride is at least the whole length of those within it: not so for some diagonals ("ijji"),
 * which oneDNN does not describe. */
static bool nested(const struct plan *p, const struct labels *rows, const struct labels *columns, const int64_t *stride)
{
	const struct labels *const lists[] = { &p->batch, rows, columns };
	struct labels all = { .n = 0 };

	for (int i = 0; i < 3; i++)
		for (int j = 0; j < lists[i]->n; j++)
			all.of[all.n++] = lists[i]->of[j];
	in_memory_order(&all, stride);
	for (int i = 0; i + 1 < all.n; i++)
		if (stride[all.of[i]] < stride[all.of[i + 1]] * p->w.extent[all.of[i + 1]])
			return false;
	return true;
}

/* The strides of one side's dims (batch..., rows, columns), and whether it can be multiplied where it lies. `any`: the
 * columns may be the ones that are apart. Batch labels keep dims of their own. */
static bool in_place(const struct plan *p, const struct labels *rows, const struct labels *columns,
                     const int64_t *stride, bool any, dnnl_dim_t *ret)
{
	int n = p->batch.n;
	int64_t r, c;

	if (!nested(p, rows, columns, stride) || !joins(p, rows, stride, &r) || !joins(p, columns, stride, &c))
		return false;
	if (!columns->n)
		c = 1;
	if (!rows->n) /* of one row: any distance will do */
		r = c == 1 ? span(p, columns) : 1;
	if (c != 1 && !(any && r == 1))
		return false;
	for (int i = 0; i < n; i++)
		ret[i] = stride[p->batch.of[i]];
	ret[n] = r;
	ret[n + 1] = c;
	return true;
}

/* Decides where a side is multiplied: where it lies, or in a copy in the order batch, rows, columns. `out`: the copy is
 * made afterwards, the other way. */
static bool settle(struct plan *p, struct place *x, const struct labels *rows, const struct labels *columns, bool out,
                   bool copy, dnnl_dim_t *ret)
{
	const struct labels *order[] = { &p->batch, rows, columns };
	int64_t stride[LABELS], n = span(p, &p->batch) * span(p, rows) * span(p, columns);

	x->copy = copy || !in_place(p, rows, columns, x->v.stride, !out, ret);
	if (!x->copy)
		return true;
	dense(p, order, 3, stride);
	x->box.rank = 0;
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < order[i]->n; j++) {
			int l = order[i]->of[j];
			oqz_box_add(&x->box, p->w.extent[l], out ? stride[l] : x->v.stride[l],
			            out ? x->v.stride[l] : stride[l]);
		}
	return oqz_dnnl_take(&p->bytes, n, &x->at) && in_place(p, rows, columns, stride, !out, ret);
}

/* Whether a label is needed behind operand `last`. */
static bool needed(const struct plan *p, int label, int last)
{
	bool r = label < p->w.n_out;

	for (int i = last + 1; i < p->n_in && !r; i++)
		r = p->w.stride[i][label] != 0;
	return r;
}

/* Sorts the labels of both sides into the four kinds; false: some are summed on one side alone. */
static bool classify(struct plan *p, const struct view *x, const struct view *y, int last)
{
	p->batch.n = p->m.n = p->n.n = p->k.n = 0;
	p->why = "a sum over one operand alone";
	for (int l = 0; l < p->w.n; l++) {
		bool in_x = x->stride[l] != 0, in_y = y->stride[l] != 0, keep = needed(p, l, last);
		struct labels *to = in_x && in_y ? keep ? &p->batch : &p->k : in_x ? &p->m : &p->n;
		if (p->w.extent[l] == 1 || (!in_x && !in_y))
			continue;
		if (!keep && in_x != in_y)
			return false;
		to->of[to->n++] = l;
	}
	in_memory_order(&p->k, x->stride);
	return p->batch.n + 2 <= DNNL_MAX_NDIMS;
}

/* Neighbouring dims of the batch that are one stride apart on all sides become one. */
static void join_batch(struct oqz_dnnl_product *g, int batch)
{
	dnnl_dim_t *const strides[] = { g->a_stride, g->b_stride, g->c_stride }, *const dims[] = { g->a, g->b, g->c };

	for (int i = batch - 2; i >= 0; i--) {
		bool join = true;
		for (int k = 0; k < 3; k++)
			join = join && strides[k][i] == strides[k][i + 1] * dims[k][i + 1];
		if (!join)
			continue;
		for (int k = 0; k < 3; k++) {
			dims[k][i + 1] *= dims[k][i];
			memmove(&dims[k][i], &dims[k][i + 1], (size_t)(g->nd - i - 1) * sizeof **dims);
			memmove(&strides[k][i], &strides[k][i + 1], (size_t)(g->nd - i - 1) * sizeof **strides);
		}
		g->nd--;
	}
}

static enum oqz_status multiply(struct plan *p, struct stage *s, bool copy, struct oqz_err *err)
{
	struct oqz_dnnl_product g = { .nd = p->batch.n + 2 };
	int64_t m = span(p, &p->m), n = span(p, &p->n), k = span(p, &p->k);

	if (!settle(p, &s->a, &p->m, &p->k, false, copy, g.a_stride) ||
	    !settle(p, &s->b, &p->k, &p->n, false, copy, g.b_stride) ||
	    !settle(p, &s->c, &p->m, &p->n, true, copy, g.c_stride))
		OQZ_FAIL(err, OQZ_E_LIMIT, "a product that is too large");
	for (int i = 0; i < p->batch.n; i++)
		g.a[i] = g.b[i] = g.c[i] = p->w.extent[p->batch.of[i]];
	g.a[g.nd - 2] = g.c[g.nd - 2] = m;
	g.a[g.nd - 1] = g.b[g.nd - 2] = k;
	g.b[g.nd - 1] = g.c[g.nd - 1] = n;
	join_batch(&g, p->batch.n);
	OQZ_TRY(oqz_dnnl_product_new(&g, &s->prim, err));
	oqz_dnnl_prim_name(s->prim, "einsum", p->name, sizeof p->name);
	return OQZ_OK;
}

/* The result of the stage whose labels have been sorted: the output, or scratch memory in the order batch, m, n. False,
 * with p->why: it would be too large, or is nothing that a product makes. */
static bool result_view(struct plan *p, bool last, struct view *z)
{
	const struct labels *order[] = { &p->batch, &p->m, &p->n };
	int64_t n = 1, step = 1;

	for (int k = 0; k < 3; k++)
		for (int j = 0; j < order[k]->n; j++)
			if (!oqz_i64_mul(n, p->w.extent[order[k]->of[j]], &n) || n > p->most) {
				p->why = "a large intermediate result";
				return false;
			}
	if (!last) {
		dense(p, order, 3, z->stride);
		z->operand = SCRATCH;
		return oqz_dnnl_take(&p->bytes, n, &z->at);
	}
	memset(z->stride, 0, sizeof z->stride);
	z->operand = OUTPUT;
	for (int l = p->w.n_out - 1; l >= 0; step *= p->w.extent[l--])
		z->stride[l] = step;
	p->why = "a label twice on the right side";
	return n == step;
}

/* Whether the result's innermost label is one that only x has: then its rows are y's. */
static bool ends_with(const struct plan *p, const struct view *z, const struct view *x, const struct view *y)
{
	for (int l = 0; l < p->w.n; l++)
		if (z->stride[l] == 1 && p->w.extent[l] != 1)
			return x->stride[l] && !y->stride[l];
	return false;
}

/* The product of what there is, x, with operand `i`, y, into *z. OQZ_E_UNSUPPORTED with p->why: declined. */
static enum oqz_status add_stage(struct plan *p, struct stage *s, const struct view *x, const struct view *y, int i,
                                 struct view *z, struct oqz_err *err)
{
	if (!classify(p, x, y, i) || !result_view(p, i == p->n_in - 1, z))
		return OQZ_E_UNSUPPORTED;
	if (p->batch.n && (double)span(p, &p->m) * (double)span(p, &p->n) * (double)span(p, &p->k) < MIN_PRODUCT) {
		p->why = "products of few numbers";
		return OQZ_E_UNSUPPORTED;
	}
	if (ends_with(p, z, x, y)) {
		struct labels t = p->m;
		const struct view *v = x;
		p->m = p->n;
		p->n = t;
		x = y;
		y = v;
	}
	s->a.v = *x;
	s->b.v = *y;
	s->c.v = *z;
	OQZ_TRY(multiply(p, s, false, err));
	if (!strstr(p->name, ".ref"))
		return OQZ_OK;
	oqz_dnnl_prim_free(s->prim); /* oneDNN has kernels for dense tensors only */
	s->prim = NULL;
	return multiply(p, s, true, err);
}

static const char *refuse(const struct oqz_step_desc *d)
{
	if (d->group || d->act || d->n_in < 2 || d->n_in > OQZ_EINSUM_OPERANDS)
		return "one operand";
	for (int i = 0; i < d->n_in; i++)
		if (d->in_type[i].dtype != OQZ_DT_F32 || oqz_shape_nelem(&d->in_type[i].shape) == 0)
			return "not float32, or an empty tensor";
	return oqz_shape_nelem(&d->out_type[0].shape) == 0 ? "an empty tensor" : NULL;
}

static enum oqz_status plan_all(struct einsum *e, const struct oqz_step_desc *d, struct plan *p, struct oqz_err *err)
{
	const struct oqz_type *types[OQZ_EINSUM_OPERANDS];
	struct view x = { .operand = 0 }, y = { .operand = 0 }, z = { .operand = 0 };

	p->most = oqz_shape_nelem(&d->out_type[0].shape);
	for (int i = 0; i < d->n_in; i++) {
		int64_t n = oqz_shape_nelem(&d->in_type[i].shape);
		types[i] = &d->in_type[i];
		p->most = n > p->most ? n : p->most;
	}
	p->n_in = d->n_in;
	if (!oqz_i64_mul(p->most, GROWTH, &p->most))
		p->most = INT64_MAX;
	OQZ_TRY(oqz_einsum_walk(d->node, types, d->n_in, &p->w, err));
	memcpy(x.stride, p->w.stride[0], sizeof x.stride);
	e->stage = calloc((size_t)d->n_in, sizeof *e->stage);
	if (!e->stage)
		return oqz_err_nomem(err, "a step", sizeof *e->stage);
	for (int i = 1; i < d->n_in; i++) {
		memcpy(y.stride, p->w.stride[i], sizeof y.stride);
		y.operand = i;
		e->n = i;
		OQZ_TRY(add_stage(p, &e->stage[i - 1], &x, &y, i, &z, err));
		x = z;
	}
	return OQZ_OK;
}

static enum oqz_status einsum_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                     size_t why_size, struct oqz_err *err)
{
	const char *reason = refuse(d);
	struct plan p = { .why = NULL };
	size_t own = 0;

	if (reason)
		return oqz_dnnl_decline(why, why_size, "%s", reason);
	struct einsum *e = calloc(1, sizeof *e);
	if (!e)
		return oqz_err_nomem(err, "a step", sizeof *e);
	enum oqz_status st = plan_all(e, d, &p, err);
	for (int i = 0; i < e->n && st == OQZ_OK; i++)
		own = oqz_dnnl_prim_scratch(e->stage[i].prim) > own ? oqz_dnnl_prim_scratch(e->stage[i].prim) : own;
	e->at_prims = p.bytes;
	if (st == OQZ_OK && !oqz_size_add(p.bytes, own, &ret->scratch_bytes))
		st = oqz_err_set(err, OQZ_E_LIMIT, "a result that is too large");
	if (st != OQZ_OK) {
		einsum_free(e);
		return st == OQZ_E_UNSUPPORTED ? oqz_dnnl_decline(why, why_size, "%s", p.why ? p.why : "no kernel")
		                               : st;
	}
	snprintf(ret->name, sizeof ret->name, "%s", p.name);
	ret->inplace_input = -1;
	for (int i = 0; i < d->n_in; i++)
		ret->uses_constant[i] = true;
	ret->state = e;
	return OQZ_OK;
}

static float *address(const struct view *v, const struct oqz_step_call *c)
{
	return v->operand == OUTPUT    ? c->out[0]->data
	       : v->operand == SCRATCH ? (float *)((char *)c->scratch + v->at)
	                               : (float *)c->in[v->operand]->data;
}

/* Where a side is multiplied; a copy of operands is made. */
static float *prepare(const struct place *x, const struct oqz_step_call *c, bool out)
{
	float *from = address(&x->v, c), *to = (float *)((char *)c->scratch + x->at);

	if (!x->copy)
		return from;
	if (!out)
		oqz_box_copy(&x->box, sizeof *to, from, to);
	return to;
}

static enum oqz_status einsum_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct einsum *e = state;

	for (int i = 0; i < e->n; i++) {
		const struct stage *s = &e->stage[i];
		float *a = prepare(&s->a, c, false), *b = prepare(&s->b, c, false), *y = prepare(&s->c, c, true);
		OQZ_TRY(
		    oqz_dnnl_prim_run(s->prim, (const void *[]) { a, b, y }, (char *)c->scratch + e->at_prims, err));
		if (s->c.copy)
			oqz_box_copy(&s->c.box, sizeof *y, y, address(&s->c.v, c));
	}
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_dnnl_einsum = { "dnnl.einsum", einsum_create, einsum_run, einsum_free };
