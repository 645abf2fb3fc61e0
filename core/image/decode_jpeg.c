/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG through libjpeg(-turbo), with the settings of Pillow and OpenCV: islow IDCT, fancy upsampling. The data source
 * is memory and is never extended by a made-up end marker: running dry is an error, as in Pillow, unless all rows are
 * there. libjpeg's own warnings about damaged data are passed over, also as in Pillow.
 *
 * libjpeg reports errors by longjmp. All of it happens below fenced(), whose frame holds nothing but a pointer;
 * clean-up is done outside, on the context.
 */
#include "core/image/decode.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <jpeglib.h>

enum {
	ROWS = 16,       /* rows asked for at a time */
	MAX_SCANS = 500, /* a progressive file has tens; thousands are an attack on our time */
};

struct context {
	struct jpeg_decompress_struct cinfo; /* first: libjpeg hands it back to our callbacks */
	struct jpeg_error_mgr errors;
	struct jpeg_source_mgr source;
	struct jpeg_progress_mgr progress;
	const struct oqz_decode_job *job;
	uint8_t *cmyk; /* ROWS rows of 4 channels, from libjpeg's own pool */
	enum oqz_status status;
	jmp_buf escape;
};

static struct context *context_of(j_common_ptr cinfo) { return (struct context *)cinfo; }

static void fail(struct context *ctx, enum oqz_status code, const char *what)
{
	ctx->status = oqz_err_set(ctx->job->err, code, "%s: %s", ctx->job->name, what);
	longjmp(ctx->escape, 1);
}

static void on_error(j_common_ptr cinfo)
{
	char text[JMSG_LENGTH_MAX];

	cinfo->err->format_message(cinfo, text);
	fail(context_of(cinfo), OQZ_E_DATA, text);
}

static void on_message(j_common_ptr cinfo, int level) { (void)cinfo, (void)level; }

static boolean on_dry(j_decompress_ptr cinfo)
{
	fail(context_of((j_common_ptr)cinfo), OQZ_E_DATA, "the JPEG file is truncated");
	return FALSE;
}

static void on_skip(j_decompress_ptr cinfo, long n)
{
	if (n <= 0)
		return;
	if ((size_t)n > cinfo->src->bytes_in_buffer)
		on_dry(cinfo);
	cinfo->src->next_input_byte += n;
	cinfo->src->bytes_in_buffer -= (size_t)n;
}

static void on_nothing(j_decompress_ptr cinfo) { (void)cinfo; }

static void on_progress(j_common_ptr cinfo)
{
	if (((j_decompress_ptr)cinfo)->input_scan_number > MAX_SCANS)
		fail(context_of(cinfo), OQZ_E_LIMIT, "more than 500 scans in a JPEG file");
}

static uint8_t muldiv255(unsigned a, unsigned b)
{
	unsigned t = a * b + 128;

	return (uint8_t)(((t >> 8) + t) >> 8);
}

/* Adobe writes inverted CMYK; Pillow takes that for granted in every four-channel JPEG and converts with this formula.
 */
static void cmyk_to_rgb(const uint8_t *in, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++, in += 4, out += 3) {
		unsigned nk = in[3]; /* 255 - K, and K is stored as 255 - K */
		for (int c = 0; c < 3; c++)
			out[c] = (uint8_t)(nk - muldiv255(255u - in[c], nk)); /* the product never exceeds nk */
	}
}

static uint32_t number(const uint8_t *p, int bytes, bool big)
{
	uint32_t v = 0;

	for (int i = 0; i < bytes; i++)
		v |= (uint32_t)p[i] << 8 * (big ? bytes - 1 - i : i);
	return v;
}

/* Tag 0x0112 of the first directory of an EXIF block (TIFF inside an APP1 marker); 1 when there is none or it makes no
 * sense, as everybody does. */
