/* SPDX-License-Identifier: Apache-2.0
 *
 * core/exec/dnnl/dnnl_reduce.c and core/exec/impl_softmax.c against the reference kernels.
 */
#include "tests/unit/dnnl_step.h"

START_TEST(reductions_match_the_reference_in_both_layouts)
{
	static const char *const ops[] = { "ReduceMean", "ReduceSum", "ReduceMax",      "ReduceMin",
		                           "ReduceL1",   "ReduceL2",  "ReduceSumSquare" };
	static const struct {
		int n;
		int64_t axes[4];
	} axes[] = { { 2, { 2, 3 } },    { 1, { -1 } }, { 1, { 1 } },   { 1, { 0 } },
		     { 3, { 1, 2, 3 } }, { 0, { 0 } },  { 2, { 0, 1 } } };
	struct oqz_rng r;
	struct step s;
	int accepted = 0;

	oqz_rng_init(&r, 51);
	for (size_t i = 0; i < OQZ_COUNTOF(ops) * OQZ_COUNTOF(axes) * 4; i++) {
		size_t op = i % OQZ_COUNTOF(ops), ax = i / OQZ_COUNTOF(ops) % OQZ_COUNTOF(axes);
		int variant = (int)(i / OQZ_COUNTOF(ops) / OQZ_COUNTOF(axes));
		struct oqz_tensor list = { 0 };
		step_init(&s, ops[op]);
		step_int(&s, "keepdims", variant & 1);
		fill_f32(&r, step_input(&s, step_tensor(OQZ_DT_F32, DIMS(2, 300, 5, 7)), false));
		ck_ok(oqz_tensor_from_ints(&list, axes[ax].axes, (size_t)axes[ax].n, err));
		step_input(&s, list, true);
		s.d.in_layout[0] = variant & 2 ? OQZ_LAYOUT_CHANNELS_LAST : OQZ_LAYOUT_PLAIN;
		ck_ok(step_resolve(&s, err));
		struct oqz_tensor ref = { 0 };
		const struct oqz_tensor *in[] = { &s.in[0], &s.in[1] };
		ck_ok(oqz_op_run(&s.node, in, &ref, err));
		step_output(&s, ref.shape);
		oqz_tensor_release(&ref);
		if (step_run(&s, &oqz_impl_dnnl_reduce, NULL) == OQZ_OK) {
			step_expect_reference(&s, &oqz_impl_dnnl_reduce, 1e-7, ops[op]);
			accepted++;
		}
		step_release(&s);
	}
	ck_assert_int_eq(accepted, (int)(OQZ_COUNTOF(ops) * OQZ_COUNTOF(axes) * 4));
}
END_TEST

START_TEST(softmax_matches_the_reference)
{
	static const struct {
		int rank;
		int64_t dim[5], axis;
	} rows[] = { { 2, { 3, 1000 }, -1 },    { 2, { 1, 17 }, 1 },
		     { 4, { 2, 3, 9, 9 }, 3 },  { 4, { 1, 21, 13, 11 }, 1 },
		     { 3, { 2, 5, 8 }, -1 },    { 5, { 1, 7, 2, 3, 4 }, 1 },
		     { 1, { 33 }, 0 },          { 4, { 1, 10, 1, 1 }, 1 },
		     { 4, { 2, 3, 9, 90 }, 2 }, { 4, { 2, 5, 9, 90 }, 0 },
		     { 2, { 2, 9000 }, 1 },     { 3, { 2, 300, 3 }, 1 },
		     { 2, { 130, 16 }, 1 },     { 2, { 64, 1 }, 1 },
		     { 3, { 3, 67, 32 }, 2 },   { 2, { 65, 33 }, 1 } };
	struct oqz_rng r;
	struct step s;

	oqz_rng_init(&r, 52);
	for (size_t i = 0; i < OQZ_COUNTOF(rows) * 2; i++) {
		const char *op = i % 2 ? "LogSoftmax" : "Softmax";
		step_init(&s, op);
		step_int(&s, "axis", rows[i / 2].axis);
		struct oqz_tensor *x =
		    step_input(&s, step_tensor(OQZ_DT_F32, oqz_shape_of(rows[i / 2].rank, rows[i / 2].dim)), false);
		fill_f32(&r, x);
		for (int64_t k = 0; k < oqz_tensor_nelem(x); k++)
			((float *)x->data)[k] *= 20; /* as logits are: far from uniform */
		step_expect_reference(&s, &oqz_impl_softmax, 1e-6, op);
		step_release(&s);
	}
}
END_TEST

OQZ_TEST_MAIN("dnnl_reduce", reductions_match_the_reference_in_both_layouts, softmax_matches_the_reference)
