/* SPDX-License-Identifier: Apache-2.0
 *
 * Element types: the table, single elements, and rows of elements to and from float32. Row conversion is the only part
 * that has a loop per type, written so that the compiler vectorises it; float16 and bfloat16 are converted by their
 * bits there and agree with the general code in minifloat.c (the test compares all codes).
 */
#include "core/tensor/dtype.h"
#include "core/tensor/float_bits.h"
#include "core/tensor/minifloat.h"

#include <math.h>
#include <string.h>

#define FLOATS(n, o, size, bits)                       \
	{                                              \
		n, o, OQZ_KIND_FLOAT, size, bits, 0, 0 \
	}
#define INTS(n, T, bits)                                                                                           \
	{                                                                                                          \
		n, n, OQZ_KIND_INT, sizeof(T), bits, -1 - (INT64_MAX >> (64 - (bits))), INT64_MAX >> (64 - (bits)) \
	}
#define UINTS(n, T, bits)                                                                                           \
	{                                                                                                           \
		n, n, OQZ_KIND_UINT, sizeof(T), bits, 0, (bits) == 64 ? INT64_MAX : INT64_MAX >> (63 - ((bits)&63)) \
	}

static const struct oqz_dtype_traits table[OQZ_DT_COUNT] = {
	[OQZ_DT_UNDEFINED] = { "undefined", "undefined", OQZ_KIND_OTHER, 0, 0, 0, 0 },
	[OQZ_DT_F32] = FLOATS("float32", "float", 4, 32),
	[OQZ_DT_U8] = UINTS("uint8", uint8_t, 8),
	[OQZ_DT_I8] = INTS("int8", int8_t, 8),
	[OQZ_DT_U16] = UINTS("uint16", uint16_t, 16),
	[OQZ_DT_I16] = INTS("int16", int16_t, 16),
	[OQZ_DT_I32] = INTS("int32", int32_t, 32),
	[OQZ_DT_I64] = INTS("int64", int64_t, 64),
	[OQZ_DT_STRING] = { "string", "string", OQZ_KIND_TEXT, sizeof(void *), 0, 0, 0 },
	[OQZ_DT_BOOL] = { "bool", "bool", OQZ_KIND_BOOL, 1, 8, 0, 1 },
	[OQZ_DT_F16] = FLOATS("float16", "float16", 2, 16),
	[OQZ_DT_F64] = FLOATS("float64", "double", 8, 64),
	[OQZ_DT_U32] = UINTS("uint32", uint32_t, 32),
	[OQZ_DT_U64] = UINTS("uint64", uint64_t, 64),
	[OQZ_DT_C64] = { "complex64", "complex64", OQZ_KIND_COMPLEX, 8, 64, 0, 0 },
	[OQZ_DT_C128] = { "complex128", "complex128", OQZ_KIND_COMPLEX, 16, 128, 0, 0 },
	[OQZ_DT_BF16] = FLOATS("bfloat16", "bfloat16", 2, 16),
	[OQZ_DT_F8E4M3FN] = FLOATS("float8e4m3fn", "float8e4m3fn", 1, 8),
	[OQZ_DT_F8E4M3FNUZ] = FLOATS("float8e4m3fnuz", "float8e4m3fnuz", 1, 8),
	[OQZ_DT_F8E5M2] = FLOATS("float8e5m2", "float8e5m2", 1, 8),
	[OQZ_DT_F8E5M2FNUZ] = FLOATS("float8e5m2fnuz", "float8e5m2fnuz", 1, 8),
	[OQZ_DT_U4] = UINTS("uint4", uint8_t, 4),
	[OQZ_DT_I4] = INTS("int4", int8_t, 4),
	[OQZ_DT_F4E2M1] = FLOATS("float4e2m1", "float4e2m1", 1, 4),
	[OQZ_DT_F8E8M0] = FLOATS("float8e8m0", "float8e8m0", 1, 8),
	[OQZ_DT_U2] = UINTS("uint2", uint8_t, 2),
	[OQZ_DT_I2] = INTS("int2", int8_t, 2),
};

