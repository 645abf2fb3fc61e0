/* SPDX-License-Identifier: Apache-2.0
 *
 * TIFF through libtiff's conversion to RGBA: the first image of the file, samples of 8 bits (or black and white),
 * without alpha. Other depths are refused, because programs disagree on what they mean in 8 bits.
 */
#include "config.h"
#include "core/image/decode.h"

#ifdef HAVE_TIFF
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

/* The file in memory, as libtiff reads it. */
struct source {
	const uint8_t *data;
	uint64_t size, at;
};

static tmsize_t source_read(thandle_t h, void *out, tmsize_t n)
{
	struct source *s = h;
	uint64_t left = s->at < s->size ? s->size - s->at : 0, m = (uint64_t)n < left ? (uint64_t)n : left;

	if (n < 0)
		return -1;
	if (m)
		memcpy(out, s->data + s->at, m);
	s->at += m;
	return (tmsize_t)m;
}

static tmsize_t source_write(thandle_t h, void *in, tmsize_t n)
{
	(void)h, (void)in, (void)n;
	return -1;
}

static toff_t source_seek(thandle_t h, toff_t to, int whence)
{
	struct source *s = h;

	s->at = whence == SEEK_CUR ? s->at + to : whence == SEEK_END ? s->size + to : to;
	return s->at;
}

static int source_close(thandle_t h)
{
	(void)h;
	return 0;
}

static toff_t source_size(thandle_t h) { return ((struct source *)h)->size; }

static int source_map(thandle_t h, void **base, toff_t *size)
{
	(void)h, (void)base, (void)size;
	return 0;
}

static void source_unmap(thandle_t h, void *base, toff_t size) { (void)h, (void)base, (void)size; }

static enum oqz_status decode(const struct oqz_decode_job *job, TIFF *t)
{
	uint32_t width = 0, height = 0;
	uint16_t bits = 1;
	char why[1024] = "";

	TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &width);
	TIFFGetField(t, TIFFTAG_IMAGELENGTH, &height);
	TIFFGetFieldDefaulted(t, TIFFTAG_BITSPERSAMPLE, &bits);
	if (bits != 8 && bits != 1)
		OQZ_FAIL(job->err, OQZ_E_UNSUPPORTED, "%s: a TIFF file with samples of %u bits", job->name, bits);
	if (!TIFFRGBAImageOK(t, why))
		OQZ_FAIL(job->err, OQZ_E_UNSUPPORTED, "%s: %s", job->name, why);
	OQZ_TRY(oqz_decode_reserve(job, width, height, 3));
	size_t n = (size_t)width * height;
	OQZ_CLEANUP_FREE uint32_t *rgba = malloc(n * sizeof *rgba);
	if (!rgba)
		return oqz_err_nomem(job->err, job->name, n * sizeof *rgba);
	if (!TIFFReadRGBAImageOriented(t, width, height, rgba, ORIENTATION_TOPLEFT, 1))
		OQZ_FAIL(job->err, OQZ_E_DATA, "%s: a damaged or truncated TIFF file", job->name);
	for (size_t i = 0; i < n; i++) {
		job->img->data[3 * i] = (uint8_t)TIFFGetR(rgba[i]);
		job->img->data[3 * i + 1] = (uint8_t)TIFFGetG(rgba[i]);
		job->img->data[3 * i + 2] = (uint8_t)TIFFGetB(rgba[i]);
	}
	return OQZ_OK;
}

enum oqz_status oqz_decode_tiff(const struct oqz_decode_job *job)
{
	struct source s = { job->data, job->size, 0 };

	if (job->mode == OQZ_IMAGE_CODES)
		OQZ_FAIL(job->err, OQZ_E_UNSUPPORTED, "%s: label codes are not read from TIFF", job->name);
	TIFFSetErrorHandler(NULL); /* it would print */
	TIFFSetWarningHandler(NULL);
	TIFF *t = TIFFClientOpen(job->name, "rm", &s, source_read, source_write, source_seek, source_close, source_size,
	                         source_map, source_unmap);
	if (!t)
		OQZ_FAIL(job->err, OQZ_E_DATA, "%s: a damaged TIFF file", job->name);
	enum oqz_status st = decode(job, t);
	TIFFClose(t);
	return st;
}
#else
enum oqz_status oqz_decode_tiff(const struct oqz_decode_job *job)
{
	OQZ_FAIL(job->err, OQZ_E_UNSUPPORTED, "%s: a TIFF file; oqz was built without libtiff", job->name);
}
#endif
