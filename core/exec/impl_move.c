/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that only move elements: Transpose, Concat, Split, Slice, Pad (constant), Expand, Tile, Gather (constant
 * indices), DepthToSpace, SpaceToDepth. Each is a list of boxes (core/ops/strided.h), worked out once; the element type
 * is never looked at, and the layout is that of the data, so nothing is reordered around them.
 */
#include "core/exec/impl.h"
#include "core/exec/layout.h"
#include "core/exec/move.h"

#include <stdio.h>
#include <string.h>

struct move_part {
	int in, out;
	int64_t src, dst; /* offsets of the first elements */
	struct oqz_box box;
};

struct move {
	size_t size; /* of an element */
	int64_t fill_n;
	unsigned char fill[16]; /* output 0 is filled with this first when fill_n > 0 */
	OQZ_VEC(struct move_part) parts;
	int64_t rows, a, b; /* rows > 0: instead of parts, (rows, b, a) -> (rows, a, b) of 4-byte elements, b small */
	int turn;           /* several parts are copied in turns of so many places of this dimension of theirs */
	int64_t places;     /* 0: one after the other */
};

/* A tensor's strides by logical dimension, and its dimensions from the outermost in memory inwards. */
struct side {
	struct oqz_shape shape;
	int64_t stride[OQZ_MAX_RANK];
	int order[OQZ_MAX_RANK];
};

struct build {
	const struct oqz_step_desc *d;
	struct oqz_step_choice *c;
	struct move *m;
	char *why;
	size_t why_size;
	struct oqz_err *err;
};

static enum oqz_status decline(struct build *b, const char *text)
{
	snprintf(b->why, b->why_size, "%s", text);
	return OQZ_E_UNSUPPORTED;
}

static struct side side_of(const struct oqz_shape *s, enum oqz_layout layout)
{
	struct side r = { .shape = *s };
	bool last = layout == OQZ_LAYOUT_CHANNELS_LAST && s->rank >= 3;
	int n = 0;

	for (int i = 0; i < s->rank; i++)
		if (!last || i != 1)
			r.order[n++] = i;
	if (last)
		r.order[n] = 1;
	oqz_layout_strides(s, layout, r.stride);
	return r;
}

static enum oqz_status add_part(struct build *b, const struct move_part *p)
{
	return oqz_vec_push(&b->m->parts, *p) ? OQZ_OK : oqz_err_nomem(b->err, "a step", sizeof *p);
}

/* A part whose box covers `dims` with the two sides' own strides, in the output's memory order. */
static enum oqz_status add_box(struct build *b, int in, int64_t src, const int64_t *src_stride, int out, int64_t dst,
                               const struct side *o, const int64_t *dims)
{
	struct move_part p = { .in = in, .out = out, .src = src, .dst = dst };

	for (int k = 0; k < o->shape.rank; k++) {
		int i = o->order[k];
		oqz_box_add(&p.box, dims[i], src_stride[i], o->stride[i]);
	}
	return add_part(b, &p);
}

static const struct oqz_attr *attr(const struct build *b, const char *name) { return oqz_node_attr(b->d->node, name); }

static int64_t attr_int(const struct build *b, const char *name, int64_t dflt)
{
	const struct oqz_attr *a = attr(b, name);

	return a ? a->i : dflt;
}

/* The layout of input i when it decides that of the output. */
static enum oqz_layout follow(struct build *b, int i)
{
	b->c->in_layout[i] = b->d->in_layout[i];
	return b->c->out_layout[0] = b->d->in_layout[i];
}

static enum oqz_status build_transpose(struct build *b)
{
	const struct oqz_shape *out = &b->d->out_type[0].shape;
	const struct oqz_attr *perm = attr(b, "perm");
	struct side in = side_of(&b->d->in_type[0].shape, b->d->in_layout[0]), o = side_of(out, OQZ_LAYOUT_PLAIN);
	int64_t stride[OQZ_MAX_RANK];

	b->c->in_layout[0] = b->d->in_layout[0];
	for (int i = 0; i < out->rank; i++) {
		int64_t from = perm ? perm->ints[i] : out->rank - 1 - i;
		stride[i] = in.stride[from < 0 ? from + out->rank : from];
	}
	return add_box(b, 0, 0, stride, 0, 0, &o, out->dim);
}

static enum oqz_status build_concat(struct build *b)
{
	const struct oqz_shape *out = &b->d->out_type[0].shape;
	enum oqz_layout layout = OQZ_LAYOUT_PLAIN;
	int64_t at = 0;
	int axis;

