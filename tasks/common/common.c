/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings, lists, text lines, outputs by name: see common.h.
 */
#include "common.h"

#include <stdio.h>

const char *const common_image_suffixes[] = { ".jpg", ".jpeg", ".png",  ".ppm",  ".bmp",
	                                      ".pgm", ".tif",  ".tiff", ".webp", NULL };

/* -------------------------------------------------------------------------------------------------- strings */

char *common_copy(const struct oqz_host *h, const char *s, size_t n, struct oqz_failure *f)
{
	char *copy = h->alloc(n + 1);

	if (copy)
		memcpy(copy, s, n);
	else
		h->fail(f, OQZ_E_NOMEM, "out of memory");
	return copy;
}

char *common_join(const struct oqz_host *h, const char *root, const char *relative, struct oqz_failure *f)
{
	if (relative[0] == '/')
		return common_copy(h, relative, strlen(relative), f);
	size_t n = strlen(root) + strlen(relative) + 2;
	char *path = h->alloc(n);
	if (path)
		snprintf(path, n, "%s/%s", root, relative);
	else
		h->fail(f, OQZ_E_NOMEM, "out of memory");
	return path;
}

void common_fit(char *ret, size_t size, const char *s, size_t n)
{
	static const char ellipsis[] = "\xe2\x80\xa6";
	bool whole = n < size;

	if (!whole)
		for (n = size - sizeof ellipsis; n && ((unsigned char)s[n] & 0xc0) == 0x80;)
			n--; /* of a character that begins before it */
	memcpy(ret, s, n);
	memcpy(ret + n, whole ? "" : ellipsis, whole ? 1 : sizeof ellipsis);
}

enum oqz_status common_list_add(const struct oqz_host *h, struct common_list *l, char *s, struct oqz_failure *f)
{
	if (!s)
		return OQZ_E_NOMEM;
	if (l->n == l->cap) {
		size_t want = l->cap ? l->cap * 2 : 64;
		char **more = h->alloc(want * sizeof *more);
		if (!more) {
			h->free_mem(s);
			return h->fail(f, OQZ_E_NOMEM, "out of memory");
		}
		if (l->n)
			memcpy(more, l->v, l->n * sizeof *more);
		h->free_mem(l->v);
		l->v = more;
		l->cap = want;
	}
	l->v[l->n++] = s;
	return OQZ_OK;
}

void common_list_release(const struct oqz_host *h, struct common_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		h->free_mem(l->v[i]);
	h->free_mem(l->v);
	*l = (struct common_list) { 0 };
}

struct walk_ctx {
	const struct oqz_host *h;
	struct common_list *list;
	struct oqz_failure *f;
};

static enum oqz_status add_walked(void *ctx, const char *relative_path)
{
	struct walk_ctx *w = ctx;

	return common_list_add(w->h, w->list, common_copy(w->h, relative_path, strlen(relative_path), w->f), w->f);
}

enum oqz_status common_walk(const struct oqz_host *h, const char *root, const char *const *suffixes,
                            struct common_list *ret, struct oqz_failure *f)
{
	struct walk_ctx w = { h, ret, f };

	return h->walk(root, suffixes, add_walked, &w, f);
}

/* -------------------------------------------------------------------------------------------------- text */

enum oqz_status common_read_text(const struct oqz_host *h, const char *path, char **ret, char **ret_at,
                                 struct oqz_failure *f)
{
	size_t n;
	enum oqz_status st = h->read_file(path, ret, &n, f);

	if (st != OQZ_OK)
		return st;
	*ret_at = *ret;
	if (strlen(*ret) != n) {
		h->free_mem(*ret);
		*ret = NULL;
		return h->fail(f, OQZ_E_DATA, "%s: not a text file (it has NUL bytes)", path);
	}
	if (strncmp(*ret, "\xef\xbb\xbf", 3) == 0)
		*ret_at += 3;
	return OQZ_OK;
}

char *common_next_line(char **at)
{
	char *line = *at;

	if (!*line)
		return NULL;
	char *end = line + strcspn(line, "\n");
	*at = *end ? end + 1 : end;
	*end = 0;
	return line;
}

enum oqz_status common_each_line(const struct oqz_host *h, const char *path,
                                 enum oqz_status (*each)(void *ctx, int number, char *line), void *ctx,
                                 struct oqz_failure *f)
{
	char *text, *at, *line;
	enum oqz_status st = common_read_text(h, path, &text, &at, f);

	if (st != OQZ_OK)
		return st;
	for (int number = 1; st == OQZ_OK && (line = common_next_line(&at)) != NULL; number++)
		st = each(ctx, number, line);
	h->free_mem(text);
	return st;
}

void common_drop_cr(char *line)
{
	size_t n = strlen(line);

	if (n && line[n - 1] == '\r')
		line[n - 1] = 0;
}

/* -------------------------------------------------------------------------------------------------- outputs */

enum oqz_status common_no_output(const struct oqz_host *h, const char *name, const struct oqz_output *outputs, size_t n,
                                 struct oqz_failure *f)
{
	char names[400] = "";

	for (size_t i = 0, at = 0; i < n && at < sizeof names; i++)
		at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "", outputs[i].name);
	return h->fail(f, OQZ_E_MISMATCH, "the model has no output '%s' (it has: %s)", name, names);
}

const struct oqz_output *common_output(const struct oqz_host *h, const char *name, const char *what,
                                       const struct oqz_output *outputs, size_t n, struct oqz_failure *f)
{
	if (!*name) {
		if (n == 1)
			return outputs;
		h->fail(f, OQZ_E_MISMATCH, "the model has %zu outputs; say which holds the %s (output)", n, what);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		if (strcmp(outputs[i].name, name) == 0)
			return &outputs[i];
	common_no_output(h, name, outputs, n, f);
	return NULL;
}

/* -------------------------------------------------------------------------------------------------- records */

const unsigned char *common_record(const struct oqz_host *h, const struct oqz_record *from, size_t size, int version,
                                   struct oqz_failure *f)
{
	const unsigned char *p = from->data;

	if (from->size == size && p[0] == version)
		return p;
	h->fail(f, OQZ_E_DATA, "a record of %zu bytes, version %d, where %zu and %d are known", from->size,
	        from->size ? p[0] : 0, size, version);
	return NULL;
}
