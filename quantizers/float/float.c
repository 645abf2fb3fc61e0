/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantizer `float`: takes every selected site and changes nothing. What a scheme costs and loses beyond its numbers
 * can be read off it: all its errors must be 0, and its metrics the float ones, or the fault is the program's.
 */
#include "../sites.h"

#include <string.h>

struct identity {
	const struct oqz_quantizer_host *host;
};

static enum oqz_status float_open(const struct oqz_quantizer_host *host, const struct oqz_params *params, void **ret,
                                  struct oqz_failure *f)
{
	struct identity *s = host->base->alloc(sizeof *s);

	(void)params;
	if (!s)
		return host->base->fail(f, OQZ_E_NOMEM, "out of memory");
	s->host = host;
	*ret = s;
	return OQZ_OK;
}

static void float_close(void *self)
{
	struct identity *s = self;

	s->host->base->free_mem(s);
}

static enum oqz_status float_sites(void *self, const struct oqz_graph_view *g, void *sink, struct oqz_failure *f)
{
	static const struct sites all = { .weights = true, .activations = true };
	const struct identity *s = self;

	return sites_add(s->host, g, &all, NULL, s, sink, f);
}

static void same(void *ctx, const struct oqz_shape *shape, const float *x, float *y)
{
	size_t n = 1;

	(void)ctx;
	for (int i = 0; i < shape->rank; i++)
		n *= (size_t)shape->dim[i];
	if (n > 0 && x != y)
		memmove(y, x, n * sizeof *y);
}

static enum oqz_status float_plan(void *self, const struct oqz_graph_view *g, const struct oqz_site *site,
                                  const struct oqz_site_stats *stats, struct oqz_qspec *ret, struct oqz_failure *f)
{
	(void)self;
	(void)g;
	(void)site;
	(void)stats;
	(void)f;
	*ret = (struct oqz_qspec) { .grid = { .kind = OQZ_GRID_CUSTOM }, .axis = -1, .fake_quantize = same };
	return OQZ_OK;
}

static const struct oqz_quantizer float_quantizer = {
	.base = { OQZ_PLUGIN_HEAD(OQZ_KIND_QUANTIZER, struct oqz_quantizer), .name = "float", .version = "1",
	          .licence = "Apache-2.0",
	          .summary = "changes nothing: the baseline that every other scheme is held against" },
	.open = float_open,
	.close = float_close,
	.sites = float_sites,
	.plan = float_plan,
};

OQZ_PLUGIN_EXPORT(float_quantizer)
