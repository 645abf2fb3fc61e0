/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys, the draw, and the lists; see split.h for the rule.
 */
#include "core/split/split.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/str.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

uint64_t oqz_split_mix(uint64_t x)
{
	uint64_t z = x + 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t oqz_split_fnv(const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		h = (h ^ *p) * 0x100000001b3u;
	return h;
}

uint64_t oqz_split_key(const char *name, uint64_t seed)
{
	return oqz_split_mix(oqz_split_fnv(name) ^ oqz_split_mix(seed));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct oqz_split_item *)a)->name, ((const struct oqz_split_item *)b)->name);
}

/* Group first (all equal unless stratified), then key, then name. */
static int by_group_key(const void *a, const void *b)
{
	const struct oqz_split_item *x = a, *y = b;
	int g = strcmp(x->group ? x->group : "", y->group ? y->group : "");

	if (g)
		return g;
	return x->key != y->key ? (x->key < y->key ? -1 : 1) : strcmp(x->name, y->name);
}

static int by_key(const void *a, const void *b)
{
	const struct oqz_split_item *x = a, *y = b;

	return x->key != y->key ? (x->key < y->key ? -1 : 1) : strcmp(x->name, y->name);
}

/* Takes items in their order until each part has its weight. */
static enum oqz_status take(struct oqz_split_item *items, size_t n, int64_t n_calib, int64_t n_test, const char *group,
                            struct oqz_err *err)
{
	int64_t calib = 0, test = 0;

	for (size_t i = 0; i < n; i++) {
		if (calib < n_calib) {
			items[i].part = 1;
			calib += items[i].weight;
		} else if (test < n_test) {
			items[i].part = 2;
			test += items[i].weight;
		}
	}
	if (calib < n_calib || test < n_test)
		OQZ_FAIL(err, OQZ_E_DATA, "%s%s%lld + %lld are wanted, there are %lld", group ? group : "",
		         group ? ": " : "", (long long)n_calib, (long long)n_test, (long long)(calib + test));
	return OQZ_OK;
}

/* Each group gets n / groups; what is left over goes to the first groups by name, one each. */
static enum oqz_status take_stratified(struct oqz_split_item *items, size_t n, const struct oqz_split_options *opt,
                                       struct oqz_err *err)
{
	int64_t groups = 0, g = 0;

	for (size_t i = 0; i < n; i++)
		groups += i == 0 || strcmp(items[i].group, items[i - 1].group) != 0;
	for (size_t i = 0, j; i < n; i = j, g++) {
		for (j = i + 1; j < n && strcmp(items[i].group, items[j].group) == 0;)
			j++;
		OQZ_TRY(take(items + i, j - i, opt->n_calib / groups + (g < opt->n_calib % groups),
		             opt->n_test / groups + (g < opt->n_test % groups), items[i].group, err));
	}
	return OQZ_OK;
}

enum oqz_status oqz_split_draw(struct oqz_split_item *items, size_t n, const struct oqz_split_options *opt,
                               struct oqz_err *err)
{
	if (n == 0)
		OQZ_FAIL(err, OQZ_E_DATA, "there is nothing to split");
	qsort(items, n, sizeof *items, by_name);
	for (size_t i = 0; i < n; i++) {
		if (i && strcmp(items[i].name, items[i - 1].name) == 0)
			OQZ_FAIL(err, OQZ_E_DATA, "%s and %s have the same name: names decide the split",
			         items[i - 1].line, items[i].line);
		items[i].key = oqz_split_key(items[i].name, opt->seed);
		items[i].part = 0;
		if (opt->stratified && !items[i].group)
			OQZ_FAIL(err, OQZ_E_USAGE, "%s is in no class folder: nothing to stratify by", items[i].line);
	}
	qsort(items, n, sizeof *items, opt->stratified ? by_group_key : by_key);
	OQZ_TRY(opt->stratified ? take_stratified(items, n, opt, err)
	                        : take(items, n, opt->n_calib, opt->n_test, NULL, err));
	qsort(items, n, sizeof *items, by_name);
	return OQZ_OK;
}

static void add_list(const struct oqz_split_item *items, size_t n, int part, struct oqz_str *out)
{
	for (size_t i = 0; i < n; i++)
		if (part < 0 || items[i].part == part)
			oqz_str_addf(out, "%s\n", items[i].line);
}

static void add_digest(struct oqz_str *json, const char *key, const struct oqz_str *text)
{
	struct oqz_sha256 h;
	char hex[65];

	oqz_sha256_init(&h);
	oqz_sha256_add(&h, oqz_str_get(text), text->len);
	oqz_sha256_hex(&h, hex);
	oqz_str_addf(json, ",\n  \"%s\": \"%s\"", key, hex);
}

static enum oqz_status write_in(struct oqz_arena *a, const char *dir, const char *name, const struct oqz_str *text,
                                struct oqz_err *err)
{
	const char *path = oqz_path_join(a, dir, name);

	if (!path || !oqz_str_ok(text))
		return oqz_err_nomem(err, name, text->len);
	return oqz_file_write(path, oqz_str_get(text), text->len, err);
}

enum oqz_status oqz_split_write(const struct oqz_split_item *items, size_t n, const struct oqz_split_options *opt,
                                const char *kind, const char *source, const char *dir, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *a = oqz_arena_new();
	struct oqz_str calib = { 0 }, test = { 0 }, all = { 0 }, json = { 0 };

	if (!a)
		return oqz_err_nomem(err, dir, 1);
	add_list(items, n, 1, &calib);
	add_list(items, n, 2, &test);
	add_list(items, n, -1, &all);
	oqz_str_add(&json, "{\n  \"kind\": ");
	oqz_str_add_json(&json, kind);
	oqz_str_add(&json, ",\n  \"source\": ");
	oqz_str_add_json(&json, source);
	oqz_str_addf(&json,
	             ",\n  \"seed\": %" PRIu64 ",\n  \"calib\": %" PRId64 ",\n  \"test\": %" PRId64
	             ",\n  \"stratified\": %s",
	             opt->seed, opt->n_calib, opt->n_test, opt->stratified ? "true" : "false");
	add_digest(&json, "calib_sha256", &calib);
	add_digest(&json, "test_sha256", &test);
	add_digest(&json, "source_sha256", &all);
	oqz_str_add(&json, "\n}\n");
	enum oqz_status st = oqz_mkdirs(dir, err);
	if (st == OQZ_OK)
		st = write_in(a, dir, "calib.txt", &calib, err);
	if (st == OQZ_OK)
		st = write_in(a, dir, "test.txt", &test, err);
	if (st == OQZ_OK)
		st = write_in(a, dir, "split.json", &json, err);
	oqz_str_release(&calib);
	oqz_str_release(&test);
	oqz_str_release(&all);
	oqz_str_release(&json);
	return st;
}
