/* SPDX-License-Identifier: Apache-2.0
 *
 * core/manifest: YAML with positions, merging, variables, expansion, and the messages for what people get wrong.
 */
#include "tests/support/support.h"
#include "core/base/file.h"
#include "core/base/rng.h"
#include "core/base/str.h"
#include "core/manifest/manifest.h"

#include <stdio.h>
#include <string.h>

static char dir[512];

static const char *put(const char *name, const char *text)
{
	static char path[600];

	snprintf(dir, sizeof dir, "%s", test_tmpdir("manifest"));
	snprintf(path, sizeof path, "%s/%s", dir, name);
	ck_ok(oqz_file_write(path, text, strlen(text), err));
	return path;
}

static struct oqz_yaml *parse(struct oqz_arena *a, const char *text)
{
	struct oqz_yaml *y = NULL;

	ck_ok(oqz_yaml_parse(a, text, strlen(text), "t.yaml", &y, err));
	return y;
}

static void refuses(const char *text, const char *message)
{
	struct oqz_arena *a = oqz_arena_new();
	struct oqz_yaml *y;

	ck_fails(oqz_yaml_parse(a, text, strlen(text), "t.yaml", &y, err), OQZ_E_USAGE, message);
	oqz_arena_free(a);
}

START_TEST(yaml_keeps_text_and_positions)
{
	struct oqz_arena *a = oqz_arena_new();
	struct oqz_yaml *y = parse(a, "a: no\nb:\n  - 1\n  - {c: 'x y'}\nd: ~\n");

	ck_assert_str_eq(oqz_yaml_get(y, "a")->scalar, "no");
	struct oqz_yaml *b = oqz_yaml_get(y, "b");
	ck_assert_uint_eq(b->n, 2);
	ck_assert_int_eq(b->items[1]->line, 4);
	ck_assert_str_eq(oqz_yaml_get(b->items[1], "c")->scalar, "x y");
	ck_assert_int_eq(oqz_yaml_get(y, "d")->kind, OQZ_YAML_NULL);
	oqz_arena_free(a);
}
END_TEST

START_TEST(yaml_merges_anchors_shallowly)
{
	struct oqz_arena *a = oqz_arena_new();
	struct oqz_yaml *y = parse(a, "x: &x {p: 1, q: 2}\ny: {<<: *x, q: 3}\nz: {q: 4, <<: [*x]}\n");

	ck_assert_str_eq(oqz_yaml_get(oqz_yaml_get(y, "y"), "p")->scalar, "1");
	ck_assert_str_eq(oqz_yaml_get(oqz_yaml_get(y, "y"), "q")->scalar, "3");
	ck_assert_str_eq(oqz_yaml_get(oqz_yaml_get(y, "z"), "q")->scalar, "4");
	oqz_arena_free(a);
}
END_TEST

START_TEST(yaml_refuses_what_is_dangerous)
{
	refuses("a: 1\nb: 2\na: 3\n", "t.yaml:3:1: key `a` occurs twice");
	refuses("a: *nope\n", "t.yaml:1:4: unknown alias");
	refuses("a: !tag 3\n", "tags");
	refuses("a: [1, 2\n", "t.yaml:2:1");
	refuses("? [a]\n: b\n", "key must be plain text");
	refuses("a: &x [*x]\n", "alias inside");
	refuses("a: 1\n---\nb: 2\n", "second document");
}
END_TEST

