/* SPDX-License-Identifier: Apache-2.0
 *
 * core/tensor/tile_product.c against plain sums: integers exactly, bfloat16 within rounding; edges of tiles, weights in
 * any order, bounds, numbers that are not finite, nothing written beside the output.
 */
#include "core/base/rng.h"
#include "core/tensor/float_bits.h"
#include "core/tensor/tile_product.h"
#include "tests/support/support.h"

#include <math.h>
#include <string.h>

enum { GUARD = 64 };

static bool unable(void)
{
	if (!oqz_tile_usable())
		fprintf(stderr, "skipped: this CPU has no tile instructions\n");
	return !oqz_tile_usable();
}

static int64_t in(struct oqz_rng *r, int64_t lo, int64_t hi)
{
	return lo + (int64_t)oqz_rng_below(r, (uint64_t)(hi - lo + 1));
}

/* A product, its numbers both as the kernel gets them and plain. */
struct tcase {
	struct oqz_tile_spec spec;
	int64_t m;
	unsigned char *x, *w;
	double *x_plain, *w_plain;
	float *bias, *scale;
};

/* One number of the type to the i-th place; what it is. */
static double put(enum oqz_tile_type t, bool weight, struct oqz_rng *r, unsigned char *at, int64_t i)
{
	if (t == OQZ_TILE_BF16) {
		float v = ldexpf((float)in(r, -15, 15), (int)in(r, -6, 3));
		((uint16_t *)at)[i] = (uint16_t)(oqz_float_bits(v) >> 16);
		return v;
	}
	int64_t v = t == OQZ_TILE_U8 && !weight ? in(r, 0, 255) : in(r, -128, 127);
	if (in(r, 0, 3) == 0)
		v = t == OQZ_TILE_U8 && !weight ? 255 : -128;
	at[i] = (unsigned char)v;
	return (double)v;
}

static void tcase_init(struct tcase *c, struct oqz_rng *r, enum oqz_tile_type t, int64_t m, int64_t k, int64_t n)
{
	bool across = in(r, 0, 1);
	size_t size = t == OQZ_TILE_BF16 ? 2 : 1;

	*c = (struct tcase) { .m = m };
	c->x = malloc((size_t)(m * k) * size);
	c->w = malloc((size_t)(n * k) * size);
	c->x_plain = malloc((size_t)(m * k) * sizeof(double));
	c->w_plain = malloc((size_t)(n * k) * sizeof(double));
	c->bias = malloc((size_t)n * sizeof(float));
	c->scale = malloc((size_t)n * sizeof(float));
	c->spec = (struct oqz_tile_spec) { .type = t,
		                           .k = k,
		                           .n = n,
		                           .weights = c->w,
		                           .stride_n = across ? 1 : k,
		                           .stride_k = across ? n : 1,
		                           .zero = t == OQZ_TILE_BF16 ? 0 : (int32_t)in(r, t ? -128 : 0, t ? 127 : 255),
		                           .bias = in(r, 0, 3) ? c->bias : NULL,
		                           .scale = in(r, 0, 3) ? c->scale : NULL,
		                           .lo = -INFINITY,
		                           .hi = INFINITY };
	for (int64_t i = 0; i < m * k; i++)
		c->x_plain[i] = put(t, false, r, c->x, i);
	for (int64_t i = 0; i < n; i++) {
		for (int64_t j = 0; j < k; j++)
			c->w_plain[i * k + j] = put(t, true, r, c->w, i * c->spec.stride_n + j * c->spec.stride_k);
		c->bias[i] = (float)in(r, -500, 500);
		c->scale[i] = ldexpf(1, (int)in(r, -4, 4));
	}
}

static void tcase_release(struct tcase *c)
{
	free(c->x);
	free(c->w);
	free(c->x_plain);
	free(c->w_plain);
	free(c->bias);
	free(c->scale);
}

