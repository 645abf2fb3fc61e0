/* SPDX-License-Identifier: Apache-2.0
 *
 * Which edges a scheme asks for: a walk over all that its common parameters select (ops, include, ...), with the
 * scheme's own switches, and the rows of these. Included by plugins; inline.
 */
#ifndef OQZ_QUANTIZERS_SITES_H
#define OQZ_QUANTIZERS_SITES_H

#include <oqz/quantizer.h>

#define SITES_PARAMS                                                    \
	{ .name = "activations",                                        \
	  .type = OQZ_P_BOOL,                                           \
	  .dflt = "true",                                               \
	  .help = "quantize activations; false: weights only" },        \
	{                                                               \
		.name = "outputs", .type = OQZ_P_BOOL, .dflt = "false", \
		.help = "quantize what the operators compute, too"      \
	}

struct sites {
	bool weights;     /* inputs whose role is that of a weight */
	bool activations; /* all others */
	bool outputs;     /* what nodes compute, which counts as an activation */
};

/* Of a scheme with SITES_PARAMS. */
static inline struct sites sites_of(const struct oqz_host *h, const struct oqz_params *params)
{
	return (struct sites) { true, h->param_bool(params, "activations"), h->param_bool(params, "outputs") };
}

/* Asks for every edge that is wanted. `fill` gets a site without calibrator ("none") and with one scale for the tensor,
 * and makes of it what the scheme wants; it may leave the edge out after all (*ret_wanted = false) or fail. NULL: sites
 * are right as they are. */
static inline enum oqz_status
sites_add(const struct oqz_quantizer_host *host, const struct oqz_graph_view *g, const struct sites *which,
          enum oqz_status (*fill)(const void *self, const struct oqz_graph_view *g, struct oqz_site *site,
                                  bool *ret_wanted, struct oqz_failure *f),
          const void *self, void *sink, struct oqz_failure *f)
{
	const struct oqz_graph_api *api = host->graph;

	for (int32_t n = 0; n < api->node_count(g); n++) {
		for (int32_t i = which->outputs ? -1 : 0; i < api->input_count(g, n); i++) {
			struct oqz_site site = { .node = n, .input = i, .calibrator = "none", .axis = -1 };
			bool weight = api->input_role(g, n, i) == OQZ_INPUT_WEIGHT;
			bool wanted = api->selected(g, n, i) && (weight ? which->weights : which->activations);
			enum oqz_status st = wanted && fill ? fill(self, g, &site, &wanted, f) : OQZ_OK;
			if (st == OQZ_OK && wanted)
				st = host->add_site(sink, &site, f);
			if (st != OQZ_OK)
				return st;
		}
	}
	return OQZ_OK;
}

#endif
