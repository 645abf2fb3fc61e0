/* SPDX-License-Identifier: Apache-2.0
 *
 * Histograms of which only the ends are kept (core/quant/observe_tails.c, observe_count.c): percentiles are those of
 * the whole histogram, or refused.
 */
#include "core/base/str.h"
#include "core/quant/observer.h"
#include "tests/unit/observer_rows.h"

#include <math.h>

static float scale; /* not found: percentile finds ranges */
static uint32_t next(uint32_t *seed) { return *seed = *seed * 1664525u + 1013904223u; }

static const struct oqz_calibrator *percentile(void) { return oqz_calibrator_find("percentile"); }

/* A quantile that needs more ranks than were promised fails, whichever of two merged statistics has left values out. */
START_TEST(broken_promises_survive_a_merge)
{
	enum { N = 20000 };
	static float x[N];
	uint32_t seed = 9;
	struct oqz_site site = { .q = 0.9, .grid = int8_grid(true), .symmetric = true };

	for (int i = 0; i < N; i++)
		x[i] = (float)next(&seed) * 0x1p-31f - 1;
	for (int into = 0; into < 2; into++) { /* the narrowed one is merged from, or into */
		struct oqz_observer *o[2];
		double lo, hi;
		for (int k = 0; k < 2; k++) {
			ck_ok(oqz_observer_new(OQZ_OBS_HISTOGRAM, 0, 1, &o[k], err));
			oqz_observer_tails(o[k], 5);
			for (int i = 0; i < (k == into ? 20 : 1); i++)
				ck_ok(oqz_observer_add(o[k], k * 20 + i, x + 1000 * i, k == into ? 1000 : 10, 0, err));
		}
		ck_ok(oqz_observer_merge(o[1], o[0], err));
		ck_fails(percentile()->find(o[1], &site, &lo, &hi, &scale, err), OQZ_E_UNSUPPORTED, "scope=batch");
		site.q = 1;
		ck_ok(percentile()->find(o[1], &site, &lo, &hi, &scale, err));
		site.q = 0.9;
		oqz_observer_free(o[0]);
		oqz_observer_free(o[1]);
	}
}
END_TEST

/* What is known is what both ends know, of merged statistics what both parts do; the larger promise goes on. */
START_TEST(ends_know_what_the_poorer_knows)
{
	enum { N = 20000 };
	static float x[N];
	struct oqz_site site = { .q = 0.9 };
	struct oqz_observer *o[3];
	double lo, hi;
	uint32_t seed = 12;

	for (int sign = -1; sign <= 1; sign++) {
		/* half of all values are the largest, or the smallest, or none is */
		for (int i = 0; i < N; i++)
			x[i] = sign && i % 2 ? (float)sign * 8 : (float)next(&seed) * 0x1p-31f - 1;
		for (int k = 0; k < 3; k++) {
			ck_ok(oqz_observer_new(OQZ_OBS_HISTOGRAM, 0, 1, &o[k], err));
			oqz_observer_tails(o[k], k == 1 ? 300 : 5);
		}
		ck_ok(oqz_observer_add(o[0], 0, x, N / 2, 0, err));
		site.q = 0.9;
		ck_fails(percentile()->find(o[0], &site, &lo, &hi, &scale, err), OQZ_E_UNSUPPORTED, "scope=batch");
		ck_ok(oqz_observer_add(o[1], 1, x + N / 2, N / 2, 0, err));
		ck_ok(oqz_observer_merge(o[2], o[1], err)); /* into one that has seen nothing, which then sees more */
		ck_ok(oqz_observer_add(o[2], 0, x, N / 2, 0, err));
		site.q = 1 - 150.0 / N;
		ck_ok(percentile()->find(o[2], &site, &lo, &hi, &scale, err));
		ck_ok(oqz_observer_merge(o[1], o[0], err));
		ck_fails(percentile()->find(o[1], &site, &lo, &hi, &scale, err), OQZ_E_UNSUPPORTED, "scope=batch");
		for (int k = 0; k < 3; k++)
			oqz_observer_free(o[k]);
	}
}
END_TEST

/* What is asked of the ends of a histogram does not depend on how much of its middle was counted, nor on the order of
 * images or who saw which. */
