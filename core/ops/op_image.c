/* SPDX-License-Identifier: Apache-2.0
 *
 * ImageDecoder: the bytes of an image file to pixels, by the decoders of core/image.
 */
#include "core/image/image.h"
#include "core/ops/ops_util.h"

struct decoder {
	const char *pixel_format;
};

static bool is_gray(const struct oqz_node *n) { return *OQZ_PARAMS(n, struct decoder)->pixel_format == 'G'; }

static enum oqz_status infer_decoder(struct oqz_infer *c, struct oqz_err *err)
{
	enum oqz_dtype t = oqz_in_type(c, 0).dtype;

	if (t != OQZ_DT_UNDEFINED && t != OQZ_DT_U8)
		OQZ_FAIL(err, OQZ_E_DATA, "input 0 is %s, should be uint8", oqz_dtype_name(t));
	OQZ_TRY(oqz_need_rank(c, 0, 1, 1, err));
	c->out[0] = (struct oqz_type) { OQZ_DT_U8, oqz_shape_unknown(3) };
	c->out[0].shape.dim[2] = is_gray(c->node) ? 1 : 3;
	return OQZ_OK;
}

/* ITU-R 601-2 luma in fixed point, as Pillow converts to "L". */
static uint8_t luma(const uint8_t *p)
{
	return (uint8_t)((p[0] * 19595u + p[1] * 38470u + p[2] * 7471u + 0x8000u) >> 16);
}

static enum oqz_status run_decoder(const struct oqz_call *c, struct oqz_err *err)
{
	const char *format = OQZ_PARAMS(c->node, struct decoder)->pixel_format;
	const struct oqz_tensor *x = c->in[0];
	struct oqz_image img = { 0 };
	enum oqz_status st =
	    oqz_image_decode(x->data, (size_t)oqz_tensor_nelem(x), "the image", OQZ_IMAGE_RGB, NULL, &img, err);
	struct oqz_shape s = oqz_shape_of(3, (const int64_t[]) { img.height, img.width, is_gray(c->node) ? 1 : 3 });

	if (st == OQZ_OK)
		st = oqz_tensor_alloc(c->out[0], OQZ_DT_U8, &s, err);
	uint8_t *out = st == OQZ_OK ? c->out[0]->data : NULL;
	for (int64_t i = 0; out && i < (int64_t)img.width * img.height; i++) {
		const uint8_t *p = img.data + 3 * i;
		bool swap = *format == 'B';
		if (s.dim[2] == 1) {
			out[i] = luma(p);
			continue;
		}
		out[3 * i] = p[swap ? 2 : 0];
		out[3 * i + 1] = p[1];
		out[3 * i + 2] = p[swap ? 0 : 2];
	}
	oqz_image_release(&img);
	return st;
}

static const char *const formats[] = { "RGB", "BGR", "Grayscale", NULL };
static const struct oqz_attr_spec decoder_attrs[] = {
	OQZ_A_STRING(struct decoder, pixel_format, "RGB", formats),
	{ .name = NULL },
};

const struct oqz_op oqz_ops_image[] = {
	{ OQZ_ROW(IMAGE_DECODER), OQZ_ROW_PARAMS(struct decoder, decoder_attrs), .infer = infer_decoder,
	  .run = run_decoder },
	{ .name = NULL },
};
