/* SPDX-License-Identifier: Apache-2.0
 *
 * Movers of whole boxes: Transpose, Concat, Split, Slice, Expand, Tile, DepthToSpace, SpaceToDepth, CenterCropPad. Each
 * computes strides and offsets and leaves the copying to strided.h, so none knows element types. Pad, which also makes
 * elements up, stands in op_pad.c.
 */
#include "core/ops/ops_util.h"
#include "core/ops/strided.h"

static size_t elem_size(const struct oqz_tensor *t) { return oqz_dtype_size(t->dtype); }

/* ---- Transpose ---- */

struct transpose {
	struct oqz_ints perm;
};

/* perm, or the reversal when it is absent. */
static enum oqz_status transpose_perm(const struct oqz_node *n, int rank, int *perm, struct oqz_err *err)
{
	const struct transpose *p = OQZ_PARAMS(n, struct transpose);
	unsigned seen = 0;

	for (int i = 0; i < rank; i++)
		perm[i] = rank - 1 - i;
	if (!p->perm.v)
		return OQZ_OK;
	if (p->perm.n != (size_t)rank)
		OQZ_FAIL(err, OQZ_E_DATA, "perm has %zu entries for a tensor of rank %d", p->perm.n, rank);
	for (int i = 0; i < rank; i++) {
		OQZ_TRY(oqz_axis_resolve(p->perm.v[i], rank, false, &perm[i], err));
		seen |= 1u << perm[i];
	}
	if (seen != (1u << rank) - 1)
		OQZ_FAIL(err, OQZ_E_DATA, "perm is not a permutation");
	return OQZ_OK;
}

static enum oqz_status infer_transpose(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_shape *in = &c->in[0]->shape;
	int perm[OQZ_MAX_RANK];

	c->out[0] = *c->in[0];
	if (in->rank < 0)
		return OQZ_OK;
	OQZ_TRY(transpose_perm(c->node, in->rank, perm, err));
	for (int i = 0; i < in->rank; i++)
		c->out[0].shape.dim[i] = in->dim[perm[i]];
	return OQZ_OK;
}

static enum oqz_status run_transpose(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *in = c->in[0];
	int64_t src[OQZ_MAX_RANK], dst[OQZ_MAX_RANK];
	int perm[OQZ_MAX_RANK];
	struct oqz_box b = { 0 };

	OQZ_TRY(transpose_perm(c->node, in->shape.rank, perm, err));
	oqz_shape_strides(&in->shape, src);
	oqz_shape_strides(&c->out[0]->shape, dst);
	for (int i = 0; i < in->shape.rank; i++)
		oqz_box_add(&b, c->out[0]->shape.dim[i], src[perm[i]], dst[i]);
	oqz_box_copy(&b, elem_size(in), in->data, c->out[0]->data);
	return OQZ_OK;
}

/* ---- Concat ---- */

struct axis_only {
	int64_t axis;
};

static enum oqz_status infer_concat(struct oqz_infer *c, struct oqz_err *err)
{
	struct oqz_shape s = c->in[0]->shape;
	enum oqz_dtype t;
	int64_t sum = 0;
	int axis;

	OQZ_TRY(oqz_same_dtype(c, 0, c->n_in, &t, err));
	c->out[0].dtype = t;
	for (int i = 0; i < c->n_in; i++)
		if (oqz_in_rank(c, i) < 0)
			return OQZ_OK;
	OQZ_TRY(oqz_axis_resolve(OQZ_PARAMS(c->node, struct axis_only)->axis, s.rank, false, &axis, err));
	for (int i = 0; i < c->n_in; i++) {
		const struct oqz_shape *x = &c->in[i]->shape;
		struct oqz_shape other = *x;

		if (x->rank != s.rank)
			OQZ_FAIL(err, OQZ_E_DATA, "input %d has rank %d, input 0 has %d", i, x->rank, s.rank);
		sum = sum < 0 || x->dim[axis] < 0 ? OQZ_DIM_UNKNOWN : sum + x->dim[axis];
		other.dim[axis] = s.dim[axis];
		if (oqz_shape_merge(&s, &other, err) != OQZ_OK)
			return oqz_err_prefix(err, "input %d", i);
	}
	s.dim[axis] = sum;
	c->out[0].shape = s;
	return OQZ_OK;
}

