/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of steps: the golden chains of torchvision, the letterboxes, PaddleOCR and mmseg to the last bit; what is
 * refused; the presets that are shipped.
 */
#include "tests/unit/image_cases.h"
#include "core/base/str.h"
#include "core/image/resize.h"
#include "core/tensor/npy.h"

#include <math.h>
#include <yaml.h>

struct run {
	struct oqz_prepare *list;
	struct oqz_preparer *worker;
	struct oqz_view view;
	struct oqz_geometry g;
};

static void run_open(struct run *r, const char *steps)
{
	memset(r, 0, sizeof *r);
	ck_ok(prepare_from_text(steps, &r->list, err));
	r->worker = oqz_preparer_new(r->list, NULL);
	ck_assert_ptr_nonnull(r->worker);
}

static void run_close(struct run *r)
{
	oqz_preparer_free(r->worker);
	oqz_prepare_free(r->list);
}

static void run_golden(struct run *r, const char *file)
{
	ck_ok(oqz_preparer_run(r->worker, shared_path("golden/metrics/%s", file), NULL, &r->view, &r->g, err));
}

static uint32_t view_crc(const struct oqz_view *v)
{
	return test_crc32(v->data, (size_t)oqz_shape_nelem(&v->shape) * sizeof(float));
}

START_TEST(torchvision_chain_equals_golden)
{
	json_t *j = cases_load("classification/torchvision_transforms.json"), *c;
	size_t i;

	json_array_foreach(json_object_get(j, "cases"), i, c)
	{
		char steps[300];
		struct run r;
		int n = snprintf(steps, sizeof steps, "resize short=%d filter=pil-%s;center-crop size=%d;normalize",
		                 case_int(c, "resize"), case_text(c, "interp"), case_int(c, "crop"));
		run_open(&r, steps);
		run_golden(&r, case_text(c, "file"));
		ck_assert_msg(view_crc(&r.view) == case_crc(c, "totensor_crc32"), "case %zu: ToTensor", i);
		run_close(&r);
		snprintf(steps + n, sizeof steps - (size_t)n, " mean=0.485:0.456:0.406 std=0.229:0.224:0.225");
		run_open(&r, steps);
		run_golden(&r, case_text(c, "file"));
		ck_assert_msg(view_crc(&r.view) == case_crc(c, "normalized_crc32"), "case %zu: Normalize", i);
		run_close(&r);
	}
	json_array_foreach(json_object_get(j, "centercrop"), i, c)
	{
		struct run r;
		struct oqz_image img = { 0 };
		json_t *size = json_object_get(c, "in_size");
		ck_ok(oqz_image_reserve(&img, (int)json_integer_value(json_array_get(size, 0)),
		                        (int)json_integer_value(json_array_get(size, 1)), 3, err));
		for (size_t k = 0; k < oqz_image_bytes(&img); k++)
			img.data[k] = (uint8_t)(k * 7 % 251);
		run_open(&r, "center-crop size=224");
		ck_ok(oqz_preparer_run_image(r.worker, &img, "x", NULL, &r.view, &r.g, err));
		/* The golden sum is over bytes, interleaved. */
		uint8_t *bytes = malloc(224 * 224 * 3);
		for (size_t k = 0; k < 224 * 224; k++)
			for (size_t ch = 0; ch < 3; ch++)
				bytes[k * 3 + ch] = (uint8_t)((const float *)r.view.data)[ch * 224 * 224 + k];
		ck_assert_msg(test_crc32(bytes, 224 * 224 * 3) == case_crc(c, "crc32"), "centre crop %zu", i);
		free(bytes);
		oqz_image_release(&img);
		run_close(&r);
	}
	json_decref(j);
}
END_TEST

/* Bytes of a prepared image, interleaved, for sums over 8-bit results. */
static uint32_t bytes_crc(const struct oqz_view *v)
{
	size_t n = (size_t)(v->shape.dim[2] * v->shape.dim[3]);
	uint8_t *b = malloc(n * 3);

	for (size_t i = 0; i < n * 3; i++)
		b[i] = (uint8_t)((const float *)v->data)[i % 3 * n + i / 3];
	uint32_t crc = test_crc32(b, n * 3);
	free(b);
	return crc;
}

