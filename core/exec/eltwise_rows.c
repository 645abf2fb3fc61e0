/* SPDX-License-Identifier: Apache-2.0
 *
 * The elementwise formulas in float32, one row each. Each body is compiled once per instruction set (OQZ_KERNEL) and
 * written so that it vectorises; OQZ_IVDEP says that y == x is the only overlap there can be.
 */
#include "core/exec/eltwise_rows.h"
#include "core/exec/vmath.h"

#include <math.h>

/* A lower bound above the upper one gives the upper one (ONNX Clip-13); NaN passes. */
VM_INLINE float vm_clip(float v, float lo, float hi)
{
	float t = v < lo ? lo : v;

	return t > hi ? hi : t;
}

#define ROW1_BODY(expr)                                 \
	{                                               \
		const struct oqz_row_params p = *q;     \
		(void)p;                                \
		OQZ_IVDEP for (size_t i = 0; i < n; i++) \
		{                                       \
			float v = x[i];                 \
			y[i] = (expr);                  \
		}                                       \
	}
#define ROW1(name, expr)                                                                                      \
	OQZ_KERNEL static void row_##name(const float *x, float *y, size_t n, const struct oqz_row_params *q) \
	ROW1_BODY(expr)

/* One in whose formula products are added with one rounding. */
#define ROW1_FMA(name, expr)                                                                                           \
	VM_INLINE void row_##name##_body(bool fused, const float *x, float *y, size_t n,                               \
	                                 const struct oqz_row_params *q) ROW1_BODY(expr)                               \
	OQZ_KERNEL_FMA(static, row_##name, (const float *x, float *y, size_t n, const struct oqz_row_params *q), x, y, \
	               n, q)

#define SELU_ALPHA 1.67326324f
#define SELU_GAMMA 1.05070102f

ROW1(ABS, vm_abs(v) + 0.0f)
ROW1(NEG, -v)
ROW1(RELU, v < 0 ? 0 : v)
ROW1(LEAKY_RELU, v < 0 ? p.a * v : v)
ROW1(THRESHOLDED_RELU, v > p.a ? v : 0 * v)
ROW1(CLIP, vm_clip(v, p.a, p.b))
ROW1_FMA(SIGMOID, vm_sigmoid(fused, v))
ROW1(HARD_SIGMOID, vm_max(0.0f, vm_min(1.0f, p.a *v + p.b)))
ROW1_FMA(HARD_SWISH, v *vm_max(0.0f, vm_min(1.0f, vm_fma(fused, v, 1.0f / 6, 0.5f))))
ROW1_FMA(TANH, vm_tanh(fused, v))
ROW1_FMA(EXP, vm_exp(fused, v))
ROW1_FMA(ERF, vm_erf(fused, v))
ROW1_FMA(LOG, vm_log(fused, v))
ROW1_FMA(ELU, v < 0 ? p.a * vm_expm1(fused, v) : v)
ROW1_FMA(SELU, p.b *(v > 0 ? v : p.a * vm_expm1(fused, v)))
ROW1_FMA(CELU, v < 0 ? p.a * vm_expm1(fused, v / p.a) : v)
ROW1_FMA(SOFTPLUS, vm_softplus(fused, v))
ROW1(SOFTSIGN, v / (1.0f + vm_abs(v)))
ROW1_FMA(MISH, vm_mish(fused, v))
ROW1_FMA(SWISH, vm_times_sigmoid(fused, v, p.a *v))
ROW1_FMA(GELU, vm_gelu(fused, v))
ROW1_FMA(GELU_TANH, vm_times_sigmoid(fused, v, 1.59576912f * vm_fma(fused, 0.044715f * v, v *v, v)))
ROW1(SQRT, sqrtf(v))
ROW1(RECIPROCAL, 1.0f / v)
ROW1(FLOOR, floorf(v))
ROW1(CEIL, ceilf(v))
ROW1(ROUND, rintf(v))
ROW1(SQUARE, v *v)
ROW1(DIVIDED, v / p.a)
ROW1(CUBE, v *v *v)
ROW1(COPY, v)

/* Angles whose reduction needs more digits, infinities and NaN go to libm, the block that has some a number at a time.
 */
