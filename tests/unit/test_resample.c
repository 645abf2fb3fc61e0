/* SPDX-License-Identifier: Apache-2.0
 *
 * A bootstrap's lists: what a task makes of records that come so many times (struct oqz_task's resample()) is, to the
 * last bit, what its finish() makes of the list itself. (Means that it sums by record may differ by rounding.)
 */
#include "core/base/rng.h"
#include "tests/support/task_bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 14, CLASSES = 3, SIDE = 640, MOST = 20, ROUNDS = 150 };

static double between(struct oqz_rng *r, double lo, double hi) { return lo + (hi - lo) * oqz_rng_f64(r); }

/* IMAGES empty files, and the beginning of the annotations. */
static void add_images(struct oqz_str *s, const char *root)
{
	oqz_str_add(s, "{\"images\":[");
	for (int i = 0; i < IMAGES; i++) {
		char name[20];
		snprintf(name, sizeof name, "%02d.jpg", i);
		test_write_text(root, name, "never read by the task");
		oqz_str_addf(s, "%s{\"id\":%d,\"file_name\":\"%s\",\"width\":%d,\"height\":%d}", i ? "," : "", i + 1,
		             name, SIDE, SIDE);
	}
}

/* Objects of all sizes; image 3 has none, and class 2 is rare. */
static const char *annotations(struct oqz_rng *r, double (*box)[MOST][4], size_t *n)
{
	const char *root = test_tmpdir("resample");
	struct oqz_str s = { 0 };
	int id = 1;

	add_images(&s, root);
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

static bool summed(const char *name) { return strcmp(name, "oks") == 0 || strcmp(name, "displacement") == 0; }

/* Random lists of the n records, drawn by group: records of a group come equally often. Some are in no list. */
static void ck_lists(struct task_bench *b, const struct oqz_record *reference, size_t n, const uint32_t *group,
                     size_t groups, struct oqz_rng *r)
{
	static struct oqz_record list[BENCH_ITEMS * BENCH_ITEMS], beside[BENCH_ITEMS * BENCH_ITEMS];
	struct oqz_record records[BENCH_ITEMS];
	struct oqz_resampler *resampler = NULL;
	size_t n_metrics, compared = 0;
	const struct oqz_metric *m = oqz_task_metrics(b->task, &n_metrics);
	double values[BENCH_METRICS];

	for (size_t i = 0; i < n; i++)
		records[i] = record_of(b, i);
	ck_ok(oqz_resampler_open(b->task, records, reference, n, &resampler, err));
	ck_assert_ptr_nonnull(resampler);
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t times[BENCH_ITEMS], drawn[BENCH_ITEMS] = { 0 };
		size_t length = 0;
		for (size_t i = 0; i < groups; i++)
			drawn[oqz_rng_below(r, round % 3 ? groups : 1 + groups / 3)]++;
		for (size_t i = 0; i < n; i++) {
			times[i] = drawn[group[i]];
			for (uint32_t k = 0; k < times[i]; k++) {
				beside[length] = reference ? reference[i] : records[i];
				list[length++] = records[i];
			}
		}
		ck_ok(oqz_task_finish_beside(b->task, list, reference ? beside : NULL, length, b->values, err));
		ck_ok(oqz_resampler_run(resampler, times, values, err));
		for (size_t k = 0; k < n_metrics; k++) {
			compared += m[k].test == OQZ_TEST_BOOTSTRAP;
			if (m[k].test == OQZ_TEST_BOOTSTRAP)
				ck_assert_msg(values[k] == b->values[k] ||
				                  (summed(m[k].name) && fabs(values[k] - b->values[k]) < 1e-12),
				              "round %d: %s is %.17g, of the list %.17g", round, m[k].name, values[k],
				              b->values[k]);
		}
	}
	ck_assert_uint_ge(compared, ROUNDS);
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
	ck_lists(&b, NULL, IMAGES, each, IMAGES, &r);
	task_bench_close(&b);
}
END_TEST

