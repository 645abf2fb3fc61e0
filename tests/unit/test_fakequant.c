/* SPDX-License-Identifier: Apache-2.0
 *
 * core/tensor/fakequant: the vector loops against the plain encoder, the walk over scales, codes against values.
 */
#include "core/tensor/fakequant.h"
#include "tests/support/support.h"

#include <math.h>
#include <string.h>

static uint32_t next(uint32_t *seed) { return *seed = *seed * 1664525u + 1013904223u; }

static float any_float(uint32_t *seed)
{
	uint32_t b = next(seed) ^ next(seed) >> 16;
	float x;

	memcpy(&x, &b, sizeof x);
	return x;
}

/* Equal numbers or both NaN. */
static bool same(float a, float b) { return a == b || (a != a && b != b); }

static const enum oqz_dtype floats[] = { OQZ_DT_F8E4M3FN, OQZ_DT_F8E4M3FNUZ, OQZ_DT_F8E5M2, OQZ_DT_F8E5M2FNUZ,
	                                 OQZ_DT_F4E2M1 };

START_TEST(minifloat_loop_equals_encoder)
{
	const struct oqz_shape one = { .rank = 0 };
	const float scales[] = { 1.0f, 0.0078125f, 0.37f, 64.0f };
	uint32_t seed = 1;

	for (size_t t = 0; t < OQZ_COUNTOF(floats); t++) {
		for (int round = 0; round <= 3; round += 3) {
			struct oqz_fq q;
			ck_assert(oqz_fq_of_dtype(floats[t], &q));
			q.round = (enum oqz_round)round;
			for (int i = 0; i < 200000; i++) {
				float x = any_float(&seed), y;
				if (i % 2) /* near the format's own range, where most decisions are */
					x = (float)((int32_t)next(&seed) >> 8) * 0x1p-14f;
				q.scale = &scales[i & 3];
				oqz_fq_run(&q, &one, &x, &y);
				uint32_t code = oqz_minifloat_encode(&q.mf, (double)(x / *q.scale), q.round, true);
				int32_t fast;
				oqz_fq_codes(&q, &one, &x, &fast);
				ck_assert_msg((uint32_t)fast == code, "%s %s: %a / %a has code %#x, the encoder %#x",
				              oqz_dtype_name(floats[t]), oqz_round_name(q.round), (double)x,
				              (double)*q.scale, (unsigned)fast, (unsigned)code);
				float want = (float)oqz_minifloat_decode(&q.mf, code) * *q.scale;
				ck_assert_msg(same(y, want), "%s %s: %a / %a gives %a, the encoder %a",
				              oqz_dtype_name(floats[t]), oqz_round_name(q.round), (double)x,
				              (double)*q.scale, (double)y, (double)want);
			}
		}
	}
}
END_TEST

START_TEST(codes_and_values_make_the_run)
{
	enum { N = 3 * 5 * 4 };
	struct oqz_shape shape = { .rank = 3, .dim = { 3, 5, 4 } };
	const double book[] = { -2.5, -1, 0, 0.25, 3 };
	float x[N], y[N], v[N], scale[N];
	int32_t zero[N], codes[N];
	uint32_t seed = 7;

	for (int i = 0; i < N; i++) {
		x[i] = (float)((int32_t)next(&seed) >> 8) * 0x1p-18f;
		scale[i] = 0.1f + 0.01f * (float)i;
		zero[i] = i % 9 - 4;
	}
	for (int kind = OQZ_FQ_AFFINE; kind <= OQZ_FQ_CODEBOOK; kind++) {
		for (int axis = -1; axis < 3; axis++) {
			for (int64_t block = 0; block <= (axis < 0 ? 0 : 3); block++) {
				struct oqz_fq q = {
					.kind = (enum oqz_fq_kind)kind, .axis = axis, .block = block, .scale = scale
				};
				if (kind == OQZ_FQ_AFFINE) {
					q.qmin = -20, q.qmax = 30;
					q.zero = zero;
				}
				q.mf = *oqz_minifloat_of(OQZ_DT_F8E4M3FN);
				q.values = book;
				q.n_values = OQZ_COUNTOF(book);
				ck_ok(oqz_fq_check(&q, &shape, err));
				ck_assert(oqz_fq_scales(&shape, axis, block) <= N);
				oqz_fq_run(&q, &shape, x, y);
				oqz_fq_codes(&q, &shape, x, codes);
				oqz_fq_values(&q, &shape, codes, v);
				for (int i = 0; i < N; i++)
					ck_assert_msg(y[i] == v[i], "kind %d axis %d block %d at %d: %g, %g", kind,
					              axis, (int)block, i, (double)y[i], (double)v[i]);
			}
		}
	}
}
END_TEST

