/* SPDX-License-Identifier: Apache-2.0
 *
 * Pad and CenterCropPad. Padding with a constant is a fill and a box copy of what is left of the input (negative pads
 * crop). The other modes map every output coordinate of an axis to an input coordinate; the map is computed once per
 * axis.
 */
#include "core/ops/ops_util.h"
#include "core/ops/strided.h"

#include <stdlib.h>

struct pad {
	const char *mode;
};

/* Elements added before (negative: removed) and after, per axis. */
struct margins {
	int64_t before[OQZ_MAX_RANK], after[OQZ_MAX_RANK];
};

/* pads is all begins, then all ends, of the named axes (all when n_axes is 0). */
static enum oqz_status margins_of(const int64_t *pads, size_t n_pads, const int64_t *axes, size_t n_axes, bool has_axes,
                                  int rank, struct margins *m, struct oqz_err *err)
{
	size_t n = has_axes ? n_axes : (size_t)rank;

	*m = (struct margins) { 0 };
	if (n_pads != 2 * n)
		OQZ_FAIL(err, OQZ_E_DATA, "%zu pads for %zu axes", n_pads, n);
	for (size_t i = 0; i < n; i++) {
		int axis = (int)i;

		if (has_axes)
			OQZ_TRY(oqz_axis_resolve(axes[i], rank, false, &axis, err));
		m->before[axis] = pads[i];
		m->after[axis] = pads[n + i];
	}
	return OQZ_OK;
}

static enum oqz_status padded_dim(int64_t dim, int64_t before, int64_t after, int64_t *ret, struct oqz_err *err)
{
	if (!oqz_i64_add(dim, before, ret) || !oqz_i64_add(*ret, after, ret) || *ret < 0)
		OQZ_FAIL(err, OQZ_E_DATA, "pads %lld and %lld of an axis of %lld", (long long)before, (long long)after,
		         (long long)dim);
	return OQZ_OK;
}

static enum oqz_status infer_pad(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_shape *in = &c->in[0]->shape;
	int64_t pads[2 * OQZ_MAX_RANK], axes[OQZ_MAX_RANK];
	struct margins m;
	size_t n, n_axes;
	bool known, axes_known;

	c->out[0].dtype = c->in[0]->dtype;
	OQZ_TRY(oqz_const_ints(c, 1, pads, 2 * OQZ_MAX_RANK, &n, &known, err));
	OQZ_TRY(oqz_const_ints(c, 3, axes, OQZ_MAX_RANK, &n_axes, &axes_known, err));
	if (in->rank < 0)
		return OQZ_OK;
	c->out[0].shape = oqz_shape_unknown(in->rank);
	if (!known || (c->in[3] && !axes_known))
		return OQZ_OK;
	OQZ_TRY(margins_of(pads, n, axes, n_axes, c->in[3] != NULL, in->rank, &m, err));
	for (int d = 0; d < in->rank; d++)
		if (in->dim[d] >= 0)
			OQZ_TRY(padded_dim(in->dim[d], m.before[d], m.after[d], &c->out[0].shape.dim[d], err));
	return OQZ_OK;
}

/* The input's part that survives, into its place; everything else keeps what was there. */
static void place(const struct oqz_tensor *in, const struct margins *m, struct oqz_tensor *out)
{
	int64_t src[OQZ_MAX_RANK], dst[OQZ_MAX_RANK], from = 0, to = 0;
	size_t size = oqz_dtype_size(in->dtype);
	struct oqz_box b = { 0 };

	oqz_shape_strides(&in->shape, src);
	oqz_shape_strides(&out->shape, dst);
	for (int d = 0; d < in->shape.rank; d++) {
		int64_t lo = m->before[d] < 0 ? -m->before[d] : 0;
		int64_t hi = in->shape.dim[d] - (m->after[d] < 0 ? -m->after[d] : 0);

		if (hi <= lo)
			return;
		from += lo * src[d];
		to += (m->before[d] > 0 ? m->before[d] : 0) * dst[d];
		oqz_box_add(&b, hi - lo, src[d], dst[d]);
	}
	oqz_box_copy(&b, size, (const char *)in->data + (size_t)from * size, (char *)out->data + (size_t)to * size);
}

/* Input coordinate of coordinate i (0 is the input's first) on an axis of n > 0. */
static int64_t mirror(int64_t i, int64_t n)
{
	int64_t period = n > 1 ? 2 * (n - 1) : 1;

	i = (i % period + period) % period;
	return i < n ? i : period - i;
}

static int64_t map_coordinate(char mode, int64_t i, int64_t n)
{
	switch (mode) {
	case 'r': return mirror(i, n);
	case 'w': return (i % n + n) % n;
	default: return i < 0 ? 0 : i >= n ? n - 1 : i;
	}
}

/* reflect, edge, wrap: every axis through a map of its coordinates. */
static enum oqz_status pad_mapped(const struct oqz_tensor *in, char mode, const struct margins *m,
                                  struct oqz_tensor *out, struct oqz_err *err)
{
	int rank = in->shape.rank;
	int64_t src[OQZ_MAX_RANK], total = 0, n = oqz_tensor_nelem(out);
	const int64_t *map[OQZ_MAX_RANK];
	size_t size = oqz_dtype_size(in->dtype);

