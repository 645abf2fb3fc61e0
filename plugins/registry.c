/* SPDX-License-Identifier: Apache-2.0
 *
 * The search path and what was found on it. Everything is kept, also what cannot be used: "why is my plugin not there"
 * is the question that `oqz list plugins` answers.
 */
#include "plugins/registry.h"
#include "core/base/arena.h"
#include "core/base/file.h"
#include "core/base/installed.h"
#include "core/base/str.h"
#include "core/base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

struct oqz_registry {
	struct oqz_arena *arena;
	unsigned probe_ms;
	struct oqz_str searched; /* the folders, with commas between; what is wrong with one beside it */
	size_t n_files;          /* in them, usable or not */
	OQZ_VEC(struct oqz_plugin_info) infos;
};

static enum oqz_status add(struct oqz_registry *r, struct oqz_plugin_info info, struct oqz_err *err)
{
	for (size_t i = 0; i < r->infos.n && !info.refused && !info.shadowed_by; i++) {
		const struct oqz_plugin_info *o = &r->infos.v[i];
		if (!o->refused && !o->shadowed_by && strcmp(o->name, info.name) == 0)
			info.shadowed_by = o->path;
	}
	if (!oqz_vec_push(&r->infos, info))
		return oqz_err_nomem(err, info.path, sizeof info);
	return OQZ_OK;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

typedef OQZ_VEC(char *) names_t;

static enum oqz_status read_names(DIR *d, const char *dir, struct oqz_arena *arena, names_t *names, struct oqz_err *err)
{
	const struct dirent *e;

	while (errno = 0, (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);
		if (n <= 3 || strcmp(e->d_name + n - 3, ".so") != 0)
			continue;
		char *name = oqz_arena_strdup(arena, e->d_name);
		if (!name || !oqz_vec_push(names, name))
			return oqz_err_nomem(err, dir, n);
	}
	return errno ? oqz_err_errno(err, errno, dir) : OQZ_OK;
}

/* Names of the folder's *.so files, sorted. */
static enum oqz_status list_folder(const char *dir, struct oqz_arena *arena, names_t *names, struct oqz_err *err)
{
	DIR *d = opendir(dir);

	if (!d)
		return oqz_err_errno(err, errno, dir);
	enum oqz_status st = read_names(d, dir, arena, names, err);
	closedir(d);
	if (names->n)
		qsort(names->v, names->n, sizeof names->v[0], by_bytes);
	return st;
}

/* Others may be installed beside the program's plugins. */
static bool came_with_program(const char *name)
{
	static const char names[] = " " OQZ_SHIPPED_PLUGINS " ";
	size_t n = name ? strlen(name) : 0;

	for (const char *at = names; n && (at = strstr(at, name)) != NULL; at += n)
		if (at[-1] == ' ' && at[n] == ' ')
			return true;
	return false;
}

static enum oqz_status scan_folder(struct oqz_registry *r, const char *dir, bool own, bool may_be_absent,
                                   struct oqz_err *err)
{
	names_t names = { 0 };
	struct oqz_err why = { 0 };
	enum oqz_status st = list_folder(dir, r->arena, &names, &why);

	oqz_str_addf(&r->searched, "%s%s", r->searched.len ? ", " : "", st == OQZ_OK ? dir : why.msg);
	r->n_files += names.n;

	if (st == OQZ_E_NOENT && may_be_absent) {
		st = OQZ_OK;
	} else if (st == OQZ_E_NOMEM) {
		oqz_err_set(err, st, "%s", why.msg);
	} else if (st != OQZ_OK) {
		const char *reason = oqz_arena_printf(r->arena, "folder of the plugin path: %s", why.msg);
		const struct oqz_plugin_info info = { .path = oqz_arena_strdup(r->arena, dir), .refused = reason };
		st = reason && info.path ? add(r, info, err) : oqz_err_nomem(err, dir, 64);
	} else {
		for (size_t i = 0; i < names.n && st == OQZ_OK; i++) {
			struct oqz_plugin_info info = { 0 };
			const char *path = oqz_path_join(r->arena, dir, names.v[i]);
			st = path ? oqz_plugin_probe(path, r->probe_ms, r->arena, &info, err)
			          : oqz_err_nomem(err, dir, 64);
			info.shipped = own && came_with_program(info.name);
			if (st == OQZ_OK)
				st = add(r, info, err);
		}
	}
	oqz_vec_release(&names);
	return st;
}

/* A folder that stands on the path twice would shadow itself. */
static bool seen_before(const char *path, const char *at, size_t n)
{
	for (const char *s = path; s < at; s += strcspn(s, ":") + 1)
		if (strcspn(s, ":") == n && memcmp(s, at, n) == 0)
			return true;
	return false;
}

enum oqz_status oqz_registry_new(const struct oqz_registry_options *options, struct oqz_registry **ret,
                                 struct oqz_err *err)
{
	const struct oqz_registry_options o = options ? *options : (struct oqz_registry_options) { 0 };
	const char *path = o.path ? o.path : secure_getenv("OQZ_PLUGIN_PATH");
	OQZ_CLEANUP(oqz_registry_free_cleanup) struct oqz_registry *r = calloc(1, sizeof *r);
	size_t n;

