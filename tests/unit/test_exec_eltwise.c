/* SPDX-License-Identifier: Apache-2.0
 *
 * The float32 functions against double precision (in units of the last place), and the elementwise rows against the
 * reference kernels on numbers that include the awkward ones, for every shape of broadcasting.
 */
#include "core/exec/vmath.h"
#include "tests/unit/exec_graph.h"

static double ulp_of(double y)
{
	float f = fabsf((float)y);

	return f < 0x1p-126f ? 0x1p-149 : (double)nextafterf(f, INFINITY) - (double)f;
}

/* Worst error over [lo, hi] in steps that are not round numbers. */
static double worst(float (*f)(float), double (*g)(double), double lo, double hi)
{
	double w = 0, step = (hi - lo) / 400003;

	for (double x = lo; x <= hi; x += step) {
		float v = (float)x;
		double y = g((double)v), e = fabs((double)f(v) - y) / ulp_of(y);
		if (!(e <= w))
			w = e;
	}
	return w;
}

static float f_exp(float x) { return vm_exp(x); }
static float f_expm1(float x) { return vm_expm1(x); }
static float f_tanh(float x) { return vm_tanh(x); }
static float f_erf(float x) { return vm_erf(x); }
static float f_log1p(float x) { return vm_log1p01(x); }
static float f_log(float x) { return vm_log(x); }
static float f_sin(float x) { return vm_sin_turned(x, 0); }
static float f_cos(float x) { return vm_sin_turned(x, 1); }
static float f_exp_upto0(float x) { return vm_exp_upto0(x); }
static float f_sigmoid(float x) { return vm_sigmoid(x); }
static double g_sigmoid(double x) { return 1 / (1 + exp(-x)); }

START_TEST(functions_are_accurate)
{
	ck_assert_double_lt(worst(f_exp, exp, -87, 88.7), 1.2);
	ck_assert_double_lt(worst(f_exp, exp, -103, -87), 2);
	ck_assert_double_lt(worst(f_exp_upto0, exp, -86, 0), 1.2);
	ck_assert_double_lt(worst(f_expm1, expm1, -20, 88), 2.5);
	ck_assert_double_lt(worst(f_expm1, expm1, -1e-3, 1e-3), 2);
	ck_assert_double_lt(worst(f_tanh, tanh, -12, 12), 2.5);
	ck_assert_double_lt(worst(f_erf, erf, -6, 6), 2.5);
	ck_assert_double_lt(worst(f_log1p, log1p, 0, 1), 2);
	for (double lo = 0x1p-149; lo < 1e38; lo *= 16) /* every magnitude */
		ck_assert_double_lt(worst(f_log, log, lo, 16 * lo), 1.5);
	ck_assert_double_lt(worst(f_log, log, 0.4, 2.5), 1.5);
	ck_assert_double_lt(worst(f_log, log, 0.999, 1.001), 1.5);
	for (double hi = 1e-3; hi < (double)VM_TURNS_MAX; hi *= 8) {
		ck_assert_double_lt(worst(f_sin, sin, -hi, hi), 0.7);
		ck_assert_double_lt(worst(f_cos, cos, -hi, hi), 0.7);
	}
	ck_assert_double_lt(worst(f_sigmoid, g_sigmoid, -80, 80), 3);
}
END_TEST

START_TEST(gelu_is_accurate)
{
	for (double x = -30; x < 30; x += 1.0 / 512) {
		double want = 0.5 * x * erfc(-x / sqrt(2)), off = fabs((double)vm_gelu((float)x) - want);
		ck_assert_msg(off <= 1.3e-7 * fmax(1, fabs(x)) && (x < -2 || off <= 1e-6 * fabs(want)),
		              "gelu(%g) is off by %g", x, off);
	}
	ck_assert(isnan(vm_gelu(NAN)) && isnan(vm_gelu(-INFINITY)) && vm_gelu(INFINITY) == INFINITY);
	ck_assert(vm_gelu(0) == 0);
}
END_TEST

