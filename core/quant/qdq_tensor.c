/* SPDX-License-Identifier: Apache-2.0
 *
 * See qdq_tensor.h. The tensor poses as an input of a lone node (graph_api.h), so plugins need no second entry point
 * and what they do here is what they do in a network.
 */
#include "core/quant/qdq_tensor.h"

#include "core/quant/quantize.h"

static enum oqz_status make_plan(struct oqz_quantize *z, const struct oqz_tensor *t, struct oqz_qplan **ret,
                                 struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;

	if (oqz_quantize_count(z) != 1)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "the scheme does not quantize a tensor in this role");
	const struct oqz_quantize_site *s = oqz_quantize_site(z, 0);
	size_t n = (size_t)oqz_tensor_nelem(t), row = t->shape.rank ? (size_t)t->shape.dim[t->shape.rank - 1] : n;
	if (s->needs)
		OQZ_TRY(oqz_observe_once(s->needs, s->q, t->data, n, row, &o, err));
	return oqz_quantize_plan(z, (const struct oqz_observer *const[]) { o }, ret, err);
}

static enum oqz_status put_on_grid(const struct oqz_qspec *q, const struct oqz_tensor *t, struct oqz_tensor *ret,
                                   struct oqz_err *err)
{
	struct oqz_tensor y = { 0 };

	if (t->dtype != OQZ_DT_F32)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "only float32 can be quantized, this is %s", oqz_dtype_name(t->dtype));
	OQZ_TRY(oqz_tensor_alloc(&y, OQZ_DT_F32, &t->shape, err));
	enum oqz_status st = oqz_fake_quantize(q, &t->shape, t->data, y.data, err);
	if (st == OQZ_OK)
		*ret = y;
	else
		oqz_tensor_release(&y);
	return st;
}

enum oqz_status oqz_qdq_tensor(const struct oqz_quantizer *q, const struct oqz_host *host,
                               const struct oqz_params *params, const char *scheme, const struct oqz_tensor *t,
                               enum oqz_input_role role, int axis, struct oqz_tensor *ret, struct oqz_qplan **ret_plan,
                               struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_view_free_cleanup) struct oqz_graph_view *view = NULL;
	OQZ_CLEANUP(oqz_quantize_close_cleanup) struct oqz_quantize *z = NULL;
	OQZ_CLEANUP(oqz_qplan_free_cleanup) struct oqz_qplan *p = NULL;

	OQZ_TRY(oqz_graph_view_of_tensor(t, role, axis, &view, err));
	OQZ_TRY(oqz_quantize_open(q, host, params, view, scheme, &z, err));
	OQZ_TRY(make_plan(z, t, &p, err));
	OQZ_TRY(put_on_grid(&p->sites.v[0].spec, t, ret, err));
	if (ret_plan)
		*ret_plan = oqz_steal(p);
	return OQZ_OK;
}

enum oqz_status oqz_qdq_replay(const struct oqz_qplan *plan, enum oqz_input_role role, const struct oqz_tensor *t,
                               struct oqz_tensor *ret, struct oqz_err *err)
{
	const struct oqz_qplan_site *found = NULL;
	size_t n = 0;

	for (size_t i = 0; i < plan->sites.n; i++) {
		if (plan->sites.n == 1 || plan->sites.v[i].role == role) {
			found = &plan->sites.v[i];
			n++;
		}
	}
	if (n != 1)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "the plan has %zu sites for such a tensor; it must have one", n);
	return put_on_grid(&found->spec, t, ret, err);
}