START_TEST(letterboxes_equal_golden)
{
	static const struct {
		const char *method, *steps;
	} rows[] = {
		{ "yolov5_auto0", "letterbox size=%d:%d;color order=bgr" },
		{ "yolov5_auto0_noscaleup", "letterbox size=%d:%d scale_up=false;color order=bgr" },
		{ "yolov5_auto1_stride32", "letterbox size=%d:%d stride=32;color order=bgr" },
		{ "yolov7", "letterbox size=%d:%d;color order=bgr" },
		{ "yolov6", "letterbox size=%d:%d;color order=bgr" },
		{ "yolox_preproc", "letterbox size=%d:%d mode=yolox;color order=bgr" },
		{ "mmyolo_keepratio_letterresize", "letterbox size=%d:%d mode=mmyolo;color order=bgr" },
		{ "quantzoo_resize_and_pad", "letterbox size=%d:%d mode=quantzoo fill=0;color order=bgr" },
	};
	json_t *j = cases_load("detection/letterbox.json"), *c;
	size_t i;

	json_array_foreach(json_object_get(j, "cases"), i, c)
	{
		json_t *hw = json_object_get(c, "target_hw");
		char steps[200];
		struct run r;
		size_t k = 0;
		while (k < OQZ_COUNTOF(rows) && strcmp(rows[k].method, case_text(c, "method")) != 0)
			k++;
		ck_assert_msg(k < OQZ_COUNTOF(rows), "unknown method %s", case_text(c, "method"));
		int h = (int)json_integer_value(json_array_get(hw, 0)),
		    w = (int)json_integer_value(json_array_get(hw, 1));
		snprintf(steps, sizeof steps, rows[k].steps, w, h);
		run_open(&r, steps);
		run_golden(&r, case_text(c, "file"));
		ck_assert_msg(bytes_crc(&r.view) == case_crc(c, "crc32"), "case %zu: %s of %s", i, rows[k].method,
		              case_text(c, "file"));
		json_t *sf = json_object_get(c, "scale_factor_wh"), *pad = json_object_get(c, "pad_tblr");
		json_t *ratio = json_object_get(c, "ratio");
		ck_assert_double_eq_tol(r.g.scale_x, json_number_value(sf ? json_array_get(sf, 0) : ratio), 1e-12);
		ck_assert_double_eq_tol(r.g.scale_y, json_number_value(sf ? json_array_get(sf, 1) : ratio), 1e-12);
		if (pad) {
			ck_assert_double_eq(r.g.offset_y, json_number_value(json_array_get(pad, 0)));
			ck_assert_double_eq(r.g.offset_x, json_number_value(json_array_get(pad, 2)));
		}
		run_close(&r);
	}
	ck_assert(!j || i > 50);
	json_decref(j);
}
END_TEST

START_TEST(ocr_lines_equal_golden)
{
	json_t *j = cases_load("ocr/resize_norm.json"), *c;
	size_t i;

	json_array_foreach(json_object_get(j, "cases"), i, c)
	{
		json_t *shape = json_object_get(c, "shape");
		int h = (int)json_integer_value(json_array_get(shape, 1)),
		    w = (int)json_integer_value(json_array_get(shape, 2));
		char steps[300];
		struct run r;
		snprintf(steps, sizeof steps,
		         "resize height=%d max_width=%d filter=cv2-linear;color order=bgr;normalize mean=0.5 "
		         "std=0.5;pad size=%d:%d",
		         h, w, w, h);
		run_open(&r, steps);
		run_golden(&r, case_text(c, "img"));
		ck_assert_msg(view_crc(&r.view) == case_crc(c, "crc32_f32"), "case %zu: %s", i, case_text(c, "img"));
		run_close(&r);
	}
	json_decref(j);
}
END_TEST

