/* SPDX-License-Identifier: Apache-2.0
 *
 * make_quantzoo DIR: a stand-in for the unpacked archives of QuantZoo: the folders, file names and annotation formats
 * of the original with 50 tiny models (zoo_net.h) and a few generated pictures. Nothing in it means anything; it is for
 * running etc/quantzoo.yaml from end to end.
 */
#include "tests/zoo/zoo_net.h"
#include "core/base/file.h"
#include "core/base/rng.h"
#include "core/base/str.h"
#include "core/onnx/onnx.h"

#include <png.h>
#include <stdio.h>
/* jpeglib.h needs stdio.h before it */
#include <jpeglib.h>
#include <stdlib.h>
#include <string.h>

#define MNAS "/layers/layers.16/Relu_output_0"
#define V3 "/classifier/classifier.1/Mul_output_0"
#define PSP "/bottleneck/activate/Relu_output_0"
#define CONVS "/convs/convs.0/activate/Relu_output_0"
#define CONCAT "/Concat_4_output_0", "/Concat_5_output_0"
#define HEADS(i) "/baseModel/head_module/convs_pred." #i "/Conv_output_0"
#define PICTURE 224, 224
#define STREET 1024, 2048
#define FRAME 640, 640
#define PERSON 256, 192
enum { CLASSES_EN = 97, CLASSES_CH = 12 };

