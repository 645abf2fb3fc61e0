/* SPDX-License-Identifier: Apache-2.0
 *
 * exp, expm1, tanh, erf, log1p, log, sin, cos, pow as straight-line code that compilers turn into vector code (no
 * branches, no tables, no division where a polynomial and Newton's iteration do). In float32 products are added with
 * one rounding; on CPUs that cannot, by more instructions to the same bits, so results do not depend on the instruction
 * set. Which of both is the functions' first argument, a constant where they are used (OQZ_KERNEL_FMA). Coefficients
 * are our own weighted least-squares fits (Lawson's iteration); errors against double over the whole range, checked by
 * tests/unit/test_exec_eltwise.c: exp 1 ulp, expm1 2 ulp, tanh 2 ulp, erf 2 ulp, log1p on [0,1] 2 ulp, log 1.5 ulp, sin
 * and cos 0.7 ulp, pow 0.51 ulp.
 */
#ifndef OQZ_EXEC_VMATH_H
#define OQZ_EXEC_VMATH_H

#include "core/base/compiler.h"
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define VM_INLINE static inline __attribute__((always_inline))

/* Selects without branches: arguments are evaluated always. */
VM_INLINE float vm_min(float a, float b) { return a < b ? a : b; }
VM_INLINE float vm_max(float a, float b) { return a > b ? a : b; }
VM_INLINE float vm_abs(float x) { return __builtin_fabsf(x); }

/* a * b + c, rounded once: by the CPU, or (Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums: proved
 * algorithms using rounding to odd", 2008) by a product that is exact in double and a sum of which the last bit says
 * whether anything was lost: such a double becomes the right float32. */
VM_INLINE float vm_fma(bool fused, float a, float b, float c)
{
	if (fused)
		return __builtin_fmaf(a, b, c);
	double p = (double)a * (double)b, s = p + (double)c, t = s - p, rest = (p - (s - t)) + ((double)c - t);
	int64_t bits;

	memcpy(&bits, &s, sizeof bits);
	int64_t lost = (rest < 0) | (rest > 0), up = 1 - 2 * (int64_t)((rest < 0) ^ (s < 0)); /* never of a NaN */
	bits += ~bits & 1 & lost ? up : 0;
	memcpy(&s, &bits, sizeof s);
	return (float)s;
}

/* 2^n for n in [-126, 127]. */
VM_INLINE float vm_exp2i(int32_t n)
{
	uint32_t u = (uint32_t)(n + 127) << 23;
	float f;

	memcpy(&f, &u, sizeof f);
	return f;
}

/* x = n ln2 + r, |r| <= ln2 / 2; returns r, and n + 127 in the last bits of `*n`: the sum with 1.5 * 2^23 rounds to an
 * integer, which then stands in the sum's bits. So no float becomes an integer, which C leaves undefined for NaN. */
#define VM_EXP_BIAS 0x4b40007fu /* the bits of 1.5 * 2^23 + 127, of which the last nine are those of 127 */
VM_INLINE float vm_exp_reduce(bool fused, float x, uint32_t *n)
{
	float t = vm_fma(fused, x, 1.44269504f, 12583039.0f), k = t - 12583039.0f;

	memcpy(n, &t, sizeof *n);
	return vm_fma(fused, k, 1.90465421e-9f, vm_fma(fused, k, -0.693147182f, x)); /* ln2 in two parts */
}

/* (e^r - 1 - r) / r^2 for |r| <= ln2 / 2. */
VM_INLINE float vm_exp_rest(bool fused, float r)
{
	float p = 0.0013814467f;

	p = vm_fma(fused, p, r, 0.008368781f);
	p = vm_fma(fused, p, r, 0.041668393f);
	p = vm_fma(fused, p, r, 0.1666652f);
	return vm_fma(fused, p, r, 0.49999994f);
}

/* e^r for |r| <= ln2 / 2. */
VM_INLINE float vm_exp_near0(bool fused, float r)
{
	return vm_fma(fused, vm_fma(fused, vm_exp_rest(fused, r), r, 1.0f), r, 1.0f);
}

