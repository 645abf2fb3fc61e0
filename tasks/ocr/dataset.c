/* SPDX-License-Identifier: Apache-2.0
 *
 * Label files and dictionaries of PaddleOCR, and ICDAR's own label format (metrics.md 4.1, 4.2). PaddleOCR takes only
 * the newline off a line, so a carriage return stays in the label; that is kept, with a warning, since it costs hits.
 */
#include "ocr.h"

/* -------------------------------------------------------------------------------------------------- dictionary */

static enum oqz_status add_word(struct task *t, const char *s, size_t n, struct oqz_failure *f)
{
	return common_list_add(t->host, &t->dictionary, common_copy(t->host, s, n, f), f);
}

static enum oqz_status default_dictionary(struct task *t, struct oqz_failure *f)
{
	static const char all[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	enum oqz_status st = OQZ_OK;

	for (size_t i = 0; i < sizeof all - 1 && st == OQZ_OK; i++)
		st = add_word(t, all + i, 1, f);
	return st;
}

enum oqz_status ocr_read_dictionary(struct task *t, const char *path, struct oqz_failure *f)
{
	char *text, *at, *line;
	size_t n;

	if (!*path)
		return default_dictionary(t, f);
	enum oqz_status st = common_read_text(t->host, path, &text, &at, f);
	if (st != OQZ_OK)
		return st;
	for (int number = 1; st == OQZ_OK && (line = common_next_line(&at)) != NULL; number++) {
		line += strspn(line, "\r");
		size_t end = strlen(line);
		while (end && line[end - 1] == '\r')
			line[--end] = 0;
		if (!ocr_code_points(line, NULL, &n))
			st = t->host->fail(f, OQZ_E_DATA, "%s:%d: not UTF-8", path, number);
		else
			st = add_word(t, line, end, f);
	}
	t->host->free_mem(text);
	if (st == OQZ_OK && t->dictionary.n == 0)
		st = t->host->fail(f, OQZ_E_DATA, "%s: an empty dictionary", path);
	return st;
}

/* -------------------------------------------------------------------------------------------------- items */

struct reader {
	struct task *t;
	void *sink;
	struct oqz_failure *f;
	const char *root, *list;
	int number;
	struct common_subset part;
	bool cr;
};

static enum oqz_status add(struct reader *r, const char *id, const char *label)
{
	const struct oqz_host *h = r->t->host;
	enum oqz_status st = OQZ_OK;
	size_t n;

	if (!*id)
		return h->fail(r->f, OQZ_E_DATA, "%s:%d: a line without a file", r->list, r->number);
	if (!common_subset_takes(&r->part))
		return OQZ_OK;
	if (label) {
		if (!ocr_code_points(label, NULL, &n))
			return h->fail(r->f, OQZ_E_DATA, "%s:%d: the label is not UTF-8", r->list, r->number);
		st = common_list_add(h, &r->t->labels, common_copy(h, label, strlen(label), r->f), r->f);
	}
	if (st != OQZ_OK)
		return st;
	char *path = common_join(h, r->root, id, r->f);
	if (!path)
		return OQZ_E_NOMEM;
	struct oqz_item item = { .id = id, .image = path, .tag = label ? r->t->labels.n - 1 : UINT64_MAX };
	st = r->t->task_host->add_item(r->sink, &item, r->f);
	h->free_mem(path);
	return st;
}

/* file<TAB>label; further fields are left alone. */
static enum oqz_status paddle_line(struct reader *r, char *line)
{
	char *tab = strchr(line, '\t');

	if (!tab || tab == line)
		return r->t->host->fail(r->f, OQZ_E_DATA, "%s:%d: '<file><tab><label>' expected, found '%.100s'",
		                        r->list, r->number, line);
	*tab = 0;
	char *label = tab + 1;
	label[strcspn(label, "\t")] = 0;
	if (*line == '[')
		return r->t->host->fail(r->f, OQZ_E_UNSUPPORTED, "%s:%d: a list of images for one label", r->list,
		                        r->number);
	r->cr |= strchr(label, '\r') != NULL;
	return add(r, line, label);
}

/* file, "label" with \" and \\ inside. */
static enum oqz_status icdar_line(struct reader *r, char *line)
{
	char *comma = strchr(line, ','), *from, *to;

	common_drop_cr(line);
	if (comma) {
		*comma = 0;
		from = comma + 1 + strspn(comma + 1, " \t");
		size_t n = strlen(from);
		while (n && strchr(" \t", from[n - 1]))
			from[--n] = 0;
		if (n >= 2 && from[0] == '"' && from[n - 1] == '"') {
			from[n - 1] = 0;
			char *label = to = ++from;
			for (; *from; from++) {
				if (*from == '\\' && (from[1] == '"' || from[1] == '\\'))
					from++;
				*to++ = *from;
			}
			*to = 0;
			return add(r, line, label);
		}
	}
	return r->t->host->fail(r->f, OQZ_E_DATA, "%s:%d: '<file>, \"<label>\"' expected, found '%.100s'", r->list,
	                        r->number, line);
}

static enum oqz_status read_list(struct reader *r, enum oqz_status (*read_line)(struct reader *r, char *line))
{
	const struct oqz_host *h = r->t->host;
	char *text, *at, *line;
	enum oqz_status st = common_read_text(h, r->list, &text, &at, r->f);

	if (st != OQZ_OK)
		return st;
	for (r->number = 1; st == OQZ_OK && (line = common_next_line(&at)) != NULL; r->number++)
		if (line[strspn(line, "\r")])
			st = read_line(r, line);
	h->free_mem(text);
	if (st == OQZ_OK && r->cr)
		h->log(h, OQZ_LOG_WARN, "ocr: %s: labels end in a carriage return, which counts as part of them",
		       r->list);
	return st;
}

static enum oqz_status read_images(struct reader *r)
{
	struct common_list all = { 0 };
	enum oqz_status st = common_walk(r->t->host, r->root, common_image_suffixes, &all, r->f);

	for (size_t i = 0; i < all.n && st == OQZ_OK; i++)
		st = add(r, all.v[i], NULL);
	common_list_release(r->t->host, &all);
	return st;
}

enum oqz_status ocr_items(void *self, void *sink, struct oqz_failure *f)
{
	struct task *t = self;
	const struct oqz_host *h = t->host;
	const char *reader = h->param_string(t->dataset, "reader");
	struct reader r = { .t = t,
		            .sink = sink,
		            .f = f,
		            .root = h->param_string(t->dataset, "root"),
		            .list = h->param_string(t->dataset, "list"),
		            .part = common_subset_of(h, t->dataset) };

	common_list_release(h, &t->labels);
	if (strcmp(reader, "images") == 0)
		return read_images(&r);
	return read_list(&r, strcmp(reader, "icdar") == 0 ? icdar_line : paddle_line);
}
