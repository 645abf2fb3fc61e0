/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this task share: the instance, its data set, greedy decoding, and distances of texts.
 */
#ifndef OCR_H
#define OCR_H

#include "tasks/common/common.h"
#include "tasks/common/life.h"

struct task {
	COMMON_TASK_HEAD;
	const char *output;
	bool ignore_space, is_filter;
	struct common_list dictionary; /* text of class 1, 2, ... (class 0 is the blank of CTC) */
	struct common_list labels;     /* text of each item; the item's tag counts them */
};

/* dataset.c */
enum oqz_status ocr_read_dictionary(struct task *t, const char *path, struct oqz_failure *f);
enum oqz_status ocr_items(void *self, void *sink, struct oqz_failure *f);

/* text.c. Code points of valid UTF-8; `ret` has room for strlen(s) of them, or is NULL to only count. False when it is
 * not valid (overlong forms, surrogates and values above U+10FFFF are not). */
bool ocr_code_points(const char *s, uint32_t *ret, size_t *ret_n);
/* In place: without U+0020, and if `filter` with only [0-9A-Za-z], in lower case. */
void ocr_normalise(char *s, bool ignore_space, bool filter);
/* Levenshtein distance with unit costs; `row` has room for m + 1 numbers. */
uint32_t ocr_distance(const uint32_t *a, size_t n, const uint32_t *b, size_t m, uint32_t *row);

/* Greedy CTC decoding of (steps, classes): classes[i] of the kept steps (room for `steps`), their number, and the mean
 * of their values (0 when none is kept). */
size_t ocr_ctc(const float *x, int64_t steps, int64_t classes, int64_t *kept, double *ret_confidence);

/* compare.c. A label and a text, both normalised as the task says, and what lies between them in code points. */
struct ocr_outcome {
	char *label, *text; /* from host->alloc */
	uint32_t distance, longest;
	bool correct;
};
/* Release *ret after success. */
enum oqz_status ocr_compare(const struct task *t, const char *label, const char *text, struct ocr_outcome *ret,
                            struct oqz_failure *f);
void ocr_outcome_release(const struct task *t, struct ocr_outcome *o);

/* Stored little-endian in this order, behind: u8 version, u8 flags, u16 zero; then the texts, normalised. */
struct record {
	uint32_t distance, longest; /* in code points */
	double confidence;
	uint32_t label_size, text_size;
	const char *label, *text;
	bool correct, foreign; /* foreign: the label has characters that the dictionary lacks */
};

/* records.c */
enum oqz_status ocr_record_add(const struct task *t, const struct record *r, void *sink, struct oqz_failure *f);
/* struct oqz_task's finish() and explain(). */
enum oqz_status ocr_finish(void *self, const struct oqz_record *records, size_t n, void *metric_sink,
                           struct oqz_failure *f);
enum oqz_status ocr_explain(void *self, const struct oqz_record *record, char *text, size_t size,
                            struct oqz_failure *f);

/* decode.c: struct oqz_task's score(). */
enum oqz_status ocr_score(void *self, const struct oqz_item *item, const struct oqz_output *outputs, size_t n_outputs,
                          const struct oqz_geometry *geometry, void *record_sink, struct oqz_failure *f);

/* judge.c: texts read elsewhere against a label file; sets figures. */
enum oqz_status ocr_judge(void *self, const char *annotations, const char *predictions, void *sink,
                          struct oqz_failure *f);

#endif