START_TEST(segmentation_normalize_equals_golden)
{
	struct oqz_tensor want = { 0 };
	struct run r;

	if (!shared_path("golden/metrics/segmentation/preprocessor_tusker_hwc_rgb_f32.npy"))
		return;
	const char *path = shared_path("golden/metrics/segmentation/preprocessor_tusker_hwc_rgb_f32.npy");
	ck_ok(oqz_npy_read(path, &want, err));
	run_open(&r, "normalize scale=1 mean=123.675:116.28:103.53 std=58.395:57.12:57.375");
	run_golden(&r, "images/n01871265_tusker.JPEG");
	size_t n = (size_t)(r.view.shape.dim[2] * r.view.shape.dim[3]), total = (size_t)oqz_tensor_nelem(&want);
	/* The golden array may be a part of the image: rows from the top. */
	ck_assert_uint_le(total, 3 * n);
	int64_t ww = want.shape.dim[1];
	for (size_t i = 0; i < total; i++) {
		size_t c = i % 3, x = i / 3 % (size_t)ww, y = i / 3 / (size_t)ww;
		float got = ((const float *)r.view.data)[c * n + y * (size_t)r.view.shape.dim[3] + x];
		ck_assert_msg(got == ((const float *)want.data)[i], "element %zu: %.9g, not %.9g", i, got,
		              ((const float *)want.data)[i]);
	}
	oqz_tensor_release(&want);
	run_close(&r);
}
END_TEST

START_TEST(normalize_is_three_float_operations)
{
	struct oqz_image img = { 0 };
	struct run r;

	ck_ok(oqz_image_reserve(&img, 256, 1, 3, err));
	for (int i = 0; i < 768; i++)
		img.data[i] = (uint8_t)(i / 3);
	run_open(&r, "normalize scale=127.5 mean=1");
	ck_ok(oqz_preparer_run_image(r.worker, &img, "x", NULL, &r.view, &r.g, err));
	for (int i = 0; i < 768; i++) {
		volatile float q = (float)(i % 256) / 127.5f;
		ck_assert(((const float *)r.view.data)[i] == q - 1.0f);
	}
	run_close(&r);
	run_open(&r, "color order=y;normalize mean=0.25 std=2");
	ck_ok(oqz_preparer_run_image(r.worker, &img, "x", NULL, &r.view, &r.g, err));
	ck_assert_int_eq((int)r.view.shape.dim[1], 1);
	for (int i = 0; i < 256; i++) {
		volatile float q = (float)i / 255.0f, d = q - 0.25f;
		ck_assert(((const float *)r.view.data)[i] == d / 2.0f);
	}
	run_close(&r);
	oqz_image_release(&img);
}
END_TEST

START_TEST(geometry_maps_image_to_net)
{
	struct oqz_image img = { 0 };
	struct run r;

	image_generate(&img, 200, 100, 3);
	run_open(&r, "resize short=50;center-crop size=40");
	ck_ok(oqz_preparer_run_image(r.worker, &img, "x", NULL, &r.view, &r.g, err));
	ck_assert_int_eq(r.g.image_width, 200);
	ck_assert_int_eq(r.g.net_width, 40);
	ck_assert_double_eq(r.g.scale_x, 0.5);
	ck_assert_double_eq(r.g.offset_x, -30);
	ck_assert_double_eq(r.g.offset_y, -5);
	run_close(&r);
	/* A crop larger than the image: torchvision's zeros around it. */
	run_open(&r, "center-crop size=220:120");
	ck_ok(oqz_preparer_run_image(r.worker, &img, "x", NULL, &r.view, &r.g, err));
	ck_assert_double_eq(r.g.offset_x, 10);
	ck_assert(((const float *)r.view.data)[0] == 0);
	ck_assert(((const float *)r.view.data)[10 * 220 + 10] == img.data[0]);
	run_close(&r);
	run_open(&r, "affine size=48:64");
	const double box[4] = { 50, 20, 130, 90 };
	ck_ok(oqz_preparer_run_image(r.worker, &img, "x", box, &r.view, &r.g, err));
	ck_assert_double_eq_tol(90 * r.g.scale_x + r.g.offset_x, 24, 1e-3); /* centre goes to centre */
	ck_assert_double_eq_tol(55 * r.g.scale_y + r.g.offset_y, 32, 1e-3);
	run_close(&r);
	oqz_image_release(&img);
}
END_TEST

