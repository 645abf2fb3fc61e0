/* SPDX-License-Identifier: Apache-2.0
 *
 * Example of an oqz quantizer: integers with one symmetric scale per tensor, from the largest magnitude that
 * calibration saw, optionally clipped. Copy it, rename it, and change what site() asks for and what plan() makes of the
 * answer.
 */
#include <oqz/quantizer.h>

#include <string.h>

/* One instance is one parameter set for one model; several live at once, so nothing is kept outside of it. */
struct example {
	const struct oqz_quantizer_host *host;
	struct oqz_grid grid;
	double clip;
	float scale; /* plan() hands out a pointer to it */
};

static enum oqz_status example_open(const struct oqz_quantizer_host *host, const struct oqz_params *params, void **ret,
                                    struct oqz_failure *f)
{
	const struct oqz_host *base = host->base;
	struct example *e = base->alloc(sizeof *e);

	if (!e)
		return base->fail(f, OQZ_E_NOMEM, "out of memory");
	int bits = (int)base->param_int(params, "bits");
	e->host = host;
	e->clip = base->param_float(params, "clip");
	e->grid.kind = OQZ_GRID_AFFINE;
	e->grid.bits = bits;
	e->grid.qmax = (1 << (bits - 1)) - 1;
	e->grid.qmin = -e->grid.qmax - 1;
	*ret = e;
	return OQZ_OK;
}

static void example_close(void *self) { ((struct example *)self)->host->base->free_mem(self); }

/* Asks for every activation and weight that the manifest selects. Biases stay float. */
static enum oqz_status example_sites(void *self, const struct oqz_graph_view *g, void *sink, struct oqz_failure *f)
{
	struct example *e = self;
	const struct oqz_graph_api *graph = e->host->graph;

	for (int32_t node = 0; node < graph->node_count(g); node++) {
		for (int32_t input = 0; input < graph->input_count(g, node); input++) {
			enum oqz_input_role role = graph->input_role(g, node, input);
			if (!graph->input_name(g, node, input) || !graph->selected(g, node, input) ||
			    (role != OQZ_INPUT_ACTIVATION && role != OQZ_INPUT_WEIGHT))
				continue;
			struct oqz_site site = { .node = node,
				                 .input = input,
				                 .calibrator = "minmax",
				                 .axis = -1,
				                 .grid = e->grid,
				                 .symmetric = true };
			enum oqz_status st = e->host->add_site(sink, &site, f);
			if (st != OQZ_OK)
				return st;
		}
	}
	return OQZ_OK;
}

/* The range that was seen -> grid, scale, zero point. The program copies what *ret points to. */
static enum oqz_status example_plan(void *self, const struct oqz_graph_view *g, const struct oqz_site *site,
                                    const struct oqz_site_stats *stats, struct oqz_qspec *ret, struct oqz_failure *f)
{
	struct example *e = self;
	int32_t zero;

	(void)g;
	if (stats->n != 1)
		return e->host->base->fail(f, OQZ_E_INTERNAL, "%zu ranges for one tensor", stats->n);
	e->host->affine_from_range(stats->lo[0] * e->clip, stats->hi[0] * e->clip, &site->grid, true, false, &e->scale,
	                           &zero);
	*ret = (struct oqz_qspec) { .grid = site->grid, .axis = -1, .n_scale = 1, .scale = &e->scale };
	return OQZ_OK;
}

/* Name, type, default, least, most, choices, unit, help: what the manifest may say, and `oqz describe` prints. */
static const struct oqz_param params[] = {
	{ "bits", OQZ_P_INT, "8", 2, 16, NULL, "bits", "width of the integer grid" },
	{ "clip", OQZ_P_FLOAT, "1", 0.01, 1, NULL, NULL, "part of the observed range that is kept" },
	{ 0 },
};

static const struct oqz_quantizer example = {
	.base = { OQZ_PLUGIN_HEAD(OQZ_KIND_QUANTIZER, struct oqz_quantizer), .name = "example", .version = "0.1",
	          .licence = "Apache-2.0", .summary = "symmetric integers with one scale per tensor",
	          .params = params },
	.open = example_open,
	.close = example_close,
	.sites = example_sites,
	.plan = example_plan,
};

OQZ_PLUGIN_EXPORT(example)
