/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairs of a small image and its reference. They are found by name: the small image's name without its suffix ("x4",
 * "_LR") is the reference's without its own ("", "_HR"), in the same sub-folder of the two roots. DIV2K and Set5 and
 * most other sets are this with other words.
 */
#include "superres.h"
#include "tasks/common/items.h"

#include <stdlib.h>

/* -------------------------------------------------------------------------------------------------- names */

/* Characters of a path without its extension. */
static size_t stem_length(const char *path)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');

	return dot ? (size_t)(dot - path) : strlen(path);
}

/* Compares up to the extension. */
static int by_stem(const void *x, const void *y)
{
	const char *a = *(const char *const *)x, *b = *(const char *const *)y;
	size_t n = stem_length(a), m = stem_length(b);
	int c = memcmp(a, b, n < m ? n : m);

	return c ? c : (n > m) - (n < m);
}

struct pairs {
	struct task *t;
	struct common_items to; /* its root is that of the small images */
	const char *hr_root, *lr_suffix, *hr_suffix;
	struct common_list lr, hr; /* relative paths; hr sorted by stem */
};

/* Length of the stem without the suffix; 0 when the suffix is not there. */
static size_t base_length(const char *path, const char *suffix)
{
	size_t n = stem_length(path), m = strlen(suffix);

	return n > m && memcmp(path + n - m, suffix, m) == 0 ? n - m : 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The only reference of that name in whatever folder (DIV2K's X4 stands beside a folder without any); NULL otherwise.
 */
static char **find_anywhere(const struct pairs *p, const char *key)
{
	const char *want = base_name(key);
	char **hit = NULL;

	for (size_t i = 0; i < p->hr.n; i++) {
		const char *have = base_name(p->hr.v[i]);
		if (by_stem(&have, &want) != 0)
			continue;
		if (hit)
			return NULL;
		hit = &p->hr.v[i];
	}
	return hit;
}

static enum oqz_status find_hr(const struct pairs *p, const char *lr, const char **ret)
{
	const struct oqz_host *h = p->t->host;
	size_t n = base_length(lr, p->lr_suffix), m = strlen(p->hr_suffix);
	char *want = h->alloc(n + m + 1);

	if (!want)
		return h->fail(p->to.f, OQZ_E_NOMEM, "out of memory");
	memcpy(want, lr, n);
	/* The dot ends the stem where the name itself has dots. */
	memcpy(want + n, p->hr_suffix, m);
	char *key = common_copy(h, want, n + m + 1, p->to.f);
	h->free_mem(want);
	if (!key)
		return OQZ_E_NOMEM;
	key[n + m] = '.';
	char **hit = p->hr.n ? bsearch(&key, p->hr.v, p->hr.n, sizeof *p->hr.v, by_stem) : NULL;
	enum oqz_status st = OQZ_OK;
	hit = hit ? hit : find_anywhere(p, key);
	if (hit)
		*ret = *hit;
	else
		st = h->fail(p->to.f, OQZ_E_NOENT,
		             "%s/%s has no reference: %s/%.*s.* is not there (nor just one of that name below it)",
		             p->to.root, lr, p->hr_root, (int)(n + m), key);
	h->free_mem(key);
	return st;
}

/* -------------------------------------------------------------------------------------------------- items */

static enum oqz_status add_pairs(struct pairs *p)
{
	struct task *t = p->t;

	for (size_t i = 0; i < p->lr.n; i++) {
		const char *lr = p->lr.v[i], *hr = NULL;
		if (!base_length(lr, p->lr_suffix) || !common_subset_takes(&p->to.part))
			continue;
		TRY(find_hr(p, lr, &hr));
		TRY(common_list_add(t->host, &t->hr, common_join(t->host, p->hr_root, hr, p->to.f), p->to.f));
		struct oqz_item item = { .id = lr, .tag = t->hr.n - 1 };
		TRY(common_items_put(&p->to, lr, &item));
	}
	if (p->to.part.seen == 0)
		return t->host->fail(p->to.f, OQZ_E_DATA, "%s: no image whose name ends in '%s' (lr_suffix)",
		                     p->to.root, p->lr_suffix);
	return OQZ_OK;
}

static enum oqz_status read_pairs(struct pairs *p)
{
	const struct oqz_host *h = p->t->host;
	enum oqz_status st = common_walk(h, p->to.root, common_image_suffixes, &p->lr, p->to.f);

	if (st == OQZ_OK)
		st = common_walk(h, p->hr_root, common_image_suffixes, &p->hr, p->to.f);
	if (st != OQZ_OK)
		return st;
	if (p->hr.n)
		qsort(p->hr.v, p->hr.n, sizeof *p->hr.v, by_stem);
	for (size_t i = 1; i < p->hr.n; i++)
		if (by_stem(&p->hr.v[i - 1], &p->hr.v[i]) == 0)
			return h->fail(p->to.f, OQZ_E_DATA, "%s: both '%s' and '%s' could be the reference", p->hr_root,
			               p->hr.v[i - 1], p->hr.v[i]);
	return add_pairs(p);
}

enum oqz_status superres_items(void *self, void *sink, struct oqz_failure *f)
{
	struct task *t = self;
	const struct oqz_host *h = t->host;
	struct pairs p = { .t = t,
		           .to = common_items_of(t->task_host, t->dataset, "lr", sink, f),
		           .hr_root = h->param_string(t->dataset, "hr"),
		           .lr_suffix = h->param_string(t->dataset, "lr_suffix"),
		           .hr_suffix = h->param_string(t->dataset, "hr_suffix") };

	common_list_release(h, &t->hr);
	if (strcmp(h->param_string(t->dataset, "reader"), "images") == 0)
		return common_items_walk(&p.to, common_image_suffixes, UINT64_MAX);
	enum oqz_status st = read_pairs(&p);
	common_list_release(h, &p.lr);
	common_list_release(h, &p.hr);
	return st;
}
