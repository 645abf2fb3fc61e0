/* SPDX-License-Identifier: Apache-2.0
 *
 * libjpeg reports errors by longjmp: all of it happens below compress(), whose frame holds nothing that would be lost.
 * PNG goes through libpng's simplified interface, which returns.
 */
#include "core/image/encode.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <jpeglib.h>
#include <png.h>

struct context {
	struct jpeg_compress_struct cinfo; /* first: libjpeg hands it back to our callback */
	struct jpeg_error_mgr errors;
	unsigned char *bytes; /* of malloc, grown by libjpeg */
	unsigned long size;
	char message[JMSG_LENGTH_MAX];
	jmp_buf escape;
};

static void on_error(j_common_ptr cinfo)
{
	struct context *ctx = (struct context *)cinfo;

	cinfo->err->format_message(cinfo, ctx->message);
	longjmp(ctx->escape, 1);
}

static bool compress(struct context *ctx, const struct oqz_image *img, int quality)
{
	struct jpeg_compress_struct *c = &ctx->cinfo;

	c->err = jpeg_std_error(&ctx->errors);
	ctx->errors.error_exit = on_error;
	if (setjmp(ctx->escape))
		return false;
	jpeg_create_compress(c);
	jpeg_mem_dest(c, &ctx->bytes, &ctx->size);
	c->image_width = (JDIMENSION)img->width;
	c->image_height = (JDIMENSION)img->height;
	c->input_components = 3;
	c->in_color_space = JCS_RGB;
	jpeg_set_defaults(c);
	jpeg_set_quality(c, quality, TRUE);
	c->optimize_coding = TRUE;
	c->comp_info[0].h_samp_factor = c->comp_info[0].v_samp_factor = 1;
	jpeg_start_compress(c, TRUE);
	while (c->next_scanline < c->image_height) {
		JSAMPROW row = img->data + (size_t)c->next_scanline * (size_t)img->width * 3;
		jpeg_write_scanlines(c, &row, 1);
	}
	jpeg_finish_compress(c);
	return true;
}

enum oqz_status oqz_jpeg_encode(const struct oqz_image *img, int quality, struct oqz_str *out, struct oqz_err *err)
{
	struct context ctx = { .message = "" };

	if (img->channels != 3)
		OQZ_FAIL(err, OQZ_E_INTERNAL, "a JPEG of %d channels", img->channels);
	bool ok = compress(&ctx, img, quality);
	if (ok)
		oqz_str_addn(out, ctx.bytes, ctx.size);
	jpeg_destroy_compress(&ctx.cinfo);
	free(ctx.bytes);
	if (!ok)
		OQZ_FAIL(err, OQZ_E_NOMEM, "writing a JPEG: %s", ctx.message);
	return oqz_str_ok(out) ? OQZ_OK : oqz_err_nomem(err, "a picture", ctx.size);
}

enum oqz_status oqz_png_encode(const struct oqz_image *img, struct oqz_str *out, struct oqz_err *err)
{
	png_image png = { .version = PNG_IMAGE_VERSION,
		          .width = (png_uint_32)img->width,
		          .height = (png_uint_32)img->height,
		          .format = img->channels == 4   ? PNG_FORMAT_RGBA
		                    : img->channels == 3 ? PNG_FORMAT_RGB
		                                         : PNG_FORMAT_GRAY };
	png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
	OQZ_CLEANUP_FREE void *bytes = malloc(size);

	if (!bytes)
		return oqz_err_nomem(err, "a picture", size);
	if (!png_image_write_to_memory(&png, bytes, &size, 0, img->data, 0, NULL))
		OQZ_FAIL(err, OQZ_E_NOMEM, "writing a PNG: %s", png.message);
	oqz_str_addn(out, bytes, size);
	return oqz_str_ok(out) ? OQZ_OK : oqz_err_nomem(err, "a picture", size);
}
