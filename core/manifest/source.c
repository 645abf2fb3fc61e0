/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the manifest and what it includes into one tree. Order: included files first (bytewise order of a glob), each
 * under the file that includes it; then --set; then ${...} in values; then `extends`. Includes are walked with a list
 * of open files, so a cycle is named.
 */
#include "core/manifest/source.h"
#include "core/base/file.h"
#include "core/base/str.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>

enum { MAX_INCLUDE_DEPTH = 16, MAX_SUBSTITUTION_DEPTH = 16 };

struct open_file {
	const char *path;
	const struct open_file *above;
};

static enum oqz_status load_merged(struct oqz_arena *a, const char *path, const struct open_file *above, int depth,
                                   struct oqz_yaml **ret, struct oqz_err *err);

/* `models` lists of two files are joined, an entry with an id that exists already is merged into it. */
static struct oqz_yaml *join_models(struct oqz_arena *a, const struct oqz_yaml *base, const struct oqz_yaml *over)
{
	struct oqz_yaml *r = oqz_yaml_new(a, OQZ_YAML_SEQ, over);

	for (size_t i = 0; r && i < base->n; i++)
		if (!oqz_yaml_append(a, r, base->items[i]))
			return NULL;
	for (size_t i = 0; r && i < over->n; i++) {
		const struct oqz_yaml *id = oqz_yaml_get(over->items[i], "id");
		size_t j = 0;
		for (; j < r->n; j++) {
			const struct oqz_yaml *other = oqz_yaml_get(r->items[j], "id");
			if (id && other && id->kind == OQZ_YAML_SCALAR && other->kind == OQZ_YAML_SCALAR &&
			    j < base->n && strcmp(id->scalar, other->scalar) == 0)
				break;
		}
		if (j == r->n) {
			if (!oqz_yaml_append(a, r, over->items[i]))
				return NULL;
		} else if (!(r->items[j] = oqz_yaml_merge(a, r->items[j], over->items[i]))) {
			return NULL;
		}
	}
	return r;
}

static struct oqz_yaml *merge_files(struct oqz_arena *a, const struct oqz_yaml *base, struct oqz_yaml *over)
{
	const struct oqz_yaml *mb = oqz_yaml_get(base, "models"), *mo = oqz_yaml_get(over, "models");
	struct oqz_yaml *joined = NULL;

	if (mb && mo && mb->kind == OQZ_YAML_SEQ && mo->kind == OQZ_YAML_SEQ && !(joined = join_models(a, mb, mo)))
		return NULL;
	struct oqz_yaml *r = oqz_yaml_merge(a, base, over);
	if (r && joined && !oqz_yaml_set(a, r, "models", joined))
		return NULL;
	return r;
}

static enum oqz_status include_one(struct oqz_arena *a, const struct oqz_yaml *entry, const struct open_file *self,
                                   int depth, struct oqz_yaml **acc, struct oqz_err *err)
{
	glob_t g;

	if (entry->kind != OQZ_YAML_SCALAR)
		return oqz_yaml_fail(entry, err, OQZ_E_USAGE, "`include` takes file names");
	const char *pattern = oqz_path_join(a, oqz_path_dir(a, entry->file), entry->scalar);
	if (!pattern)
		return oqz_err_nomem(err, entry->scalar, 1);
	int rc = glob(pattern, GLOB_NOSORT, NULL, &g);
	if (rc != 0)
		return oqz_yaml_fail(entry, err, rc == GLOB_NOMATCH ? OQZ_E_USAGE : OQZ_E_IO,
		                     "include: nothing matches %s", pattern);
	/* bytewise order, whatever the locale's collation */
	for (size_t i = 1; i < g.gl_pathc; i++)
		for (size_t j = i; j > 0 && strcmp(g.gl_pathv[j - 1], g.gl_pathv[j]) > 0; j--) {
			char *t = g.gl_pathv[j];
			g.gl_pathv[j] = g.gl_pathv[j - 1];
			g.gl_pathv[j - 1] = t;
		}
	enum oqz_status st = OQZ_OK;
	for (size_t i = 0; i < g.gl_pathc && st == OQZ_OK; i++) {
		struct oqz_yaml *y;
		st = load_merged(a, g.gl_pathv[i], self, depth + 1, &y, err);
		if (st == OQZ_OK && !(*acc = *acc ? merge_files(a, *acc, y) : y))
			st = oqz_err_nomem(err, pattern, 1);
		else if (st != OQZ_OK)
			oqz_err_prefix(err, "%s:%d: included", entry->file, entry->line);
	}
	globfree(&g);
	return st;
}