/* The output, with guards on both sides that are looked at here. To be freed at ret - GUARD. */
static float *run(const struct tcase *c)
{
	size_t n = (size_t)(c->m * c->spec.n);
	float *memory = malloc((n + 2 * GUARD) * sizeof *memory);
	struct oqz_tile_product *p = NULL;

	for (size_t i = 0; i < n + 2 * GUARD; i++)
		memory[i] = 12345;
	ck_ok(oqz_tile_product_new(&c->spec, &p, err));
	ck_assert_uint_ge(oqz_tile_product_bytes(p), (size_t)(c->spec.n * c->spec.k));
	oqz_tile_product_run(p, c->x, c->m, memory + GUARD);
	oqz_tile_product_free(p);
	for (size_t i = 0; i < GUARD; i++)
		ck_assert(memory[i] == 12345 && memory[GUARD + n + i] == 12345);
	return memory + GUARD;
}

/* Before bounds; *size: the sum of magnitudes, which rounding errors go with. */
static double expected(const struct tcase *c, int64_t i, double *size)
{
	int64_t row = i / c->spec.n, n = i % c->spec.n;
	double sum = 0, all = 0;

	for (int64_t k = 0; k < c->spec.k; k++) {
		double v = (c->x_plain[row * c->spec.k + k] - c->spec.zero) * c->w_plain[n * c->spec.k + k];
		sum += v;
		all += fabs(v);
	}
	double scale = c->spec.scale ? c->scale[n] : 1;
	*size = all * scale;
	return (sum + (c->spec.bias ? c->bias[n] : 0)) * scale;
}

static void check(const struct tcase *c, const char *what)
{
	float *y = run(c), lo = c->spec.lo, hi = c->spec.hi;

	for (int64_t i = 0; i < c->m * c->spec.n; i++) {
		double size, want = expected(c, i, &size);
		double tolerance = c->spec.type == OQZ_TILE_BF16 ? 2e-6 * size : 0;
		want = want < (double)lo ? (double)lo : want > (double)hi ? (double)hi : want;
		ck_assert_msg(fabs(y[i] - want) <= tolerance, "%s: %.9g at %lld, not %.9g", what, (double)y[i],
		              (long long)i, want);
	}
	free(y - GUARD);
}

/* Sums stay below 2^24, where float32 holds every whole number. */
START_TEST(products_are_plain_sums)
{
	static const int64_t most[] = { 128, 512 };
	struct oqz_rng r;
	struct tcase c;
	char what[120];

	if (unable())
		return;
	oqz_rng_init(&r, 41);
	for (int i = 0; i < 400; i++) {
		enum oqz_tile_type t = (enum oqz_tile_type)(i % 3);
		int64_t m = in(&r, OQZ_TILE_ROWS, 90), k = in(&r, 1, most[t == OQZ_TILE_BF16]), n = in(&r, 1, 75);
		if (!oqz_tile_takes(t, k))
			k = 16 * in(&r, 1, most[t == OQZ_TILE_BF16] / 16);
		tcase_init(&c, &r, t, m, k, n);
		if (in(&r, 0, 2) == 0) {
			c.spec.lo = (float)in(&r, -2000, 0);
			c.spec.hi = (float)in(&r, 0, 2000);
		}
		snprintf(what, sizeof what, "case %d, type %d, %lld x %lld x %lld", i, t, (long long)m, (long long)k,
		         (long long)n);
		check(&c, what);
		tcase_release(&c);
	}
}
END_TEST

/* More rows of x than stay in the cache go by in several parts. */
START_TEST(large_matrices_go_by_in_parts)
{
	struct oqz_rng r;
	struct tcase c;

	if (unable())
		return;
	oqz_rng_init(&r, 42);
	for (int i = 0; i < 2; i++) {
		tcase_init(&c, &r, OQZ_TILE_BF16, i ? 77 : 1100, i ? 8192 : 512, 35);
		check(&c, "large");
		tcase_release(&c);
	}
}
END_TEST

