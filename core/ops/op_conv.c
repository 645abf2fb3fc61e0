/* SPDX-License-Identifier: Apache-2.0
 *
 * Conv, ConvTranspose, ConvInteger and QLinearConv over one loop nest. The kernels compute in double on arrays (N, C,
 * D, H, W): 1-D and 2-D are 3-D with extents of 1, and integer convolutions are exact in double (sums stay far below
 * 2^53). Sums run over input channel, then kernel position; the innermost loop runs along an output row, so that it
 * vectorises without changing the order in which any one output is summed.
 */
#include "core/ops/ops_util.h"
#include "core/ops/window.h"

#include <stdlib.h>

static const char *const auto_pads[] = { "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", NULL };

static const struct oqz_attr_spec conv_attrs[] = {
	OQZ_A_STRING(struct oqz_conv_params, auto_pad, "NOTSET", auto_pads),
	OQZ_A_INT(struct oqz_conv_params, group, 1),
	OQZ_A_INTS(struct oqz_conv_params, kernel_shape),
	OQZ_A_INTS(struct oqz_conv_params, pads),
	OQZ_A_INTS(struct oqz_conv_params, strides),
	OQZ_A_INTS(struct oqz_conv_params, dilations),
	{ .name = NULL },
};

static const struct oqz_attr_spec conv_transpose_attrs[] = {
	OQZ_A_STRING(struct oqz_conv_params, auto_pad, "NOTSET", auto_pads),
	OQZ_A_INT(struct oqz_conv_params, group, 1),
	OQZ_A_INTS(struct oqz_conv_params, kernel_shape),
	OQZ_A_INTS(struct oqz_conv_params, pads),
	OQZ_A_INTS(struct oqz_conv_params, strides),
	OQZ_A_INTS(struct oqz_conv_params, dilations),
	OQZ_A_INTS(struct oqz_conv_params, output_padding),
	OQZ_A_INTS(struct oqz_conv_params, output_shape),
	{ .name = NULL },
};

/* ---- types ---- */

static int64_t dim_of(const struct oqz_shape *s, int i) { return s->rank > i ? s->dim[i] : OQZ_DIM_UNKNOWN; }

/* Groups divide the channels on both sides. (in, per_group) are counts of input channels, out of output channels. */
static enum oqz_status check_groups(int64_t group, int64_t in, int64_t per_group, int64_t out, struct oqz_err *err)
{
	if (group < 1)
		OQZ_FAIL(err, OQZ_E_DATA, "group is %lld", (long long)group);
	if (in >= 0 && (in % group != 0 || (per_group >= 0 && per_group != in / group)))
		OQZ_FAIL(err, OQZ_E_DATA, "%lld input channels in %lld groups with a weight for %lld", (long long)in,
		         (long long)group, (long long)per_group);
	if (out >= 0 && out % group != 0)
		OQZ_FAIL(err, OQZ_E_DATA, "%lld output channels in %lld groups", (long long)out, (long long)group);
	return OQZ_OK;
}

static void set_output(struct oqz_infer *c, enum oqz_dtype dtype, int64_t n, int64_t channels,
                       const struct oqz_window *w)
{
	c->out[0].dtype = dtype;
	c->out[0].shape = (struct oqz_shape) { .rank = w->n + 2, .dim = { n, channels } };
	for (int i = 0; i < w->n; i++)
		c->out[0].shape.dim[i + 2] = w->out[i];
}

static enum oqz_status infer_conv_at(struct oqz_infer *c, int weight, int bias, enum oqz_dtype dtype,
                                     struct oqz_err *err)
{
	const struct oqz_conv_params *p = OQZ_PARAMS(c->node, struct oqz_conv_params);
	struct oqz_type x = oqz_in_type(c, 0), w = oqz_in_type(c, weight), b = { 0 };
	struct oqz_window win;