const struct oqz_dtype_traits *oqz_dtype_traits(enum oqz_dtype t)
{
	static const struct oqz_dtype_traits sequence = { .name = "a sequence", .onnx = "seq" },
	                                     optional = { .name = "an optional", .onnx = "optional" };

	if (oqz_dtype_is_list(t))
		return t == OQZ_DT_SEQUENCE ? &sequence : &optional;
	return &table[(unsigned)t < OQZ_DT_COUNT ? t : OQZ_DT_UNDEFINED];
}

enum oqz_dtype oqz_dtype_by_name(const char *name)
{
	for (int t = 1; name && t < OQZ_DT_COUNT; t++)
		if (strcmp(table[t].name, name) == 0)
			return t;
	return OQZ_DT_UNDEFINED;
}

/* A small float is at most two bytes wide; its code is read as it lies. */
static uint32_t load_code(enum oqz_dtype t, const void *p, size_t i)
{
	return table[t].size == 2 ? ((const uint16_t *)p)[i] : ((const uint8_t *)p)[i];
}

/* FP8 and FP4 saturate (the default of ONNX Cast), float16 and bfloat16 overflow to infinity as IEEE 754 says. */
static uint32_t encode(enum oqz_dtype t, double x)
{
	return oqz_minifloat_encode(oqz_minifloat_of(t), x, OQZ_ROUND_HALF_EVEN, table[t].size == 1);
}

double oqz_load_f(enum oqz_dtype t, const void *p, size_t i)
{
	switch (t) {
	case OQZ_DT_F32: return ((const float *)p)[i];
	case OQZ_DT_F64: return ((const double *)p)[i];
	case OQZ_DT_C64: return ((const float *)p)[2 * i];
	case OQZ_DT_C128: return ((const double *)p)[2 * i];
	case OQZ_DT_U64: return (double)((const uint64_t *)p)[i];
	default: break;
	}
	const struct oqz_minifloat *f = oqz_minifloat_of(t);
	return f ? oqz_minifloat_decode(f, load_code(t, p, i)) : (double)oqz_load_i(t, p, i);
}

/* Towards zero; what does not fit gives the nearer end of [lo, hi], NaN gives 0. */
static int64_t truncate(double x, int64_t lo, int64_t hi)
{
	if (isnan(x))
		return 0;
	if (x <= (double)lo)
		return lo;
	return x >= (double)hi ? hi : (int64_t)x;
}

int64_t oqz_load_i(enum oqz_dtype t, const void *p, size_t i)
{
	switch (t) {
	case OQZ_DT_U8:
	case OQZ_DT_U4:
	case OQZ_DT_U2: return ((const uint8_t *)p)[i];
	case OQZ_DT_I8:
	case OQZ_DT_I4:
	case OQZ_DT_I2: return ((const int8_t *)p)[i];
	case OQZ_DT_BOOL: return ((const uint8_t *)p)[i] != 0;
	case OQZ_DT_U16: return ((const uint16_t *)p)[i];
	case OQZ_DT_I16: return ((const int16_t *)p)[i];
	case OQZ_DT_U32: return ((const uint32_t *)p)[i];
	case OQZ_DT_I32: return ((const int32_t *)p)[i];
	case OQZ_DT_U64:
	case OQZ_DT_I64: return ((const int64_t *)p)[i];
	case OQZ_DT_F32:
	case OQZ_DT_F64:
	case OQZ_DT_C64:
	case OQZ_DT_C128: return truncate(oqz_load_f(t, p, i), INT64_MIN, INT64_MAX);
	default: return oqz_minifloat_of(t) ? truncate(oqz_load_f(t, p, i), INT64_MIN, INT64_MAX) : 0;
	}
}

