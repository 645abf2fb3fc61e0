/* SPDX-License-Identifier: Apache-2.0
 *
 * Reshape -> Transpose (-> Reshape) on a channels-last tensor, as detection heads and channel shuffles have it. The
 * reshape takes channels apart, which no layout can say, so on its own it would cost a reorder; seen together with the
 * transpose it is one strided copy. The second reshape of a shuffle puts channels together again: then the copy writes
 * channels-last.
 */
#include "core/exec/move.h"
#include "core/exec/program.h"
#include "core/ops/strided.h"

#include <stdio.h>
#include <string.h>

/* Strides of `to` laid over memory of shape `from`; false where the reshape does not just split or join dimensions that
 * lie next to each other. (The rule by which numpy reshapes without a copy.) */
static bool reshape_strides(const struct oqz_shape *from, const int64_t *stride, const struct oqz_shape *to,
                            int64_t *ret)
{
	int64_t dim[OQZ_MAX_RANK], st[OQZ_MAX_RANK];
	int n = 0;

	for (int i = 0; i < from->rank; i++)
		if (from->dim[i] != 1) {
			dim[n] = from->dim[i];
			st[n++] = stride[i];
		}
	memset(ret, 0, sizeof(*ret) * OQZ_MAX_RANK);
	for (int o = 0, k = 0; o < n && k < to->rank;) {
		int oe = o + 1, ke = k + 1;
		int64_t have = dim[o], want = to->dim[k];
		while (have != want) {
			if (want < have ? ke >= to->rank : oe >= n)
				return false;
			if (want < have)
				want *= to->dim[ke++];
			else
				have *= dim[oe++];
		}
		for (int i = o; i + 1 < oe; i++)
			if (st[i] != dim[i + 1] * st[i + 1])
				return false;
		int64_t step = st[oe - 1];
		for (int i = ke - 1; i >= k; i--) {
			ret[i] = step;
			step *= to->dim[i];
		}
		o = oe;
		k = ke;
	}
	return true;
}

/* The only reader of a value that need not exist in memory. */
static struct oqz_node *only_reader(const struct oqz_planner *pl, const struct oqz_value *v, enum oqz_op_id op)
{
	struct oqz_node *n = v && v->uses.n == 1 && !pl->keep[v->id] && !v->is_output ? v->uses.v[0] : NULL;

	return n && n->op && n->op->id == op && n->in[0] == v && n->out[0] && oqz_type_concrete(&n->out[0]->type)
	           ? n
	           : NULL;
}

/* (N, a, b, S...) -> (N, a * b, S...) */
static bool joins_channels(const struct oqz_shape *s, const struct oqz_shape *to)
{
	return to->rank == s->rank - 1 && to->rank >= 3 && to->dim[0] == s->dim[0] &&
	       to->dim[1] == s->dim[1] * s->dim[2] &&
	       memcmp(&to->dim[2], &s->dim[3], sizeof(s->dim[0]) * (size_t)(to->rank - 2)) == 0;
}

/* The copy, in the order of the output's memory. `last`: dimensions 1 and 2 are innermost. */
static struct oqz_box permute_box(const struct oqz_node *transpose, const struct oqz_shape *out, const int64_t *stride,
                                  bool last)
{
	const struct oqz_attr *perm = oqz_node_attr(transpose, "perm");
	struct oqz_box box = { 0 };
	int64_t dst = 1;
	int order[OQZ_MAX_RANK], n = 0;

	for (int i = 0; i < out->rank; i++)
		if (!last || i == 0 || i > 2)
			order[n++] = i;
	for (int i = 1; last && i <= 2; i++)
		order[n++] = i;
	for (int k = 0; k < n; k++) {
		int64_t from = perm ? perm->ints[order[k]] : out->rank - 1 - order[k];
		oqz_box_add(&box, out->dim[order[k]], stride[from < 0 ? from + out->rank : from], 0);
	}
	for (int k = n - 1; k >= 0; k--) {
		box.dst[k] = dst;
		dst *= box.dim[k];
	}
	return box;
}

static enum oqz_status emit(struct oqz_planner *pl, struct oqz_node *transpose, int from, struct oqz_value *to,
                            bool last, const struct oqz_box *box, struct oqz_err *err)
{
	enum oqz_layout layout = last ? OQZ_LAYOUT_CHANNELS_LAST : OQZ_LAYOUT_PLAIN;
	struct oqz_program *p = pl->p;
	struct oqz_step s;

	int slot = oqz_slot_add(p, to, OQZ_SLOT_ARENA, &to->type, layout);
	if (slot < 0 || !oqz_step_init(p, transpose, 1, 1, &s))
		return oqz_err_nomem(err, "the plan", sizeof s);
	s.impl = &oqz_impl_move;
	s.choice.inplace_input = -1;
	s.in[0] = from;
	s.out[0] = slot;
	s.bytes = p->slots.v[from].bytes + p->slots.v[slot].bytes;
	snprintf(s.choice.name, sizeof s.choice.name, "own.move");
	OQZ_TRY(oqz_move_box(oqz_dtype_size(to->type.dtype), box, &s.choice.state, err));
	if (!oqz_vec_push(&p->steps, s)) {
		oqz_impl_move.destroy(s.choice.state);
		return oqz_err_nomem(err, "the plan", sizeof s);
	}
	p->slots.v[slot].pinned = pl->tapped[to->id];
	pl->made[to->id] = pl->slot[to->id][layout] = slot;
	return OQZ_OK;
}

enum oqz_status oqz_plan_permute(struct oqz_planner *pl, struct oqz_node *reshape, struct oqz_node **ret_last,
                                 struct oqz_err *err)
{
	struct oqz_value *x = reshape->in[0], *v = reshape->n_out ? reshape->out[0] : NULL;
	struct oqz_node *transpose = only_reader(pl, v, OQZ_OP_TRANSPOSE);
	int64_t have[OQZ_MAX_RANK], stride[OQZ_MAX_RANK];

	*ret_last = NULL;
	if (reshape->op->id != OQZ_OP_RESHAPE || !transpose || !x || x->constant || pl->made[x->id] < 0)
		return OQZ_OK;
	int from = pl->made[x->id];
	const struct oqz_tensor *t = &pl->p->slots.v[from].tensor;
	if (pl->p->slots.v[from].kind == OQZ_SLOT_HEAP || t->layout != OQZ_LAYOUT_CHANNELS_LAST ||
	    oqz_layouts_same(&t->shape) || !oqz_type_concrete(&v->type) || oqz_shape_nelem(&t->shape) == 0)
		return OQZ_OK;
	if (v->type.shape.rank >= 3 && v->type.shape.dim[0] == t->shape.dim[0] &&
	    v->type.shape.dim[1] == t->shape.dim[1])
		return OQZ_OK; /* a view */
	oqz_layout_strides(&t->shape, t->layout, have);
	if (!reshape_strides(&t->shape, have, &v->type.shape, stride))
		return OQZ_OK;
	struct oqz_value *out = transpose->out[0];
	struct oqz_node *join = only_reader(pl, out, OQZ_OP_RESHAPE);
	if (join && !joins_channels(&out->type.shape, &join->out[0]->type.shape))
		join = NULL;
	struct oqz_box box = permute_box(transpose, &out->type.shape, stride, join != NULL);
	OQZ_TRY(emit(pl, transpose, from, join ? join->out[0] : out, join != NULL, &box, err));
	pl->skip[transpose->index] = true;
	if (join)
		pl->skip[join->index] = true;
	*ret_last = join ? join : transpose;
	return OQZ_OK;
}
