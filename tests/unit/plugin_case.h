/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests of one built quantizer: the plugin by name, lone tensors through it, plans for hand-written graphs from a
 * few random images.
 */
#ifndef OQZ_TESTS_PLUGIN_CASE_H
#define OQZ_TESTS_PLUGIN_CASE_H

#include "core/base/params.h"
#include "core/base/str.h"
#include "core/quant/qdq_tensor.h"
#include "core/quant/quantize.h"
#include "plugins/host.h"
#include "plugins/loader.h"
#include "tests/unit/observe_case.h"

static struct oqz_plugin_host plugin_host;
static struct oqz_module *plugin_module;

static inline const struct oqz_quantizer *plugin_open(const char *name)
{
	const char *build = getenv("top_builddir");
	char path[1024];

	if (plugin_module && strcmp(plugin_module->desc.base.name, name) != 0) {
		oqz_module_close(plugin_module);
		plugin_module = NULL;
	}
	if (!plugin_module) {
		snprintf(path, sizeof path, "%s/quantizers/%s/.libs/%s.so", build ? build : ".", name, name);
		ck_ok(oqz_module_open(path, &plugin_module, err));
		oqz_plugin_host_init(&plugin_host, NULL, NULL);
	}
	return &plugin_module->desc.quantizer;
}

static inline struct oqz_params *plugin_params(const char *plugin, const char *text)
{
	struct oqz_params *p = NULL;

	ck_ok(oqz_params_parse(plugin_open(plugin)->base.params, text, plugin, &p, err));
	return p;
}

/* A tensor calibrated on itself; *ret_plan may be NULL. */
static inline void plugin_qdq(const char *plugin, const char *text, const struct oqz_tensor *t,
                              enum oqz_input_role role, int axis, struct oqz_tensor *ret, struct oqz_qplan **ret_plan)
{
	struct oqz_params *p = plugin_params(plugin, text);

	ck_ok(oqz_qdq_tensor(plugin_open(plugin), &plugin_host.table, p, plugin, t, role, axis, ret, ret_plan, err));
	oqz_params_free(p);
}

/* Opening with these parameters fails with this message. */
static inline void plugin_refuses(const char *plugin, const char *text, const char *message)
{
	struct oqz_params *p = plugin_params(plugin, text);
	struct oqz_tensor y = { 0 };
	float x = 1;
	const struct oqz_tensor t = { .dtype = OQZ_DT_F32, .shape = GB_DIMS(1), .data = &x };

	ck_fails(
	    oqz_qdq_tensor(plugin_open(plugin), &plugin_host.table, p, plugin, &t, OQZ_INPUT_WEIGHT, 0, &y, NULL, err),
	    OQZ_E_USAGE, message);
	oqz_params_free(p);
}

/* The plan for a graph, from `images` random inputs. */
static inline struct oqz_qplan *plugin_plan(struct gb *b, const char *plugin, const char *text, int images)
{
	OQZ_CLEANUP(oqz_graph_view_free_cleanup) struct oqz_graph_view *view = NULL;
	OQZ_CLEANUP(oqz_quantize_close_cleanup) struct oqz_quantize *z = NULL;
	struct oqz_params *p = plugin_params(plugin, text);
	struct oqz_observer *obs[OBSERVE_MAX] = { 0 };
	struct oqz_qplan *plan = NULL;

	ck_ok(oqz_graph_view_new(b->g, NULL, &view, err));
	ck_ok(oqz_quantize_open(plugin_open(plugin), &plugin_host.table, p, view, plugin, &z, err));
	observe_sites(b, z, obs, images);
	ck_ok(oqz_quantize_plan(z, (const struct oqz_observer *const *)obs, &plan, err));
	for (size_t i = 0; i < OQZ_COUNTOF(obs); i++)
		oqz_observer_free(obs[i]);
	oqz_params_free(p);
	return plan;
}

/* Layers that read the graph's inputs only, so that each can be compared on equal inputs: convolutions (plain, grouped,
 * depthwise, transposed), Gemm, MatMul with a constant and with two computed operands. */
static inline void layers_make(struct gb *b)
{
	gb_init(b, 11);
	struct oqz_value *x = gb_input(b, "x", GB_DIMS(1, 16, 9, 11)), *a = gb_input(b, "a", GB_DIMS(7, 24)),
	                 *c = gb_input(b, "c", GB_DIMS(24, 5));
	GB_OP(b, "Conv", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(24, 16, 3, 3), 0.2),
	      gb_weights(b, OQZ_DT_F32, GB_DIMS(24), 0.1));
	GB_INTS(b, "pads", 1, 1, 1, 1);
	GB_OP(b, "Conv", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(16, 8, 1, 1), 0.2));
	ck_ok(oqz_node_set_int(b->last, "group", 2, err));
	GB_OP(b, "Conv", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(16, 1, 3, 3), 0.2));
	ck_ok(oqz_node_set_int(b->last, "group", 16, err));
	GB_OP(b, "ConvTranspose", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(16, 8, 2, 2), 0.2));
	GB_OP(b, "Gemm", a, gb_weights(b, OQZ_DT_F32, GB_DIMS(24, 10), 0.2),
	      gb_weights(b, OQZ_DT_F32, GB_DIMS(10), 0.1));
	GB_OP(b, "MatMul", a, gb_weights(b, OQZ_DT_F32, GB_DIMS(24, 12), 0.2));
	GB_OP(b, "MatMul", a, c);
	gb_finish(b);
}

/* The plan applied to layers_make()'s graph: both engines equal the reference kernels within `tolerance`. Returns how
 * many steps have an implementation that matches `glob`. */
static inline int layers_agree(struct gb *b, const struct oqz_qplan *plan, double tolerance, const char *glob)
{
	static const enum oqz_engine engines[] = { OQZ_ENGINE_SIM, OQZ_ENGINE_AUTO };
	struct oqz_graph *q = NULL;
	struct oqz_tensor in[8];
	struct oracle o;
	int n = 0;

	ck_ok(oqz_qplan_apply(plan, b->g, &q, err));
	random_inputs(b, in);
	oracle_run(&o, q, in);
	for (size_t e = 0; e < OQZ_COUNTOF(engines); e++) {
		struct oqz_program *p = program_of(q, engines[e], NULL, 0);
		check_program(q, p, in, &o, tolerance);
		for (size_t i = 0; e == 1 && i < oqz_program_nsteps(p); i++) {
			struct oqz_step_info s;
			oqz_program_step(p, i, &s);
			n += strstr(s.impl, glob) != NULL;
		}
		if (getenv("OQZ_TEST_VERBOSE"))
			print_steps(p);
		oqz_program_free(p);
	}
	oracle_free(&o);
	release_inputs(b, in);
	oqz_graph_free(q);
	return n;
}

#endif
