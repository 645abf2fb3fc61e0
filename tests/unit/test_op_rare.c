/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that the ONNX project's test data of Debian 12 (onnx 1.12) has no cases for: small ones worked out by hand
 * from the operators' definitions.
 */
#include "tests/support/op_text.h"

START_TEST(worked_out_by_hand)
{
	static const struct op_row rows[] = {
		{ "BitwiseAnd", "", "int32[3]: 12 10 -1; int32[3]: 10 6 7", "int32[3]: 8 2 7" },
		{ "BitwiseAnd", "", "uint8[2,1]: 255 15; uint8[2]: 240 17", "uint8[2,2]: 240 17 0 1" },
		{ "BitwiseOr", "", "int32[3]: 12 10 -1; int32[3]: 10 6 7", "int32[3]: 14 14 -1" },
		{ "LpPool", "kernel_shape=[2,2]", "float32[1,1,2,3]: 3 0 6 4 0 8", "float32[1,1,1,2]: 5 10", 1e-6 },
		{ "LpPool", "kernel_shape=[2,2] p=1", "float32[1,1,2,3]: 3 0 -6 -4 0 8", "float32[1,1,1,2]: 7 14",
		  1e-6 },
		{ "LpPool", "kernel_shape=[2] pads=[1,1] strides=[2]", "float32[1,1,2]: -3 4", "float32[1,1,2]: 3 4",
		  1e-6 },
		{ "GlobalLpPool", "", "float32[1,2,1,2]: 3 4 -6 8", "float32[1,2,1,1]: 5 10", 1e-6 },
		{ "GlobalLpPool", "p=1", "float32[1,2,1,2]: 3 4 -6 8", "float32[1,2,1,1]: 7 14", 1e-6 },
		{ "LpNormalization", "", "float32[2,2]: 3 4 -6 8", "float32[2,2]: 0.6 0.8 -0.6 0.8", 1e-6 },
		{ "LpNormalization", "axis=0 p=1", "float32[2,2]: 1 2 -3 2", "float32[2,2]: 0.25 0.5 -0.75 0.5", 1e-6 },
		{ "GroupNormalization", "num_groups=2 epsilon=0.0",
		  "float32[1,4,1]: 1 3 5 7; float32[4]: 1 2 3 4; float32[4]: 0 0 10 0", "float32[1,4,1]: -1 2 7 4",
		  1e-6 },
		{ "GroupNormalization", "num_groups=2 epsilon=0.0",
		  "float32[1,2,2]: 1 3 5 7; float32[2]: 2 3; float32[2]: 10 20", "float32[1,2,2]: 8 12 17 23", 1e-6 },
		/* up to operator set 20, scale and bias are one per group */
		{ "GroupNormalization", "num_groups=2 epsilon=0.0",
		  "float32[1,4,1]: 1 3 5 7; float32[2]: 2 3; float32[2]: 10 20", "float32[1,4,1]: 8 12 17 23", 1e-6,
		  18 },
		{ "RMSNormalization", "epsilon=0.0", "float32[2,2]: 1 7 -5 5; float32[2]: 1 10",
		  "float32[2,2]: 0.2 14 -1 10", 1e-6, 23 },
		{ "RMSNormalization", "epsilon=0.0 axis=0", "float32[2,2]: 1 7 1 7; float32[2,2]: 1 1 1 -1",
		  "float32[2,2]: 0.2 1.4 0.2 -1.4", 1e-6, 23 },
		{ "MaxRoiPool", "pooled_shape=[1,1]",
		  "float32[1,1,4,4]: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; float32[2,5]: 0 0 0 1 1 0 2 2 3 3",
		  "float32[2,1,1,1]: 5 15" },
		{ "MaxRoiPool", "pooled_shape=[2,2] spatial_scale=0.5",
		  "float32[1,1,4,4]: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; float32[1,5]: 0 0 0 6 6",
		  "float32[1,1,2,2]: 5 7 13 15" },
		/* without offsets a convolution */
		{ "DeformConv", "", "float32[1,1,3,3]: 1 2 3 4 5 6 7 8 9; float32[1,1,2,2]: 1; float32[1,8,2,2]: 0",
		  "float32[1,1,2,2]: 12 16 24 28", 1e-6 },
		/* every tap half a sample down and to the right: means of four, with zeros outside */
		{ "DeformConv", "", "float32[1,1,3,3]: 1 2 3 4 5 6 7 8 9; float32[1,1,2,2]: 1; float32[1,8,2,2]: 0.5",
		  "float32[1,1,2,2]: 20 17 21 17.25", 1e-6 },
		{ "DeformConv", "",
		  "float32[1,1,3,3]: 1 2 3 4 5 6 7 8 9; float32[1,1,2,2]: 1; float32[1,8,2,2]: 0.5; float32[1]: 1;"
		  "float32[1,4,2,2]: 0.5",
		  "float32[1,1,2,2]: 11 9.5 11.5 9.625", 1e-6 },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
}
END_TEST

/* Draws are each engine's own: what can be said is their range, their mean, and that a seed fixes them. */
START_TEST(draws_keep_their_range_and_seed)
{
	const int64_t n = 20000;
	struct oqz_tensor a = { 0 }, b = { 0 }, u = { 0 }, like = op_tensor("float32[20000]: 0");
	double sum = 0;

	op_run_text("RandomUniform", "seed=5.0 low=2.0 high=4.0 shape=[20000]", NULL, 0, &a, 1);
	op_run_text("RandomUniform", "seed=5.0 low=2.0 high=4.0 shape=[20000]", NULL, 0, &b, 1);
	for (int64_t i = 0; i < n; i++) {
		double x = oqz_load_f(a.dtype, a.data, (size_t)i);
		ck_assert(x >= 2 && x < 4 && x == oqz_load_f(b.dtype, b.data, (size_t)i));
		sum += x / (double)n;
	}
	ck_assert_double_eq_tol(sum, 3, 0.03);
	op_run_text("RandomNormalLike", "seed=5.0 mean=-1.0 scale=0.5", (const struct oqz_tensor *[]) { &like }, 1, &u,
	            1);
	ck_assert(u.dtype == OQZ_DT_F32 && oqz_shape_equal(&u.shape, &like.shape));
	double mean = 0, square = 0;
	for (int64_t i = 0; i < n; i++) {
		double x = oqz_load_f(u.dtype, u.data, (size_t)i);
		mean += x / (double)n;
		square += (x + 1) * (x + 1) / (double)n;
	}
	ck_assert_double_eq_tol(mean, -1, 0.02);
	ck_assert_double_eq_tol(square, 0.25, 0.02);
	oqz_tensor_release(&a);
	oqz_tensor_release(&b);
	oqz_tensor_release(&u);
	oqz_tensor_release(&like);
}
END_TEST

OQZ_TEST_MAIN("op_rare", worked_out_by_hand, draws_keep_their_range_and_seed)
