/* SPDX-License-Identifier: Apache-2.0
 *
 * See life.h. The head goes in and out by memcpy, since the instance's type is the task's own.
 */
#include "life.h"

#include <string.h>

struct head {
	COMMON_TASK_HEAD;
};

static enum oqz_status make(const struct oqz_task_host *host, const struct oqz_params *params,
                            const struct oqz_params *dataset, void **ret, struct oqz_failure *f)
{
	const struct head head = { host->base, host, dataset };
	void *self = host->base->alloc(common_life.size);

	if (!self)
		return host->base->fail(f, OQZ_E_NOMEM, "out of memory");
	memcpy(self, &head, sizeof head);
	enum oqz_status st = common_life.configure(self, params, f);
	if (st == OQZ_OK)
		*ret = self;
	else
		common_close(self);
	return st;
}

enum oqz_status common_open(const struct oqz_task_host *host, const struct oqz_params *params,
                            const struct oqz_params *dataset, void **ret, struct oqz_failure *f)
{
	void *self = NULL;
	enum oqz_status st = make(host, params, dataset, &self, f);

	if (st != OQZ_OK)
		return st;
	st = common_life.open_dataset(self, params, f);
	if (st == OQZ_OK)
		*ret = self;
	else
		common_close(self);
	return st;
}

void common_close(void *self)
{
	struct head head;

	memcpy(&head, self, sizeof head);
	if (common_life.release)
		common_life.release(self);
	head.host->free_mem(self);
}

enum oqz_status common_judge(const struct oqz_task_host *host, const struct oqz_params *params,
                             const struct oqz_params *dataset, const char *annotations, const char *predictions,
                             void *figure_sink, struct oqz_failure *f)
{
	void *self = NULL;
	enum oqz_status st = make(host, params, dataset, &self, f);

	if (st != OQZ_OK)
		return st;
	st = common_life.judge(self, annotations, predictions, figure_sink, f);
	common_close(self);
	return st;
}
