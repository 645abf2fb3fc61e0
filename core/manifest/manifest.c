/* SPDX-License-Identifier: Apache-2.0
 *
 * From the merged tree to typed entries: data sets, schemes, tasks, models, limits, gates. Every name that an entry
 * refers to is looked up here, with a near match in the message when there is none. expand.c makes jobs of them.
 */
#include "core/manifest/manifest.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/str.h"
#include "core/base/unicode.h"
#include "core/manifest/expand.h"
#include "core/manifest/source.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum oqz_status oqz_yaml_strings(struct oqz_arena *a, const struct oqz_yaml *list, const char ***ret, size_t *ret_n,
                                 struct oqz_err *err)
{
	size_t n = !list || list->kind == OQZ_YAML_NULL ? 0 : list->kind == OQZ_YAML_SEQ ? list->n : 1;
	const char **v = OQZ_ARENA_NEW_N(a, const char *, n + 1);

	if (!v)
		return oqz_err_nomem(err, "a list", n);
	for (size_t i = 0; i < n; i++) {
		const struct oqz_yaml *y = list->kind == OQZ_YAML_SEQ ? list->items[i] : list;
		if (y->kind != OQZ_YAML_SCALAR)
			return oqz_yaml_fail(y, err, OQZ_E_USAGE, "a list of plain values is expected here");
		v[i] = y->scalar;
	}
	*ret = v;
	*ret_n = n;
	return OQZ_OK;
}

/* The scalar of a key; NULL when absent. */
static const char *text_of(const struct oqz_yaml *map, const char *key)
{
	const struct oqz_yaml *y = oqz_yaml_get(map, key);

	return y && y->kind == OQZ_YAML_SCALAR ? y->scalar : NULL;
}

static enum oqz_status need_text(const struct oqz_yaml *map, const char *key, const char *what, const char **ret,
                                 struct oqz_err *err)
{
	const char *s = text_of(map, key);

	if (!s || !*s)
		return oqz_yaml_fail(map, err, OQZ_E_USAGE, "%s needs `%s`", what, key);
	*ret = s;
	return OQZ_OK;
}

/* A number of bytes of a key, 0 when absent. */
static enum oqz_status bytes_of(const struct oqz_yaml *map, const char *key, int64_t *ret, struct oqz_err *err)
{
	const struct oqz_yaml *y = oqz_yaml_get(map, key);

	*ret = 0;
	if (y && (y->kind != OQZ_YAML_SCALAR || !oqz_parse_bytes(y->scalar, ret)))
		return oqz_yaml_fail(y, err, OQZ_E_USAGE, "`%s` must be a size like 500M or 4G", key);
	return OQZ_OK;
}

/* A non-negative integer of a key; the default when absent. */
static enum oqz_status integer_of(const struct oqz_yaml *map, const char *key, int64_t dflt, int64_t *ret,
                                  struct oqz_err *err)
{
	const struct oqz_yaml *y = oqz_yaml_get(map, key);
	long long v = dflt;

	if (y && (y->kind != OQZ_YAML_SCALAR || !oqz_parse_i64(y->scalar, &v) || v < 0))
		return oqz_yaml_fail(y, err, OQZ_E_USAGE, "`%s` must be a whole number that is not negative", key);
	*ret = v;
	return OQZ_OK;
}

static enum oqz_status number_of(const struct oqz_yaml *map, const char *key, double dflt, double *ret,
                                 struct oqz_err *err)
{
	const struct oqz_yaml *y = oqz_yaml_get(map, key);

	*ret = dflt;
	if (y && (y->kind != OQZ_YAML_SCALAR || !oqz_parse_f64(y->scalar, ret) || !isfinite(*ret) || *ret < 0))
		return oqz_yaml_fail(y, err, OQZ_E_USAGE, "`%s` must be a number that is not negative", key);
	return OQZ_OK;
}

/* Fails because no entry of `section` has the name; suggests a near one. */
static enum oqz_status no_such(const struct oqz_yaml *at, const struct oqz_yaml *section, const char *kind,
                               const char *name, struct oqz_err *err)
{
	size_t n = section && section->kind == OQZ_YAML_MAP ? section->n : 0;
	OQZ_CLEANUP_FREE const char **names = calloc(n + 1, sizeof *names);

	if (!names)
		return oqz_err_nomem(err, name, n);
	for (size_t i = 0; i < n; i++)
		names[i] = section->pairs[i].key;
	struct oqz_str hint = { 0 };
	oqz_str_add_hint(&hint, name, "there are", '`', names, n);
	enum oqz_status st =
	    oqz_yaml_fail(at, err, OQZ_E_USAGE, "there is no %s `%s`%s", kind, name, oqz_str_get(&hint));
	oqz_str_release(&hint);
	return st;
}

