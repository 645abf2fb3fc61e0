/* SPDX-License-Identifier: Apache-2.0
 *
 * PNG through libpng, giving what Pillow's convert("RGB") gives: palette looked up, gray replicated, the alpha channel
 * and tRNS dropped without blending, 16-bit colour cut to its high byte, 16-bit gray (Pillow's mode "I") clipped at
 * 255, no gamma. Checksums are enforced, also those of the image data, which Pillow skips: a damaged data set should
 * not go unnoticed.
 *
 * libpng reports errors by longjmp; see decode_jpeg.c for the fence.
 */
#include "core/image/decode.h"

#include <setjmp.h>
#include <string.h>
#include <png.h>

struct context {
	const struct oqz_decode_job *job;
	size_t at;
	png_structp png;
	png_infop info;
	png_bytep *rows;
	uint16_t *gray16; /* 16-bit gray is read whole before it is clipped (interlaced files come in passes) */
	enum oqz_status status;
	jmp_buf escape;
};

static void fail(struct context *ctx, enum oqz_status code, const char *what)
{
	ctx->status = oqz_err_set(ctx->job->err, code, "%s: %s", ctx->job->name, what);
	longjmp(ctx->escape, 1);
}

static void on_error(png_structp png, png_const_charp text) { fail(png_get_error_ptr(png), OQZ_E_DATA, text); }

static void on_warning(png_structp png, png_const_charp text) { (void)png, (void)text; }

static void on_read(png_structp png, png_bytep out, size_t n)
{
	struct context *ctx = png_get_io_ptr(png);

	if (n > ctx->job->size - ctx->at)
		fail(ctx, OQZ_E_DATA, "the PNG file is truncated");
	memcpy(out, ctx->job->data + ctx->at, n);
	ctx->at += n;
}

static void check(struct context *ctx, enum oqz_status st)
{
	ctx->status = st;
	if (st != OQZ_OK)
		longjmp(ctx->escape, 1);
}

static void *need(struct context *ctx, void *p, size_t bytes)
{
	if (!p)
		check(ctx, oqz_err_nomem(ctx->job->err, ctx->job->name, bytes));
	return p;
}

static void clip_gray16(const struct context *ctx, size_t n)
{
	uint8_t *out = ctx->job->img->data;

	for (size_t i = 0; i < n; i++, out += 3)
		out[0] = out[1] = out[2] = (uint8_t)(ctx->gray16[i] < 255 ? ctx->gray16[i] : 255);
}

/* Everything that may longjmp. */
static void decode(struct context *ctx)
{
	const struct oqz_decode_job *job = ctx->job;
	png_uint_32 width, height;
	int depth, color, channels = job->mode == OQZ_IMAGE_CODES ? 1 : 3;

	png_set_user_limits(ctx->png, 0x7fffffff, 0x7fffffff); /* ours are checked below */
	png_set_chunk_malloc_max(ctx->png, 8000000);
	png_set_read_fn(ctx->png, ctx, on_read);
	png_read_info(ctx->png, ctx->info);
	png_get_IHDR(ctx->png, ctx->info, &width, &height, &depth, &color, NULL, NULL, NULL);
	bool gray16 = depth == 16 && color == PNG_COLOR_TYPE_GRAY;
	if (channels == 1) {
		if (depth > 8 || (color != PNG_COLOR_TYPE_GRAY && color != PNG_COLOR_TYPE_PALETTE))
			fail(ctx, OQZ_E_UNSUPPORTED, "label codes must be an 8-bit gray or palette PNG");
		png_set_packing(ctx->png);
	} else if (!gray16) {
		if (color == PNG_COLOR_TYPE_PALETTE)
			png_set_palette_to_rgb(ctx->png);
		else if (color == PNG_COLOR_TYPE_GRAY && depth < 8)
			png_set_expand_gray_1_2_4_to_8(ctx->png);
		png_set_strip_16(ctx->png);
		png_set_strip_alpha(ctx->png);
		png_set_gray_to_rgb(ctx->png);
	} else {
		png_set_swap(ctx->png); /* to the host's little-endian order */
	}
	check(ctx, oqz_decode_reserve(job, width, height, channels));
	png_set_interlace_handling(ctx->png);
	png_read_update_info(ctx->png, ctx->info);
	size_t stride = (size_t)width * (gray16 ? 2u : (unsigned)channels);
	if (png_get_rowbytes(ctx->png, ctx->info) != stride)
		fail(ctx, OQZ_E_INTERNAL, "libpng's row size is not the expected one");
	uint8_t *base = job->img->data;
	if (gray16)
		base = need(ctx, ctx->gray16 = malloc(stride * height), stride * height);
	need(ctx, ctx->rows = malloc(height * sizeof *ctx->rows), height * sizeof *ctx->rows);
	for (png_uint_32 y = 0; y < height; y++)
		ctx->rows[y] = base + y * stride;
	png_read_image(ctx->png, ctx->rows);
	png_read_end(ctx->png, NULL);
	if (gray16)
		clip_gray16(ctx, (size_t)width * height);
}

static void fenced(struct context *ctx)
{
	if (setjmp(ctx->escape) == 0)
		decode(ctx);
}

enum oqz_status oqz_decode_png(const struct oqz_decode_job *job)
{
	struct context ctx = { .job = job };

	ctx.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &ctx, on_error, on_warning);
	ctx.info = ctx.png ? png_create_info_struct(ctx.png) : NULL;
	if (ctx.info)
		fenced(&ctx);
	else
		ctx.status = oqz_err_nomem(job->err, "libpng", 0);
	png_destroy_read_struct(&ctx.png, &ctx.info, NULL);
	free(ctx.rows);
	free(ctx.gray16);
	return ctx.status;
}
