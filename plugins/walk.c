/* SPDX-License-Identifier: Apache-2.0
 *
 * Walking a folder. All directories are found first, then sorted, then listed: that is the order of sorted(os.walk()),
 * by which torchvision numbers images, and it needs no recursion. Unlike os.walk, an unreadable
 * directory and a loop of links are errors, because a data set that silently lacks a part gives a wrong figure.
 */
#include "plugins/walk.h"
#include "core/base/arena.h"
#include "core/base/file.h"
#include "core/base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 64, MAX_ENTRIES = 100000000 };

struct dir {
	const char *rel;      /* "" for the root */
	const struct dir *up; /* chain of ancestors, against loops */
	int depth;
	dev_t dev;
	ino_t ino;
};

struct walk {
	const char *root;
	struct oqz_arena *arena;
	OQZ_VEC(const struct dir *) dirs;
	size_t entries;
	struct oqz_err *err;
};

typedef OQZ_VEC(const char *) names_t;

static int by_bytes(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static int by_rel(const void *a, const void *b)
{
	const struct dir *const *x = a, *const *y = b;

	return strcmp((*x)->rel, (*y)->rel);
}

static const char *join(struct oqz_arena *a, const char *dir, const char *name)
{
	return *dir ? oqz_path_join(a, dir, name) : name;
}

static bool suffix_matches(const char *name, const char *const *suffixes)
{
	size_t n = strlen(name);

	if (!suffixes)
		return true;
	for (; *suffixes; suffixes++) {
		size_t k = strlen(*suffixes);
		if (k <= n && strcasecmp(name + n - k, *suffixes) == 0)
			return true;
	}
	return false;
}

/* A link that points nowhere counts as a file, as in os.walk: whoever opens it gets the error. */
static bool is_dir(DIR *d, const struct dirent *e, struct stat *st)
{
	if (e->d_type == DT_REG)
		return false;
	return fstatat(dirfd(d), e->d_name, st, 0) == 0 && S_ISDIR(st->st_mode);
}

static enum oqz_status add_dir(struct walk *w, const char *rel, const struct dir *up, const struct stat *st)
{
	for (const struct dir *a = up; a; a = a->up)
		if (a->dev == st->st_dev && a->ino == st->st_ino)
			OQZ_FAIL(w->err, OQZ_E_DATA, "%s/%s: a symbolic link back to %s/%s", w->root, rel, w->root,
			         a->rel);
	if (up && up->depth + 1 > MAX_DEPTH)
		OQZ_FAIL(w->err, OQZ_E_LIMIT, "%s/%s: more than %d directories deep", w->root, rel, MAX_DEPTH);
	struct dir *d = OQZ_ARENA_NEW(w->arena, struct dir);
	if (!d || !oqz_vec_push(&w->dirs, d))
		return oqz_err_nomem(w->err, w->root, sizeof *d);
	*d = (struct dir) { rel, up, up ? up->depth + 1 : 0, st->st_dev, st->st_ino };
	return OQZ_OK;
}

/* One pass over a directory: its sub-directories go to w->dirs if `files` is NULL, else its other names go to `files`.
 */
static enum oqz_status read_dir(struct walk *w, DIR *d, const struct dir *dir, names_t *files)
{
	const struct dirent *e;
	struct stat st;

	while (errno = 0, (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (++w->entries > MAX_ENTRIES)
			OQZ_FAIL(w->err, OQZ_E_LIMIT, "%s: more than %d entries", w->root, MAX_ENTRIES);
		bool sub = is_dir(d, e, &st);
		if (sub == (files != NULL))
			continue;
		const char *name = oqz_arena_strdup(w->arena, e->d_name);
		const char *rel = name ? join(w->arena, dir->rel, name) : NULL;
		if (!rel || (files && !oqz_vec_push(files, rel)))
			return oqz_err_nomem(w->err, w->root, sizeof *e);
		if (sub)
			OQZ_TRY(add_dir(w, rel, dir, &st));
	}
	return errno ? oqz_err_errno(w->err, errno, w->root) : OQZ_OK;
}

static enum oqz_status open_dir(struct walk *w, const struct dir *dir, names_t *files)
{
	const char *path = *dir->rel ? oqz_path_join(w->arena, w->root, dir->rel) : w->root;
	DIR *d = path ? opendir(path) : NULL;

	if (!path)
		return oqz_err_nomem(w->err, w->root, 0);
	if (!d)
		return oqz_err_errno(w->err, errno, path);
	enum oqz_status st = read_dir(w, d, dir, files);
	closedir(d);
	return st;
}

static enum oqz_status find_dirs(struct walk *w, bool deep)
{
	struct stat st;

	if (stat(w->root, &st) != 0)
		return oqz_err_errno(w->err, errno, w->root);
	if (!S_ISDIR(st.st_mode))
		OQZ_FAIL(w->err, OQZ_E_DATA, "%s: not a directory", w->root);
	OQZ_TRY(add_dir(w, "", NULL, &st));
	for (size_t i = 0; i < w->dirs.n && (deep || i == 0); i++)
		OQZ_TRY(open_dir(w, w->dirs.v[i], NULL));
	qsort(w->dirs.v, w->dirs.n, sizeof w->dirs.v[0], by_rel);
	return OQZ_OK;
}

static enum oqz_status visit(struct walk *w, const char *const *suffixes, oqz_walk_fn *each, void *ctx)
{
	OQZ_TRY(find_dirs(w, true));
	for (size_t i = 0; i < w->dirs.n; i++) {
		names_t files = { 0 };
		enum oqz_status st = open_dir(w, w->dirs.v[i], &files);
		/* All share the directory's prefix, so comparing paths compares names. */
		if (files.n)
			qsort(files.v, files.n, sizeof files.v[0], by_bytes);
		for (size_t k = 0; k < files.n && st == OQZ_OK; k++)
			if (suffix_matches(files.v[k], suffixes))
				st = each(ctx, files.v[k]);
		oqz_vec_release(&files);
		OQZ_TRY(st);
	}
	return OQZ_OK;
}

enum oqz_status oqz_walk(const char *root, const char *const *suffixes, oqz_walk_fn *each, void *ctx,
                         struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *arena = oqz_arena_new();
	struct walk w = { .root = root, .arena = arena, .err = err };

	if (!arena)
		return oqz_err_nomem(err, root, 0);
	enum oqz_status st = visit(&w, suffixes, each, ctx);
	oqz_vec_release(&w.dirs);
	return st;
}

enum oqz_status oqz_list_dirs(const char *root, oqz_walk_fn *each, void *ctx, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *arena = oqz_arena_new();
	struct walk w = { .root = root, .arena = arena, .err = err };

	if (!arena)
		return oqz_err_nomem(err, root, 0);
	enum oqz_status st = find_dirs(&w, false);
	for (size_t i = 1; i < w.dirs.n && st == OQZ_OK; i++) /* [0] is the root: "" sorts first */
		st = each(ctx, w.dirs.v[i]->rel);
	oqz_vec_release(&w.dirs);
	return st;
}