static enum oqz_status check_name(const struct oqz_yaml *at, const char *kind, const char *name, struct oqz_err *err)
{
	if (!name[0] || !oqz_is_word(name, "._-@+") || strchr(".-", name[0]) || strlen(name) > 120)
		return oqz_yaml_fail(
		    at, err, OQZ_E_USAGE,
		    "%s name `%s`: use letters, digits, `.`, `_`, `-`, `@`, `+`, beginning with a letter or digit",
		    kind, name);
	return OQZ_OK;
}

static enum oqz_status read_selection(const struct oqz_yaml *map, struct oqz_selection_spec *s)
{
	s->ops = oqz_yaml_get(map, "ops");
	s->include = oqz_yaml_get(map, "include");
	s->exclude = oqz_yaml_get(map, "exclude");
	s->below = oqz_yaml_get(map, "below");
	return OQZ_OK;
}

static enum oqz_status read_datasets(struct oqz_manifest *m, struct oqz_err *err)
{
	const struct oqz_yaml *section = oqz_yaml_get(m->root, "datasets");

	for (size_t i = 0; section && i < section->n; i++) {
		struct oqz_dataset *d = OQZ_ARENA_NEW(m->arena, struct oqz_dataset);
		if (!d || !oqz_vec_push(&m->datasets, d))
			return oqz_err_nomem(err, "a data set", sizeof *d);
		d->name = section->pairs[i].key;
		d->node = section->pairs[i].value;
		d->prepare = oqz_yaml_get(d->node, "prepare");
		OQZ_TRY(check_name(d->node, "data set", d->name, err));
		OQZ_TRY(oqz_schema_check(d->node, OQZ_SECTION_DATASET, true, "a data set", err));
	}
	return OQZ_OK;
}

static enum oqz_status read_schemes(struct oqz_manifest *m, struct oqz_err *err)
{
	const struct oqz_yaml *section = oqz_yaml_get(m->root, "schemes");

	for (size_t i = 0; section && i < section->n; i++) {
		struct oqz_scheme_spec *s = OQZ_ARENA_NEW(m->arena, struct oqz_scheme_spec);
		if (!s || !oqz_vec_push(&m->schemes, s))
			return oqz_err_nomem(err, "a scheme", sizeof *s);
		s->name = section->pairs[i].key;
		s->node = section->pairs[i].value;
		OQZ_TRY(check_name(s->node, "scheme", s->name, err));
		OQZ_TRY(oqz_schema_check(s->node, OQZ_SECTION_SCHEME, true, "a scheme", err));
		OQZ_TRY(need_text(s->node, "plugin", "a scheme", &s->plugin, err));
		OQZ_TRY(read_selection(s->node, &s->select));
	}
	return OQZ_OK;
}

static enum oqz_status find_dataset(struct oqz_manifest *m, const struct oqz_yaml *task, const char *key,
                                    const struct oqz_dataset **ret, struct oqz_err *err)
{
	const struct oqz_yaml *y = oqz_yaml_get(task, key);

	if (!y)
		return OQZ_OK;
	for (size_t i = 0; i < m->datasets.n; i++)
		if (strcmp(m->datasets.v[i]->name, y->scalar) == 0) {
			*ret = m->datasets.v[i];
			return OQZ_OK;
		}
	return no_such(y, oqz_yaml_get(m->root, "datasets"), "data set", y->scalar, err);
}

static enum oqz_status read_tasks(struct oqz_manifest *m, struct oqz_err *err)
{
	const struct oqz_yaml *section = oqz_yaml_get(m->root, "tasks");

	for (size_t i = 0; section && i < section->n; i++) {
		struct oqz_task_spec *t = OQZ_ARENA_NEW(m->arena, struct oqz_task_spec);
		if (!t || !oqz_vec_push(&m->tasks, t))
			return oqz_err_nomem(err, "a task", sizeof *t);
		t->name = section->pairs[i].key;
		t->node = section->pairs[i].value;
		OQZ_TRY(check_name(t->node, "task", t->name, err));
		OQZ_TRY(oqz_schema_check(t->node, OQZ_SECTION_TASK, true, "a task", err));
		OQZ_TRY(need_text(t->node, "plugin", "a task", &t->plugin, err));
		OQZ_TRY(find_dataset(m, t->node, "test", &t->test, err));
		OQZ_TRY(find_dataset(m, t->node, "calib", &t->calib, err));
		if (!t->test)
			return oqz_yaml_fail(t->node, err, OQZ_E_USAGE,
			                     "task `%s` needs `test`: the name of a data set", t->name);
	}
	return OQZ_OK;
}