static enum oqz_status run_concat(const struct oqz_call *c, struct oqz_err *err)
{
	struct oqz_tensor *out = c->out[0];
	size_t size = elem_size(out);
	int64_t at = 0;
	int axis;

	OQZ_TRY(oqz_axis_resolve(OQZ_PARAMS(c->node, struct axis_only)->axis, out->shape.rank, false, &axis, err));
	int64_t outer = oqz_shape_span(&out->shape, 0, axis),
	        pitch = oqz_shape_span(&out->shape, axis, out->shape.rank);
	for (int i = 0; i < c->n_in; i++) {
		int64_t width = oqz_shape_span(&c->in[i]->shape, axis, out->shape.rank);
		struct oqz_box b = { 0 };

		oqz_box_add(&b, outer, width, pitch);
		oqz_box_add(&b, width, 1, 1);
		oqz_box_copy(&b, size, c->in[i]->data, (char *)out->data + (size_t)at * size);
		at += width;
	}
	return OQZ_OK;
}

/* ---- Split ---- */

struct split {
	int64_t axis, num_outputs;
};

/* Length of output i along the axis: as given; else equal parts, rounded up, the last one smaller (Split-18). */
static enum oqz_status split_part(const struct oqz_node *n, int64_t dim, const int64_t *parts, size_t n_parts, int i,
                                  int64_t *ret, struct oqz_err *err)
{
	int64_t want = n->n_out, each = (dim + want - 1) / want;
	int64_t sum = 0;

	if (n_parts == 0) {
		int64_t left = dim - each * i;
		*ret = left < 0 ? 0 : left < each ? left : each;
		return OQZ_OK;
	}
	if (n_parts != (size_t)want)
		OQZ_FAIL(err, OQZ_E_DATA, "%zu split lengths for %d outputs", n_parts, n->n_out);
	for (size_t k = 0; k < n_parts; k++)
		if (parts[k] < 0 || !oqz_i64_add(sum, parts[k], &sum))
			OQZ_FAIL(err, OQZ_E_DATA, "split length %lld", (long long)parts[k]);
	if (sum != dim)
		OQZ_FAIL(err, OQZ_E_DATA, "split lengths add up to %lld, the axis has %lld", (long long)sum,
		         (long long)dim);
	*ret = parts[i];
	return OQZ_OK;
}

static enum oqz_status infer_split(struct oqz_infer *c, struct oqz_err *err)
{
	const struct split *p = OQZ_PARAMS(c->node, struct split);
	const struct oqz_shape *in = &c->in[0]->shape;
	size_t n_parts = 0;
	bool known;
	int axis;

	OQZ_CLEANUP_FREE int64_t *parts = calloc((size_t)c->n_out + 1, sizeof *parts);
	if (!parts)
		return oqz_err_nomem(err, "split", (size_t)c->n_out * sizeof *parts);
	if (p->num_outputs && p->num_outputs != c->n_out)
		OQZ_FAIL(err, OQZ_E_DATA, "num_outputs is %lld, there are %d", (long long)p->num_outputs, c->n_out);
	OQZ_TRY(oqz_const_ints(c, 1, parts, (size_t)c->n_out + 1, &n_parts, &known, err));
	for (int i = 0; i < c->n_out; i++)
		c->out[i] = *c->in[0];
	if (in->rank < 0)
		return OQZ_OK;
	OQZ_TRY(oqz_axis_resolve(p->axis, in->rank, false, &axis, err));
	bool unknown = in->dim[axis] < 0 || (c->in[1] && !known);
	for (int i = 0; i < c->n_out; i++) {
		int64_t *dim = &c->out[i].shape.dim[axis];

		if (unknown)
			*dim = known && n_parts == (size_t)c->n_out ? parts[i] : OQZ_DIM_UNKNOWN;
		else
			OQZ_TRY(split_part(c->node, in->dim[axis], parts, n_parts, i, dim, err));
	}
	return OQZ_OK;
}