	if (rank == 0 || n == 0) {
		memcpy(out->data, in->data, (size_t)n * size);
		return OQZ_OK;
	}
	for (int d = 0; d < rank; d++) {
		if (in->shape.dim[d] == 0)
			OQZ_FAIL(err, OQZ_E_DATA, "axis %d is empty: nothing to pad with", d);
		total += out->shape.dim[d];
	}
	OQZ_CLEANUP_FREE int64_t *maps = malloc((size_t)total * sizeof *maps);
	if (!maps)
		return oqz_err_nomem(err, "pad", (size_t)total * sizeof *maps);
	oqz_shape_strides(&in->shape, src);
	for (int64_t d = 0, at = 0; d < rank; at += out->shape.dim[d++]) {
		map[d] = maps + at;
		for (int64_t i = 0; i < out->shape.dim[d]; i++)
			maps[at + i] = map_coordinate(mode, i - m->before[d], in->shape.dim[d]) * src[d];
	}
	oqz_map_copy(rank, out->shape.dim, map, size, in->data, NULL, out->data);
	return OQZ_OK;
}

static enum oqz_status run_pad(const struct oqz_call *c, struct oqz_err *err)
{
	static const char zero[16];
	const struct oqz_tensor *in = c->in[0], *value = c->in[2];
	int64_t pads[2 * OQZ_MAX_RANK], axes[OQZ_MAX_RANK];
	char mode = OQZ_PARAMS(c->node, struct pad)->mode[0];
	size_t n, n_axes = 0, size = oqz_dtype_size(in->dtype);
	struct margins m;

	OQZ_TRY(oqz_read_ints(c->in[1], pads, 2 * OQZ_MAX_RANK, &n, err));
	if (c->in[3])
		OQZ_TRY(oqz_read_ints(c->in[3], axes, OQZ_MAX_RANK, &n_axes, err));
	OQZ_TRY(margins_of(pads, n, axes, n_axes, c->in[3] != NULL, in->shape.rank, &m, err));
	if (mode != 'c')
		return pad_mapped(in, mode, &m, c->out[0], err);
	if (value && (value->dtype != in->dtype || oqz_tensor_nelem(value) != 1))
		OQZ_FAIL(err, OQZ_E_DATA, "the constant to pad with is not one %s", oqz_dtype_name(in->dtype));
	oqz_fill(c->out[0]->data, (size_t)oqz_tensor_nelem(c->out[0]), size, value ? value->data : zero);
	place(in, &m, c->out[0]);
	return OQZ_OK;
}

/* ---- CenterCropPad ---- */

struct center {
	struct oqz_ints axes;
};

/* Target shape -> margins: half of the difference before (rounded down), the rest after. */
static enum oqz_status center_shape(const struct oqz_node *n, const struct oqz_shape *in, const int64_t *want,
                                    size_t count, struct oqz_shape *ret, struct oqz_err *err)
{
	const struct center *p = OQZ_PARAMS(n, struct center);
	size_t expect = p->axes.v ? p->axes.n : (size_t)in->rank;

	if (count != expect)
		OQZ_FAIL(err, OQZ_E_DATA, "a target shape of %zu dims for %zu axes", count, expect);
	*ret = *in;
	for (size_t i = 0; i < count; i++) {
		int axis = (int)i;

		if (p->axes.v)
			OQZ_TRY(oqz_axis_resolve(p->axes.v[i], in->rank, false, &axis, err));
		if (want[i] < 0)
			OQZ_FAIL(err, OQZ_E_DATA, "target dimension %lld", (long long)want[i]);
		ret->dim[axis] = want[i];
	}
	return OQZ_OK;
}

static enum oqz_status infer_center(struct oqz_infer *c, struct oqz_err *err)
{
	int64_t want[OQZ_MAX_RANK];
	size_t n;
	bool known;

	c->out[0].dtype = c->in[0]->dtype;
	OQZ_TRY(oqz_const_ints(c, 1, want, OQZ_MAX_RANK, &n, &known, err));
	if (c->in[0]->shape.rank < 0)
		return OQZ_OK;
	if (known)
		return center_shape(c->node, &c->in[0]->shape, want, n, &c->out[0].shape, err);
	c->out[0].shape = oqz_shape_unknown(c->in[0]->shape.rank);
	return OQZ_OK;
}

static enum oqz_status run_center(const struct oqz_call *c, struct oqz_err *err)
{
	static const char zero[16];
	const struct oqz_tensor *in = c->in[0];
	struct oqz_tensor *out = c->out[0];
	struct margins m;

	(void)err;
	for (int d = 0; d < in->shape.rank; d++) {
		int64_t diff = out->shape.dim[d] - in->shape.dim[d];

		m.before[d] = diff / 2; /* towards zero: crops round down as pads do */
		m.after[d] = diff - m.before[d];
	}
	oqz_fill(out->data, (size_t)oqz_tensor_nelem(out), oqz_dtype_size(in->dtype), zero);
	place(in, &m, out);
	return OQZ_OK;
}

static const char *const pad_modes[] = { "constant", "reflect", "edge", "wrap", NULL };
static const struct oqz_attr_spec pad_attrs[] = { OQZ_A_STRING(struct pad, mode, "constant", pad_modes),
	                                          { .name = NULL } };
static const struct oqz_attr_spec center_attrs[] = { OQZ_A_INTS(struct center, axes), { .name = NULL } };

#define INDEX OQZ_ROLE_INDEX
#define DATA OQZ_ROLE_ACTIVATION

const struct oqz_op oqz_ops_pad[] = {
	{ OQZ_ROW(CENTER_CROP_PAD), .texts = true, OQZ_ROW_PARAMS(struct center, center_attrs),
	  OQZ_ROW_ROLES(DATA, INDEX), .infer = infer_center, .run = run_center },
	{ OQZ_ROW(PAD), .texts = true, OQZ_ROW_PARAMS(struct pad, pad_attrs), OQZ_ROW_ROLES(DATA, INDEX, DATA, INDEX),
	  .infer = infer_pad, .run = run_pad },
	{ .name = NULL },
};
