/* SPDX-License-Identifier: Apache-2.0
 *
 * Conv in float32: one, two or three spatial dims, groups, dilations, any padding, bias and activation in one
 * primitive. Channels-last in and out (what oneDNN's best kernels take on every CPU generation); weights are packed
 * once into the order the chosen kernel wants. The direct algorithm only: Winograd trades accuracy for speed.
 */
#include "core/exec/dnnl/dnnl_bands.h"

#include <string.h>

bool oqz_dnnl_conv_geometry(const struct oqz_step_desc *d, const struct oqz_shape *w, struct oqz_dnnl_conv_geom *ret,
                            char *why, size_t why_size)
{
	const struct oqz_shape *in = &d->in_type[0].shape, *out = &d->out_type[0].shape;
	struct oqz_dnnl_conv_geom g = { 0 };
	struct oqz_window win;

	if (in->rank < 3 || in->rank > 5 || w->rank != in->rank)
		return oqz_dnnl_decline(why, why_size, "%d spatial dimensions", (int)in->rank - 2), false;
	if (oqz_shape_nelem(in) == 0 || oqz_shape_nelem(out) == 0 || oqz_shape_nelem(w) == 0)
		return oqz_dnnl_decline(why, why_size, "an empty tensor"), false;
	const struct oqz_conv_params *params = OQZ_PARAMS(d->node, struct oqz_conv_params);
	struct oqz_err err = { 0 };
	if (oqz_conv_window(params, in, w, &win, &err) != OQZ_OK)
		return oqz_dnnl_decline(why, why_size, "%s", err.msg), false;
	oqz_dnnl_window_init(&g.win, &win, false);
	g.group = params->group;
	if (g.group < 1 || w->dim[0] % g.group || w->dim[1] * g.group != in->dim[1])
		return oqz_dnnl_decline(why, why_size, "channels do not fit %lld groups", (long long)g.group), false;
	/* (O, I/g, K...) and (g, O/g, I/g, K...) are the same memory; oneDNN wants the latter when g > 1 */
	int n = 0;
	if (g.group > 1)
		g.wdims[n++] = g.group;
	g.wdims[n++] = w->dim[0] / g.group;
	for (int i = 1; i < w->rank; i++)
		g.wdims[n++] = w->dim[i];
	g.n_wdims = n;
	*ret = g;
	return true;
}

enum oqz_status oqz_dnnl_conv_desc(const struct oqz_dnnl_conv_geom *g, const dnnl_memory_desc_t *src,
                                   const dnnl_memory_desc_t *weights, const dnnl_memory_desc_t *bias,
                                   const dnnl_memory_desc_t *dst, dnnl_convolution_desc_t *ret, struct oqz_err *err)
{
	const struct oqz_dnnl_window *w = &g->win;

	DNNL_TRY(dnnl_dilated_convolution_forward_desc_init(ret, dnnl_forward_inference, dnnl_convolution_direct, src,
	                                                    weights, bias, dst, w->stride, w->dilate, w->pad_l,
	                                                    w->pad_r));
	return OQZ_OK;
}

/* Windows of so many channels that what brgconv needs for one row of outputs (2048 channels, 3x3: 3 MB of input, and
 * 4.7 MB of weights for each block of output channels) does not stay in a core's own cache. The older jit kernel, which
 * takes the channels in slices, is faster then: by 1/6 (2048 to 512 channels, 64x128 pixels), elsewhere it is slower by
 * as much. It declines far dilated windows of large images, for which a kernel is left that multiplies whole matrices,
 * six times as slow (2048 to 256 channels, dilations of 12 to 36). */
static bool is_wide(const struct oqz_dnnl_conv_geom *g)
{
	enum { WIDE_CHANNELS = 1024, WIDE_WEIGHTS = 16 << 20 };
	int first = g->group > 1; /* before it stands the number of groups */
	int64_t window = 1, in = g->wdims[first + 1];
	bool dilated = false;

	for (int i = first + 2; i < g->n_wdims; i++) {
		window *= g->wdims[i];
		dilated |= g->win.dilate[i - first - 2] > 0;
	}
	return window > 1 && !dilated && in > WIDE_CHANNELS &&
	       g->wdims[first] * in * window * (int64_t)sizeof(float) > WIDE_WEIGHTS;
}

struct conv {
	struct oqz_dnnl_prim *prim;
	struct oqz_dnnl_bands bands; /* none with an addition */
};

static void conv_free(void *state)
{
	struct conv *v = state;

	if (v) {
		oqz_dnnl_bands_release(&v->bands);
		oqz_dnnl_prim_free(v->prim);
	}
	free(v);
}

static enum oqz_status conv_build(const struct oqz_step_desc *d, const struct oqz_dnnl_conv_geom *g,
                                  struct oqz_dnnl_attr *attr, struct conv *ret, struct oqz_err *err)
{
	const struct oqz_tensor *bias = d->constant[2];
	dnnl_memory_desc_t src, dst, w = oqz_dnnl_md_dims(g->n_wdims, g->wdims, dnnl_f32), b = { 0 };
	dnnl_convolution_desc_t cd;