START_TEST(tails_say_what_the_whole_histogram_says)
{
	enum { IMAGES = 12, SIZE = 3000 };
	static float x[IMAGES][SIZE];
	uint32_t seed = 5;

	for (int kind = 0; kind < 6; kind++) { /* 5: images behind a Relu6, then some that are not, in either order */
		for (int k = 0; k < IMAGES * SIZE; k++) {
			double u = ((double)next(&seed) + 1) / 4294967297.0, w = (double)next(&seed) / 4294967296.0;
			double normal = sqrt(-2 * log(u)) * cos(6.283185307179586 * w) * (1 + k / SIZE % 5);
			(&x[0][0])[k] = (float)(kind == 0                    ? normal
			                        : kind == 1                  ? (normal > 0 ? normal : 0)
			                        : kind == 2                  ? exp(3 * normal)
			                        : kind == 3                  ? -fabs(normal)
			                        : kind == 4 || k / SIZE >= 8 ? (double)(k % 7 ? NAN : (float)normal)
			                                                     : fmin(fmax(normal, 0), 6));
		}
		for (int part = 0; part < 8; part++) {
			struct oqz_site site = { .q = part < 4 ? 0.99 : 0.8 };
			struct oqz_observer *whole, *a, *b;
			double want[2], got[2];
			ck_ok(oqz_observer_new(OQZ_OBS_HISTOGRAM, 0, 0, &whole, err));
			ck_ok(oqz_observer_new(OQZ_OBS_HISTOGRAM, 0, 0, &a, err));
			ck_ok(oqz_observer_new(OQZ_OBS_HISTOGRAM, 0, 0, &b, err));
			for (int i = 0; i < IMAGES; i++) {
				int image = part & 1 ? IMAGES - 1 - i : i;
				struct oqz_observer *o = part & 2 && i % 3 == 0 ? b : a;
				oqz_observer_tails(o, (int64_t)(IMAGES * SIZE * percentile()->tails(&site)) + 2);
				ck_ok(oqz_observer_add(o, image, x[image], SIZE, 0, err));
				ck_ok(oqz_observer_add(whole, i, x[i], SIZE, 0, err));
			}
			ck_ok(oqz_observer_merge(a, b, err));
			ck_ok(percentile()->find(whole, &site, &want[0], &want[1], &scale, err));
			ck_ok(percentile()->find(a, &site, &got[0], &got[1], &scale, err));
			ck_assert_msg(got[0] == want[0] && got[1] == want[1], "kind %d, part %d: %a %a, not %a %a",
			              kind, part, (double)got[0], (double)got[1], (double)want[0], (double)want[1]);
			if (kind == 0 && part == 0) {
				struct oqz_str bytes = { 0 };
				struct oqz_site more = { .q = 0.6 };
				ck_fails(oqz_observer_save(a, &bytes, err), OQZ_E_UNSUPPORTED, "cannot be saved");
				ck_fails(percentile()->find(a, &more, &got[0], &got[1], &scale, err), OQZ_E_UNSUPPORTED,
				         "scope=batch");
				oqz_str_release(&bytes);
			}
			oqz_observer_free(whole);
			oqz_observer_free(a);
			oqz_observer_free(b);
		}
	}
}
END_TEST

/* Images that grow, so that more ranks are asked for when values have been left out already; some of them are seen by
 * another observer. What is found is what the whole histogram says, or it is an error. */
START_TEST(growing_images_are_right_or_refused)
{
	enum { IMAGES = 12, MOST = 20000 };
	static float x[MOST];
	uint32_t seed = 6;
	int found = 0, refused = 0;

	for (int round = 0; round < 24; round++) {
		const int skew = round / 12 * (round % 2 ? 1 : -1); /* late images are wide on one side only */
		struct oqz_site site = { .q = round % 3 ? 0.99 : 0.9 };
		struct oqz_observer *o[3];
		double want[2], got[2];
		for (int k = 0; k < 3; k++)
			ck_ok(oqz_observer_new(OQZ_OBS_HISTOGRAM, 0, 0, &o[k], err));
		for (int i = 0; i < IMAGES; i++) {
			bool late = i >= 8; /* larger, and nearly all values are small */
			size_t n = round % 12 < 6 ? (size_t)(1000 + i) : late ? MOST : 1000;
			struct oqz_observer *mine = o[1 + (round % 2 && i % 3 == 0)];
			for (size_t k = 0; k < n; k++) {
				x[k] = ((float)next(&seed) * 0x1p-31f - 1) * (late && k % 20 ? 1 : 8);
				if (late && skew && k % 20 == 0)
					x[k] = fabsf(x[k]) * (float)skew;
			}
			oqz_observer_tails(mine, (int64_t)((double)n * IMAGES * percentile()->tails(&site)) + 2);
			ck_ok(oqz_observer_add(mine, i, x, n, 0, err));
			ck_ok(oqz_observer_add(o[0], i, x, n, 0, err));
		}
		ck_ok(oqz_observer_merge(o[1], o[2], err));
		ck_ok(percentile()->find(o[0], &site, &want[0], &want[1], &scale, err));
		struct oqz_err err;
		if (percentile()->find(o[1], &site, &got[0], &got[1], &scale, &err) == OQZ_OK) {
			ck_assert_msg(got[0] == want[0] && got[1] == want[1], "round %d: %a %a, not %a %a", round,
			              (double)got[0], (double)got[1], (double)want[0], (double)want[1]);
			found++;
		} else {
			refused++;
		}
		for (int k = 0; k < 3; k++)
			oqz_observer_free(o[k]);
	}
	ck_assert_msg(found >= 6 && refused >= 1, "%d found, %d refused", found, refused);
}
END_TEST