START_TEST(orientation_follows_exif)
{
	json_t *j = cases_load("jpeg_decode/manifest.json"), *c;
	struct run r;
	size_t i, turned = 0;

	json_array_foreach(json_object_get(j, "files"), i, c)
	{
		if (strstr(case_text(c, "file"), "cmyk")) /* OpenCV converts CMYK in another way */
			continue;
		run_open(&r, "orient exif=true");
		run_golden(&r, case_text(c, "file"));
		ck_assert_int_eq(r.g.image_width, case_int(c, "cv2_width"));
		ck_assert_msg(bytes_crc(&r.view) == case_crc(c, "cv2_rgb_crc32"), "%s", case_text(c, "file"));
		turned += case_int(c, "cv2_width") != case_int(c, "width");
		run_close(&r);
	}
	ck_assert(!j || turned == 1);
	json_decref(j);
	/* All eight, on a 3 x 2 image a b c / d e f: where the first sample of each result comes from. */
	static const char *const want[8] = { "abcdef", "cbafed", "fedcba", "defabc",
		                             "adbecf", "daebfc", "fcebda", "cfbead" };
	struct oqz_image img = { 0 };
	ck_ok(oqz_image_reserve(&img, 3, 2, 3, err));
	for (int k = 0; k < 18; k++)
		img.data[k] = (uint8_t)('a' + k / 3);
	for (int o = 1; o <= 8; o++) {
		img.orientation = o;
		run_open(&r, "orient exif=true");
		ck_ok(oqz_preparer_run_image(r.worker, &img, "x", NULL, &r.view, &r.g, err));
		ck_assert_int_eq(r.g.net_width, o > 4 ? 2 : 3);
		for (int k = 0; k < 6; k++)
			ck_assert_msg(((const float *)r.view.data)[k] == (float)want[o - 1][k],
			              "orientation %d, sample %d", o, k);
		run_close(&r);
	}
	oqz_image_release(&img);
}
END_TEST

START_TEST(two_workers_and_reused_buffers_agree)
{
	struct oqz_image a = { 0 }, b = { 0 };
	struct run r;
	struct oqz_view v2;
	struct oqz_geometry g2;

	image_generate(&a, 300, 200, 3);
	image_generate(&b, 91, 333, 3);
	run_open(&r, "letterbox size=64:96 mode=mmyolo;normalize;pad size=70:100 value=0.5");
	struct oqz_preparer *other = oqz_preparer_new(r.list, NULL);
	ck_ok(oqz_preparer_run_image(other, &b, "b", NULL, &v2, &g2, err));
	for (int i = 0; i < 3; i++) {
		ck_ok(oqz_preparer_run_image(r.worker, &a, "a", NULL, &r.view, &r.g, err));
		ck_ok(oqz_preparer_run_image(r.worker, &b, "b", NULL, &r.view, &r.g, err));
		ck_assert_uint_eq(view_crc(&r.view), view_crc(&v2));
	}
	oqz_preparer_free(other);
	run_close(&r);
	oqz_image_release(&a);
	oqz_image_release(&b);
}
END_TEST

START_TEST(wrong_lists_are_refused)
{
	struct oqz_prepare *p = NULL;

	ck_fails(prepare_from_text("resise short=3", &p, err), OQZ_E_USAGE, "did you mean \"resize\"");
	ck_fails(prepare_from_text("resize shot=3", &p, err), OQZ_E_USAGE, "shot");
	ck_fails(prepare_from_text("resize short=3 size=4", &p, err), OQZ_E_USAGE, "exactly one");
	ck_fails(prepare_from_text("normalize;resize short=3", &p, err), OQZ_E_USAGE, "before normalize");
	ck_fails(prepare_from_text("normalize;normalize", &p, err), OQZ_E_USAGE, "t.yaml:1:1");
	ck_fails(prepare_from_text("resize size=3;orient exif=true", &p, err), OQZ_E_USAGE, "first step");
	ck_fails(prepare_from_text("normalize mean=1:2", &p, err), OQZ_E_USAGE, "one per channel");
	ck_fails(prepare_from_text("normalize std=0", &p, err), OQZ_E_USAGE, "std");
	ck_fails(prepare_from_text("color order=y;color order=bgr", &p, err), OQZ_E_USAGE, "colours");
	ck_fails(prepare_from_text("center-crop", &p, err), OQZ_E_USAGE, "size");
	ck_fails(prepare_from_text("resize size=8 filter=bilinear", &p, err), OQZ_E_USAGE, "filter");
	ck_fails(prepare_from_text("pad size=8 value=0.5", &p, err), OQZ_E_USAGE, "whole number");
	ck_fails(prepare_from_text("letterbox size=8 mode=yolox stride=32", &p, err), OQZ_E_USAGE, "yolov5");
	ck_assert_ptr_null(p);
}
END_TEST