/* `lanes: {name: file}`. A lane stands in the table beside the schemes, so no scheme may have its name. */
static enum oqz_status read_lanes(struct oqz_manifest *m, const struct oqz_yaml *map, struct oqz_model_spec *s,
                                  struct oqz_err *err)
{
	size_t n = map && map->kind == OQZ_YAML_MAP ? map->n : 0;

	s->lanes = OQZ_ARENA_NEW_N(m->arena, const struct oqz_scheme_spec *, n + 1);
	if (!s->lanes)
		return oqz_err_nomem(err, "lanes", n);
	for (size_t i = 0; i < n; i++) {
		const struct oqz_yaml *file = map->pairs[i].value;
		struct oqz_scheme_spec *l = OQZ_ARENA_NEW(m->arena, struct oqz_scheme_spec);
		if (!l)
			return oqz_err_nomem(err, "a lane", sizeof *l);
		l->name = map->pairs[i].key;
		l->node = file;
		OQZ_TRY(check_name(file, "lane", l->name, err));
		if (file->kind != OQZ_YAML_SCALAR || !*file->scalar)
			return oqz_yaml_fail(file, err, OQZ_E_USAGE, "lane `%s` must be the name of an ONNX file",
			                     l->name);
		for (size_t k = 0; k < m->schemes.n; k++)
			if (strcmp(m->schemes.v[k]->name, l->name) == 0)
				return oqz_yaml_fail(file, err, OQZ_E_USAGE,
				                     "lane `%s` has the name of a scheme; give it one of its own",
				                     l->name);
		l->file = oqz_path_join(m->arena, oqz_path_dir(m->arena, file->file), file->scalar);
		if (!l->file)
			return oqz_err_nomem(err, "a path", strlen(file->scalar));
		s->lanes[s->n_lanes++] = l;
	}
	return OQZ_OK;
}

static enum oqz_status read_model(struct oqz_manifest *m, const struct oqz_yaml *node, const char *engine,
                                  struct oqz_model_spec *s, struct oqz_err *err)
{
	const char *task, *file;
	size_t n_passes;

	s->node = node;
	OQZ_TRY(oqz_schema_check(node, OQZ_SECTION_MODEL, false, "a model", err));
	OQZ_TRY(need_text(node, "id", "a model", &s->id, err));
	OQZ_TRY(check_name(node, "model", s->id, err));
	OQZ_TRY(need_text(node, "file", "a model", &file, err));
	OQZ_TRY(need_text(node, "task", "a model", &task, err));
	const struct oqz_yaml *fnode = oqz_yaml_get(node, "file");
	s->file = oqz_path_join(m->arena, oqz_path_dir(m->arena, fnode->file), file);
	for (size_t i = 0; i < m->tasks.n; i++)
		if (strcmp(m->tasks.v[i]->name, task) == 0)
			s->task = m->tasks.v[i];
	if (!s->task)
		return no_such(oqz_yaml_get(node, "task"), oqz_yaml_get(m->root, "tasks"), "task", task, err);
	OQZ_TRY(oqz_yaml_strings(m->arena, oqz_yaml_get(node, "watch"), &s->watch, &s->n_watch, err));
	OQZ_TRY(oqz_yaml_strings(m->arena, oqz_yaml_get(node, "tags"), &s->tags, &s->n_tags, err));
	if (oqz_yaml_get(node, "passes"))
		OQZ_TRY(oqz_yaml_strings(m->arena, oqz_yaml_get(node, "passes"), &s->passes, &n_passes, err));
	OQZ_TRY(read_lanes(m, oqz_yaml_get(node, "lanes"), s, err));
	s->prepare = oqz_yaml_get(node, "prepare");
	s->inputs = oqz_yaml_get(node, "inputs");
	OQZ_TRY(oqz_yaml_strings(m->arena, oqz_yaml_get(node, "outputs"), &s->outputs, &s->n_outputs, err));
	const struct oqz_yaml *q = oqz_yaml_get(node, "quantize"), *c = oqz_yaml_get(node, "calibration");
	if (q && q->kind == OQZ_YAML_MAP) {
		OQZ_TRY(oqz_schema_check(q, OQZ_SECTION_QUANTIZE, false, "`quantize`", err));
		OQZ_TRY(read_selection(q, &s->quantize));
	}
	if (c && c->kind == OQZ_YAML_MAP)
		OQZ_TRY(oqz_schema_check(c, OQZ_SECTION_CALIBRATION, false, "`calibration`", err));
	OQZ_TRY(integer_of(c, "images", 0, &s->calib_images, err));
	OQZ_TRY(integer_of(c, "batch", 1, &s->calib_batch, err));
	if (s->calib_batch < 1)
		return oqz_yaml_fail(c, err, OQZ_E_USAGE, "`batch` must be at least 1");
	s->calib_method = text_of(c, "method");
	const char *weights = c ? text_of(c, "weights") : NULL;
	if (weights && strcmp(weights, "float") != 0 && strcmp(weights, "quantized") != 0)
		return oqz_yaml_fail(oqz_yaml_get(c, "weights"), err, OQZ_E_USAGE,
		                     "`weights` of `calibration` is float or quantized, not `%s`", weights);
	s->calib_quantized = weights && strcmp(weights, "quantized") == 0;
	s->engine = engine ? engine : text_of(node, "engine") ? text_of(node, "engine") : "auto";
	if (strcmp(s->engine, "auto") && strcmp(s->engine, "sim") && strcmp(s->engine, "reference"))
		return oqz_yaml_fail(oqz_yaml_get(node, "engine"), err, OQZ_E_USAGE,
		                     "`engine` is auto, sim or reference, not `%s`", s->engine);
	return OQZ_OK;
}