START_TEST(yaml_stops_alias_bombs_and_deep_nesting)
{
	struct oqz_str s = { 0 };

	oqz_str_add(&s, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 9; i++) {
		oqz_str_addf(&s, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			oqz_str_addf(&s, "%s*a%d", j ? "," : "", i - 1);
		oqz_str_add(&s, "]\n");
	}
	refuses(s.s, "too many nodes");
	oqz_str_clear(&s);
	for (int i = 0; i < 1000; i++)
		oqz_str_add(&s, "[");
	refuses(s.s, "nested too deeply");
	oqz_str_release(&s);
}
END_TEST

START_TEST(yaml_dump_reads_back_the_same)
{
	const char *text = "a: 'x: y'\nb: [1, '', '- z', \"q\\\"\", '*']\nc: {d: {e: ~, f: [[1], {g: h}]}}\n";
	struct oqz_arena *a = oqz_arena_new();
	struct oqz_str one = { 0 }, two = { 0 };

	oqz_yaml_dump(parse(a, text), &one);
	oqz_yaml_dump(parse(a, one.s), &two);
	ck_assert_str_eq(one.s, two.s);
	ck_assert_str_eq(oqz_yaml_get(oqz_yaml_get(parse(a, two.s), "b"), "x") ? "map" : "list", "list");
	ck_assert_str_eq(oqz_yaml_get(parse(a, two.s), "b")->items[3]->scalar, "q\"");
	oqz_str_release(&one);
	oqz_str_release(&two);
	oqz_arena_free(a);
}
END_TEST

START_TEST(yaml_survives_damage)
{
	const char *text = "oqz: 1\nvars: {a: &x [1, 2], b: *x}\nmodels:\n  - {id: m, file: f.onnx, task: t}\n# end\n";
	size_t n = strlen(text);
	struct oqz_rng r;

	oqz_rng_init(&r, 7);
	for (int k = 0; k < 3000; k++) {
		char buf[256];
		struct oqz_arena *a = oqz_arena_new();
		struct oqz_yaml *y;
		struct oqz_err err = { 0 };
		memcpy(buf, text, n);
		buf[oqz_rng_below(&r, n)] ^= (char)(1u << oqz_rng_below(&r, 8));
		enum oqz_status st = oqz_yaml_parse(a, buf, 1 + oqz_rng_below(&r, n), "t.yaml", &y, &err);
		ck_assert(st == OQZ_OK || (st == OQZ_E_USAGE && strncmp(err.msg, "t.yaml:", 7) == 0));
		oqz_arena_free(a);
	}
}
END_TEST

#define BODY                                                                                   \
	"datasets:\n  d: {reader: list, root: '${R}/img', prepare: p}\n"                       \
	"schemes:\n  s8: {plugin: int8, bits: 8}\n  s4: {extends: s8, bits: 4, ops: [Conv]}\n" \
	"tasks:\n  t: {plugin: classification, test: d}\n"                                     \
	"models:\n  - {id: m1, file: a.onnx, task: t, tags: [cnn]}\n  - {id: m2, file: /b.onnx, task: t}\n"

START_TEST(manifest_expands_the_matrix)
{
	struct oqz_manifest *m = NULL;
	const char *path =
	    put("zoo.yaml", "oqz: 1\nvars: {R: here}\n" BODY
	                    "matrix:\n  - {models: ['*'], schemes: ['s*'], except: [{model: m2, scheme: s4}]}\n");

	ck_ok(oqz_manifest_load(path, NULL, &m, err));
	ck_assert_uint_eq(m->jobs.n, 2);
	ck_assert_uint_eq(m->jobs.v[0].n_schemes, 2);
	ck_assert_uint_eq(m->jobs.v[1].n_schemes, 1);
	ck_assert_str_eq(oqz_yaml_get(m->schemes.v[1]->node, "bits")->scalar, "4");
	ck_assert_str_eq(m->schemes.v[1]->plugin, "int8");
	ck_assert_str_eq(oqz_yaml_get(m->datasets.v[0]->node, "root")->scalar, "here/img");
	ck_assert_str_eq(m->models.v[1]->file, "/b.onnx");
	ck_assert(strstr(m->models.v[0]->file, dir) == m->models.v[0]->file);
	oqz_manifest_free(m);
}
END_TEST

START_TEST(manifest_runs_models_without_schemes)
{
	struct oqz_manifest *m = NULL;
	const char *path =
	    put("zoo.yaml", "oqz: 1\nvars: {R: x}\n" BODY
	                    "matrix:\n  - {models: [m1], schemes: [s8]}\n  - {models: [m2], schemes: []}\n");

	ck_ok(oqz_manifest_load(path, NULL, &m, err));
	ck_assert_uint_eq(m->jobs.n, 2);
	ck_assert_uint_eq(m->jobs.v[0].n_schemes, 1);
	ck_assert_str_eq(m->jobs.v[1].model->id, "m2");
	ck_assert_uint_eq(m->jobs.v[1].n_schemes, 0);
	oqz_manifest_free(m);
}
END_TEST

START_TEST(manifest_options_override_and_select)
{
	struct oqz_manifest *m = NULL;
	const char *sets[] = { "schemes.s8.bits=6", "models[1].tags=[x, y]", "vars.R=q" };
	const char *selects[] = { "tag=y,scheme=s8" };
	struct oqz_manifest_options opt = { .sets = sets, .n_sets = 3, .selects = selects, .n_selects = 1, .limit = 5 };
	const char *path = put("zoo.yaml", "oqz: 1\nvars: {R: here}\n" BODY);

	ck_ok(oqz_manifest_load(path, &opt, &m, err));
	ck_assert_uint_eq(m->jobs.n, 1);
	ck_assert_str_eq(m->jobs.v[0].model->id, "m2");
	ck_assert_uint_eq(m->jobs.v[0].n_schemes, 1);
	ck_assert_str_eq(oqz_yaml_get(m->schemes.v[0]->node, "bits")->scalar, "6");
	ck_assert_int_eq(m->limits.images, 5);
	oqz_manifest_free(m);
}
END_TEST

/* Models that no row of the matrix names are pointed out, in one line. */
START_TEST(manifest_names_models_without_a_row)
{
	struct oqz_manifest *m = NULL;

	ck_ok(oqz_manifest_load(put("zoo.yaml", "oqz: 1\nvars: {R: here}\n" BODY "matrix: [{models: [m1]}]\n"), NULL,
	                        &m, err));
	ck_assert_uint_ge(m->warnings.n, 1);
	ck_assert_ptr_nonnull(strstr(m->warnings.v[0], "zoo.yaml: in no row of the matrix and not evaluated: `m2`"));
	oqz_manifest_free(m);
}
END_TEST

/* A pattern of --select that nothing has is an error that names it, also beside one that fits. */
START_TEST(manifest_select_must_match)
{
	static const struct {
		const char *select, *message;
	} bad[] = {
		{ "model=m3", "--select model=m3: `m3` matches no model of " },
		{ "scheme=s9", "--select scheme=s9: `s9` matches no scheme of " },
		{ "tag=nothing", "`nothing` matches no model's tag of " },
		{ "model=m1,scheme=s9", "`s9` matches no scheme of " },
		{ "models=m1", "write model=GLOB, scheme=GLOB or tag=T" },
	};
	const char *path = put("zoo.yaml", "oqz: 1\nvars: {R: here}\n" BODY);
	struct oqz_manifest *m = NULL;

	for (size_t i = 0; i < OQZ_COUNTOF(bad); i++) {
		const char *selects[] = { "model=m1", bad[i].select };
		struct oqz_manifest_options opt = { .selects = selects, .n_selects = 2 };
		ck_fails(oqz_manifest_load(path, &opt, &m, err), OQZ_E_USAGE, bad[i].message);
	}
	const char *good[] = { "model=m*,scheme=s?", "model=m1" };
	struct oqz_manifest_options opt = { .selects = good, .n_selects = 2 };
	ck_ok(oqz_manifest_load(path, &opt, &m, err));
	ck_assert_uint_eq(m->jobs.n, 2);
	oqz_manifest_free(m);
}
END_TEST

START_TEST(manifest_includes_files_below_itself)
{
	struct oqz_manifest *m = NULL;

	put("zz.yaml", "schemes:\n  s8: {plugin: old, bits: 3}\n");
	put("base.yaml", "oqz: 1\ninclude: zz.yaml\nvars: {R: x}\nschemes: {s8: {bits: 2}}\n");
	ck_ok(oqz_manifest_load(put("zoo.yaml", "oqz: 1\ninclude: [base.yaml]\n" BODY), NULL, &m, err));
	ck_assert_str_eq(oqz_yaml_get(m->schemes.v[0]->node, "bits")->scalar, "8");
	ck_assert_str_eq(m->schemes.v[0]->plugin, "int8");
	oqz_manifest_free(m);
	ck_fails(oqz_manifest_load(put("self.yaml", "oqz: 1\ninclude: self.yaml\n"), NULL, &m, err), OQZ_E_USAGE,
	         "includes itself");
}
END_TEST

START_TEST(manifest_messages_name_the_place)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "a: 1\n", ":1:1: the first key" },
		{ "{}\n", ":1:1: the first key" },
		{ "<<: []\n", ":1:1: the first key" },
		{ "oqz: 2\n", "version 1" },
		{ "oqz: 1\nmodel: []\n", ":2:1: unknown key `model` in the manifest (did you mean `models`?)" },
		{ "oqz: 1\nvars: {R: a}\n" BODY "matrix: [{models: [zz]}]\n", "`zz` matches no model" },
		{ "oqz: 1\n" BODY, ":3:27: variable R is not set" },
		{ "oqz: 1\nvars: {R: '${R2:?set it}'}\n" BODY, ":2:11: variable R2: set it" },
		{ "oqz: 1\nvars: {R: '${Q}', Q: '${R}'}\n" BODY, "circle" },
		{ "oqz: 1\nvars: {R: a}\n" BODY "  - {id: m3, file: x, task: tt}\n",
		  "there is no task `tt` (did you mean `t`?)" },
		{ "oqz: 1\nvars: {R: a}\n" BODY "  - {id: m1, file: x, task: t}\n", "second model with id `m1`" },
		{ "oqz: 1\nmodels: []\n", "has no models" },
		{ "oqz: 1\nvars: {R: a}\n" BODY "gates: [{metric: top1, max_drop: 1 %}]\n", "max_drop" },
		{ "oqz: 1\nvars: {R: a}\n" BODY "gates: [{when: {model: zz}, metric: a, max_drop: 1}]\n",
		  "matches no cell" },
		{ "oqz: 1\nvars: {R: a}\n" BODY "matrix: [{except: m1}]\n", "`except` is a list" },
		{ "oqz: 1\nvars: {R: a}\n" BODY "limits: {memory: 2GB}\n", "a size like 500M" },
		{ "oqz: 1\nvars: {R: a}\n" BODY "limits: {local_images: 2K}\n", "whole number" },
	};

	for (size_t i = 0; i < OQZ_COUNTOF(bad); i++) {
		struct oqz_manifest *m;
		ck_fails(oqz_manifest_load(put("zoo.yaml", bad[i].text), NULL, &m, err), OQZ_E_USAGE, bad[i].message);
	}
}
END_TEST

