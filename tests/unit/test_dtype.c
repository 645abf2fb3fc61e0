/* SPDX-License-Identifier: Apache-2.0
 *
 * core/tensor/dtype: traits, single elements, rows to and from float32.
 */
#include "tests/support/support.h"
#include "core/tensor/minifloat.h"
#include "core/base/rng.h"

#include <math.h>
#include <string.h>

START_TEST(traits_cover_every_type)
{
	for (int t = 1; t < OQZ_DT_COUNT; t++) {
		const struct oqz_dtype_traits *tr = oqz_dtype_traits(t);
		ck_assert_ptr_nonnull(tr->name);
		ck_assert_int_eq(oqz_dtype_by_name(tr->name), t);
		if (t != OQZ_DT_STRING)
			ck_assert_int_ge(tr->size * 8, tr->bits);
	}
	ck_assert_int_eq(oqz_dtype_size(9999), 0);
	ck_assert_int_eq(oqz_dtype_by_name("float"), OQZ_DT_UNDEFINED);
	ck_assert_int_eq(oqz_dtype_traits(OQZ_DT_I4)->min, -8);
	ck_assert_int_eq(oqz_dtype_traits(OQZ_DT_U4)->max, 15);
	ck_assert_int_eq(oqz_dtype_traits(OQZ_DT_U32)->max, UINT32_MAX);
	ck_assert(oqz_dtype_traits(OQZ_DT_I64)->min == INT64_MIN && oqz_dtype_traits(OQZ_DT_U64)->max == INT64_MAX);
}
END_TEST

START_TEST(integers_truncate_saturate_and_wrap)
{
	static const struct {
		enum oqz_dtype t;
		double x, stored;
		int64_t i, wrapped;
	} cases[] = {
		{ OQZ_DT_I8, -1.9, -1, 129, -127 },
		{ OQZ_DT_I8, 1e9, 127, -129, 127 },
		{ OQZ_DT_U8, -3, 0, 256, 0 },
		{ OQZ_DT_U8, 255.9, 255, -1, 255 },
		{ OQZ_DT_I4, 9.5, 7, 8, -8 },
		{ OQZ_DT_I4, -100, -8, 7, 7 },
		{ OQZ_DT_U4, 15.9, 15, 16, 0 },
		{ OQZ_DT_I2, 5, 1, 2, -2 },
		{ OQZ_DT_U2, 7, 3, 5, 1 },
		{ OQZ_DT_I16, 4e4, 32767, 40000, -25536 },
		{ OQZ_DT_U16, 7e4, 65535, 65536, 0 },
		{ OQZ_DT_I32, -3e9, INT32_MIN, 1ll << 32, 0 },
		{ OQZ_DT_U32, 5e9, UINT32_MAX, -1, UINT32_MAX },
		{ OQZ_DT_I64, NAN, 0, -5, -5 },
		{ OQZ_DT_BOOL, 0.25, 1, 2, 1 },
	};
	unsigned char mem[32] = { 0 };

	for (size_t k = 0; k < OQZ_COUNTOF(cases); k++) {
		oqz_store_f(cases[k].t, mem, 1, cases[k].x);
		ck_assert_msg(oqz_load_f(cases[k].t, mem, 1) == cases[k].stored, "case %zu: %g", k,
		              oqz_load_f(cases[k].t, mem, 1));
		oqz_store_i(cases[k].t, mem, 1, cases[k].i);
		ck_assert_msg(oqz_load_i(cases[k].t, mem, 1) == cases[k].wrapped, "case %zu: %lld", k,
		              (long long)oqz_load_i(cases[k].t, mem, 1));
	}
	oqz_store_f(OQZ_DT_I64, mem, 0, 1e30);
	ck_assert(oqz_load_i(OQZ_DT_I64, mem, 0) == INT64_MAX);
	oqz_store_f(OQZ_DT_U64, mem, 0, 1e30);
	ck_assert(oqz_load_f(OQZ_DT_U64, mem, 0) == 0x1p64);
	oqz_store_f(OQZ_DT_F32, mem, 0, -1e30);
	ck_assert(oqz_load_i(OQZ_DT_F32, mem, 0) == INT64_MIN);
	oqz_store_i(OQZ_DT_F32, mem, 0, (1ll << 60) + 1);
	ck_assert(oqz_load_f(OQZ_DT_F32, mem, 0) == 0x1p60);
}
END_TEST

static bool same(float a, float b) { return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0; }

START_TEST(rows_widen_as_elements_do)
{
	static uint64_t mem[1 << 14]; /* any bytes: 65536 halves, 131072 bytes, 16384 words */
	static float out[1 << 17];
	static int64_t whole[1 << 17];
	struct oqz_rng rng;

	oqz_rng_init(&rng, 1);
	for (int t = 1; t < OQZ_DT_COUNT; t++) {
		size_t size = oqz_dtype_size(t), n = size ? sizeof mem / size : 0;
		for (size_t i = 0; i < OQZ_COUNTOF(mem); i++)
			mem[i] = oqz_rng_u64(&rng);
		if (size == 2)
			for (size_t i = 0; i < n; i++)
				((uint16_t *)mem)[i] = (uint16_t)i; /* all codes */
		if (n == 0)
			continue;
		oqz_to_f32(t, mem, n, out);
		for (size_t i = 0; i < n; i++)
			ck_assert_msg(same(out[i], (float)oqz_load_f(t, mem, i)), "%s[%zu]", oqz_dtype_name(t), i);
		oqz_to_i64(t, mem, n, whole);
		for (size_t i = 0; i < n; i++)
			ck_assert_msg(whole[i] == oqz_load_i(t, mem, i), "%s[%zu]", oqz_dtype_name(t), i);
	}
}
END_TEST

START_TEST(rows_narrow_as_elements_do)
{
	enum { N = 1 << 16 };
	static float in[N];
	static unsigned char a[N * 16], b[N * 16];
	struct oqz_rng rng;

	oqz_rng_init(&rng, 2);
	for (int t = 1; t < OQZ_DT_COUNT; t++) {
		for (size_t i = 0; i < N; i++) {
			uint32_t bits = (uint32_t)oqz_rng_u64(&rng);
			if (i % 4 == 0) /* near halves and their midpoints, 2^-28 .. 2^17 */
				bits =
				    (bits & 0x803ff000u) + ((99u + bits % 45) << 23) + (bits >> 31) - (bits >> 30 & 1);
			memcpy(&in[i], &bits, 4);
			if (i % 4 == 1)
				in[i] = (float)(oqz_rng_f64(&rng) - 0.5) * 600;
			if (isnan(in[i]))
				in[i] = NAN; /* payloads are nobody's business */
		}
		in[5] = INFINITY, in[6] = -INFINITY, in[7] = NAN, in[8] = -0.0f, in[9] = 65519.996f, in[10] = 65520;
		oqz_from_f32(t, in, N, a);
		for (size_t i = 0; i < N; i++)
			oqz_store_f(t, b, i, in[i]);
		for (size_t i = 0; i < N && oqz_dtype_size(t); i++)
			ck_assert_msg(memcmp(a + i * oqz_dtype_size(t), b + i * oqz_dtype_size(t), oqz_dtype_size(t)) ==
			                  0,
			              "%s[%zu] of %a", oqz_dtype_name(t), i, in[i]);
	}
}
END_TEST

OQZ_TEST_MAIN("dtype", traits_cover_every_type, integers_truncate_saturate_and_wrap, rows_widen_as_elements_do,
              rows_narrow_as_elements_do)
