/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of the original programs that whole pipelines must give: normalisation of every byte, Cityscapes' label ids,
 * splits of the zoo's data sets, lines of PaddleOCR label files. Skipped where the material is not present.
 */
#include "tests/support/task_bench.h"
#include "core/base/file.h"
#include "core/run/prepare_spec.h"
#include "core/split/split.h"
#include "core/tensor/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *load(const char *relative)
{
	json_t *j = json_load_file(shared_path("golden/metrics/%s", relative), 0, NULL);

	ck_assert_msg(j != NULL, "%s does not load", relative);
	return j;
}

static struct oqz_tensor array(const char *relative)
{
	struct oqz_tensor t = { 0 };

	ck_ok(oqz_npy_read(shared_path("golden/metrics/%s", relative), &t, err));
	return t;
}

/* A picture whose pixel i is (i, i, i), prepared by a list of steps; (3, 256) floats. */
static void ramp(const char *steps, float ret[3 * 256])
{
	const char *root = test_tmpdir("tables");
	struct oqz_prepare *p = NULL;
	struct oqz_image img = { 0 };
	struct oqz_geometry g;
	struct oqz_view view;
	char path[600];

	test_write_text(root, "steps.yaml", steps);
	snprintf(path, sizeof path, "%s/steps.yaml", root);
	ck_ok(oqz_prepare_from_name(path, &p, err));
	ck_ok(oqz_image_reserve(&img, 256, 1, 3, err));
	for (int i = 0; i < 768; i++)
		img.data[i] = (uint8_t)(i / 3);
	struct oqz_preparer *w = oqz_preparer_new(p, NULL);
	ck_ok(oqz_preparer_run_image(w, &img, "ramp", NULL, &view, &g, err));
	ck_assert_int_eq(view.shape.dim[3], 256);
	memcpy(ret, view.data, 3 * 256 * sizeof *ret);
	oqz_preparer_free(w);
	oqz_image_release(&img);
	oqz_prepare_free(p);
}

START_TEST(every_byte_is_normalised_as_torchvision_does)
{
	struct oqz_tensor want = array("classification/normalize_lut_f32.npy");
	float got[3 * 256];

	ramp("steps: [{normalize: {scale: 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}}]\n", got);
	ck_assert_mem_eq(got, want.data, sizeof got);
	oqz_tensor_release(&want);
}
END_TEST

START_TEST(every_byte_is_normalised_as_mmcv_does)
{
	struct oqz_tensor want = array("segmentation/imnormalize_lut_256x3_f32.npy");
	float got[3 * 256];

	ramp("steps: [{normalize: {scale: 1, mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375]}}]\n", got);
	for (int i = 0; i < 256; i++)
		for (int c = 0; c < 3; c++)
			ck_assert_float_eq(got[c * 256 + i], ((float *)want.data)[i * 3 + c]);
	oqz_tensor_release(&want);
}
END_TEST

/* A label map with every code once, and a model that says for every pixel what the table says: all of its classes are
 * hit, all other codes are ignored. */
START_TEST(label_ids_are_those_of_cityscapes)
{
	struct oqz_tensor table = array("segmentation/labelid_to_trainid_u8.npy");
	const char *root = test_tmpdir("labelids");
	static const struct oqz_geometry g = { 16, 16, 16, 16, 1, 1, 0, 0 };
	struct oqz_output o = { "map", { OQZ_DT_U8, { 3, { 1, 16, 16 } }, table.data } };
	struct task_bench b;
	uint8_t codes[256];

	for (int i = 0; i < 256; i++)
		codes[i] = (uint8_t)i;
	test_write_png(root, "gtFine/val/x/a_gtFine_labelIds.png", codes, 16, 16, 1);
	test_write_text(root, "leftImg8bit/val/x/a_leftImg8bit.png", "never read by the task");
	ck_ok(task_bench_open(&b, "segmentation", root, "", "root=@", err));
	ck_ok(task_bench_score(&b, 0, &o, 1, &g, err));
	ck_ok(task_bench_finish(&b, 1, err));
	ck_assert_double_eq(task_bench_value(&b, "miou"), 1);
	ck_assert_double_eq(task_bench_value(&b, "pixel_accuracy"), 1);
	ck_assert_double_eq(task_bench_value(&b, "iou_bicycle"), 1);
	task_bench_close(&b);
	oqz_tensor_release(&table);
}
END_TEST

