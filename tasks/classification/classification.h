/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two files of this task share: the instance, and reading its data set.
 */
#ifndef CLASSIFICATION_H
#define CLASSIFICATION_H

#include <oqz/task.h>
#include <stdatomic.h>

#define NO_LABEL UINT64_MAX /* tag of an item without a label */
enum { MAX_K = 16 };
enum { BACKGROUND_AUTO, BACKGROUND_KEEP, BACKGROUND_DROP };

struct task {
	const struct oqz_host *host;
	const struct oqz_task_host *task_host;
	const struct oqz_params *dataset;
	const char *output;
	int background;
	const int64_t *k;
	size_t n_k;
	struct oqz_metric metrics[MAX_K + 2];
	char metric_names[MAX_K][16];
	char **class_names; /* lines of `synsets`, or NULL */
	size_t n_classes;   /* of them, or else the folders that items() saw; 0: not known */
	atomic_bool warned;
};

extern const struct oqz_metric classification_nan_rows;

/* Reads the class list, if there is one, and refuses parameters that contradict each other. */
enum oqz_status dataset_open(struct task *t, struct oqz_failure *f);
/* struct oqz_task's items(). An item's tag is its label. */
enum oqz_status dataset_items(void *self, void *sink, struct oqz_failure *f);

#endif
