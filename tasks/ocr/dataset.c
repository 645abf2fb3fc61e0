/* SPDX-License-Identifier: Apache-2.0
 *
 * Label files and dictionaries of PaddleOCR, and ICDAR's own label format. PaddleOCR takes only
 * the newline off a line, so a carriage return stays in the label; that is kept, with a warning, since it costs hits.
 */
#include "ocr.h"
#include "tasks/common/items.h"

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

struct dictionary_reader {
	struct task *t;
	const char *path;
	struct oqz_failure *f;
};

static enum oqz_status dictionary_line(void *ctx, int number, char *line)
{
	struct dictionary_reader *r = ctx;
	size_t n;

	line += strspn(line, "\r");
	size_t end = strlen(line);
	while (end && line[end - 1] == '\r')
		line[--end] = 0;
	if (!ocr_code_points(line, NULL, &n))
		return r->t->host->fail(r->f, OQZ_E_DATA, "%s:%d: not UTF-8", r->path, number);
	return add_word(r->t, line, end, r->f);
}

enum oqz_status ocr_read_dictionary(struct task *t, const char *path, struct oqz_failure *f)
{
	struct dictionary_reader r = { t, path, f };

	if (!*path)
		return default_dictionary(t, f);
	TRY(common_each_line(t->host, path, dictionary_line, &r, f));
	return t->dictionary.n ? OQZ_OK : t->host->fail(f, OQZ_E_DATA, "%s: an empty dictionary", path);
}

/* -------------------------------------------------------------------------------------------------- items */

struct reader {
	struct task *t;
	struct common_items to;
	const char *list;
	enum oqz_status (*read_line)(struct reader *r, char *line);
	int number;
	bool cr; /* a label ends in a carriage return */
};

static enum oqz_status add(struct reader *r, const char *id, const char *label)
{
	const struct oqz_host *h = r->t->host;
	struct oqz_failure *f = r->to.f;
	size_t n;

	if (!*id)
		return h->fail(f, OQZ_E_DATA, "%s:%d: a line without a file", r->list, r->number);
	if (!common_subset_takes(&r->to.part))
		return OQZ_OK;
	if (label) {
		if (!ocr_code_points(label, NULL, &n))
			return h->fail(f, OQZ_E_DATA, "%s:%d: the label is not UTF-8", r->list, r->number);
		TRY(common_list_add(h, &r->t->labels, common_copy(h, label, strlen(label), f), f));
	}
	struct oqz_item item = { .id = id, .tag = label ? r->t->labels.n - 1 : UINT64_MAX };
	return common_items_put(&r->to, id, &item);
}

/* file<TAB>label; further fields are left alone. */
static enum oqz_status paddle_line(struct reader *r, char *line)
{
	char *tab = strchr(line, '\t');

	if (!tab || tab == line)
		return r->t->host->fail(r->to.f, OQZ_E_DATA, "%s:%d: '<file><tab><label>' expected, found '%.100s'",
		                        r->list, r->number, line);
	*tab = 0;
	char *label = tab + 1;
	label[strcspn(label, "\t")] = 0;
	if (*line == '[')
		return r->t->host->fail(r->to.f, OQZ_E_UNSUPPORTED, "%s:%d: a list of images for one label", r->list,
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
	return r->t->host->fail(r->to.f, OQZ_E_DATA, "%s:%d: '<file>, \"<label>\"' expected, found '%.100s'", r->list,
	                        r->number, line);
}

static enum oqz_status list_line(void *ctx, int number, char *line)
{
	struct reader *r = ctx;

	r->number = number;
	return line[strspn(line, "\r")] ? r->read_line(r, line) : OQZ_OK;
}

static enum oqz_status read_list(struct reader *r)
{
	const struct oqz_host *h = r->t->host;

	TRY(common_each_line(h, r->list, list_line, r, r->to.f));
	if (r->cr)
		h->log(h, OQZ_LOG_WARN, "ocr: %s: labels end in a carriage return, which counts as part of them",
		       r->list);
	return OQZ_OK;
}

enum oqz_status ocr_items(void *self, void *sink, struct oqz_failure *f)
{
	struct task *t = self;
	const struct oqz_host *h = t->host;
	const char *reader = h->param_string(t->dataset, "reader");
	struct reader r = { .t = t,
		            .to = common_items_of(t->task_host, t->dataset, "root", sink, f),
		            .list = h->param_string(t->dataset, "list"),
		            .read_line = strcmp(reader, "icdar") == 0 ? icdar_line : paddle_line };

	common_list_release(h, &t->labels);
	if (strcmp(reader, "images") == 0)
		return common_items_walk(&r.to, common_image_suffixes, UINT64_MAX);
	return read_list(&r);
}