	if (r)
		r->arena = oqz_arena_new();
	if (!r || !r->arena)
		return oqz_err_nomem(err, "the plugin registry", sizeof *r);
	r->probe_ms = o.probe_ms;
	const char *plugindir = o.plugindir ? o.plugindir : oqz_installed(r->arena, OQZ_BINDIR, OQZ_PLUGINDIR);
	if (!plugindir)
		return oqz_err_nomem(err, "the plugin path", sizeof OQZ_PLUGINDIR);
	for (const char *s = path ? path : ""; *s; s += n + (s[n] == ':')) {
		n = strcspn(s, ":");
		if (n == 0 || seen_before(path, s, n))
			continue;
		const char *dir = oqz_arena_strndup(r->arena, s, n);
		if (!dir)
			return oqz_err_nomem(err, "the plugin path", n);
		OQZ_TRY(scan_folder(r, dir, strcmp(dir, plugindir) == 0, false, err));
		if (strcmp(dir, plugindir) == 0)
			plugindir = "";
	}
	if (*plugindir)
		OQZ_TRY(scan_folder(r, plugindir, true, true, err));
	*ret = oqz_steal(r);
	return OQZ_OK;
}

void oqz_registry_free(struct oqz_registry *r)
{
	if (!r)
		return;
	oqz_vec_release(&r->infos);
	oqz_str_release(&r->searched);
	oqz_arena_free(r->arena);
	free(r);
}

size_t oqz_registry_count(const struct oqz_registry *r) { return r->infos.n; }
const struct oqz_plugin_info *oqz_registry_at(const struct oqz_registry *r, size_t i) { return &r->infos.v[i]; }

enum oqz_status oqz_registry_any(const struct oqz_registry *r, struct oqz_err *err)
{
	if (r->n_files)
		return OQZ_OK;
	OQZ_FAIL(err, OQZ_E_PLUGIN,
	         "no plugins were found, so there are neither schemes nor tasks: install them, or name their folder in "
	         "OQZ_PLUGIN_PATH (searched: %s)",
	         oqz_str_get(&r->searched));
}

/* "int8.so" for int8: what a refused file would have been called. */
static bool file_is_called(const char *path, const char *name)
{
	const char *base = oqz_path_base(path);
	size_t n = strlen(name);

	return strncmp(base, name, n) == 0 && strcmp(base + n, ".so") == 0;
}

static enum oqz_status not_found(const struct oqz_registry *r, enum oqz_plugin_kind kind, const char *name,
                                 struct oqz_err *err)
{
	OQZ_VEC(const char *) names = { 0 };
	const char *what = kind ? oqz_plugin_kind_name(kind) : "plugin";
	struct oqz_str hint = { 0 };

	for (size_t i = 0; i < r->infos.n; i++) {
		const struct oqz_plugin_info *p = &r->infos.v[i];
		if (p->refused && file_is_called(p->path, name)) {
			oqz_vec_release(&names);
			OQZ_FAIL(err, OQZ_E_PLUGIN, "%s '%s': %s was refused: %s", what, name, p->path, p->refused);
		}
		if (p->refused || p->shadowed_by || (kind && p->kind != kind))
			continue;
		if (!oqz_vec_push(&names, p->name))
			break; /* the hint is then shorter */
	}
	oqz_str_add_hint(&hint, name, "found", '\'', names.v, names.n);
	oqz_err_set(err, OQZ_E_PLUGIN, "there is no %s '%s'%s", what, name,
	            names.n ? oqz_str_get(&hint) : " (found: none; see OQZ_PLUGIN_PATH)");
	oqz_vec_release(&names);
	oqz_str_release(&hint);
	return OQZ_E_PLUGIN;
}

enum oqz_status oqz_registry_find(const struct oqz_registry *r, enum oqz_plugin_kind kind, const char *name,
                                  const struct oqz_plugin_info **ret, struct oqz_err *err)
{
	for (size_t i = 0; i < r->infos.n; i++) {
		const struct oqz_plugin_info *p = &r->infos.v[i];
		if (p->refused || p->shadowed_by || strcmp(p->name, name) != 0)
			continue;
		if (kind && p->kind != kind)
			OQZ_FAIL(err, OQZ_E_PLUGIN, "'%s' is a %s, not a %s", name, oqz_plugin_kind_name(p->kind),
			         oqz_plugin_kind_name(kind));
		*ret = p;
		return OQZ_OK;
	}
	return not_found(r, kind, name, err);
}

enum oqz_status oqz_registry_load(const struct oqz_registry *r, enum oqz_plugin_kind kind, const char *name,
                                  struct oqz_module **ret, struct oqz_err *err)
{
	const struct oqz_plugin_info *info;
	OQZ_CLEANUP(oqz_module_close_cleanup) struct oqz_module *m = NULL;

	OQZ_TRY(oqz_registry_find(r, kind, name, &info, err));
	OQZ_TRY(oqz_module_open(info->path, &m, err));
	if (strcmp(m->desc.base.name, name) != 0 || m->desc.base.kind != info->kind)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "%s: changed since it was listed: it is now %s '%s'", info->path,
		         oqz_plugin_kind_name(m->desc.base.kind), m->desc.base.name);
	m->shipped = info->shipped;
	*ret = oqz_steal(m);
	return OQZ_OK;
}
