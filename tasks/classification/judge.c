/* SPDX-License-Identifier: Apache-2.0
 *
 * Scores made elsewhere against a list of labels. Scores are CSV lines "image,score_0,score_1,..."
 * that are paired by image, or an array (N, classes) in the order of the list. The list has lines "file label" as
 * Caffe's, or labels alone when it goes with an array.
 */
#include "classification.h"

#include <inttypes.h>
#include <stdlib.h>

struct label {
	const char *file; /* "" when the line has none */
	uint32_t label;
	bool scored;
};

struct judge {
	struct task *t;
	struct oqz_failure *f;
	const char *annotations, *predictions;
	char *memory;
	struct label *labels;
	size_t n;
	uint64_t hits[MAX_K], nan_rows, scored;
	size_t columns; /* of the CSV file's first line; 0: none was read */
};

static bool whole(const char *s, uint32_t *ret)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	if (*s < '0' || *s > '9' || *end || v > INT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

static enum oqz_status read_labels(struct judge *j)
{
	const struct oqz_host *h = j->t->host;
	char *at, *line;
	size_t room = 2;
	enum oqz_status st = common_read_text(h, j->annotations, &j->memory, &at, j->f);

	if (st != OQZ_OK)
		return st;
	for (const char *p = at; *p; p++)
		room += *p == '\n';
	j->labels = h->alloc(room * sizeof *j->labels);
	if (!j->labels)
		return h->fail(j->f, OQZ_E_NOMEM, "out of memory");
	for (int number = 1; (line = common_next_line(&at)) != NULL; number++) {
		common_drop_cr(line);
		struct label *to = &j->labels[j->n];
		const char *label = classification_split_entry(line, &to->file);
		if (!*label)
			continue;
		j->n++;
		if (!whole(label, &to->label))
			return h->fail(j->f, OQZ_E_DATA, "%s:%d: '%.100s' is not a label", j->annotations, number,
			               label);
	}
	return j->n ? OQZ_OK : h->fail(j->f, OQZ_E_DATA, "%s: no labels in it", j->annotations);
}

/* One image's scores. */
static enum oqz_status judge_row(struct judge *j, const char *name, const struct oqz_view *row, uint32_t label)
{
	const struct oqz_output o = { .name = name, .view = *row };
	struct record r;
	enum oqz_status st = classification_rank(j->t, name, &o, label, &r, j->f);

	if (st != OQZ_OK)
		return st;
	j->scored++;
	j->nan_rows += r.nan;
	for (size_t k = 0; k < j->t->n_k; k++)
		j->hits[k] += classification_hit(&r, j->t->k[k]);
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- an array */

static enum oqz_status judge_array(struct judge *j)
{
	const struct oqz_host *h = j->t->host;
	struct oqz_view all;
	enum oqz_status st = h->load_array(j->predictions, &all, j->f);

	if (st != OQZ_OK)
		return st;
	if (all.shape.rank != 2 || all.shape.dim[0] != (int64_t)j->n)
		st = h->fail(j->f, OQZ_E_MISMATCH, "%s is not an array (%zu, classes), a row for each line of %s",
		             j->predictions, j->n, j->annotations);
	size_t width = all.dtype == OQZ_DT_F64 || all.dtype == OQZ_DT_I64   ? 8
	               : all.dtype == OQZ_DT_F32 || all.dtype == OQZ_DT_I32 ? 4
	                                                                    : 1;
	for (size_t i = 0; i < j->n && st == OQZ_OK; i++) {
		struct oqz_view row = { .dtype = all.dtype, .shape = { 1, { all.shape.dim[1] } } };
		row.data = (const char *)all.data + i * width * (size_t)all.shape.dim[1];
		st = judge_row(j, j->predictions, &row, j->labels[i].label);
	}
	h->free_mem((void *)all.data);
	return st;
}

/* -------------------------------------------------------------------------------------------------- a CSV file */

static int by_file(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->file, ((const struct label *)b)->file);
}

/* Numbers behind the name; false: the line is a heading, or no line of scores. "nan" and "inf" are numbers. */
static bool read_scores(char *p, double *ret, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *end;
		ret[i] = strtod(p, &end);
		end += strspn(end, " \t");
		if (end == p || *end != (i + 1 < n ? ',' : 0))
			return false;
		p = end + 1;
	}
	return true;
}

