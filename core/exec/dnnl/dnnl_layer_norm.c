/* SPDX-License-Identifier: Apache-2.0
 *
 * LayerNormalization over the last dims in float32, on oneDNN as that of a matrix.
 */
#include "core/exec/dnnl/dnnl_util.h"

#include <string.h>

/* A constant vector of n floats as argument `arg`. */
static enum oqz_status pack_vector(struct oqz_dnnl_prim *p, int arg, const struct oqz_tensor *t, int64_t n,
                                   struct oqz_err *err)
{
	dnnl_memory_desc_t md = oqz_dnnl_md_dims(1, &n, dnnl_f32);

	return oqz_dnnl_prim_pack(p, arg, &md, t->data, &md, err);
}

static bool constant_vector(const struct oqz_step_desc *d, int i, int64_t n)
{
	return d->constant[i] && d->constant[i]->dtype == OQZ_DT_F32 && oqz_tensor_nelem(d->constant[i]) == n;
}

static enum oqz_status layer_build(const struct oqz_step_desc *d, struct oqz_dnnl_prim **ret, char *why,
                                   size_t why_size, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_prim_free_cleanup) struct oqz_dnnl_prim *p = NULL;
	const struct oqz_shape *s = &d->in_type[0].shape;
	bool shift = d->n_in > 2 && d->in_type[2].dtype != OQZ_DT_UNDEFINED;
	dnnl_layer_normalization_desc_t ld;
	int axis;

	OQZ_TRY(oqz_axis_resolve(oqz_node_int(d->node, "axis", -1), s->rank, false, &axis, err));
	int64_t n = oqz_shape_span(s, axis, s->rank);
	if (!constant_vector(d, 1, n) || (shift && !constant_vector(d, 2, n)))
		return oqz_dnnl_decline(why, why_size, "scale or bias is not a constant of the normalized shape");
	dnnl_dims_t dims = { oqz_shape_nelem(s) / n, n };
	dnnl_memory_desc_t md = oqz_dnnl_md_dims(2, dims, dnnl_f32);
	DNNL_TRY(dnnl_layer_normalization_forward_desc_init(&ld, dnnl_forward_inference, &md, NULL,
	                                                    oqz_node_float(d->node, "epsilon", 1e-5f),
	                                                    dnnl_use_scale | (shift ? dnnl_use_shift : 0)));
	OQZ_TRY(oqz_dnnl_prim_new(&ld, NULL, &p, err));
	OQZ_TRY(pack_vector(p, DNNL_ARG_SCALE, d->constant[1], n, err));
	if (shift)
		OQZ_TRY(pack_vector(p, DNNL_ARG_SHIFT, d->constant[2], n, err));
	oqz_dnnl_prim_arg(p, DNNL_ARG_SRC, &md);
	oqz_dnnl_prim_arg(p, DNNL_ARG_DST, &md);
	*ret = oqz_steal(p);
	return OQZ_OK;
}

static enum oqz_status layer_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                    size_t why_size, struct oqz_err *err)
{
	struct oqz_dnnl_prim *p = NULL;

	if (d->act)
		return oqz_dnnl_decline(why, why_size, "activation %s", d->act->op_type);
	if (d->group || d->in_type[0].dtype != OQZ_DT_F32 || d->n_out != 1 ||
	    oqz_shape_nelem(&d->in_type[0].shape) == 0)
		return oqz_dnnl_decline(why, why_size, "float32 with one output only");
	enum oqz_status st = layer_build(d, &p, why, why_size, err);
	if (st == OQZ_E_UNSUPPORTED && !why[0])
		oqz_dnnl_decline(why, why_size, "oneDNN has no kernel for it");
	OQZ_TRY(st);
	oqz_dnnl_choice(ret, p, "layernorm");
	ret->in_layout[0] = ret->out_layout[0] = OQZ_LAYOUT_PLAIN;
	ret->state = p;
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_dnnl_layer_norm = { "dnnl.layernorm", layer_create, oqz_dnnl_run_unary,
	                                           oqz_dnnl_destroy_prim };