	oqz_dnnl_md(&d->in_type[0].shape, dnnl_f32, OQZ_LAYOUT_CHANNELS_LAST, &src);
	oqz_dnnl_md(&d->out_type[0].shape, dnnl_f32, OQZ_LAYOUT_CHANNELS_LAST, &dst);
	if (bias)
		b = oqz_dnnl_md_dims(1, bias->shape.dim, dnnl_f32);
	dnnl_memory_desc_t any = oqz_dnnl_md_any(&w);
	OQZ_TRY(oqz_dnnl_conv_desc(g, &src, &any, bias ? &b : NULL, &dst, &cd, err));
	OQZ_TRY(oqz_dnnl_prim_new_but(&cd, attr->attr, is_wide(g) ? "brgconv" : NULL, &ret->prim, err));
	struct oqz_dnnl_prim *p = ret->prim;
	OQZ_TRY(oqz_dnnl_prim_pack(p, DNNL_ARG_WEIGHTS, &w, d->constant[1]->data,
	                           oqz_dnnl_prim_md(p, dnnl_query_weights_md), err));
	if (bias)
		OQZ_TRY(oqz_dnnl_prim_pack(p, DNNL_ARG_BIAS, &b, bias->data, &b, err));
	oqz_dnnl_prim_arg(p, DNNL_ARG_SRC, &src);
	oqz_dnnl_prim_arg(p, DNNL_ARG_DST, &dst);
	return d->add ? OQZ_OK : oqz_dnnl_bands_init(&ret->bands, g, &src, &dst, bias ? &b : NULL, attr, p, err);
}

OQZ_DEFINE_CLEANUP(struct conv, conv_free)

static enum oqz_status conv_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                   size_t why_size, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_attr_release) struct oqz_dnnl_attr attr = { 0 };
	OQZ_CLEANUP(conv_free_cleanup) struct conv *v = NULL;
	struct oqz_dnnl_conv_geom g;
	bool has_bias = oqz_step_has(d, 2);

	if (d->group || d->in_type[0].dtype != OQZ_DT_F32)
		return oqz_dnnl_decline(why, why_size, "float32 only");
	if (!d->constant[1] || (has_bias && !d->constant[2]))
		return oqz_dnnl_decline(why, why_size, "weights or bias are computed at run time");
	if (!oqz_dnnl_conv_geometry(d, &d->in_type[1].shape, &g, why, why_size))
		return OQZ_E_UNSUPPORTED;
	OQZ_TRY(oqz_dnnl_attr_init(&attr, err));
	/* what the output's memory held before is added: the residual branch, see add_run */
	if (d->add && dnnl_post_ops_append_sum(attr.ops, 1) != dnnl_success)
		return oqz_dnnl_decline(why, why_size, "the addition cannot be fused");
	if (!oqz_dnnl_attr_act(&attr, d->act))
		return oqz_dnnl_decline(why, why_size, "activation %s cannot be fused", d->act->op_type);
	OQZ_TRY(oqz_dnnl_attr_finish(&attr, err));
	if (!(v = calloc(1, sizeof *v)))
		return oqz_err_nomem(err, "a convolution", sizeof *v);
	enum oqz_status st = conv_build(d, &g, &attr, v, err);
	if (st == OQZ_E_UNSUPPORTED)
		return oqz_dnnl_decline(why, why_size, "oneDNN has no kernel for it");
	OQZ_TRY(st);
	oqz_dnnl_choice(ret, v->prim, d->add ? "conv.add" : "conv");
	if (d->add && !strstr(ret->name, ".br")) /* other kernels lose more than a pass over memory costs */
		return oqz_dnnl_decline(why, why_size, "kernel %s adds slowly", ret->name);
	if (!d->add) {
		ret->band = oqz_dnnl_bands_size(&v->bands);
		size_t scratch = oqz_dnnl_bands_scratch(&v->bands);
		ret->scratch_bytes = scratch > ret->scratch_bytes ? scratch : ret->scratch_bytes;
	} else {
		ret->in_layout[d->add_in] = OQZ_LAYOUT_CHANNELS_LAST;
		ret->inplace_input = d->add_in;
	}
	ret->in_layout[0] = ret->out_layout[0] = OQZ_LAYOUT_CHANNELS_LAST;
	ret->state = oqz_steal(v);
	return OQZ_OK;
}

static enum oqz_status plain_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                    size_t why_size, struct oqz_err *err)
{
	return d->add ? oqz_dnnl_decline(why, why_size, "without an addition")
	              : conv_create(d, ret, why, why_size, err);
}

static enum oqz_status add_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                  size_t why_size, struct oqz_err *err)
{
	return d->add ? conv_create(d, ret, why, why_size, err)
	              : oqz_dnnl_decline(why, why_size, "with an addition only");
}

static enum oqz_status conv_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct conv *v = state;

	return oqz_dnnl_prim_run(v->prim, (const void *[]) { c->in[0]->data, c->out[0]->data }, c->scratch, err);
}

static enum oqz_status conv_band(const void *state, const struct oqz_step_call *c, size_t i, float *out,
                                 struct oqz_err *err)
{
	const struct conv *v = state;

	return oqz_dnnl_bands_run(&v->bands, i, c->in[0]->data, sizeof(float), out, c->scratch, err);
}

/* The residual branch lies where the output goes, or is put there. */
static enum oqz_status add_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	if (c->in[3]->data != c->out[0]->data)
		memcpy(c->out[0]->data, c->in[3]->data, oqz_tensor_bytes(c->out[0]));
	return conv_run(state, c, err);
}

const struct oqz_impl oqz_impl_dnnl_conv = { "dnnl.conv", plain_create, conv_run, conv_free, NULL, conv_band };
const struct oqz_impl oqz_impl_dnnl_conv_add = { "dnnl.conv.add", add_create, add_run, conv_free };
