/* SPDX-License-Identifier: Apache-2.0
 *
 * Data sets of the classification task: class folders in torchvision's order, list files in Caffe's
 * form, and plain images for calibration. Without a class list a label is the position of the folder among those that
 * exist, which shifts when one is missing; with one it is the line of the folder's name.
 */
#include "classification.h"
#include "tasks/common/items.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* -------------------------------------------------------------------------------------------------- the sink */

struct reader {
	struct task *t;
	struct common_items to;
	const char *prefix; /* class folder below root, or "" */
	uint64_t label;
	int64_t in_class; /* images of the class folder */
};

static enum oqz_status add(struct reader *r, const char *relative_path, uint64_t label)
{
	const struct oqz_host *h = r->t->host;

	r->in_class++;
	if (!common_subset_takes(&r->to.part))
		return OQZ_OK;
	char *id = *r->prefix ? common_join(h, r->prefix, relative_path, r->to.f)
	                      : common_copy(h, relative_path, strlen(relative_path), r->to.f);
	if (!id)
		return OQZ_E_NOMEM;
	struct oqz_item item = { .id = id, .tag = label };
	enum oqz_status st = common_items_put(&r->to, id, &item);
	h->free_mem(id);
	return st;
}

static enum oqz_status add_walked(void *ctx, const char *relative_path)
{
	struct reader *r = ctx;

	return add(r, relative_path, r->label);
}

/* -------------------------------------------------------------------------------------------------- class list */

static size_t word_length(const char *s) { return strcspn(s, " \t"); }

static bool same_word(const char *a, const char *b)
{
	size_t n = word_length(a);

	return n == word_length(b) && memcmp(a, b, n) == 0;
}

static int by_first_word(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	size_t n = word_length(x), m = word_length(y);
	int c = memcmp(x, y, n < m ? n : m);

	return c ? c : (n > m) - (n < m);
}

/* Two equal folder names would make a label ambiguous. */
static enum oqz_status check_unique(const struct task *t, const char *path, struct oqz_failure *f)
{
	size_t bytes = t->n_classes * sizeof *t->class_names.v;
	char **sorted = t->host->alloc(bytes);
	enum oqz_status st = OQZ_OK;

	if (!sorted)
		return t->host->fail(f, OQZ_E_NOMEM, "out of memory");
	memcpy(sorted, t->class_names.v, bytes);
	qsort(sorted, t->n_classes, sizeof *sorted, by_first_word);
	for (size_t i = 1; i < t->n_classes && st == OQZ_OK; i++)
		if (same_word(sorted[i - 1], sorted[i]))
			st = t->host->fail(f, OQZ_E_DATA, "%s: the class '%.*s' is there twice", path,
			                   (int)word_length(sorted[i]), sorted[i]);
	t->host->free_mem(sorted);
	return st;
}

static enum oqz_status read_classes(struct task *t, const char *path, struct oqz_failure *f)
{
	char *text, *at, *line;
	enum oqz_status st = common_read_text(t->host, path, &text, &at, f);

	if (st != OQZ_OK)
		return st;
	for (int number = 1; st == OQZ_OK && (line = common_next_line(&at)) != NULL; number++) {
		common_drop_cr(line);
		if (word_length(line) > 0)
			st = common_list_add(t->host, &t->class_names, common_copy(t->host, line, strlen(line), f), f);
		else if (*at || *line)
			st =
			    t->host->fail(f, OQZ_E_DATA, "%s:%d: no class name at the start of the line", path, number);
	}
	t->host->free_mem(text);
	t->n_classes = t->class_names.n;
	if (st == OQZ_OK && t->n_classes == 0)
		st = t->host->fail(f, OQZ_E_DATA, "%s: no classes in it", path);
	return st == OQZ_OK ? check_unique(t, path, f) : st;
}

/* -------------------------------------------------------------------------------------------------- readers */

struct folder_reader {
	struct reader r;
	uint64_t folders;
};

static enum oqz_status find_label(struct folder_reader *fr, const char *folder)
{
	struct task *t = fr->r.t;

	uint64_t guess = fr->folders++ ? fr->r.label + 1 : 0; /* mostly both are sorted */
	if (!t->class_names.n) {
		fr->r.label = guess;
		return common_list_add(t->host, &t->folder_names,
		                       common_copy(t->host, folder, strlen(folder), fr->r.to.f), fr->r.to.f);
	}
	for (size_t i = 0; i < t->n_classes; i++) {
		size_t at = (guess + i) % t->n_classes;
		if (strlen(folder) == word_length(t->class_names.v[at]) && same_word(folder, t->class_names.v[at])) {
			fr->r.label = at;
			return OQZ_OK;
		}
	}
	return t->host->fail(fr->r.to.f, OQZ_E_DATA, "%s: the folder '%s' is no class of %s", fr->r.to.root, folder,
	                     t->host->param_string(t->dataset, "synsets"));
}