START_TEST(manifest_flattens_nested_parameters)
{
	static const struct oqz_param table[] = {
		{ "calibrate", OQZ_P_STRING, .dflt = "minmax", .help = "" },
		{ "q", OQZ_P_FLOAT, .dflt = "1", .help = "" },
		{ "weight_calibrate", OQZ_P_STRING, .dflt = "minmax", .help = "" },
		{ "root", OQZ_P_PATH, .dflt = "", .help = "" },
		{ 0 },
	};
	struct oqz_arena *a = oqz_arena_new();
	struct oqz_yaml *y = NULL;
	struct oqz_params *p = NULL;
	const char *text = "{plugin: x, calibrate: {method: percentile, q: 0.5}, weight: {calibrate: mse}, root: r}";

	ck_ok(oqz_yaml_parse(a, text, strlen(text), "dir/t.yaml", &y, err));
	ck_ok(oqz_manifest_params(a, y, OQZ_SECTION_SCHEME, table, "scheme s", &p, err));
	ck_assert_str_eq(oqz_params_string(p, "calibrate"), "percentile");
	ck_assert_double_eq(oqz_params_float(p, "q"), 0.5);
	ck_assert_str_eq(oqz_params_string(p, "weight_calibrate"), "mse");
	ck_assert_str_eq(oqz_params_string(p, "root"), "dir/r");
	oqz_params_free(p);
	oqz_arena_free(a);
}
END_TEST

OQZ_TEST_MAIN("manifest", yaml_keeps_text_and_positions, yaml_merges_anchors_shallowly, yaml_refuses_what_is_dangerous,
              yaml_stops_alias_bombs_and_deep_nesting, yaml_dump_reads_back_the_same, yaml_survives_damage,
              manifest_expands_the_matrix, manifest_runs_models_without_schemes, manifest_options_override_and_select,
              manifest_select_must_match, manifest_names_models_without_a_row, manifest_includes_files_below_itself,
              manifest_messages_name_the_place, manifest_flattens_nested_parameters)
