/* SPDX-License-Identifier: Apache-2.0
 *
 * ConvTranspose in float32, channels-last, bias and activation in one primitive. ONNX keeps the weights as
 * (I, O/g, kernel...), oneDNN wants (g, O/g, I/g, kernel...): the descriptor swaps the strides and packing does the
 * rest.
 *
 * Depthwise ones (learned upsampling in pose networks) run in a loop of our own: oneDNN 2.6 does them at 0.1 GFLOP/s
 * when the data lie channels-last.
 */
#include "core/exec/dnnl/dnnl_util.h"

#include <string.h>

struct deconv {
	struct oqz_dnnl_prim *prim; /* NULL: depthwise */
	struct oqz_window win;      /* depthwise: three spatial dims */
	int64_t batch, channels;
	float *weights; /* (kernel, channels) */
	float *bias;    /* (channels) */
};

static void deconv_free(void *state)
{
	struct deconv *d = state;

	if (d) {
		oqz_dnnl_prim_free(d->prim);
		free(d->weights);
		free(d->bias);
	}
	free(d);
}

/* The weights where they lie, in oneDNN's order of dimensions. */
static dnnl_memory_desc_t weights_md(const struct oqz_shape *w, int64_t group)
{
	int64_t in = w->dim[0] / group, out = w->dim[1], k = oqz_shape_span(w, 2, w->rank);
	dnnl_memory_desc_t r;
	dnnl_dims_t dims, strides;
	int n = 0;

	if (group > 1) {
		dims[n] = group;
		strides[n++] = in * out * k;
	}
	dims[n] = out;
	strides[n++] = k;
	dims[n] = in;
	strides[n++] = out * k;
	for (int i = 2; i < w->rank; i++) {
		dims[n] = w->dim[i];
		strides[n++] = oqz_shape_span(w, i + 1, w->rank);
	}
	dnnl_memory_desc_init_by_strides(&r, n, dims, dnnl_f32, strides);
	return r;
}

static enum oqz_status deconv_build(const struct oqz_step_desc *d, const struct oqz_dnnl_window *w, int64_t group,
                                    struct oqz_dnnl_attr *attr, struct oqz_dnnl_prim **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_prim_free_cleanup) struct oqz_dnnl_prim *p = NULL;
	const struct oqz_tensor *weights = d->constant[1], *bias = d->constant[2];
	dnnl_memory_desc_t src, dst, have = weights_md(&weights->shape, group), any = oqz_dnnl_md_any(&have), b = { 0 };
	dnnl_deconvolution_desc_t dd;

	oqz_dnnl_md(&d->in_type[0].shape, dnnl_f32, OQZ_LAYOUT_CHANNELS_LAST, &src);
	oqz_dnnl_md(&d->out_type[0].shape, dnnl_f32, OQZ_LAYOUT_CHANNELS_LAST, &dst);
	if (bias)
		b = oqz_dnnl_md_dims(1, bias->shape.dim, dnnl_f32);
	DNNL_TRY(dnnl_dilated_deconvolution_forward_desc_init(&dd, dnnl_forward_inference, dnnl_deconvolution_direct,
	                                                      &src, &any, bias ? &b : NULL, &dst, w->stride, w->dilate,
	                                                      w->pad_l, w->pad_r));
	OQZ_TRY(oqz_dnnl_prim_new(&dd, attr->attr, &p, err));
	OQZ_TRY(oqz_dnnl_prim_pack(p, DNNL_ARG_WEIGHTS, &have, weights->data,
	                           oqz_dnnl_prim_md(p, dnnl_query_weights_md), err));
	if (bias)
		OQZ_TRY(oqz_dnnl_prim_pack(p, DNNL_ARG_BIAS, &b, bias->data, &b, err));
	oqz_dnnl_prim_arg(p, DNNL_ARG_SRC, &src);
	oqz_dnnl_prim_arg(p, DNNL_ARG_DST, &dst);
	*ret = oqz_steal(p);
	return OQZ_OK;
}

/* The input index that kernel cell k of output place o reads, or -1. */
static inline int64_t source_index(const struct oqz_window *w, int d, int64_t o, int64_t k)
{
	int64_t at = o + w->pad_begin[d] - k * w->dilation[d];

	return at < 0 || at % w->stride[d] || at / w->stride[d] >= w->in[d] ? -1 : at / w->stride[d];
}

/* One output place: y[c] = bias[c] + sum over kernel cells of x[cell][c] * w[cell][c]. */
OQZ_KERNEL static void depthwise_place(const struct deconv *p, const float *x, const int64_t *o, float *restrict y)
{
	const struct oqz_window *w = &p->win;
	int64_t channels = p->channels;

	memcpy(y, p->bias, (size_t)channels * sizeof *y);
	for (int64_t k0 = 0; k0 < w->kernel[0]; k0++) {
		int64_t i0 = source_index(w, 0, o[0], k0);
		for (int64_t k1 = 0; k1 < w->kernel[1] && i0 >= 0; k1++) {
			int64_t i1 = source_index(w, 1, o[1], k1);
			for (int64_t k2 = 0; k2 < w->kernel[2] && i1 >= 0; k2++) {
				int64_t i2 = source_index(w, 2, o[2], k2);
				if (i2 < 0)
					continue;
				const float *xs = x + ((i0 * w->in[1] + i1) * w->in[2] + i2) * channels;
				const float *ws =
				    p->weights + ((k0 * w->kernel[1] + k1) * w->kernel[2] + k2) * channels;
				for (int64_t c = 0; c < channels; c++)
					y[c] += xs[c] * ws[c];
			}
		}
	}
}

