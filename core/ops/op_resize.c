/* SPDX-License-Identifier: Apache-2.0
 *
 * Resize. Everything that the attributes say ends up in one table per axis: for each output coordinate, which input
 * elements count and how much. Axes are then resized one after another, which is exact for all modes since their
 * weights are products, and costs the sum of the axes' taps rather than their product. Nearest is a pure copy through a
 * map.
 *
 * Coordinates follow the reference implementation of ONNX (Resize-19), in double; nearest is decided in float32 as
 * inference engines do, because there a last bit moves a whole pixel.
 */
#include "core/ops/op_resize.h"
#include "core/ops/ops_util.h"
#include "core/ops/strided.h"

#include <stdlib.h>

struct resize {
	int64_t antialias, exclude_outside;
	float cubic_coeff_a, extrapolation_value;
	const char *coordinate_transformation_mode, *keep_aspect_ratio_policy, *mode, *nearest_mode;
	struct oqz_ints axes;
};

/* ---- sizes ---- */

struct request {
	size_t n;
	int axis[OQZ_MAX_RANK];
	bool by_size;
	double scale[OQZ_MAX_RANK];
	int64_t size[OQZ_MAX_RANK];
};

static bool given(const struct oqz_tensor *t) { return t && oqz_tensor_nelem(t) > 0; }

/* The axes named by the attribute (all when absent) and what scales (sizes) say of them. */
static enum oqz_status read_request(const struct resize *p, int rank, const struct oqz_tensor *scales,
                                    const struct oqz_tensor *sizes, struct request *r, struct oqz_err *err)
{
	size_t n;

	r->n = p->axes.v ? p->axes.n : (size_t)rank;
	r->by_size = !given(scales);
	if (r->n > OQZ_MAX_RANK || given(scales) == given(sizes))
		OQZ_FAIL(err, OQZ_E_DATA, "needs either scales or sizes");
	for (size_t i = 0; i < r->n; i++) {
		r->axis[i] = (int)i;
		if (p->axes.v)
			OQZ_TRY(oqz_axis_resolve(p->axes.v[i], rank, false, &r->axis[i], err));
	}
	n = (size_t)oqz_tensor_nelem(r->by_size ? sizes : scales);
	if (n != r->n)
		OQZ_FAIL(err, OQZ_E_DATA, "%zu %s for %zu axes", n, r->by_size ? "sizes" : "scales", r->n);
	for (size_t i = 0; i < n; i++) {
		if (r->by_size)
			r->size[i] = oqz_load_i(sizes->dtype, sizes->data, i);
		else
			r->scale[i] = oqz_load_f(scales->dtype, scales->data, i);
		if (r->by_size ? r->size[i] < 0 : !(r->scale[i] > 0 && r->scale[i] < 1e9))
			OQZ_FAIL(err, OQZ_E_DATA, "%s[%zu] is not positive", r->by_size ? "sizes" : "scales", i);
	}
	return OQZ_OK;
}

/* With an aspect ratio to keep, one scale serves all axes: the least or the greatest. */
static double common_scale(const struct resize *p, const struct request *r, const struct oqz_shape *in)
{
	bool smaller = strcmp(p->keep_aspect_ratio_policy, "not_larger") == 0;
	double best = smaller ? INFINITY : 0;

	for (size_t i = 0; i < r->n; i++) {
		double s = (double)r->size[i] / (double)in->dim[r->axis[i]];

		best = smaller ? (s < best ? s : best) : (s > best ? s : best);
	}
	return best;
}

/* Fills the axes from a concrete input shape. */
static enum oqz_status axes_of(const struct resize *p, const struct oqz_shape *in, const struct request *r,
                               struct oqz_resize_axis *ax, struct oqz_err *err)
{
	bool stretch = strcmp(p->keep_aspect_ratio_policy, "stretch") == 0;

