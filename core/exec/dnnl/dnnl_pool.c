/* SPDX-License-Identifier: Apache-2.0
 *
 * MaxPool and AveragePool, channels-last, float32, MaxPool also of 8-bit codes; global poolings, in either layout,
 * through the reduction of dnnl_reduce.h. ceil_mode is padding at the end that the size formula asks for: exact for
 * maxima and for averages that leave padding out; declined where ONNX counts declared padding only.
 */
#include "core/exec/dnnl/dnnl_reduce.h"
#include "core/exec/dnnl/dnnl_util.h"

#include <string.h>

enum { FAR_LARGER = 64 };

struct pool {
	struct oqz_dnnl_prim *prim; /* NULL: global */
	enum oqz_reduce_kind kind;
	int64_t outer, spatial, inner;
};

static void pool_free(void *state)
{
	struct pool *p = state;

	if (p)
		oqz_dnnl_prim_free(p->prim);
	free(p);
}

static enum oqz_status pool_build(const struct oqz_step_desc *d, dnnl_alg_kind_t alg, const struct oqz_dnnl_window *w,
                                  struct oqz_dnnl_prim **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_prim_free_cleanup) struct oqz_dnnl_prim *p = NULL;
	dnnl_memory_desc_t src, dst;
	dnnl_pooling_v2_desc_t pd;
	enum oqz_dtype t = d->in_type[0].dtype;
	dnnl_data_type_t type = t == OQZ_DT_F32 ? dnnl_f32 : t == OQZ_DT_U8 ? dnnl_u8 : dnnl_s8;

	oqz_dnnl_md(&d->in_type[0].shape, type, OQZ_LAYOUT_CHANNELS_LAST, &src);
	oqz_dnnl_md(&d->out_type[0].shape, type, OQZ_LAYOUT_CHANNELS_LAST, &dst);
	dnnl_status_t s = dnnl_pooling_v2_forward_desc_init(&pd, dnnl_forward_inference, alg, &src, &dst, w->stride,
	                                                    w->kernel, w->dilate, w->pad_l, w->pad_r);
	if (s != dnnl_success) /* it refuses windows that padding alone can fill */
		return oqz_err_set(err, OQZ_E_UNSUPPORTED, "oneDNN refuses the window");
	OQZ_TRY(oqz_dnnl_prim_new(&pd, NULL, &p, err));
	oqz_dnnl_prim_arg(p, DNNL_ARG_SRC, &src);
	oqz_dnnl_prim_arg(p, DNNL_ARG_DST, &dst);
	*ret = oqz_steal(p);
	return OQZ_OK;
}

/* AveragePool and MaxPool with a window. */
static enum oqz_status window_create(const struct oqz_step_desc *d, struct oqz_dnnl_prim **ret, char *why,
                                     size_t why_size, struct oqz_err *err)
{
	const struct oqz_pool_params *params = OQZ_PARAMS(d->node, struct oqz_pool_params);
	dnnl_alg_kind_t alg = dnnl_pooling_max;
	struct oqz_window g;
	struct oqz_dnnl_window w;
	struct oqz_err e = { 0 };

	if (oqz_pool_window(params, &d->in_type[0].shape, &g, &e) != OQZ_OK)
		return oqz_dnnl_decline(why, why_size, "%s", e.msg);
	oqz_dnnl_window_init(&w, &g, false);
	if (strcmp(d->node->op_type, "AveragePool") == 0) {
		alg = params->count_include_pad ? dnnl_pooling_avg_include_padding : dnnl_pooling_avg_exclude_padding;
		if (params->count_include_pad && w.extra_end)
			return oqz_dnnl_decline(why, why_size, "ceil_mode with count_include_pad");
	}
	for (int i = 0; i < w.nsp; i++) {
		int64_t extent = w.kernel[i] + (w.kernel[i] - 1) * w.dilate[i];
		if (w.kernel[i] / FAR_LARGER > g.in[i]) /* oneDNN walks over what is outside, too */
			return oqz_dnnl_decline(why, why_size, "windows far larger than the input");
		if (w.pad_l[i] >= extent || w.pad_r[i] >= extent)
			return oqz_dnnl_decline(why, why_size, "windows that see padding only");
		if (w.dilate[i] && (w.pad_l[i] || w.pad_r[i]) && g.in[i] < extent)
			return oqz_dnnl_decline(why, why_size, "dilated windows larger than the input");
	}
	enum oqz_status st = pool_build(d, alg, &w, ret, err);
	return st == OQZ_E_UNSUPPORTED ? oqz_dnnl_decline(why, why_size, "oneDNN has no kernel for it") : st;
}

static enum oqz_status pool_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                   size_t why_size, struct oqz_err *err)
{
	const struct oqz_shape *s = &d->in_type[0].shape;
	enum oqz_dtype t = d->in_type[0].dtype;
	bool codes = d->node->op->id == OQZ_OP_MAX_POOL && (t == OQZ_DT_U8 || t == OQZ_DT_I8);

	if (d->group || d->act || (t != OQZ_DT_F32 && !codes) || d->n_out != 1)
		return oqz_dnnl_decline(why, why_size, "float32, and maxima of codes, without indices");
	if (s->rank < 3 || s->rank > 5 || oqz_shape_nelem(s) == 0 || oqz_shape_nelem(&d->out_type[0].shape) == 0)
		return oqz_dnnl_decline(why, why_size, "one to three spatial dimensions, not empty");
	bool global = strncmp(d->node->op_type, "Global", 6) == 0,
	     plain = d->in_layout[0] == OQZ_LAYOUT_PLAIN && s->dim[1] > 1 && oqz_shape_span(s, 2, s->rank) > 1;
	if (plain && !global && !codes) /* own.pool has rows of float32 */
		return oqz_dnnl_decline(why, why_size, "a row-major tensor");
	struct pool *p = calloc(1, sizeof *p);
	if (!p)
		return oqz_err_nomem(err, "a pooling", sizeof *p);
	*p = (struct pool) { .outer = s->dim[0], .inner = s->dim[1], .spatial = oqz_shape_span(s, 2, s->rank) };
	ret->in_layout[0] = ret->out_layout[0] = OQZ_LAYOUT_CHANNELS_LAST;
	if (global) {
		if (plain) {
			p->outer *= p->inner;
			p->inner = 1;
			ret->in_layout[0] = ret->out_layout[0] = OQZ_LAYOUT_PLAIN;
		}
		p->kind = strcmp(d->node->op_type, "GlobalMaxPool") == 0 ? OQZ_REDUCE_MAX : OQZ_REDUCE_MEAN;
		ret->inplace_input = -1;
		strcpy(ret->name, "own.pool.global");
	} else {
		enum oqz_status st = window_create(d, &p->prim, why, why_size, err);
		if (st != OQZ_OK) {
			pool_free(p);
			return st;
		}
		oqz_dnnl_choice(ret, p->prim, "pool");
	}
	ret->state = p;
	return OQZ_OK;
}

static enum oqz_status pool_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct pool *p = state;

	if (p->prim)
		return oqz_dnnl_run_unary(p->prim, c, err);
	oqz_reduce(p->kind, c->in[0]->data, p->outer, p->spatial, p->inner, c->out[0]->data);
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_dnnl_pool = { "dnnl.pool", pool_create, pool_run, pool_free };