static int exif_orientation(const uint8_t *p, size_t size)
{
	if (size < 14 || memcmp(p, "Exif\0", 6) != 0)
		return 1;
	p += 6;
	size -= 6;
	bool big = memcmp(p, "MM\0*", 4) == 0;
	if (!big && memcmp(p, "II*\0", 4) != 0)
		return 1;
	size_t at = number(p + 4, 4, big);
	if (at > size - 2)
		return 1;
	size_t n = number(p + at, 2, big);
	for (at += 2; n > 0 && at + 12 <= size; n--, at += 12)
		if (number(p + at, 2, big) == 0x0112) {
			uint32_t v = number(p + at + 8, 2, big); /* one SHORT, left-justified in the value field */
			return number(p + at + 2, 2, big) == 3 && v >= 1 && v <= 8 ? (int)v : 1;
		}
	return 1;
}

/* Everything that may longjmp. */
static void decode(struct context *ctx)
{
	struct jpeg_decompress_struct *c = &ctx->cinfo;
	struct oqz_image *img = ctx->job->img;

	jpeg_create_decompress(c);
	c->src = &ctx->source;
	c->progress = &ctx->progress;
	jpeg_save_markers(c, JPEG_APP0 + 1, 0xffff);
	jpeg_read_header(c, TRUE);
	if (c->num_components != 1 && c->num_components != 3 && c->num_components != 4)
		fail(ctx, OQZ_E_UNSUPPORTED, "a JPEG file with neither 1, 3 nor 4 components");
	bool cmyk = c->num_components == 4;
	c->out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
	c->dct_method = JDCT_ISLOW;
	c->do_fancy_upsampling = TRUE;
	ctx->status = oqz_decode_reserve(ctx->job, c->image_width, c->image_height, 3);
	if (ctx->status != OQZ_OK)
		longjmp(ctx->escape, 1);
	for (jpeg_saved_marker_ptr m = c->marker_list; m && img->orientation == 1; m = m->next)
		if (m->marker == JPEG_APP0 + 1)
			img->orientation = exif_orientation(m->data, m->data_length);
	jpeg_start_decompress(c);
	if (cmyk)
		ctx->cmyk = c->mem->alloc_large((j_common_ptr)c, JPOOL_IMAGE, (size_t)ROWS * 4 * c->output_width);
	size_t stride = (size_t)img->width * 3, width = (size_t)img->width;
	while (c->output_scanline < c->output_height) {
		JSAMPROW rows[ROWS];
		JDIMENSION at = c->output_scanline, want = c->output_height - at;
		want = want < ROWS ? want : ROWS;
		for (JDIMENSION i = 0; i < want; i++)
			rows[i] = cmyk ? ctx->cmyk + i * 4 * width : img->data + (at + i) * stride;
		JDIMENSION got = jpeg_read_scanlines(c, rows, want);
		for (JDIMENSION i = 0; cmyk && i < got; i++)
			cmyk_to_rgb(rows[i], img->data + (at + i) * stride, width);
	}
	jpeg_finish_decompress(c);
}

static void fenced(struct context *ctx)
{
	if (setjmp(ctx->escape) == 0)
		decode(ctx);
}

enum oqz_status oqz_decode_jpeg(const struct oqz_decode_job *job)
{
	struct context ctx;

	if (job->mode == OQZ_IMAGE_CODES)
		OQZ_FAIL(job->err, OQZ_E_UNSUPPORTED, "%s: a JPEG file where a PNG with label codes is expected",
		         job->name);
	memset(&ctx, 0, sizeof ctx);
	ctx.job = job;
	ctx.cinfo.err = jpeg_std_error(&ctx.errors);
	ctx.errors.error_exit = on_error;
	ctx.errors.emit_message = on_message;
	ctx.progress.progress_monitor = on_progress;
	ctx.source.next_input_byte = job->data;
	ctx.source.bytes_in_buffer = job->size;
	ctx.source.init_source = on_nothing;
	ctx.source.fill_input_buffer = on_dry;
	ctx.source.skip_input_data = on_skip;
	ctx.source.resync_to_restart = jpeg_resync_to_restart;
	ctx.source.term_source = on_nothing;
	fenced(&ctx);
	/* Rubbish after the last row costs nothing, and Pillow does not look at it. */
	if (ctx.status == OQZ_E_DATA && ctx.cinfo.output_height && ctx.cinfo.output_scanline >= ctx.cinfo.output_height)
		ctx.status = OQZ_OK;
	jpeg_destroy_decompress(&ctx.cinfo);
	return ctx.status;
}