/* A number that lies on the limit between what is counted and what is not is counted, also where it is the only one of
 * its kind in all that is looked at together, and the largest one and its neighbour are counted once. */
static void limits_are_counted(bool relu)
{
	enum { SIZE = 8192, IMAGES = 12 };
	static float x[SIZE];
	uint32_t seed = 21;
	struct oqz_observer *whole, *ends;
	double want[2], got[2];
	struct oqz_site site = { .q = 1 - 300.0 / (SIZE * IMAGES) };

	ck_ok(oqz_observer_new(OQZ_OBS_HISTOGRAM, 0, 0, &whole, err));
	ck_ok(oqz_observer_new(OQZ_OBS_HISTOGRAM, 0, 0, &ends, err));
	oqz_observer_tails(ends, 400);
	oqz_observer_tails(ends, 5); /* takes nothing back */
	for (int image = 0; image < IMAGES; image++) {
		for (int i = 0; i < SIZE; i++) {
			x[i] = (float)next(&seed) * 0x1p-32f - 0.5f;
			if (image == 0) /* the four hundredth from either end is one of many -1 or 1 */
				x[i] = i % 20 < 2     ? 1 - 2 * (float)(i % 20)
				       : i % 400 == 2 ? 1.5f
				       : i % 400 == 3 ? -1.5f
				                      : x[i];
		}
		/* then one of them alone in 1024 values, or beside larger ones, at a part's ends, too */
		const int places[] = { 100, 0, 127 };
		for (int i = places[image % 3]; image && i < SIZE; i += 1024) {
			x[i] = relu || (i / 1024 + image) % 2 ? 1 : -1;
			x[i + 1] = relu && image % 2 ? 1.001f : x[i + 1];
			x[i + 2] = relu && image % 2 ? nextafterf(1.001f, 1) : x[i + 2];
		}
		for (int i = 0; relu && i < SIZE; i++)
			x[i] = fmaxf(x[i], 0);
		ck_ok(oqz_observer_add(whole, image, x, SIZE, 0, err));
		ck_ok(oqz_observer_add(ends, image, x, SIZE, 0, err));
	}
	ck_assert(oqz_hist_matters(ends) == (relu ? OQZ_HIST_TOP : OQZ_HIST_ENDS));
	ck_assert(oqz_hist_matters(whole) == OQZ_HIST_ALL);
	ck_assert(oqz_tails_known(ends) < SIZE && oqz_tails_known(whole) == INT64_MAX);
	ck_ok(percentile()->find(whole, &site, &want[0], &want[1], &scale, err));
	ck_ok(percentile()->find(ends, &site, &got[0], &got[1], &scale, err));
	ck_assert(relu ? want[0] == 0 : want[0] > -1.001f && want[0] < -1);
	ck_assert(want[1] > 1 && want[1] < 1.001f);
	ck_assert_msg(got[0] == want[0] && got[1] == want[1], "%a %a, not %a %a", (double)got[0], (double)got[1],
	              (double)want[0], (double)want[1]);
	oqz_observer_free(whole);
	oqz_observer_free(ends);
}

START_TEST(values_on_a_limit_are_counted)
{
	limits_are_counted(false);
	limits_are_counted(true);
}
END_TEST

/* More ranks are asked for when values have been left out: limits that then lie further out at one end and further in
 * at the other stay where they were, for what is further in was not counted whole. */
START_TEST(limits_do_not_move_inwards)
{
	enum { SIZE = 20000 };
	static float x[SIZE];
	uint32_t seed = 22;

	for (int side = -1; side <= 1; side += 2) {
		OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL;
		struct oqz_site site = { .q = 0.95 };
		double lo, hi;
		ck_ok(oqz_observer_new(OQZ_OBS_HISTOGRAM, 0, 0, &o, err));
		oqz_observer_tails(o, 50);
		for (int k = 0; k < 2; k++) {
			for (int i = 0; i < SIZE; i++) {
				float v = (float)next(&seed) * 0x1p-31f - 1;
				x[i] = k == 0 ? v : i % 4 ? v * 0.9f : 2 * (float)side;
			}
			ck_ok(oqz_observer_add(o, k, x, SIZE, 0, err));
			oqz_observer_tails(o, 3000);
		}
		/* of the other end no more than the first fifty and some are known */
		ck_fails(percentile()->find(o, &site, &lo, &hi, &scale, err), OQZ_E_UNSUPPORTED, "scope=batch");
		site.q = 1 - 40.0 / (2 * SIZE);
		ck_ok(percentile()->find(o, &site, &lo, &hi, &scale, err));
	}
}
END_TEST

OQZ_TEST_MAIN("percentile_tails", broken_promises_survive_a_merge, ends_know_what_the_poorer_knows,
              tails_say_what_the_whole_histogram_says, growing_images_are_right_or_refused,
              values_on_a_limit_are_counted, limits_do_not_move_inwards)
