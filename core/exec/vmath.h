/* SPDX-License-Identifier: Apache-2.0
 *
 * exp, expm1, tanh, erf, log1p, log, sin, cos as straight-line float32 code that compilers turn into vector code (no
 * branches, no tables, no fused multiply-add, so every instruction set gives the same bits). Coefficients are our own
 * weighted least-squares fits (Lawson's iteration); errors against double over the whole range, checked by
 * tests/unit/test_exec_eltwise.c: exp 1.1 ulp, expm1 2 ulp, tanh 2 ulp, erf 2 ulp, log1p on [0,1] 2 ulp,
 * log 1.5 ulp, sin and cos 0.7 ulp.
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
VM_INLINE float vm_abs(float x) { return x < 0 ? -x : x; }

/* 2^n for n in [-126, 127]. */
VM_INLINE float vm_exp2i(int32_t n)
{
	uint32_t u = (uint32_t)(n + 127) << 23;
	float f;

	memcpy(&f, &u, sizeof f);
	return f;
}

/* x = n ln2 + r, |r| <= ln2 / 2; returns e^r - 1, and n in the last bits of `*n`: the sum with 1.5 * 2^23 rounds to an
 * integer, which then stands in the sum's bits. So no float becomes an integer, which C leaves undefined for NaN. */
#define VM_EXP_BIAS 0x4b400000u /* the bits of 1.5 * 2^23; the last nine are 0 */
VM_INLINE float vm_exp_reduce(float x, uint32_t *n)
{
	float t = x * 1.44269504f + 12582912.0f, k = t - 12582912.0f;
	float r = (x - k * 0.693359375f) - k * -2.12194440e-4f; /* ln2 in two parts, the first with 9 bits */
	float p = 0.0013814467f;

	p = p * r + 0.008368781f;
	p = p * r + 0.041668393f;
	p = p * r + 0.1666652f;
	p = p * r + 0.49999994f;
	memcpy(n, &t, sizeof *n);
	return p * (r * r) + r;
}

/* 2^n for n in [-126, 127] as vm_exp_reduce() leaves it; any number where that was NaN. */
VM_INLINE float vm_exp_scale(uint32_t n)
{
	uint32_t u = (n + 127) << 23;
	float f;

	memcpy(&f, &u, sizeof f);
	return f;
}

VM_INLINE float vm_exp(float x)
{
	uint32_t n;
	float c = x != x ? 0 : vm_min(vm_max(x, -104.0f), 89.0f), p = vm_exp_reduce(c, &n) + 1.0f;
	int32_t k = (int32_t)(n - VM_EXP_BIAS), h = k >> 1; /* in two factors: results may be subnormal or overflow */
	float y = p * vm_exp2i(h) * vm_exp2i(k - h);

	return x != x ? x : y;
}

VM_INLINE float vm_expm1(float x)
{
	uint32_t n;
	float c = x != x ? 0 : vm_min(vm_max(x, -26.0f), 89.0f), p = vm_exp_reduce(c, &n);
	int32_t k = (int32_t)(n - VM_EXP_BIAS), h = k >> 1;
	float s = vm_exp2i(h), t = vm_exp2i(k - h), y = p * s * t + (s * t - 1.0f);

	return x != x ? x : y;
}

/* e^x for sums of which 1 is another term: below e^-86 it does not show. One factor then does for all results; NaN
 * passes through. */
VM_INLINE float vm_exp_beside1(float x)
{
	float c = x < -86.0f ? -86.0f : x;
	uint32_t n;

	c = c > 89.0f ? 89.0f : c;
	float p = vm_exp_reduce(c, &n) + 1.0f;
	return (p + p) * vm_exp_scale(n - 1);
}

/* e^x for x <= 0, and exactly 0 where that is next to nothing; NaN passes through. */
VM_INLINE float vm_exp_upto0(float x)
{
	uint32_t n;
	float p = vm_exp_reduce(x < -86.0f ? -86.0f : x, &n) + 1.0f;

	return x < -86.0f ? 0.0f : p * vm_exp_scale(n);
}

VM_INLINE float vm_sigmoid(float x) { return 1.0f / (1.0f + vm_exp_beside1(-x)); }