START_TEST(impossible_images_are_errors)
{
	struct oqz_image img = { 0 };
	struct run r;

	image_generate(&img, 3000, 1, 3);
	run_open(&r, "resize short=256");
	ck_fails(oqz_preparer_run_image(r.worker, &img, "flat.png", NULL, &r.view, &r.g, err), OQZ_E_LIMIT, "flat.png");
	run_close(&r);
	run_open(&r, "letterbox size=64 mode=yolox");
	ck_fails(oqz_preparer_run_image(r.worker, &img, "flat.png", NULL, &r.view, &r.g, err), OQZ_E_DATA, "no pixels");
	run_close(&r);
	run_open(&r, "pad size=64");
	ck_fails(oqz_preparer_run_image(r.worker, &img, "flat.png", NULL, &r.view, &r.g, err), OQZ_E_DATA, "3000 x 1");
	run_close(&r);
	oqz_image_release(&img);
}
END_TEST

START_TEST(lists_describe_themselves)
{
	struct oqz_str a = { 0 }, b = { 0 };
	struct run r, s;
	size_t n;
	const struct oqz_step_kind *const *steps = oqz_steps(&n);

	for (size_t i = 0; i < n; i++) {
		ck_assert(i == 0 || strcmp(steps[i - 1]->name, steps[i]->name) < 0);
		ck_assert_ptr_eq(oqz_step_find(steps[i]->name), steps[i]);
		bool main_exists = false;
		for (const struct oqz_param *p = steps[i]->params; p->name; p++)
			main_exists |= strcmp(p->name, steps[i]->main) == 0;
		ck_assert(main_exists);
	}
	ck_assert_ptr_null(oqz_step_find("nothing"));
	run_open(&r, "resize short=256;center-crop size=224;normalize");
	run_open(&s, "resize filter=pil-bilinear short=256;center-crop size=224;normalize scale=255");
	oqz_prepare_canonical(r.list, &a);
	oqz_prepare_canonical(s.list, &b);
	ck_assert_str_eq(oqz_str_get(&a), oqz_str_get(&b));
	struct oqz_shape shape = oqz_prepare_shape(r.list);
	ck_assert_int_eq((int)shape.dim[1], 3);
	ck_assert_int_eq((int)shape.dim[2], 224);
	run_close(&r);
	run_close(&s);
	oqz_str_release(&a);
	oqz_str_release(&b);
}
END_TEST

/* A small reader of `steps: [- name: {key: value | [list]} | value]`, enough for the presets; the program's own is in
 * core/manifest. */
