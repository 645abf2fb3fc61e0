/* SPDX-License-Identifier: Apache-2.0
 *
 * Slots: where values lie, in which layout. A value is made once, in the layout its step likes; a reader that wants the
 * other one gets a copy (made once, at plan time for constants) or, where both layouts are the same bytes, another name
 * for the same memory. Reshapes and many transposes are other names too: a channels-last (N,C,H,W) is the very memory
 * of the row-major (N,H,W,C) that exporters of detection heads transpose to.
 */
#include "core/exec/program.h"
#include "core/base/budget.h"
#include "core/base/checked.h"

#include <stdio.h>
#include <string.h>

enum oqz_status oqz_slot_fits(const struct oqz_value *v, const struct oqz_type *t, struct oqz_err *err)
{
	char shape[OQZ_SHAPE_STR], need[OQZ_BYTES_STR], limit[OQZ_BYTES_STR];
	int64_t n;
	size_t bytes;

	if (oqz_shape_count(&t->shape, &n, err) != OQZ_OK)
		return oqz_err_prefix(err, "'%s'", v->name);
	if (!oqz_size_mul((size_t)n, oqz_dtype_size(t->dtype), &bytes) || bytes > SIZE_MAX / 8)
		bytes = SIZE_MAX / 8;
	if (bytes > oqz_budget_limit())
		OQZ_FAIL(err, OQZ_E_LIMIT, "'%s' %s%s needs %s, the memory limit is %s", v->name,
		         oqz_dtype_name(t->dtype), oqz_shape_str(&t->shape, shape, sizeof shape),
		         oqz_bytes_str(bytes, need, sizeof need),
		         oqz_bytes_str(oqz_budget_limit(), limit, sizeof limit));
	return OQZ_OK;
}

int oqz_slot_add(struct oqz_program *p, const struct oqz_value *v, enum oqz_slot_kind kind, const struct oqz_type *t,
                 enum oqz_layout layout)
{
	struct oqz_slot s = {
		.kind = kind,
		.tensor = { .dtype = t->dtype, .shape = t->shape, .layout = layout },
		.value = v,
		.root = (int)p->slots.n,
		.first = -1,
		.last = -1,
	};

	if (kind != OQZ_SLOT_HEAP)
		s.bytes = oqz_tensor_bytes(&s.tensor);
	return oqz_vec_push(&p->slots, s) ? (int)p->slots.n - 1 : -1;
}

static enum oqz_status constant_slot(struct oqz_planner *pl, struct oqz_value *v, enum oqz_layout layout, int *ret,
                                     struct oqz_err *err)
{
	struct oqz_tensor t = { 0 };
	struct oqz_type type = { v->constant->dtype, v->constant->shape };

	if (layout == OQZ_LAYOUT_PLAIN && v->constant->buf) {
		oqz_tensor_share(&t, v->constant);
	} else {
		OQZ_TRY(oqz_tensor_alloc(&t, type.dtype, &type.shape, err));
		t.layout = layout;
		oqz_tensor_relayout(&t, v->constant);
	}
	int s = oqz_slot_add(pl->p, v, OQZ_SLOT_CONST, &type, layout);
	if (s < 0) {
		oqz_tensor_release(&t);
		return oqz_err_nomem(err, "the plan", sizeof(struct oqz_slot));
	}
	pl->p->slots.v[s].tensor = t;
	*ret = pl->slot[v->id][layout] = s;
	return OQZ_OK;
}

/* A slot that shares `from`'s memory. */
static int view_slot(struct oqz_planner *pl, struct oqz_value *v, const struct oqz_type *t, enum oqz_layout layout,
                     int from)
{
	enum oqz_slot_kind kind = pl->p->slots.v[from].kind;
	int s = oqz_slot_add(pl->p, v, kind, t, layout);

	if (s < 0)
		return -1;
	pl->p->slots.v[s].root = pl->p->slots.v[from].root;
	if (kind == OQZ_SLOT_CONST) { /* constants have no place in the arena: take a share */
		pl->p->slots.v[s].root = s;
		oqz_tensor_share(&pl->p->slots.v[s].tensor, &pl->p->slots.v[from].tensor);
		pl->p->slots.v[s].tensor.shape = t->shape;
		pl->p->slots.v[s].tensor.layout = layout;
	}
	pl->slot[v->id][layout] = s;
	return s;
}

static enum oqz_status reorder_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	oqz_tensor_relayout(c->out[0], c->in[0]);
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_reorder = { .name = "own.reorder", .run = reorder_run };

static enum oqz_status reorder_step(struct oqz_planner *pl, struct oqz_value *v, int from, enum oqz_layout layout,
                                    int *ret, struct oqz_err *err)
{
	struct oqz_program *p = pl->p;
	struct oqz_type t = { p->slots.v[from].tensor.dtype, p->slots.v[from].tensor.shape };
	const struct oqz_node *node = v->producer;

	/* an input's reorder is named after its first reader: every step belongs to a node */
	if (!node)
		node = v->uses.n ? v->uses.v[0] : pl->g->nodes.v[0];
	int to = oqz_slot_add(p, v, OQZ_SLOT_ARENA, &t, layout);
	struct oqz_step s;
	if (to < 0 || !oqz_step_init(p, node, 1, 1, &s))
		return oqz_err_nomem(err, "the plan", sizeof s);
	s.impl = &oqz_impl_reorder;
	s.in[0] = from;
	s.out[0] = to;
	s.bytes = 2 * p->slots.v[to].bytes;
	s.choice.inplace_input = -1;
	strcpy(s.choice.name, oqz_impl_reorder.name);
	if (!oqz_vec_push(&p->steps, s))
		return oqz_err_nomem(err, "the plan", sizeof s);
	*ret = pl->slot[v->id][layout] = to;
	return OQZ_OK;
}

