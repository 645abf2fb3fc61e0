/* SPDX-License-Identifier: Apache-2.0
 *
 * Task segmentation: resized logits against torch, IoU against cityscapesScripts, and the built plugin on generated
 * data: label codes, layouts, class maps, what is refused.
 */
#include "tests/support/task_bench.h"
#include "core/image/image.h"
#include "core/tensor/npy.h"
#include "tasks/segmentation/segmentation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------------------------------------------- goldens */

static void resize_case(const struct oqz_tensor *in, int h, int w, int align)
{
	struct upsampler u = { .logits = in->data, .channels = 5, .height = 9, .width = 13 };
	struct oqz_tensor want = { 0 };
	struct oqz_image classes = { 0 };
	float *row = malloc((size_t)w * sizeof *row);
	uint16_t *found = malloc((size_t)w * sizeof *found);

	ck_ok(oqz_npy_read(shared_path("golden/metrics/segmentation/resize_%dx%d_ac%d.npy", h, w, align), &want, err));
	ck_ok(oqz_image_load(shared_path("golden/metrics/segmentation/argmax_%dx%d_ac%d.png", h, w, align),
	                     OQZ_IMAGE_CODES, NULL, &classes, err));
	u.out_width = w;
	u.out_height = h;
	u.align_corners = align;
	void *memory = malloc(upsampler_bytes(&u));
	upsampler_init(&u, memory);
	for (int y = 0; y < h; y++) {
		for (int c = 0; c < 5; c++) {
			upsampler_values(&u, c, y, row);
			for (int x = 0; x < w; x++)
				ck_assert_double_eq_tol(row[x], ((const float *)want.data)[(c * h + y) * w + x], 8e-6);
		}
		ck_assert_int_eq(upsampler_classes(&u, y, found), 0);
		for (int x = 0; x < w; x++)
			ck_assert_int_eq(found[x], classes.data[y * w + x]);
	}
	free(memory);
	free(row);
	free(found);
	oqz_image_release(&classes);
	oqz_tensor_release(&want);
}

/* Values and classes of every row by the formula, number by number. */
static void classes_case(int64_t height, int64_t width, int64_t out_height, int64_t out_width, bool align)
{
	enum { CHANNELS = 7 };
	int64_t n = CHANNELS * height * width, expected_nan, got_nan = 0, nan = 0;
	float *logits = malloc((size_t)n * sizeof *logits), *row = malloc((size_t)out_width * sizeof *row);
	uint16_t *found = malloc((size_t)out_width * sizeof *found);
	struct upsampler u = { .logits = logits,
		               .channels = CHANNELS,
		               .height = height,
		               .width = width,
		               .out_height = out_height,
		               .out_width = out_width,
		               .align_corners = align };

	for (int64_t i = 0; i < n; i++) /* few different numbers, so that there are ties; a NaN now and then */
		logits[i] = i % 97 == 5 ? NAN : (float)(i * 7919 % 31) / 8 - 2;
	void *memory = malloc(upsampler_bytes(&u));
	upsampler_init(&u, memory);
	for (int64_t y = 0; y < out_height; y++) {
		expected_nan = 0;
		got_nan = upsampler_classes(&u, y, found);
		nan += got_nan;
		for (int64_t x = 0; x < out_width; x++) {
			float most = -INFINITY;
			uint16_t class = 0;
			for (int64_t c = 0; c < CHANNELS; c++) {
				upsampler_values(&u, c, y, row);
				expected_nan += row[x] != row[x];
				class = row[x] > most ? (uint16_t)c : class;
				most = row[x] > most ? row[x] : most;
			}
			ck_assert_int_eq(found[x], class);
			if (width == out_width && height == out_height && most > -INFINITY)
				ck_assert(most == logits[(class * height + y) * width + x]);
		}
		ck_assert_int_eq(got_nan, expected_nan);
	}
	ck_assert_int_gt(nan, 0);
	free(memory);
	free(logits);
	free(row);
	free(found);
}

/* Rows longer than the blocks that they are worked on in; logits that are as large as the labels. */
START_TEST(classes_are_those_of_the_largest_value)
{
	classes_case(3, 40, 7, 1100, false);
	classes_case(4, 33, 6, 600, true);
	classes_case(5, 530, 5, 530, false);
	classes_case(3, 520, 8, 520, true);
	classes_case(6, 40, 3, 20, false);
}
END_TEST

