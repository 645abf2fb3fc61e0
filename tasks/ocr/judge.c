/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts read elsewhere against labels: two files of lines "file, tab, text". Every label needs a text; a text for a
 * file without a label is an error, since it is mostly a file of another set.
 */
#include "ocr.h"

#include <stdlib.h>

struct line {
	const char *file, *text;
	int number;
};

struct lines {
	const char *path;
	char *memory;
	struct line *v; /* sorted by file */
	size_t n;
};

static int by_file(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->file, ((const struct line *)b)->file);
}

static enum oqz_status read_line(const struct oqz_host *h, const char *path, char *line, struct line *ret,
                                 struct oqz_failure *f)
{
	char *tab = strchr(line, '\t');
	size_t n;

	if (!tab || tab == line)
		return h->fail(f, OQZ_E_DATA, "%s:%d: '<file><tab><text>' expected, found '%.100s'", path, ret->number,
		               line);
	*tab = 0;
	ret->file = line;
	ret->text = tab + 1;
	tab[1 + strcspn(tab + 1, "\t")] = 0; /* further fields are left alone, as PaddleOCR does */
	if (!ocr_code_points(ret->text, NULL, &n))
		return h->fail(f, OQZ_E_DATA, "%s:%d: the text is not UTF-8", path, ret->number);
	return OQZ_OK;
}

static enum oqz_status lines_read(const struct oqz_host *h, const char *path, struct lines *l, struct oqz_failure *f)
{
	char *at, *line;
	size_t room = 1;
	int number = 0;

	l->path = path;
	enum oqz_status st = common_read_text(h, path, &l->memory, &at, f);
	if (st != OQZ_OK)
		return st;
	for (const char *p = at; *p; p++)
		room += *p == '\n';
	l->v = h->alloc((room + 1) * sizeof *l->v);
	if (!l->v)
		return h->fail(f, OQZ_E_NOMEM, "out of memory");
	while ((line = common_next_line(&at)) != NULL) {
		l->v[l->n].number = ++number;
		if (!line[strspn(line, "\r")])
			continue;
		st = read_line(h, path, line, &l->v[l->n++], f);
		if (st != OQZ_OK)
			return st;
	}
	if (l->n)
		qsort(l->v, l->n, sizeof *l->v, by_file);
	for (size_t i = 1; i < l->n; i++)
		if (strcmp(l->v[i - 1].file, l->v[i].file) == 0)
			return h->fail(f, OQZ_E_DATA, "%s: '%s' is there twice", path, l->v[i].file);
	return l->n ? OQZ_OK : h->fail(f, OQZ_E_DATA, "%s: no lines in it", path);
}

static enum oqz_status pair_up(const struct oqz_host *h, const struct lines *labels, const struct lines *texts,
                               struct oqz_failure *f)
{
	for (size_t i = 0, k = 0; i < labels->n || k < texts->n; i++, k++) {
		int c = i == labels->n ? 1 : k == texts->n ? -1 : strcmp(labels->v[i].file, texts->v[k].file);
		if (c < 0)
			return h->fail(f, OQZ_E_MISMATCH, "%s has no text for '%s' (%s:%d)", texts->path,
			               labels->v[i].file, labels->path, labels->v[i].number);
		if (c > 0)
			return h->fail(f, OQZ_E_MISMATCH, "%s:%d: '%s' has no label in %s", texts->path,
			               texts->v[k].number, texts->v[k].file, labels->path);
	}
	return OQZ_OK;
}

/* Both spellings of the figures: per image, and PaddleOCR's own with its guard against an empty set. */
static enum oqz_status set_figures(const struct task *t, size_t n, uint64_t correct, double edits, void *sink,
                                   struct oqz_failure *f)
{
	const struct {
		const char *name;
		double value;
	} all[] = { { "accuracy", (double)correct / (double)n },
		    { "norm_edit_distance", 1 - edits / (double)n },
		    { "images", (double)n },
		    { "correct", (double)correct },
		    { "paddleocr.acc", (double)correct / ((double)n + 1e-5) },
		    { "paddleocr.norm_edit_dis", 1 - edits / ((double)n + 1e-5) } };
	enum oqz_status st = OQZ_OK;

	for (size_t i = 0; i < sizeof all / sizeof *all && st == OQZ_OK; i++)
		st = t->task_host->set_metric(sink, all[i].name, all[i].value, f);
	return st;
}

static enum oqz_status judge_lines(const struct task *t, const struct lines *labels, const struct lines *texts,
                                   void *sink, struct oqz_failure *f)
{
	uint64_t correct = 0;
	double edits = 0;

	enum oqz_status st = pair_up(t->host, labels, texts, f);
	for (size_t i = 0; i < labels->n && st == OQZ_OK; i++) {
		struct ocr_outcome o;
		st = ocr_compare(t, labels->v[i].text, texts->v[i].text, &o, f);
		if (st != OQZ_OK)
			break;
		correct += o.correct;
		edits += o.longest ? (double)o.distance / o.longest : 0;
		ocr_outcome_release(t, &o);
	}
	return st == OQZ_OK ? set_figures(t, labels->n, correct, edits, sink, f) : st;
}

enum oqz_status ocr_judge(void *self, const char *annotations, const char *predictions, void *sink,
                          struct oqz_failure *f)
{
	const struct task *t = self;
	const struct oqz_host *h = t->host;
	struct lines labels = { 0 }, texts = { 0 };

	enum oqz_status st = lines_read(h, annotations, &labels, f);
	if (st == OQZ_OK)
		st = lines_read(h, predictions, &texts, f);
	if (st == OQZ_OK)
		st = judge_lines(t, &labels, &texts, sink, f);
	h->free_mem(labels.memory);
	h->free_mem(labels.v);
	h->free_mem(texts.memory);
	h->free_mem(texts.v);
	return st;
}