enum oqz_status oqz_slot_get(struct oqz_planner *pl, struct oqz_value *v, enum oqz_layout layout, int *ret,
                             struct oqz_err *err)
{
	int have = pl->slot[v->id][layout], other = pl->slot[v->id][!layout];

	if (have >= 0) {
		*ret = have;
		return OQZ_OK;
	}
	if (v->constant)
		return constant_slot(pl, v, layout, ret, err);
	if (other < 0)
		OQZ_FAIL(err, OQZ_E_INTERNAL, "value '%s' is read before it is made", v->name);
	const struct oqz_tensor *t = &pl->p->slots.v[other].tensor;
	struct oqz_type type = { t->dtype, t->shape };
	if (!oqz_layouts_same(&t->shape) || pl->p->slots.v[other].kind == OQZ_SLOT_HEAP)
		return reorder_step(pl, v, other, layout, ret, err);
	*ret = view_slot(pl, v, &type, layout, other);
	return *ret < 0 ? oqz_err_nomem(err, "the plan", sizeof(struct oqz_slot)) : OQZ_OK;
}

/* Transpose: the view's strides must be those of a layout. Dimensions of one element have no stride. */
static bool transpose_view(const struct oqz_node *n, const struct oqz_tensor *in, const struct oqz_shape *out,
                           enum oqz_layout *ret)
{
	const struct oqz_attr *perm = oqz_node_attr(n, "perm");
	int64_t have[OQZ_MAX_RANK], want[OQZ_MAX_RANK];

	oqz_layout_strides(&in->shape, in->layout, have);
	for (int layout = OQZ_LAYOUT_PLAIN; layout <= OQZ_LAYOUT_CHANNELS_LAST; layout++) {
		bool same = layout == OQZ_LAYOUT_PLAIN || out->rank >= 3;
		oqz_layout_strides(out, (enum oqz_layout)layout, want);
		for (int i = 0; i < out->rank && same; i++) {
			int64_t from = perm ? perm->ints[i] : out->rank - 1 - i;
			same = out->dim[i] == 1 || want[i] == have[from < 0 ? from + out->rank : from];
		}
		if (same) {
			*ret = (enum oqz_layout)layout;
			return true;
		}
	}
	return false;
}

/* Reshape, Squeeze, ...: row-major stays row-major; channels-last stays so when N and C are not touched. */
static bool reshape_view(const struct oqz_tensor *in, const struct oqz_shape *out, enum oqz_layout *ret)
{
	*ret = OQZ_LAYOUT_PLAIN;
	if (in->layout == OQZ_LAYOUT_PLAIN || oqz_layouts_same(&in->shape))
		return true;
	*ret = OQZ_LAYOUT_CHANNELS_LAST;
	return out->rank >= 3 && out->dim[0] == in->shape.dim[0] && out->dim[1] == in->shape.dim[1];
}

static bool reshape_like(const struct oqz_node *n)
{
	switch (n->op->id) {
	case OQZ_OP_IDENTITY:
	case OQZ_OP_DROPOUT: /* inference: the training inputs are constants that say no */
	case OQZ_OP_RESHAPE:
	case OQZ_OP_FLATTEN:
	case OQZ_OP_SQUEEZE:
	case OQZ_OP_UNSQUEEZE: return true;
	default: return false;
	}
}

enum oqz_status oqz_slot_alias(struct oqz_planner *pl, const struct oqz_node *n, bool *ret, struct oqz_err *err)
{
	struct oqz_value *in = n->n_in ? n->in[0] : NULL, *out = n->n_out ? n->out[0] : NULL;
	enum oqz_layout layout;
	int from;

	*ret = false;
	if (!in || !out || in->constant || in->kind != OQZ_VALUE_TENSOR || out->kind != OQZ_VALUE_TENSOR ||
	    (n->n_out > 1 && n->out[1] && pl->needed[n->out[1]->id]) || in->type.dtype != out->type.dtype ||
	    !oqz_type_concrete(&out->type) || pl->made[in->id] < 0)
		return OQZ_OK;
	if (n->op->id == OQZ_OP_DROPOUT && n->n_in > 2 && n->in[2])
		return OQZ_OK; /* training_mode is given: the reference decides */
	from = pl->made[in->id];
	if (pl->p->slots.v[from].kind == OQZ_SLOT_HEAP ||
	    oqz_shape_nelem(&pl->p->slots.v[from].tensor.shape) != oqz_shape_nelem(&out->type.shape))
		return OQZ_OK;
	if (reshape_like(n)) {
		if (!reshape_view(&pl->p->slots.v[from].tensor, &out->type.shape, &layout)) {
			OQZ_TRY(oqz_slot_get(pl, in, OQZ_LAYOUT_PLAIN, &from, err));
			layout = OQZ_LAYOUT_PLAIN;
		}
	} else if (n->op->id != OQZ_OP_TRANSPOSE ||
	           !transpose_view(n, &pl->p->slots.v[from].tensor, &out->type.shape, &layout)) {
		return OQZ_OK;
	}
	int s = view_slot(pl, out, &out->type, layout, from);
	if (s < 0)
		return oqz_err_nomem(err, "the plan", sizeof(struct oqz_slot));
	pl->made[out->id] = s;
	pl->p->slots.v[s].pinned = pl->tapped[out->id];
	*ret = true;
	return OQZ_OK;
}