static enum oqz_status judge_line(struct judge *j, int number, char *line, double *scores)
{
	const struct oqz_host *h = j->t->host;
	char *comma = strchr(line, ',');
	bool heading = number == 1 && comma;

	if (!comma || !read_scores(comma + 1, scores, j->columns))
		return heading ? OQZ_OK
		               : h->fail(j->f, OQZ_E_DATA, "%s:%d: an image and %zu scores expected, found '%.100s'",
		                         j->predictions, number, j->columns, line);
	*comma = 0;
	struct label key = { .file = line };
	struct label *hit = bsearch(&key, j->labels, j->n, sizeof *j->labels, by_file);
	if (!hit || hit->scored)
		return h->fail(j->f, OQZ_E_MISMATCH, "%s:%d: the image '%s' %s", j->predictions, number, line,
		               hit ? "is there twice" : "has no label");
	hit->scored = true;
	struct oqz_view row = { .dtype = OQZ_DT_F64, .shape = { 1, { (int64_t)j->columns } }, .data = scores };
	return judge_row(j, line, &row, hit->label);
}

static enum oqz_status check_names(struct judge *j)
{
	const struct oqz_host *h = j->t->host;

	qsort(j->labels, j->n, sizeof *j->labels, by_file);
	for (size_t i = 0; i < j->n; i++) {
		if (!*j->labels[i].file)
			return h->fail(j->f, OQZ_E_DATA,
			               "%s: lines '<file> <label>' expected: scores in CSV name images",
			               j->annotations);
		if (i && strcmp(j->labels[i - 1].file, j->labels[i].file) == 0)
			return h->fail(j->f, OQZ_E_DATA, "%s: '%s' is there twice", j->annotations, j->labels[i].file);
	}
	return OQZ_OK;
}

static enum oqz_status judge_csv(struct judge *j)
{
	const struct oqz_host *h = j->t->host;
	double *scores = NULL;
	char *text, *at, *line;
	enum oqz_status st = check_names(j);

	if (st == OQZ_OK)
		st = common_read_text(h, j->predictions, &text, &at, j->f);
	if (st != OQZ_OK)
		return st;
	for (int number = 1; st == OQZ_OK && (line = common_next_line(&at)) != NULL; number++) {
		common_drop_cr(line);
		if (!*line)
			continue;
		if (!scores) {
			for (const char *p = line; *p; p++)
				j->columns += *p == ',';
			scores = h->alloc((j->columns + 1) * sizeof *scores);
		}
		st = scores ? judge_line(j, number, line, scores) : h->fail(j->f, OQZ_E_NOMEM, "out of memory");
	}
	for (size_t i = 0; i < j->n && st == OQZ_OK; i++)
		if (!j->labels[i].scored)
			st = h->fail(j->f, OQZ_E_MISMATCH, "%s has no scores for '%s'", j->predictions,
			             j->labels[i].file);
	h->free_mem(scores);
	h->free_mem(text);
	return st;
}

/* -------------------------------------------------------------------------------------------------- entry */

static enum oqz_status set_figures(const struct judge *j, void *sink)
{
	const struct task *t = j->t;
	enum oqz_status st = OQZ_OK;

	for (size_t k = 0; k < t->n_k && st == OQZ_OK; k++)
		st = t->task_host->set_metric(sink, t->metrics[k].name, (double)j->hits[k] / (double)j->scored, j->f);
	if (st == OQZ_OK)
		st = t->task_host->set_metric(sink, "nan_rows", (double)j->nan_rows, j->f);
	if (st == OQZ_OK)
		st = t->task_host->set_metric(sink, "images", (double)j->scored, j->f);
	return st;
}

enum oqz_status classification_judge(void *self, const char *annotations, const char *predictions, void *sink,
                                     struct oqz_failure *f)
{
	struct task *t = self;
	struct judge j = { .t = t, .f = f, .annotations = annotations, .predictions = predictions };
	size_t n = strlen(predictions);
	bool array = n > 4 && strcmp(predictions + n - 4, ".npy") == 0;

	enum oqz_status st = read_labels(&j);
	if (st == OQZ_OK)
		st = array ? judge_array(&j) : judge_csv(&j);
	if (st == OQZ_OK)
		st = set_figures(&j, sink);
	t->host->free_mem(j.memory);
	t->host->free_mem(j.labels);
	return st;
}