static enum oqz_status read_models(struct oqz_manifest *m, const char *engine, struct oqz_err *err)
{
	const struct oqz_yaml *list = oqz_yaml_get(m->root, "models");

	if (list && list->kind != OQZ_YAML_SEQ)
		return oqz_yaml_fail(list, err, OQZ_E_USAGE, "`models` is a list: `- {id: ..., file: ..., task: ...}`");
	for (size_t i = 0; list && i < list->n; i++) {
		struct oqz_model_spec *s = OQZ_ARENA_NEW(m->arena, struct oqz_model_spec);
		if (!s || !oqz_vec_push(&m->models, s))
			return oqz_err_nomem(err, "a model", sizeof *s);
		OQZ_TRY(read_model(m, list->items[i], engine, s, err));
	}
	if (m->models.n == 0)
		return oqz_yaml_fail(m->root, err, OQZ_E_USAGE, "the manifest has no models");
	return OQZ_OK;
}

/* "1.0pp", "0.5 pp" are percentage points of a ratio; a bare number is in the metric's unit. */
static enum oqz_status read_drop(const struct oqz_yaml *gate, double *ret, struct oqz_err *err)
{
	const struct oqz_yaml *y = oqz_yaml_get(gate, "max_drop");
	char *end;

	if (!y)
		return oqz_yaml_fail(gate, err, OQZ_E_USAGE, "a gate needs `max_drop`");
	double v = strtod(y->scalar, &end);
	double unit = strcmp(end, "pp") == 0 || strcmp(end, " pp") == 0 ? 0.01 : 1;
	if (end == y->scalar || (unit == 1 && *end) || !isfinite(v) || v < 0)
		return oqz_yaml_fail(y, err, OQZ_E_USAGE,
		                     "`max_drop` is a number, or one followed by `pp` (percentage points)");
	*ret = v * unit;
	return OQZ_OK;
}

static enum oqz_status read_proof(struct oqz_gate *g, struct oqz_err *err)
{
	const struct oqz_yaml *y = oqz_yaml_get(g->node, "prove");

	if (!y)
		return OQZ_OK;
	g->non_inferiority = strcmp(y->scalar, "non-inferiority") == 0;
	if (!g->non_inferiority && strcmp(y->scalar, "drop") != 0)
		return oqz_yaml_fail(y, err, OQZ_E_USAGE, "`prove` is `drop` or `non-inferiority`");
	if (g->confidence == 0)
		return oqz_yaml_fail(y, err, OQZ_E_USAGE, "`prove` needs `confidence: 0.95`");
	return OQZ_OK;
}