static enum oqz_status check_version(const struct oqz_yaml *y, struct oqz_err *err)
{
	const struct oqz_yaml *v = oqz_yaml_get(y, "oqz");

	if (v->kind != OQZ_YAML_SCALAR || strcmp(v->scalar, "1") != 0)
		return oqz_yaml_fail(v, err, OQZ_E_USAGE, "this program reads manifests of version 1 (`oqz: 1`)");
	return OQZ_OK;
}

static enum oqz_status load_merged(struct oqz_arena *a, const char *path, const struct open_file *above, int depth,
                                   struct oqz_yaml **ret, struct oqz_err *err)
{
	struct open_file self = { .path = path, .above = above };
	struct oqz_yaml *y, *acc = NULL;

	for (const struct open_file *f = above; f; f = f->above)
		if (strcmp(f->path, path) == 0)
			OQZ_FAIL(err, OQZ_E_USAGE, "%s includes itself", path);
	if (depth > MAX_INCLUDE_DEPTH)
		OQZ_FAIL(err, OQZ_E_USAGE, "%s: includes nested deeper than %d", path, MAX_INCLUDE_DEPTH);
	size_t n = strlen(path);
	if (n > 5 && strcmp(path + n - 5, ".onnx") == 0)
		OQZ_FAIL(err, OQZ_E_USAGE,
		         "%s: a model is no manifest; write one that names it, its task, data and schemes (see "
		         "oqz-manifest(5))",
		         path);
	OQZ_TRY(oqz_yaml_load(a, path, &y, err));
	if (y->kind != OQZ_YAML_MAP)
		return oqz_yaml_fail(y, err, OQZ_E_USAGE, "a manifest is a mapping that begins with `oqz: 1`");
	if (depth == 0 || oqz_yaml_get(y, "oqz")) {
		if (!y->n || strcmp(y->pairs[0].key, "oqz") != 0)
			return oqz_yaml_fail(y, err, OQZ_E_USAGE, "the first key of a manifest is `oqz: 1`");
		OQZ_TRY(check_version(y, err));
	}
	OQZ_TRY(oqz_schema_check(y, OQZ_SECTION_ROOT, false, "the manifest", err));
	const struct oqz_yaml *inc = oqz_yaml_get(y, "include");
	if (inc && inc->kind == OQZ_YAML_SCALAR)
		OQZ_TRY(include_one(a, inc, &self, depth, &acc, err));
	for (size_t i = 0; inc && inc->kind == OQZ_YAML_SEQ && i < inc->n; i++)
		OQZ_TRY(include_one(a, inc->items[i], &self, depth, &acc, err));
	oqz_yaml_unset(y, "include");
	if (acc && !(y = merge_files(a, acc, y)))
		return oqz_err_nomem(err, path, 1);
	*ret = y;
	return OQZ_OK;
}

/* ------------------------------------------------------------------------------------------------ --set a.b[2].c=v */

/* A --set while its path is walked: `p` is the part that comes next. */
struct set_walk {
	struct oqz_arena *arena;
	const char *text, *path, *p;
	struct oqz_yaml *leaf, *node;
};

static enum oqz_status set_error(const struct set_walk *w, struct oqz_err *err, const char *why)
{
	OQZ_FAIL(err, OQZ_E_USAGE, "--set %s: %s", w->text, why);
}

/* The entry of a list that stands in brackets: by its number from 0, or by its `id`, as models have one. */
static struct oqz_yaml **list_entry(struct oqz_yaml *list, const char *name)
{
	long long i;

	if (list->kind != OQZ_YAML_SEQ)
		return NULL;
	if (oqz_parse_i64(name, &i))
		return i >= 0 && (size_t)i < list->n ? &list->items[i] : NULL;
	for (size_t k = 0; k < list->n; k++) {
		const struct oqz_yaml *id = oqz_yaml_get(list->items[k], "id");
		if (id && id->kind == OQZ_YAML_SCALAR && strcmp(id->scalar, name) == 0)
			return &list->items[k];
	}
	return NULL;
}