	for (int i = 0; i < b->d->n_in; i++)
		if (!b->d->constant[i] && b->d->in_layout[i] == OQZ_LAYOUT_CHANNELS_LAST &&
		    !oqz_layouts_same(&b->d->in_type[i].shape))
			layout = OQZ_LAYOUT_CHANNELS_LAST;
	OQZ_TRY(oqz_axis_resolve(attr_int(b, "axis", 0), out->rank, false, &axis, b->err));
	struct side o = side_of(out, layout);
	b->c->out_layout[0] = layout;
	for (int i = 0; i < b->d->n_in; i++) {
		const struct oqz_shape *s = &b->d->in_type[i].shape;
		struct side in = side_of(s, layout);
		b->c->in_layout[i] = layout;
		b->c->uses_constant[i] = true;
		OQZ_TRY(add_box(b, i, 0, in.stride, 0, at * o.stride[axis], &o, s->dim));
		at += s->dim[axis];
	}
	return OQZ_OK;
}

static enum oqz_status build_split(struct build *b)
{
	enum oqz_layout layout = follow(b, 0);
	struct side in = side_of(&b->d->in_type[0].shape, layout);
	int64_t at = 0;
	int axis;

	OQZ_TRY(oqz_axis_resolve(attr_int(b, "axis", 0), in.shape.rank, false, &axis, b->err));
	for (int i = 0; i < b->d->n_out; i++) {
		const struct oqz_type *t = &b->d->out_type[i];
		if (t->dtype == OQZ_DT_UNDEFINED) { /* not wanted: its length is still to be stepped over */
			if (!b->d->node->out[i] || !oqz_type_concrete(&b->d->node->out[i]->type))
				return decline(b, "an output of unknown length is left out");
			at += b->d->node->out[i]->type.shape.dim[axis];
			continue;
		}
		struct side o = side_of(&t->shape, layout);
		b->c->out_layout[i] = layout;
		OQZ_TRY(add_box(b, 0, at * in.stride[axis], in.stride, i, 0, &o, t->shape.dim));
		at += t->shape.dim[axis];
	}
	return OQZ_OK;
}

/* A constant list of integers at input i; *n = 0 when left out. False: not constant, or too long. */
static bool list_at(const struct build *b, int i, int64_t *v, size_t max, size_t *n)
{
	*n = 0;
	if (!oqz_step_has(b->d, i))
		return true;
	return b->d->constant[i] && oqz_tensor_ints(b->d->constant[i], v, max, n, NULL) == OQZ_OK;
}

static enum oqz_status build_slice(struct build *b)
{
	enum oqz_layout layout = follow(b, 0);
	struct side in = side_of(&b->d->in_type[0].shape, layout), o = side_of(&b->d->out_type[0].shape, layout);
	int64_t start[OQZ_MAX_RANK], end[OQZ_MAX_RANK], axes[OQZ_MAX_RANK], steps[OQZ_MAX_RANK], stride[OQZ_MAX_RANK],
	    src = 0;
	size_t n, n_end, n_axes, n_steps;

	if (!list_at(b, 1, start, OQZ_MAX_RANK, &n) || !list_at(b, 2, end, OQZ_MAX_RANK, &n_end) ||
	    !list_at(b, 3, axes, OQZ_MAX_RANK, &n_axes) || !list_at(b, 4, steps, OQZ_MAX_RANK, &n_steps))
		return decline(b, "bounds that are not constant");
	memcpy(stride, in.stride, sizeof stride);
	for (size_t i = 0; i < n; i++) {
		int axis;
		OQZ_TRY(oqz_axis_resolve(n_axes ? axes[i] : (int64_t)i, in.shape.rank, false, &axis, b->err));
		int64_t len = in.shape.dim[axis], step = n_steps ? steps[i] : 1, s = start[i];
		s = s < 0 ? s + len : s;
		s = step > 0 ? (s < 0 ? 0 : s > len ? len : s) : (s < 0 ? 0 : s > len - 1 ? len - 1 : s);
		src += s * in.stride[axis];
		stride[axis] = step * in.stride[axis];
	}
	return add_box(b, 0, src, stride, 0, 0, &o, o.shape.dim);
}

static enum oqz_status build_pad(struct build *b)
{
	enum oqz_layout layout = follow(b, 0);
	struct side in = side_of(&b->d->in_type[0].shape, layout), o = side_of(&b->d->out_type[0].shape, layout);
	int64_t pads[2 * OQZ_MAX_RANK], axes[OQZ_MAX_RANK], dims[OQZ_MAX_RANK], src = 0, dst = 0;
	const struct oqz_attr *mode = attr(b, "mode");
	size_t n, n_axes;

