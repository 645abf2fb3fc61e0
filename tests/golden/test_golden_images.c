/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures and tensors of the original programs, number by number: what the checksums of tests/unit only say as a
 * whole. torchvision's crops and normalised tensors, mmpose's person crops, PaddleOCR's lines, mmcv's normalisation,
 * the luma of BasicSR. Skipped where the material is not present.
 */
#include "core/tensor/npy.h"
#include "tests/unit/image_cases.h"

/* A list of steps over an image below golden/metrics. */
struct run {
	struct oqz_prepare *list;
	struct oqz_preparer *worker;
	struct oqz_view view;
	struct oqz_geometry g;
};

static void run_open(struct run *r, const char *steps, const char *file, const double *box)
{
	*r = (struct run) { 0 };
	ck_ok(prepare_from_text(steps, &r->list, err));
	r->worker = oqz_preparer_new(r->list, NULL);
	ck_assert_ptr_nonnull(r->worker);
	ck_ok(oqz_preparer_run(r->worker, shared_path("golden/metrics/%s", file), box, &r->view, &r->g, err));
}

static void run_close(struct run *r)
{
	oqz_preparer_free(r->worker);
	oqz_prepare_free(r->list);
}

static struct oqz_tensor array(const char *relative)
{
	struct oqz_tensor t = { 0 };

	ck_ok(oqz_npy_read(shared_path("golden/metrics/%s", relative), &t, err));
	return t;
}

/* The view is this picture, level by level; `bgr`: of channels in the other order. */
static void ck_picture(const struct run *r, const char *png, bool bgr)
{
	struct oqz_image img = { 0 };

	case_image(png, &img);
	ck_assert_int_eq(r->view.shape.dim[2], img.height);
	ck_assert_int_eq(r->view.shape.dim[3], img.width);
	int64_t plane = (int64_t)img.height * img.width;
	for (int64_t i = 0; i < 3 * plane; i++) {
		int64_t c = bgr ? 2 - i % 3 : i % 3;
		float got = ((const float *)r->view.data)[c * plane + i / 3];
		ck_assert_msg(got == img.data[i], "%s: sample %lld is %g, not %d", png, (long long)i, (double)got,
		              img.data[i]);
	}
	oqz_image_release(&img);
}

/* The view, or its top left corner where the array is smaller, is this (3, h, w) array, bit by bit. */
static void ck_array(const struct run *r, const char *npy)
{
	struct oqz_tensor want = array(npy);
	const int64_t h = want.shape.dim[1], w = want.shape.dim[2], height = r->view.shape.dim[2],
	              width = r->view.shape.dim[3];

	ck_assert(want.shape.rank == 3 && want.shape.dim[0] == 3 && h <= height && w <= width);
	for (int64_t i = 0; i < 3 * h * w; i++) {
		float got = ((const float *)r->view.data)[(i / (h * w) * height + i / w % h) * width + i % w];
		ck_assert_msg(got == ((const float *)want.data)[i], "%s: element %lld is %.9g, not %.9g", npy,
		              (long long)i, (double)got, (double)((const float *)want.data)[i]);
	}
	oqz_tensor_release(&want);
}

START_TEST(crops_are_torchvision)
{
	json_t *j = cases_load("classification/torchvision_transforms.json"), *c;
	size_t i, seen = 0;

	json_array_foreach(json_object_get(j, "cases"), i, c)
	{
		char steps[200];
		struct run r;
		if (!case_text(c, "crop_png") || !shared_path("golden/metrics/%s", case_text(c, "crop_png")))
			continue;
		snprintf(steps, sizeof steps, "resize short=%d filter=pil-%s;center-crop size=%d",
		         case_int(c, "resize"), case_text(c, "interp"), case_int(c, "crop"));
		run_open(&r, steps, case_text(c, "file"), NULL);
		ck_picture(&r, case_text(c, "crop_png"), false);
		run_close(&r);
		seen++;
	}
	ck_assert_uint_ge(seen, 3);
	json_decref(j);
}
END_TEST

START_TEST(normalised_images_are_torchvision)
{
	struct run r;

	run_open(&r,
	         "resize short=256 filter=pil-bilinear;center-crop size=224;normalize mean=0.485:0.456:0.406 "
	         "std=0.229:0.224:0.225",
	         "images/n01871265_tusker.JPEG", NULL);
	ck_array(&r, "classification/norm_n01871265_tusker_f32.npy");
	run_close(&r);
}
END_TEST

START_TEST(person_crops_are_mmpose)
{
	json_t *j = cases_load("pose/topdown_affine.json"), *c;
	size_t i, seen = 0;

	json_array_foreach(json_object_get(j, "cases"), i, c)
	{
		json_t *xywh = json_object_get(c, "bbox_xywh"), *size = json_object_get(c, "input_size_wh");
		double box[4];
		char steps[200];
		struct run r;
		if (!case_text(c, "png") || json_is_true(json_object_get(c, "udp")))
			continue;
		for (size_t k = 0; k < 4; k++)
			box[k] = json_number_value(json_array_get(xywh, k)) +
			         (k < 2 ? 0 : json_number_value(json_array_get(xywh, k - 2)));
		snprintf(steps, sizeof steps, "affine size=%d:%d padding=1.25",
		         (int)json_integer_value(json_array_get(size, 0)),
		         (int)json_integer_value(json_array_get(size, 1)));
		run_open(&r, steps, case_text(c, "img"), box);
		ck_picture(&r, case_text(c, "png"), false);
		run_close(&r);
		seen++;
	}
	ck_assert_uint_ge(seen, 6);
	json_decref(j);
}
END_TEST

START_TEST(lines_are_paddleocr)
{
	for (int word = 1; word <= 4; word += 3) {
		char png[40], npy[40];
		struct run r;
		snprintf(png, sizeof png, "ocr/word_%d.png", word);
		snprintf(npy, sizeof npy, "ocr/word_%d_32x320.npy", word);
		run_open(&r,
		         "resize height=32 max_width=320 filter=cv2-linear;color order=bgr;normalize mean=0.5 std=0.5;"
		         "pad size=320:32",
		         png, NULL);
		ck_array(&r, npy);
		run_close(&r);
	}
}
END_TEST

/* mmcv multiplies by 1 / std, in double; for these constants that is the division. */
START_TEST(normalisation_is_mmcv)
{
	struct oqz_tensor want = array("segmentation/imnormalize_tusker_hwc_rgb_f32.npy");
	const int64_t h = want.shape.dim[0], w = want.shape.dim[1];
	struct run r;

	run_open(&r, "normalize scale=1 mean=123.675:116.28:103.53 std=58.395:57.12:57.375",
	         "images/n01871265_tusker.JPEG", NULL);
	const int64_t height = r.view.shape.dim[2], width = r.view.shape.dim[3];
	for (int64_t i = 0; i < 3 * h * w; i++) {
		float got = ((const float *)r.view.data)[(i % 3 * height + i / 3 / w) * width + i / 3 % w];
		ck_assert_msg(got == ((const float *)want.data)[i], "element %lld is %.9g, not %.9g", (long long)i,
		              (double)got, (double)((const float *)want.data)[i]);
	}
	run_close(&r);
	oqz_tensor_release(&want);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { crops_are_torchvision, normalised_images_are_torchvision,
		                       person_crops_are_mmpose, lines_are_paddleocr, normalisation_is_mmcv };

	shared_require("golden/metrics/classification/torchvision_transforms.json");
	return oqz_test_run("golden images", tests, OQZ_COUNTOF(tests));
}