static uint64_t number(const json_t *v)
{
	return json_is_string(v) ? strtoull(json_string_value(v), NULL, 10) : (uint64_t)json_integer_value(v);
}

START_TEST(split_keys_are_the_golden_ones)
{
	json_t *j = load("split/split.json"), *row;
	size_t i;

	json_array_foreach(json_object_get(j, "mix"), i, row)
	    ck_assert(oqz_split_mix(number(json_array_get(row, 0))) == number(json_array_get(row, 1)));
	json_array_foreach(json_object_get(j, "fnv1a64"), i, row)
	    ck_assert(oqz_split_fnv(json_string_value(json_array_get(row, 0))) == number(json_array_get(row, 1)));
	json_array_foreach(json_object_get(j, "key"), i, row)
	    ck_assert(oqz_split_key(json_string_value(json_array_get(row, 0)), number(json_array_get(row, 1))) ==
	              number(json_array_get(row, 2)));
	ck_assert_uint_gt(i, 3);
	json_decref(j);
}
END_TEST

/* The lines that are one image each; the one that is a list of images is refused by name. */
START_TEST(label_lines_are_read_as_paddleocr_does)
{
	json_t *want = load("ocr/rec_gt_sample_parsed.json"), *row;
	const char *root = test_tmpdir("labels");
	float scores[2 * 37] = { 1 };
	struct oqz_output o = { "scores", { OQZ_DT_F32, { 3, { 1, 2, 37 } }, scores } };
	static const struct oqz_geometry g = { 100, 32, 320, 32, 1, 1, 0, 0 };
	struct task_bench b;
	char *text, seen[500], expected[500];
	size_t size, i;

	scores[37] = 1; /* blank twice: the empty text */
	ck_ok(oqz_file_read(shared_path("golden/metrics/ocr/rec_gt_sample.txt"), 1 << 20, &text, &size, err));
	test_write_file(root, "all.txt", text, size);
	char *list = strstr(text, "[\"");
	ck_assert_ptr_nonnull(list);
	test_write_file(root, "some.txt", text, (size_t)(list - text));
	ck_fails(task_bench_open(&b, "ocr", root, "", "root=@,list=@/all.txt", err), OQZ_E_UNSUPPORTED,
	         "a list of images");
	task_bench_close(&b);
	ck_ok(task_bench_open(&b, "ocr", root, "ignore_space=false", "root=@,list=@/some.txt", err));
	ck_assert_uint_eq(b.items.items.n, json_array_size(want) - 1);
	json_array_foreach(want, i, row)
	{
		if (i == b.items.items.n)
			break;
		ck_assert_str_eq(b.items.items.v[i].id, json_string_value(json_array_get(row, 0)));
		ck_ok(task_bench_score(&b, i, &o, 1, &g, err));
		struct oqz_record r = { b.records[i].s, b.records[i].len, b.items.items.v[i].tag };
		ck_ok(oqz_task_explain(b.task, &r, seen, sizeof seen, err));
		snprintf(expected, sizeof expected, "label '%s'", json_string_value(json_array_get(row, 1)));
		ck_assert_msg(strstr(seen, expected) != NULL, "%s lacks %s", seen, expected);
	}
	task_bench_close(&b);
	free(text);
	json_decref(want);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { every_byte_is_normalised_as_torchvision_does,
		                       every_byte_is_normalised_as_mmcv_does, label_ids_are_those_of_cityscapes,
		                       split_keys_are_the_golden_ones, label_lines_are_read_as_paddleocr_does };

	shared_require("golden/metrics/split/split.json");
	return oqz_test_run("golden tables", tests, OQZ_COUNTOF(tests));
}