/* 2^n for n in [-126, 127] as vm_exp_reduce() leaves it, 0 for -127; any number where that was NaN. */
VM_INLINE float vm_exp_scale(uint32_t n)
{
	uint32_t u = n << 23;
	float f;

	memcpy(&f, &u, sizeof f);
	return f;
}

VM_INLINE float vm_exp(bool fused, float x)
{
	uint32_t n;
	float c = x != x ? 0 : vm_min(vm_max(x, -104.0f), 89.0f), p = vm_exp_near0(fused, vm_exp_reduce(fused, c, &n));
	int32_t k = (int32_t)(n - VM_EXP_BIAS), h = k >> 1; /* in two factors: results may be subnormal or overflow */
	float y = p * vm_exp2i(h) * vm_exp2i(k - h);

	return x != x ? x : y;
}

VM_INLINE float vm_expm1(bool fused, float x)
{
	uint32_t n;
	float c = x != x ? 0 : vm_min(vm_max(x, -26.0f), 89.0f), r = vm_exp_reduce(fused, c, &n);
	int32_t k = (int32_t)(n - VM_EXP_BIAS), h = k >> 1;
	float s = vm_exp2i(h), t = vm_exp2i(k - h);

	float p = vm_fma(fused, vm_exp_rest(fused, r), r * r, r);
	float y = p * s * t + (s * t - 1.0f);
	return x != x ? x : y;
}

/* e^x for x <= 0, and exactly 0 below e^-87.7; NaN passes through. */
VM_INLINE float vm_exp_upto0(bool fused, float x)
{
	uint32_t n;
	float r = vm_exp_reduce(fused, -88.0f > x ? -88.0f : x, &n);

	return vm_exp_near0(fused, r) * vm_exp_scale(n);
}

/* 1 / d for d in [1, 2]: the best polynomial of degree 2, of which d's multiple differs from 1 by Chebyshev's of degree
 * 3, at most 1/99; and twice Newton's iteration. */
VM_INLINE float vm_reciprocal12(bool fused, float d)
{
	float y = vm_fma(fused, vm_fma(fused, 32.0f / 99, d, -144.0f / 99), d, 210.0f / 99);

	y = vm_fma(fused, y, vm_fma(fused, -d, y, 1.0f), y);
	return vm_fma(fused, y, vm_fma(fused, -d, y, 1.0f), y);
}

/* v / (1 + e^-x): of an exponential that is never above 1. */
VM_INLINE float vm_times_sigmoid(bool fused, float v, float x)
{
	float e = vm_exp_upto0(fused, -vm_abs(x)), y = vm_reciprocal12(fused, 1.0f + e);

	return (x < 0 ? v * e : v) * y;
}

VM_INLINE float vm_sigmoid(bool fused, float x) { return vm_times_sigmoid(fused, 1.0f, x); }

VM_INLINE float vm_tanh(bool fused, float x)
{
	float a = vm_abs(x), q = x * x, p = -0.005666972f, e = vm_exp_upto0(fused, -2.0f * a);

	p = vm_fma(fused, p, q, 0.020606171f);
	p = vm_fma(fused, p, q, -0.053730007f);
	p = vm_fma(fused, p, q, 0.13331331f);
	p = vm_fma(fused, p, q, -0.33333278f);
	float small = vm_fma(fused, x * q, p, x),
	      large = vm_fma(fused, -2.0f * e, vm_reciprocal12(fused, 1.0f + e), 1.0f);
	return a < 0.625f ? small : __builtin_copysignf(large, x);
}

