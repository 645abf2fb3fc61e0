/* SPDX-License-Identifier: Apache-2.0
 *
 * Task pose on pictures without annotations: MoveNet's two forms of output, and how far keypoints are from the float
 * model's.
 */
#include "tests/support/task_bench.h"

#include <math.h>
#include <string.h>

enum { N = 17, H = 12, W = 9 };

/* A picture of 90 x 120 that the network sees at half its size: 45 x 60. */
static const struct oqz_geometry geometry = { 90, 120, 45, 60, 0.5, 0.5, 0, 0 };

static const char *pictures(const char *name)
{
	const char *root = test_tmpdir(name);

	test_write_text(root, "a.jpg", "never read by the task");
	test_write_text(root, "b.jpg", "never read by the task");
	return root;
}

static struct oqz_output output(const char *name, const float *data, int rank, const int64_t *dims)
{
	struct oqz_output o = { name, { OQZ_DT_F32, { rank, { 0 } }, data } };

	memcpy(o.view.shape.dim, dims, (size_t)rank * sizeof *dims);
	return o;
}

/* Keypoint k at (x, y) of the picture, the same for all, plus k pixels to the right. */
static void rows(float *v, float x, float y, float score)
{
	for (int k = 0; k < N; k++) {
		v[3 * k] = y / 120;
		v[3 * k + 1] = (x + (float)k) / 90;
		v[3 * k + 2] = score;
	}
}

START_TEST(movement_is_measured_against_the_float_model)
{
	struct task_bench b;
	float v[N * 3];
	struct oqz_output o = output("rows", v, 4, (int64_t[]) { 1, 1, N, 3 });
	struct oqz_str was[2] = { { 0 } };
	struct oqz_record f[2], q[2];

	ck_ok(task_bench_open(&b, "pose", pictures("pose-moves"), "head=movenet", "reader=images,root=@", err));
	for (size_t i = 0; i < 2; i++) {
		rows(v, 20, 30, 0.75f);
		ck_ok(task_bench_score(&b, i, &o, 1, &geometry, err));
		was[i] = b.records[i];
		b.records[i] = (struct oqz_str) { 0 };
		/* the first stays; the second moves 6 right and 8 down in the picture: 5 in the network's input */
		rows(v, i ? 26 : 20, i ? 38 : 30, 0.5f);
		ck_ok(task_bench_score(&b, i, &o, 1, &geometry, err));
		f[i] = (struct oqz_record) { was[i].s, was[i].len, b.items.items.v[i].tag };
		q[i] = (struct oqz_record) { b.records[i].s, b.records[i].len, b.items.items.v[i].tag };
	}
	ck_ok(oqz_task_finish_beside(b.task, q, f, 2, b.values, err));
	ck_assert_double_eq_tol(task_bench_value(&b, "displacement"), 2.5, 1e-5);
	/* (6 / 90, 8 / 120) is 0.0943 of the box: within a tenth, not within a twentieth */
	ck_assert_double_eq_tol(task_bench_value(&b, "pck05_float"), 0.5, 1e-12);
	ck_assert_double_eq_tol(task_bench_value(&b, "pck10_float"), 1, 1e-12);
	ck_assert_double_eq_tol(task_bench_value(&b, "confidence"), 0.5, 1e-6);
	ck_ok(oqz_task_finish_beside(b.task, f, f, 2, b.values, err));
	ck_assert_double_eq(task_bench_value(&b, "displacement"), 0);
	ck_assert_double_eq(task_bench_value(&b, "pck05_float"), 1);
	ck_ok(oqz_task_finish(b.task, q, 2, b.values, err));
	ck_assert_double_eq(task_bench_value(&b, "displacement"), 0);
	/* what the float model did not find cannot move */
	rows(v, 0, 0, 0);
	oqz_str_release(&was[1]);
	ck_ok(oqz_task_score(b.task, &b.items.items.v[1], &o, 1, &geometry, &was[1], err));
	f[1] = (struct oqz_record) { was[1].s, was[1].len, b.items.items.v[1].tag };
	ck_ok(oqz_task_finish_beside(b.task, q, f, 2, b.values, err));
	ck_assert_double_eq_tol(task_bench_value(&b, "displacement"), 0, 1e-6);
	oqz_str_release(&was[0]);
	oqz_str_release(&was[1]);
	task_bench_close(&b);
}
END_TEST

