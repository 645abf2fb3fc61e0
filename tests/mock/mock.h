/* SPDX-License-Identifier: Apache-2.0
 *
 * What the mock plugins share: a quantizer and a task that do nothing, correctly. Each mock-*.c differs from this in
 * the one way that its first lines name.
 */
#ifndef OQZ_TESTS_MOCK_H
#define OQZ_TESTS_MOCK_H

#include <oqz/quantizer.h>
#include <oqz/task.h>
#include <string.h>

#define MOCK_UNUSED __attribute__((unused))

struct mock {
	const struct oqz_host *host;
};

MOCK_UNUSED static enum oqz_status mock_quantizer_open(const struct oqz_quantizer_host *host,
                                                       const struct oqz_params *params, void **ret,
                                                       struct oqz_failure *f)
{
	struct mock *m = host->base->alloc(sizeof *m);

	if (!m)
		return host->base->fail(f, OQZ_E_NOMEM, "out of memory");
	m->host = host->base;
	*ret = m;
	return OQZ_OK;
}

MOCK_UNUSED static void mock_close(void *self) { ((struct mock *)self)->host->free_mem(self); }

MOCK_UNUSED static enum oqz_status mock_sites(void *self, const struct oqz_graph_view *g, void *sink,
                                              struct oqz_failure *f)
{
	return OQZ_OK;
}

MOCK_UNUSED static enum oqz_status mock_plan(void *self, const struct oqz_graph_view *g, const struct oqz_site *site,
                                             const struct oqz_site_stats *stats, struct oqz_qspec *ret,
                                             struct oqz_failure *f)
{
	return ((struct mock *)self)->host->fail(f, OQZ_E_UNSUPPORTED, "this mock asks for no sites");
}

MOCK_UNUSED static enum oqz_status mock_task_open(const struct oqz_task_host *host, const struct oqz_params *params,
                                                  const struct oqz_params *dataset, void **ret, struct oqz_failure *f)
{
	struct mock *m = host->base->alloc(sizeof *m);

	if (!m)
		return host->base->fail(f, OQZ_E_NOMEM, "out of memory");
	m->host = host->base;
	*ret = m;
	return OQZ_OK;
}

MOCK_UNUSED static enum oqz_status mock_items(void *self, void *sink, struct oqz_failure *f) { return OQZ_OK; }

MOCK_UNUSED static enum oqz_status mock_score(void *self, const struct oqz_item *item, const struct oqz_output *outputs,
                                              size_t n_outputs, const struct oqz_geometry *geometry, void *record_sink,
                                              struct oqz_failure *f)
{
	return OQZ_OK;
}

MOCK_UNUSED static enum oqz_status mock_finish(void *self, const struct oqz_record *records, size_t n,
                                               void *metric_sink, struct oqz_failure *f)
{
	return OQZ_OK;
}

MOCK_UNUSED static const struct oqz_metric mock_metrics[] = {
	{ "answer", OQZ_UNIT_RATIO, OQZ_TEST_MCNEMAR, true, 0, 1, "always the same" },
	{ 0 },
};

#define MOCK_WORDS(NAME) .name = NAME, .version = "1", .licence = "Apache-2.0", .summary = "a mock"
#define MOCK_QUANTIZER_HEAD OQZ_PLUGIN_HEAD(OQZ_KIND_QUANTIZER, struct oqz_quantizer)
#define MOCK_TASK_HEAD OQZ_PLUGIN_HEAD(OQZ_KIND_TASK, struct oqz_task)
#define MOCK_QUANTIZER_CALLS .open = mock_quantizer_open, .close = mock_close, .sites = mock_sites, .plan = mock_plan
#define MOCK_TASK_CALLS \
	.open = mock_task_open, .close = mock_close, .items = mock_items, .score = mock_score, .finish = mock_finish

#endif