	c->out[0].dtype = dtype;
	OQZ_TRY(oqz_need_rank(c, 0, 3, OQZ_WINDOW_MAX + 2, err));
	OQZ_TRY(oqz_need_rank(c, weight, 3, OQZ_WINDOW_MAX + 2, err));
	if (x.shape.rank < 0 && w.shape.rank < 0 && !p->kernel_shape.v)
		return OQZ_OK;
	OQZ_TRY(oqz_conv_window(p, &x.shape, &w.shape, &win, err));
	int64_t m = dim_of(&w.shape, 0);
	OQZ_TRY(check_groups(p->group, dim_of(&x.shape, 1), dim_of(&w.shape, 1), m, err));
	if (bias >= 0 && c->in[bias]) {
		b = *c->in[bias];
		OQZ_TRY(oqz_need_rank(c, bias, 1, 1, err));
		OQZ_TRY(oqz_need_dim(dim_of(&b.shape, 0), m, "length of the bias", err));
	}
	set_output(c, dtype, dim_of(&x.shape, 0), m, &win);
	return OQZ_OK;
}

static enum oqz_status infer_conv(struct oqz_infer *c, struct oqz_err *err)
{
	enum oqz_dtype t;

	OQZ_TRY(oqz_need_float(c, 0, err));
	OQZ_TRY(oqz_same_dtype(c, 0, 3, &t, err));
	return infer_conv_at(c, 1, 2, t, err);
}

static enum oqz_status infer_conv_integer(struct oqz_infer *c, struct oqz_err *err)
{
	return infer_conv_at(c, 1, -1, OQZ_DT_I32, err);
}

static enum oqz_status infer_qlinear_conv(struct oqz_infer *c, struct oqz_err *err)
{
	return infer_conv_at(c, 3, 8, oqz_in_type(c, 7).dtype, err);
}

static enum oqz_status infer_conv_transpose(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_conv_params *p = OQZ_PARAMS(c->node, struct oqz_conv_params);
	struct oqz_type x = oqz_in_type(c, 0), w = oqz_in_type(c, 1);
	struct oqz_window win;
	enum oqz_dtype t;

	OQZ_TRY(oqz_need_float(c, 0, err));
	OQZ_TRY(oqz_same_dtype(c, 0, 3, &t, err));
	c->out[0].dtype = t;
	OQZ_TRY(oqz_need_rank(c, 0, 3, OQZ_WINDOW_MAX + 2, err));
	OQZ_TRY(oqz_need_rank(c, 1, 3, OQZ_WINDOW_MAX + 2, err));
	if (x.shape.rank < 0 && w.shape.rank < 0 && !p->kernel_shape.v)
		return OQZ_OK;
	OQZ_TRY(oqz_conv_transpose_window(p, &x.shape, &w.shape, &win, err));
	/* W is (C, M/group, kernel...) */
	OQZ_TRY(oqz_need_dim(dim_of(&w.shape, 0), dim_of(&x.shape, 1), "input channels of the weight", err));
	OQZ_TRY(check_groups(p->group, dim_of(&x.shape, 1), -1, -1, err));
	int64_t m = dim_of(&w.shape, 1);
	if (m >= 0 && !oqz_i64_mul(m, p->group, &m))
		OQZ_FAIL(err, OQZ_E_LIMIT, "too many output channels");
	if (c->in[2]) {
		OQZ_TRY(oqz_need_rank(c, 2, 1, 1, err));
		OQZ_TRY(oqz_need_dim(dim_of(&c->in[2]->shape, 0), m, "length of the bias", err));
	}
	set_output(c, t, dim_of(&x.shape, 0), m, &win);
	return OQZ_OK;
}

/* ---- loop nests ---- */

struct conv {
	struct oqz_window w;                             /* 3-D */
	int64_t batch, group, in_channels, out_channels; /* channels of all groups */
	const double *x, *weight;
	double *y; /* holds the bias when the sums begin */
};

/* Output columns [lo, hi) whose input column o * stride + shift lies inside [0, extent). */
static void columns(int64_t out, int64_t stride, int64_t shift, int64_t extent, int64_t *lo, int64_t *hi)
{
	*lo = shift < 0 ? (-shift + stride - 1) / stride : 0;
	*hi = shift >= extent ? 0 : (extent - shift + stride - 1) / stride;
	if (*hi > out)
		*hi = out;
}

OQZ_KERNEL static void add_row(double *y, const double *x, double w, int64_t n, int64_t stride)
{
	if (stride == 1)
		for (int64_t o = 0; o < n; o++)
			y[o] += w * x[o];
	else
		for (int64_t o = 0; o < n; o++)
			y[o] += w * x[o * stride];
}

OQZ_KERNEL static void spread_row(double *y, const double *x, double w, int64_t n, int64_t stride)
{
	for (int64_t i = 0; i < n; i++)
		y[i * stride] += w * x[i];
}