START_TEST(logits_are_resized_as_torch_does)
{
	static const int sizes[][2] = { { 17, 25 }, { 36, 52 }, { 5, 7 }, { 9, 13 } };
	struct oqz_tensor in = { 0 };

	if (!shared_path("golden/metrics/segmentation/logits_1x5x9x13.npy")) {
		printf("skipped: no golden numbers\n");
		return;
	}
	ck_ok(oqz_npy_read(shared_path("golden/metrics/segmentation/logits_1x5x9x13.npy"), &in, err));
	for (int i = 0; i < 8; i++)
		resize_case(&in, sizes[i / 2][0], sizes[i / 2][1], i % 2);
	oqz_tensor_release(&in);
}
END_TEST

/* Four pairs of label maps in labelIds, the second made from the first: the predictions are handed over as a map of
 * classes. */
START_TEST(iou_is_that_of_cityscapesscripts)
{
	static const int trainid[34] = { [7] = 1,   [8] = 2,   [11] = 3,  [12] = 4,  [13] = 5,  [17] = 6,  [19] = 7,
		                         [20] = 8,  [21] = 9,  [22] = 10, [23] = 11, [24] = 12, [25] = 13, [26] = 14,
		                         [27] = 15, [28] = 16, [31] = 17, [32] = 18, [33] = 19 };
	const char *root = test_tmpdir("segmentation-golden");
	struct oqz_image img = { 0 };
	struct task_bench b;
	static int64_t map[200 * 200];

	if (!shared_path("golden/metrics/segmentation/cityscapesscripts.json"))
		return;
	for (int i = 0; i < 4; i++) {
		char name[100];
		struct oqz_image_file file = { 0 };
		ck_ok(oqz_image_file_read(
		    &file, shared_path("golden/metrics/segmentation/aachen_00000%d_000019_gtFine_labelIds.png", i),
		    err));
		snprintf(name, sizeof name, "gtFine/val/aachen/aachen_00000%d_000019_gtFine_labelIds.png", i);
		test_write_file(root, name, file.data, file.size);
		snprintf(name, sizeof name, "leftImg8bit/val/aachen/aachen_00000%d_000019_leftImg8bit.png", i);
		test_write_text(root, name, "not read by the task");
		oqz_image_file_release(&file);
	}
	ck_ok(task_bench_open(&b, "segmentation", root, "", "root=@", err));
	ck_assert_uint_eq(b.items.items.n, 4);
	for (size_t i = 0; i < 4; i++) {
		ck_ok(oqz_image_load(
		    shared_path("golden/metrics/segmentation/aachen_00000%zu_000019_pred_labelIds.png", i),
		    OQZ_IMAGE_CODES, NULL, &img, err));
		for (int k = 0; k < img.width * img.height; k++)
			map[k] = trainid[img.data[k]] - 1;
		const struct oqz_output o = { "map", { OQZ_DT_I64, { 3, { 1, img.height, img.width } }, map } };
		const struct oqz_geometry g = { img.width, img.height, img.width, img.height, 1, 1, 0, 0 };
		ck_ok(task_bench_score(&b, i, &o, 1, &g, err));
	}
	ck_ok(task_bench_finish(&b, 4, err));
	ck_assert_double_eq_tol(task_bench_value(&b, "miou"), 0.5130803648363893, 1e-12);
	task_bench_close(&b);
	oqz_image_release(&img);
}
END_TEST

/* -------------------------------------------------------------------------------------------------- matrices */

START_TEST(matrices_are_counted_by_hand)
{
	/* 3 classes; the fourth column is no class. Class 2 does not occur. */
	uint64_t n[12] = { 5, 1, 0, 2, 300, 40, 0, 0, 0, 0, 0, 0 }, m[12] = { 0 };
	struct confusion c = { 3, n }, d = { 3, m };
	unsigned char packed[64];
	const unsigned char one_group[3] = { 0, 0, 0 };

	ck_assert_double_eq(confusion_iou(&c, 0), 5.0 / (5 + 1 + 2 + 300));
	ck_assert_double_eq(confusion_iou(&c, 1), 40.0 / 341);
	ck_assert_double_eq(confusion_iou(&c, 2), -1);
	ck_assert_double_eq(confusion_recall(&c, 0), 5.0 / 8);
	ck_assert_double_eq(confusion_group_iou(&c, one_group, 0), 346.0 / 348);
	ck_assert_uint_eq(confusion_total(&c), 348);
	ck_assert_uint_eq(confusion_correct(&c), 45);
	size_t size = confusion_pack(&c, packed);
	ck_assert_uint_eq(size, 11); /* five cells; 300 takes two bytes */
	ck_assert(confusion_add_packed(&d, packed, size));
	ck_assert_mem_eq(n, m, sizeof n);
	ck_assert(!confusion_add_packed(&d, packed, size - 1));
	packed[0] = 12;
	ck_assert(!confusion_add_packed(&d, packed, size));
}
END_TEST

