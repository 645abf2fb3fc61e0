/* SPDX-License-Identifier: Apache-2.0
 *
 * A read text against its label: normalised, then equal or how many edits apart.
 */
#include "ocr.h"

static enum oqz_status measure(const struct task *t, struct ocr_outcome *o, struct oqz_failure *f)
{
	size_t a = strlen(o->label), b = strlen(o->text), n = 0, m = 0;
	uint32_t *room = t->host->alloc((a + 2 * b + 1) * sizeof *room);

	if (!room)
		return t->host->fail(f, OQZ_E_NOMEM, "out of memory");
	bool valid = ocr_code_points(o->label, room, &n) && ocr_code_points(o->text, room + a, &m);
	if (valid) {
		o->distance = ocr_distance(room, n, room + a, m, room + a + b);
		o->longest = (uint32_t)(n > m ? n : m);
		o->correct = strcmp(o->label, o->text) == 0;
	}
	t->host->free_mem(room);
	return valid ? OQZ_OK : t->host->fail(f, OQZ_E_DATA, "a text that is not UTF-8");
}

enum oqz_status ocr_compare(const struct task *t, const char *label, const char *text, struct ocr_outcome *ret,
                            struct oqz_failure *f)
{
	*ret = (struct ocr_outcome) { .label = common_copy(t->host, label, strlen(label), f) };
	ret->text = ret->label ? common_copy(t->host, text, strlen(text), f) : NULL;
	enum oqz_status st = ret->text ? OQZ_OK : OQZ_E_NOMEM;
	if (st == OQZ_OK) {
		ocr_normalise(ret->label, t->ignore_space, t->is_filter);
		ocr_normalise(ret->text, t->ignore_space, t->is_filter);
		st = measure(t, ret, f);
	}
	if (st != OQZ_OK)
		ocr_outcome_release(t, ret);
	return st;
}

void ocr_outcome_release(const struct task *t, struct ocr_outcome *o)
{
	t->host->free_mem(o->label);
	t->host->free_mem(o->text);
}