/* One kernel position (kd, kh, kw) of one pair of channel planes. */
static void conv_tap(const struct oqz_window *w, const int64_t k[3], double coef, const double *x, double *y)
{
	int64_t shift[3], lo, hi;

	for (int i = 0; i < 3; i++)
		shift[i] = k[i] * w->dilation[i] - w->pad_begin[i];
	columns(w->out[2], w->stride[2], shift[2], w->in[2], &lo, &hi);
	if (hi <= lo)
		return;
	for (int64_t od = 0; od < w->out[0]; od++) {
		int64_t id = od * w->stride[0] + shift[0];
		if (id < 0 || id >= w->in[0])
			continue;
		for (int64_t oh = 0; oh < w->out[1]; oh++) {
			int64_t ih = oh * w->stride[1] + shift[1];
			if (ih >= 0 && ih < w->in[1])
				add_row(y + (od * w->out[1] + oh) * w->out[2] + lo,
				        x + (id * w->in[1] + ih) * w->in[2] + shift[2] + lo * w->stride[2], coef,
				        hi - lo, w->stride[2]);
		}
	}
}

/* The transposed step: input (id, ih, iw) lands at i * stride + k * dilation - pad. */
static void conv_transpose_tap(const struct oqz_window *w, const int64_t k[3], double coef, const double *x, double *y)
{
	int64_t shift[3], lo, hi;

	for (int i = 0; i < 3; i++)
		shift[i] = k[i] * w->dilation[i] - w->pad_begin[i];
	columns(w->in[2], w->stride[2], shift[2], w->out[2], &lo, &hi);
	if (hi <= lo)
		return;
	for (int64_t id = 0; id < w->in[0]; id++) {
		int64_t od = id * w->stride[0] + shift[0];
		if (od < 0 || od >= w->out[0])
			continue;
		for (int64_t ih = 0; ih < w->in[1]; ih++) {
			int64_t oh = ih * w->stride[1] + shift[1];
			if (oh >= 0 && oh < w->out[1])
				spread_row(y + (od * w->out[1] + oh) * w->out[2] + shift[2] + lo * w->stride[2],
				           x + (id * w->in[1] + ih) * w->in[2] + lo, coef, hi - lo, w->stride[2]);
		}
	}
}

typedef void tap_fn(const struct oqz_window *w, const int64_t k[3], double coef, const double *x, double *y);

/* All kernel positions of one pair of planes; `coef` is (KD, KH, KW). */
static void plane(const struct oqz_window *w, const double *coef, const double *x, double *y, tap_fn *tap)
{
	for (int64_t kd = 0; kd < w->kernel[0]; kd++)
		for (int64_t kh = 0; kh < w->kernel[1]; kh++)
			for (int64_t kw = 0; kw < w->kernel[2]; kw++)
				tap(w, (const int64_t[]) { kd, kh, kw },
				    coef[(kd * w->kernel[1] + kh) * w->kernel[2] + kw], x, y);
}

static void convolve(const struct conv *c, bool transposed)
{
	const struct oqz_window *w = &c->w;
	int64_t ci = c->in_channels / c->group, co = c->out_channels / c->group;
	int64_t in_plane = w->in[0] * w->in[1] * w->in[2], out_plane = w->out[0] * w->out[1] * w->out[2];
	int64_t kernel = w->kernel[0] * w->kernel[1] * w->kernel[2];

	for (int64_t n = 0; n < c->batch; n++)
		for (int64_t g = 0; g < c->group; g++)
			for (int64_t o = 0; o < co; o++)
				for (int64_t i = 0; i < ci; i++) {
					/* W: (M, C/group, K) or transposed (C, M/group, K) */
					int64_t at = transposed ? (g * ci + i) * co + o : (g * co + o) * ci + i;
					plane(w, c->weight + at * kernel,
					      c->x + (n * c->in_channels + g * ci + i) * in_plane,
					      c->y + (n * c->out_channels + g * co + o) * out_plane,
					      transposed ? conv_transpose_tap : conv_tap);
				}
}

/* ---- kernels ---- */

struct work {
	double *x, *w, *b, *y;
};

static void work_release(struct work *k)
{
	free(k->x);
	free(k->w);
	free(k->b);
	free(k->y);
}