/* clang-format off */
static const struct zoo_model models[] = {
	{ "Imagenet/repvgg", ZOO_CLASSES, PICTURE, { "input.172" }, 0 },
	{ "Imagenet/efficientnet_v1_b0", ZOO_CLASSES, PICTURE, { "/features/features.8/features.8.2/Mul_output_0" }, 0 },
	{ "Imagenet/efficientnet_v1_b1", ZOO_CLASSES, PICTURE, { "/features/features.8/features.8.2/Mul_output_0" }, 0 },
	{ "Imagenet/efficientnet_v2_s", ZOO_CLASSES, PICTURE, { "/features/features.7/features.7.2/Mul_output_0" }, 0 },
	{ "Imagenet/mnasnet0_5", ZOO_CLASSES, PICTURE, { MNAS }, 0 },
	{ "Imagenet/mnasnet1_0", ZOO_CLASSES, PICTURE, { MNAS }, 0 },
	{ "Imagenet/mobilenet_v2", ZOO_CLASSES, PICTURE, { "/features/features.18/features.18.2/Clip_output_0" }, 0 },
	{ "Imagenet/resnet18", ZOO_CLASSES, PICTURE, { "/layer4/layer4.1/relu_1/Relu_output_0" }, 0 },
	{ "Imagenet/resnet50", ZOO_CLASSES, PICTURE, { "/layer4/layer4.2/relu_2/Relu_output_0" }, 0 },
	{ "Imagenet/mobilenet_v3_large", ZOO_CLASSES, PICTURE, { V3 }, 0 },
	{ "Imagenet/mobilenet_v3_small", ZOO_CLASSES, PICTURE, { V3 }, 0 },
	{ "Imagenet/v100_gpu64@5ms_top1@71.6_finetune@25", ZOO_CLASSES, PICTURE, { "471" }, 0 },
	{ "Imagenet/v100_gpu64@6ms_top1@73.0_finetune@25", ZOO_CLASSES, PICTURE, { "471" }, 0 },
	{ "Imagenet/lcnet_050", ZOO_CLASSES, PICTURE, { "/act2/Mul_output_0" }, 0 },
	{ "Imagenet/lcnet_100", ZOO_CLASSES, PICTURE, { "/act2/Mul_output_0" }, 0 },
	{ "Imagenet/vit_b_16", ZOO_TRANSFORMER, PICTURE, { "onnx::Gather_1703" }, 0 },
	{ "mmseg/stdc1_512x1024_80k_cityscapes", ZOO_PIXELS, STREET, { CONVS }, 0 },
	{ "mmseg/pspnet_r50-d8_512x1024_40k_cityscapes", ZOO_PIXELS, STREET, { PSP }, 0 },
	{ "mmseg/pointrend_r50_512x1024_80k_cityscapes", ZOO_PIXELS, STREET, { "/Concat_60_output_0" }, 0 },
	{ "mmseg/fpn_r50_512x1024_80k_cityscapes", ZOO_PIXELS, STREET, { "/Add_2_output_0" }, 0 },
	{ "mmseg/icnet_r18-d8_832x832_80k_cityscapes", ZOO_PIXELS, STREET, { CONVS }, 0 },
	{ "mmseg/fcn_unet_s5-d16_4x4_512x1024_160k_cityscapes", ZOO_PIXELS, STREET, { CONVS }, 0 },
	{ "mmseg/fast_scnn_lr0.12_8x4_160k_cityscapes", ZOO_PIXELS, STREET,
	  { "/convs/convs.1/pointwise_conv/activate/Relu_output_0" }, 0 },
	{ "mmseg/fcn_r50-d8_512x1024_40k_cityscapes", ZOO_PIXELS, STREET, { "/conv_cat/activate/Relu_output_0" }, 0 },
	{ "mmseg/bisenetv2_fcn_4x4_1024x1024_160k_cityscapes", ZOO_PIXELS, STREET, { CONVS }, 0 },
	{ "mmseg/deeplabv3_r50-d8_512x1024_40k_cityscapes", ZOO_PIXELS, STREET, { PSP }, 0 },
	{ "yolo/yolov6p5_n", ZOO_BOXES, FRAME, { CONCAT }, 0 },
	{ "yolo/yolov6p5_t", ZOO_BOXES, FRAME, { CONCAT }, 0 },
	{ "yolo/yolov5s6_n", ZOO_BOXES, FRAME, { HEADS(0), HEADS(1), HEADS(2) }, 0 },
	{ "yolo/yolov5s6_s", ZOO_BOXES, FRAME, { HEADS(0), HEADS(1), HEADS(2) }, 0 },
	{ "yolo/yolov7p5_tiny", ZOO_BOXES, FRAME, { CONCAT, "/Concat_6_output_0" }, 0 },
	{ "yolo/yolov7p5_l", ZOO_BOXES, FRAME, { CONCAT, "/Concat_6_output_0" }, 0 },
	{ "yolo/yolox_s", ZOO_BOXES, FRAME, { CONCAT, "/Concat_6_output_0" }, 0 },
	{ "yolo/yolox_tiny", ZOO_BOXES, FRAME, { CONCAT, "/Concat_6_output_0" }, 0 },
	{ "yolo/ppyoloe_m", ZOO_BOXES, FRAME, { CONCAT }, 0 },
	{ "yolo/ppyoloe_s", ZOO_BOXES, FRAME, { CONCAT }, 0 },
	{ "ocr/en_PP-OCRv3_rec_infer", ZOO_TEXT, 48, 320, { "swish_13.tmp_0" }, CLASSES_EN },
	{ "ocr/en_number_mobile_v2.0_rec_infer", ZOO_TEXT, 32, 320, { "save_infer_model/scale_0.tmp_1" }, CLASSES_EN },
	{ "ocr/ch_PP-OCRv2_rec_infer", ZOO_TEXT, 32, 320, { "p2o.LSTM.5" }, CLASSES_CH },
	{ "ocr/ch_PP-OCRv3_rec_infer", ZOO_TEXT, 48, 320, { "swish_27.tmp_0" }, CLASSES_CH },
	{ "ocr/ch_ppocr_mobile_v2.0_rec_infer", ZOO_TEXT, 32, 320, { "p2o.LSTM.5" }, CLASSES_CH },
	{ "ocr/ch_ppocr_server_v2.0_rec_infer", ZOO_TEXT, 32, 320, { "p2o.LSTM.5" }, CLASSES_CH },
	{ "mmedit/srcnn_x4k915_g1_1000k_div2k", ZOO_LARGER, 0, 0, { "output" }, 0 },
	{ "mmedit/srgan_x4c64b16_g1_1000k_div2k", ZOO_LARGER, 0, 0, { "output" }, 0 },
	{ "mmedit/rdn_x4c64b16_g1_1000k_div2k", ZOO_LARGER, 0, 0, { "output" }, 0 },
	{ "mmedit/edsr_x4c64b16_g1_300k_div2k", ZOO_LARGER, 0, 0, { "/generator/conv_last/Conv_output_0" }, 0 },
	{ "mmpose/deeppose_res50_coco_256x192", ZOO_REGRESSION, PERSON, { "/backbone/layer4/layer4.2/relu_2/Relu_output_0" }, 0 },
	{ "mmpose/hrnet_w32", ZOO_HEATMAP, PERSON, { "onnx::Conv_2946" }, 0 },
	{ "mmpose/simcc-mobilenet_v2", ZOO_SIMCC, PERSON, { "537" }, 0 },
	{ "mmpose/rtmpose-s", ZOO_SIMCC, PERSON, { "onnx::Conv_439" }, 0 },
};
/* clang-format on */