void oqz_store_i(enum oqz_dtype t, void *p, size_t i, int64_t x)
{
	uint64_t u = (uint64_t)x;

	switch (t) {
	case OQZ_DT_U8:
	case OQZ_DT_I8: ((uint8_t *)p)[i] = (uint8_t)u; return;
	case OQZ_DT_U4: ((uint8_t *)p)[i] = u & 15; return;
	case OQZ_DT_U2: ((uint8_t *)p)[i] = u & 3; return;
	case OQZ_DT_I4: ((int8_t *)p)[i] = (int8_t)((int)((u & 15) ^ 8) - 8); return;
	case OQZ_DT_I2: ((int8_t *)p)[i] = (int8_t)((int)((u & 3) ^ 2) - 2); return;
	case OQZ_DT_BOOL: ((uint8_t *)p)[i] = u != 0; return;
	case OQZ_DT_U16:
	case OQZ_DT_I16: ((uint16_t *)p)[i] = (uint16_t)u; return;
	case OQZ_DT_U32:
	case OQZ_DT_I32: ((uint32_t *)p)[i] = (uint32_t)u; return;
	case OQZ_DT_U64:
	case OQZ_DT_I64: ((uint64_t *)p)[i] = u; return;
	case OQZ_DT_F32: ((float *)p)[i] = (float)x; return; /* one rounding, not two */
	default: oqz_store_f(t, p, i, (double)x); return;
	}
}

void oqz_store_f(enum oqz_dtype t, void *p, size_t i, double x)
{
	const struct oqz_dtype_traits *tr = oqz_dtype_traits(t);

	switch (t) {
	case OQZ_DT_F32: ((float *)p)[i] = (float)x; return;
	case OQZ_DT_F64: ((double *)p)[i] = x; return;
	case OQZ_DT_BOOL: ((uint8_t *)p)[i] = x != 0; return;
	case OQZ_DT_U64: ((uint64_t *)p)[i] = x >= 0x1p64 ? UINT64_MAX : x > 0 ? (uint64_t)x : 0; return;
	case OQZ_DT_C64:
		((float *)p)[2 * i] = (float)x;
		((float *)p)[2 * i + 1] = 0;
		return;
	case OQZ_DT_C128:
		((double *)p)[2 * i] = x;
		((double *)p)[2 * i + 1] = 0;
		return;
	default: break;
	}
	if (tr->kind == OQZ_KIND_FLOAT && tr->size == 2)
		((uint16_t *)p)[i] = (uint16_t)encode(t, x);
	else if (tr->kind == OQZ_KIND_FLOAT)
		((uint8_t *)p)[i] = (uint8_t)encode(t, x);
	else if (tr->size && tr->kind != OQZ_KIND_TEXT)
		oqz_store_i(t, p, i, truncate(x, tr->min, tr->max));
}

static inline float widen_half(uint16_t h)
{
	uint32_t em = h & 0x7fffu, sign = (uint32_t)(h & 0x8000u) << 16;
	uint32_t normal = (em << 13) + (112u << 23), special = em << 13 | 0x7f800000u;
	uint32_t subnormal = oqz_float_bits((float)(int)em * 0x1p-24f);

	return oqz_bits_float(sign | (em >= 0x7c00u ? special : em < 0x400u ? subnormal : normal));
}

/* Half even. Adding 0.5 puts the last bit of the sum at 2^-24, the step of subnormal halves: the addition rounds. */
static inline uint16_t narrow_half(float x)
{
	uint32_t bits = oqz_float_bits(x), a = bits & 0x7fffffffu, sign = bits >> 16 & 0x8000u;
	uint32_t capped = (a < 0x47800000u ? a : 0x47800000u) - (112u << 23);
	uint32_t normal = (capped + 0xfffu + (capped >> 13 & 1)) >> 13;
	uint32_t subnormal = oqz_float_bits(oqz_bits_float(a) + 0.5f) - 0x3f000000u;
	uint32_t r = a > 0x7f800000u ? 0x7e00u : a < 0x38800000u ? subnormal : normal;

	return (uint16_t)(sign | r);
}