	if (mode && strcmp(mode->s, "constant") != 0)
		return decline(b, "a mode other than constant");
	if (!list_at(b, 1, pads, 2 * OQZ_MAX_RANK, &n) || !list_at(b, 3, axes, OQZ_MAX_RANK, &n_axes) || n % 2)
		return decline(b, "pads that are not constant");
	memcpy(dims, in.shape.dim, sizeof dims);
	for (size_t i = 0; i < n / 2; i++) {
		int axis;
		OQZ_TRY(oqz_axis_resolve(n_axes ? axes[i] : (int64_t)i, in.shape.rank, false, &axis, b->err));
		int64_t lo = pads[i], hi = pads[n / 2 + i];
		src += lo < 0 ? -lo * in.stride[axis] : 0;
		dst += lo > 0 ? lo * o.stride[axis] : 0;
		dims[axis] += (lo < 0 ? lo : 0) + (hi < 0 ? hi : 0);
		if (dims[axis] < 0)
			return decline(b, "everything is cut away");
	}
	if (oqz_step_has(b->d, 2)) {
		if (!b->d->constant[2])
			return decline(b, "a value that is not constant");
		memcpy(b->m->fill, b->d->constant[2]->data, b->m->size);
	}
	b->m->fill_n = oqz_shape_nelem(&o.shape);
	return add_box(b, 0, src, in.stride, 0, dst, &o, dims);
}

static enum oqz_status build_expand(struct build *b)
{
	const struct oqz_shape *s = &b->d->in_type[0].shape, *out = &b->d->out_type[0].shape;
	enum oqz_layout layout = s->rank == out->rank ? follow(b, 0) : OQZ_LAYOUT_PLAIN;
	struct side in = side_of(s, layout), o = side_of(out, layout);
	int64_t stride[OQZ_MAX_RANK] = { 0 };

	for (int i = 0; i < s->rank; i++)
		if (s->dim[i] != 1)
			stride[out->rank - s->rank + i] = in.stride[i];
	return add_box(b, 0, 0, stride, 0, 0, &o, out->dim);
}

static enum oqz_status build_tile(struct build *b)
{
	enum oqz_layout layout = follow(b, 0);
	struct side in = side_of(&b->d->in_type[0].shape, layout), o = side_of(&b->d->out_type[0].shape, layout);
	struct move_part p = { 0 };

	for (int k = 0; k < o.shape.rank; k++) {
		int i = o.order[k];
		int64_t n = in.shape.dim[i];
		if (n == 0)
			return decline(b, "an empty tensor");
		oqz_box_add(&p.box, o.shape.dim[i] / n, 0, n * o.stride[i]);
		oqz_box_add(&p.box, n, in.stride[i], o.stride[i]);
	}
	return add_part(b, &p);
}

/* DepthToSpace and SpaceToDepth: the large side is (N, C, H, bh, W, bw), the deep side's channel is made of (bh, bw, c)
 * or (c, bh, bw). Loops run in the order of the output's memory, or of rows of the large side, each of which then
 * passes through the cache once. */
static enum oqz_status build_depth_space(struct build *b)
{
	bool to_space = b->d->node->op->id == OQZ_OP_DEPTH_TO_SPACE;
	const struct oqz_shape *s = &b->d->in_type[0].shape, *out = &b->d->out_type[0].shape;
	const struct oqz_attr *mode = attr(b, "mode");
	bool crd = to_space && mode && strcmp(mode->s, "CRD") == 0;
	int64_t blk = attr_int(b, "blocksize", 0);