/* Steps to the child that the path's next part names, creating mappings on the way. */
static enum oqz_status set_step(struct set_walk *w, struct oqz_err *err)
{
	bool entry = *w->p == '[';
	const char *begin = w->p + entry, *end = begin + strcspn(begin, entry ? "]" : ".[");
	char *key = oqz_arena_strndup(w->arena, begin, (size_t)(end - begin));
	struct oqz_yaml **at = NULL, *child;

	if (!key)
		return oqz_err_nomem(err, w->text, 1);
	if (entry && *end != ']')
		return set_error(w, err, "a `]` is missing");
	if (entry && !(at = list_entry(w->node, key)))
		OQZ_FAIL(err, OQZ_E_USAGE, "--set %s: `%.*s` has no entry `%s` (a number from 0, or the id of a model)",
		         w->text, (int)(w->p - w->path), w->path, key);
	if (!entry && w->node->kind == OQZ_YAML_SEQ)
		OQZ_FAIL(err, OQZ_E_USAGE,
		         "--set %s: `%.*s` is a list: write the number or the id of an entry, as %.*s[%s]", w->text,
		         (int)(w->p - w->path - 1), w->path, (int)(w->p - w->path - 1), w->path, *key ? key : "0");
	if (!entry && (!*key || w->node->kind != OQZ_YAML_MAP))
		return set_error(
		    w, err, *key ? "the path leads through something that is no mapping" : "an empty part in the path");
	w->p = end + entry;
	w->p += *w->p == '.';
	child = !*w->p ? w->leaf : at ? *at : oqz_yaml_get(w->node, key);
	if (!child)
		child = oqz_yaml_new(w->arena, OQZ_YAML_MAP, w->leaf);
	if (at)
		*at = child;
	else if (!child || !oqz_yaml_set(w->arena, w->node, key, child))
		return oqz_err_nomem(err, w->text, 1);
	w->node = child;
	return OQZ_OK;
}

static enum oqz_status apply_set(struct oqz_arena *a, struct oqz_yaml *root, const char *set, struct oqz_err *err)
{
	const char *eq = strchr(set, '=');
	struct set_walk w = { .arena = a, .text = set, .node = root };

	if (!eq || eq == set)
		return set_error(&w, err, "write PATH=VALUE");
	w.p = w.path = oqz_arena_strndup(a, set, (size_t)(eq - set));
	if (!w.path)
		return oqz_err_nomem(err, set, 1);
	OQZ_TRY(oqz_yaml_parse(a, eq + 1, strlen(eq + 1), "--set", &w.leaf, err));
	while (*w.p)
		OQZ_TRY(set_step(&w, err));
	return OQZ_OK;
}

/* ------------------------------------------------------------------------------------------------ ${...} */

/* Where variables come from, and those of the environment that were asked for. */
struct scope {
	const struct oqz_yaml *vars;
	struct oqz_yaml *environment;
};

static enum oqz_status note_variable(struct oqz_arena *a, const struct scope *in, const char *name, const char *value,
                                     struct oqz_err *err)
{
	struct oqz_yaml *y = oqz_yaml_scalar(a, value, in->environment);

	return y && oqz_yaml_set(a, in->environment, name, y) ? OQZ_OK : oqz_err_nomem(err, name, 1);
}

static enum oqz_status substitute(struct oqz_arena *a, const struct oqz_yaml *at, const char *text,
                                  const struct scope *in, int depth, struct oqz_str *out, struct oqz_err *err);

/* One ${NAME}, ${NAME:-default}, ${NAME:?message}; `body` is what stands between the braces. */
static enum oqz_status expand_var(struct oqz_arena *a, const struct oqz_yaml *at, const char *body,
                                  const struct scope *in, int depth, struct oqz_str *out, struct oqz_err *err)
{
	size_t n = strcspn(body, ":");
	const char *rest = body + n, *name = oqz_arena_strndup(a, body, n);

	if (!name)
		return oqz_err_nomem(err, body, n);
	if (n == 0 || (*rest && rest[1] != '-' && rest[1] != '?'))
		return oqz_yaml_fail(at, err, OQZ_E_USAGE, "${%s}: write ${NAME}, ${NAME:-default} or ${NAME:?message}",
		                     body);
	const struct oqz_yaml *v = oqz_yaml_get(in->vars, name);
	const char *value = v && v->kind == OQZ_YAML_SCALAR ? v->scalar : v ? "" : getenv(name);
	if (value && !v)
		OQZ_TRY(note_variable(a, in, name, value, err));
	if (value && (*value || !*rest))
		return v ? substitute(a, v, value, in, depth + 1, out, err) : (oqz_str_add(out, value), OQZ_OK);
	if (!*rest)
		return oqz_yaml_fail(at, err, OQZ_E_USAGE,
		                     "variable %s is not set (neither in `vars` nor in the environment)", name);
	if (rest[1] == '?')
		return oqz_yaml_fail(at, err, OQZ_E_USAGE, "variable %s: %s", name, rest[2] ? rest + 2 : "must be set");
	return substitute(a, at, rest + 2, in, depth + 1, out, err);
}