/* |x| < 7/8: odd polynomial; beyond: 1 - e^P(|x|), up to 4, where it is 1. */
VM_INLINE float vm_erf(bool fused, float x)
{
	float a = vm_abs(x), c = 4.0f < a ? 4.0f : a, q = x * x, p = vm_fma(fused, -9.641298e-06f, q, 0.00011256869f),
	      u = 2.03549196e-4f;
	uint32_t n;

	p = vm_fma(fused, p, q, -0.0008482817f);
	p = vm_fma(fused, p, q, 0.0052209445f);
	p = vm_fma(fused, p, q, -0.0268654f);
	p = vm_fma(fused, p, q, 0.11283782f);
	p = vm_fma(fused, p, q, -0.37612638f);
	p = vm_fma(fused, p, q, 1.1283792f);
	u = vm_fma(fused, u, c, -0.00311689801f);
	u = vm_fma(fused, u, c, 0.0225164366f);
	u = vm_fma(fused, u, c, -0.104522964f);
	u = vm_fma(fused, u, c, -0.636519583f);
	u = vm_fma(fused, u, c, -1.12806216f);
	u = vm_fma(fused, u, c, -0.000103898304f);
	u = vm_exp_near0(fused, vm_exp_reduce(fused, u, &n));
	float small = x * p, large = vm_fma(fused, -u, vm_exp_scale(n), 1.0f);
	return a < 0.875f ? small : __builtin_copysignf(large, x);
}

/* x (1 + erf(x / sqrt 2)) / 2, in which erf's difference from 1, e^P(|x| / sqrt 2), is all that is needed; beyond 4.4
 * it does not show. */
VM_INLINE float vm_gelu(bool fused, float x)
{
	float a = vm_abs(x) * 0.70710678f, c = 4.4f < a ? 4.4f : a, u = 5.82182568e-6f, h = 0.5f * x;
	uint32_t n;

	u = vm_fma(fused, u, c, -8.58910219e-5f);
	u = vm_fma(fused, u, c, 5.14304537e-4f);
	u = vm_fma(fused, u, c, -0.00143641783f);
	u = vm_fma(fused, u, c, -9.12917485e-5f);
	u = vm_fma(fused, u, c, 0.0193074334f);
	u = vm_fma(fused, u, c, -0.102828165f);
	u = vm_fma(fused, u, c, -0.636611791f);
	u = vm_fma(fused, u, c, -1.12837954f);
	u = vm_exp_near0(fused, vm_exp_reduce(fused, u * c, &n));
	float rest = a < 4.4f ? u * vm_exp_scale(n) : 0.0f;
	return h * (x < 0 ? rest : 2.0f - rest);
}

/* log(1 + u) for u in [0, 1]: 2 atanh(s), s = u / (2 + u) <= 1/3, by its series. */
VM_INLINE float vm_log1p01(bool fused, float u)
{
	float s = u / (2.0f + u), q = s * s, p = 1.0f / 15;

	p = vm_fma(fused, p, q, 1.0f / 13);
	p = vm_fma(fused, p, q, 1.0f / 11);
	p = vm_fma(fused, p, q, 1.0f / 9);
	p = vm_fma(fused, p, q, 1.0f / 7);
	p = vm_fma(fused, p, q, 1.0f / 5);
	p = vm_fma(fused, p, q, 1.0f / 3);
	return 2.0f * vm_fma(fused, s * q, p, s);
}

/* x = 2^e (1 + f), 1 + f in [sqrt(1/2), sqrt(2)): e ln2 + f - f^2 / 2 + f^3 P(f). Subnormal numbers are scaled first.
 */
VM_INLINE float vm_log(bool fused, float x)
{
	bool tiny = x < 0x1p-126f;
	float s = tiny ? x * 0x1p23f : x, p = -0.076356561f, f;
	uint32_t u;

	memcpy(&u, &s, sizeof u);
	int32_t k = (int32_t)(u - 0x3f3504f3u) >> 23; /* from the bits of sqrt(1/2) */
	uint32_t m = u - ((uint32_t)k << 23);
	memcpy(&f, &m, sizeof f);
	f -= 1.0f;
	float e = (float)k - (tiny ? 23.0f : 0.0f), q = f * f;
	p = vm_fma(fused, p, f, 0.12763327f);
	p = vm_fma(fused, p, f, -0.13160582f);
	p = vm_fma(fused, p, f, 0.14201553f);
	p = vm_fma(fused, p, f, -0.16623298f);
	p = vm_fma(fused, p, f, 0.20001233f);
	p = vm_fma(fused, p, f, -0.25000823f);
	p = vm_fma(fused, p, f, 0.33333332f);
	float y = vm_fma(fused, -0.5f, q, vm_fma(fused, f * q, p, e * -2.12194440e-4f)),
	      r = vm_fma(fused, e, 0.693359375f, f + y);
	return x > 0 ? x < INFINITY ? r : x : x == 0 ? -INFINITY : NAN;
}

