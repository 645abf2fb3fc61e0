/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG 2000 through OpenJPEG: gray or RGB with components of 8 bits at full size. The library converts no colour
 * spaces, so others are refused.
 */
#include "config.h"
#include "core/image/decode.h"

#ifdef HAVE_OPENJPEG
#include <openjpeg.h>
#include <string.h>

/* The file in memory, as the library reads it. */
struct source {
	const uint8_t *data;
	size_t size, at;
};

static OPJ_SIZE_T source_read(void *out, OPJ_SIZE_T n, void *user)
{
	struct source *s = user;
	size_t left = s->size - s->at, m = n < left ? n : left;

	if (m == 0)
		return (OPJ_SIZE_T)-1; /* the end */
	memcpy(out, s->data + s->at, m);
	s->at += m;
	return m;
}

static OPJ_OFF_T source_skip(OPJ_OFF_T n, void *user)
{
	struct source *s = user;

	if (n < 0 || (uint64_t)n > s->size - s->at)
		return -1;
	s->at += (size_t)n;
	return n;
}

static OPJ_BOOL source_seek(OPJ_OFF_T to, void *user)
{
	struct source *s = user;

	if (to < 0 || (uint64_t)to > s->size)
		return OPJ_FALSE;
	s->at = (size_t)to;
	return OPJ_TRUE;
}

/* What the header says is looked at before the pixels are decoded. */
static enum oqz_status check(const struct oqz_decode_job *job, const opj_image_t *i)
{
	if (i->numcomps != 1 && i->numcomps != 3)
		OQZ_FAIL(job->err, OQZ_E_UNSUPPORTED, "%s: a JPEG 2000 file with %u components", job->name,
		         (unsigned)i->numcomps);
	if (i->color_space == OPJ_CLRSPC_SYCC || i->color_space == OPJ_CLRSPC_EYCC || i->color_space == OPJ_CLRSPC_CMYK)
		OQZ_FAIL(job->err, OQZ_E_UNSUPPORTED, "%s: a JPEG 2000 file that is neither gray nor RGB", job->name);
	for (uint32_t k = 0; k < i->numcomps; k++)
		if (i->comps[k].prec != 8 || i->comps[k].sgnd || i->comps[k].dx != 1 || i->comps[k].dy != 1 ||
		    i->comps[k].w != i->comps[0].w || i->comps[k].h != i->comps[0].h)
			OQZ_FAIL(job->err, OQZ_E_UNSUPPORTED, "%s: component %u is not of 8 bits at full size",
			         job->name, (unsigned)k);
	return oqz_decode_reserve(job, i->comps[0].w, i->comps[0].h, 3);
}

static enum oqz_status decode(const struct oqz_decode_job *job, opj_codec_t *codec, opj_stream_t *stream,
                              opj_image_t **image)
{
	if (!opj_read_header(stream, codec, image))
		OQZ_FAIL(job->err, OQZ_E_DATA, "%s: a damaged JPEG 2000 file", job->name);
	OQZ_TRY(check(job, *image));
	if (!opj_decode(codec, stream, *image) || !opj_end_decompress(codec, stream))
		OQZ_FAIL(job->err, OQZ_E_DATA, "%s: a damaged or truncated JPEG 2000 file", job->name);
	size_t n = (size_t)job->img->width * (size_t)job->img->height;
	for (uint32_t k = 0; k < 3; k++) {
		const OPJ_INT32 *from = (*image)->comps[(*image)->numcomps == 3 ? k : 0].data;
		if (!from)
			OQZ_FAIL(job->err, OQZ_E_DATA, "%s: component %u has no data", job->name, (unsigned)k);
		for (size_t i = 0; i < n; i++)
			job->img->data[3 * i + k] = (uint8_t)from[i];
	}
	return OQZ_OK;
}

enum oqz_status oqz_decode_jpeg2000(const struct oqz_decode_job *job)
{
	struct source s = { job->data, job->size, 0 };
	opj_dparameters_t p;
	opj_image_t *image = NULL;
	enum oqz_status st;

	if (job->mode == OQZ_IMAGE_CODES)
		OQZ_FAIL(job->err, OQZ_E_UNSUPPORTED, "%s: label codes are not read from JPEG 2000", job->name);
	opj_codec_t *codec = opj_create_decompress(OPJ_CODEC_JP2);
	opj_stream_t *stream = opj_stream_default_create(OPJ_TRUE);
	opj_set_default_decoder_parameters(&p);
	if (!codec || !stream || !opj_setup_decoder(codec, &p)) {
		st = oqz_err_nomem(job->err, job->name, 0);
	} else {
		opj_stream_set_user_data(stream, &s, NULL);
		opj_stream_set_user_data_length(stream, job->size);
		opj_stream_set_read_function(stream, source_read);
		opj_stream_set_skip_function(stream, source_skip);
		opj_stream_set_seek_function(stream, source_seek);
		st = decode(job, codec, stream, &image);
	}
	opj_image_destroy(image);
	opj_stream_destroy(stream);
	opj_destroy_codec(codec);
	return st;
}
#else
enum oqz_status oqz_decode_jpeg2000(const struct oqz_decode_job *job)
{
	OQZ_FAIL(job->err, OQZ_E_UNSUPPORTED, "%s: a JPEG 2000 file; oqz was built without OpenJPEG", job->name);
}
#endif