/* Reads the operands and puts the bias into y. in[] at the given places; bias may be NULL. */
static enum oqz_status work_init(struct work *k, const struct oqz_tensor *x, const struct oqz_tensor *w,
                                 const struct oqz_tensor *b, const struct oqz_shape *out, struct oqz_err *err)
{
	OQZ_TRY(oqz_read_f64(x, &k->x, err));
	OQZ_TRY(oqz_read_f64(w, &k->w, err));
	OQZ_TRY(oqz_new_f64(oqz_shape_nelem(out), &k->y, err));
	if (!b)
		return OQZ_OK;
	OQZ_TRY(oqz_read_f64(b, &k->b, err));
	int64_t plane_size = oqz_shape_span(out, 2, out->rank);
	for (int64_t i = 0, n = out->dim[0] * out->dim[1]; i < n; i++)
		for (int64_t j = 0; j < plane_size; j++)
			k->y[i * plane_size + j] = k->b[i % out->dim[1]];
	return OQZ_OK;
}

static void run_work(const struct work *k, const struct oqz_window *win, int64_t group, const struct oqz_shape *x,
                     const struct oqz_shape *out, bool transposed)
{
	struct conv c = { .w = oqz_window_3d(win),
		          .batch = x->dim[0],
		          .group = group,
		          .in_channels = x->dim[1],
		          .out_channels = out->dim[1],
		          .x = k->x,
		          .weight = k->w,
		          .y = k->y };

	convolve(&c, transposed);
}

static enum oqz_status run_conv(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_conv_params *p = OQZ_PARAMS(c->node, struct oqz_conv_params);
	OQZ_CLEANUP(work_release) struct work k = { 0 };
	struct oqz_window win;

	OQZ_TRY(oqz_conv_window(p, &c->in[0]->shape, &c->in[1]->shape, &win, err));
	OQZ_TRY(work_init(&k, c->in[0], c->in[1], c->in[2], &c->out[0]->shape, err));
	run_work(&k, &win, p->group, &c->in[0]->shape, &c->out[0]->shape, false);
	oqz_write_f64(c->out[0], k.y);
	return OQZ_OK;
}

static enum oqz_status run_conv_transpose(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_conv_params *p = OQZ_PARAMS(c->node, struct oqz_conv_params);
	OQZ_CLEANUP(work_release) struct work k = { 0 };
	struct oqz_window win;

	OQZ_TRY(oqz_conv_transpose_window(p, &c->in[0]->shape, &c->in[1]->shape, &win, err));
	OQZ_TRY(work_init(&k, c->in[0], c->in[1], c->in[2], &c->out[0]->shape, err));
	run_work(&k, &win, p->group, &c->in[0]->shape, &c->out[0]->shape, true);
	oqz_write_f64(c->out[0], k.y);
	return OQZ_OK;
}

/* v -= zero: one number, or one per slice of v along its first dim. Padding is then 0, as the operators want. */
static enum oqz_status subtract_zero(double *v, const struct oqz_shape *s, const struct oqz_tensor *zero,
                                     struct oqz_err *err)
{
	if (!zero)
		return OQZ_OK;
	int64_t n = oqz_tensor_nelem(zero), per = oqz_shape_span(s, 1, s->rank);
	if (n != 1 && n != s->dim[0])
		OQZ_FAIL(err, OQZ_E_DATA, "%lld zero points for %lld channels", (long long)n, (long long)s->dim[0]);
	for (int64_t i = 0; i < s->dim[0]; i++) {
		double z = oqz_load_f(zero->dtype, zero->data, (size_t)(n == 1 ? 0 : i));
		for (int64_t j = 0; j < per; j++)
			v[i * per + j] -= z;
	}
	return OQZ_OK;
}

static enum oqz_status scalar_zero(const struct oqz_tensor *zero, struct oqz_err *err)
{
	if (zero && oqz_tensor_nelem(zero) != 1)
		OQZ_FAIL(err, OQZ_E_DATA, "the zero point of the activation is not one number");
	return OQZ_OK;
}

static enum oqz_status integer_sums(const struct oqz_call *c, int weight, const struct oqz_tensor *xz,
                                    const struct oqz_tensor *wz, const struct oqz_tensor *bias, struct work *k,
                                    struct oqz_err *err)
{
	const struct oqz_conv_params *p = OQZ_PARAMS(c->node, struct oqz_conv_params);
	const struct oqz_tensor *x = c->in[0], *w = c->in[weight];
	struct oqz_window win;

