/* SPDX-License-Identifier: Apache-2.0
 *
 * Signal processing, losses, Col2Im, random numbers: values by hand, and that random numbers repeat and have the
 * moments they should.
 */
#include "tests/support/op_text.h"
#include <math.h>

START_TEST(signals_by_hand)
{
	static const struct op_row rows[] = {
		{ "HannWindow", "", "int64[]: 4", "float32[4]: 0 0.5 1 0.5", 1e-7 },
		{ "HannWindow", "periodic=0", "int32[]: 3", "float32[3]: 0 1 0", 1e-7 },
		{ "HammingWindow", "output_datatype=11", "int64[]: 2", "float64[2]: 0.08695652173913043 1", 1e-12 },
		{ "BlackmanWindow", "", "int64[]: 2", "float32[2]: 0 1", 1e-7 },
		{ "DFT", "", "float32[1,4,1]: 1 2 3 4", "float32[1,4,2]: 10 0 -2 2 -2 0 -2 -2", 1e-6 },
		{ "DFT", "onesided=1", "float32[1,4,1]: 1 2 3 4", "float32[1,3,2]: 10 0 -2 2 -2 0", 1e-6 },
		{ "DFT", "inverse=1 axis=1", "float32[1,2,2]: 3 0 1 0", "float32[1,2,2]: 2 0 1 0", 1e-6, 17 },
		{ "DFT", "", "float32[1,2,1]: 1 1; int64[]: 4", "float32[1,4,2]: 2 0 1 -1 0 0 1 1", 1e-6 },
		{ "STFT", "", "float32[1,4,1]: 1 2 3 4; int64[]: 2; float32[2]: 1 1",
		  "float32[1,2,2,2]: 3 0 -1 0 7 0 -1 0", 1e-6 },
		{ "Det", "", "float32[2,2,2]: 1 2 3 4 0 1 1 0", "float32[2]: -2 -1", 1e-6 },
		{ "Det", "", "float32[2,2]: 1 2 2 4", "float32[]: 0" },
		{ "Col2Im", "", "float32[1,2,2]: 1 2 3 4; int64[1]: 3; int64[1]: 2", "float32[1,1,3]: 1 5 4" },
		{ "Col2Im", "strides=[2,2]", "float32[1,4,1]: 1 2 3 4; int64[2]: 2 2; int64[2]: 2 2",
		  "float32[1,1,2,2]: 1 2 3 4" },
		{ "Col2Im", "pads=[1,0,0,1] strides=[2,1] dilations=[1,2]",
		  "float32[1,4,6]: -3 4 0 7 3 -1 6 2 -2 5 1 -3 4 0 7 3 -1 6 2 -2 5 1 -3 4; int64[2]: 3 4; int64[2]: 2 "
		  "2",
		  "float32[1,1,3,4]: 4 0 9 -2 7 3 4 1 3 -1 7 -3" },
		{ "Col2Im", "pads=[0,1,0,1,0,1] strides=[1,1,2]",
		  "float64[1,4,12]: -3 4 0 7 3 -1 6 2 -2 5 1 -3 4 0 7 3 -1 6 2 -2 5 1 -3 4 0 7 3 -1 6 2 -2 5 1 -3 4 0 "
		  "7 3 "
		  "-1 6 2 -2 5 1 -3 4 0 7; int64[3]: 2 2 3; int64[3]: 1 2 2",
		  "float64[1,1,2,2,3]: 0 14 14 3 -1 -1 12 4 4 -2 5 5" },
		{ "NegativeLogLikelihoodLoss", "", "float32[2,2]: -1 -2 -3 -4; int64[2]: 1 0", "float32[]: 2.5" },
		{ "NegativeLogLikelihoodLoss", "reduction=none ignore_index=5",
		  "float32[2,2]: -1 -2 -3 -4; int64[2]: 1 5", "float32[2]: 2 0" },
		{ "NegativeLogLikelihoodLoss", "", "float32[2,2]: -1 -2 -3 -4; int64[2]: 1 0; float32[2]: 3 1",
		  "float32[]: 2.75" },
		{ "SoftmaxCrossEntropyLoss", "reduction=sum", "float32[1,2]: 0 0; int64[1]: 0",
		  "float32[]: 0.69314718; float32[1,2]: -0.69314718", 1e-7 },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "NegativeLogLikelihoodLoss", "", "float32[1,2]: 0; int64[1]: 2" }, OQZ_E_DATA,
	           "target 2");
	op_refuses(&(struct op_row) { "Col2Im", "", "float32[1,2,1]: 0; int64[1]: 1; int64[1]: 2" }, OQZ_E_DATA, "fit");
	op_refuses(&(struct op_row) { "STFT", "", "float32[1,4,1]: 0; int64[]: 0; float32[2]: 1" }, OQZ_E_DATA,
	           "frames");
}
END_TEST