	if (s->rank != 4 || blk < 1)
		return decline(b, "not (N,C,H,W)");
	enum oqz_layout layout = follow(b, 0);
	struct side in = side_of(s, layout), o = side_of(out, layout);
	const struct side *wide = to_space ? &o : &in, *deep = to_space ? &in : &o;
	int64_t c = wide->shape.dim[1], cs = deep->stride[1];
	int64_t h[3] = { deep->shape.dim[2], wide->stride[2] * blk, deep->stride[2] };
	int64_t w[3] = { deep->shape.dim[3], wide->stride[3] * blk, deep->stride[3] };
	int64_t bh[3] = { blk, wide->stride[2], (crd ? blk : blk * c) * cs },
	        bw[3] = { blk, wide->stride[3], (crd ? 1 : c) * cs };
	int64_t ch[3] = { c, wide->stride[1], (crd ? blk * blk : 1) * cs },
	        nn[3] = { s->dim[0], wide->stride[0], deep->stride[0] };
	const int64_t *plain[] = { nn, ch, h, bh, bw, w }, *last_space[] = { nn, h, bh, w, bw, ch },
	              *last_depth[] = { nn, h, w, bh, bw, ch };
	const int64_t *const *loops = layout != OQZ_LAYOUT_CHANNELS_LAST ? plain : to_space ? last_space : last_depth;
	struct move_part p = { 0 };
	for (int i = 0; i < 6; i++)
		oqz_box_add(&p.box, loops[i][0], loops[i][to_space ? 2 : 1], loops[i][to_space ? 1 : 2]);
	return add_part(b, &p);
}

/* Rows of input 0 by constant indices along an axis; runs of neighbouring indices are one box. */
static enum oqz_status build_gather(struct build *b)
{
	const struct oqz_tensor *index = b->d->constant[1];
	const struct oqz_shape *s = &b->d->in_type[0].shape, *out = &b->d->out_type[0].shape;
	int axis;

	OQZ_TRY(oqz_axis_resolve(attr_int(b, "axis", 0), s->rank, false, &axis, b->err));
	if (!index || oqz_tensor_nelem(index) > 4096)
		return decline(b, "indices that are not constant, or many");
	/* (outer, n, inner) -> (outer, indices, inner) */
	int64_t outer = oqz_shape_span(s, 0, axis), inner = oqz_shape_span(s, axis + 1, s->rank), n = s->dim[axis];
	int64_t count = oqz_tensor_nelem(index);
	b->c->uses_constant[0] = true;
	(void)out;
	for (int64_t i = 0, run; i < count; i += run) {
		int64_t at = oqz_load_i(index->dtype, index->data, (size_t)i);
		at = at < 0 ? at + n : at;
		if (at < 0 || at >= n)
			return decline(b, "an index out of range");
		for (run = 1; i + run < count && at + run < n; run++)
			if (oqz_load_i(index->dtype, index->data, (size_t)(i + run)) != at + run)
				break;
		struct move_part p = { .src = at * inner, .dst = i * inner };
		oqz_box_add(&p.box, outer, n * inner, count * inner);
		oqz_box_add(&p.box, run * inner, 1, 1);
		OQZ_TRY(add_part(b, &p));
	}
	return OQZ_OK;
}

static enum oqz_status build_parts(struct build *b)
{
	switch (b->d->node->op->id) {
	case OQZ_OP_TRANSPOSE: return build_transpose(b);
	case OQZ_OP_CONCAT: return build_concat(b);
	case OQZ_OP_SPLIT: return build_split(b);
	case OQZ_OP_SLICE: return build_slice(b);
	case OQZ_OP_PAD: return build_pad(b);
	case OQZ_OP_EXPAND: return build_expand(b);
	case OQZ_OP_TILE: return build_tile(b);
	case OQZ_OP_GATHER: return build_gather(b);
	case OQZ_OP_DEPTH_TO_SPACE:
	case OQZ_OP_SPACE_TO_DEPTH: return build_depth_space(b);
	default: return decline(b, "not a mover");
	}
}

static void move_destroy(void *state)
{
	struct move *m = state;

	if (m)
		oqz_vec_release(&m->parts);
	free(m);
}

enum { TURN_BYTES = 32 << 10 };

/* Parts that lie side by side in each line of the output (channels of a pixel) are copied in turns, so that a line is
 * whole before it leaves the cache. That is so where their outermost dimension is the same and takes the output as far
 * as all of them reach. */
static void take_turns(struct move *m)
{
	const struct oqz_box *first = &m->parts.v[0].box;
	int turn = 0;

	while (turn < first->rank && first->dim[turn] == 1)
		turn++;
	if (m->parts.n < 2 || turn == first->rank || first->dst[turn] <= 0)
		return;
	for (size_t i = 1; i < m->parts.n; i++) {
		const struct oqz_box *x = &m->parts.v[i].box;
		if (x->rank != first->rank || x->dim[turn] != first->dim[turn] || x->dst[turn] != first->dst[turn] ||
		    m->parts.v[i].out != m->parts.v[0].out || m->parts.v[i].dst >= first->dst[turn])
			return;
		for (int k = 0; k < turn; k++)
			if (x->dim[k] != 1)
				return;
	}
	m->turn = turn;
	m->places = TURN_BYTES / (first->dst[turn] * (int64_t)m->size);
	m->places = m->places < 1 ? 1 : m->places;
}

