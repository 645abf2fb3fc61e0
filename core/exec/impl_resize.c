/* SPDX-License-Identifier: Apache-2.0
 *
 * Resize, nearest and linear, of the two spatial dimensions of (N,C,H,W) in float32, in either layout: the loops see
 * (outer, H, W, inner) with inner = C in channels-last and 1 in row-major. Source positions and weights per output row
 * and column are worked out once, by the formulas of ONNX Resize-19, in double as the reference has them.
 */
#include "core/exec/program.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* For each output position of one axis: two source positions and the second one's weight (0 for nearest). */
struct resize_axis {
	int64_t n_in, n_out;
	int64_t *lo, *hi;
	float *w;
};

struct resize {
	bool linear;
	int64_t outer, inner;
	struct resize_axis y, x;
};

static void axis_release(struct resize_axis *a)
{
	free(a->lo);
	free(a->hi);
	free(a->w);
}

static void resize_destroy(void *state)
{
	struct resize *r = state;

	if (!r)
		return;
	axis_release(&r->y);
	axis_release(&r->x);
	free(r);
}

/* Position in the input of output position o (Resize-19, coordinate_transformation_mode). False: a mode not done here.
 */
static bool source(const char *mode, int64_t o, double scale, int64_t n_in, int64_t n_out, double *ret)
{
	double x = (double)o, width = scale * (double)n_in, half = (x + 0.5) / scale - 0.5;

	if (strcmp(mode, "half_pixel") == 0)
		*ret = half;
	else if (strcmp(mode, "pytorch_half_pixel") == 0)
		*ret = n_out == 1 ? -0.5 : half;
	else if (strcmp(mode, "asymmetric") == 0)
		*ret = x / scale;
	else if (strcmp(mode, "align_corners") == 0)
		*ret = width == 1 ? 0 : x * (double)(n_in - 1) / (width - 1);
	else if (strcmp(mode, "half_pixel_symmetric") == 0)
		*ret = (double)n_in / 2 * (1 - (double)n_out / width) + half;
	else
		return false;
	return true;
}

/* Nearest decides at ties, so the common modes are computed as the reference (and ONNX Runtime) does: each operation
 * rounded to float32. */
static bool source_f(const char *mode, int64_t o, double scale, int64_t n_in, int64_t n_out, float *ret)
{
	float s = (float)scale, x = (float)o;
	double exact;

	if (!source(mode, o, scale, n_in, n_out, &exact))
		return false;
	*ret = (float)exact;
	if (strcmp(mode, "half_pixel") == 0 || (strcmp(mode, "pytorch_half_pixel") == 0 && n_out != 1))
		*ret = (x + 0.5f) / s - 0.5f;
	else if (strcmp(mode, "asymmetric") == 0)
		*ret = x / s;
	return true;
}

static int64_t nearest(const char *mode, float x)
{
	if (strcmp(mode, "floor") == 0)
		return (int64_t)floorf(x);
	if (strcmp(mode, "ceil") == 0)
		return (int64_t)ceilf(x);
	if (strcmp(mode, "round_prefer_ceil") == 0)
		return (int64_t)floorf(x + 0.5f);
	return (int64_t)ceilf(x - 0.5f); /* round_prefer_floor */
}

static int64_t clampi(int64_t v, int64_t n) { return v < 0 ? 0 : v >= n ? n - 1 : v; }

static enum oqz_status axis_init(struct resize_axis *a, const struct oqz_node *n, bool linear, double scale,
                                 int64_t n_in, int64_t n_out, struct oqz_err *err)
{
	const char *coord = oqz_node_string(n, "coordinate_transformation_mode", "half_pixel");
	const char *round = oqz_node_string(n, "nearest_mode", "round_prefer_floor");

	*a = (struct resize_axis) { .n_in = n_in, .n_out = n_out };
	a->lo = calloc((size_t)n_out + 1, sizeof *a->lo);
	a->hi = calloc((size_t)n_out + 1, sizeof *a->hi);
	a->w = calloc((size_t)n_out + 1, sizeof *a->w);
	if (!a->lo || !a->hi || !a->w)
		return oqz_err_nomem(err, "a resize", (size_t)n_out * 20);
	for (int64_t o = 0; o < n_out; o++) {
		double x;
		float near;
		if (!source(coord, o, scale, n_in, n_out, &x) || !source_f(coord, o, scale, n_in, n_out, &near))
			return OQZ_E_UNSUPPORTED;
		if (linear) {
			double f = floor(x);
			a->w[o] = (float)(x - f);
			a->lo[o] = clampi((int64_t)f, n_in);
			a->hi[o] = clampi((int64_t)f + 1, n_in);
		} else {
			a->lo[o] = a->hi[o] = clampi(nearest(round, near), n_in);
		}
	}
	return OQZ_OK;
}

/* Scale of axis i: the given one, else the ratio of the sizes. */
static double scale_of(const struct oqz_step_desc *d, int i)
{
	const struct oqz_tensor *scales = d->n_in > 2 ? d->constant[2] : NULL;
	const struct oqz_attr *axes = oqz_node_attr(d->node, "axes");
	int rank = d->in_type[0].shape.rank;

	if (scales && oqz_tensor_nelem(scales) > 0) {
		for (size_t k = 0; k < (size_t)oqz_tensor_nelem(scales); k++) {
			int64_t axis = axes ? axes->ints[k] : (int64_t)k;
			if ((axis < 0 ? axis + rank : axis) == i)
				return oqz_load_f(scales->dtype, scales->data, k);
		}
		return 1;
	}
	return (double)d->out_type[0].shape.dim[i] / (double)d->in_type[0].shape.dim[i];
}

