/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: a grid that leaves numbers as they are, but whose first caller waits until a second one is inside, too,
 * for a minute at most. Once they have met it makes the file that $MOCK_MEET names. Lanes that run side by side meet.
 */
#include "tests/mock/mock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int inside;
static bool met, gave_up;

static void meet(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	pthread_mutex_lock(&lock);
	inside++;
	if (inside > 1 && !met) {
		FILE *f = getenv("MOCK_MEET") ? fopen(getenv("MOCK_MEET"), "w") : NULL;
		if (f)
			fclose(f);
		met = true;
		pthread_cond_broadcast(&changed);
	}
	while (!met && !gave_up)
		gave_up = pthread_cond_timedwait(&changed, &lock, &until) != 0;
	inside--;
	pthread_mutex_unlock(&lock);
}

static void fake_quantize(void *ctx, const struct oqz_shape *shape, const float *x, float *y)
{
	size_t n = 1;

	for (int i = 0; i < shape->rank; i++)
		n *= (size_t)shape->dim[i];
	meet();
	memmove(y, x, n * sizeof *y);
}

struct meet {
	const struct oqz_quantizer_host *host;
};

static enum oqz_status meet_open(const struct oqz_quantizer_host *host, const struct oqz_params *params, void **ret,
                                 struct oqz_failure *f)
{
	struct meet *m = host->base->alloc(sizeof *m);

	if (!m)
		return host->base->fail(f, OQZ_E_NOMEM, "out of memory");
	m->host = host;
	*ret = m;
	return OQZ_OK;
}

static void meet_close(void *self) { ((struct meet *)self)->host->base->free_mem(self); }

/* Activations only: constants would be put on the grid by one thread. */
static enum oqz_status meet_sites(void *self, const struct oqz_graph_view *g, void *sink, struct oqz_failure *f)
{
	struct meet *m = self;
	const struct oqz_graph_api *graph = m->host->graph;

	for (int32_t node = 0; node < graph->node_count(g); node++) {
		struct oqz_site site = { .node = node,
			                 .calibrator = "minmax",
			                 .axis = -1,
			                 .grid = { .kind = OQZ_GRID_CUSTOM },
			                 .symmetric = true };
		if (!graph->selected(g, node, 0) || graph->input_role(g, node, 0) != OQZ_INPUT_ACTIVATION)
			continue;
		enum oqz_status st = m->host->add_site(sink, &site, f);
		if (st != OQZ_OK)
			return st;
	}
	return OQZ_OK;
}

static enum oqz_status meet_plan(void *self, const struct oqz_graph_view *g, const struct oqz_site *site,
                                 const struct oqz_site_stats *stats, struct oqz_qspec *ret, struct oqz_failure *f)
{
	*ret = (struct oqz_qspec) { .grid = site->grid, .axis = -1, .fake_quantize = fake_quantize, .ctx = self };
	return OQZ_OK;
}

static const struct oqz_param params[] = {
	{ "lane", OQZ_P_INT, "1", 1, 9, NULL, NULL, "tells schemes apart" },
	{ 0 },
};

static const struct oqz_quantizer mock = {
	.base = { MOCK_QUANTIZER_HEAD, MOCK_WORDS("mock-meet"), .params = params },
	.open = meet_open,
	.close = meet_close,
	.sites = meet_sites,
	.plan = meet_plan,
};

OQZ_PLUGIN_EXPORT(mock)