static void depthwise_run(const struct deconv *p, const float *x, float *y)
{
	const struct oqz_window *w = &p->win;
	int64_t o[3];

	for (int64_t n = 0; n < p->batch; n++, x += w->in[0] * w->in[1] * w->in[2] * p->channels)
		for (o[0] = 0; o[0] < w->out[0]; o[0]++)
			for (o[1] = 0; o[1] < w->out[1]; o[1]++)
				for (o[2] = 0; o[2] < w->out[2]; o[2]++, y += p->channels)
					depthwise_place(p, x, o, y);
}

static enum oqz_status depthwise_build(const struct oqz_step_desc *d, const struct oqz_window *g, struct deconv *p,
                                       struct oqz_err *err)
{
	const struct oqz_tensor *w = d->constant[1], *b = d->constant[2];
	int64_t c = w->shape.dim[0], k = oqz_tensor_nelem(w) / c;

	p->win = oqz_window_3d(g);
	p->batch = d->in_type[0].shape.dim[0];
	p->channels = c;
	p->weights = malloc((size_t)(k * c) * sizeof(float));
	p->bias = calloc((size_t)c, sizeof(float));
	if (!p->weights || !p->bias)
		return oqz_err_nomem(err, "packed weights", (size_t)(k * c) * sizeof(float));
	for (int64_t i = 0; i < c; i++)
		for (int64_t j = 0; j < k; j++)
			p->weights[j * c + i] = ((const float *)w->data)[i * k + j];
	if (b)
		memcpy(p->bias, b->data, (size_t)c * sizeof(float));
	return OQZ_OK;
}

/* Through oneDNN, with the activation. */
static enum oqz_status prim_create(const struct oqz_step_desc *d, const struct oqz_window *g, int64_t group,
                                   struct deconv *p, char *why, size_t why_size, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_attr_release) struct oqz_dnnl_attr attr = { 0 };
	struct oqz_dnnl_window win;

	oqz_dnnl_window_init(&win, g, true);
	OQZ_TRY(oqz_dnnl_attr_init(&attr, err));
	if (!oqz_dnnl_attr_act(&attr, d->act))
		return oqz_dnnl_decline(why, why_size, "activation %s cannot be fused", d->act->op_type);
	OQZ_TRY(oqz_dnnl_attr_finish(&attr, err));
	enum oqz_status st = deconv_build(d, &win, group, &attr, &p->prim, err);
	return st == OQZ_E_UNSUPPORTED ? oqz_dnnl_decline(why, why_size, "oneDNN has no kernel for it") : st;
}

static enum oqz_status deconv_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                     size_t why_size, struct oqz_err *err)
{
	const struct oqz_conv_params *params = OQZ_PARAMS(d->node, struct oqz_conv_params);
	const struct oqz_shape *in = &d->in_type[0].shape, *w = &d->in_type[1].shape;
	bool has_bias = oqz_step_has(d, 2);
	struct oqz_window geometry;
	struct oqz_err e = { 0 };

	if (d->group || d->in_type[0].dtype != OQZ_DT_F32)
		return oqz_dnnl_decline(why, why_size, "float32 only");
	if (!d->constant[1] || (has_bias && !d->constant[2]))
		return oqz_dnnl_decline(why, why_size, "weights or bias are computed at run time");
	if (oqz_shape_nelem(in) == 0 || oqz_shape_nelem(w) == 0 || oqz_shape_nelem(&d->out_type[0].shape) == 0)
		return oqz_dnnl_decline(why, why_size, "an empty tensor");
	if (oqz_conv_transpose_window(params, in, w, &geometry, &e) != OQZ_OK)
		return oqz_dnnl_decline(why, why_size, "%s", e.msg);
	bool depthwise = params->group == w->dim[0] && w->dim[1] == 1;
	if (depthwise && d->act)
		return oqz_dnnl_decline(why, why_size, "depthwise with an activation");
	struct deconv *p = calloc(1, sizeof *p);
	if (!p)
		return oqz_err_nomem(err, "a transposed convolution", sizeof *p);
	enum oqz_status st = depthwise ? depthwise_build(d, &geometry, p, err)
	                               : prim_create(d, &geometry, params->group, p, why, why_size, err);
	if (st != OQZ_OK) {
		deconv_free(p);
		return st;
	}
	if (p->prim) {
		oqz_dnnl_choice(ret, p->prim, "deconv");
	} else {
		strcpy(ret->name, "own.deconv.depthwise");
		ret->state_bytes = oqz_tensor_bytes(d->constant[1]) + (size_t)p->channels * sizeof(float);
		ret->inplace_input = -1;
	}
	ret->in_layout[0] = ret->out_layout[0] = OQZ_LAYOUT_CHANNELS_LAST;
	ret->state = p;
	return OQZ_OK;
}

static enum oqz_status deconv_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct deconv *p = state;

	if (p->prim)
		return oqz_dnnl_run_unary(p->prim, c, err);
	depthwise_run(p, c->in[0]->data, c->out[0]->data);
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_dnnl_deconv = { "dnnl.deconv", deconv_create, deconv_run, deconv_free };