	OQZ_TRY(oqz_conv_window(p, &x->shape, &w->shape, &win, err));
	OQZ_TRY(work_init(k, x, w, bias, &c->out[0]->shape, err));
	OQZ_TRY(scalar_zero(xz, err));
	OQZ_TRY(subtract_zero(k->x, &x->shape, xz, err));
	OQZ_TRY(subtract_zero(k->w, &w->shape, wz, err));
	run_work(k, &win, p->group, &x->shape, &c->out[0]->shape, false);
	return OQZ_OK;
}

static enum oqz_status run_conv_integer(const struct oqz_call *c, struct oqz_err *err)
{
	OQZ_CLEANUP(work_release) struct work k = { 0 };

	OQZ_TRY(integer_sums(c, 1, c->in[2], c->in[3], NULL, &k, err));
	oqz_write_f64(c->out[0], k.y);
	return OQZ_OK;
}

/* in: x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias */
static enum oqz_status run_qlinear_conv(const struct oqz_call *c, struct oqz_err *err)
{
	OQZ_CLEANUP(work_release) struct work k = { 0 };
	const struct oqz_shape *s = &c->out[0]->shape;

	OQZ_TRY(integer_sums(c, 3, c->in[2], c->in[5], c->in[8], &k, err));
	int64_t n_scales = oqz_tensor_nelem(c->in[4]), per = oqz_shape_span(s, 2, s->rank);
	if (oqz_tensor_nelem(c->in[1]) != 1 || oqz_tensor_nelem(c->in[6]) != 1 || oqz_tensor_nelem(c->in[7]) != 1)
		OQZ_FAIL(err, OQZ_E_DATA, "a scale or zero point of the activations is not one number");
	if (n_scales != 1 && n_scales != s->dim[1])
		OQZ_FAIL(err, OQZ_E_DATA, "%lld weight scales for %lld channels", (long long)n_scales,
		         (long long)s->dim[1]);
	float xs = (float)oqz_load_f(c->in[1]->dtype, c->in[1]->data, 0);
	float ys = (float)oqz_load_f(c->in[6]->dtype, c->in[6]->data, 0);
	double yz = oqz_load_f(c->in[7]->dtype, c->in[7]->data, 0);
	for (int64_t i = 0; i < s->dim[0] * s->dim[1]; i++) {
		size_t ch = n_scales == 1 ? 0 : (size_t)(i % s->dim[1]);
		/* The multiplier is float32, as in ONNX Runtime: the specification leaves its precision open. */
		float m = xs * (float)oqz_load_f(c->in[4]->dtype, c->in[4]->data, ch) / ys;
		for (int64_t j = 0; j < per; j++)
			k.y[i * per + j] = (double)nearbyintf((float)k.y[i * per + j] * m) + yz;
	}
	oqz_write_f64(c->out[0], k.y);
	return OQZ_OK;
}

/* ---- DeformConv ---- */

static const struct oqz_attr_spec deform_attrs[] = {
	OQZ_A_INT(struct oqz_conv_params, group, 1),
	OQZ_A_INT(struct oqz_conv_params, offset_group, 1),
	OQZ_A_INTS(struct oqz_conv_params, kernel_shape),
	OQZ_A_INTS(struct oqz_conv_params, pads),
	OQZ_A_INTS(struct oqz_conv_params, strides),
	OQZ_A_INTS(struct oqz_conv_params, dilations),
	{ .name = NULL },
};

/* DeformConv has no auto_pad. */
static struct oqz_conv_params explicit_pads(const struct oqz_conv_params *p)
{
	struct oqz_conv_params q = *p;

	q.auto_pad = "NOTSET";
	return q;
}

/* in: x (N,C,H,W), w (M,C/group,kH,kW), offset (N, og*kH*kW*2, oH, oW), bias, mask (N, og*kH*kW, oH, oW) */
static enum oqz_status infer_deform_conv(struct oqz_infer *c, struct oqz_err *err)
{
	struct oqz_conv_params p = explicit_pads(OQZ_PARAMS(c->node, struct oqz_conv_params));
	struct oqz_type x = oqz_in_type(c, 0), w = oqz_in_type(c, 1);
	struct oqz_window win;
	enum oqz_dtype t;