	for (int d = 0; d < in->rank; d++)
		ax[d] = (struct oqz_resize_axis) { in->dim[d], in->dim[d], 1, 0, 1, false };
	for (size_t i = 0; i < r->n; i++) {
		struct oqz_resize_axis *a = &ax[r->axis[i]];

		if (!r->by_size) {
			a->scale = r->scale[i];
			/* In float32, as exporters and other engines compute it: 0.7f * 10 is 7. With
			 * tf_crop_and_resize the text multiplies by the region's length, too; ONNX's type rule,
			 * its reference implementation and ONNX Runtime do not. */
			a->out = (int64_t)floorf((float)a->scale * (float)a->in);
		} else if (stretch) {
			a->out = r->size[i];
			a->scale = a->in ? (double)a->out / (double)a->in : 1;
		} else {
			a->scale = common_scale(p, r, in);
			a->out = (int64_t)floor(a->scale * (double)a->in + 0.5);
		}
		if (a->in == 0 && a->out > 0)
			OQZ_FAIL(err, OQZ_E_DATA, "axis %d is empty", r->axis[i]);
		a->active = true;
	}
	return OQZ_OK;
}

static enum oqz_status infer_resize(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_shape *in = &c->in[0]->shape;
	struct oqz_resize_axis ax[OQZ_MAX_RANK];
	struct request r;

	c->out[0].dtype = c->in[0]->dtype;
	if (in->rank < 0)
		return OQZ_OK;
	c->out[0].shape = oqz_shape_unknown(in->rank);
	if ((c->in[2] && !c->constant[2]) || (c->in[3] && !c->constant[3]))
		return OQZ_OK;
	OQZ_TRY(read_request(OQZ_PARAMS(c->node, struct resize), in->rank, c->constant[2], c->constant[3], &r, err));
	if (!oqz_shape_concrete(in)) {
		bool named[OQZ_MAX_RANK] = { 0 };

		for (size_t i = 0; i < r.n; i++)
			named[r.axis[i]] = !(in->dim[r.axis[i]] < 0 && !r.by_size && r.scale[i] == 1);
		for (int d = 0; d < in->rank; d++)
			if (!named[d])
				c->out[0].shape.dim[d] = in->dim[d];
		return OQZ_OK;
	}
	OQZ_TRY(axes_of(OQZ_PARAMS(c->node, struct resize), in, &r, ax, err));
	for (int d = 0; d < in->rank; d++)
		c->out[0].shape.dim[d] = ax[d].out;
	return OQZ_OK;
}

/* ---- coordinates ---- */

enum transform {
	HALF_PIXEL,
	PYTORCH_HALF_PIXEL,
	HALF_PIXEL_SYMMETRIC,
	ALIGN_CORNERS,
	ASYMMETRIC,
	TF_CROP,
	TF_HALF_PIXEL_NN, /* Resize-11 only */
};

static const char *const transforms[] = { "half_pixel", "pytorch_half_pixel", "half_pixel_symmetric", "align_corners",
	                                  "asymmetric", "tf_crop_and_resize", "tf_half_pixel_for_nn", NULL };

static enum transform transform_of(const struct resize *p)
{
	for (int i = 0; transforms[i]; i++)
		if (strcmp(transforms[i], p->coordinate_transformation_mode) == 0)
			return (enum transform)i;
	return HALF_PIXEL;
}

/* Input coordinate of output coordinate x. `width` is in * scale, which need not be whole. */
static double source(enum transform t, const struct oqz_resize_axis *a, int64_t x)
{
	double width = a->scale * (double)a->in, in = (double)a->in, at = (double)x, half = (at + 0.5) / a->scale - 0.5;

	switch (t) {
	case HALF_PIXEL: return half;
	case PYTORCH_HALF_PIXEL: return a->out == 1 ? 0 : half;
	case HALF_PIXEL_SYMMETRIC: return in / 2 * (1 - (double)a->out / width) + half;
	case ALIGN_CORNERS: return width == 1 ? 0 : at * (in - 1) / (width - 1);
	case ASYMMETRIC: return at / a->scale;
	case TF_HALF_PIXEL_NN: return (at + 0.5) / a->scale;
	case TF_CROP: break;
	}
	double span = a->roi_end - a->roi_start;
	return (width == 1 ? span * (in - 1) / 2 : at * span * (in - 1) / (width - 1)) + a->roi_start * (in - 1);
}

/* The common cases of the above with every operation rounded to float32. */
static float source_f(enum transform t, const struct oqz_resize_axis *a, int64_t x)
{
	float scale = (float)a->scale, at = (float)x;

	switch (t) {
	case HALF_PIXEL: return (at + 0.5f) / scale - 0.5f;
	case PYTORCH_HALF_PIXEL: return a->out == 1 ? 0 : (at + 0.5f) / scale - 0.5f;
	case ASYMMETRIC: return at / scale;
	case TF_HALF_PIXEL_NN: return (at + 0.5f) / scale;
	default: return (float)source(t, a, x);
	}
}