struct maker {
	const char *root;
	struct oqz_rng rng;
	struct oqz_err *err;
};

/* root/relative with its folders. */
static enum oqz_status place(const struct maker *m, const char *relative, char path[4096])
{
	char dir[4096];

	snprintf(path, 4096, "%s/%s", m->root, relative);
	snprintf(dir, sizeof dir, "%s", path);
	*strrchr(dir, '/') = 0;
	return oqz_mkdirs(dir, m->err);
}

static enum oqz_status write_text(const struct maker *m, const char *relative, const char *text)
{
	char path[4096];
	struct oqz_err *err = m->err;

	OQZ_TRY(place(m, relative, path));
	return oqz_file_write(path, text, strlen(text), err);
}

/* ------------------------------------------------------------------------------------------------ pictures */

/* Coarse random colours with a gradient: something for every percentile. */
static void draw(struct maker *m, unsigned char *p, int w, int h, int channels)
{
	unsigned char base[16][3];

	for (int i = 0; i < 16; i++)
		for (int c = 0; c < 3; c++)
			base[i][c] = (unsigned char)oqz_rng_below(&m->rng, 200);
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++)
			for (int c = 0; c < channels; c++)
				*p++ = (unsigned char)(base[y * 4 / h * 4 + x * 4 / w][c] + (x + 2 * y + 3 * c) % 50);
}

static enum oqz_status write_png(const struct maker *m, const char *relative, const unsigned char *p, int w, int h,
                                 int channels)
{
	png_image image = { .version = PNG_IMAGE_VERSION,
		            .width = (png_uint_32)w,
		            .height = (png_uint_32)h,
		            .format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB };
	struct oqz_err *err = m->err;
	char path[4096];

	OQZ_TRY(place(m, relative, path));
	if (!png_image_write_to_file(&image, path, 0, p, 0, NULL))
		OQZ_FAIL(err, OQZ_E_IO, "%s: %s", path, image.message);
	return OQZ_OK;
}

/* libjpeg's default error handler ends the program with a message, which is what a generator should do. */
static enum oqz_status write_jpeg(const struct maker *m, const char *relative, unsigned char *p, int w, int h)
{
	struct jpeg_compress_struct c;
	struct jpeg_error_mgr e;
	struct oqz_err *err = m->err;
	char path[4096];

	OQZ_TRY(place(m, relative, path));
	FILE *f = fopen(path, "wb");
	if (!f)
		OQZ_FAIL(err, OQZ_E_IO, "%s: cannot be written", path);
	c.err = jpeg_std_error(&e);
	jpeg_create_compress(&c);
	jpeg_stdio_dest(&c, f);
	c.image_width = (JDIMENSION)w;
	c.image_height = (JDIMENSION)h;
	c.input_components = 3;
	c.in_color_space = JCS_RGB;
	jpeg_set_defaults(&c);
	jpeg_start_compress(&c, TRUE);
	while (c.next_scanline < c.image_height) {
		JSAMPROW row = p + (size_t)c.next_scanline * 3 * (size_t)w;
		jpeg_write_scanlines(&c, &row, 1);
	}
	jpeg_finish_compress(&c);
	jpeg_destroy_compress(&c);
	return fclose(f) == 0 ? OQZ_OK : oqz_err_set(err, OQZ_E_IO, "%s: cannot be written", path);
}