static enum oqz_status read_folder(void *ctx, const char *name)
{
	struct folder_reader *fr = ctx;
	struct reader *r = &fr->r;
	const struct oqz_host *h = r->t->host;
	enum oqz_status st = find_label(fr, name);

	if (st != OQZ_OK)
		return st;
	char *path = common_join(h, r->to.root, name, r->to.f);
	if (!path)
		return OQZ_E_NOMEM;
	r->prefix = name;
	r->in_class = 0;
	st = h->walk(path, common_image_suffixes, add_walked, r, r->to.f);
	if (st == OQZ_OK && r->in_class == 0)
		st = h->fail(r->to.f, OQZ_E_DATA, "%s: a class folder without images", path);
	h->free_mem(path);
	return st;
}

static enum oqz_status read_folders(const struct reader *r)
{
	struct folder_reader fr = { *r, 0 };

	common_list_release(r->t->host, &r->t->folder_names); /* items() may be asked again */
	enum oqz_status st = r->t->host->list_dirs(r->to.root, read_folder, &fr, r->to.f);

	if (st == OQZ_OK && !r->t->class_names.n)
		r->t->n_classes = fr.folders;
	return st;
}

/* The label is the last word, so file names may have blanks (not at their end). */
char *classification_split_entry(char *line, const char **ret_file)
{
	size_t n = strlen(line), at, name;

	while (n && strchr(" \t", line[n - 1]))
		line[--n] = 0;
	for (at = n; at && !strchr(" \t", line[at - 1]);)
		at--;
	for (name = at; name && strchr(" \t", line[name - 1]);)
		name--;
	if (name)
		line[name] = 0;
	*ret_file = name ? line : "";
	return line + at;
}

static enum oqz_status read_entry(void *ctx, int number, char *line)
{
	struct reader *r = ctx;
	const struct oqz_host *h = r->t->host;
	const char *list = h->param_string(r->t->dataset, "list"), *file;

	common_drop_cr(line);
	char *end, *word = classification_split_entry(line, &file);

	if (!*word)
		return OQZ_OK;
	if (!*file)
		return h->fail(r->to.f, OQZ_E_DATA, "%s:%d: '<file> <label>' expected, found '%.100s'", list, number,
		               word);
	unsigned long long label = strtoull(word, &end, 10);
	if (*end || *word < '0' || *word > '9' || label > INT32_MAX)
		return h->fail(r->to.f, OQZ_E_DATA, "%s:%d: '%.100s' is not a label", list, number, word);
	if (r->t->n_classes && label >= r->t->n_classes)
		return h->fail(r->to.f, OQZ_E_DATA, "%s:%d: the label %llu, but the class list has %zu classes", list,
		               number, label, r->t->n_classes);
	return add(r, file, label);
}

enum oqz_status classification_open_dataset(void *self, const struct oqz_params *params, struct oqz_failure *f)
{
	struct task *t = self;
	const char *synsets = t->host->param_string(t->dataset, "synsets");
	const char *reader = t->host->param_string(t->dataset, "reader");
	const char *list = t->host->param_string(t->dataset, "list");

	if (strcmp(reader, "list") == 0 && !*list)
		return t->host->fail(f, OQZ_E_USAGE, "the reader 'list' needs the parameter 'list'");
	if (strcmp(reader, "list") != 0 && *list)
		return t->host->fail(f, OQZ_E_USAGE, "the parameter 'list' is for the reader 'list', not '%s'", reader);
	return *synsets ? read_classes(t, synsets, f) : OQZ_OK;
}

enum oqz_status classification_items(void *self, void *sink, struct oqz_failure *f)
{
	struct task *t = self;
	const struct oqz_host *h = t->host;
	const char *reader = h->param_string(t->dataset, "reader");
	struct reader r = { .t = t, .to = common_items_of(t->task_host, t->dataset, "root", sink, f), .prefix = "" };

	if (strcmp(reader, "list") == 0)
		return common_each_line(h, h->param_string(t->dataset, "list"), read_entry, &r, f);
	if (strcmp(reader, "images") == 0)
		return common_items_walk(&r.to, common_image_suffixes, NO_LABEL);
	return read_folders(&r);
}