	OQZ_TRY(oqz_need_float(c, 0, err));
	OQZ_TRY(oqz_same_dtype(c, 0, 5, &t, err));
	for (int i = 0; i < 5; i++)
		if (i != 3)
			OQZ_TRY(oqz_need_rank(c, i, 4, 4, err));
	OQZ_TRY(oqz_need_rank(c, 3, 1, 1, err));
	c->out[0].dtype = t;
	if (x.shape.rank < 0 && w.shape.rank < 0 && !p.kernel_shape.v)
		return OQZ_OK;
	OQZ_TRY(oqz_conv_window(&p, &x.shape, &w.shape, &win, err));
	OQZ_TRY(check_groups(p.group, dim_of(&x.shape, 1), dim_of(&w.shape, 1), dim_of(&w.shape, 0), err));
	OQZ_TRY(check_groups(p.offset_group, dim_of(&x.shape, 1), -1, -1, err));
	if (win.kernel[0] > 0 && win.kernel[1] > 0)
		for (int i = 2; i <= 4; i += 2) {
			struct oqz_type o = oqz_in_type(c, i);
			int64_t per = win.kernel[0] * win.kernel[1] * (i == 2 ? 2 : 1), want;
			if (!oqz_i64_mul(per, p.offset_group, &want))
				OQZ_FAIL(err, OQZ_E_LIMIT, "too many offsets");
			OQZ_TRY(oqz_need_dim(dim_of(&o.shape, 0), dim_of(&x.shape, 0), "batch of the offsets", err));
			OQZ_TRY(oqz_need_dim(dim_of(&o.shape, 1), want, "channels of the offsets", err));
			OQZ_TRY(oqz_need_dim(dim_of(&o.shape, 2), win.out[0], "height of the offsets", err));
			OQZ_TRY(oqz_need_dim(dim_of(&o.shape, 3), win.out[1], "width of the offsets", err));
		}
	if (c->in[3])
		OQZ_TRY(oqz_need_dim(dim_of(&c->in[3]->shape, 0), dim_of(&w.shape, 0), "length of the bias", err));
	set_output(c, t, dim_of(&x.shape, 0), dim_of(&w.shape, 0), &win);
	return OQZ_OK;
}

/* Bilinear value at (y, x); outside the plane is 0. */
static double bilinear(const double *p, int64_t h, int64_t w, double y, double x)
{
	if (!(y > -1 && x > -1 && y < (double)h && x < (double)w))
		return 0;
	int64_t y0 = (int64_t)floor(y), x0 = (int64_t)floor(x);
	double fy = y - (double)y0, fx = x - (double)x0, sum = 0;
	for (int dy = 0; dy < 2; dy++)
		for (int dx = 0; dx < 2; dx++) {
			int64_t iy = y0 + dy, ix = x0 + dx;
			if (iy >= 0 && iy < h && ix >= 0 && ix < w)
				sum += (dy ? fy : 1 - fy) * (dx ? fx : 1 - fx) * p[iy * w + ix];
		}
	return sum;
}

struct deform {
	struct oqz_window w; /* 2-D */
	int64_t channels, outputs, group, offset_group;
	const double *x, *weight, *offset, *mask; /* mask may be NULL */
};

/* What lies under one tap of one channel along an output row. */
static void deform_tap(const struct deform *d, int64_t n, int64_t ch, int64_t t, int64_t oy, double *row)
{
	int64_t kw = d->w.kernel[1], taps = d->w.kernel[0] * kw, h = d->w.in[0], wd = d->w.in[1], width = d->w.out[1];
	int64_t o = (n * d->offset_group + ch / (d->channels / d->offset_group)) * taps + t;
	int64_t plane_out = d->w.out[0] * width, at = oy * width;
	const double *x = d->x + (n * d->channels + ch) * h * wd;
	double y0 = (double)(oy * d->w.stride[0] - d->w.pad_begin[0] + t / kw * d->w.dilation[0]);

	for (int64_t ox = 0; ox < width; ox++) {
		double x0 = (double)(ox * d->w.stride[1] - d->w.pad_begin[1] + t % kw * d->w.dilation[1]);
		double v = bilinear(x, h, wd, y0 + d->offset[2 * o * plane_out + at + ox],
		                    x0 + d->offset[(2 * o + 1) * plane_out + at + ox]);
		row[ox] = d->mask ? v * d->mask[o * plane_out + at + ox] : v;
	}
}

