/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantizer `cast`: operands rounded to float16 or bfloat16, sums in float32, as matrix units do it. No scales, and
 * nothing to calibrate.
 */
#include "../sites.h"
#include "../small_float.h"

struct cast {
	const struct oqz_quantizer_host *host;
	struct oqz_grid grid;
	struct sites sites;
};

static const float one = 1;
static const char *const formats[] = { "fp16", "bf16", NULL };

static const struct oqz_param cast_params[] = {
	{ .name = "format", .type = OQZ_P_STRING, .dflt = "fp16", .choices = formats, .help = "float16 or bfloat16" },
	{ .name = "activations", .type = OQZ_P_BOOL, .dflt = "true", .help = "round activations" },
	{ .name = "weights", .type = OQZ_P_BOOL, .dflt = "true", .help = "round weights" },
	{ .name = "outputs", .type = OQZ_P_BOOL, .dflt = "false", .help = "round what the operators compute, too" },
	{ .name = NULL },
};

static enum oqz_status cast_open(const struct oqz_quantizer_host *host, const struct oqz_params *params, void **ret,
                                 struct oqz_failure *f)
{
	const struct oqz_host *h = host->base;
	bool activations = h->param_bool(params, "activations"), weights = h->param_bool(params, "weights");

	if (!activations && !weights)
		return h->fail(f, OQZ_E_USAGE, "neither activations nor weights are to be rounded");
	struct cast *s = h->alloc(sizeof *s);
	if (!s)
		return h->fail(f, OQZ_E_NOMEM, "out of memory");
	s->host = host;
	s->sites = (struct sites) { weights, activations, h->param_bool(params, "outputs") };
	s->grid = !strcmp(h->param_string(params, "format"), "bf16") ? small_float(8, 7, OQZ_GRID_IEEE)
	                                                             : small_float(5, 10, OQZ_GRID_IEEE);
	*ret = s;
	return OQZ_OK;
}

static void cast_close(void *self)
{
	struct cast *s = self;

	s->host->base->free_mem(s);
}

static enum oqz_status cast_sites(void *self, const struct oqz_graph_view *g, void *sink, struct oqz_failure *f)
{
	const struct cast *s = self;

	return sites_add(s->host, g, &s->sites, NULL, s, sink, f);
}

static enum oqz_status cast_plan(void *self, const struct oqz_graph_view *g, const struct oqz_site *site,
                                 const struct oqz_site_stats *stats, struct oqz_qspec *ret, struct oqz_failure *f)
{
	(void)g;
	(void)site;
	(void)stats;
	(void)f;
	*ret = (struct oqz_qspec) { .grid = ((struct cast *)self)->grid, .axis = -1, .n_scale = 1, .scale = &one };
	return OQZ_OK;
}

static const struct oqz_quantizer cast_quantizer = {
	.base = { OQZ_PLUGIN_HEAD(OQZ_KIND_QUANTIZER, struct oqz_quantizer), .name = "cast", .version = "1",
	          .licence = "Apache-2.0", .summary = "operands rounded to float16 or bfloat16, sums in float32",
	          .params = cast_params },
	.open = cast_open,
	.close = cast_close,
	.sites = cast_sites,
	.plan = cast_plan,
};

OQZ_PLUGIN_EXPORT(cast_quantizer)