static enum oqz_status run_split(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *in = c->in[0];
	size_t size = elem_size(in), n_parts = 0;
	int64_t at = 0;
	int axis;

	OQZ_CLEANUP_FREE int64_t *parts = calloc((size_t)c->n_out + 1, sizeof *parts);
	if (!parts)
		return oqz_err_nomem(err, "split", (size_t)c->n_out * sizeof *parts);
	if (c->in[1])
		OQZ_TRY(oqz_read_ints(c->in[1], parts, (size_t)c->n_out + 1, &n_parts, err));
	OQZ_TRY(oqz_axis_resolve(OQZ_PARAMS(c->node, struct split)->axis, in->shape.rank, false, &axis, err));
	int64_t outer = oqz_shape_span(&in->shape, 0, axis),
	        inner = oqz_shape_span(&in->shape, axis + 1, in->shape.rank);
	for (int i = 0; i < c->n_out; i++) {
		struct oqz_box b = { 0 };
		int64_t part;

		OQZ_TRY(split_part(c->node, in->shape.dim[axis], parts, n_parts, i, &part, err));
		oqz_box_add(&b, outer, in->shape.dim[axis] * inner, part * inner);
		oqz_box_add(&b, part * inner, 1, 1);
		if (c->out[i])
			oqz_box_copy(&b, size, (const char *)in->data + (size_t)(at * inner) * size, c->out[i]->data);
		at += part;
	}
	return OQZ_OK;
}

/* ---- Slice ---- */

/* One axis of a slice as the specification resolves it: first element, step, count. */
struct cut {
	int64_t start, step, count;
};

static int64_t clamp64(int64_t x, int64_t lo, int64_t hi) { return x < lo ? lo : x > hi ? hi : x; }

static enum oqz_status cut_axis(int64_t dim, int64_t start, int64_t end, int64_t step, struct cut *ret,
                                struct oqz_err *err)
{
	if (step == 0)
		OQZ_FAIL(err, OQZ_E_DATA, "a step of 0");
	start += start < 0 ? dim : 0;
	end += end < 0 ? dim : 0;
	*ret = (struct cut) { .step = step };
	if (dim == 0) /* no element to clamp to */
		return OQZ_OK;
	if (step > 0) {
		ret->start = clamp64(start, 0, dim);
		end = clamp64(end, 0, dim);
		ret->count = end > ret->start ? 1 + (end - ret->start - 1) / step : 0;
	} else {
		ret->start = clamp64(start, 0, dim - 1);
		end = clamp64(end, -1, dim - 1);
		/* |step| as unsigned: the least int64 has no negative. */
		ret->count =
		    ret->start > end ? 1 + (int64_t)((uint64_t)(ret->start - end - 1) / (0 - (uint64_t)step)) : 0;
	}
	return OQZ_OK;
}

struct slice_args {
	size_t n;
	int64_t start[OQZ_MAX_RANK], end[OQZ_MAX_RANK], axis[OQZ_MAX_RANK], step[OQZ_MAX_RANK];
};

/* Cuts of all dims; those not named are taken whole. A dim of -1 gives count -1. */
static enum oqz_status slice_cuts(const struct oqz_shape *in, const struct slice_args *a, struct cut *cut,
                                  struct oqz_err *err)
{
	for (int d = 0; d < in->rank; d++)
		cut[d] = (struct cut) { 0, 1, in->dim[d] };
	for (size_t i = 0; i < a->n; i++) {
		int axis;

		OQZ_TRY(oqz_axis_resolve(a->axis[i], in->rank, false, &axis, err));
		if (in->dim[axis] >= 0)
			OQZ_TRY(cut_axis(in->dim[axis], a->start[i], a->end[i], a->step[i], &cut[axis], err));
	}
	return OQZ_OK;
}

static enum oqz_status check_slice_counts(size_t n, size_t ends, size_t axes, size_t steps, struct oqz_err *err)
{
	if (n != ends || n != axes || n != steps)
		OQZ_FAIL(err, OQZ_E_DATA, "%zu starts, %zu ends, %zu axes, %zu steps", n, ends, axes, steps);
	return OQZ_OK;
}

static void slice_defaults(struct slice_args *a)
{
	for (int i = 0; i < OQZ_MAX_RANK; i++) {
		a->axis[i] = i;
		a->step[i] = 1;
	}
}

