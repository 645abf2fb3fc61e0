/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin at work, as far as that goes without data: a task is loaded, a quantizer also quantizes.
 */
#include "core/run/selftest.h"

#include "core/base/params.h"
#include "core/base/rng.h"
#include "core/quant/qdq_tensor.h"
#include "plugins/host.h"

#include <math.h>
#include <string.h>

static enum oqz_status check_finite(const struct oqz_tensor *t, struct oqz_err *err)
{
	for (int64_t i = 0; i < oqz_tensor_nelem(t); i++)
		if (!isfinite(((const float *)t->data)[i]))
			OQZ_FAIL(err, OQZ_E_PLUGIN, "the quantized tensor has %g at %lld",
			         (double)((const float *)t->data)[i], (long long)i);
	return OQZ_OK;
}

/* A plugin's own function may do without a grid that can be tried out, but not without giving the same twice. */
static enum oqz_status check_plan(const struct oqz_qplan *plan, enum oqz_input_role role, const struct oqz_tensor *in,
                                  const struct oqz_tensor *out, struct oqz_err *err)
{
	const struct oqz_grid *g = &plan->sites.v[0].spec.grid;
	struct oqz_tensor again = { 0 };

	if (g->kind != OQZ_GRID_CUSTOM)
		OQZ_TRY(oqz_grid_verify(g, err));
	OQZ_TRY(oqz_qdq_replay(plan, role, in, &again, err));
	bool same = memcmp(again.data, out->data, (size_t)oqz_tensor_nelem(out) * sizeof(float)) == 0;
	oqz_tensor_release(&again);
	if (!same)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "the plan, replayed, gives other numbers");
	return OQZ_OK;
}

static enum oqz_status try_role(const struct oqz_module *m, const struct oqz_params *params,
                                const struct oqz_tensor *in, enum oqz_input_role role, struct oqz_str *detail,
                                struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_qplan_free_cleanup) struct oqz_qplan *plan = NULL;
	const char *word = role == OQZ_INPUT_WEIGHT ? "weights" : "activations";
	struct oqz_plugin_host host;
	struct oqz_tensor out = { 0 };

	oqz_plugin_host_init(&host, NULL, NULL);
	enum oqz_status st = oqz_qdq_tensor(&m->desc.quantizer, &host.table, params, m->desc.base.name, in, role,
	                                    role == OQZ_INPUT_WEIGHT ? 0 : -1, &out, &plan, err);
	if (st == OQZ_E_UNSUPPORTED) /* a scheme for the other one only */
		return OQZ_OK;
	if (st == OQZ_OK)
		st = check_finite(&out, err);
	if (st == OQZ_OK)
		st = check_plan(plan, role, in, &out, err);
	if (st == OQZ_OK) {
		oqz_str_addf(detail, ", %s ", word);
		oqz_grid_describe(&plan->sites.v[0].spec.grid, detail);
	}
	oqz_tensor_release(&out);
	return st == OQZ_OK ? OQZ_OK : oqz_err_prefix(err, "%s", word);
}

static enum oqz_status try_quantizer(const struct oqz_module *m, struct oqz_str *detail, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_params_free_cleanup) struct oqz_params *params = NULL;
	struct oqz_tensor in = { 0 };
	struct oqz_rng r;

	OQZ_TRY(oqz_params_parse(m->desc.base.params, "", m->desc.base.name, &params, err));
	OQZ_TRY(oqz_tensor_alloc(&in, OQZ_DT_F32, &(struct oqz_shape) { 4, { 8, 32, 3, 3 } }, err));
	oqz_rng_init(&r, 3);
	for (int64_t i = 0; i < oqz_tensor_nelem(&in); i++)
		((float *)in.data)[i] = (float)oqz_rng_normal(&r);
	enum oqz_status st = try_role(m, params, &in, OQZ_INPUT_WEIGHT, detail, err);
	if (st == OQZ_OK)
		st = try_role(m, params, &in, OQZ_INPUT_ACTIVATION, detail, err);
	oqz_tensor_release(&in);
	return st;
}

enum oqz_status oqz_selftest_plugin(const struct oqz_plugin_info *p, struct oqz_str *detail, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_module_close_cleanup) struct oqz_module *m = NULL;

	OQZ_TRY(oqz_module_open(p->path, &m, err));
	oqz_str_addf(detail, "%s %s", oqz_plugin_kind_name(p->kind), p->version);
	return p->kind == OQZ_KIND_QUANTIZER ? try_quantizer(m, detail, err) : OQZ_OK;
}