static inline uint16_t narrow_brain(float x)
{
	uint32_t bits = oqz_float_bits(x);
	uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16, nan = (bits >> 16 & 0x8000u) | 0x7fc0u;

	return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

/* Truncates and saturates in float32, exact for ranges below 2^24. NaN gives 0. */
static inline int narrow_int(float x, float lo, float hi)
{
	x = x == x ? x : 0;
	x = x < lo ? lo : x;
	x = x > hi ? hi : x;
	return (int)x;
}

#define ROW(T, expr)                           \
	for (size_t i = 0; i < n; i++) {       \
		const T x = ((const T *)p)[i]; \
		out[i] = (expr);               \
	}                                      \
	break

OQZ_KERNEL void oqz_to_f32(enum oqz_dtype t, const void *restrict p, size_t n, float *restrict out)
{
	switch (t) {
	case OQZ_DT_F32:
		if (n)
			memcpy(out, p, n * sizeof *out);
		break;
	case OQZ_DT_U8:
	case OQZ_DT_U4:
	case OQZ_DT_U2: ROW(uint8_t, x);
	case OQZ_DT_I8:
	case OQZ_DT_I4:
	case OQZ_DT_I2: ROW(int8_t, x);
	case OQZ_DT_BOOL: ROW(uint8_t, x != 0);
	case OQZ_DT_U16: ROW(uint16_t, x);
	case OQZ_DT_I16: ROW(int16_t, x);
	case OQZ_DT_I32: ROW(int32_t, (float)x);
	case OQZ_DT_F64: ROW(double, (float)x);
	case OQZ_DT_F16: ROW(uint16_t, widen_half(x));
	case OQZ_DT_BF16: ROW(uint16_t, oqz_bits_float((uint32_t)x << 16));
	case OQZ_DT_U64: ROW(uint64_t, (float)x);
	case OQZ_DT_I64: ROW(int64_t, (float)x);
	default:
		if (oqz_minifloat_of(t)) {
			const float *value = oqz_minifloat_values(t);
			ROW(uint8_t, value[x]);
		}
		for (size_t i = 0; i < n; i++)
			out[i] = (float)oqz_load_f(t, p, i);
	}
}

OQZ_KERNEL void oqz_to_i64(enum oqz_dtype t, const void *restrict p, size_t n, int64_t *restrict out)
{
	switch (t) {
	case OQZ_DT_U8:
	case OQZ_DT_U4:
	case OQZ_DT_U2: ROW(uint8_t, x);
	case OQZ_DT_I8:
	case OQZ_DT_I4:
	case OQZ_DT_I2: ROW(int8_t, x);
	case OQZ_DT_BOOL: ROW(uint8_t, x != 0);
	case OQZ_DT_U16: ROW(uint16_t, x);
	case OQZ_DT_I16: ROW(int16_t, x);
	case OQZ_DT_U32: ROW(uint32_t, x);
	case OQZ_DT_I32: ROW(int32_t, x);
	case OQZ_DT_U64:
	case OQZ_DT_I64: ROW(int64_t, x);
	default:
		for (size_t i = 0; i < n; i++)
			out[i] = oqz_load_i(t, p, i);
	}
}
#undef ROW

#define ROW(T, expr)                     \
	for (size_t i = 0; i < n; i++) { \
		const float x = in[i];   \
		((T *)p)[i] = (T)(expr); \
	}                                \
	break

OQZ_KERNEL void oqz_from_f32(enum oqz_dtype t, const float *restrict in, size_t n, void *restrict p)
{
	switch (t) {
	case OQZ_DT_F32:
		if (n)
			memcpy(p, in, n * sizeof *in);
		break;
	case OQZ_DT_U8: ROW(uint8_t, narrow_int(x, 0, UINT8_MAX));
	case OQZ_DT_I8: ROW(int8_t, narrow_int(x, INT8_MIN, INT8_MAX));
	case OQZ_DT_U16: ROW(uint16_t, narrow_int(x, 0, UINT16_MAX));
	case OQZ_DT_I16: ROW(int16_t, narrow_int(x, INT16_MIN, INT16_MAX));
	case OQZ_DT_BOOL: ROW(uint8_t, x != 0);
	case OQZ_DT_F64: ROW(double, x);
	case OQZ_DT_F16: ROW(uint16_t, narrow_half(x));
	case OQZ_DT_BF16: ROW(uint16_t, narrow_brain(x));
	default:
		for (size_t i = 0; i < n; i++)
			oqz_store_f(t, p, i, in[i]);
	}
}
#undef ROW