static const char *refuse(const struct oqz_step_desc *d)
{
	const struct oqz_shape *in = &d->in_type[0].shape, *out = &d->out_type[0].shape;
	const struct oqz_attr *antialias = oqz_node_attr(d->node, "antialias");
	const char *mode = oqz_node_string(d->node, "mode", "nearest");

	if (d->act || d->in_type[0].dtype != OQZ_DT_F32 || in->rank != 4 || oqz_shape_nelem(out) == 0 ||
	    oqz_shape_nelem(in) == 0)
		return "not (N,C,H,W) in float32";
	if (in->dim[0] != out->dim[0] || in->dim[1] != out->dim[1] || scale_of(d, 0) != 1 || scale_of(d, 1) != 1)
		return "more than the spatial dimensions";
	if ((strcmp(mode, "nearest") != 0 && strcmp(mode, "linear") != 0) || (antialias && antialias->i))
		return "a mode other than nearest or linear";
	if (oqz_step_has(d, 2) && !d->constant[2])
		return "scales that are not constant";
	if (strcmp(oqz_node_string(d->node, "keep_aspect_ratio_policy", "stretch"), "stretch") != 0)
		return "a policy of aspect ratio";
	return NULL;
}

static enum oqz_status resize_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                     size_t why_size, struct oqz_err *err)
{
	const char *reason = refuse(d);
	const struct oqz_shape *in = &d->in_type[0].shape, *out = &d->out_type[0].shape;

	if (reason) {
		snprintf(why, why_size, "%s", reason);
		return OQZ_E_UNSUPPORTED;
	}
	struct resize *r = calloc(1, sizeof *r);
	if (!r)
		return oqz_err_nomem(err, "a step", sizeof *r);
	bool last = d->in_layout[0] == OQZ_LAYOUT_CHANNELS_LAST;
	r->linear = strcmp(oqz_node_string(d->node, "mode", "nearest"), "linear") == 0;
	r->outer = last ? in->dim[0] : in->dim[0] * in->dim[1];
	r->inner = last ? in->dim[1] : 1;
	enum oqz_status st = axis_init(&r->y, d->node, r->linear, scale_of(d, 2), in->dim[2], out->dim[2], err);
	if (st == OQZ_OK)
		st = axis_init(&r->x, d->node, r->linear, scale_of(d, 3), in->dim[3], out->dim[3], err);
	if (st != OQZ_OK) {
		resize_destroy(r);
		snprintf(why, why_size, "an unusual coordinate transformation");
		return st;
	}
	ret->in_layout[0] = ret->out_layout[0] = d->in_layout[0];
	snprintf(ret->name, sizeof ret->name, "own.resize");
	ret->state = r;
	return OQZ_OK;
}

static void nearest_row(const struct resize *r, const float *in, float *out)
{
	size_t bytes = (size_t)r->inner * sizeof *out;

	if (r->inner == 1)
		for (int64_t x = 0; x < r->x.n_out; x++)
			out[x] = in[r->x.lo[x]];
	else
		for (int64_t x = 0; x < r->x.n_out; x++)
			memcpy(out + x * r->inner, in + r->x.lo[x] * r->inner, bytes);
}

/* a, b: the rows above and below; wy: the lower one's weight. */
OQZ_KERNEL static void linear_row(const struct resize *r, const float *a, const float *b, float wy, float *restrict out)
{
	int64_t n = r->inner;

	for (int64_t x = 0; x < r->x.n_out; x++) {
		const float *a0 = a + r->x.lo[x] * n, *a1 = a + r->x.hi[x] * n;
		const float *b0 = b + r->x.lo[x] * n, *b1 = b + r->x.hi[x] * n;
		float w = r->x.w[x];
		for (int64_t c = 0; c < n; c++) {
			float top = a0[c] * (1 - w) + a1[c] * w, bottom = b0[c] * (1 - w) + b1[c] * w;
			out[x * n + c] = top * (1 - wy) + bottom * wy;
		}
	}
}

static enum oqz_status resize_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct resize *r = state;
	int64_t row_in = r->x.n_in * r->inner, row_out = r->x.n_out * r->inner;
	const float *in = c->in[0]->data;
	float *out = c->out[0]->data;

	for (int64_t o = 0; o < r->outer; o++, in += r->y.n_in * row_in)
		for (int64_t y = 0; y < r->y.n_out; y++, out += row_out) {
			const float *a = in + r->y.lo[y] * row_in, *b = in + r->y.hi[y] * row_in;
			if (r->linear)
				linear_row(r, a, b, r->y.w[y], out);
			else if (y > 0 && r->y.lo[y] == r->y.lo[y - 1])
				memcpy(out, out - row_out, (size_t)row_out * sizeof *out);
			else
				nearest_row(r, a, out);
		}
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_resize = { "own.resize", resize_create, resize_run, resize_destroy };