static enum oqz_status picture(struct maker *m, const char *relative, int w, int h)
{
	unsigned char *p = malloc((size_t)w * (size_t)h * 3);
	size_t n = strlen(relative);

	if (!p)
		return oqz_err_nomem(m->err, relative, 1);
	draw(m, p, w, h, 3);
	enum oqz_status st = strcmp(relative + n - 4, ".png") == 0 ? write_png(m, relative, p, w, h, 3)
	                                                           : write_jpeg(m, relative, p, w, h);
	free(p);
	return st;
}

/* ------------------------------------------------------------------------------------------------ data sets */

static enum oqz_status imagenet(struct maker *m)
{
	static const char *const classes[] = { "n01440764", "n01443537", "n01484850" };
	char path[200];

	for (int i = 0; i < 6; i++) {
		snprintf(path, sizeof path, "Data/Imagenet/%s/%s/ILSVRC2012_val_%08d.JPEG", i < 3 ? "Calib" : "Test",
		         classes[i % 3], i + 1);
		OQZ_TRY(picture(m, path, 60 + 10 * i, 80));
	}
	return OQZ_OK;
}

static enum oqz_status cityscapes(struct maker *m)
{
	static const unsigned char ids[4] = { 7, 11, 23, 26 };
	unsigned char labels[64 * 32];
	char path[200];

	for (int i = 0; i < 64 * 32; i++)
		labels[i] = i % 64 < 2 ? 0 : ids[i / (64 * 8)];
	for (int i = 0; i < 4; i++) {
		const char *part = i < 2 ? "Calib" : "Test";
		snprintf(path, sizeof path, "Data/Cityscapes/%s/frankfurt_000000_%06d_leftImg8bit.png", part, i);
		OQZ_TRY(picture(m, path, 64, 32));
		snprintf(path, sizeof path, "Data/Cityscapes/%s/frankfurt_000000_%06d_gtFine_labelIds.png", part, i);
		OQZ_TRY(write_png(m, path, labels, 64, 32, 1));
	}
	return OQZ_OK;
}

static enum oqz_status coco_part(struct maker *m, const char *part, int first, int n)
{
	struct oqz_str s = { 0 };
	struct oqz_err *err = m->err;
	enum oqz_status st = OQZ_OK;
	char path[200];

	oqz_str_add(&s, "{\"images\": [");
	for (int i = first; i < first + n && st == OQZ_OK; i++) {
		snprintf(path, sizeof path, "Data/Coco/%s/%012d.jpg", part, i);
		st = picture(m, path, 96, 64);
		oqz_str_addf(&s, "%s{\"id\": %d, \"file_name\": \"%012d.jpg\", \"width\": 96, \"height\": 64}",
		             i > first ? ", " : "", i, i);
	}
	oqz_str_add(&s, "], \"categories\": [");
	for (int k = 0, id = 0; k < 80; k++) { /* COCO's ids: 80 of 1 to 90 */
		for (id++; strchr("\x0c\x1a\x1d\x1e\x2d\x42\x44\x45\x47\x53", id); id++)
			;
		oqz_str_addf(&s, "%s{\"id\": %d, \"name\": \"thing %d\"}", k ? ", " : "", id, id);
	}
	oqz_str_add(&s, "], \"annotations\": [");
	for (int i = 0; i < n; i++)
		oqz_str_addf(
		    &s,
		    "%s{\"id\": %d, \"image_id\": %d, \"category_id\": %d, \"bbox\": [8, 8, 40.5, 30], \"area\": "
		    "900.25, \"iscrowd\": 0}",
		    i ? ", " : "", i + 1, first + i, 1 + i);
	oqz_str_add(&s, "]}\n");
	snprintf(path, sizeof path, "Data/Coco/%s/DetectionAnnotation.json", part);
	if (st == OQZ_OK)
		st = oqz_str_ok(&s) ? write_text(m, path, oqz_str_get(&s)) : oqz_err_nomem(err, path, 1);
	oqz_str_release(&s);
	return st;
}