START_TEST(functions_keep_special_values)
{
	ck_assert(isnan(vm_exp(NAN)) && isnan(vm_tanh(NAN)) && isnan(vm_erf(NAN)) && isnan(vm_expm1(NAN)));
	ck_assert(vm_exp(INFINITY) == INFINITY && vm_exp(-INFINITY) == 0 && vm_exp(0) == 1);
	ck_assert(vm_exp(89) == INFINITY && vm_exp(-104) == 0);
	ck_assert(vm_expm1(-INFINITY) == -1 && vm_expm1(0) == 0 && vm_expm1(INFINITY) == INFINITY);
	ck_assert(vm_tanh(INFINITY) == 1 && vm_tanh(-INFINITY) == -1 && vm_erf(INFINITY) == 1 &&
	          vm_erf(-INFINITY) == -1);
	ck_assert(vm_log(0) == -INFINITY && vm_log(-0.0f) == -INFINITY && vm_log(INFINITY) == INFINITY);
	ck_assert(isnan(vm_log(-1)) && isnan(vm_log(NAN)) && isnan(vm_log(-INFINITY)) && vm_log(1) == 0);
	ck_assert(signbit(vm_sin_turned(-0.0f, 0)) && vm_sin_turned(0, 0) == 0 && vm_sin_turned(0, 1) == 1);
	ck_assert(vm_sigmoid(INFINITY) == 1 && vm_sigmoid(-INFINITY) == 0 && vm_sigmoid(-200) == 0);
	ck_assert(isnan(vm_exp_upto0(NAN)) && isnan(vm_exp_upto0(-NAN)) && isnan(vm_exp_beside1(NAN)));
	ck_assert(vm_exp_upto0(-INFINITY) == 0 && vm_exp_upto0(-86.5f) == 0 && vm_exp_upto0(0) == 1);
}
END_TEST

static void check_graph(struct gb *b, double scale, double tolerance)
{
	struct oqz_tensor in[3];
	struct oracle o;

	gb_finish(b);
	for (size_t i = 0; i < b->g->inputs.n; i++) {
		in[i] = (struct oqz_tensor) { 0 };
		ck_ok(oqz_tensor_alloc(&in[i], OQZ_DT_F32, &b->g->inputs.v[i]->type.shape, err));
		gb_random(b, &in[i], scale);
	}
	oracle_run(&o, b->g, in);
	struct oqz_program *p = program_of(b->g, OQZ_ENGINE_AUTO, NULL, 0);
	struct oqz_step_info s;
	for (size_t i = 0; i < oqz_program_nsteps(p); i++) {
		oqz_program_step(p, i, &s);
		ck_assert_msg(strcmp(s.impl, "reference") != 0, "%s runs on the reference kernel", s.op);
	}
	check_program(b->g, p, in, &o, tolerance);
	oqz_program_free(p);
	oracle_free(&o);
	release_inputs(b, in);
	oqz_graph_free(b->g);
}

START_TEST(unary_rows_equal_reference)
{
	static const char *const ops[] = { "Abs",     "Neg",         "Relu",      "LeakyRelu", "ThresholdedRelu",
		                           "Sigmoid", "HardSigmoid", "HardSwish", "Tanh",      "Erf",
		                           "Elu",     "Selu",        "Celu",      "Softplus",  "Softsign",
		                           "Mish",    "Floor",       "Ceil",      "Round",     "Reciprocal" };

	for (size_t i = 0; i < OQZ_COUNTOF(ops); i++)
		for (int scale = 1; scale <= 10; scale += 9) {
			struct gb b;
			gb_init(&b, i);
			GB_OP(&b, ops[i], gb_input(&b, "x", GB_DIMS(3, 7, 11)));
			check_graph(&b, scale, 1e-6);
		}
}
END_TEST