/* sin(x + turns * pi / 2) for |x| < VM_TURNS_MAX; the rest is computed in double: x is reduced to [-pi/4, pi/4] by
 * multiples of pi/2, which stands in two parts, the first with 33 bits, so that its multiples up to 2^20 are exact. */
#define VM_TURNS_MAX 0x1p20f
VM_INLINE float vm_sin_turned(float x, uint64_t turns)
{
	double t = (double)x * 0.63661977236758134 + 0x1.8p52, k = t - 0x1.8p52;
	double r = ((double)x - k * 1.57079632673412561) - k * 6.07710050650619225e-11, q = r * r;
	double s = -0.00019515218106594661, c = 2.4383482759274613e-05;
	uint64_t n;

	memcpy(&n, &t, sizeof n); /* its last bits are those of the integer k */
	n += turns;
	s = s * q + 0.008332160291824136;
	s = s * q - 0.16666654602275799;
	s = r * (1.0 + q * s);
	c = c * q - 0.0013886680750494589;
	c = c * q + 0.041666620328757759;
	c = c * q - 0.49999999694225128;
	c = 1.0 + q * c;
	double v = n & 1 ? c : s;
	return (float)(n & 2 ? -v : v);
}

/* x^y for finite x > 0 and y, in double: log2 of x = 2^e (1 + f) by the series of 2 atanh(f / (2 + f)), e^r by its own;
 * both leave less than 1e-9 of the result. */
VM_INLINE float vm_pow(float x, float y)
{
	double d = (double)x, m, p = 2 / (15 * 0.69314718055994531), g = 1.0 / 40320;
	uint64_t u, n;

	memcpy(&u, &d, sizeof u);
	uint64_t k = (u - 0x3fe6a09e667f3bcd) & 0xfff0000000000000; /* from the bits of sqrt(1/2) */
	u -= k;
	memcpy(&m, &u, sizeof m);
	k = (k >> 52 ^ 0x800) + 0x4337fffffffff800; /* the bits of 1.5 * 2^52 + e */
	memcpy(&d, &k, sizeof d);
	double e = d - 0x1.8p52, s = (m - 1) / (m + 1), q = s * s;
	p = p * q + 2 / (13 * 0.69314718055994531);
	p = p * q + 2 / (11 * 0.69314718055994531);
	p = p * q + 2 / (9 * 0.69314718055994531);
	p = p * q + 2 / (7 * 0.69314718055994531);
	p = p * q + 2 / (5 * 0.69314718055994531);
	p = p * q + 2 / (3 * 0.69314718055994531);
	p = p * q + 2 / 0.69314718055994531;
	double z = (double)y * (e + s * p);
	z = z < -200 ? -200 : z > 200 ? 200 : z;
	double t = z + (0x1.8p52 + 1023), r = (z - (t - (0x1.8p52 + 1023))) * 0.69314718055994531;
	memcpy(&n, &t, sizeof n);
	n <<= 52;
	memcpy(&d, &n, sizeof d);
	g = g * r + 1.0 / 5040;
	g = g * r + 1.0 / 720;
	g = g * r + 1.0 / 120;
	g = g * r + 1.0 / 24;
	g = g * r + 1.0 / 6;
	g = g * r + 0.5;
	g = g * r + 1;
	return (float)((g * r + 1) * d);
}

/* log(1 + e^x). */
VM_INLINE float vm_softplus(bool fused, float x)
{
	return vm_max(x, 0.0f) + vm_log1p01(fused, vm_exp(fused, -vm_abs(x)));
}

/* x tanh(log(1 + e^x)) = x w / (w + 2) with w = e^x (e^x + 2). */
VM_INLINE float vm_mish(bool fused, float x)
{
	float e = vm_exp(fused, vm_min(x, 20.0f)), w = e * (e + 2.0f);

	return x > 20.0f ? x : x * (w / (w + 2.0f));
}

#endif
