/* SPDX-License-Identifier: Apache-2.0
 *
 * Statistics of items that share images (persons of one picture): images are drawn, not items. The task is
 * tests/mock/mock-mean.c, whose metric is the mean of its records.
 */
#include "core/base/arena.h"
#include "core/run/paired.h"
#include "tests/support/task_bench.h"

#include <math.h>

enum { IMAGES = 24, ITEMS = 3 * IMAGES };

struct items {
	double first[ITEMS], second[ITEMS];
	struct oqz_record of_first[ITEMS], of_second[ITEMS];
	const char *images[ITEMS];
	size_t n;
};

static const char *image_name(size_t i)
{
	static char names[ITEMS][8];

	snprintf(names[i], sizeof names[i], "%zu.png", i);
	return names[i];
}

static void add_item(struct items *x, size_t image, double first, double second)
{
	x->first[x->n] = first;
	x->second[x->n] = second;
	x->of_first[x->n] = (struct oqz_record) { &x->first[x->n], sizeof(double), 0 };
	x->of_second[x->n] = (struct oqz_record) { &x->second[x->n], sizeof(double), 0 };
	x->images[x->n++] = image_name(image);
}

/* Any numbers: what the second lane loses at image i. */
static double loss(size_t i) { return sin((double)(7 * i + 1)) * 0.1 - 0.02; }

static struct oqz_metric_result statistics(struct items *x)
{
	struct oqz_arena *arena = oqz_arena_new();
	struct oqz_metric_result r;
	struct task_bench b;

	ck_ok(task_bench_start(&b, "tests/mock/.libs/mock-mean.so", "", "", "", err));
	ck_ok(oqz_paired_metrics(b.task, x->of_first, x->of_second, (const char *const *)x->images, x->n, false, arena,
	                         &r, err));
	task_bench_close(&b);
	oqz_arena_free(arena);
	return r;
}

static void check_same(const struct oqz_metric_result *a, const struct oqz_metric_result *b)
{
	ck_assert_double_eq_tol(a->delta, b->delta, 1e-12);
	ck_assert_double_eq_tol(a->ci_lo, b->ci_lo, 1e-12);
	ck_assert_double_eq_tol(a->ci_hi, b->ci_hi, 1e-12);
	ck_assert_double_eq_tol(a->p, b->p, 1e-12);
	ck_assert_double_eq_tol(a->detectable, b->detectable, 1e-12);
}

/* Three equal items in each image say what one says, wherever they stand in the list. */
START_TEST(equal_items_of_an_image_are_one)
{
	struct items one = { 0 }, in_turn = { 0 }, apart = { 0 }, strangers = { 0 };

	for (size_t i = 0; i < IMAGES; i++)
		add_item(&one, i, 0.5, 0.5 + loss(i));
	for (size_t i = 0; i < ITEMS; i++) {
		add_item(&in_turn, i / 3, 0.5, 0.5 + loss(i / 3));
		add_item(&apart, i % IMAGES, 0.5, 0.5 + loss(i % IMAGES));
		add_item(&strangers, i, 0.5, 0.5 + loss(i / 3));
	}
	const struct oqz_metric_result want = statistics(&one), a = statistics(&in_turn), b = statistics(&apart),
	                               other = statistics(&strangers);
	check_same(&a, &want);
	check_same(&b, &want);
	/* Taken for images of their own they would make the interval narrower by the square root of three. */
	ck_assert_double_eq_tol(other.delta, want.delta, 1e-12);
	ck_assert_double_lt(other.ci_hi - other.ci_lo, 0.7 * (want.ci_hi - want.ci_lo));
}
END_TEST

/* Images of one, two and three items: the drawn images bring all of theirs. The standard error of a ratio of sums over
 * images stands for the formula. */
START_TEST(images_have_different_numbers_of_items)
{
	struct items x = { 0 };
	double sum = 0, count = 0, m2 = 0;

	for (size_t i = 0; i < IMAGES; i++)
		for (size_t k = 0; k <= i % 3; k++)
			add_item(&x, i, 0, loss(i));
	for (size_t i = 0; i < IMAGES; i++) {
		sum += loss(i) * (double)(i % 3 + 1);
		count += (double)(i % 3 + 1);
	}
	for (size_t i = 0; i < IMAGES; i++)
		m2 += pow((loss(i) - sum / count) * (double)(i % 3 + 1), 2);
	const struct oqz_metric_result r = statistics(&x);
	const double n = IMAGES, se = sqrt(m2 * n / (n - 1)) / count, t = 2.0687 + 0.8575; /* 23 degrees of freedom */
	ck_assert_double_eq_tol(r.delta, sum / count, 1e-12);
	ck_assert_double_eq_tol(r.detectable / t, se, 0.08 * se);
	ck_assert_double_eq_tol(r.ci_hi - r.ci_lo, 2 * 2.0687 * se, 0.12 * 2 * 2.0687 * se);
}
END_TEST

OQZ_TEST_MAIN("paired", equal_items_of_an_image_are_one, images_have_different_numbers_of_items)