VM_INLINE float vm_tanh(float x)
{
	float a = vm_abs(x), q = x * x, p = -0.005666972f;

	p = p * q + 0.020606171f;
	p = p * q - 0.053730007f;
	p = p * q + 0.13331331f;
	p = p * q - 0.33333278f;
	float small = x + x * q * p, large = 1.0f - 2.0f / (vm_exp_beside1(a + a) + 1.0f);
	return a < 0.625f ? small : x < 0 ? -large : large;
}

/* |x| < 7/8: odd polynomial; beyond: 1 - e^P(|x|), up to 4, where it is 1. */
VM_INLINE float vm_erf(float x)
{
	float a = vm_abs(x), c = a < 4.0f ? a : 4.0f, q = x * x, p = 0.00011256869f - 9.641298e-06f * q,
	      u = 2.03549196e-4f;
	uint32_t n;

	p = p * q - 0.0008482817f;
	p = p * q + 0.0052209445f;
	p = p * q - 0.0268654f;
	p = p * q + 0.11283782f;
	p = p * q - 0.37612638f;
	p = p * q + 1.1283792f;
	u = u * c - 0.00311689801f;
	u = u * c + 0.0225164366f;
	u = u * c - 0.104522964f;
	u = u * c - 0.636519583f;
	u = u * c - 1.12806216f;
	u = u * c - 0.000103898304f;
	u = vm_exp_reduce(u, &n) + 1.0f;
	float small = x * p, large = 1.0f - u * vm_exp_scale(n);
	return a < 0.875f ? small : x < 0 ? -large : x > 0 ? large : x;
}

/* x (1 + erf(x / sqrt 2)) / 2, in which erf's difference from 1, e^P(|x| / sqrt 2), is all that is needed; beyond 4.4
 * it does not show. */
VM_INLINE float vm_gelu(float x)
{
	float a = vm_abs(x) * 0.70710678f, c = a < 4.4f ? a : 4.4f, u = 5.82182568e-6f;
	uint32_t n;

	u = u * c - 8.58910219e-5f;
	u = u * c + 5.14304537e-4f;
	u = u * c - 0.00143641783f;
	u = u * c - 9.12917485e-5f;
	u = u * c + 0.0193074334f;
	u = u * c - 0.102828165f;
	u = u * c - 0.636611791f;
	u = u * c - 1.12837954f;
	u = vm_exp_reduce(u * c, &n) + 1.0f;
	float rest = a < 4.4f ? u * vm_exp_scale(n) : 0.0f;
	return 0.5f * x * (x < 0 ? rest : 2.0f - rest);
}

/* log(1 + u) for u in [0, 1]: 2 atanh(s), s = u / (2 + u) <= 1/3, by its series. */
VM_INLINE float vm_log1p01(float u)
{
	float s = u / (2.0f + u), q = s * s, p = 1.0f / 15;

	p = p * q + 1.0f / 13;
	p = p * q + 1.0f / 11;
	p = p * q + 1.0f / 9;
	p = p * q + 1.0f / 7;
	p = p * q + 1.0f / 5;
	p = p * q + 1.0f / 3;
	return 2.0f * s + 2.0f * s * q * p;
}

/* x = 2^e (1 + f), 1 + f in [sqrt(1/2), sqrt(2)): e ln2 + f - f^2 / 2 + f^3 P(f). Subnormal numbers are scaled first.
 */
VM_INLINE float vm_log(float x)
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
	p = p * f + 0.12763327f;
	p = p * f - 0.13160582f;
	p = p * f + 0.14201553f;
	p = p * f - 0.16623298f;
	p = p * f + 0.20001233f;
	p = p * f - 0.25000823f;
	p = p * f + 0.33333332f;
	float y = (f * q * p + e * -2.12194440e-4f) - 0.5f * q, r = (f + y) + e * 0.693359375f;
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

/* log(1 + e^x). */
VM_INLINE float vm_softplus(float x) { return vm_max(x, 0.0f) + vm_log1p01(vm_exp(-vm_abs(x))); }

/* x tanh(log(1 + e^x)) = x w / (w + 2) with w = e^x (e^x + 2). */
VM_INLINE float vm_mish(float x)
{
	float e = vm_exp(vm_min(x, 20.0f)), w = e * (e + 2.0f);

	return x > 20.0f ? x : x * (w / (w + 2.0f));
}

#endif