static enum oqz_status ic15(struct maker *m)
{
	struct oqz_str dict = { 0 };
	char path[200];

	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "Data/IC15/%s/word_%d.png", i < 2 ? "train" : "test", i % 2 + 1);
		OQZ_TRY(picture(m, path, 90 + 40 * i, 30));
	}
	OQZ_TRY(write_text(m, "Data/IC15/rec_gt_train.txt", "train/word_1.png\tOne\ntrain/word_2.png\ttwo 2\n"));
	OQZ_TRY(write_text(m, "Data/IC15/rec_gt_test.txt", "test/word_1.png\tJOINT\ntest/word_2.png\tit's 50%\n"));
	/* 95 lines as the original's: all printable ASCII characters, a blank the last */
	for (int c = 33; c < 127; c++)
		oqz_str_addf(&dict, "%c\n", c);
	oqz_str_add(&dict, " \n");
	enum oqz_status st = write_text(m, "Model/ocr/en_dict.txt", oqz_str_get(&dict));
	oqz_str_release(&dict);
	OQZ_TRY(st);
	return write_text(m, "Model/ocr/ppocr_keys_v1.txt", "J\nO\nI\nN\nT\n0\n5\n%\nt\ns\n");
}

static enum oqz_status div2k(struct maker *m)
{

	for (int i = 0; i < 4; i++) {
		char path[200];
		const char *part = i < 2 ? "train" : "valid";
		snprintf(path, sizeof path, "Data/DIV2K/DIV2K_%s_LR_bicubic/X4/%04dx4.png", part,
		         i < 2 ? i + 1 : i + 799);
		OQZ_TRY(picture(m, path, 20 + i, 16));
		snprintf(path, sizeof path, "Data/DIV2K/DIV2K_%s_HR/%04d.png", part, i < 2 ? i + 1 : i + 799);
		OQZ_TRY(picture(m, path, 4 * (20 + i), 64));
	}
	return OQZ_OK;
}

static enum oqz_status persons(struct maker *m)
{
	char path[200];

	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "Data/Pose/%s/%06d.jpg", i < 2 ? "Calib" : "Test", 425226 + i);
		OQZ_TRY(picture(m, path, 48, 64 + i));
	}
	return OQZ_OK;
}

static enum oqz_status make(const char *root, struct oqz_err *err)
{
	struct maker m = { .root = root, .err = err };
	char path[4096], name[200];

	oqz_rng_init(&m.rng, 20230323);
	OQZ_TRY(imagenet(&m));
	OQZ_TRY(cityscapes(&m));
	OQZ_TRY(coco_part(&m, "Calib", 100, 2));
	OQZ_TRY(coco_part(&m, "Test", 139, 2));
	OQZ_TRY(ic15(&m));
	OQZ_TRY(div2k(&m));
	OQZ_TRY(persons(&m));
	for (size_t i = 0; i < OQZ_COUNTOF(models); i++) {
		OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = NULL;
		snprintf(name, sizeof name, "Model/%s.onnx", models[i].file);
		OQZ_TRY(place(&m, name, path));
		OQZ_TRY(zoo_net(&models[i], &g, err));
		OQZ_TRY(oqz_onnx_save(g, path, err));
	}
	return OQZ_OK;
}

int main(int argc, char **argv)
{
	struct oqz_err err = { 0 };

	if (argc != 2 || strlen(argv[1]) > 3000) {
		fprintf(stderr, "usage: make_quantzoo DIR\n");
		return 2;
	}
	if (make(argv[1], &err) != OQZ_OK) {
		fprintf(stderr, "make_quantzoo: %s\n", err.msg);
		return 1;
	}
	return 0;
}