static enum oqz_status substitute(struct oqz_arena *a, const struct oqz_yaml *at, const char *text,
                                  const struct scope *in, int depth, struct oqz_str *out, struct oqz_err *err)
{
	if (depth > MAX_SUBSTITUTION_DEPTH)
		return oqz_yaml_fail(at, err, OQZ_E_USAGE, "variables refer to each other in a circle");
	for (const char *p = text; *p;) {
		if (p[0] == '$' && p[1] == '$') {
			oqz_str_add(out, "$");
			p += 2;
		} else if (p[0] == '$' && p[1] == '{') {
			int open = 1;
			const char *q = p + 2;
			for (; *q && open; q++)
				open += q[0] == '$' && q[1] == '{' ? 1 : *q == '}' ? -1 : 0;
			if (open)
				return oqz_yaml_fail(at, err, OQZ_E_USAGE, "`${` without `}`");
			char *body = oqz_arena_strndup(a, p + 2, (size_t)(q - p - 3));
			if (!body)
				return oqz_err_nomem(err, text, 1);
			OQZ_TRY(expand_var(a, at, body, in, depth, out, err));
			p = q;
		} else {
			oqz_str_addn(out, p++, 1);
		}
	}
	return OQZ_OK;
}

/* A copy of the tree with every scalar substituted (anchored nodes are shared, so nothing is edited in place). */
static enum oqz_status substitute_tree(struct oqz_arena *a, const struct oqz_yaml *y, const struct scope *in,
                                       struct oqz_yaml **ret, struct oqz_err *err)
{
	struct oqz_yaml *r = oqz_yaml_new(a, y->kind, y);

	if (!r)
		return oqz_err_nomem(err, "the manifest", sizeof *r);
	if (y->kind == OQZ_YAML_SCALAR) {
		struct oqz_str s = { 0 };
		r->quoted = y->quoted;
		r->scalar = y->scalar;
		if (strchr(y->scalar, '$')) {
			enum oqz_status st = substitute(a, y, y->scalar, in, 0, &s, err);
			r->scalar = st == OQZ_OK ? oqz_arena_strdup(a, oqz_str_get(&s)) : "";
			oqz_str_release(&s);
			OQZ_TRY(st);
			if (!r->scalar)
				return oqz_err_nomem(err, y->scalar, 1);
		}
	}
	for (size_t i = 0; i < y->n; i++) {
		struct oqz_yaml *c;
		OQZ_TRY(substitute_tree(a, y->kind == OQZ_YAML_MAP ? y->pairs[i].value : y->items[i], in, &c, err));
		bool ok = y->kind == OQZ_YAML_MAP ? oqz_yaml_set(a, r, y->pairs[i].key, c) : oqz_yaml_append(a, r, c);
		if (!ok)
			return oqz_err_nomem(err, "the manifest", sizeof *r);
		if (y->kind == OQZ_YAML_MAP) {
			r->pairs[i].line = y->pairs[i].line;
			r->pairs[i].column = y->pairs[i].column;
		}
	}
	*ret = r;
	return OQZ_OK;
}

/* ------------------------------------------------------------------------------------------------ extends */

static enum oqz_status extend_entry(struct oqz_arena *a, struct oqz_yaml *section, const char *name, int depth,
                                    struct oqz_err *err)
{
	struct oqz_yaml *entry = oqz_yaml_get(section, name);
	const struct oqz_yaml *ext = oqz_yaml_get(entry, "extends");

