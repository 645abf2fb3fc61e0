/* SPDX-License-Identifier: Apache-2.0
 *
 * Elementwise operators of one operand: activations, roundings, transcendental functions, predicates. Transcendental
 * functions are evaluated in double and rounded to the type, so that the reference is the correctly rounded value
 * almost always; what is exact in float32 stays in float32 arithmetic.
 */
#include "core/ops/op_elementwise.h"
#include "core/ops/ops_util.h"

#include <math.h>

/* FLOATS(ID, expression): both floating classes. SIGNED, NUMBERS: integers as well. */
#define FLOATS(id, expr)              \
	EW_LOOP1(EW_F32, T, id, expr) \
	EW_LOOP1(EW_F64, T, id, expr) \
	static const struct ew_formula f_##id = { { loop_EW_F32_##id, loop_EW_F64_##id, NULL, NULL }, false };
#define SIGNED(id, expr, int_expr)                                                                                \
	EW_LOOP1(EW_F32, T, id, expr)                                                                             \
	EW_LOOP1(EW_F64, T, id, expr)                                                                             \
	EW_LOOP1(EW_I64, T, id, int_expr)                                                                         \
	static const struct ew_formula f_##id = { { loop_EW_F32_##id, loop_EW_F64_##id, loop_EW_I64_##id, NULL }, \
		                                  false };
#define ALL_NUMBERS(id, expr, int_expr, unsigned_expr)                                            \
	EW_LOOP1(EW_F32, T, id, expr)                                                             \
	EW_LOOP1(EW_F64, T, id, expr)                                                             \
	EW_LOOP1(EW_I64, T, id, int_expr)                                                         \
	EW_LOOP1(EW_U64, T, id, unsigned_expr)                                                    \
	static const struct ew_formula f_##id = {                                                 \
		{ loop_EW_F32_##id, loop_EW_F64_##id, loop_EW_I64_##id, loop_EW_U64_##id }, false \
	};
#define NUMBERS(id, expr, int_expr) ALL_NUMBERS(id, expr, int_expr, int_expr)
#define FLOAT_PREDICATE(id, expr)           \
	EW_LOOP1(EW_F32, uint8_t, id, expr) \
	EW_LOOP1(EW_F64, uint8_t, id, expr) \
	static const struct ew_formula f_##id = { { loop_EW_F32_##id, loop_EW_F64_##id, NULL, NULL }, true };

#define SELU_ALPHA 1.67326319217681884765625f
#define SELU_GAMMA 1.05070102214813232421875f

static inline double sigmoid(double x) { return 1 / (1 + exp(-x)); }
/* log(1 + e^x) without overflow. */
static inline double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

static inline double gelu(double x, const struct ew_params *p)
{
	if (p->approximate && p->approximate[0] == 't')
		return 0.5 * x * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
	return 0.5 * x * (1 + erf(x * 0.70710678118654752440));
}

static inline double shrink(double x, const struct ew_params *p)
{
	return x < -(double)p->lambd ? x + (double)p->bias : x > (double)p->lambd ? x - (double)p->bias : 0 * x;
}

/* Integers: two's complement, so that the negative of the least one is itself. */
#define WRAP_NEG(x) ((T)(0 - (uint64_t)(x)))

