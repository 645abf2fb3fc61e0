/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this task share: the instance, its data set, logits to classes, and confusion matrices.
 */
#ifndef SEGMENTATION_H
#define SEGMENTATION_H

#include "tasks/common/common.h"
#include "tasks/common/life.h"

enum { CITYSCAPES_CLASSES = 19, CITYSCAPES_CATEGORIES = 7, MAX_CLASSES = 1000, NO_CLASS = 0xffff };

/* Counts of pixels: row = true class, column = predicted class; the last column is any prediction that is no class. */
struct confusion {
	int32_t classes;
	uint64_t *n; /* [classes][classes + 1] */
};

/* What the bytes of a label map mean. */
struct code_table {
	uint16_t class_of[256]; /* NO_CLASS: ignored */
	bool known[256];        /* codes that may occur */
};

struct task {
	COMMON_TASK_HEAD;
	const char *output;
	int32_t classes;
	bool drop_extra, align_corners, cityscapes, per_class;
	struct code_table codes;   /* of the true label maps */
	struct common_list labels; /* path of each item's label map; the item's tag counts them */
	struct oqz_metric *metrics;
	char (*names)[40];
};

/* dataset.c: struct oqz_task's items(), and parameters that contradict each other. */
enum oqz_status segmentation_items(void *self, void *sink, struct oqz_failure *f);
enum oqz_status segmentation_check_dataset(void *self, const struct oqz_params *params, struct oqz_failure *f);
/* Fills codes. */
enum oqz_status segmentation_map_labels(struct task *t, struct oqz_failure *f);
/* The table of a word of the parameter `codes`. */
enum oqz_status segmentation_code_table(const struct task *t, const char *word, struct code_table *ret,
                                        struct oqz_failure *f);
/* The word that the ending of a file's name says, where there are Cityscapes' classes; else the given one. */
const char *segmentation_codes_by_name(const struct task *t, const char *path, const char *word);
extern const char *const cityscapes_names[CITYSCAPES_CLASSES];
extern const unsigned char cityscapes_category[CITYSCAPES_CLASSES];

/* draw.c: struct oqz_task's draw(). */
enum oqz_status segmentation_draw(void *self, const struct oqz_item *item, const struct oqz_record *record,
                                  const struct oqz_output *outputs, size_t n_outputs,
                                  const struct oqz_geometry *geometry, void *canvas, struct oqz_failure *f);

/* logits.c: rows of classes from logits (channels,height,width), resized bilinearly to out_width x out_height as
 * torch.nn.functional.interpolate does it, one row at a time. */
struct upsampler {
	const float *logits;
	int64_t channels, width, height, out_width, out_height;
	bool align_corners;
	float *rows; /* [2][channels][out_width]: source rows y (slot y % 2) stretched to the output's width */
	int64_t held[2];
	int32_t *x0, *x1; /* [out_width] left and right neighbour, */
	float *lambda;    /* and the weight of the right one */
};
size_t upsampler_bytes(const struct upsampler *u);
/* `memory` has upsampler_bytes() bytes, aligned for float. The fields up to align_corners are set before. */
void upsampler_init(struct upsampler *u, void *memory);
/* Classes of output row y: the largest value, ties to the lower class, NaN below all. Returns how many values of
 * the row are NaN. Rows in ascending order are cheapest. */
int64_t upsampler_classes(struct upsampler *u, int64_t y, uint16_t *ret);
/* The resized values of a channel's output row, for tests. */
void upsampler_values(struct upsampler *u, int64_t channel, int64_t y, float *ret);

/* segmentation.c */
enum oqz_status segmentation_no_memory(const struct task *t, struct oqz_failure *f);

/* records.c. An empty matrix, its memory from host->alloc. */
enum oqz_status segmentation_matrix(const struct task *t, struct confusion *ret, struct oqz_failure *f);
/* `nan`: how many values of the resized logits are NaN. */
enum oqz_status segmentation_record_write(const struct task *t, const struct confusion *c, uint64_t nan, void *sink,
                                          struct oqz_failure *f);
/* The figure of metric i (not nan_values); -1 when it is not defined. */
double segmentation_figure(const struct task *t, const struct confusion *c, size_t i);
/* struct oqz_task's finish() and explain(). */
enum oqz_status segmentation_finish(void *self, const struct oqz_record *records, size_t n, void *metric_sink,
                                    struct oqz_failure *f);
enum oqz_status segmentation_explain(void *self, const struct oqz_record *record, char *text, size_t size,
                                     struct oqz_failure *f);

/* predictions.c. Counts n pixels: codes of the label map `path` (for messages) against classes. */
enum oqz_status segmentation_count_row(const struct task *t, const struct code_table *table, const char *path,
                                       const uint8_t *codes, const uint16_t *found, int64_t n, struct confusion *c,
                                       struct oqz_failure *f);
/* Classes of every pixel at the image's size, NO_CLASS where the model gives none. */
enum oqz_status segmentation_classes(const struct task *t, const struct oqz_output *o, int32_t width, int32_t height,
                                     uint16_t *ret, struct oqz_failure *f);
/* struct oqz_task's score(). */
enum oqz_status segmentation_score(void *self, const struct oqz_item *item, const struct oqz_output *outputs,
                                   size_t n_outputs, const struct oqz_geometry *geometry, void *record_sink,
                                   struct oqz_failure *f);

/* judge.c: label maps in a folder against those in another; sets figures. */
enum oqz_status segmentation_judge(void *self, const char *annotations, const char *predictions, void *sink,
                                   struct oqz_failure *f);

/* confusion.c */
/* Intersection over union of a class; -1 when it is in neither truth nor predictions. */
double confusion_iou(const struct confusion *c, int32_t k);
/* The same of a group of classes: group[k] == g. */
double confusion_group_iou(const struct confusion *c, const unsigned char *group, unsigned char g);
uint64_t confusion_total(const struct confusion *c);
uint64_t confusion_correct(const struct confusion *c);
/* Recall of a class; -1 when it is not in the truth. */
double confusion_recall(const struct confusion *c, int32_t k);
/* Bytes of the packed form; `out` NULL only counts them. */
size_t confusion_pack(const struct confusion *c, unsigned char *out);
/* Adds a packed matrix of the same number of classes; false when it is damaged. */
bool confusion_add_packed(struct confusion *c, const unsigned char *p, size_t size);

#endif
