/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin of which there are two builds of one version: one grid of eight bits, the other of MOCK_REBUILT_BITS.
 * `custom` has the grid in a function of its own, of which the plan says nothing.
 */
#include "tests/mock/mock.h"

#include <math.h>

struct rebuilt {
	const struct oqz_quantizer_host *host;
	bool custom;
	float scale;
};

static enum oqz_status rebuilt_open(const struct oqz_quantizer_host *host, const struct oqz_params *params, void **ret,
                                    struct oqz_failure *f)
{
	struct rebuilt *r = host->base->alloc(sizeof *r);

	if (!r)
		return host->base->fail(f, OQZ_E_NOMEM, "out of memory");
	r->host = host;
	r->custom = host->base->param_bool(params, "custom");
	*ret = r;
	return OQZ_OK;
}

static void rebuilt_close(void *self) { ((struct rebuilt *)self)->host->base->free_mem(self); }

static enum oqz_status rebuilt_sites(void *self, const struct oqz_graph_view *g, void *sink, struct oqz_failure *f)
{
	struct rebuilt *r = self;
	const struct oqz_graph_api *graph = r->host->graph;
	int32_t half = 1 << (MOCK_REBUILT_BITS - 1);

	for (int32_t node = 0; node < graph->node_count(g); node++) {
		struct oqz_site site = {
			.node = node,
			.calibrator = "minmax",
			.axis = -1,
			.grid = { .kind = OQZ_GRID_AFFINE, .bits = MOCK_REBUILT_BITS, .qmin = -half, .qmax = half - 1 },
			.symmetric = true
		};
		if (!graph->selected(g, node, 0) || graph->input_role(g, node, 0) != OQZ_INPUT_ACTIVATION)
			continue;
		enum oqz_status st = r->host->add_site(sink, &site, f);
		if (st != OQZ_OK)
			return st;
	}
	return OQZ_OK;
}

static void fake_quantize(void *ctx, const struct oqz_shape *shape, const float *x, float *y)
{
	size_t n = 1;

	for (int i = 0; i < shape->rank; i++)
		n *= (size_t)shape->dim[i];
	for (size_t i = 0; i < n; i++)
		y[i] = ldexpf(rintf(ldexpf(x[i], MOCK_REBUILT_BITS - 3)), 3 - MOCK_REBUILT_BITS);
}

static enum oqz_status rebuilt_plan(void *self, const struct oqz_graph_view *g, const struct oqz_site *site,
                                    const struct oqz_site_stats *stats, struct oqz_qspec *ret, struct oqz_failure *f)
{
	struct rebuilt *r = self;
	int32_t zero;

	r->host->affine_from_range((double)stats->lo[0], (double)stats->hi[0], &site->grid, true, false, &r->scale,
	                           &zero);
	*ret = (struct oqz_qspec) { .grid = site->grid, .axis = -1, .n_scale = 1, .scale = &r->scale };
	if (r->custom)
		*ret = (struct oqz_qspec) { .grid = { .kind = OQZ_GRID_CUSTOM },
			                    .axis = -1,
			                    .fake_quantize = fake_quantize };
	return OQZ_OK;
}

static const struct oqz_param params[] = {
	{ "custom", OQZ_P_BOOL, "false", 0, 0, NULL, NULL, "the grid is a function" },
	{ 0 },
};

static const struct oqz_quantizer mock = {
	.base = { MOCK_QUANTIZER_HEAD, MOCK_WORDS("mock-rebuilt"), .params = params },
	.open = rebuilt_open,
	.close = rebuilt_close,
	.sites = rebuilt_sites,
	.plan = rebuilt_plan,
};

OQZ_PLUGIN_EXPORT(mock)