static enum oqz_status move_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                   size_t why_size, struct oqz_err *err)
{
	struct move *m = calloc(1, sizeof *m);
	struct build b = { .d = d, .c = ret, .m = m, .why = why, .why_size = why_size, .err = err };

	if (!m)
		return oqz_err_nomem(err, "a step", sizeof *m);
	m->size = oqz_dtype_size(d->in_type[0].dtype);
	ret->uses_constant[0] = true;
	enum oqz_status st = m->size == 0 ? decline(&b, "an element type without memory form")
	                     : d->act     ? decline(&b, "no activations")
	                                  : build_parts(&b);
	if (st != OQZ_OK) {
		move_destroy(m);
		return st;
	}
	if (m->parts.n && !m->fill_n)
		take_turns(m);
	snprintf(ret->name, sizeof ret->name, "own.move");
	ret->state = m;
	return OQZ_OK;
}

/* The channel shuffle of a channels-last tensor: dense but for the two innermost dimensions, which change places. */
static bool is_shuffle(const struct oqz_box *x, size_t elem_size)
{
	int r = x->rank;
	int64_t step = r >= 3 ? x->dim[r - 1] * x->dim[r - 2] : 0;

	if (r < 3 || elem_size != 4 || x->dim[r - 1] > 8 || x->src[r - 2] != 1 || x->src[r - 1] != x->dim[r - 2])
		return false;
	for (int k = r - 3; k >= 0; k--) {
		if (x->dim[k] != 1 && x->src[k] != step)
			return false;
		step *= x->dim[k];
	}
	return true;
}

enum oqz_status oqz_move_box(size_t elem_size, const struct oqz_box *box, void **ret, struct oqz_err *err)
{
	struct move *m = calloc(1, sizeof *m);
	struct move_part p = { .box = *box };

	if (!m || !oqz_vec_push(&m->parts, p)) {
		free(m);
		return oqz_err_nomem(err, "a step", sizeof *m);
	}
	m->size = elem_size;
	if (is_shuffle(box, elem_size)) {
		m->a = box->dim[box->rank - 2];
		m->b = box->dim[box->rank - 1];
		m->rows = 1;
		for (int k = 0; k < box->rank - 2; k++)
			m->rows *= box->dim[k];
	}
	*ret = m;
	return OQZ_OK;
}

OQZ_KERNEL static void shuffle(const uint32_t *restrict x, uint32_t *restrict y, int64_t rows, int64_t a, int64_t b)
{
	for (int64_t r = 0; r < rows; r++, x += a * b, y += a * b) {
		if (b == 2)
			for (int64_t i = 0; i < a; i++) {
				y[2 * i] = x[i];
				y[2 * i + 1] = x[a + i];
			}
		else
			for (int64_t j = 0; j < b; j++)
				for (int64_t i = 0; i < a; i++)
					y[i * b + j] = x[j * a + i];
	}
}

/* `places` of a part's dimension `turn` from `from` on, or all of it. */
static void copy_part(const struct move *m, const struct oqz_step_call *c, const struct move_part *p, int64_t from,
                      int64_t places)
{
	struct oqz_box box = p->box;
	int64_t src = p->src, dst = p->dst;

	if (places) {
		src += from * box.src[m->turn];
		dst += from * box.dst[m->turn];
		box.dim[m->turn] = box.dim[m->turn] - from < places ? box.dim[m->turn] - from : places;
	}
	oqz_box_copy(&box, m->size, (const char *)c->in[p->in]->data + src * (int64_t)m->size,
	             (char *)c->out[p->out]->data + dst * (int64_t)m->size);
}

static enum oqz_status move_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct move *m = state;

	if (m->rows) {
		shuffle(c->in[0]->data, c->out[0]->data, m->rows, m->a, m->b);
		return OQZ_OK;
	}
	if (m->fill_n)
		oqz_fill(c->out[0]->data, (size_t)m->fill_n, m->size, m->fill);
	int64_t all = m->places ? m->parts.v[0].box.dim[m->turn] : 1;
	for (int64_t from = 0; from < all; from += m->places ? m->places : 1)
		for (size_t i = 0; i < m->parts.n; i++)
			copy_part(m, c, &m->parts.v[i], from, m->places);
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_move = { "own.move", move_create, move_run, move_destroy };
