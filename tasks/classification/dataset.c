/* SPDX-License-Identifier: Apache-2.0
 *
 * Data sets of the classification task (metrics.md 1.1): class folders in torchvision's order, list files in Caffe's
 * form, and plain images for calibration. Without a class list a label is the position of the folder among those that
 * exist, which shifts when one is missing; with one it is the line of the folder's name.
 */
#include "classification.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* -------------------------------------------------------------------------------------------------- the sink */

/* Puts the chosen part of the data set into the program's list. */
struct reader {
	struct task *t;
	void *sink;
	struct oqz_failure *f;
	const char *root;
	const char *prefix; /* class folder below root, or "" */
	uint64_t label;
	struct common_subset part;
	int64_t in_class;
};

static enum oqz_status add(struct reader *r, const char *relative_path, uint64_t label)
{
	const struct oqz_host *h = r->t->host;

	r->in_class++;
	if (!common_subset_takes(&r->part))
		return OQZ_OK;
	size_t n = strlen(r->root) + strlen(r->prefix) + strlen(relative_path) + 3;
	char *path = h->alloc(n);
	if (!path)
		return h->fail(r->f, OQZ_E_NOMEM, "out of memory");
	snprintf(path, n, "%s/%s%s%s", r->root, r->prefix, *r->prefix ? "/" : "", relative_path);
	struct oqz_item item = { .id = path + strlen(r->root) + 1, .image = path, .tag = label };
	if (relative_path[0] == '/')
		item.image = item.id = relative_path;
	enum oqz_status st = r->t->task_host->add_item(r->sink, &item, r->f);
	h->free_mem(path);
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
		return common_list_add(t->host, &t->folder_names, common_copy(t->host, folder, strlen(folder), fr->r.f),
		                       fr->r.f);
	}
	for (size_t i = 0; i < t->n_classes; i++) {
		size_t at = (guess + i) % t->n_classes;
		if (strlen(folder) == word_length(t->class_names.v[at]) && same_word(folder, t->class_names.v[at])) {
			fr->r.label = at;
			return OQZ_OK;
		}
	}
	return t->host->fail(fr->r.f, OQZ_E_DATA, "%s: the folder '%s' is no class of %s", fr->r.root, folder,
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
	size_t n = strlen(r->root) + strlen(name) + 2;
	char *path = h->alloc(n);
	if (!path)
		return h->fail(r->f, OQZ_E_NOMEM, "out of memory");
	snprintf(path, n, "%s/%s", r->root, name);
	r->prefix = name;
	r->in_class = 0;
	st = h->walk(path, common_image_suffixes, add_walked, r, r->f);
	if (st == OQZ_OK && r->in_class == 0)
		st = h->fail(r->f, OQZ_E_DATA, "%s: a class folder without images", path);
	h->free_mem(path);
	return st;
}

static enum oqz_status read_folders(const struct reader *r)
{
	struct folder_reader fr = { *r, 0 };

	common_list_release(r->t->host, &r->t->folder_names); /* items() may be asked again */
	enum oqz_status st = r->t->host->list_dirs(r->root, read_folder, &fr, r->f);

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

static enum oqz_status read_entry(struct reader *r, const char *list, int number, char *line)
{
	const struct oqz_host *h = r->t->host;
	const char *file;
	char *end, *word = classification_split_entry(line, &file);

	if (!*word)
		return OQZ_OK;
	if (!*file)
		return h->fail(r->f, OQZ_E_DATA, "%s:%d: '<file> <label>' expected, found '%.100s'", list, number,
		               word);
	unsigned long long label = strtoull(word, &end, 10);
	if (*end || *word < '0' || *word > '9' || label > INT32_MAX)
		return h->fail(r->f, OQZ_E_DATA, "%s:%d: '%.100s' is not a label", list, number, word);
	if (r->t->n_classes && label >= r->t->n_classes)
		return h->fail(r->f, OQZ_E_DATA, "%s:%d: the label %llu, but the class list has %zu classes", list,
		               number, label, r->t->n_classes);
	return add(r, file, label);
}

static enum oqz_status read_list(struct reader *r)
{
	const struct task *t = r->t;
	const char *path = t->host->param_string(t->dataset, "list");
	char *text, *at, *line;
	enum oqz_status st = common_read_text(t->host, path, &text, &at, r->f);

	if (st != OQZ_OK)
		return st;
	for (int number = 1; st == OQZ_OK && (line = common_next_line(&at)) != NULL; number++) {
		common_drop_cr(line);
		st = read_entry(r, path, number, line);
	}
	t->host->free_mem(text);
	return st;
}

enum oqz_status dataset_open(struct task *t, struct oqz_failure *f)
{
	const char *synsets = t->host->param_string(t->dataset, "synsets");
	const char *reader = t->host->param_string(t->dataset, "reader");
	const char *list = t->host->param_string(t->dataset, "list");

	if (strcmp(reader, "list") == 0 && !*list)
		return t->host->fail(f, OQZ_E_USAGE, "the reader 'list' needs the parameter 'list'");
	if (strcmp(reader, "list") != 0 && *list)
		return t->host->fail(f, OQZ_E_USAGE, "the parameter 'list' is for the reader 'list', not '%s'", reader);
	return *synsets ? read_classes(t, synsets, f) : OQZ_OK;
}

enum oqz_status dataset_items(void *self, void *sink, struct oqz_failure *f)
{
	struct task *t = self;
	const struct oqz_host *h = t->host;
	const char *reader = h->param_string(t->dataset, "reader");
	struct reader r = { .t = t,
		            .sink = sink,
		            .f = f,
		            .root = h->param_string(t->dataset, "root"),
		            .prefix = "",
		            .label = NO_LABEL,
		            .part = common_subset_of(h, t->dataset) };

	if (strcmp(reader, "list") == 0)
		return read_list(&r);
	if (strcmp(reader, "images") == 0)
		return h->walk(r.root, common_image_suffixes, add_walked, &r, f);
	return read_folders(&r);
}