static enum oqz_status infer_slice(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_shape *in = &c->in[0]->shape;
	struct slice_args a;
	struct cut cut[OQZ_MAX_RANK];
	size_t ends, axes, steps;
	bool k[4];

	slice_defaults(&a);
	c->out[0].dtype = c->in[0]->dtype;
	OQZ_TRY(oqz_const_ints(c, 1, a.start, OQZ_MAX_RANK, &a.n, &k[0], err));
	OQZ_TRY(oqz_const_ints(c, 2, a.end, OQZ_MAX_RANK, &ends, &k[1], err));
	OQZ_TRY(oqz_const_ints(c, 3, a.axis, OQZ_MAX_RANK, &axes, &k[2], err));
	OQZ_TRY(oqz_const_ints(c, 4, a.step, OQZ_MAX_RANK, &steps, &k[3], err));
	if (in->rank < 0)
		return OQZ_OK;
	if (!k[0] || !k[1] || (c->in[3] && !k[2]) || (c->in[4] && !k[3])) {
		c->out[0].shape = oqz_shape_unknown(in->rank);
		return OQZ_OK;
	}
	OQZ_TRY(check_slice_counts(a.n, ends, c->in[3] ? axes : a.n, c->in[4] ? steps : a.n, err));
	OQZ_TRY(slice_cuts(in, &a, cut, err));
	c->out[0].shape.rank = in->rank;
	for (int d = 0; d < in->rank; d++)
		c->out[0].shape.dim[d] = cut[d].count;
	return OQZ_OK;
}

static enum oqz_status run_slice(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *in = c->in[0];
	int64_t src[OQZ_MAX_RANK], dst[OQZ_MAX_RANK], first = 0;
	struct slice_args a;
	struct cut cut[OQZ_MAX_RANK];
	struct oqz_box b = { 0 };
	size_t n;

	slice_defaults(&a);
	OQZ_TRY(oqz_read_ints(c->in[1], a.start, OQZ_MAX_RANK, &a.n, err));
	OQZ_TRY(oqz_read_ints(c->in[2], a.end, OQZ_MAX_RANK, &n, err));
	if (c->in[3])
		OQZ_TRY(oqz_read_ints(c->in[3], a.axis, OQZ_MAX_RANK, &n, err));
	if (c->in[4])
		OQZ_TRY(oqz_read_ints(c->in[4], a.step, OQZ_MAX_RANK, &n, err));
	OQZ_TRY(slice_cuts(&in->shape, &a, cut, err));
	oqz_shape_strides(&in->shape, src);
	oqz_shape_strides(&c->out[0]->shape, dst);
	for (int d = 0; d < in->shape.rank; d++) {
		if (cut[d].count == 0)
			return OQZ_OK;
		first += cut[d].start * src[d];
		/* A single element needs no stride, and its step may be enormous. */
		oqz_box_add(&b, cut[d].count, cut[d].count > 1 ? src[d] * cut[d].step : 0, dst[d]);
	}
	oqz_box_copy(&b, elem_size(in), (const char *)in->data + (size_t)first * elem_size(in), c->out[0]->data);
	return OQZ_OK;
}

/* ---- Expand, Tile ---- */

static enum oqz_status infer_expand(struct oqz_infer *c, struct oqz_err *err)
{
	struct oqz_shape s = { 0 };
	size_t n;
	bool known;

	c->out[0].dtype = c->in[0]->dtype;
	OQZ_TRY(oqz_const_ints(c, 1, s.dim, OQZ_MAX_RANK, &n, &known, err));
	if (!known)
		return OQZ_OK;
	s.rank = (int32_t)n;
	for (size_t i = 0; i < n; i++)
		if (s.dim[i] < 0)
			OQZ_FAIL(err, OQZ_E_DATA, "dimension %lld in the shape to expand to", (long long)s.dim[i]);
	OQZ_TRY(oqz_shape_broadcast(&s, &c->in[0]->shape, err));
	c->out[0].shape = s;
	return OQZ_OK;
}

static enum oqz_status run_expand(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *in = c->in[0];
	const struct oqz_shape *out = &c->out[0]->shape;
	int64_t src[OQZ_MAX_RANK], dst[OQZ_MAX_RANK];
	struct oqz_box b = { 0 };

	(void)err;
	oqz_shape_strides(&in->shape, src);
	oqz_shape_strides(out, dst);
	for (int d = 0; d < out->rank; d++) {
		int i = d - (out->rank - in->shape.rank);

		oqz_box_add(&b, out->dim[d], i < 0 || in->shape.dim[i] == 1 ? 0 : src[i], dst[d]);
	}
	oqz_box_copy(&b, elem_size(in), in->data, c->out[0]->data);
	return OQZ_OK;
}