/* -------------------------------------------------------------------------------------------------- the plugin */

enum { W = 4, H = 2 };
static const struct oqz_geometry plain = { W, H, W, H, 1, 1, 0, 0 };

static const char *voc(const char *name, const uint8_t *codes)
{
	const char *root = test_tmpdir(name);

	test_write_png(root, "labels/a.png", codes, W, H, 1);
	test_write_text(root, "images/a.jpg", "not read by the task");
	test_write_text(root, "images/unlabelled.jpg", "not read by the task");
	test_write_text(root, "val.txt", "a\r\n");
	return root;
}

#define VOC "reader=pairs,root=@/images,labels=@/labels,list=@/val.txt,image_suffix=.jpg,codes=from-zero"

START_TEST(logits_become_classes)
{
	const uint8_t codes[W * H] = { 0, 1, 2, 255, 0, 1, 2, 0 };
	const char *root = voc("segmentation-logits", codes);
	float x[4 * W * H] = { 0 };
	struct oqz_output o = { "y", { OQZ_DT_F32, { 4, { 1, 3, H, W } }, x } };
	struct task_bench b;

	for (int i = 0; i < W * H; i++)
		x[(codes[i] % 255) * W * H + i] = 1;
	ck_ok(task_bench_open(&b, "segmentation", root, "classes=3", VOC, err));
	ck_assert_str_eq(b.items.items.v[0].id, "a.jpg");
	ck_ok(task_bench_score(&b, 0, &o, 1, &plain, err));
	ck_ok(task_bench_finish(&b, 1, err));
	ck_assert_double_eq(task_bench_value(&b, "miou"), 1);
	/* The first pixel ties between 0 and 1 and stays 0; the last becomes NaN in its own class. */
	x[W * H] = 1;
	x[7] = NAN;
	ck_ok(task_bench_score(&b, 0, &o, 1, &plain, err));
	ck_ok(task_bench_finish(&b, 1, err));
	ck_assert_double_eq(task_bench_value(&b, "pixel_accuracy"), 6.0 / 7);
	ck_assert_double_eq(task_bench_value(&b, "nan_values"), 1);
	ck_assert_double_eq(task_bench_value(&b, "iou_0"), 2.0 / 3);
	o.view.shape.dim[1] = 4;
	ck_fails(task_bench_score(&b, 0, &o, 1, &plain, err), OQZ_E_MISMATCH, "4 channels for 3 classes");
	struct oqz_geometry padded = plain;
	padded.net_width = 9;
	o.view.shape.dim[1] = 3;
	ck_fails(task_bench_score(&b, 0, &o, 1, &padded, err), OQZ_E_UNSUPPORTED, "padded or cut");
	padded.image_width = 5;
	ck_fails(task_bench_score(&b, 0, &o, 1, &padded, err), OQZ_E_DATA, "the labels are 4 x 2, the image 5 x 2");
	task_bench_close(&b);
}
END_TEST

