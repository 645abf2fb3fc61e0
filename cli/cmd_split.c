/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz split: a data set's calibration and test lists, seeded and disjoint.
 */
#include "cli/cli.h"
#include "core/base/file.h"
#include "core/base/str.h"
#include "core/split/split.h"
#include "plugins/walk.h"

#include <string.h>

static const struct oqz_option options[] = {
	{ "calib", 0, "N", "how many for calibration (persons: at least so many)" },
	{ "test", 0, "N", "how many for testing" },
	{ "seed", 0, "S", "seed of the draw (default 42)" },
	{ "stratified", 0, NULL, "the same share of every class folder" },
	{ "by-image", 0, NULL, "persons: whole images until there are enough (the default)" },
	{ "by-person", 0, NULL, "persons: single ones, by annotation id; the parts may share images" },
	{ "output", 'o', "DIR", "where calib.txt, test.txt and split.json go (required)" },
	{ 0 },
};

/* Sizes are the zoo's. */
static const struct kind {
	const char *name;
	long long calib, test;
	const char *suffixes[4]; /* none: SOURCE is a COCO annotation file */
	enum oqz_split_by by;
} kinds[] = {
	{ "imagenet", 5000, 5000, { ".jpeg", ".jpg", ".png", NULL }, OQZ_SPLIT_IMAGES },
	{ "cityscapes", 300, 200, { "_leftImg8bit.png", NULL }, OQZ_SPLIT_IMAGES },
	{ "coco", 1500, 300, { NULL }, OQZ_SPLIT_IMAGES },
	{ "persons", 1500, 500, { NULL }, OQZ_SPLIT_PERSON_IMAGES },
};

struct files {
	struct oqz_arena *a;
	OQZ_VEC(struct oqz_split_item) items;
};

static enum oqz_status add_file(void *ctx, const char *path)
{
	struct files *f = ctx;
	struct oqz_split_item item = { .line = oqz_arena_strdup(f->a, path), .weight = 1 };

	if (!item.line)
		return OQZ_E_NOMEM;
	item.name = oqz_path_base(item.line);
	if (item.name != item.line)
		item.group = oqz_path_dir(f->a, item.line);
	return oqz_vec_push(&f->items, item) ? OQZ_OK : OQZ_E_NOMEM;
}

static enum oqz_status draw_files(const struct kind *k, const char *source, const char *dir,
                                  const struct oqz_split_options *opt, struct oqz_err *err)
{
	struct files f = { .a = oqz_arena_new() };
	enum oqz_status st = f.a ? oqz_walk(source, k->suffixes, add_file, &f, err) : OQZ_E_NOMEM;

	if (st == OQZ_E_NOMEM)
		oqz_err_nomem(err, source, f.items.n);
	if (st == OQZ_OK)
		st = oqz_split_draw(f.items.v, f.items.n, opt, err);
	if (st == OQZ_OK)
		st = oqz_split_write(f.items.v, f.items.n, opt, k->name, source, dir, err);
	else
		oqz_err_prefix(err, "%s", source);
	oqz_vec_release(&f.items);
	oqz_arena_free(f.a);
	return st;
}

static enum oqz_status draw_coco(const struct kind *k, enum oqz_split_by by, const char *source, const char *dir,
                                 const struct oqz_split_options *opt, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *a = oqz_arena_new();
	struct oqz_split_item *items;
	size_t n;

	if (!a)
		return oqz_err_nomem(err, source, 1);
	OQZ_TRY(oqz_split_coco(source, by, a, &items, &n, err));
	if (oqz_split_draw(items, n, opt, err) != OQZ_OK)
		return oqz_err_prefix(err, "%s", source);
	OQZ_TRY(oqz_split_write(items, n, opt, k->name, source, dir, err));
	return oqz_split_coco_write(source, by, items, n, dir, err);
}

/* Images or single persons. */
static enum oqz_status persons_by(const struct oqz_args *args, enum oqz_split_by *by, struct oqz_err *err)
{
	const bool image = cli_option(args, "by-image") != NULL, person = cli_option(args, "by-person") != NULL;

	if ((image || person) && *by != OQZ_SPLIT_PERSON_IMAGES)
		OQZ_FAIL(err, OQZ_E_USAGE, "split: --by-image and --by-person are for persons");
	if (image && person)
		OQZ_FAIL(err, OQZ_E_USAGE, "split: --by-image or --by-person, not both");
	if (person)
		*by = OQZ_SPLIT_PERSONS;
	return OQZ_OK;
}

static enum oqz_status split(const struct oqz_args *args, struct oqz_err *err)
{
	const char *kind = args->operands.v[0], *source = args->operands.v[1], *dir = cli_option(args, "output");
	const struct kind *k = NULL;
	long long seed = 42;

	for (size_t i = 0; i < OQZ_COUNTOF(kinds); i++)
		if (strcmp(kinds[i].name, kind) == 0)
			k = &kinds[i];
	if (!k)
		OQZ_FAIL(err, OQZ_E_USAGE, "split: KIND is imagenet, cityscapes, coco or persons, not `%s`", kind);
	if (!dir)
		OQZ_FAIL(err, OQZ_E_USAGE, "split: --output DIR is needed");
	enum oqz_split_by by = k->by;
	OQZ_TRY(persons_by(args, &by, err));
	long long calib = k->calib, test = k->test;
	OQZ_TRY(cli_integer(args, "calib", 0, 1000000000, &calib, err));
	OQZ_TRY(cli_integer(args, "test", 0, 1000000000, &test, err));
	OQZ_TRY(cli_integer(args, "seed", 0, INT64_MAX, &seed, err));
	struct oqz_split_options opt = { .n_calib = calib,
		                         .n_test = test,
		                         .seed = (uint64_t)seed,
		                         .stratified = cli_option(args, "stratified") != NULL };
	return !k->suffixes[0] ? draw_coco(k, by, source, dir, &opt, err) : draw_files(k, source, dir, &opt, err);
}

static int run(const struct oqz_args *args)
{
	struct oqz_err err = { 0 };

	return split(args, &err) == OQZ_OK ? OQZ_EXIT_OK : cli_fail(&err);
}

const struct oqz_verb cmd_split = {
	"split", "imagenet|cityscapes|coco|persons SOURCE", "draw a data set's calibration and test parts", options, 2, 2, run
};
