/* SPDX-License-Identifier: Apache-2.0
 *
 * Life of a task's instance: what open(), close() and judge() of struct oqz_task do in every task of this tree. A task
 * says what is its own in `common_life`, puts the three functions below into its descriptor, and begins its struct
 * with COMMON_TASK_HEAD.
 *
 * This is no part of the plugin interface: a task outside the tree has its struct in its own hands and writes the
 * twenty lines of plugins/template/number.c, rather than follow a frame whose changes it could not follow.
 */
#ifndef OQZ_TASKS_LIFE_H
#define OQZ_TASKS_LIFE_H

#include <oqz/task.h>

/* The first members of the struct of every instance. */
#define COMMON_TASK_HEAD                       \
	const struct oqz_host *host;           \
	const struct oqz_task_host *task_host; \
	const struct oqz_params *dataset

struct common_life {
	size_t size; /* of the instance, which is zeroed */
	/* Required. What the task's parameters say, and checks of them. Reads no file: judge() comes after it as well,
	 * and required parameters of the data set may be empty then. */
	enum oqz_status (*configure)(void *self, const struct oqz_params *params, struct oqz_failure *f);
	/* Required. What open() does besides: checks the data set's parameters, reads annotations. */
	enum oqz_status (*open_dataset)(void *self, const struct oqz_params *params, struct oqz_failure *f);
	/* Required. Figures of predictions made elsewhere, as struct oqz_task's judge(). */
	enum oqz_status (*judge)(void *self, const char *annotations, const char *predictions, void *figure_sink,
	                         struct oqz_failure *f);
	/* NULL, or frees what the instance holds, but not the instance. It may be half made. */
	void (*release)(void *self);
};

/* Each task defines its own. */
extern const struct common_life common_life;

/* Members of struct oqz_task. */
enum oqz_status common_open(const struct oqz_task_host *host, const struct oqz_params *params,
                            const struct oqz_params *dataset, void **ret, struct oqz_failure *f);
void common_close(void *self);
enum oqz_status common_judge(const struct oqz_task_host *host, const struct oqz_params *params,
                             const struct oqz_params *dataset, const char *annotations, const char *predictions,
                             void *figure_sink, struct oqz_failure *f);

#endif