ALL_NUMBERS(ABS, x < 0 ? -x : x + 0, x < 0 ? WRAP_NEG(x) : x, x)
SIGNED(NEG, -x, WRAP_NEG(x))
ALL_NUMBERS(SIGN, x > 0 ? (T)1 : x < 0 ? (T)-1 : x, (x > 0) - (x < 0), x > 0)
SIGNED(RELU, x < 0 ? 0 : x, x < 0 ? 0 : x)
FLOATS(SQRT, sqrt((double)x))
FLOATS(RECIPROCAL, 1 / x)
FLOATS(EXP, exp((double)x))
FLOATS(LOG, log((double)x))
FLOATS(ERF, erf((double)x))
FLOATS(FLOOR, floor((double)x))
FLOATS(CEIL, ceil((double)x))
FLOATS(ROUND, rint((double)x))
FLOATS(SIN, sin((double)x))
FLOATS(COS, cos((double)x))
FLOATS(TAN, tan((double)x))
FLOATS(ASIN, asin((double)x))
FLOATS(ACOS, acos((double)x))
FLOATS(ATAN, atan((double)x))
FLOATS(SINH, sinh((double)x))
FLOATS(COSH, cosh((double)x))
FLOATS(TANH, tanh((double)x))
FLOATS(ASINH, asinh((double)x))
FLOATS(ACOSH, acosh((double)x))
FLOATS(ATANH, atanh((double)x))
FLOATS(LEAKY_RELU, x < 0 ? (T)p->alpha * x : x)
FLOATS(THRESHOLDED_RELU, x > (T)p->alpha ? x : 0 * x)
FLOATS(SIGMOID, sigmoid((double)x))
FLOATS(HARD_SIGMOID, EW_MAX((T)0, EW_MIN((T)1, (T)p->alpha *x + (T)p->beta)))
FLOATS(HARD_SWISH, x *EW_MAX((T)0, EW_MIN((T)1, (T)((double)x / 6 + 0.5))))
FLOATS(ELU, x < 0 ? (double)p->alpha * expm1((double)x) : (double)x)
FLOATS(SELU, (double)p->gamma *(x > 0 ? (double)x : (double)p->alpha * expm1((double)x)))
FLOATS(CELU, x < 0 ? (double)p->alpha * expm1((double)x / (double)p->alpha) : (double)x)
FLOATS(SOFTPLUS, softplus((double)x))
FLOATS(SOFTSIGN, x / (1 + (x < 0 ? -x : x)))
FLOATS(MISH, (double)x *tanh(softplus((double)x)))
FLOATS(GELU, gelu((double)x, p))
FLOATS(SWISH, (double)x *sigmoid((double)p->alpha *(double)x))
NUMBERS(SHRINK, shrink((double)x, p), shrink((double)x, p))
FLOAT_PREDICATE(IS_NAN, x != x)
FLOAT_PREDICATE(IS_INF, (x == (T)INFINITY && p->detect_positive) || (x == -(T)INFINITY && p->detect_negative))
/* Not is defined on bool, which is held as int64 in a loop. */
EW_LOOP1(EW_I64, uint8_t, NOT, !x)
EW_LOOP1(EW_BOOL, uint8_t, NOT, !x)
static const struct ew_formula f_NOT = { { [EW_I64] = loop_EW_I64_NOT, [EW_BOOL] = loop_EW_BOOL_NOT }, true };
EW_LOOP1(EW_I64, T, BITWISE_NOT, ~x)
EW_LOOP1(EW_U64, T, BITWISE_NOT, ~x)
static const struct ew_formula f_BITWISE_NOT = { { NULL, NULL, loop_EW_I64_BITWISE_NOT, loop_EW_U64_BITWISE_NOT },
	                                         false };

/* Clip: bounds arrive as scalar inputs. A lower bound above the upper one gives the upper one (ONNX Clip-13). */
EW_LOOP1(EW_F32, T, CLIP, EW_MIN((T)p->hi, x < (T)p->lo ? (T)p->lo : x))
EW_LOOP1(EW_F64, T, CLIP, EW_MIN((T)p->hi, x < (T)p->lo ? (T)p->lo : x))
EW_LOOP1(EW_I64, T, CLIP, EW_MIN(p->ihi, EW_MAX(p->ilo, x)))
EW_LOOP1(EW_U64, T, CLIP, EW_MIN(p->uhi, EW_MAX(p->ulo, x)))
static const struct ew_formula f_CLIP = { { loop_EW_F32_CLIP, loop_EW_F64_CLIP, loop_EW_I64_CLIP, loop_EW_U64_CLIP },
	                                  false };

