/* SPDX-License-Identifier: Apache-2.0
 *
 * Cast, CastLike. Between floats: round half to even, and to the 8-bit floats with or without saturation; float to
 * integer truncates; between integers bits are kept or dropped (two's complement); to bool: not zero. Out-of-range
 * floats are undefined in ONNX; here they saturate, so that the result is the same on every machine. NaN becomes -0 in
 * float4e2m1, which has no code for it: so ONNX's reference implementation has it and the cases that are published with
 * it, though a table of the standard says 6. Strings are written and read as core/tensor/text.h says.
 */
#include "core/ops/ops_util.h"
#include "core/tensor/text.h"
#include "core/tensor/minifloat.h"

struct cast {
	int64_t to, saturate;
	const char *round_mode; /* to float8e8m0 */
};

static enum oqz_status check_real(enum oqz_dtype t, struct oqz_err *err)
{
	if (oqz_dtype_traits(t)->kind == OQZ_KIND_COMPLEX)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "conversion from or to %s", oqz_dtype_name(t));
	return OQZ_OK;
}

static enum oqz_status infer_cast(struct oqz_infer *c, struct oqz_err *err)
{
	enum oqz_dtype to = c->node->op->id == OQZ_OP_CAST ? (enum oqz_dtype)OQZ_PARAMS(c->node, struct cast)->to
	                                                   : oqz_in_type(c, 1).dtype;

	if (c->node->op->id == OQZ_OP_CAST && oqz_dtype_size(to) == 0)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "conversion to element type %d", (int)to);
	OQZ_TRY(check_real(to, err));
	OQZ_TRY(check_real(c->in[0]->dtype, err));
	c->out[0] = *c->in[0];
	c->out[0].dtype = to;
	return OQZ_OK;
}

/* Small floats without saturation: too large becomes infinity or NaN. Where no code is NaN it is -0. */
static void cast_minifloat(const struct oqz_tensor *in, struct oqz_tensor *out, const struct oqz_minifloat *f,
                           bool saturate)
{
	int64_t n = oqz_tensor_nelem(in);
	uint8_t *o = out->data;

	for (int64_t i = 0; i < n; i++) {
		double x = oqz_load_f(in->dtype, in->data, (size_t)i);

		x = isnan(x) && f->special == OQZ_MF_FINITE ? -0.0 : x;
		o[i] = (uint8_t)oqz_minifloat_encode(f, x, OQZ_ROUND_HALF_EVEN, saturate);
	}
}

/* Powers of two (operator set 24): the code is the exponent, which rounds as asked. Values have no sign; zero and what
 * is smaller give the smallest code; beyond the range saturates or is NaN, as are NaN and, without saturation,
 * infinity. */
static void cast_scale(const struct oqz_tensor *in, struct oqz_tensor *out, const struct cast *p)
{
	enum { BIAS = 127, LARGEST = 254, NOT_A_NUMBER = 255 };

	for (int64_t i = 0, n = oqz_tensor_nelem(in); i < n; i++) {
		double x = fabs(oqz_load_f(in->dtype, in->data, (size_t)i));
		int e = 0;
		double m = frexp(x, &e); /* x = m 2^e, m in [0.5, 1) */
		int code = e - 1 + BIAS;

		if (p->round_mode[0] == 'u' ? m > 0.5 : p->round_mode[0] == 'n' && m >= 0.75)
			code++;
		if (x == 0 || code < 0)
			code = 0;
		if (isnan(x) || ((isinf(x) || code > LARGEST) && !p->saturate))
			code = NOT_A_NUMBER;
		else if (isinf(x) || code > LARGEST)
			code = LARGEST;
		((uint8_t *)out->data)[i] = (uint8_t)code;
	}
}