static enum oqz_status infer_tile(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_shape *in = &c->in[0]->shape;
	int64_t times[OQZ_MAX_RANK];
	size_t n;
	bool known;

	c->out[0].dtype = c->in[0]->dtype;
	OQZ_TRY(oqz_const_ints(c, 1, times, OQZ_MAX_RANK, &n, &known, err));
	if (in->rank < 0)
		return OQZ_OK;
	c->out[0].shape = oqz_shape_unknown(in->rank);
	if (!known)
		return OQZ_OK;
	if (n != (size_t)in->rank)
		OQZ_FAIL(err, OQZ_E_DATA, "%zu repeats for a tensor of rank %d", n, in->rank);
	for (int d = 0; d < in->rank; d++)
		if (times[d] < 0 || (in->dim[d] >= 0 && !oqz_i64_mul(in->dim[d], times[d], &c->out[0].shape.dim[d])))
			OQZ_FAIL(err, OQZ_E_DATA, "%lld repeats of axis %d", (long long)times[d], d);
	return OQZ_OK;
}

static enum oqz_status run_tile(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *in = c->in[0];
	int64_t src[OQZ_MAX_RANK], dst[OQZ_MAX_RANK];
	struct oqz_box b = { 0 };

	(void)err;
	oqz_shape_strides(&in->shape, src);
	oqz_shape_strides(&c->out[0]->shape, dst);
	for (int d = 0; d < in->shape.rank; d++) {
		int64_t n = in->shape.dim[d];

		/* Each dim becomes (repeats, n). */
		oqz_box_add(&b, n ? c->out[0]->shape.dim[d] / n : 0, 0, dst[d] * n);
		oqz_box_add(&b, n, src[d], dst[d]);
	}
	oqz_box_copy(&b, elem_size(in), in->data, c->out[0]->data);
	return OQZ_OK;
}

/* ---- DepthToSpace, SpaceToDepth ---- */

struct block {
	int64_t blocksize;
	const char *mode;
};

/* (N, C, H, W) with depth multiplied (up) or divided by blocksize^2. */
static enum oqz_status infer_block(struct oqz_infer *c, bool to_space, struct oqz_err *err)
{
	int64_t r = OQZ_PARAMS(c->node, struct block)->blocksize, rr;
	struct oqz_shape s = c->in[0]->shape;

	c->out[0].dtype = c->in[0]->dtype;
	OQZ_TRY(oqz_need_rank(c, 0, 4, 4, err));
	if (s.rank < 0)
		return OQZ_OK;
	if (r < 1 || !oqz_i64_mul(r, r, &rr))
		OQZ_FAIL(err, OQZ_E_DATA, "blocksize %lld", (long long)r);
	for (int d = 1; d < 4; d++) {
		bool divide = (d == 1) == to_space;
		int64_t by = d == 1 ? rr : r;

		if (s.dim[d] < 0)
			continue;
		if (divide && s.dim[d] % by)
			OQZ_FAIL(err, OQZ_E_DATA, "axis %d of %lld is no multiple of %lld", d, (long long)s.dim[d],
			         (long long)by);
		if (divide)
			s.dim[d] /= by;
		else if (!oqz_i64_mul(s.dim[d], by, &s.dim[d]))
			OQZ_FAIL(err, OQZ_E_LIMIT, "blocksize %lld is too large", (long long)r);
	}
	c->out[0].shape = s;
	return OQZ_OK;
}

static enum oqz_status infer_depth_to_space(struct oqz_infer *c, struct oqz_err *err)
{
	return infer_block(c, true, err);
}
static enum oqz_status infer_space_to_depth(struct oqz_infer *c, struct oqz_err *err)
{
	return infer_block(c, false, err);
}

/* Strides of the deep tensor (N, D, h, w) and the wide one (N, C, h*r, w*r) over the box (N, C, h, r1, w, r2); which of
 * D's parts is the block: the first (DCR: D = r1 r2 C) or the last (CRD: D = C r1 r2). */
