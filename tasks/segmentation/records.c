/* SPDX-License-Identifier: Apache-2.0
 *
 * Records and figures. A record is one image's confusion matrix, so the figures of a data set are sums of whole numbers
 * and one division.
 */
#include "segmentation.h"
#include "tasks/common/bytes.h"

#include <inttypes.h>
#include <stdio.h>

/* u8 version, 3 zeros, u32 classes, u32 pixels with NaN, u32 bytes that follow: the packed matrix. */
enum { RECORD_VERSION = 1, RECORD_HEAD = 16 };

enum oqz_status segmentation_matrix(const struct task *t, struct confusion *ret, struct oqz_failure *f)
{
	ret->classes = t->classes;
	ret->n = t->host->alloc((size_t)t->classes * ((size_t)t->classes + 1) * sizeof *ret->n);
	return ret->n ? OQZ_OK : segmentation_no_memory(t, f);
}

enum oqz_status segmentation_record_write(const struct task *t, const struct confusion *c, uint64_t nan, void *sink,
                                          struct oqz_failure *f)
{
	size_t n = confusion_pack(c, NULL);
	unsigned char *bytes = t->host->alloc(RECORD_HEAD + n);

	if (!bytes)
		return segmentation_no_memory(t, f);
	bytes[0] = RECORD_VERSION;
	put_u32(bytes + 4, (uint32_t)c->classes);
	put_u32(bytes + 8, (uint32_t)nan);
	put_u32(bytes + 12, (uint32_t)n);
	confusion_pack(c, bytes + RECORD_HEAD);
	enum oqz_status st = t->task_host->add_record(sink, bytes, RECORD_HEAD + n, f);
	t->host->free_mem(bytes);
	return st;
}

static enum oqz_status record_add(const struct task *t, const struct oqz_record *from, struct confusion *c,
                                  uint64_t *nan, struct oqz_failure *f)
{
	const unsigned char *p = from->data;

	if (from->size < RECORD_HEAD || p[0] != RECORD_VERSION || get_u32(p + 4) != (uint32_t)t->classes ||
	    get_u32(p + 12) != from->size - RECORD_HEAD ||
	    !confusion_add_packed(c, p + RECORD_HEAD, from->size - RECORD_HEAD))
		return t->host->fail(f, OQZ_E_DATA, "a record that is damaged or not of %d classes", t->classes);
	*nan += get_u32(p + 8);
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- figures */

/* Mean of the values that are not -1; -1 when there is none. */
struct mean {
	double sum;
	int32_t n;
};

static void mean_add(struct mean *m, double x)
{
	m->sum += x >= 0 ? x : 0;
	m->n += x >= 0;
}

static double mean_of(const struct mean *m) { return m->n ? m->sum / m->n : -1; }

/* By name, since which figures there are depends on the classes. */
double segmentation_figure(const struct task *t, const struct confusion *c, size_t i)
{
	struct mean m = { 0 };
	const char *name = t->metrics[i].name;
	bool category = strcmp(name, "category_miou") == 0, recall = strcmp(name, "mean_accuracy") == 0;

	if (strncmp(name, "iou_", 4) == 0)
		return confusion_iou(c, (int32_t)((name - t->names[0]) / (ptrdiff_t)sizeof *t->names));
	if (strcmp(name, "pixel_accuracy") == 0)
		return (double)confusion_correct(c) / (double)confusion_total(c);
	for (unsigned char g = 0; g < CITYSCAPES_CATEGORIES && category; g++)
		mean_add(&m, confusion_group_iou(c, cityscapes_category, g));
	for (int32_t k = 0; k < t->classes && !category; k++)
		mean_add(&m, recall ? confusion_recall(c, k) : confusion_iou(c, k));
	return mean_of(&m);
}

static enum oqz_status set_metrics(const struct task *t, const struct confusion *c, uint64_t nan, void *sink,
                                   struct oqz_failure *f)
{
	enum oqz_status st = OQZ_OK;

	for (size_t i = 0; t->metrics[i].name && st == OQZ_OK; i++) {
		const char *name = t->metrics[i].name;
		double v = strcmp(name, "nan_values") == 0 ? (double)nan : segmentation_figure(t, c, i);
		st = t->task_host->set_metric(sink, name, v, f);
	}
	return st;
}

enum oqz_status segmentation_finish(void *self, const struct oqz_record *records, size_t n, void *metric_sink,
                                    struct oqz_failure *f)
{
	const struct task *t = self;
	struct confusion c;
	uint64_t nan = 0;

	enum oqz_status st = segmentation_matrix(t, &c, f);
	for (size_t i = 0; i < n && st == OQZ_OK; i++)
		if (records[i].data)
			st = record_add(t, &records[i], &c, &nan, f);
	if (st == OQZ_OK && confusion_total(&c) == 0)
		st = t->host->fail(f, OQZ_E_DATA, "none of the %zu images was scored and has a labelled pixel", n);
	if (st == OQZ_OK)
		st = set_metrics(t, &c, nan, metric_sink, f);
	t->host->free_mem(c.n);
	return st;
}

enum oqz_status segmentation_explain(void *self, const struct oqz_record *record, char *text, size_t size,
                                     struct oqz_failure *f)
{
	const struct task *t = self;
	struct mean iou = { 0 };
	struct confusion c;
	uint64_t nan = 0;

	enum oqz_status st = segmentation_matrix(t, &c, f);
	if (st == OQZ_OK)
		st = record_add(t, record, &c, &nan, f);
	if (st == OQZ_OK) {
		for (int32_t k = 0; k < t->classes; k++)
			mean_add(&iou, confusion_iou(&c, k));
		snprintf(text, size, "mIoU %.4f over %d classes, %" PRIu64 " of %" PRIu64 " labelled pixels right",
		         mean_of(&iou), iou.n, confusion_correct(&c), confusion_total(&c));
	}
	t->host->free_mem(c.n);
	return st;
}
