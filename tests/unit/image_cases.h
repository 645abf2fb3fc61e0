/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the image tests: JSON lists of golden cases, generated images, encoders to memory.
 */
#ifndef OQZ_TESTS_IMAGE_CASES_H
#define OQZ_TESTS_IMAGE_CASES_H

#include "tests/support/support.h"
#include "core/image/image.h"
#include "core/image/preprocess.h"
#include <stdio.h>
#include <string.h>
#include <jpeglib.h>
#include <png.h>

/* A golden JSON file, or NULL with a message. */
static inline json_t *cases_load(const char *relative)
{
	const char *path = shared_path("golden/metrics/%s", relative);
	json_error_t jerr;

	if (!path) {
		printf("skipped: golden/metrics/%s is not here\n", relative);
		return NULL;
	}
	json_t *j = json_load_file(path, 0, &jerr);
	ck_assert_msg(j != NULL, "%s: %s", path, jerr.text);
	return j;
}

static inline const char *case_text(json_t *c, const char *key) { return json_string_value(json_object_get(c, key)); }
static inline int case_int(json_t *c, const char *key) { return (int)json_integer_value(json_object_get(c, key)); }
static inline uint32_t case_crc(json_t *c, const char *key)
{
	return (uint32_t)json_integer_value(json_object_get(c, key));
}

static inline void case_image(const char *file, struct oqz_image *img)
{
	const char *path = shared_path("golden/metrics/%s", file);

	ck_assert_msg(path != NULL, "no golden image %s", file);
	ck_ok(oqz_image_load(path, OQZ_IMAGE_RGB, NULL, img, err));
}

/* B,G,R for R,G,B, as the OpenCV cases want. */
static inline void image_swap(struct oqz_image *img)
{
	for (size_t i = 0; i < oqz_image_bytes(img); i += 3) {
		uint8_t t = img->data[i];
		img->data[i] = img->data[i + 2];
		img->data[i + 2] = t;
	}
}

/* Keeps the first channel of an RGB image. */
static inline void image_first_channel(struct oqz_image *img)
{
	size_t n = (size_t)img->width * (size_t)img->height;

	for (size_t i = 0; i < n; i++)
		img->data[i] = img->data[i * 3];
	img->channels = 1;
}

static inline uint32_t image_crc(const struct oqz_image *img) { return test_crc32(img->data, oqz_image_bytes(img)); }

/* Smooth in two directions with some texture; the same on every machine. */
static inline void image_generate(struct oqz_image *img, int w, int h, int channels)
{
	ck_ok(oqz_image_reserve(img, w, h, channels, err));
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++)
			for (int c = 0; c < channels; c++)
				img->data[(y * w + x) * channels + c] =
				    (uint8_t)(x * 3 + y * (c + 1) + ((x * 7 + y * 13 + c * 5) % 31));
}

struct encoded {
	uint8_t *data;
	size_t size;
};

static inline struct encoded encode_jpeg(const struct oqz_image *img, int quality, bool progressive)
{
	struct jpeg_compress_struct c;
	struct jpeg_error_mgr e;
	struct encoded out = { 0 };
	unsigned long size = 0;

	c.err = jpeg_std_error(&e);
	jpeg_create_compress(&c);
	jpeg_mem_dest(&c, &out.data, &size);
	c.image_width = (JDIMENSION)img->width;
	c.image_height = (JDIMENSION)img->height;
	c.input_components = img->channels;
	c.in_color_space = img->channels == 3 ? JCS_RGB : img->channels == 1 ? JCS_GRAYSCALE : JCS_CMYK;
	jpeg_set_defaults(&c);
	jpeg_set_quality(&c, quality, TRUE);
	if (progressive)
		jpeg_simple_progression(&c);
	jpeg_start_compress(&c, TRUE);
	while (c.next_scanline < c.image_height) {
		JSAMPROW row = img->data + (size_t)c.next_scanline * (size_t)img->width * (size_t)img->channels;
		jpeg_write_scanlines(&c, &row, 1);
	}
	jpeg_finish_compress(&c);
	jpeg_destroy_compress(&c);
	out.size = size;
	return out;
}

static void png_collect(png_structp png, png_bytep data, size_t n)
{
	struct encoded *out = png_get_io_ptr(png);

	out->data = realloc(out->data, out->size + n);
	memcpy(out->data + out->size, data, n);
	out->size += n;
}
static void png_collected(png_structp png) { (void)png; }

/* `rows` is packed as PNG wants it (stride bytes a row). */
static inline struct encoded encode_png(const uint8_t *rows, size_t stride, int w, int h, int depth, int color,
                                        const png_color *palette, int palette_n, bool interlaced)
{
	struct encoded out = { 0 };
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png_create_info_struct(png);

	png_set_write_fn(png, &out, png_collect, png_collected);
	png_set_IHDR(png, info, (png_uint_32)w, (png_uint_32)h, depth, color,
	             interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
	             PNG_FILTER_TYPE_DEFAULT);
	if (palette)
		png_set_PLTE(png, info, palette, palette_n);
	png_write_info(png, info);
	png_bytep *lines = malloc((size_t)h * sizeof *lines);
	for (int y = 0; y < h; y++)
		lines[y] = (png_bytep)rows + (size_t)y * stride;
	png_write_image(png, lines);
	png_write_end(png, NULL);
	png_destroy_write_struct(&png, &info);
	free(lines);
	return out;
}

/* A list of steps from text: "resize short=256 filter=pil-bicubic; normalize mean=0.5:0.5:0.5". */
static inline enum oqz_status prepare_from_text(const char *text, struct oqz_prepare **ret, struct oqz_err *err)
{
	static char buf[2000];
	static const char *items[64];
	struct oqz_param_value values[64];
	struct oqz_step_spec specs[16];
	size_t n = 0, nv = 0, ni = 0;
	char *outer = NULL, *inner, *list;

	snprintf(buf, sizeof buf, "%s", text);
	for (char *s = strtok_r(buf, ";", &outer); s; s = strtok_r(NULL, ";", &outer)) {
		struct oqz_step_spec *spec = &specs[n++];
		*spec = (struct oqz_step_spec) { .name = strtok_r(s, " ", &inner),
			                         .values = values + nv,
			                         .where = "t.yaml:1:1" };
		for (char *kv; (kv = strtok_r(NULL, " ", &inner));) {
			char *eq = strchr(kv, '=');
			*eq++ = 0;
			struct oqz_param_value *v = &values[nv++];
			*v = (struct oqz_param_value) { .key = kv, .items = items + ni, .where = "t.yaml:1:1" };
			for (char *it = strtok_r(eq, ":", &list); it; it = strtok_r(NULL, ":", &list), v->n++)
				items[ni++] = it;
			v->is_list = v->n > 1;
			spec->n++;
		}
	}
	return oqz_prepare_new(specs, n, "test", ret, err);
}

#endif