START_TEST(powers_and_roots_equal_reference)
{
	static const float e[] = { 2, 3, 0.5f, 1, -1 };

	for (size_t i = 0; i < OQZ_COUNTOF(e); i++) {
		struct gb b;
		gb_init(&b, i);
		struct oqz_value *x = GB_OP(&b, "Abs", gb_input(&b, "x", GB_DIMS(5, 9)));
		GB_OP(&b, "Pow", x, gb_scalar(&b, OQZ_DT_F32, (double)e[i]));
		GB_OP(&b, "Sqrt", x);
		check_graph(&b, 3, 1e-6);
	}
}
END_TEST

START_TEST(binary_rows_broadcast)
{
	static const char *const ops[] = { "Add", "Sub", "Mul", "Div", "Max", "Min" };
	static const int64_t shapes[][4] = { { 2, 5, 4, 3 }, { 1, 5, 1, 1 }, { 2, 1, 4, 3 }, { 1, 1, 1, 3 },
		                             { 1, 1, 4, 1 }, { 1, 1, 1, 1 }, { 2, 5, 1, 3 } };

	for (size_t k = 0; k < OQZ_COUNTOF(ops); k++)
		for (size_t i = 0; i < OQZ_COUNTOF(shapes); i++)
			for (size_t j = 0; j < OQZ_COUNTOF(shapes); j++)
				for (int constant = 0; constant < 2; constant++) {
					struct gb b;
					gb_init(&b, i * 10 + j);
					struct oqz_value *x = gb_input(&b, "x", oqz_shape_of(4, shapes[i]));
					struct oqz_value *y =
					    constant ? gb_weights(&b, OQZ_DT_F32, oqz_shape_of(4, shapes[j]), 1)
					             : gb_input(&b, "y", oqz_shape_of(4, shapes[j]));
					struct oqz_value *z =
					    (i + j) % 2 ? GB_OP(&b, ops[k], x, y) : GB_OP(&b, ops[k], y, x);
					GB_OP(&b, "Relu", z); /* fused or in place */
					check_graph(&b, 1, 1e-6);
				}
}
END_TEST

START_TEST(many_operands_fold)
{
	static const char *const ops[] = { "Max", "Min", "Sum", "Mean" };

	for (size_t k = 0; k < OQZ_COUNTOF(ops); k++) {
		struct gb b;
		gb_init(&b, k);
		struct oqz_value *x = gb_input(&b, "x", GB_DIMS(1, 5, 4, 3)),
		                 *y = gb_input(&b, "y", GB_DIMS(1, 5, 4, 3));
		GB_OP(&b, ops[k], x, y, gb_weights(&b, OQZ_DT_F32, GB_DIMS(5, 1, 1), 1), x);
		check_graph(&b, 1, 1e-6);
	}
}
END_TEST

/* A slope of more dimensions than x does not broadcast to it: it is refused before anything is planned. Strides of such
 * an operand were once written in front of their array. */
START_TEST(operands_of_higher_rank)
{
	static const int64_t slope[] = { 1, 1, 1, 1, 1, 4 };

	for (int rank = 2; rank <= 6; rank++) {
		struct gb b;
		struct oqz_err e = { 0 };

		gb_init(&b, (uint64_t)rank);
		gb_output(&b, GB_OP(&b, "PRelu", gb_input(&b, "x", GB_DIMS(4)),
		                    gb_weights(&b, OQZ_DT_F32, oqz_shape_of(rank, slope + 6 - rank), 1)));
		ck_ok(oqz_graph_finish(b.g, err));
		ck_ok(oqz_ops_resolve(b.g, err));
		enum oqz_status st = oqz_infer_types(b.g, &e);
		ck_assert_int_eq(st, OQZ_E_DATA);
		ck_assert_msg(strstr(e.msg, "does not broadcast") != NULL, "message \"%s\"", e.msg);
		oqz_graph_free(b.g);
	}
}
END_TEST

OQZ_TEST_MAIN("exec_eltwise", operands_of_higher_rank, functions_are_accurate, gelu_is_accurate,
              functions_keep_special_values, unary_rows_equal_reference, powers_and_roots_equal_reference,
              binary_rows_broadcast, many_operands_fold)