	if (!ext)
		return OQZ_OK;
	if (ext->kind != OQZ_YAML_SCALAR)
		return oqz_yaml_fail(ext, err, OQZ_E_USAGE, "`extends` names one other entry");
	if (depth > MAX_INCLUDE_DEPTH || strcmp(ext->scalar, name) == 0)
		return oqz_yaml_fail(ext, err, OQZ_E_USAGE, "`extends: %s` goes round in a circle", ext->scalar);
	if (!oqz_yaml_get(section, ext->scalar))
		return oqz_yaml_fail(ext, err, OQZ_E_USAGE, "`extends: %s`: there is no entry of that name",
		                     ext->scalar);
	OQZ_TRY(extend_entry(a, section, ext->scalar, depth + 1, err));
	const struct oqz_yaml *base = oqz_yaml_get(section, ext->scalar);
	entry = oqz_yaml_merge(a, base, entry);
	if (!entry)
		return oqz_err_nomem(err, name, 1);
	oqz_yaml_unset(entry, "extends");
	return oqz_yaml_set(a, section, name, entry) ? OQZ_OK : oqz_err_nomem(err, name, 1);
}

/* Models are a list: `extends` names another model's id. */
static enum oqz_status extend_models(struct oqz_arena *a, struct oqz_yaml *models, struct oqz_err *err)
{
	struct oqz_yaml *by_id = oqz_yaml_new(a, OQZ_YAML_MAP, models);

	for (size_t i = 0; i < models->n; i++) {
		const struct oqz_yaml *id = oqz_yaml_get(models->items[i], "id");
		if (!id || id->kind != OQZ_YAML_SCALAR)
			return oqz_yaml_fail(models->items[i], err, OQZ_E_USAGE, "a model needs an `id`");
		if (oqz_yaml_get(by_id, id->scalar))
			return oqz_yaml_fail(id, err, OQZ_E_USAGE, "a second model with id `%s`", id->scalar);
		if (!oqz_yaml_set(a, by_id, id->scalar, models->items[i]))
			return oqz_err_nomem(err, id->scalar, 1);
	}
	for (size_t i = 0; i < models->n; i++) {
		const char *id = by_id->pairs[i].key;
		OQZ_TRY(extend_entry(a, by_id, id, 0, err));
		models->items[i] = by_id->pairs[i].value;
		/* the id is never inherited */
		struct oqz_yaml *s = oqz_yaml_scalar(a, id, models->items[i]);
		if (!s || !oqz_yaml_set(a, models->items[i], "id", s))
			return oqz_err_nomem(err, id, 1);
	}
	return OQZ_OK;
}

enum oqz_status oqz_manifest_source(struct oqz_arena *a, const char *path, const struct oqz_manifest_options *opt,
                                    struct oqz_yaml **ret, const struct oqz_yaml **ret_environment, struct oqz_err *err)
{
	static const char *const sections[] = { "datasets", "schemes", "tasks" };
	struct oqz_yaml *y;

	OQZ_TRY(load_merged(a, path, NULL, 0, &y, err));
	for (size_t i = 0; opt && i < opt->n_sets; i++)
		OQZ_TRY(apply_set(a, y, opt->sets[i], err));
	OQZ_TRY(check_version(y, err));
	OQZ_TRY(oqz_schema_check(y, OQZ_SECTION_ROOT, false, "the manifest", err));
	const struct scope in = { .vars = oqz_yaml_get(y, "vars"), .environment = oqz_yaml_new(a, OQZ_YAML_MAP, y) };
	struct oqz_yaml *r;
	if (!in.environment)
		return oqz_err_nomem(err, path, sizeof *y);
	oqz_yaml_unset(y, "vars");
	OQZ_TRY(substitute_tree(a, y, &in, &r, err));
	for (size_t s = 0; s < OQZ_COUNTOF(sections); s++) {
		struct oqz_yaml *section = oqz_yaml_get(r, sections[s]);
		for (size_t i = 0; section && i < section->n; i++) {
			if (section->pairs[i].value->kind != OQZ_YAML_MAP)
				return oqz_yaml_fail(section->pairs[i].value, err, OQZ_E_USAGE,
				                     "%s: `%s` must be a mapping", sections[s], section->pairs[i].key);
			OQZ_TRY(extend_entry(a, section, section->pairs[i].key, 0, err));
		}
	}
	struct oqz_yaml *models = oqz_yaml_get(r, "models");
	if (models && models->kind == OQZ_YAML_SEQ)
		OQZ_TRY(extend_models(a, models, err));
	*ret = r;
	*ret_environment = in.environment;
	return OQZ_OK;
}
