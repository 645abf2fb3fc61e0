/* SPDX-License-Identifier: Apache-2.0
 *
 * From a model's output to text, and the text against its label.
 */
#include "ocr.h"

#include <inttypes.h>
#include <math.h>

static const char *class_text(const struct task *t, int64_t k)
{
	return (size_t)k <= t->dictionary.n ? t->dictionary.v[k - 1] : " ";
}

/* Steps and classes of the output; the class count decides whether a space was added to the dictionary. */
static enum oqz_status open_output(const struct task *t, const struct oqz_output *o, int64_t *steps, int64_t *classes,
                                   struct oqz_failure *f)
{
	const struct oqz_shape *s = &o->view.shape;
	int64_t n = (int64_t)t->dictionary.n;

	if (o->view.dtype != OQZ_DT_F32)
		return t->host->fail(f, OQZ_E_UNSUPPORTED, "output '%s' has element type %d, scores are f32", o->name,
		                     (int)o->view.dtype);
	if ((s->rank != 3 && s->rank != 2) || (s->rank == 3 && s->dim[0] != 1 && s->dim[1] != 1))
		return t->host->fail(f, OQZ_E_MISMATCH, "output '%s' is not one image's scores (1,T,C) or (T,1,C)",
		                     o->name);
	*classes = s->dim[s->rank - 1];
	*steps = s->rank == 2 || s->dim[0] != 1 ? s->dim[0] : s->dim[1];
	if (*classes != n + 1 && *classes != n + 2)
		return t->host->fail(f, OQZ_E_MISMATCH,
		                     "output '%s' has %" PRId64 " classes, but the dictionary has %" PRId64
		                     " lines: %" PRId64 " or, with a space, %" PRId64 " are right",
		                     o->name, *classes, n, n + 1, n + 2);
	return OQZ_OK;
}

/* The text, from host->alloc; NULL when out of memory. */
static char *decode(const struct task *t, const float *x, int64_t steps, int64_t classes, double *confidence)
{
	int64_t *kept = t->host->alloc((size_t)steps * sizeof *kept);
	size_t size = 1, at = 0;
	char *text = NULL;

	if (!kept)
		return NULL;
	size_t n = ocr_ctc(x, steps, classes, kept, confidence);
	for (size_t i = 0; i < n; i++)
		size += strlen(class_text(t, kept[i]));
	text = t->host->alloc(size);
	for (size_t i = 0; i < n && text; i++) {
		size_t m = strlen(class_text(t, kept[i]));
		memcpy(text + at, class_text(t, kept[i]), m);
		at += m;
	}
	t->host->free_mem(kept);
	return text;
}

/* Whether the dictionary can write the label at all. */
static bool readable(const struct task *t, const char *label, bool space)
{
	for (const char *s = label; *s;) {
		size_t n = 1;
		bool found = space && *s == ' ';
		while ((s[n] & 0xc0) == 0x80)
			n++;
		for (size_t k = 0; k < t->dictionary.n && !found; k++)
			found = strlen(t->dictionary.v[k]) == n && memcmp(t->dictionary.v[k], s, n) == 0;
		if (!found)
			return false;
		s += n;
	}
	return true;
}

/* -------------------------------------------------------------------------------------------------- scoring */

static enum oqz_status score_text(const struct task *t, const struct oqz_item *item, const char *text, struct record *r,
                                  void *sink, struct oqz_failure *f)
{
	struct ocr_outcome o;
	enum oqz_status st = ocr_compare(t, t->labels.v[item->tag], text, &o, f);

	if (st != OQZ_OK)
		return st;
	r->distance = o.distance;
	r->longest = o.longest;
	r->correct = o.correct;
	r->label = o.label;
	r->text = o.text;
	r->label_size = (uint32_t)strlen(o.label);
	r->text_size = (uint32_t)strlen(o.text);
	st = ocr_record_add(t, r, sink, f);
	ocr_outcome_release(t, &o);
	return st;
}

enum oqz_status ocr_score(void *self, const struct oqz_item *item, const struct oqz_output *outputs, size_t n_outputs,
                          const struct oqz_geometry *geometry, void *record_sink, struct oqz_failure *f)
{
	const struct task *t = self;
	int64_t steps = 0, classes = 0;
	struct record r = { 0 };

	const struct oqz_output *o = common_output(t->host, t->output, "scores", outputs, n_outputs, f);
	if (!o)
		return OQZ_E_MISMATCH;
	if (item->tag >= t->labels.n)
		return t->host->fail(f, OQZ_E_DATA, "'%s' has no label: the reader 'images' is for calibration",
		                     item->id);
	enum oqz_status st = open_output(t, o, &steps, &classes, f);
	if (st != OQZ_OK)
		return st;
	char *text = decode(t, o->view.data, steps, classes, &r.confidence);
	if (!text)
		return t->host->fail(f, OQZ_E_NOMEM, "out of memory");
	r.foreign = !readable(t, t->labels.v[item->tag], t->ignore_space || (size_t)classes == t->dictionary.n + 2);
	if (isfinite(r.confidence))
		st = score_text(t, item, text, &r, record_sink, f);
	else
		st = t->host->fail(f, OQZ_E_DATA, "the model gave scores that are not numbers");
	t->host->free_mem(text);
	return st;
}