/* Up to four persons in a picture, whose keypoints are a grid in the box; image 2 has one who is never counted. */
static const char *persons(struct oqz_rng *r, double (*box)[4], uint32_t *image, size_t *n)
{
	const char *root = test_tmpdir("resample-pose");
	struct oqz_str s = { 0 };

	*n = 0;
	add_images(&s, root);
	oqz_str_add(&s, "],\"categories\":[{\"id\":1,\"name\":\"person\"}],\"annotations\":[");
	for (int i = 0, id = 1; i < IMAGES; i++)
		for (size_t k = 0, count = 1 + oqz_rng_below(r, 4); k < count; k++, id++) {
			bool crowd = i == 2 && k == 0 && count > 1;
			double side = between(r, 30, 200), x = between(r, 0, SIDE - side),
			       y = between(r, 0, SIDE - side);
			oqz_str_addf(&s,
			             "%s{\"id\":%d,\"image_id\":%d,\"category_id\":1,\"bbox\":[%.3f,%.3f,%.3f,%.3f],"
			             "\"area\":%.3f,\"iscrowd\":%d,\"num_keypoints\":17,\"keypoints\":[",
			             id > 1 ? "," : "", id, i + 1, x, y, side, side, side * side * 0.6, crowd);
			for (int p = 0; p < 17; p++)
				oqz_str_addf(&s, "%s%.3f,%.3f,%d", p ? "," : "", x + side * (p % 5) / 5,
				             y + side * (p / 5) / 4.0, 1 + p % 2);
			oqz_str_add(&s, "]}");
			if (crowd)
				continue;
			memcpy(box[*n], (double[]) { x, y, side, side }, 4 * sizeof(double));
			image[(*n)++] = (uint32_t)i;
		}
	oqz_str_add(&s, "]}");
	test_write_text(root, "truth.json", oqz_str_get(&s));
	oqz_str_release(&s);
	return root;
}

static void score_person(struct task_bench *b, struct oqz_rng *r, size_t i, const double box[4], double noise)
{
	static const struct oqz_geometry g = { SIDE, SIDE, SIDE, SIDE, 1, 1, 0, 0 };
	float v[17 * 3];

	for (int p = 0; p < 17; p++) {
		v[3 * p] = (float)((box[1] + box[3] * ((p / 5) / 4.0 + between(r, -noise, noise))) / SIDE);
		v[3 * p + 1] = (float)((box[0] + box[2] * ((p % 5) / 5.0 + between(r, -noise, noise))) / SIDE);
		v[3 * p + 2] = (float)(1 + i % 4) / 5; /* so that many persons have the same score */
	}
	const struct oqz_output o = { "rows", { OQZ_DT_F32, { 4, { 1, 1, 17, 3 } }, v } };
	ck_ok(task_bench_score(b, i, &o, 1, &g, err));
}

START_TEST(pose)
{
	double box[4 * IMAGES][4] = { { 0 } };
	uint32_t image[4 * IMAGES] = { 0 }, each[4 * IMAGES] = { 0 };
	struct oqz_str was[4 * IMAGES] = { { 0 } };
	struct oqz_record reference[4 * IMAGES];
	struct oqz_rng r;
	struct task_bench b;
	size_t n;

	oqz_rng_init(&r, 42);
	const char *root = persons(&r, box, image, &n);
	ck_ok(task_bench_open(&b, "pose", root, "head=movenet", "root=@,annotations=@/truth.json", err));
	ck_assert_uint_eq(b.items.items.n, n);
	for (size_t i = 0; i < n; i++) {
		each[i] = (uint32_t)i;
		score_person(&b, &r, i, box[i], 0.02);
		was[i] = b.records[i];
		b.records[i] = (struct oqz_str) { 0 };
		reference[i] = (struct oqz_record) { was[i].s, was[i].len, b.items.items.v[i].tag };
		if (i != 5) /* who failed */
			score_person(&b, &r, i, box[i], 0.2);
	}
	ck_lists(&b, NULL, n, image, IMAGES, &r);
	ck_lists(&b, reference, n, image, IMAGES, &r);
	ck_lists(&b, reference, n, each, n, &r); /* persons by themselves, which takes images apart */
	for (size_t i = 0; i < n; i++)
		oqz_str_release(&was[i]);
	task_bench_close(&b);
}
END_TEST

OQZ_TEST_MAIN("resample", detection, pose)