static enum oqz_status read_gates(struct oqz_manifest *m, struct oqz_err *err)
{
	const struct oqz_yaml *list = oqz_yaml_get(m->root, "gates");

	if (list && list->kind == OQZ_YAML_SCALAR)
		return oqz_yaml_fail(list, err, OQZ_E_USAGE, "`gates` is a list");
	for (size_t i = 0; list && i < list->n; i++) {
		struct oqz_gate g = { .node = list->items[i] };
		OQZ_TRY(oqz_schema_check(g.node, OQZ_SECTION_GATE, false, "a gate", err));
		const struct oqz_yaml *when = oqz_yaml_get(g.node, "when");
		if (when && when->kind == OQZ_YAML_MAP)
			OQZ_TRY(oqz_schema_check(when, OQZ_SECTION_EXCEPT, false, "`when`", err));
		g.model = text_of(when, "model");
		g.scheme = text_of(when, "scheme");
		g.tag = text_of(when, "tag");
		OQZ_TRY(need_text(g.node, "metric", "a gate", &g.metric, err));
		OQZ_TRY(read_drop(g.node, &g.max_drop, err));
		OQZ_TRY(number_of(g.node, "confidence", 0, &g.confidence, err));
		if (g.confidence != 0 && g.confidence != 0.95)
			return oqz_yaml_fail(oqz_yaml_get(g.node, "confidence"), err, OQZ_E_USAGE,
			                     "`confidence` can only be 0.95, the level of the intervals (or 0: the "
			                     "difference itself decides)");
		OQZ_TRY(read_proof(&g, err));
		if (!oqz_vec_push(&m->gates, g))
			return oqz_err_nomem(err, "a gate", sizeof g);
	}
	return OQZ_OK;
}

static enum oqz_status read_limits(struct oqz_manifest *m, const struct oqz_manifest_options *opt, struct oqz_err *err)
{
	const struct oqz_yaml *l = oqz_yaml_get(m->root, "limits");

	if (l && l->kind == OQZ_YAML_MAP)
		OQZ_TRY(oqz_schema_check(l, OQZ_SECTION_LIMITS, false, "`limits`", err));
	OQZ_TRY(bytes_of(l, "memory", &m->limits.memory, err));
	OQZ_TRY(bytes_of(l, "prepared", &m->limits.prepared, err));
	OQZ_TRY(number_of(l, "seconds", 0, &m->limits.seconds, err));
	OQZ_TRY(integer_of(l, "local_images", 64, &m->limits.local_images, err));
	m->limits.images = opt ? opt->limit : 0;
	if (opt && opt->memory)
		m->limits.memory = opt->memory;
	return OQZ_OK;
}

enum oqz_status oqz_manifest_load(const char *path, const struct oqz_manifest_options *opt, struct oqz_manifest **ret,
                                  struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_manifest_free_cleanup) struct oqz_manifest *m = calloc(1, sizeof *m);
	struct oqz_yaml *root;

	if (!m || !(m->arena = oqz_arena_new()))
		return oqz_err_nomem(err, path, sizeof *m);
	m->file = oqz_arena_strdup(m->arena, path);
	OQZ_TRY(oqz_manifest_source(m->arena, path, opt, &root, &m->environment, err));
	m->root = root;
	struct oqz_str text = { 0 };
	struct oqz_sha256 h;
	oqz_yaml_dump(root, &text);
	oqz_sha256_init(&h);
	oqz_sha256_add(&h, oqz_str_get(&text), text.len);
	oqz_sha256_hex(&h, m->sha256);
	oqz_str_release(&text);
	OQZ_TRY(read_datasets(m, err));
	OQZ_TRY(read_schemes(m, err));
	OQZ_TRY(read_tasks(m, err));
	OQZ_TRY(read_models(m, opt ? opt->engine : NULL, err));
	OQZ_TRY(read_gates(m, err));
	OQZ_TRY(read_limits(m, opt, err));
	OQZ_TRY(oqz_manifest_expand(m, opt, err));
	*ret = oqz_steal(m);
	return OQZ_OK;
}

void oqz_manifest_free(struct oqz_manifest *m)
{
	if (!m)
		return;
	oqz_vec_release(&m->datasets);
	oqz_vec_release(&m->schemes);
	oqz_vec_release(&m->tasks);
	oqz_vec_release(&m->models);
	oqz_vec_release(&m->gates);
	oqz_vec_release(&m->jobs);
	oqz_vec_release(&m->warnings);
	oqz_arena_free(m->arena);
	free(m);
}