/* Float32 to an integer type as oqz_store_f does it, in loops that vectorise; false: not such a type. */
OQZ_KERNEL static bool truncate_row(const float *restrict x, void *restrict out, size_t n, enum oqz_dtype t)
{
	const double lo = (double)oqz_dtype_traits(t)->min, hi = (double)oqz_dtype_traits(t)->max;
	const int64_t most = oqz_dtype_traits(t)->max;

	switch (t) {
#define ROW(id, type)                                                                               \
	case OQZ_DT_##id:                                                                           \
		for (size_t i = 0; i < n; i++) {                                                    \
			double v = x[i] != x[i] ? 0 : (double)x[i], c = v < lo ? lo : v;            \
			((type *)out)[i] = c >= hi ? (type)most : (type)(int64_t)(c >= hi ? 0 : c); \
		}                                                                                   \
		return true;
		ROW(I8, int8_t)
		ROW(U8, uint8_t)
		ROW(I16, int16_t)
		ROW(U16, uint16_t)
		ROW(I32, int32_t)
		ROW(U32, uint32_t)
		ROW(I64, int64_t)
#undef ROW
	case OQZ_DT_BOOL:
		for (size_t i = 0; i < n; i++)
			((uint8_t *)out)[i] = x[i] != 0;
		return true;
	default: return false;
	}
}

/* Numbers of any type to any other; the tensors have one shape. */
static void convert(const struct oqz_tensor *in, struct oqz_tensor *out, const struct cast *p)
{
	enum oqz_dtype a = in->dtype, b = out->dtype;
	size_t n = (size_t)oqz_tensor_nelem(in);
	bool floats = oqz_dtype_is_float(a) || oqz_dtype_is_float(b);

	if (a == b)
		memcpy(out->data, in->data, oqz_tensor_bytes(in));
	else if (b == OQZ_DT_F8E8M0)
		cast_scale(in, out, p);
	else if (oqz_dtype_is_float(b) && oqz_dtype_size(b) == 1)
		cast_minifloat(in, out, oqz_minifloat_of(b), p->saturate != 0);
	else if (oqz_dtype_is_float(a) && oqz_dtype_is_int(b) && oqz_dtype_traits(b)->bits < 8)
		for (size_t i = 0; i < n; i++) /* the low bits of the truncated number, as ONNX's reference has it */
			oqz_store_i(b, out->data, i, oqz_load_i(a, in->data, i));
	else if (b == OQZ_DT_F32 && a != OQZ_DT_F64)
		oqz_to_f32(a, in->data, n, out->data);
	else if (a == OQZ_DT_F32 && b == OQZ_DT_F16)
		oqz_from_f32(b, in->data, n, out->data);
	else if (a == OQZ_DT_F32 && truncate_row(in->data, out->data, n, b))
		return;
	else
		for (size_t i = 0; i < n; i++)
			if (!floats && b == OQZ_DT_BOOL)
				oqz_store_i(b, out->data, i, oqz_load_i(a, in->data, i) != 0);
			else if (!floats)
				oqz_store_i(b, out->data, i, oqz_load_i(a, in->data, i));
			else
				oqz_store_f(b, out->data, i, oqz_load_f(a, in->data, i));
}

static enum oqz_status write_texts(const struct oqz_tensor *in, struct oqz_tensor *out, struct oqz_err *err)
{
	for (size_t i = 0; i < (size_t)oqz_tensor_nelem(in); i++)
		OQZ_TRY(oqz_text_from_number(in, i, (const struct oqz_text **)out->data + i, err));
	return OQZ_OK;
}

/* A text becomes a double, which is then converted as any other; integers that say so exactly need no detour. */
static enum oqz_status read_texts(const struct oqz_tensor *in, struct oqz_tensor *out, const struct cast *p,
                                  struct oqz_err *err)
{
	struct oqz_shape scalar = { .rank = 0 };
	double x = 0;
	struct oqz_tensor from = { .dtype = OQZ_DT_F64, .shape = scalar, .data = &x };