static enum oqz_status run_clip(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *lo = c->n_in > 1 ? c->in[1] : NULL, *hi = c->n_in > 2 ? c->in[2] : NULL;
	struct ew_params p = {
		.lo = -INFINITY, .hi = INFINITY, .ilo = INT64_MIN, .ihi = INT64_MAX, .ulo = 0, .uhi = UINT64_MAX
	};

	for (int i = 1; i < c->n_in; i++)
		if (c->in[i] && oqz_tensor_nelem(c->in[i]) != 1)
			OQZ_FAIL(err, OQZ_E_DATA, "input %d (a bound) has %lld elements, not 1", i,
			         (long long)oqz_tensor_nelem(c->in[i]));
	if (lo) {
		p.lo = oqz_load_f(lo->dtype, lo->data, 0);
		p.ilo = oqz_load_i(lo->dtype, lo->data, 0);
		p.ulo = (uint64_t)p.ilo;
	}
	if (hi) {
		p.hi = oqz_load_f(hi->dtype, hi->data, 0);
		p.ihi = oqz_load_i(hi->dtype, hi->data, 0);
		p.uhi = (uint64_t)p.ihi;
	}
	return ew_run(c->node, &f_CLIP, c->in[0], NULL, c->out[0], &p, err);
}

#define A_FLOAT(m, d) OQZ_A_FLOAT(struct ew_params, m, d)
#define A_INT(m, d) OQZ_A_INT(struct ew_params, m, d)
#define ATTRS(...)                            \
	(const struct oqz_attr_spec[])        \
	{                                     \
		__VA_ARGS__, { .name = NULL } \
	}

static const char *const gelu_words[] = { "none", "tanh", NULL };

#define ROW(id_, ...)                                                                            \
	{                                                                                        \
		OQZ_ROW(id_), .infer = ew_infer_unary, .run = ew_run_unary, .formula = &f_##id_, \
		              .params_size = sizeof(struct ew_params), __VA_ARGS__               \
	}

const struct oqz_op oqz_ops_elementwise_unary[] = {
	ROW(ABS),
	ROW(ACOS),
	ROW(ACOSH),
	ROW(ASIN),
	ROW(ASINH),
	ROW(ATAN),
	ROW(ATANH),
	ROW(BITWISE_NOT),
	ROW(CEIL),
	ROW(CELU, .attrs = ATTRS(A_FLOAT(alpha, 1))),
	{ OQZ_ROW(CLIP), .infer = ew_infer_unary, .run = run_clip },
	ROW(COS),
	ROW(COSH),
	ROW(ELU, .attrs = ATTRS(A_FLOAT(alpha, 1))),
	ROW(ERF),
	ROW(EXP),
	ROW(FLOOR),
	ROW(GELU, .attrs = ATTRS(OQZ_A_STRING(struct ew_params, approximate, "none", gelu_words))),
	ROW(HARD_SIGMOID, .attrs = ATTRS(A_FLOAT(alpha, 0.2f), A_FLOAT(beta, 0.5f))),
	ROW(HARD_SWISH),
	ROW(IS_INF, .attrs = ATTRS(A_INT(detect_negative, 1), A_INT(detect_positive, 1))),
	ROW(IS_NAN),
	ROW(LEAKY_RELU, .attrs = ATTRS(A_FLOAT(alpha, 0.01f))),
	ROW(LOG),
	ROW(MISH),
	ROW(NEG),
	ROW(NOT),
	ROW(RECIPROCAL),
	ROW(RELU),
	ROW(ROUND),
	ROW(SELU, .attrs = ATTRS(A_FLOAT(alpha, SELU_ALPHA), A_FLOAT(gamma, SELU_GAMMA))),
	ROW(SHRINK, .attrs = ATTRS(A_FLOAT(bias, 0), A_FLOAT(lambd, 0.5f))),
	ROW(SIGMOID),
	ROW(SIGN),
	ROW(SIN),
	ROW(SINH),
	ROW(SOFTPLUS),
	ROW(SOFTSIGN),
	ROW(SQRT),
	ROW(SWISH, .attrs = ATTRS(A_FLOAT(alpha, 1))),
	ROW(TAN),
	ROW(TANH),
	ROW(THRESHOLDED_RELU, .attrs = ATTRS(A_FLOAT(alpha, 1))),
	{ .name = NULL },
};
