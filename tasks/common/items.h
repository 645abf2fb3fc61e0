/* SPDX-License-Identifier: Apache-2.0
 *
 * Items of a data set: the part of it that was asked for (skip, stride, take_first), and images below its root.
 */
#ifndef OQZ_TASKS_ITEMS_H
#define OQZ_TASKS_ITEMS_H

#include <oqz/task.h>

/* The rows of a data set's parameters that struct common_subset is read from; `what` is counted ("images"). */
#define COMMON_SUBSET_PARAMS COMMON_SUBSET_PARAMS_OF("images")
#define COMMON_SUBSET_PARAMS_OF(what)                                                                       \
	{ .name = "skip",                                                                                   \
	  .type = OQZ_P_INT,                                                                                \
	  .dflt = "0",                                                                                      \
	  .min = 0,                                                                                         \
	  .max = 1e9,                                                                                       \
	  .unit = (what),                                                                                   \
	  .help = "leave out that many at the start" },                                                     \
	    { .name = "stride",                                                                             \
	      .type = OQZ_P_INT,                                                                            \
	      .dflt = "1",                                                                                  \
	      .min = 1,                                                                                     \
	      .max = 1e9,                                                                                   \
	      .unit = (what),                                                                               \
	      .help = "then take every stride-th" },                                                        \
	{                                                                                                   \
		.name = "take_first", .type = OQZ_P_INT, .dflt = "0", .min = 0, .max = 1e9, .unit = (what), \
		.help = "and stop after that many; 0: no limit"                                             \
	}

struct common_subset {
	int64_t skip, stride, take; /* take 0: all */
	int64_t seen, taken;
};
struct common_subset common_subset_of(const struct oqz_host *h, const struct oqz_params *dataset);
/* Whether the next item of the data set belongs to the part. */
bool common_subset_takes(struct common_subset *s);

/* Where items() puts what it finds. */
struct common_items {
	const struct oqz_task_host *host;
	void *sink;
	struct oqz_failure *f;
	const char *root; /* folder of the images */
	struct common_subset part;
};
/* `root_param` is the data set's parameter that names the folder. */
struct common_items common_items_of(const struct oqz_task_host *host, const struct oqz_params *dataset,
                                    const char *root_param, void *sink, struct oqz_failure *f);
/* Hands over an item whose image lies at root/relative, whether or not it belongs to the part. Sets item->image. */
enum oqz_status common_items_put(const struct common_items *to, const char *relative, struct oqz_item *item);
/* The same for the next item of the data set, if it belongs to the part. */
enum oqz_status common_items_add(struct common_items *to, const char *relative, struct oqz_item *item);
/* All images below root with these suffixes, without annotations: `tag` says so to the task. */
enum oqz_status common_items_walk(struct common_items *to, const char *const *suffixes, uint64_t tag);

#endif
