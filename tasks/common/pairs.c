/* SPDX-License-Identifier: Apache-2.0
 *
 * See pairs.h.
 */
#include "pairs.h"

#include <stdlib.h>

struct file {
	char *path, *stem;
};

struct files {
	const char *root;
	struct file *v; /* sorted by stem */
	size_t n;
};

static bool cut_ending(char *stem, const char *const *endings)
{
	size_t n = strlen(stem);

	for (; *endings; endings++) {
		size_t m = strlen(*endings);
		if (n > m && strcmp(stem + n - m, *endings) == 0) {
			stem[n - m] = 0;
			return true;
		}
	}
	return false;
}

static int by_stem(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->stem, ((const struct file *)b)->stem);
}

static enum oqz_status add_file(const struct oqz_host *h, struct files *l, const char *relative,
                                const char *const *endings, struct oqz_failure *f)
{
	const char *slash = strrchr(relative, '/'), *base = slash ? slash + 1 : relative;
	struct file *to = &l->v[l->n++];

	to->path = common_join(h, l->root, relative, f);
	to->stem = to->path ? common_copy(h, base, (size_t)(strrchr(base, '.') - base), f) : NULL;
	if (!to->stem)
		return OQZ_E_NOMEM;
	while (cut_ending(to->stem, endings))
		;
	return OQZ_OK;
}

static enum oqz_status files_read(const struct oqz_host *h, struct files *l, const char *const *suffixes,
                                  const char *const *endings, struct oqz_failure *f)
{
	struct common_list all = { 0 };
	enum oqz_status st = common_walk(h, l->root, suffixes, &all, f);

	if (st == OQZ_OK && !(l->v = h->alloc((all.n + 1) * sizeof *l->v)))
		st = h->fail(f, OQZ_E_NOMEM, "out of memory");
	for (size_t i = 0; i < all.n && st == OQZ_OK; i++)
		st = add_file(h, l, all.v[i], endings, f);
	common_list_release(h, &all);
	if (st == OQZ_OK && l->n == 0)
		st = h->fail(f, OQZ_E_DATA, "%s: no images (%s and the like) below it", l->root, suffixes[0]);
	if (st != OQZ_OK)
		return st;
	qsort(l->v, l->n, sizeof *l->v, by_stem);
	for (size_t i = 1; i < l->n; i++)
		if (by_stem(&l->v[i - 1], &l->v[i]) == 0)
			return h->fail(f, OQZ_E_DATA, "%s and %s have the same stem '%s'", l->v[i - 1].path,
			               l->v[i].path, l->v[i].stem);
	return OQZ_OK;
}

static void files_release(const struct oqz_host *h, struct files *l)
{
	for (size_t i = 0; i < l->n; i++) {
		h->free_mem(l->v[i].path);
		h->free_mem(l->v[i].stem);
	}
	h->free_mem(l->v);
}

enum oqz_status common_pairs(const struct oqz_host *h, const char *truths, const char *found,
                             const char *const *suffixes, const char *const *endings,
                             enum oqz_status (*each)(void *ctx, const char *truth, const char *found), void *ctx,
                             size_t *ret_n, struct oqz_failure *f)
{
	struct files a = { .root = truths }, b = { .root = found };
	size_t k = 0;
	enum oqz_status st = files_read(h, &a, suffixes, endings, f);

	if (st == OQZ_OK)
		st = files_read(h, &b, suffixes, endings, f);
	for (size_t i = 0; i < a.n && st == OQZ_OK; i++) {
		while (k < b.n && by_stem(&b.v[k], &a.v[i]) < 0)
			k++;
		if (k < b.n && by_stem(&b.v[k], &a.v[i]) == 0)
			st = each(ctx, a.v[i].path, b.v[k].path);
		else
			st = h->fail(f, OQZ_E_MISMATCH, "%s: no prediction '%s' below %s", a.v[i].path, a.v[i].stem,
			             found);
	}
	*ret_n = a.n;
	files_release(h, &a);
	files_release(h, &b);
	return st;
}
