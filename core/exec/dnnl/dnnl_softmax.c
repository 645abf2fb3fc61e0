/* SPDX-License-Identifier: Apache-2.0
 *
 * Softmax and LogSoftmax along any axis. oneDNN is fast where the axis is innermost in memory (elsewhere it falls to
 * its reference, a thousand times slower), so the layout follows the axis: channels-last for axis 1, plain for the last
 * one. Any other axis is declined.
 */
#include "core/exec/dnnl/dnnl_util.h"

#include <string.h>

static enum oqz_status softmax_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                      size_t why_size, struct oqz_err *err)
{
	const struct oqz_shape *s = &d->in_type[0].shape;
	bool log = strcmp(d->node->op_type, "LogSoftmax") == 0;
	enum oqz_layout layout = OQZ_LAYOUT_PLAIN;
	struct oqz_dnnl_prim *p = NULL;
	dnnl_softmax_v2_desc_t sd;
	int axis;

	if (d->group || d->act || d->in_type[0].dtype != OQZ_DT_F32 || s->rank < 1 || oqz_shape_nelem(s) == 0)
		return oqz_dnnl_decline(why, why_size, "float32 only, not empty");
	OQZ_TRY(oqz_axis_resolve(oqz_dnnl_int(d->node, "axis", -1), s->rank, false, &axis, err));
	if (s->rank >= 3 && axis == 1)
		layout = OQZ_LAYOUT_CHANNELS_LAST;
	else if (oqz_shape_span(s, axis + 1, s->rank) > 1)
		return oqz_dnnl_decline(why, why_size, "axis %d is not innermost in any layout", axis);
	/* as a matrix: rows are independent, and the axis is a row */
	dnnl_dims_t dims = { oqz_shape_nelem(s) / s->dim[axis], s->dim[axis] };
	dnnl_memory_desc_t md = oqz_dnnl_md_dims(2, dims, dnnl_f32);
	DNNL_TRY(dnnl_softmax_v2_forward_desc_init(&sd, dnnl_forward_inference,
	                                           log ? dnnl_softmax_log : dnnl_softmax_accurate, &md, &md, 1));
	enum oqz_status st = oqz_dnnl_prim_new(&sd, NULL, &p, err);
	if (st == OQZ_E_UNSUPPORTED)
		return oqz_dnnl_decline(why, why_size, "oneDNN has no kernel for it");
	OQZ_TRY(st);
	oqz_dnnl_prim_arg(p, DNNL_ARG_SRC, &md);
	oqz_dnnl_prim_arg(p, DNNL_ARG_DST, &md);
	oqz_dnnl_choice(ret, p, log ? "logsoftmax" : "softmax");
	ret->inplace_input = 0;
	ret->in_layout[0] = ret->out_layout[0] = layout;
	ret->state = p;
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_dnnl_softmax = { "dnnl.softmax", softmax_create, oqz_dnnl_run_unary,
	                                        oqz_dnnl_destroy_prim };
