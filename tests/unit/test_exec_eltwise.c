/* SPDX-License-Identifier: Apache-2.0
 *
 * The float32 functions against double precision (in units of the last place), and the elementwise rows against the
 * reference kernels on numbers that include the awkward ones, for every shape of broadcasting.
 */
#include "core/exec/vmath.h"
#include "core/tensor/float_bits.h"
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

/* As a CPU with fused multiplication computes it, and one without, which must not differ by a bit. */
#define LEVELS(name, value)                                                                         \
	static float f_level_##name(bool fused, float x) { return value; }                          \
	static float f_##name(float x)                                                              \
	{                                                                                           \
		float a = f_level_##name(true, x), b = f_level_##name(false, x);                    \
		if (oqz_float_bits(a) != oqz_float_bits(b) && (a == a || b == b))                   \
			ck_abort_msg("%s(%a) is %a or %a", #name, (double)x, (double)a, (double)b); \
		return a;                                                                           \
	}
LEVELS(exp, vm_exp(fused, x))
LEVELS(expm1, vm_expm1(fused, x))
LEVELS(tanh, vm_tanh(fused, x))
LEVELS(erf, vm_erf(fused, x))
LEVELS(gelu, vm_gelu(fused, x))
LEVELS(log1p, vm_log1p01(fused, x))
LEVELS(log, vm_log(fused, x))
LEVELS(exp_upto0, vm_exp_upto0(fused, x))
LEVELS(sigmoid, vm_sigmoid(fused, x))
LEVELS(swish, vm_times_sigmoid(fused, x, x))
LEVELS(reciprocal12, vm_reciprocal12(fused, x))
static float f_sin(float x) { return vm_sin_turned(x, 0); }
static float f_cos(float x) { return vm_sin_turned(x, 1); }
static double g_sigmoid(double x) { return 1 / (1 + exp(-x)); }

static double g_swish(double x) { return x / (1 + exp(-x)); }
static double g_reciprocal(double x) { return 1 / x; }

START_TEST(functions_are_accurate)
{
	ck_assert_double_lt(worst(f_exp, exp, -87, 88.7), 1);
	ck_assert_double_lt(worst(f_exp, exp, -103, -87), 2);
	ck_assert_double_lt(worst(f_exp_upto0, exp, -87.6, 0), 1);
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
	ck_assert_double_lt(worst(f_sigmoid, g_sigmoid, -87, 80), 2.5);
	ck_assert_double_lt(worst(f_swish, g_swish, -80, 80), 3);
	ck_assert_double_lt(worst(f_reciprocal12, g_reciprocal, 1, 2), 1);
}
END_TEST

/* Any float, or one near the edges of what there is. */
static float some_float(uint64_t *seed)
{
	static const float special[] = { 0,         -0.0f,      INFINITY,         -INFINITY,       NAN,
		                         0x1p-149f, -0x1p-149f, 0x1p-126f,        0x1.fffffep127f, -0x1.fffffep127f,
		                         1,         -1,         0x1.fffffep-127f, 0x1p-24f };
	uint64_t r = *seed = *seed * 6364136223846793005u + 1442695040888963407u;
	uint32_t mantissa = (uint32_t)(r >> 40) & (r >> 8 & 1 ? 0x7fffff : 0x700007);
	uint32_t exponent = (uint32_t)(r >> 30) & 0xff;

	if ((r >> 16 & 15) == 0)
		return special[(r >> 20) % OQZ_COUNTOF(special)];
	exponent = r >> 9 & 1 ? 115 + exponent % 24 : exponent;
	return oqz_bits_float((uint32_t)(r >> 63) << 31 | exponent << 23 | mantissa);
}

START_TEST(sums_of_products_are_rounded_once)
{
	uint64_t seed = 1;

	for (int i = 0; i < 4000000; i++) {
		float a = some_float(&seed), b = some_float(&seed), c = some_float(&seed);
		if (i % 4 == 0) /* what is left of a product, and near halves of a unit */
			c = -a * b;
		else if (i % 4 == 1)
			c = a * b * 0x1p24f;
		else if (i % 4 == 2)
			c = a * b * 0x1p-25f;
		float want = fmaf(a, b, c), have = vm_fma(false, a, b, c);
		if (oqz_float_bits(want) != oqz_float_bits(have) && (want == want || have == have))
			ck_abort_msg("%a * %a + %a is %a, not %a", (double)a, (double)b, (double)c, (double)want,
			             (double)have);
	}
}
END_TEST

START_TEST(powers_are_accurate)
{
	uint64_t seed = 1;
	double w = 0;

	for (int i = 0; i < 1000000; i++) {
		float x = vm_abs(some_float(&seed)), y = some_float(&seed);
		if (!(x > 0) || !(x < INFINITY) || !(vm_abs(y) < INFINITY))
			continue;
		double want = pow((double)x, (double)y), have = (double)vm_pow(x, y);
		if (want > 0x1.fffffefp127)
			ck_assert_msg(have == INFINITY, "%a to the %a", (double)x, (double)y);
		else if (!(fabs(have - want) / ulp_of(want) <= w))
			w = fabs(have - want) / ulp_of(want);
	}
	ck_assert_double_lt(w, 0.51);
}
END_TEST

START_TEST(gelu_is_accurate)
{
	for (double x = -30; x < 30; x += 1.0 / 512) {
		double want = 0.5 * x * erfc(-x / sqrt(2)), off = fabs((double)f_gelu((float)x) - want);
		ck_assert_msg(off <= 1.3e-7 * fmax(1, fabs(x)) && (x < -2 || off <= 1e-6 * fabs(want)),
		              "gelu(%g) is off by %g", x, off);
	}
	ck_assert(isnan(f_gelu(NAN)) && isnan(f_gelu(-INFINITY)) && f_gelu(INFINITY) == INFINITY);
	ck_assert(f_gelu(0) == 0);
}
END_TEST

START_TEST(functions_keep_special_values)
{
	ck_assert(isnan(f_exp(NAN)) && isnan(f_tanh(NAN)) && isnan(f_erf(NAN)) && isnan(f_expm1(NAN)));
	ck_assert(f_exp(INFINITY) == INFINITY && f_exp(-INFINITY) == 0 && f_exp(0) == 1);
	ck_assert(f_exp(89) == INFINITY && f_exp(-104) == 0);
	ck_assert(f_expm1(-INFINITY) == -1 && f_expm1(0) == 0 && f_expm1(INFINITY) == INFINITY);
	ck_assert(f_tanh(INFINITY) == 1 && f_tanh(-INFINITY) == -1 && f_erf(INFINITY) == 1 && f_erf(-INFINITY) == -1);
	ck_assert(f_log(0) == -INFINITY && f_log(-0.0f) == -INFINITY && f_log(INFINITY) == INFINITY);
	ck_assert(isnan(f_log(-1)) && isnan(f_log(NAN)) && isnan(f_log(-INFINITY)) && f_log(1) == 0);
	ck_assert(signbit(vm_sin_turned(-0.0f, 0)) && vm_sin_turned(0, 0) == 0 && vm_sin_turned(0, 1) == 1);
	ck_assert(f_sigmoid(INFINITY) == 1 && f_sigmoid(-INFINITY) == 0 && f_sigmoid(-200) == 0);
	ck_assert(f_swish(INFINITY) == INFINITY && f_swish(200) == 200 && f_swish(-200) == 0);
	ck_assert(isnan(f_exp_upto0(NAN)) && isnan(f_exp_upto0(-NAN)) && isnan(f_swish(NAN)));
	ck_assert(f_exp_upto0(-INFINITY) == 0 && f_exp_upto0(-87.7f) == 0 && f_exp_upto0(0) == 1);
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
	static const float e[] = { 2, 3, 0.5f, 1, -1, 1.7f, -0.4f };

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

/* Of tensors: bases above 0, bases that are also 0 (Relu), and bases below, of which only whole powers are numbers. */
START_TEST(powers_of_tensors)
{
	static const int64_t shapes[][2] = { { 5, 9 }, { 1, 9 }, { 5, 1 }, { 40, 63 } };
	static const char *const bases[] = { "Abs", "Relu", "Neg" };

	for (size_t k = 0; k < OQZ_COUNTOF(bases); k++)
		for (size_t i = 0; i < OQZ_COUNTOF(shapes); i++) {
			struct gb b;
			gb_init(&b, i);
			struct oqz_shape all = i < 3 ? GB_DIMS(5, 9) : GB_DIMS(40, 63);
			struct oqz_value *x = GB_OP(&b, bases[k], gb_input(&b, "x", all));
			struct oqz_value *y = gb_input(&b, "y", oqz_shape_of(2, shapes[i]));
			GB_OP(&b, "Pow", x, GB_OP(&b, k == 2 ? "Floor" : "Abs", y));
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

OQZ_TEST_MAIN("exec_eltwise", operands_of_higher_rank, functions_are_accurate, sums_of_products_are_rounded_once,
              powers_are_accurate, gelu_is_accurate, functions_keep_special_values, unary_rows_equal_reference,
              powers_and_roots_equal_reference, powers_of_tensors, binary_rows_broadcast, many_operands_fold)
