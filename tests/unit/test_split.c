/* SPDX-License-Identifier: Apache-2.0
 *
 * core/split: the hash and the draw against their test vectors, disjointness, and COCO parts.
 */
#include "tests/support/support.h"
#include "core/base/file.h"
#include "core/base/str.h"
#include "core/split/split.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

START_TEST(keys_are_those_of_the_definition)
{
	ck_assert(oqz_split_mix(0) == UINT64_C(16294208416658607535));
	ck_assert(oqz_split_fnv("foobar") == UINT64_C(9625390261332436968));
	ck_assert(oqz_split_key("000000000139.jpg", 42) == UINT64_C(10549721168269202250));
}
END_TEST

/* Names as the golden file's titles say: ILSVRC2012_val_00000001.JPEG ... */
static struct oqz_split_item *imagenet(struct oqz_arena *a, size_t n)
{
	struct oqz_split_item *items = OQZ_ARENA_NEW_N(a, struct oqz_split_item, n);

	for (size_t i = 0; i < n; i++) {
		items[i].name = items[i].line = oqz_arena_printf(a, "ILSVRC2012_val_%08zu.JPEG", n - i);
		items[i].weight = 1;
	}
	return items;
}

static uint32_t list_crc(const struct oqz_split_item *items, size_t n, int part)
{
	struct oqz_str s = { 0 };

	for (size_t i = 0; i < n; i++)
		if (items[i].part == part)
			oqz_str_addf(&s, "%s\n", items[i].line);
	uint32_t crc = test_crc32(oqz_str_get(&s), s.len);
	oqz_str_release(&s);
	return crc;
}

START_TEST(imagenet_split_is_the_golden_one)
{
	struct oqz_arena *a = oqz_arena_new();
	struct oqz_split_item *items = imagenet(a, 50000);
	struct oqz_split_options opt = { .n_calib = 5000, .n_test = 5000, .seed = 42 };

	ck_ok(oqz_split_draw(items, 50000, &opt, err));
	ck_assert_uint_eq(list_crc(items, 50000, 1), 1375361481);
	ck_assert_uint_eq(list_crc(items, 50000, 2), 462700084);
	oqz_arena_free(a);
}
END_TEST

START_TEST(draw_refuses_too_few_and_twins)
{
	struct oqz_split_item items[3] = { { .name = "a", .line = "x/a", .weight = 1 },
		                           { .name = "b", .line = "b", .weight = 1 },
		                           { .name = "a", .line = "y/a", .weight = 1 } };
	struct oqz_split_options opt = { .n_calib = 2, .n_test = 1 };

	ck_fails(oqz_split_draw(items, 3, &opt, err), OQZ_E_DATA, "same name");
	items[0].name = "c"; /* the draw has sorted them: two were called a */
	ck_fails(oqz_split_draw(items, 2, &opt, err), OQZ_E_DATA, "2 + 1 are wanted, there are 2");
	opt.stratified = true;
	ck_fails(oqz_split_draw(items, 2, &opt, err), OQZ_E_USAGE, "no class folder");
}
END_TEST

START_TEST(stratified_draw_takes_the_same_from_every_class)
{
	struct oqz_arena *a = oqz_arena_new();
	struct oqz_split_item *items = imagenet(a, 100);
	struct oqz_split_options opt = { .n_calib = 22, .n_test = 20, .seed = 1, .stratified = true };
	int count[10][3] = { 0 };

	for (size_t i = 0; i < 100; i++)
		items[i].group = oqz_arena_printf(a, "class%zu", i % 10);
	ck_ok(oqz_split_draw(items, 100, &opt, err));
	for (size_t i = 0; i < 100; i++)
		count[items[i].group[5] - '0'][items[i].part]++;
	for (int c = 0; c < 10; c++) {
		ck_assert_int_eq(count[c][1], c < 2 ? 3 : 2);
		ck_assert_int_eq(count[c][2], 2);
	}
	oqz_arena_free(a);
}
END_TEST

static const char coco[] =
    "{\"categories\": [{\"id\": 1}, {\"id\": 2}],"
    "\"images\": [{\"id\": 7, \"file_name\": \"a.jpg\"}, {\"id\": 3, \"file_name\": \"b.jpg\"}, {\"id\": 9, "
    "\"file_name\": \"c.jpg\"}],"
    "\"annotations\": [{\"id\": 1, \"image_id\": 7, \"iscrowd\": 0, \"num_keypoints\": 3, \"bbox\": [0, 0, 2, 2]},"
    "{\"id\": 2, \"image_id\": 7, \"iscrowd\": 1, \"num_keypoints\": 3, \"bbox\": [0, 0, 2, 2]},"
    "{\"id\": 3, \"image_id\": 3, \"iscrowd\": 0, \"num_keypoints\": 0, \"bbox\": [0, 0, 2, 2]},"
    "{\"id\": 4, \"image_id\": 9, \"iscrowd\": 0, \"num_keypoints\": 1, \"bbox\": [0, 0, 2, 2]}]}";

START_TEST(coco_parts_are_annotation_files_of_their_own)
{
	struct oqz_arena *a = oqz_arena_new();
	struct oqz_split_item *items = NULL;
	struct oqz_split_options opt = { .n_calib = 1, .n_test = 1, .seed = 42 };
	const char *dir = test_tmpdir("split"), *path = oqz_arena_printf(a, "%s/in.json", dir);
	int annotations = 0;
	json_error_t e;
	size_t n = 0;

	ck_ok(oqz_file_write(path, coco, strlen(coco), err));
	ck_ok(oqz_split_coco(path, OQZ_SPLIT_PERSON_IMAGES, a, &items, &n, err));
	ck_assert_uint_eq(n, 2); /* b.jpg has no person to evaluate */
	ck_ok(oqz_split_draw(items, n, &opt, err));
	ck_ok(oqz_split_coco_write(path, OQZ_SPLIT_PERSON_IMAGES, items, n, dir, err));
	for (int part = 0; part < 2; part++) {
		json_t *o = json_load_file(
		    oqz_arena_printf(a, "%s/%s/PersonAnnotation.json", dir, part ? "test" : "calib"), 0, &e);
		ck_assert_msg(o != NULL, "%s", e.text);
		ck_assert_uint_eq(json_array_size(json_object_get(o, "images")), 1);
		ck_assert_uint_eq(json_array_size(json_object_get(o, "categories")), 2);
		annotations += (int)json_array_size(json_object_get(o, "annotations"));
		json_decref(o);
	}
	ck_assert_int_eq(annotations, 2); /* the crowd is left out */
	ck_fails(oqz_split_coco("/nonexistent.json", OQZ_SPLIT_IMAGES, a, &items, &n, err), OQZ_E_NOENT, "nonexistent");
	oqz_arena_free(a);
}
END_TEST

OQZ_TEST_MAIN("split", keys_are_those_of_the_definition, imagenet_split_is_the_golden_one,
              draw_refuses_too_few_and_twins, stratified_draw_takes_the_same_from_every_class,
              coco_parts_are_annotation_files_of_their_own)
