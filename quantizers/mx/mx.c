/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantizer `mx`: block formats whose scales are made of the numbers themselves: OCP microscaling (MX v1.0: MXFP8,
 * MXFP6, MXFP4, MXINT8 with a power of two per 32 elements) and NVFP4 (E4M3 per 16 elements, one float32 for the
 * tensor). A plan holds the rule, not the scales, so weights and activations go the same way.
 */
#include "../reduction.h"
#include "../sites.h"
#include "../small_float.h"

struct mx {
	const struct oqz_quantizer_host *host;
	struct oqz_grid grid;
	int64_t block;
	bool nvidia;
	struct sites sites;
	float scale; /* the answer of the last plan() */
};

static const struct format {
	const char *name;
	int exp_bits, man_bits; /* 0 exponent bits: integers */
	enum oqz_grid_special special;
	int block;
} formats[] = {
	{ "mxfp8_e4m3", 4, 3, OQZ_GRID_FN, 32 },     { "mxfp8_e5m2", 5, 2, OQZ_GRID_IEEE, 32 },
	{ "mxfp6_e2m3", 2, 3, OQZ_GRID_FINITE, 32 }, { "mxfp6_e3m2", 3, 2, OQZ_GRID_FINITE, 32 },
	{ "mxfp4", 2, 1, OQZ_GRID_FINITE, 32 },      { "mxint8", 0, 7, OQZ_GRID_FINITE, 32 },
	{ "nvfp4", 2, 1, OQZ_GRID_FINITE, 16 },
};

static const char *const names[] = { "mxfp8_e4m3", "mxfp8_e5m2", "mxfp6_e2m3", "mxfp6_e3m2",
	                             "mxfp4",      "mxint8",     "nvfp4",      NULL };

static const struct oqz_param mx_params[] = {
	{ .name = "format",
	  .type = OQZ_P_STRING,
	  .dflt = "mxfp8_e4m3",
	  .choices = names,
	  .help = "element type and kind of block scale" },
	{ .name = "block",
	  .type = OQZ_P_INT,
	  .dflt = "0",
	  .min = 0,
	  .max = 65536,
	  .unit = "elements",
	  .help = "length of a block; 0: the format's own, 32, of nvfp4 16" },
	SITES_PARAMS,
	{ .name = NULL },
};

static enum oqz_status mx_open(const struct oqz_quantizer_host *host, const struct oqz_params *params, void **ret,
                               struct oqz_failure *f)
{
	const struct oqz_host *h = host->base;
	const char *name = h->param_string(params, "format");
	const struct format *m = formats;
	struct mx *s = h->alloc(sizeof *s);

	if (!s)
		return h->fail(f, OQZ_E_NOMEM, "out of memory");
	while (strcmp(m->name, name) != 0)
		m++;
	s->host = host;
	s->block = h->param_int(params, "block");
	if (s->block == 0)
		s->block = m->block;
	s->nvidia = !strcmp(name, "nvfp4");
	s->sites = sites_of(h, params);
	s->grid = m->exp_bits ? small_float(m->exp_bits, m->man_bits, m->special)
	                      : (struct oqz_grid) { .kind = OQZ_GRID_AFFINE, .bits = 8, .qmin = -127, .qmax = 127 };
	*ret = s;
	return OQZ_OK;
}

static void mx_close(void *self)
{
	struct mx *s = self;

	s->host->base->free_mem(s);
}

static enum oqz_status fill_site(const void *self, const struct oqz_graph_view *g, struct oqz_site *site,
                                 bool *ret_wanted, struct oqz_failure *f)
{
	const struct mx *s = self;

	(void)ret_wanted;
	if (reduction_axis(s->host->graph, g, site->node, site->input) < 0)
		return s->host->base->fail(f, OQZ_E_UNSUPPORTED,
		                           "node '%s', input %d: its rank is not known, so blocks have no axis",
		                           s->host->graph->node_name(g, site->node), (int)site->input);
	if (s->nvidia)
		site->calibrator = "minmax";
	site->grid = s->grid;
	site->symmetric = true;
	return OQZ_OK;
}

static enum oqz_status mx_sites(void *self, const struct oqz_graph_view *g, void *sink, struct oqz_failure *f)
{
	const struct mx *s = self;

	return sites_add(s->host, g, &s->sites, fill_site, s, sink, f);
}

/* NVFP4: the tensor's largest magnitude gets the largest element in a block with the largest scale. */
static float tensor_scale(const struct mx *s, const struct oqz_site_stats *stats)
{
	double amax = fmax(fabs((double)stats->lo[0]), fabs((double)stats->hi[0]));
	float scale = (float)(amax / (448 * s->grid.max));

	if (!(amax > 0))
		return 1;
	return scale > 0x1p-100f ? scale : 0x1p-100f;
}

static enum oqz_status mx_plan(void *self, const struct oqz_graph_view *g, const struct oqz_site *site,
                               const struct oqz_site_stats *stats, struct oqz_qspec *ret, struct oqz_failure *f)
{
	struct mx *s = self;

	(void)f;
	s->scale = s->nvidia ? tensor_scale(s, stats) : 1;
	*ret = (struct oqz_qspec) {
		.grid = s->grid,
		.axis = reduction_axis(s->host->graph, g, site->node, site->input),
		.block = s->block,
		.n_scale = 1,
		.scale = &s->scale,
		.dynamic = s->nvidia ? OQZ_SCALE_E4M3 : OQZ_SCALE_E8M0,
	};
	return OQZ_OK;
}

static const struct oqz_quantizer mx_quantizer = {
	.base = { OQZ_PLUGIN_HEAD(OQZ_KIND_QUANTIZER, struct oqz_quantizer), .name = "mx", .version = "1",
	          .licence = "Apache-2.0",
	          .summary = "block formats with scales made at run time: OCP microscaling and NVFP4",
	          .params = mx_params },
	.open = mx_open,
	.close = mx_close,
	.sites = mx_sites,
	.plan = mx_plan,
};

OQZ_PLUGIN_EXPORT(mx_quantizer)
