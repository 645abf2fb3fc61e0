/* SPDX-License-Identifier: Apache-2.0
 *
 * Records and figures. One image gives one record of 20 bytes that holds the label's rank, so every k is answered later
 * without the scores.
 */
#include "classification.h"
#include "tasks/common/bytes.h"

#include <inttypes.h>
#include <stdio.h>

enum { RECORD_VERSION = 1, RECORD_SIZE = 20, FLAG_NAN = 1 };

enum oqz_status classification_record_add(const struct task *t, const struct record *r, void *sink,
                                          struct oqz_failure *f)
{
	unsigned char out[RECORD_SIZE] = { RECORD_VERSION, r->nan ? FLAG_NAN : 0 };

	put_u32(out + 4, r->label);
	put_u32(out + 8, r->rank);
	put_u32(out + 12, r->best);
	put_f32(out + 16, r->best_score);
	return t->task_host->add_record(sink, out, sizeof out, f);
}

static enum oqz_status record_read(const struct task *t, const struct oqz_record *from, struct record *ret,
                                   struct oqz_failure *f)
{
	const unsigned char *p = common_record(t->host, from, RECORD_SIZE, RECORD_VERSION, f);

	if (!p)
		return OQZ_E_DATA;
	ret->nan = p[1] & FLAG_NAN;
	ret->label = get_u32(p + 4);
	ret->rank = get_u32(p + 8);
	ret->best = get_u32(p + 12);
	ret->best_score = get_f32(p + 16);
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- figures */

enum oqz_status classification_finish(void *self, const struct oqz_record *records, size_t n, void *metric_sink,
                                      struct oqz_failure *f)
{
	struct task *t = self;
	uint64_t hits[MAX_K] = { 0 }, nan_rows = 0, scored = 0;
	enum oqz_status st;

	for (size_t i = 0; i < n; i++) {
		struct record r;
		if (!records[i].data)
			continue;
		st = record_read(t, &records[i], &r, f);
		if (st != OQZ_OK)
			return st;
		scored++;
		nan_rows += r.nan;
		for (size_t k = 0; k < t->n_k; k++)
			hits[k] += classification_hit(&r, t->k[k]);
	}
	if (!scored)
		return t->host->fail(f, OQZ_E_DATA, "none of the %zu images was scored", n);
	for (size_t k = 0; k < t->n_k; k++) {
		st = t->task_host->set_metric(metric_sink, t->metrics[k].name, (double)hits[k] / (double)scored, f);
		if (st != OQZ_OK)
			return st;
	}
	return t->task_host->set_metric(metric_sink, "nan_rows", (double)nan_rows, f);
}

static void class_text(const struct task *t, uint32_t index, char *text, size_t size)
{
	const struct common_list *names = t->class_names.n ? &t->class_names : &t->folder_names;

	if (index < names->n)
		common_fit(text, size, names->v[index], strlen(names->v[index]));
	else
		snprintf(text, size, "class %" PRIu32, index);
}

enum oqz_status classification_explain(void *self, const struct oqz_record *record, char *text, size_t size,
                                       struct oqz_failure *f)
{
	struct task *t = self;
	char best[100], label[100];
	struct record r;

	enum oqz_status st = record_read(t, record, &r, f);
	if (st != OQZ_OK)
		return st;
	class_text(t, r.best, best, sizeof best);
	class_text(t, r.label, label, sizeof label);
	if (r.rank == RANK_MISS)
		snprintf(text, size, "%s (%.4g); right is %s, whose score is no number", best, r.best_score, label);
	else if (r.rank == 0)
		snprintf(text, size, "%s (%.4g), which is right", best, r.best_score);
	else
		snprintf(text, size, "%s (%.4g); right is %s, on place %" PRIu32, best, r.best_score, label,
		         r.rank + 1);
	return OQZ_OK;
}
