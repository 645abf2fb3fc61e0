/* SPDX-License-Identifier: Apache-2.0
 *
 * A bootstrap's lists: what a task makes of records that come so many times (struct oqz_task's resample()) is, to the
 * last bit, what its finish() makes of the list itself.
 */
#include "core/base/rng.h"
#include "tests/support/task_bench.h"

#include <math.h>
#include <stdlib.h>

enum { IMAGES = 14, CLASSES = 3, SIDE = 640, MOST = 20, ROUNDS = 150 };

static double between(struct oqz_rng *r, double lo, double hi) { return lo + (hi - lo) * oqz_rng_f64(r); }

/* Objects of all sizes; image 3 has none, and class 2 is rare. */
static const char *annotations(struct oqz_rng *r, double (*box)[MOST][4], size_t *n)
{
	const char *root = test_tmpdir("resample");
	struct oqz_str s = { 0 };
	int id = 1;

	oqz_str_add(&s, "{\"images\":[");
	for (int i = 0; i < IMAGES; i++) {
		char name[20];
		snprintf(name, sizeof name, "%02d.jpg", i);
		test_write_text(root, name, "never read by the task");
		oqz_str_addf(&s, "%s{\"id\":%d,\"file_name\":\"%s\",\"width\":%d,\"height\":%d}", i ? "," : "", i + 1,
		             name, SIDE, SIDE);
	}
	oqz_str_add(&s,
	            "],\"categories\":[{\"id\":1,\"name\":\"a\"},{\"id\":2,\"name\":\"b\"},{\"id\":3,\"name\":\"c\"}"
	            "],\"annotations\":[");
	for (int i = 0; i < IMAGES; i++) {
		n[i] = i == 3 ? 0 : 1 + oqz_rng_below(r, 6);
		for (size_t k = 0; k < n[i]; k++) {
			double *b = box[i][k], side = pow(10, between(r, 0.9, 2.3));
			b[0] = between(r, 0, SIDE - side);
			b[1] = between(r, 0, SIDE - side);
			b[2] = b[3] = side;
			oqz_str_addf(&s,
			             "%s{\"id\":%d,\"image_id\":%d,\"category_id\":%d,\"bbox\":[%.3f,%.3f,%.3f,%.3f],"
			             "\"area\":%.3f,\"iscrowd\":%d}",
			             id > 1 ? "," : "", id, i + 1, (int)(i == 5 ? 3 : 1 + k % 2), b[0], b[1], b[2],
			             b[3], side * side, k == 4);
			id++;
		}
	}
	oqz_str_add(&s, "]}");
	test_write_text(root, "truth.json", oqz_str_get(&s));
	oqz_str_release(&s);
	return root;
}

/* Boxes near objects and elsewhere; many scores are equal. */
static void score_image(struct task_bench *b, struct oqz_rng *r, size_t i, const double (*truth)[4], size_t n)
{
	static const struct oqz_geometry g = { SIDE, SIDE, SIDE, SIDE, 1, 1, 0, 0 };
	float boxes[MOST][4], scores[MOST];
	int32_t labels[MOST];

	for (size_t k = 0; k < MOST; k++) {
		double at[4] = { between(r, 0, SIDE - 90), between(r, 0, SIDE - 90), between(r, 10, 90),
			         between(r, 10, 90) };
		if (k < 2 * n)
			for (int c = 0; c < 4; c++)
				at[c] = truth[k % n][c] + between(r, -0.15, 0.15) * truth[k % n][2];
		boxes[k][0] = (float)at[0];
		boxes[k][1] = (float)at[1];
		boxes[k][2] = (float)(at[0] + at[2]);
		boxes[k][3] = (float)(at[1] + at[3]);
		scores[k] = (float)(1 + oqz_rng_below(r, 9)) / 10;
		labels[k] = (int32_t)(i == 5 && k < 3 ? 2 : k % 2);
	}
	const struct oqz_output o[] = { { "boxes", { OQZ_DT_F32, { 2, { MOST, 4 } }, boxes } },
		                        { "scores", { OQZ_DT_F32, { 1, { MOST } }, scores } },
		                        { "labels", { OQZ_DT_I32, { 1, { MOST } }, labels } } };
	ck_ok(task_bench_score(b, i, o, 3, &g, err));
}

static struct oqz_record record_of(const struct task_bench *b, size_t i)
{
	return (struct oqz_record) { b->records[i].len ? b->records[i].s : NULL, b->records[i].len,
		                     b->items.items.v[i].tag };
}

/* Random lists of the n records, drawn by group: records of a group come equally often. Some are in no list. */
static void ck_lists(struct task_bench *b, size_t n, const uint32_t *group, size_t groups, struct oqz_rng *r)
{
	struct oqz_record records[BENCH_ITEMS], list[2 * BENCH_ITEMS * BENCH_ITEMS];
	struct oqz_resampler *resampler = NULL;
	size_t n_metrics, compared = 0;
	const struct oqz_metric *m = oqz_task_metrics(b->task, &n_metrics);
	double values[BENCH_METRICS];

	for (size_t i = 0; i < n; i++)
		records[i] = record_of(b, i);
	ck_ok(oqz_resampler_open(b->task, records, NULL, n, &resampler, err));
	ck_assert_ptr_nonnull(resampler);
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t times[BENCH_ITEMS], drawn[BENCH_ITEMS] = { 0 };
		size_t length = 0;
		for (size_t i = 0; i < groups; i++)
			drawn[oqz_rng_below(r, round % 3 ? groups : 1 + groups / 3)]++;
		for (size_t i = 0; i < n; i++) {
			times[i] = drawn[group[i]];
			for (uint32_t k = 0; k < times[i]; k++)
				list[length++] = records[i];
		}
		ck_ok(oqz_task_finish(b->task, list, length, b->values, err));
		ck_ok(oqz_resampler_run(resampler, times, values, err));
		for (size_t k = 0; k < n_metrics; k++) {
			compared += m[k].test == OQZ_TEST_BOOTSTRAP;
			if (m[k].test == OQZ_TEST_BOOTSTRAP)
				ck_assert_msg(values[k] == b->values[k], "round %d: %s is %.17g, of the list %.17g",
				              round, m[k].name, values[k], b->values[k]);
		}
	}
	ck_assert_uint_ge(compared, 3 * ROUNDS);
	oqz_resampler_close(resampler);
}

START_TEST(detection)
{
	static double box[IMAGES][MOST][4];
	uint32_t each[IMAGES];
	size_t n[IMAGES];
	struct oqz_rng r;
	struct task_bench b;

	oqz_rng_init(&r, 41);
	const char *root = annotations(&r, box, n);
	ck_ok(task_bench_open(&b, "detection", root, "head=final", "root=@,annotations=@/truth.json", err));
	for (size_t i = 0; i < IMAGES; i++) {
		each[i] = (uint32_t)i;
		if (i != 9) /* which failed */
			score_image(&b, &r, i, (const double(*)[4])box[i], n[i]);
	}
	ck_lists(&b, IMAGES, each, IMAGES, &r);
	task_bench_close(&b);
}
END_TEST

OQZ_TEST_MAIN("resample", detection)