	for (size_t i = 0; i < (size_t)oqz_tensor_nelem(in); i++) {
		struct oqz_tensor to = { .dtype = out->dtype, .shape = scalar };
		int64_t whole;
		bool is_whole;

		to.data = (char *)out->data + i * oqz_dtype_size(out->dtype);
		OQZ_TRY(oqz_text_to_number(oqz_text_at(in, i), &x, &is_whole, &whole, err));
		if (is_whole && oqz_dtype_is_int(out->dtype))
			oqz_store_i(out->dtype, out->data, i, whole);
		else
			convert(&from, &to, p);
	}
	return OQZ_OK;
}

static enum oqz_status run_cast(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *in = c->in[0];
	struct oqz_tensor *out = c->out[0];

	if (in->dtype != out->dtype && out->dtype == OQZ_DT_STRING)
		return write_texts(in, out, err);
	if (in->dtype != out->dtype && in->dtype == OQZ_DT_STRING)
		return read_texts(in, out, OQZ_PARAMS(c->node, struct cast), err);
	convert(in, out, OQZ_PARAMS(c->node, struct cast));
	return OQZ_OK;
}

/* ---- BitCast (operator set 26): the same bits, read as another type of the same width ---- */

static enum oqz_status infer_bitcast(struct oqz_infer *c, struct oqz_err *err)
{
	enum oqz_dtype from = c->in[0]->dtype, to = (enum oqz_dtype)OQZ_PARAMS(c->node, struct cast)->to;

	if (oqz_dtype_size(to) == 0)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "conversion to element type %d", (int)to);
	if (from != OQZ_DT_UNDEFINED && oqz_dtype_traits(from)->bits != oqz_dtype_traits(to)->bits)
		OQZ_FAIL(err, OQZ_E_DATA, "%s and %s have different widths", oqz_dtype_name(from), oqz_dtype_name(to));
	c->out[0] = *c->in[0];
	c->out[0].dtype = to;
	return OQZ_OK;
}

/* Below a byte signed codes are held sign-extended: the code is what store_i keeps of them. */
static enum oqz_status run_bitcast(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *in = c->in[0];
	struct oqz_tensor *out = c->out[0];
	unsigned bits = (unsigned)oqz_dtype_traits(in->dtype)->bits;

	(void)err;
	if (bits >= 8) {
		memcpy(out->data, in->data, oqz_tensor_bytes(in));
		return OQZ_OK;
	}
	for (int64_t i = 0, n = oqz_tensor_nelem(in); i < n; i++) {
		uint8_t code = ((const uint8_t *)in->data)[i] & ((1u << bits) - 1);
		if (oqz_dtype_is_float(out->dtype))
			((uint8_t *)out->data)[i] = code;
		else
			oqz_store_i(out->dtype, out->data, (size_t)i, code);
	}
	return OQZ_OK;
}

static const char *const round_modes[] = { "up", "down", "nearest", NULL };
static const struct oqz_attr_spec cast_attrs[] = {
	OQZ_A_REQUIRED(struct cast, to, OQZ_ATTR_INT),
	OQZ_A_INT(struct cast, saturate, 1),
	OQZ_A_STRING(struct cast, round_mode, "up", round_modes),
	{ .name = NULL },
};
static const struct oqz_attr_spec cast_like_attrs[] = {
	OQZ_A_INT(struct cast, saturate, 1),
	OQZ_A_STRING(struct cast, round_mode, "up", round_modes),
	{ .name = NULL },
};

static const struct oqz_attr_spec bitcast_attrs[] = {
	OQZ_A_REQUIRED(struct cast, to, OQZ_ATTR_INT),
	{ .name = NULL },
};

const struct oqz_op oqz_ops_cast[] = {
	{ OQZ_ROW(BIT_CAST), OQZ_ROW_PARAMS(struct cast, bitcast_attrs), .infer = infer_bitcast, .run = run_bitcast },
	{ OQZ_ROW(CAST), .texts = true, OQZ_ROW_PARAMS(struct cast, cast_attrs), .infer = infer_cast, .run = run_cast },
	{ OQZ_ROW(CAST_LIKE), .texts = true, OQZ_ROW_PARAMS(struct cast, cast_like_attrs), .infer = infer_cast,
	  .run = run_cast },
	{ .name = NULL },
};
