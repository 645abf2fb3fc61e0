/* SPDX-License-Identifier: Apache-2.0
 *
 * Records and figures. A record holds an image's outcome under the task's options (right or not, edit distance) and
 * both texts for people.
 */
#include "ocr.h"
#include "tasks/common/bytes.h"

#include <math.h>
#include <stdio.h>

enum { RECORD_VERSION = 1, RECORD_HEAD = 28, FLAG_CORRECT = 1, FLAG_FOREIGN = 2 };

enum oqz_status ocr_record_add(const struct task *t, const struct record *r, void *sink, struct oqz_failure *f)
{
	size_t size = RECORD_HEAD + (size_t)r->label_size + r->text_size;
	unsigned char *p = t->host->alloc(size);

	if (!p)
		return t->host->fail(f, OQZ_E_NOMEM, "out of memory");
	p[0] = RECORD_VERSION;
	p[1] = (unsigned char)((r->correct ? FLAG_CORRECT : 0) | (r->foreign ? FLAG_FOREIGN : 0));
	put_u32(p + 4, r->distance);
	put_u32(p + 8, r->longest);
	put_f64(p + 12, r->confidence);
	put_u32(p + 20, r->label_size);
	put_u32(p + 24, r->text_size);
	memcpy(p + RECORD_HEAD, r->label, r->label_size);
	memcpy(p + RECORD_HEAD + r->label_size, r->text, r->text_size);
	enum oqz_status st = t->task_host->add_record(sink, p, size, f);
	t->host->free_mem(p);
	return st;
}

static enum oqz_status record_read(const struct task *t, const struct oqz_record *from, struct record *ret,
                                   struct oqz_failure *f)
{
	const unsigned char *p = from->data;

	if (from->size < RECORD_HEAD || p[0] != RECORD_VERSION)
		return t->host->fail(f, OQZ_E_DATA, "a record of %zu bytes, version %d, where %d is known", from->size,
		                     from->size ? p[0] : 0, RECORD_VERSION);
	*ret = (struct record) { .distance = get_u32(p + 4),
		                 .longest = get_u32(p + 8),
		                 .confidence = get_f64(p + 12),
		                 .label_size = get_u32(p + 20),
		                 .text_size = get_u32(p + 24),
		                 .label = (const char *)p + RECORD_HEAD,
		                 .correct = p[1] & FLAG_CORRECT,
		                 .foreign = p[1] & FLAG_FOREIGN };
	if ((uint64_t)ret->label_size + ret->text_size != from->size - RECORD_HEAD || ret->distance > ret->longest ||
	    !isfinite(ret->confidence))
		return t->host->fail(f, OQZ_E_DATA, "a record that contradicts itself");
	ret->text = ret->label + ret->label_size;
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- figures */

enum oqz_status ocr_finish(void *self, const struct oqz_record *records, size_t n, void *metric_sink,
                           struct oqz_failure *f)
{
	const struct task *t = self;
	uint64_t scored = 0, correct = 0, foreign = 0;
	double edits = 0, confidence = 0;
	enum oqz_status st;

	for (size_t i = 0; i < n; i++) {
		struct record r;
		if (!records[i].data)
			continue;
		st = record_read(t, &records[i], &r, f);
		if (st != OQZ_OK)
			return st;
		scored++;
		correct += r.correct;
		foreign += r.foreign;
		edits += r.longest ? (double)r.distance / r.longest : 0;
		confidence += r.confidence;
	}
	if (!scored)
		return t->host->fail(f, OQZ_E_DATA, "none of the %zu images was scored", n);
	st = t->task_host->set_metric(metric_sink, "accuracy", (double)correct / (double)scored, f);
	if (st == OQZ_OK)
		st = t->task_host->set_metric(metric_sink, "norm_edit_distance", 1 - edits / (double)scored, f);
	if (st == OQZ_OK)
		st = t->task_host->set_metric(metric_sink, "confidence", confidence / (double)scored, f);
	if (st == OQZ_OK)
		st = t->task_host->set_metric(metric_sink, "foreign_labels", (double)foreign, f);
	return st;
}

enum oqz_status ocr_explain(void *self, const struct oqz_record *record, char *text, size_t size, struct oqz_failure *f)
{
	struct record r;
	char read[160], label[160];
	enum oqz_status st = record_read(self, record, &r, f);

	if (st != OQZ_OK)
		return st;
	common_fit(read, sizeof read, r.text, r.text_size);
	common_fit(label, sizeof label, r.label, r.label_size);
	snprintf(text, size, "'%s' %.3f, label '%s'", read, r.confidence, label);
	return OQZ_OK;
}