static size_t preset_specs(yaml_document_t *doc, struct oqz_step_spec *specs, struct oqz_param_value *values,
                           const char **items)
{
	yaml_node_t *root = yaml_document_get_root_node(doc), *seq = NULL;
	size_t n = 0, nv = 0, ni = 0;

	for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++)
		if (strcmp((char *)yaml_document_get_node(doc, p->key)->data.scalar.value, "steps") == 0)
			seq = yaml_document_get_node(doc, p->value);
	ck_assert_ptr_nonnull(seq);
	for (yaml_node_item_t *it = seq->data.sequence.items.start; it < seq->data.sequence.items.top; it++) {
		yaml_node_t *step = yaml_document_get_node(doc, *it), *body;
		yaml_node_pair_t *only = step->data.mapping.pairs.start;
		struct oqz_step_spec *spec = &specs[n++];
		*spec = (struct oqz_step_spec) { (char *)yaml_document_get_node(doc, only->key)->data.scalar.value,
			                         values + nv, 0, NULL };
		body = yaml_document_get_node(doc, only->value);
		if (body->type != YAML_MAPPING_NODE) {
			const struct oqz_step_kind *info = oqz_step_find(spec->name);
			items[ni] = (char *)body->data.scalar.value;
			values[nv++] = (struct oqz_param_value) { .key = info->main, .items = items + ni++, .n = 1 };
			spec->n = 1;
			continue;
		}
		for (yaml_node_pair_t *p = body->data.mapping.pairs.start; p < body->data.mapping.pairs.top;
		     p++, spec->n++) {
			yaml_node_t *v = yaml_document_get_node(doc, p->value);
			struct oqz_param_value *out = &values[nv++];
			*out = (struct oqz_param_value) {
				.key = (char *)yaml_document_get_node(doc, p->key)->data.scalar.value,
				.items = items + ni
			};
			out->is_list = v->type == YAML_SEQUENCE_NODE;
			if (!out->is_list)
				items[ni++] = (char *)v->data.scalar.value, out->n = 1;
			else
				for (yaml_node_item_t *e = v->data.sequence.items.start; e < v->data.sequence.items.top;
				     e++, out->n++)
					items[ni++] = (char *)yaml_document_get_node(doc, *e)->data.scalar.value;
		}
	}
	return n;
}

START_TEST(presets_are_valid)
{
	static const struct {
		const char *name;
		int c, h, w;
	} presets[] = {
		{ "imagenet-256-224-bilinear", 3, 224, 224 },
		{ "imagenet-232-224-bilinear", 3, 224, 224 },
		{ "imagenet-256-224-bicubic", 3, 224, 224 },
		{ "imagenet-256-240-bicubic", 3, 240, 240 },
		{ "imagenet-384-384-bilinear", 3, 384, 384 },
		{ "mobilenet-tf", 3, 224, 224 },
		{ "squeezenet", 3, 224, 224 },
		{ "cityscapes", 3, -1, -1 },
		{ "yolov5-640", 3, 640, 640 },
		{ "yolox-640", 3, 640, 640 },
		{ "mmyolo-640", 3, 640, 640 },
		{ "quantzoo-640", 3, 640, 640 },
		{ "ppocr-32-320", 3, 32, 320 },
		{ "ppocr-48-320", 3, 48, 320 },
		{ "mmpose-192-256", 3, 256, 192 },
		{ "superres-rgb", 3, -1, -1 },
		{ "superres-y", 1, -1, -1 },
	};
	const char *top = getenv("top_srcdir");

	for (size_t i = 0; i < OQZ_COUNTOF(presets); i++) {
		char path[600];
		struct oqz_step_spec specs[16];
		struct oqz_param_value values[64];
		const char *items[200];
		struct oqz_prepare *p = NULL;
		yaml_parser_t parser;
		yaml_document_t doc;
		snprintf(path, sizeof path, "%s/etc/presets/%s.yaml", top ? top : "..", presets[i].name);
		FILE *f = fopen(path, "r");
		ck_assert_msg(f != NULL, "%s is missing", path);
		yaml_parser_initialize(&parser);
		yaml_parser_set_input_file(&parser, f);
		ck_assert_msg(yaml_parser_load(&parser, &doc), "%s: %s", path, parser.problem);
		size_t n = preset_specs(&doc, specs, values, items);
		ck_ok(oqz_prepare_new(specs, n, presets[i].name, &p, err));
		struct oqz_shape s = oqz_prepare_shape(p);
		ck_assert_msg(s.dim[1] == presets[i].c && s.dim[2] == presets[i].h && s.dim[3] == presets[i].w,
		              "%s: %d %d %d", path, (int)s.dim[1], (int)s.dim[2], (int)s.dim[3]);
		oqz_prepare_free(p);
		yaml_document_delete(&doc);
		yaml_parser_delete(&parser);
		fclose(f);
	}
}
END_TEST

OQZ_TEST_MAIN("preprocess", torchvision_chain_equals_golden, letterboxes_equal_golden, ocr_lines_equal_golden,
              segmentation_normalize_equals_golden, normalize_is_three_float_operations, geometry_maps_image_to_net,
              orientation_follows_exif, two_workers_and_reused_buffers_agree, wrong_lists_are_refused,
              impossible_images_are_errors, lists_describe_themselves, presets_are_valid)