static inline __attribute__((always_inline)) void turn_row(const float *x, float *y, size_t n, uint64_t turns)
{
	enum { BLOCK = 256 };

	for (size_t at = 0; at < n; at += BLOCK, x += BLOCK, y += BLOCK) {
		size_t m = n - at < BLOCK ? n - at : BLOCK;
		int near = 1;
		for (size_t i = 0; i < m; i++)
			near &= vm_abs(x[i]) < VM_TURNS_MAX;
		if (near)
			OQZ_IVDEP for (size_t i = 0; i < m; i++) y[i] = vm_sin_turned(x[i], turns);
		else
			for (size_t i = 0; i < m; i++)
				y[i] = (float)(turns ? cos((double)x[i]) : sin((double)x[i]));
	}
}

OQZ_KERNEL static void row_SIN(const float *x, float *y, size_t n, const struct oqz_row_params *p)
{
	(void)p;
	turn_row(x, y, n, 0);
}

OQZ_KERNEL static void row_COS(const float *x, float *y, size_t n, const struct oqz_row_params *p)
{
	(void)p;
	turn_row(x, y, n, 1);
}

#define ROW2_LOOP(X, Z, expr)                    \
	OQZ_IVDEP for (size_t i = 0; i < n; i++) \
	{                                        \
		float a = X, b = Z;              \
		y[i] = (expr);                   \
	}
#define ROW2(name, expr)                                                                                      \
	OQZ_KERNEL static void row_##name(const float *x, int sx, const float *z, int sz, float *y, size_t n) \
	{                                                                                                     \
		float x0 = x[0], z0 = z[0];                                                                   \
		if (sx && sz)                                                                                 \
			ROW2_LOOP(x[i], z[i], expr)                                                           \
		else if (sx)                                                                                  \
			ROW2_LOOP(x[i], z0, expr)                                                             \
		else if (sz)                                                                                  \
			ROW2_LOOP(x0, z[i], expr)                                                             \
		else                                                                                          \
			ROW2_LOOP(x0, z0, expr)                                                               \
	}

ROW2(ADD, a + b)
ROW2(SUB, a - b)
ROW2(MUL, a *b)
ROW2(DIV, a / b)
ROW2(MAX, a > b || a != a ? a : b) /* NaN wins, as in the reference */
ROW2(MIN, a < b || a != a ? a : b)
ROW2(PRELU, a < 0 ? a * b : a)

/* Where a block has operands that are no finite numbers or below 0, its powers come from libm one by one. */
OQZ_KERNEL static void row_POW(const float *x, int sx, const float *z, int sz, float *y, size_t n)
{
	enum { BLOCK = 256 };
	float a[BLOCK], b[BLOCK];

	for (size_t at = 0; at < n; at += BLOCK, y += BLOCK) {
		size_t m = n - at < BLOCK ? n - at : BLOCK;
		int plain = 1;
		for (size_t i = 0; i < m; i++) {
			a[i] = x[sx ? at + i : 0];
			b[i] = z[sz ? at + i : 0];
			plain &= (a[i] > 0 || (a[i] == 0 && b[i] > 0)) & (a[i] < INFINITY) & (vm_abs(b[i]) < INFINITY);
		}
		if (plain)
			OQZ_IVDEP for (size_t i = 0; i < m; i++) y[i] = a[i] > 0 ? vm_pow(a[i], b[i]) : 0;
		else
			for (size_t i = 0; i < m; i++)
				y[i] = (float)pow((double)a[i], (double)b[i]);
	}
}

static float attr_float(const struct oqz_node *n, const char *name, float dflt)
{
	const struct oqz_attr *a = oqz_node_attr(n, name);

	return a ? a->f : dflt;
}

/* A constant input of one element. */
static bool constant_scalar(const struct oqz_node *n, int i, float *ret)
{
	const struct oqz_tensor *t = i < n->n_in && n->in[i] ? n->in[i]->constant : NULL;

	if (!t || oqz_tensor_nelem(t) != 1)
		return false;
	*ret = (float)oqz_load_f(t->dtype, t->data, 0);
	return true;
}

static oqz_row1_fn *clip_row(const struct oqz_node *n, struct oqz_row_params *p)
{
	p->a = -INFINITY;
	p->b = INFINITY;
	for (int i = 1; i < 3 && i < n->n_in; i++)
		if (n->in[i] && !constant_scalar(n, i, i == 1 ? &p->a : &p->b))
			return NULL;
	return row_CLIP;
}