/* The triangles of neighbouring mel bins overlap so that each rises while the one before it falls. */
START_TEST(mel_triangles_rise_and_fall)
{
	struct oqz_tensor in[] = { op_tensor("int64[]: 8"), op_tensor("int64[]: 16"), op_tensor("int64[]: 8192"),
		                   op_tensor("float32[]: 0"), op_tensor("float32[]: 4096") };
	struct oqz_tensor out = { 0 };

	op_run_text("MelWeightMatrix", "", (const struct oqz_tensor *[]) { &in[0], &in[1], &in[2], &in[3], &in[4] }, 5,
	            &out, 1);
	ck_assert_int_eq(out.shape.dim[0], 9);
	ck_assert_int_eq(out.shape.dim[1], 8);
	for (int m = 0; m < 8; m++) {
		float top = 0;

		for (int f = 0; f < 9; f++)
			top = fmaxf(top, ((float *)out.data)[f * 8 + m]);
		ck_assert(top == 1);
	}
	oqz_tensor_release(&out);
	for (int i = 0; i < 5; i++)
		oqz_tensor_release(&in[i]);
}
END_TEST

START_TEST(random_numbers_repeat_and_have_their_moments)
{
	struct oqz_tensor a = { 0 }, b = { 0 }, p = { 0 }, u = { 0 };
	struct oqz_shape s = oqz_shape_of(1, (const int64_t[]) { 40000 });
	double sum = 0, square = 0, ones = 0;

	op_run_text("RandomNormal", "seed=3.0 mean=2.0 scale=0.5 shape=[40000]", NULL, 0, &a, 1);
	op_run_text("RandomNormal", "seed=3.0 mean=2.0 scale=0.5 shape=[40000]", NULL, 0, &b, 1);
	ck_assert(max_abs_diff(a.data, b.data, 40000, NULL) == 0);
	for (int i = 0; i < 40000; i++) {
		double x = (double)((float *)a.data)[i];

		sum += x / 40000;
		square += x * x / 40000;
	}
	ck_assert_double_eq_tol(sum, 2, 0.02);
	ck_assert_double_eq_tol(sqrt(square - sum * sum), 0.5, 0.02);
	ck_ok(oqz_tensor_alloc(&p, OQZ_DT_F32, &s, err));
	for (int i = 0; i < 40000; i++)
		((float *)p.data)[i] = 0.25f;
	op_run_text("Bernoulli", "seed=1.0", (const struct oqz_tensor *[]) { &p }, 1, &u, 1);
	for (int i = 0; i < 40000; i++)
		ones += (double)((float *)u.data)[i] / 40000;
	ck_assert_double_eq_tol(ones, 0.25, 0.01);
	oqz_tensor_release(&u);
	op_run_text("RandomUniformLike", "low=-1.0 high=3.0 dtype=11", (const struct oqz_tensor *[]) { &p }, 1, &u, 1);
	ck_assert_int_eq(u.dtype, OQZ_DT_F64);
	for (int i = 0; i < 40000; i++)
		ck_assert(((double *)u.data)[i] >= -1 && ((double *)u.data)[i] < 3);
	oqz_tensor_release(&a);
	oqz_tensor_release(&b);
	oqz_tensor_release(&p);
	oqz_tensor_release(&u);
}
END_TEST

OQZ_TEST_MAIN("op_signal", signals_by_hand, mel_triangles_rise_and_fall, random_numbers_repeat_and_have_their_moments)
