/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this task share: the instance, its data set, ranks and records.
 */
#ifndef CLASSIFICATION_H
#define CLASSIFICATION_H

#include "tasks/common/common.h"
#include "tasks/common/life.h"

#include <stdatomic.h>

#define NO_LABEL UINT64_MAX /* tag of an item without a label */
enum { MAX_K = 16 };
enum { BACKGROUND_AUTO, BACKGROUND_KEEP, BACKGROUND_DROP };

#define RANK_MISS UINT32_MAX /* the label's own score is NaN: a miss for every k */

/* One image's outcome. Stored little-endian in this order, behind: u8 version, u8 flags, u16 zero. */
struct record {
	uint32_t label, rank, best;
	float best_score;
	bool nan;
};

struct task {
	COMMON_TASK_HEAD;
	const char *output;
	int background;
	const int64_t *k;
	size_t n_k;
	struct oqz_metric metrics[MAX_K + 2];
	char metric_names[MAX_K][16];
	struct common_list class_names;  /* lines of `synsets`; empty without one */
	struct common_list folder_names; /* of class folders, where there is no `synsets`: names of labels */
	size_t n_classes;                /* of them, or else the folders that items() saw; 0: not known */
	atomic_bool warned;
};

extern const struct oqz_metric classification_nan_rows;

/* dataset.c. Reads the class list, if there is one, and refuses parameters that contradict each other. */
enum oqz_status classification_open_dataset(void *self, const struct oqz_params *params, struct oqz_failure *f);
/* struct oqz_task's items(). An item's tag is its label. */
enum oqz_status classification_items(void *self, void *sink, struct oqz_failure *f);

/* "<file><blanks><label>" in place: returns the label, "" for an empty line; *ret_file is "" for a line of one word. */
char *classification_split_entry(char *line, const char **ret_file);

/* scores.c. Rank of the label among an output's scores; `id` is for messages. */
enum oqz_status classification_rank(struct task *t, const char *id, const struct oqz_output *o, uint64_t label,
                                    struct record *ret, struct oqz_failure *f);
bool classification_hit(const struct record *r, int64_t k);
/* struct oqz_task's score(). */
enum oqz_status classification_score(void *self, const struct oqz_item *item, const struct oqz_output *outputs,
                                     size_t n_outputs, const struct oqz_geometry *geometry, void *record_sink,
                                     struct oqz_failure *f);

/* records.c */
enum oqz_status classification_record_add(const struct task *t, const struct record *r, void *sink,
                                          struct oqz_failure *f);
/* struct oqz_task's finish() and explain(). */
enum oqz_status classification_finish(void *self, const struct oqz_record *records, size_t n, void *metric_sink,
                                      struct oqz_failure *f);
enum oqz_status classification_explain(void *self, const struct oqz_record *record, char *text, size_t size,
                                       struct oqz_failure *f);

/* judge.c: figures of scores in a file against a list of labels. */
enum oqz_status classification_judge(void *self, const char *annotations, const char *predictions, void *sink,
                                     struct oqz_failure *f);

#endif
