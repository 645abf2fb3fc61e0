/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz qdq: a scheme on one tensor: calibrated on itself (or by a plan), quantized and dequantized.
 */
#include "cli/cli.h"
#include "core/base/file.h"
#include "core/base/params.h"
#include "core/base/str.h"
#include "core/quant/qdq_tensor.h"
#include "core/tensor/npy.h"
#include "plugins/host.h"
#include "plugins/registry.h"

#include <string.h>

static const struct oqz_option options[] = {
	{ "scheme", 0, "PLUGIN[:K=V,...]", "the quantizer and its parameters" },
	{ "role", 0, "ROLE", "activation (default) or weight" },
	{ "axis", 0, "A", "output-channel axis of a weight (default 0)" },
	{ "plan", 0, "FILE.json", "without --scheme: use this plan's scales; with it: write the plan that was made" },
	{ "output", 'o', "OUT.npy", "where the result goes" },
	{ 0 },
};

enum { MAX_PLAN_BYTES = 256 << 20 };

static enum oqz_status replay(const char *path, enum oqz_input_role role, const struct oqz_tensor *in,
                              struct oqz_tensor *ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_qplan_free_cleanup) struct oqz_qplan *plan = NULL;
	OQZ_CLEANUP_FREE char *text = NULL;
	size_t size;

	OQZ_TRY(oqz_file_read(path, MAX_PLAN_BYTES, &text, &size, err));
	OQZ_TRY(oqz_qplan_from_json(text, size, path, &plan, err));
	return oqz_qdq_replay(plan, role, in, ret, err);
}

static enum oqz_status save_plan(const char *path, const struct oqz_qplan *plan, struct oqz_err *err)
{
	struct oqz_str s = { 0 };
	enum oqz_status st = oqz_qplan_to_json(plan, &s, err);

	if (st == OQZ_OK)
		st = oqz_file_write(path, oqz_str_get(&s), s.len, err);
	oqz_str_release(&s);
	return st;
}

/* "int8:bits=8,..." -> plugin and parameters. */
static enum oqz_status calibrate(const struct oqz_args *args, const char *scheme, enum oqz_input_role role, int axis,
                                 const struct oqz_tensor *in, struct oqz_tensor *ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_registry_free_cleanup) struct oqz_registry *reg = NULL;
	OQZ_CLEANUP(oqz_module_close_cleanup) struct oqz_module *module = NULL;
	OQZ_CLEANUP(oqz_qplan_free_cleanup) struct oqz_qplan *plan = NULL;
	OQZ_CLEANUP_FREE char *name = strndup(scheme, strcspn(scheme, ":"));
	const char *rest = strchr(scheme, ':'), *save = cli_option(args, "plan");
	struct oqz_params *params = NULL;
	struct oqz_plugin_host host;
	struct oqz_str text = { 0 };

	if (!name)
		return oqz_err_nomem(err, scheme, 1);
	oqz_plugin_host_init(&host, NULL, NULL);
	OQZ_TRY(cli_open_registry(&reg, err));
	OQZ_TRY(oqz_registry_load(reg, OQZ_KIND_QUANTIZER, name, &module, err));
	OQZ_TRY(oqz_params_parse(module->desc.base.params, rest ? rest + 1 : "", "--scheme", &params, err));
	oqz_str_addf(&text, "%s:", name);
	oqz_params_canonical(params, &text);
	enum oqz_status st = oqz_qdq_tensor(&module->desc.quantizer, &host.table, params, oqz_str_get(&text), in, role,
	                                    axis, ret, &plan, err);
	if (st == OQZ_OK && save)
		st = save_plan(save, plan, err);
	oqz_str_release(&text);
	oqz_params_free(params);
	return st;
}

static enum oqz_status to_f32(struct oqz_tensor *t, struct oqz_err *err)
{
	struct oqz_tensor f = { 0 };

	if (t->dtype == OQZ_DT_F32)
		return OQZ_OK;
	OQZ_TRY(oqz_tensor_alloc(&f, OQZ_DT_F32, &t->shape, err));
	oqz_to_f32(t->dtype, t->data, (size_t)oqz_tensor_nelem(t), f.data);
	oqz_tensor_release(t);
	*t = f;
	return OQZ_OK;
}

static enum oqz_status qdq(const struct oqz_args *args, struct oqz_tensor *in, struct oqz_tensor *out,
                           struct oqz_err *err)
{
	const char *scheme = cli_option(args, "scheme"), *role_word = cli_option(args, "role"),
	           *plan = cli_option(args, "plan"), *path = cli_option(args, "output");
	bool weight = role_word && strcmp(role_word, "weight") == 0;
	long long axis = weight ? 0 : -1;

	if (role_word && !weight && strcmp(role_word, "activation") != 0)
		OQZ_FAIL(err, OQZ_E_USAGE, "--role is activation or weight, not `%s`", role_word);
	OQZ_TRY(cli_integer(args, "axis", -1, OQZ_MAX_RANK - 1, &axis, err));
	if (!scheme && !plan)
		OQZ_FAIL(err, OQZ_E_USAGE, "qdq: give --scheme, or --plan alone");
	OQZ_TRY(oqz_npy_read(args->operands.v[0], in, err));
	OQZ_TRY(to_f32(in, err));
	enum oqz_input_role role = weight ? OQZ_INPUT_WEIGHT : OQZ_INPUT_ACTIVATION;
	if (!scheme)
		OQZ_TRY(replay(plan, role, in, out, err));
	else
		OQZ_TRY(calibrate(args, scheme, role, (int)axis, in, out, err));
	return path ? oqz_npy_write(path, out, err) : OQZ_OK;
}

static int run(const struct oqz_args *args)
{
	struct oqz_tensor in = { 0 }, out = { 0 };
	struct oqz_err err = { 0 };
	enum oqz_status st = qdq(args, &in, &out, &err);

	oqz_tensor_release(&in);
	oqz_tensor_release(&out);
	return st == OQZ_OK ? OQZ_EXIT_OK : cli_fail(&err);
}

const struct oqz_verb cmd_qdq = { "qdq", "IN.npy", "quantize and dequantize a tensor under a scheme", options, 1, 1,
	                          run,   true };