static void block_copy(const struct oqz_tensor *in, struct oqz_tensor *out, bool to_space, bool crd, int64_t r)
{
	const int64_t *dim = to_space ? in->shape.dim : out->shape.dim;
	int64_t c = dim[1] / (r * r), h = dim[2], w = dim[3], hw = h * w;
	const int64_t box[6] = { dim[0], c, h, r, w, r };
	const int64_t deep[6] = {
		dim[1] * hw, (crd ? r * r : 1) * hw, w, (crd ? r : r * c) * hw, 1, (crd ? 1 : c) * hw
	};
	const int64_t wide[6] = { dim[1] * hw, hw * r * r, w * r * r, w * r, r, 1 };
	struct oqz_box b = { 0 };

	for (int i = 0; i < 6; i++)
		oqz_box_add(&b, box[i], to_space ? deep[i] : wide[i], to_space ? wide[i] : deep[i]);
	oqz_box_copy(&b, elem_size(in), in->data, out->data);
}

static enum oqz_status run_depth_to_space(const struct oqz_call *c, struct oqz_err *err)
{
	const struct block *p = OQZ_PARAMS(c->node, struct block);

	(void)err;
	block_copy(c->in[0], c->out[0], true, p->mode[0] == 'C', p->blocksize);
	return OQZ_OK;
}

static enum oqz_status run_space_to_depth(const struct oqz_call *c, struct oqz_err *err)
{
	(void)err;
	block_copy(c->in[0], c->out[0], false, false, OQZ_PARAMS(c->node, struct block)->blocksize);
	return OQZ_OK;
}

/* ---- rows ---- */

static const struct oqz_attr_spec transpose_attrs[] = { OQZ_A_INTS(struct transpose, perm), { .name = NULL } };
static const struct oqz_attr_spec concat_attrs[] = {
	OQZ_A_REQUIRED(struct axis_only, axis, OQZ_ATTR_INT),
	{ .name = NULL },
};
static const struct oqz_attr_spec split_attrs[] = {
	OQZ_A_INT(struct split, axis, 0),
	OQZ_A_INT(struct split, num_outputs, 0),
	{ .name = NULL },
};
static const char *const block_modes[] = { "DCR", "CRD", NULL };
static const struct oqz_attr_spec depth_to_space_attrs[] = {
	OQZ_A_REQUIRED(struct block, blocksize, OQZ_ATTR_INT),
	OQZ_A_STRING(struct block, mode, "DCR", block_modes),
	{ .name = NULL },
};
static const struct oqz_attr_spec space_to_depth_attrs[] = {
	OQZ_A_REQUIRED(struct block, blocksize, OQZ_ATTR_INT),
	{ .name = NULL },
};

#define INDEX OQZ_ROLE_INDEX
#define DATA OQZ_ROLE_ACTIVATION

const struct oqz_op oqz_ops_move[] = {
	{ OQZ_ROW(CONCAT), .texts = true, OQZ_ROW_PARAMS(struct axis_only, concat_attrs), .infer = infer_concat,
	  .run = run_concat },
	{ OQZ_ROW(DEPTH_TO_SPACE), .texts = true, OQZ_ROW_PARAMS(struct block, depth_to_space_attrs),
	  .infer = infer_depth_to_space, .run = run_depth_to_space },
	{ OQZ_ROW(EXPAND), .texts = true, OQZ_ROW_ROLES(DATA, INDEX), .infer = infer_expand, .run = run_expand },
	{ OQZ_ROW(SLICE), .texts = true, OQZ_ROW_ROLES(DATA, INDEX, INDEX, INDEX, INDEX), .infer = infer_slice,
	  .run = run_slice },
	{ OQZ_ROW(SPACE_TO_DEPTH), .texts = true, OQZ_ROW_PARAMS(struct block, space_to_depth_attrs),
	  .infer = infer_space_to_depth, .run = run_space_to_depth },
	{ OQZ_ROW(SPLIT), .texts = true, OQZ_ROW_PARAMS(struct split, split_attrs), OQZ_ROW_ROLES(DATA, INDEX),
	  .infer = infer_split, .run = run_split },
	{ OQZ_ROW(TILE), .texts = true, OQZ_ROW_ROLES(DATA, INDEX), .infer = infer_tile, .run = run_tile },
	{ OQZ_ROW(TRANSPOSE), .texts = true, OQZ_ROW_PARAMS(struct transpose, transpose_attrs),
	  .infer = infer_transpose, .run = run_transpose },
	{ .name = NULL },
};