/* One peak at (5, 3) for even keypoints, and a higher one far from where the centre's regression points to. */
START_TEST(movenet_takes_the_peak_near_the_regressed_place)
{
	static float heat[N * H * W], centre[H * W], regression[2 * N * H * W], offset[2 * N * H * W], v[N * 3];
	const int n = H * W, mid = 6 * W + 4;
	struct oqz_output o[4] = { output("heatmaps", heat, 4, (int64_t[]) { 1, N, H, W }),
		                   output("centers", centre, 4, (int64_t[]) { 1, 1, H, W }),
		                   output("regs", regression, 4, (int64_t[]) { 1, 2 * N, H, W }),
		                   output("offsets", offset, 4, (int64_t[]) { 1, 2 * N, H, W }) };
	struct oqz_record r[2];
	struct task_bench b, wanted;

	centre[mid] = 0.9f;
	centre[0] = 1; /* higher, but in a corner: another person */
	for (int k = 0; k < N; k++) {
		regression[2 * k * n + mid] = 1.2f;        /* x: 4 + 1 */
		regression[(2 * k + 1) * n + mid] = -2.6f; /* y: 6 + trunc(-2.1), rounded as the original does */
		heat[k * n + 3 * W + 5] = 0.6f;
		heat[k * n + 11 * W + 0] = 0.8f;
		offset[2 * k * n + 3 * W + 5] = 0.25f;
		offset[(2 * k + 1) * n + 3 * W + 5] = 0.5f;
		/* 45 / 9 and 60 / 12 pixels a cell, twice as many in the picture */
		v[3 * k] = 3.5f * 5 / 60;
		v[3 * k + 1] = 5.25f * 5 / 45;
		v[3 * k + 2] = 0.6f;
	}
	ck_ok(
	    task_bench_open(&b, "pose", pictures("pose-movenet"), "head=heatmap-offset", "reader=images,root=@", err));
	ck_ok(task_bench_score(&b, 0, o, 4, &geometry, err));
	ck_ok(task_bench_open(&wanted, "pose", pictures("pose-movenet2"), "head=movenet", "reader=images,root=@", err));
	struct oqz_output one = output("rows", v, 4, (int64_t[]) { 1, 1, N, 3 });
	ck_ok(task_bench_score(&wanted, 0, &one, 1, &geometry, err));
	r[0] = (struct oqz_record) { b.records[0].s, b.records[0].len, b.items.items.v[0].tag };
	r[1] = (struct oqz_record) { wanted.records[0].s, wanted.records[0].len, b.items.items.v[0].tag };
	ck_ok(oqz_task_finish_beside(b.task, &r[0], &r[1], 1, b.values, err));
	ck_assert_double_eq_tol(task_bench_value(&b, "displacement"), 0, 1e-4);
	ck_assert_double_eq_tol(task_bench_value(&b, "confidence"), 0.6, 1e-6);
	/* other shapes, and outputs in another order, are refused */
	struct oqz_output wrong[4] = { o[1], o[0], o[2], o[3] };
	ck_fails(task_bench_score(&b, 0, wrong, 4, &geometry, err), OQZ_E_MISMATCH, "in this order");
	ck_fails(task_bench_score(&b, 0, o, 3, &geometry, err), OQZ_E_MISMATCH, "3 outputs, the head takes 4");
	ck_fails(task_bench_score(&wanted, 0, o, 1, &geometry, err), OQZ_E_MISMATCH, "17 rows");
	task_bench_close(&b);
	task_bench_close(&wanted);
}
END_TEST

OQZ_TEST_MAIN("pose moves", movement_is_measured_against_the_float_model,
              movenet_takes_the_peak_near_the_regressed_place)
