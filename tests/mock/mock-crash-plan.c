/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: it crashes where its parameter says: in sites(), or in plan() behind the calibration.
 */
#include "tests/mock/mock.h"

#include <signal.h>

struct crash {
	const struct oqz_quantizer_host *host;
	bool in_sites;
};

static const char *const wheres[] = { "sites", "plan", NULL };

static const struct oqz_param params[] = {
	{ "where", OQZ_P_STRING, "plan", 0, 0, wheres, NULL, "where to crash" },
	{ 0 },
};

static enum oqz_status crash_open(const struct oqz_quantizer_host *host, const struct oqz_params *p, void **ret,
                                  struct oqz_failure *f)
{
	struct crash *c = host->base->alloc(sizeof *c);

	if (!c)
		return host->base->fail(f, OQZ_E_NOMEM, "out of memory");
	c->host = host;
	c->in_sites = strcmp(host->base->param_string(p, "where"), "sites") == 0;
	*ret = c;
	return OQZ_OK;
}

static void crash_close(void *self) { ((struct crash *)self)->host->base->free_mem(self); }

static enum oqz_status crash_sites(void *self, const struct oqz_graph_view *g, void *sink, struct oqz_failure *f)
{
	struct crash *c = self;
	struct oqz_site site = { .calibrator = "minmax", .axis = -1 };

	if (c->in_sites)
		raise(SIGSEGV);
	return c->host->add_site(sink, &site, f); /* the first node's first input */
}

static enum oqz_status crash_plan(void *self, const struct oqz_graph_view *g, const struct oqz_site *site,
                                  const struct oqz_site_stats *stats, struct oqz_qspec *ret, struct oqz_failure *f)
{
	raise(SIGFPE);
	return OQZ_OK;
}

static const struct oqz_quantizer mock = {
	.base = { MOCK_QUANTIZER_HEAD, MOCK_WORDS("mock-crash-plan"), .params = params },
	.open = crash_open,
	.close = crash_close,
	.sites = crash_sites,
	.plan = crash_plan,
};

OQZ_PLUGIN_EXPORT(mock)
