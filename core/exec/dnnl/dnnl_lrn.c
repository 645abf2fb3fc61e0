/* SPDX-License-Identifier: Apache-2.0
 *
 * LRN across channels, channels-last. oneDNN's window is centred, so even sizes (ONNX: one more channel behind than
 * before) are declined.
 */
#include "core/exec/dnnl/dnnl_util.h"

static enum oqz_status lrn_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                  size_t why_size, struct oqz_err *err)
{
	const struct oqz_shape *s = &d->in_type[0].shape;
	int64_t size = oqz_node_int(d->node, "size", 0);
	struct oqz_dnnl_prim *p = NULL;
	dnnl_memory_desc_t md;
	dnnl_lrn_desc_t ld;

	if (d->group || d->act || d->in_type[0].dtype != OQZ_DT_F32)
		return oqz_dnnl_decline(why, why_size, "float32 only");
	if (s->rank < 3 || s->rank > 5 || !oqz_dnnl_md(s, dnnl_f32, OQZ_LAYOUT_CHANNELS_LAST, &md))
		return oqz_dnnl_decline(why, why_size, "one to three spatial dimensions, not empty");
	if (size < 1 || size % 2 == 0)
		return oqz_dnnl_decline(why, why_size, "a window of %lld channels has no centre", (long long)size);
	DNNL_TRY(dnnl_lrn_forward_desc_init(
	    &ld, dnnl_forward_inference, dnnl_lrn_across_channels, &md, size, oqz_node_float(d->node, "alpha", 1e-4f),
	    oqz_node_float(d->node, "beta", 0.75f), oqz_node_float(d->node, "bias", 1)));
	enum oqz_status st = oqz_dnnl_prim_new(&ld, NULL, &p, err);
	if (st == OQZ_E_UNSUPPORTED)
		return oqz_dnnl_decline(why, why_size, "oneDNN has no kernel for it");
	OQZ_TRY(st);
	oqz_dnnl_prim_arg(p, DNNL_ARG_SRC, &md);
	oqz_dnnl_prim_arg(p, DNNL_ARG_DST, &md);
	oqz_dnnl_choice(ret, p, "lrn");
	ret->in_layout[0] = ret->out_layout[0] = OQZ_LAYOUT_CHANNELS_LAST;
	ret->state = p;
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_dnnl_lrn = { "dnnl.lrn", lrn_create, oqz_dnnl_run_unary, oqz_dnnl_destroy_prim };
