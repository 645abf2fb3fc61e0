/* SPDX-License-Identifier: Apache-2.0
 *
 * ConvTranspose in float32, channels-last, bias and activation in one primitive. ONNX keeps the weights as
 * (I, O/g, kernel...), oneDNN wants (g, O/g, I/g, kernel...): the descriptor swaps the strides and packing does the
 * rest.
 */
#include "core/exec/dnnl/dnnl_util.h"

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

static enum oqz_status deconv_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                     size_t why_size, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_attr_release) struct oqz_dnnl_attr attr = { 0 };
	const struct oqz_conv_params *params = OQZ_PARAMS(d->node, struct oqz_conv_params);
	const struct oqz_shape *in = &d->in_type[0].shape, *w = &d->in_type[1].shape;
	bool has_bias = d->n_in > 2 && d->in_type[2].dtype != OQZ_DT_UNDEFINED;
	struct oqz_dnnl_window win;
	struct oqz_window geometry;
	struct oqz_err e = { 0 };
	struct oqz_dnnl_prim *p = NULL;

	if (d->group || d->in_type[0].dtype != OQZ_DT_F32)
		return oqz_dnnl_decline(why, why_size, "float32 only");
	if (!d->constant[1] || (has_bias && !d->constant[2]))
		return oqz_dnnl_decline(why, why_size, "weights or bias are computed at run time");
	if (oqz_shape_nelem(in) == 0 || oqz_shape_nelem(w) == 0 || oqz_shape_nelem(&d->out_type[0].shape) == 0)
		return oqz_dnnl_decline(why, why_size, "an empty tensor");
	if (oqz_conv_transpose_window(params, in, w, &geometry, &e) != OQZ_OK)
		return oqz_dnnl_decline(why, why_size, "%s", e.msg);
	oqz_dnnl_window_init(&win, &geometry, true);
	OQZ_TRY(oqz_dnnl_attr_init(&attr, err));
	if (!oqz_dnnl_attr_act(&attr, d->act))
		return oqz_dnnl_decline(why, why_size, "activation %s cannot be fused", d->act->op_type);
	OQZ_TRY(oqz_dnnl_attr_finish(&attr, err));
	enum oqz_status st = deconv_build(d, &win, params->group, &attr, &p, err);
	if (st == OQZ_E_UNSUPPORTED)
		return oqz_dnnl_decline(why, why_size, "oneDNN has no kernel for it");
	OQZ_TRY(st);
	oqz_dnnl_choice(ret, p, "deconv");
	ret->in_layout[0] = ret->out_layout[0] = OQZ_LAYOUT_CHANNELS_LAST;
	ret->state = p;
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_dnnl_deconv = { "dnnl.deconv", deconv_create, oqz_dnnl_run_unary,
	                                       oqz_dnnl_destroy_prim };