static oqz_row1_fn *pow_row(const struct oqz_node *n, struct oqz_row_params *p)
{
	float e;

	if (!constant_scalar(n, 1, &e))
		return NULL;
	return e == 2      ? row_SQUARE
	       : e == 1    ? row_COPY
	       : e == 3    ? row_CUBE
	       : e == 0.5f ? row_SQRT
	       : e == -1   ? row_RECIPROCAL
	                   : NULL;
}

oqz_row1_fn *oqz_row1_of(const struct oqz_node *n, struct oqz_row_params *p)
{
	const struct oqz_attr *a;

	*p = (struct oqz_row_params) { 0 };
	switch (n->op->id) {
#define PLAIN_ROW(id) \
	case OQZ_OP_##id: return row_##id;
		PLAIN_ROW(ABS)
		PLAIN_ROW(NEG)
		PLAIN_ROW(RELU)
		PLAIN_ROW(SIGMOID)
		PLAIN_ROW(HARD_SWISH)
		PLAIN_ROW(TANH)
		PLAIN_ROW(COS)
		PLAIN_ROW(EXP)
		PLAIN_ROW(ERF)
		PLAIN_ROW(LOG)
		PLAIN_ROW(SIN)
		PLAIN_ROW(SOFTPLUS)
		PLAIN_ROW(SOFTSIGN)
		PLAIN_ROW(MISH)
		PLAIN_ROW(SQRT)
		PLAIN_ROW(RECIPROCAL)
		PLAIN_ROW(FLOOR)
		PLAIN_ROW(CEIL)
		PLAIN_ROW(ROUND)
#undef PLAIN_ROW
	case OQZ_OP_LEAKY_RELU: p->a = attr_float(n, "alpha", 0.01f); return row_LEAKY_RELU;
	case OQZ_OP_THRESHOLDED_RELU: p->a = attr_float(n, "alpha", 1); return row_THRESHOLDED_RELU;
	case OQZ_OP_HARD_SIGMOID:
		p->a = attr_float(n, "alpha", 0.2f);
		p->b = attr_float(n, "beta", 0.5f);
		return row_HARD_SIGMOID;
	case OQZ_OP_ELU: p->a = attr_float(n, "alpha", 1); return row_ELU;
	case OQZ_OP_CELU: p->a = attr_float(n, "alpha", 1); return row_CELU;
	case OQZ_OP_SELU:
		p->a = attr_float(n, "alpha", SELU_ALPHA);
		p->b = attr_float(n, "gamma", SELU_GAMMA);
		return row_SELU;
	case OQZ_OP_SWISH: p->a = attr_float(n, "alpha", 1); return row_SWISH;
	case OQZ_OP_GELU:
		a = oqz_node_attr(n, "approximate");
		return a && a->s && strcmp(a->s, "tanh") == 0 ? row_GELU_TANH : row_GELU;
	case OQZ_OP_CLIP: return clip_row(n, p);
	case OQZ_OP_POW: return pow_row(n, p);
	case OQZ_OP_PRELU: return constant_scalar(n, 1, &p->a) ? row_LEAKY_RELU : NULL;
	default: return NULL;
	}
}

bool oqz_row1_clamps(const struct oqz_node *n, float *lo, float *hi)
{
	struct oqz_row_params p;
	oqz_row1_fn *row = oqz_row1_of(n, &p);

	*lo = row == row_CLIP ? p.a : 0;
	*hi = row == row_CLIP ? p.b : INFINITY;
	return row == row_RELU || (row == row_CLIP && p.a <= p.b);
}

oqz_row2_fn *oqz_row2_of(enum oqz_op_id op)
{
	switch (op) {
	case OQZ_OP_ADD:
	case OQZ_OP_MEAN:
	case OQZ_OP_SUM: return row_ADD;
	case OQZ_OP_SUB: return row_SUB;
	case OQZ_OP_MUL: return row_MUL;
	case OQZ_OP_DIV: return row_DIV;
	case OQZ_OP_MAX: return row_MAX;
	case OQZ_OP_MIN: return row_MIN;
	case OQZ_OP_POW: return row_POW;
	case OQZ_OP_PRELU: return row_PRELU;
	default: return NULL;
	}
}

oqz_row1_fn *oqz_row2_end(enum oqz_op_id op, int n, struct oqz_row_params *p)
{
	p->a = (float)n;
	return op == OQZ_OP_MEAN ? row_DIVIDED : NULL;
}