START_TEST(maps_of_classes_must_fit)
{
	const uint8_t codes[W * H] = { 0, 1, 2, 3, 0, 1, 2, 3 };
	const char *root = voc("segmentation-map", codes);
	const int32_t map[W * H] = { 9, 0, 1, 2, -1, 0, 1, 2 };
	struct oqz_output o = { "y", { OQZ_DT_I32, { 4, { 1, 1, H, W } }, map } };
	struct task_bench b;

	ck_ok(task_bench_open(&b, "segmentation", root, "classes=3",
	                      "reader=pairs,root=@/images,labels=@/labels,"
	                      "list=@/val.txt,image_suffix=.jpg,codes=from-one",
	                      err));
	ck_ok(task_bench_score(&b, 0, &o, 1, &plain, err));
	ck_ok(task_bench_finish(&b, 1, err));
	ck_assert_double_eq(task_bench_value(&b, "miou"), 1);
	o.view.shape = (struct oqz_shape) { 3, { 1, 1, W } };
	ck_fails(task_bench_score(&b, 0, &o, 1, &plain, err), OQZ_E_MISMATCH, "the model's classes are 4 x 1");
	task_bench_close(&b);
	/* 3 is no class when they count from 0. */
	o.view.shape = (struct oqz_shape) { 3, { 1, H, W } };
	ck_ok(task_bench_open(&b, "segmentation", root, "classes=3", VOC, err));
	ck_fails(task_bench_score(&b, 0, &o, 1, &plain, err), OQZ_E_DATA, "the label 3 is neither");
	task_bench_close(&b);
	ck_fails(task_bench_open(&b, "segmentation", root, "classes=3", "root=@", err), OQZ_E_USAGE, "have 19 classes");
	task_bench_close(&b);
	ck_fails(task_bench_open(&b, "segmentation", root, "", "root=@,reader=pairs", err), OQZ_E_USAGE, "'labels'");
	task_bench_close(&b);
}
END_TEST

static double judged(struct task_bench *b, const char *params, const char *truth, const char *found)
{
	struct oqz_figures f = { 0 };
	double v = -2;

	ck_ok(oqz_task_judge(b->module, &b->host, params, truth, found, &f, err));
	for (size_t i = 0; i < f.v.n; i++)
		if (strcmp(f.v.v[i].name, "miou") == 0)
			v = f.v.v[i].value;
	oqz_figures_release(&f);
	return v;
}

/* The same answer as labelIds and as trainIds: never the one taken for the other without a word. */
START_TEST(codes_of_predictions_are_told_by_their_names)
{
	const uint8_t truth[W * H] = { 7, 8, 26, 26, 23, 24, 0, 7 }, ids[W * H] = { 7, 8, 26, 7, 23, 24, 7, 7 },
	                        train[W * H] = { 0, 1, 13, 0, 10, 11, 0, 0 };
	const char *root = voc("segmentation-judge", truth);
	char t[600], a[600], b[600], c[600];
	struct task_bench bench;

	test_write_png(root, "truth/x_gtFine_labelIds.png", truth, W, H, 1);
	test_write_png(root, "ids/x_pred_labelIds.png", ids, W, H, 1);
	test_write_png(root, "train/x_pred_labelTrainIds.png", train, W, H, 1);
	test_write_png(root, "unnamed/x.png", train, W, H, 1);
	test_write_png(root, "train-truth/x_gtFine_labelTrainIds.png", train, W, H, 1);
	snprintf(t, sizeof t, "%s/truth", root);
	snprintf(a, sizeof a, "%s/ids", root);
	snprintf(b, sizeof b, "%s/train", root);
	snprintf(c, sizeof c, "%s/unnamed", root);
	ck_ok(task_bench_open(&bench, "segmentation", root, "", "root=@,reader=images", err));
	/* road 2 of 3, car 1 of 2, the others right */
	const double want = (2.0 / 3 + 0.5 + 3) / 5;
	ck_assert_double_eq_tol(judged(&bench, "", t, a), want, 1e-12);
	ck_assert_double_eq_tol(judged(&bench, "", t, b), want, 1e-12);
	ck_assert_double_eq_tol(judged(&bench, "prediction_codes=train-ids", t, c), want, 1e-12);
	ck_assert_int_eq(bench.logged, 0);
	ck_assert(judged(&bench, "", t, c) < 0.2);
	ck_assert_int_eq(bench.logged, 1);
	ck_assert_ptr_nonnull(strstr(bench.log, "prediction_codes=train-ids"));
	/* true maps of trainIds, too */
	snprintf(t, sizeof t, "%s/train-truth", root);
	ck_assert_double_eq(judged(&bench, "", t, b), 1);
	task_bench_close(&bench);
}
END_TEST

OQZ_TEST_MAIN("segmentation", classes_are_those_of_the_largest_value, logits_are_resized_as_torch_does,
              iou_is_that_of_cityscapesscripts, matrices_are_counted_by_hand, logits_become_classes,
              maps_of_classes_must_fit, codes_of_predictions_are_told_by_their_names)
