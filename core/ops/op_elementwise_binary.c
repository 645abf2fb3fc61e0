/* SPDX-License-Identifier: Apache-2.0
 *
 * Elementwise operators of two operands and more: arithmetic, comparison, logic, bits. Integers wrap as ONNX (and C's
 * unsigned arithmetic) has it; division by an integer zero is an error, since a program that reports numbers must not
 * make one up.
 */
#include "core/ops/broadcast.h"
#include "core/ops/op_elementwise.h"
#include "core/ops/ops_util.h"

#include <math.h>

#define FORMULA(id, a, b, c, d, predicate) static const struct ew_formula f_##id = { { a, b, c, d }, predicate };
#define NUMBERS(id, expr, int_expr, unsigned_expr) \
	EW_LOOP(EW_F32, T, id, expr)               \
	EW_LOOP(EW_F64, T, id, expr)               \
	EW_LOOP(EW_I64, T, id, int_expr)           \
	EW_LOOP(EW_U64, T, id, unsigned_expr)      \
	FORMULA(id, loop_EW_F32_##id, loop_EW_F64_##id, loop_EW_I64_##id, loop_EW_U64_##id, false)
#define FLOATS(id, expr)             \
	EW_LOOP(EW_F32, T, id, expr) \
	EW_LOOP(EW_F64, T, id, expr) \
	FORMULA(id, loop_EW_F32_##id, loop_EW_F64_##id, NULL, NULL, false)
#define INTEGERS(id, expr)           \
	EW_LOOP(EW_I64, T, id, expr) \
	EW_LOOP(EW_U64, T, id, expr) \
	FORMULA(id, NULL, NULL, loop_EW_I64_##id, loop_EW_U64_##id, false)
#define PREDICATE(id, expr)                \
	EW_LOOP(EW_F32, uint8_t, id, expr) \
	EW_LOOP(EW_F64, uint8_t, id, expr) \
	EW_LOOP(EW_I64, uint8_t, id, expr) \
	EW_LOOP(EW_U64, uint8_t, id, expr) \
	FORMULA(id, loop_EW_F32_##id, loop_EW_F64_##id, loop_EW_I64_##id, loop_EW_U64_##id, true)
#define LOGIC(id, expr)                                                                                           \
	EW_LOOP(EW_I64, uint8_t, id, expr)                                                                        \
	EW_LOOP(EW_BOOL, uint8_t, id, expr)                                                                       \
	static const struct ew_formula f_##id = { { [EW_I64] = loop_EW_I64_##id, [EW_BOOL] = loop_EW_BOOL_##id }, \
		                                  true };

#define WRAP(x, op, y) ((T)((uint64_t)(x)op(uint64_t)(y)))
/* The least integer divided by -1 does not fit: the quotient wraps, the remainder is 0. */
#define INT_DIV(x, y) ((y) == -1 ? WRAP(0, -, x) : (x) / (y))
#define INT_REM(x, y) ((y) == -1 ? 0 : (x) % (y))
/* Mod with fmod=0: the sign of the divisor (Python); with fmod=1: of the dividend (C). */
#define FLOOR_REM(x, y) (INT_REM(x, y) != 0 && ((INT_REM(x, y) < 0) != ((y) < 0)) ? INT_REM(x, y) + (y) : INT_REM(x, y))

static inline double float_mod(double x, double y, const struct ew_params *p)
{
	double r = fmod(x, y);

	return !p->fmod && r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

/* The remainder of float32 numbers whose quotient is below MOD_QUOTIENT_MAX: it is an integer or 2^-24 away from one,
 * so that double does not take it for the next; and its multiple of y, and what is left, are exact. */
#define MOD_QUOTIENT_MAX 0x1p28
static inline double small_mod(double x, double y) { return copysign(x - trunc(x / y) * y, x); }

OQZ_KERNEL static void loop_EW_F32_MOD(size_t n, const void *xv, int sx, const void *yv, int sy, void *ov,
                                       const struct ew_params *p)
{
	enum { SOME = 256 };
	const float *xs = xv, *ys = yv;
	float *o = ov, x[SOME], y[SOME];

	for (size_t at = 0; at < n; at += SOME) {
		size_t m = n - at < SOME ? n - at : SOME;
		int small = p->fmod != 0;
		for (size_t i = 0; i < m; i++) {
			x[i] = xs[sx ? at + i : 0];
			y[i] = ys[sy ? at + i : 0];
			small &= (fabs((double)x[i] / (double)y[i]) < MOD_QUOTIENT_MAX) & (fabsf(y[i]) < INFINITY);
		}
		if (small)
			for (size_t i = 0; i < m; i++)
				o[at + i] = (float)small_mod((double)x[i], (double)y[i]);
		else
			for (size_t i = 0; i < m; i++)
				o[at + i] = (float)float_mod((double)x[i], (double)y[i], p);
	}
}

/* x^y by squaring, wrapping; a negative exponent gives the truncated real power. */
static inline uint64_t int_pow(uint64_t x, int64_t y)
{
	uint64_t r = 1;

	if (y < 0)
		return x == 1 ? 1 : x == UINT64_MAX ? (y & 1 ? x : 1) : 0;
	for (; y > 0; y >>= 1, x *= x)
		if (y & 1)
			r *= x;
	return r;
}

NUMBERS(ADD, x + y, WRAP(x, +, y), x + y)
NUMBERS(SUB, x - y, WRAP(x, -, y), x - y)
NUMBERS(MUL, x *y, WRAP(x, *, y), x *y)
NUMBERS(DIV, x / y, INT_DIV(x, y), x / y)
EW_LOOP(EW_F64, T, MOD, float_mod(x, y, p))
EW_LOOP(EW_I64, T, MOD, p->fmod ? INT_REM(x, y) : FLOOR_REM(x, y))
EW_LOOP(EW_U64, T, MOD, x % y)
FORMULA(MOD, loop_EW_F32_MOD, loop_EW_F64_MOD, loop_EW_I64_MOD, loop_EW_U64_MOD, false)
NUMBERS(POW, y == 2 ? (double)x * (double)x : pow((double)x, (double)y), int_pow((uint64_t)x, (int64_t)y),
        int_pow(x, (int64_t)y))
NUMBERS(MAX, EW_MAX(x, y), EW_MAX(x, y), EW_MAX(x, y))
NUMBERS(MIN, EW_MIN(x, y), EW_MIN(x, y), EW_MIN(x, y))
NUMBERS(PRELU, x < 0 ? x * y : x, x < 0 ? WRAP(x, *, y) : x, x)
FLOATS(MEAN, x + y)
#define loop_EW_F32_SUM loop_EW_F32_ADD
#define loop_EW_F64_SUM loop_EW_F64_ADD
FORMULA(SUM, loop_EW_F32_SUM, loop_EW_F64_SUM, NULL, NULL, false)
PREDICATE(EQUAL, x == y)
PREDICATE(GREATER, x > y)
PREDICATE(GREATER_OR_EQUAL, x >= y)
PREDICATE(LESS, x < y)
PREDICATE(LESS_OR_EQUAL, x <= y)
LOGIC(AND, (x != 0) & (y != 0))
LOGIC(OR, (x != 0) | (y != 0))
LOGIC(XOR, (x != 0) != (y != 0))
INTEGERS(BITWISE_AND, x &y)
INTEGERS(BITWISE_OR, x | y)
INTEGERS(BITWISE_XOR, x ^ y)
/* Shifts are of unsigned values; a shift by the width or more leaves nothing. */
INTEGERS(BIT_SHIFT, (uint64_t)y > 63         ? 0
                    : p->direction[0] == 'L' ? (uint64_t)x << (uint64_t)y
                                             : (uint64_t)x >> (uint64_t)y)

static enum oqz_status run_integer_division(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *y = c->in[1];
	int64_t n = oqz_tensor_nelem(y);

	if (ew_class_of(y->dtype) >= EW_I64 && oqz_tensor_nelem(c->out[0]) > 0)
		for (int64_t i = 0; i < n; i++)
			if (oqz_load_i(y->dtype, y->data, (size_t)i) == 0)
				OQZ_FAIL(err, OQZ_E_DATA, "division by zero: element %lld of the divisor",
				         (long long)i);
	return ew_run_binary(c, err);
}

/* The slope broadcasts to the input, not the other way round. */
static enum oqz_status check_slope(const struct oqz_shape *x, const struct oqz_shape *slope, struct oqz_err *err)
{
	struct oqz_shape sum = *x;
	char a[OQZ_SHAPE_STR], b[OQZ_SHAPE_STR];

	if (x->rank >= 0 && slope->rank >= 0 &&
	    (oqz_shape_broadcast(&sum, slope, NULL) != OQZ_OK || oqz_shape_merge(&sum, x, NULL) != OQZ_OK))
		OQZ_FAIL(err, OQZ_E_DATA, "a slope of shape %s does not broadcast to %s",
		         oqz_shape_str(slope, b, sizeof b), oqz_shape_str(x, a, sizeof a));
	return OQZ_OK;
}

static enum oqz_status infer_prelu(struct oqz_infer *c, struct oqz_err *err)
{
	struct oqz_shape x = oqz_in_type(c, 0).shape, slope = oqz_in_type(c, 1).shape;

	c->out[0] = *c->in[0];
	return check_slope(&x, &slope, err);
}

static enum oqz_status run_prelu(const struct oqz_call *c, struct oqz_err *err)
{
	OQZ_TRY(check_slope(&c->in[0]->shape, &c->in[1]->shape, err));
	return ew_run_binary(c, err);
}

#define ATTRS(...)                            \
	(const struct oqz_attr_spec[])        \
	{                                     \
		__VA_ARGS__, { .name = NULL } \
	}
#define ROW(id_, run_, ...)                                                                  \
	{                                                                                    \
		OQZ_ROW(id_), .infer = ew_infer_broadcast, .run = run_, .formula = &f_##id_, \
		              .params_size = sizeof(struct ew_params), __VA_ARGS__           \
	}

static const char *const directions[] = { "LEFT", "RIGHT", NULL };
static const struct oqz_attr_spec bit_shift_attrs[] = {
	OQZ_A_REQUIRED_WORD(struct ew_params, direction, directions),
	{ .name = NULL },
};

const struct oqz_op oqz_ops_elementwise_binary[] = {
	ROW(ADD, ew_run_binary),
	ROW(AND, ew_run_binary),
	ROW(BITWISE_AND, ew_run_binary),
	ROW(BITWISE_OR, ew_run_binary),
	ROW(BITWISE_XOR, ew_run_binary),
	ROW(BIT_SHIFT, ew_run_binary, .attrs = bit_shift_attrs),
	ROW(DIV, run_integer_division),
	ROW(EQUAL, ew_run_binary, .texts = true),
	ROW(GREATER, ew_run_binary),
	ROW(GREATER_OR_EQUAL, ew_run_binary),
	ROW(LESS, ew_run_binary),
	ROW(LESS_OR_EQUAL, ew_run_binary),
	ROW(MAX, ew_run_variadic),
	ROW(MEAN, ew_run_variadic),
	ROW(MIN, ew_run_variadic),
	ROW(MOD, run_integer_division, .attrs = ATTRS(OQZ_A_INT(struct ew_params, fmod, 0))),
	ROW(MUL, ew_run_binary),
	ROW(OR, ew_run_binary),
	ROW(POW, ew_run_binary),
	{ OQZ_ROW(PRELU), .infer = infer_prelu, .run = run_prelu, .formula = &f_PRELU },
	ROW(SUB, ew_run_binary),
	ROW(SUM, ew_run_variadic),
	ROW(XOR, ew_run_binary),
	{ .name = NULL },
};