static bool outside(enum transform t, const struct oqz_resize_axis *a, double at)
{
	return t == TF_CROP && (at < 0 || at > (double)(a->in - 1));
}

static int64_t clamp_index(int64_t i, int64_t n) { return i < 0 ? 0 : i >= n ? n - 1 : i; }

/* ---- nearest ---- */

static int64_t nearest_index(const char *mode, float at)
{
	if (strcmp(mode, "round_prefer_floor") == 0)
		return (int64_t)ceilf(at - 0.5f);
	if (strcmp(mode, "round_prefer_ceil") == 0)
		return (int64_t)floorf(at + 0.5f);
	return (int64_t)(mode[0] == 'f' ? floorf(at) : ceilf(at));
}

bool oqz_resize_is_nearest(const struct oqz_node *n) { return OQZ_PARAMS(n, struct resize)->mode[0] == 'n'; }

int64_t oqz_resize_nearest(const struct oqz_node *n, const struct oqz_resize_axis *a, int64_t x)
{
	const struct resize *p = OQZ_PARAMS(n, struct resize);
	enum transform t = transform_of(p);

	if (!a->active)
		return x;
	float at = source_f(t, a, x);
	return outside(t, a, at) ? OQZ_NOWHERE : clamp_index(nearest_index(p->nearest_mode, at), a->in);
}

static enum oqz_status resize_nearest(const struct oqz_node *n, const struct oqz_tensor *in,
                                      const struct oqz_resize_axis *ax, struct oqz_tensor *out, struct oqz_err *err)
{
	const struct resize *p = OQZ_PARAMS(n, struct resize);
	const int64_t *map[OQZ_MAX_RANK];
	int64_t stride[OQZ_MAX_RANK], total = 0;
	char fill[8];

	for (int d = 0; d < in->shape.rank; d++)
		total += ax[d].out;
	OQZ_CLEANUP_FREE int64_t *maps = malloc((size_t)total * sizeof *maps + 1);
	if (!maps)
		return oqz_err_nomem(err, "resize", (size_t)total * sizeof *maps);
	oqz_shape_strides(&in->shape, stride);
	int64_t *m = maps;
	for (int d = 0; d < in->shape.rank; m += ax[d++].out) {
		map[d] = m;
		for (int64_t x = 0; x < ax[d].out; x++) {
			int64_t i = oqz_resize_nearest(n, &ax[d], x);

			m[x] = i == OQZ_NOWHERE ? i : i * stride[d];
		}
	}
	oqz_store_f(in->dtype, fill, 0, (double)p->extrapolation_value);
	oqz_map_copy(in->shape.rank, out->shape.dim, map, oqz_dtype_size(in->dtype), in->data, fill, out->data);
	return OQZ_OK;
}

/* ---- linear, cubic ---- */

void oqz_resize_taps_release(struct oqz_resize_taps *t)
{
	free(t->first);
	free(t->weight);
	free(t->outside);
}