/* One output row of all channels: what lies under the taps is looked up once for all outputs of a group. y is (outputs,
 * height, width) of an image, `row` has room for one row. */
static void deform_row(const struct deform *d, int64_t n, int64_t oy, double *row, double *y)
{
	int64_t width = d->w.out[1], plane = d->w.out[0] * width, taps = d->w.kernel[0] * d->w.kernel[1];
	int64_t ci = d->channels / d->group, per = d->outputs / d->group;

	for (int64_t ch = 0; ch < d->channels; ch++)
		for (int64_t t = 0; t < taps; t++) {
			deform_tap(d, n, ch, t, oy, row);
			for (int64_t m = ch / ci * per; m < (ch / ci + 1) * per; m++)
				oqz_add_f64(d->weight[(m * ci + ch % ci) * taps + t], row, y + m * plane + oy * width,
				            width);
		}
}

static enum oqz_status run_deform_conv(const struct oqz_call *c, struct oqz_err *err)
{
	struct oqz_conv_params p = explicit_pads(OQZ_PARAMS(c->node, struct oqz_conv_params));
	OQZ_CLEANUP(work_release) struct work k = { 0 };
	OQZ_CLEANUP_FREE double *offset = NULL;
	OQZ_CLEANUP_FREE double *mask = NULL;
	OQZ_CLEANUP_FREE double *row = NULL;
	const struct oqz_shape *s = &c->out[0]->shape;
	struct deform d = { .channels = c->in[0]->shape.dim[1],
		            .outputs = s->dim[1],
		            .group = p.group,
		            .offset_group = p.offset_group };

	OQZ_TRY(oqz_conv_window(&p, &c->in[0]->shape, &c->in[1]->shape, &d.w, err));
	OQZ_TRY(work_init(&k, c->in[0], c->in[1], c->in[3], s, err));
	OQZ_TRY(oqz_read_f64(c->in[2], &offset, err));
	if (c->in[4])
		OQZ_TRY(oqz_read_f64(c->in[4], &mask, err));
	d.x = k.x, d.weight = k.w, d.offset = offset, d.mask = mask;
	OQZ_TRY(oqz_new_f64(s->dim[3], &row, err));
	for (int64_t i = 0; i < s->dim[0]; i++)
		for (int64_t oy = 0; oy < s->dim[2]; oy++)
			deform_row(&d, i, oy, row, k.y + i * oqz_shape_span(s, 1, 4));
	oqz_write_f64(c->out[0], k.y);
	return OQZ_OK;
}

const struct oqz_op oqz_ops_conv[] = {
	{ OQZ_ROW(CONV), OQZ_ROW_PARAMS(struct oqz_conv_params, conv_attrs), .infer = infer_conv, .run = run_conv,
	  OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_WEIGHT, OQZ_ROLE_BIAS) },
	{ OQZ_ROW(CONV_TRANSPOSE), OQZ_ROW_PARAMS(struct oqz_conv_params, conv_transpose_attrs),
	  .infer = infer_conv_transpose, .run = run_conv_transpose,
	  OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_WEIGHT, OQZ_ROLE_BIAS) },
	{ OQZ_ROW(CONV_INTEGER), OQZ_ROW_PARAMS(struct oqz_conv_params, conv_attrs), .infer = infer_conv_integer,
	  .run = run_conv_integer,
	  OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_WEIGHT, OQZ_ROLE_INDEX, OQZ_ROLE_INDEX) },
	{ OQZ_ROW(QLINEAR_CONV), OQZ_ROW_PARAMS(struct oqz_conv_params, conv_attrs), .infer = infer_qlinear_conv,
	  .run = run_qlinear_conv,
	  OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_INDEX, OQZ_ROLE_INDEX, OQZ_ROLE_WEIGHT, OQZ_ROLE_INDEX,
	                OQZ_ROLE_INDEX, OQZ_ROLE_INDEX, OQZ_ROLE_INDEX, OQZ_ROLE_BIAS) },
	{ OQZ_ROW(DEFORM_CONV), OQZ_ROW_PARAMS(struct oqz_conv_params, deform_attrs), .infer = infer_deform_conv,
	  .run = run_deform_conv,
	  OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_WEIGHT, OQZ_ROLE_INDEX, OQZ_ROLE_BIAS, OQZ_ROLE_ACTIVATION) },
	{ .name = NULL },
};