/* Codes of an element type are the codes, also behind the pieces that they are made in. */
START_TEST(codes_as_elements)
{
	enum { ROWS = 2, COLUMNS = 2500, ALL = ROWS * COLUMNS };
	const struct oqz_shape shapes[] = { { .rank = 2, .dim = { ROWS, COLUMNS } },
		                            { .rank = 3, .dim = { ROWS, COLUMNS / 5, 5 } } };
	static float x[ALL], scale[ALL];
	static int32_t zero[ALL], codes[ALL];
	static int16_t wide[ALL];
	static uint8_t bytes[ALL];

	for (int i = 0; i < ALL; i++) {
		x[i] = (float)((i * 7919) % 4001 - 2000) / 37.0f;
		scale[i] = 0.25f + (float)(i % 13) / 16.0f;
		zero[i] = i % 7 - 3;
	}
	for (size_t k = 0; k < OQZ_COUNTOF(shapes); k++)
		for (int axis = -1; axis < shapes[k].rank; axis++)
			for (int small = 0; small < 2; small++) {
				struct oqz_fq q = { .kind = OQZ_FQ_AFFINE,
					            .axis = axis,
					            .scale = scale,
					            .zero = zero,
					            .qmin = -128,
					            .qmax = 127 };
				if (small)
					q = (struct oqz_fq) { .kind = OQZ_FQ_MINIFLOAT,
						              .axis = axis,
						              .scale = scale,
						              .mf = *oqz_minifloat_of(OQZ_DT_F8E4M3FN) };
				oqz_fq_codes(&q, &shapes[k], x, codes);
				oqz_fq_store_codes(&q, &shapes[k], x, small ? OQZ_DT_F8E4M3FN : OQZ_DT_I8, bytes);
				oqz_fq_store_codes(&q, &shapes[k], x, OQZ_DT_I16, wide);
				for (int i = 0; i < ALL; i++) {
					ck_assert_int_eq(bytes[i], (uint8_t)codes[i]);
					ck_assert_int_eq(wide[i], codes[i]);
				}
			}
}
END_TEST

/* Index of the scale of element (i, j, k) by the definition, for each way of sharing. */
START_TEST(scales_lie_where_defined)
{
	enum { A = 3, B = 5, C = 4 };
	struct oqz_shape shape = { .rank = 3, .dim = { A, B, C } };
	const int dims[] = { A, B, C };
	float x[A * B * C], y[A * B * C], scale[A * B * C];

	for (int i = 0; i < A * B * C; i++) {
		x[i] = 0.6f;
		scale[i] = 1.0f / 1024 * (float)(i + 1);
	}
	for (int axis = 0; axis < 3; axis++) {
		for (int block = 0; block <= 6; block++) {
			struct oqz_fq q = { .kind = OQZ_FQ_AFFINE,
				            .qmin = 1,
				            .qmax = 2,
				            .axis = axis,
				            .block = block,
				            .scale = scale };
			oqz_fq_run(&q, &shape, x, y); /* saturates: 2 * scale, or 1 * scale for the large ones */
			for (int n = 0; n < A * B * C; n++) {
				int at[3] = { n / (B * C), n / C % B, n % C };
				int nb[3] = { A, B, C };
				int k = at[axis];
				if (block) {
					at[axis] /= block;
					nb[axis] = (dims[axis] + block - 1) / block;
					k = (at[0] * nb[1] + at[1]) * nb[2] + at[2];
				}
				ck_assert_msg(y[n] == 2 * scale[k], "axis %d block %d element %d", axis, block, n);
			}
		}
	}
}
END_TEST

START_TEST(nan_and_infinity_have_a_code)
{
	const float x[] = { NAN, INFINITY, -INFINITY, 1e30f };
	const struct oqz_shape s = { .rank = 1, .dim = { 4 } };
	const float scale = 0.5f;
	const int32_t zero = 3;
	struct oqz_fq q = { .kind = OQZ_FQ_AFFINE, .qmin = 0, .qmax = 255, .axis = -1, .scale = &scale, .zero = &zero };
	int32_t c[4];
	float y[4];

	oqz_fq_codes(&q, &s, x, c);
	ck_assert_int_eq(c[0], 3);
	ck_assert_int_eq(c[1], 255);
	ck_assert_int_eq(c[2], 0);
	ck_assert_int_eq(c[3], 255);
	ck_assert(oqz_fq_of_dtype(OQZ_DT_F8E5M2, &q));
	q.scale = &scale;
	oqz_fq_run(&q, &s, x, y);
	ck_assert(y[0] != y[0] && y[1] == 28672 && y[2] == -28672 && y[3] == 28672);
}
END_TEST

START_TEST(check_refuses_nonsense)
{
	struct oqz_shape s = { .rank = 2, .dim = { 2, 2 } };
	struct oqz_fq q = { .kind = OQZ_FQ_AFFINE, .qmin = 4, .qmax = 4, .axis = -1 };

	ck_fails(oqz_fq_check(&q, &s, err), OQZ_E_DATA, "code range");
	q.qmin = 0;
	q.round = (enum oqz_round)5;
	ck_fails(oqz_fq_check(&q, &s, err), OQZ_E_DATA, "rounding");
	q.round = OQZ_ROUND_UP;
	q.axis = 2;
	ck_fails(oqz_fq_check(&q, &s, err), OQZ_E_DATA, "axis 2");
	q.axis = -1;
	q.block = 4;
	ck_fails(oqz_fq_check(&q, &s, err), OQZ_E_DATA, "axis");
	q.block = 0;
	ck_ok(oqz_fq_check(&q, &s, err));
	q.kind = OQZ_FQ_MINIFLOAT;
	q.mf = *oqz_minifloat_of(OQZ_DT_F8E5M2);
	ck_fails(oqz_fq_check(&q, &s, err), OQZ_E_UNSUPPORTED, "half-even");
	ck_assert(!oqz_fq_of_dtype(OQZ_DT_F32, &q) && !oqz_fq_of_dtype(OQZ_DT_F8E8M0, &q));
	for (int r = 0; r < 8; r++)
		ck_assert_int_eq(r == 5 ? 5 : oqz_round_by_name(oqz_round_name((enum oqz_round)r)), r);
}
END_TEST

OQZ_TEST_MAIN("fakequant", minifloat_loop_equals_encoder, codes_and_values_make_the_run, codes_as_elements,
              scales_lie_where_defined, nan_and_infinity_have_a_code, check_refuses_nonsense)