/* The largest sums there can be: nothing saturates on the way. */
START_TEST(sums_reach_32_bits)
{
	enum { K = 65536, M = 16 };
	struct oqz_rng r;
	struct tcase c;

	if (unable())
		return;
	oqz_rng_init(&r, 43);
	for (int i = 0; i < 2; i++) {
		tcase_init(&c, &r, i ? OQZ_TILE_S8 : OQZ_TILE_U8, M, K, 1);
		c.spec.bias = c.spec.scale = NULL;
		c.spec.zero = 0;
		memset(c.x, i ? -128 : 255, (size_t)M * K);
		memset(c.w, -128, K);
		float *y = run(&c);
		for (int64_t k = 0; k < M; k++)
			ck_assert_msg(y[k] == (i ? 16384.0f : -32640.0f) * K, "%.9g", (double)y[k]);
		free(y - GUARD);
		tcase_release(&c);
	}
}
END_TEST

/* A pixel that is not finite has outputs that are not, and no other has. */
START_TEST(rows_do_not_touch_each_other)
{
	static const uint16_t odd[] = { 0x7fc0, 0x7f80, 0xff80 };
	struct oqz_rng r;
	struct tcase c;

	if (unable())
		return;
	oqz_rng_init(&r, 44);
	for (int i = 0; i < 30; i++) {
		int64_t k = 8 * in(&r, 1, 20), m = in(&r, 16, 50), row = in(&r, 0, m - 1);
		tcase_init(&c, &r, OQZ_TILE_BF16, m, k, 20);
		c.spec.lo = 0;
		c.spec.hi = 6;
		for (int64_t j = 0; j < k * c.spec.n; j++)
			((uint16_t *)c.w)[j] = 0x3f80; /* one */
		((uint16_t *)c.x)[row * k + in(&r, 0, k - 1)] = odd[i % 3];
		float *y = run(&c);
		for (int64_t j = 0; j < m * c.spec.n; j++) {
			bool here = j / c.spec.n == row;
			float want = i % 3 == 1 ? 6.0f : 0.0f;
			if (here && i % 3 == 0)
				ck_assert_msg(isnan(y[j]), "round %d: %.9g at %lld", i, (double)y[j], (long long)j);
			else
				ck_assert_msg(here ? y[j] == want : y[j] >= 0 && y[j] <= 6, "round %d: %.9g at %lld", i,
				              (double)y[j], (long long)j);
		}
		free(y - GUARD);
		tcase_release(&c);
	}
}
END_TEST

START_TEST(blocks_divide_rows)
{
	static const struct {
		enum oqz_tile_type t;
		int64_t k;
		bool takes;
	} rows[] = { { OQZ_TILE_U8, 16, true },    { OQZ_TILE_U8, 17, false },    { OQZ_TILE_U8, 116, false },
		     { OQZ_TILE_S8, 144, true },   { OQZ_TILE_S8, 8, false },     { OQZ_TILE_BF16, 8, true },
		     { OQZ_TILE_BF16, 58, false }, { OQZ_TILE_BF16, 116, false }, { OQZ_TILE_BF16, 240, true },
		     { OQZ_TILE_BF16, 0, false },  { OQZ_TILE_BF16, 7, false } };

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++)
		ck_assert_msg(oqz_tile_takes(rows[i].t, rows[i].k) == rows[i].takes, "row %zu", i);
}
END_TEST

START_TEST(what_is_not_taken_is_refused)
{
	struct oqz_tile_spec s = { .type = OQZ_TILE_U8, .k = 17, .n = 1, .weights = "", .stride_k = 0 };
	struct oqz_tile_product *p = NULL;

	ck_assert_int_eq(oqz_tile_product_new(&s, &p, NULL), OQZ_E_UNSUPPORTED);
	ck_assert_ptr_null(p);
}
END_TEST

OQZ_TEST_MAIN("tile_product", what_is_not_taken_is_refused, products_are_plain_sums, large_matrices_go_by_in_parts,
              sums_reach_32_bits, rows_do_not_touch_each_other, blocks_divide_rows)