static double cubic(double x, double a)
{
	x = fabs(x);
	if (x <= 1)
		return ((a + 2) * x - (a + 3)) * x * x + 1;
	return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/* Weights of the n taps around a point that lies `ratio` in (0, 1] behind tap n/2 - 1. Without antialiasing the kernel
 * has unit width; with it, shrinking stretches the kernel by 1/scale. */
static void weigh(const struct resize *p, double ratio, double shrink, int64_t n, double *w)
{
	bool is_cubic = p->mode[0] == 'c';
	double sum = 0;

	for (int64_t i = 0; i < n; i++) {
		double x = ((double)(i - n / 2 + 1) - ratio) * shrink;

		w[i] = is_cubic ? cubic(x, (double)p->cubic_coeff_a) : fmax(0, 1 - fabs(x));
		sum += w[i];
	}
	for (int64_t i = 0; i < n && shrink < 1; i++)
		w[i] /= sum;
}

static void exclude(int64_t first, int64_t n, int64_t in, double *w)
{
	double sum = 0;

	for (int64_t i = 0; i < n; i++) {
		w[i] = first + i < 0 || first + i >= in ? 0 : w[i];
		sum += w[i];
	}
	for (int64_t i = 0; i < n; i++)
		w[i] /= sum;
}

enum oqz_status oqz_resize_taps_init(struct oqz_resize_taps *t, const struct oqz_node *node,
                                     const struct oqz_resize_axis *a, struct oqz_err *err)
{
	const struct resize *p = OQZ_PARAMS(node, struct resize);
	double shrink = p->antialias && a->scale < 1 ? a->scale : 1;
	int64_t start = (int64_t)floor((p->mode[0] == 'c' ? -2 : -1) / shrink) + 1;
	enum transform tr = transform_of(p);
	size_t count;

	t->n = 2 - 2 * start;
	if (!oqz_size_mul((size_t)t->n, (size_t)a->out, &count) || count > SIZE_MAX / 16)
		OQZ_FAIL(err, OQZ_E_LIMIT, "a scale of %g", a->scale);
	t->first = malloc((size_t)a->out * sizeof *t->first + 1);
	t->weight = malloc(count * sizeof *t->weight + 1);
	t->outside = malloc((size_t)a->out + 1);
	if (!t->first || !t->weight || !t->outside)
		return oqz_err_nomem(err, "resize", count * sizeof *t->weight);
	for (int64_t x = 0; x < a->out; x++) {
		double at = source(tr, a, x), up = ceil(at);
		double *w = t->weight + x * t->n;

		t->first[x] = (int64_t)up - t->n / 2;
		t->outside[x] = outside(tr, a, at);
		weigh(p, at - up + 1, shrink, t->n, w);
		if (p->exclude_outside)
			exclude(t->first[x], t->n, a->in, w);
	}
	return OQZ_OK;
}

/* The last axis: a row of `in` numbers to a row of `out`. */
static void apply_last(const struct oqz_resize_taps *t, const struct oqz_resize_axis *a, int64_t outer, double extra,
                       const double *src, double *dst)
{
	for (int64_t o = 0; o < outer; o++, src += a->in, dst += a->out)
		for (int64_t x = 0; x < a->out; x++) {
			const double *w = t->weight + x * t->n;
			int64_t first = t->first[x];
			double sum = t->outside[x] ? extra : 0;

			if (!t->outside[x] && first >= 0 && first + t->n <= a->in)
				for (int64_t k = 0; k < t->n; k++)
					sum = w[k] != 0 ? sum + w[k] * src[first + k] : sum;
			else
				for (int64_t k = 0; k < t->n && !t->outside[x]; k++)
					sum = w[k] != 0 ? sum + w[k] * src[clamp_index(first + k, a->in)] : sum;
			dst[x] = sum;
		}
}

/* (outer, in, inner) -> (outer, out, inner). */
static void apply_axis(const struct oqz_resize_taps *t, const struct oqz_resize_axis *a, int64_t outer, int64_t inner,
                       double extra, const double *src, double *dst)
{
	if (inner == 1) {
		apply_last(t, a, outer, extra, src, dst);
		return;
	}
	for (int64_t o = 0; o < outer; o++, src += a->in * inner)
		for (int64_t x = 0; x < a->out; x++, dst += inner) {
			const double *w = t->weight + x * t->n;

			for (int64_t i = 0; i < inner; i++)
				dst[i] = t->outside[x] ? extra : 0;
			for (int64_t k = 0; k < t->n && !t->outside[x]; k++) {
				const double *row = src + clamp_index(t->first[x] + k, a->in) * inner;

				if (w[k] != 0)
					oqz_add_f64(w[k], row, dst, inner);
			}
		}
}

bool oqz_resize_is_identity(const struct oqz_resize_axis *a)
{
	return !a->active || (a->scale == 1 && a->roi_start == 0 && a->roi_end == 1);
}

static enum oqz_status resize_smooth(const struct oqz_node *node, const struct oqz_tensor *in,
                                     const struct oqz_resize_axis *ax, struct oqz_tensor *out, struct oqz_err *err)
{
	const struct resize *p = OQZ_PARAMS(node, struct resize);
	OQZ_CLEANUP_FREE double *now = NULL;
	struct oqz_shape s = in->shape;

	OQZ_TRY(oqz_read_f64(in, &now, err));
	for (int d = in->shape.rank - 1; d >= 0; d--) {
		OQZ_CLEANUP(oqz_resize_taps_release) struct oqz_resize_taps t = { 0 };
		double *next = NULL;

		if (oqz_resize_is_identity(&ax[d]))
			continue;
		OQZ_TRY(oqz_resize_taps_init(&t, node, &ax[d], err));
		s.dim[d] = ax[d].out;
		int64_t n;
		OQZ_TRY(oqz_shape_count(&s, &n, err));
		OQZ_TRY(oqz_new_f64(n, &next, err));
		apply_axis(&t, &ax[d], oqz_shape_span(&s, 0, d), oqz_shape_span(&s, d + 1, s.rank),
		           (double)p->extrapolation_value, now, next);
		free(now);
		now = next;
	}
	oqz_write_f64(out, now);
	return OQZ_OK;
}

/* roi is all starts, then all ends, in the order of the axes. */
static enum oqz_status read_roi(const struct oqz_tensor *roi, const struct request *r, struct oqz_resize_axis *ax,
                                struct oqz_err *err)
{
	if (!given(roi) || (size_t)oqz_tensor_nelem(roi) != 2 * r->n)
		OQZ_FAIL(err, OQZ_E_DATA, "tf_crop_and_resize needs a roi of %zu numbers", 2 * r->n);
	for (size_t i = 0; i < r->n; i++) {
		ax[r->axis[i]].roi_start = oqz_load_f(roi->dtype, roi->data, i);
		ax[r->axis[i]].roi_end = oqz_load_f(roi->dtype, roi->data, r->n + i);
	}
	return OQZ_OK;
}

enum oqz_status oqz_resize_plan(const struct oqz_node *n, const struct oqz_shape *in, const struct oqz_tensor *roi,
                                const struct oqz_tensor *scales, const struct oqz_tensor *sizes,
                                struct oqz_resize_axis *ret, struct oqz_err *err)
{
	const struct resize *p = OQZ_PARAMS(n, struct resize);
	struct request r;

	OQZ_TRY(read_request(p, in->rank, scales, sizes, &r, err));
	OQZ_TRY(axes_of(p, in, &r, ret, err));
	return transform_of(p) == TF_CROP ? read_roi(roi, &r, ret, err) : OQZ_OK;
}

static enum oqz_status run_resize(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *in = c->in[0];
	struct oqz_resize_axis ax[OQZ_MAX_RANK];

	OQZ_TRY(oqz_resize_plan(c->node, &in->shape, c->in[1], c->in[2], c->in[3], ax, err));
	if (oqz_tensor_nelem(c->out[0]) == 0)
		return OQZ_OK;
	return oqz_resize_is_nearest(c->node) ? resize_nearest(c->node, in, ax, c->out[0], err)
	                                      : resize_smooth(c->node, in, ax, c->out[0], err);
}

static const char *const modes[] = { "nearest", "linear", "cubic", NULL };
static const char *const nearest_modes[] = { "round_prefer_floor", "round_prefer_ceil", "floor", "ceil", NULL };
static const char *const policies[] = { "stretch", "not_larger", "not_smaller", NULL };
static const struct oqz_attr_spec resize_attrs[] = {
	OQZ_A_INT(struct resize, antialias, 0),
	OQZ_A_INTS(struct resize, axes),
	OQZ_A_STRING(struct resize, coordinate_transformation_mode, "half_pixel", transforms),
	OQZ_A_FLOAT(struct resize, cubic_coeff_a, -0.75f),
	OQZ_A_INT(struct resize, exclude_outside, 0),
	OQZ_A_FLOAT(struct resize, extrapolation_value, 0),
	OQZ_A_STRING(struct resize, keep_aspect_ratio_policy, "stretch", policies),
	OQZ_A_STRING(struct resize, mode, "nearest", modes),
	OQZ_A_STRING(struct resize, nearest_mode, "round_prefer_floor", nearest_modes),
	{ .name = NULL },
};

const struct oqz_op oqz_ops_resize[] = {
	{ OQZ_ROW(RESIZE), OQZ_ROW_PARAMS(struct resize, resize_attrs),
	  OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_INDEX, OQZ_ROLE_INDEX, OQZ_ROLE_INDEX), .infer = infer_resize,
	  .run = run_resize },
	{ .name = NULL },
};
