/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels that go over many elements at once, against the one-element rule that they stand for: Cast to integers
 * (oqz_store_f), TopK (a full sort), ArgMax and CumSum along any axis (one lane after the other), GatherElements and
 * ScatterElements (index by index), Hardmax, Trilu.
 */
#include "tests/unit/exec_graph.h"

#include <float.h>

/* Runs the only node of b's graph on x; the outputs belong to o. */
static void run(struct gb *b, struct oracle *o, const struct oqz_tensor *x)
{
	gb_finish(b);
	oracle_run(o, b->g, x);
}

static struct oqz_tensor tensor(struct oqz_shape s)
{
	struct oqz_tensor t = { 0 };

	ck_ok(oqz_tensor_alloc(&t, OQZ_DT_F32, &s, err));
	return t;
}

START_TEST(casts_are_those_of_single_elements)
{
	static const enum oqz_dtype to[] = { OQZ_DT_I8,  OQZ_DT_U8,  OQZ_DT_I16, OQZ_DT_U16,
		                             OQZ_DT_I32, OQZ_DT_U32, OQZ_DT_I64, OQZ_DT_BOOL };
	static const float special[] = { 0.0f,           -0.0f,    0.5f,          -0.5f,    0.99f,    -0.99f,
		                         127.5f,         128,      -128.9f,       -129,     255.99f,  256,
		                         32767.9f,       32768,    -32769,        65535.5f, 65536,    0x1p31f,
		                         -0x1p31f,       0x1p32f,  0x1p32f - 256, 0x1p63f,  -0x1p63f, 0x1p64f,
		                         FLT_MAX,        -FLT_MAX, FLT_MIN,       NAN,      INFINITY, -INFINITY,
		                         -2147483904.0f, 1e-45f };
	enum { N = 103 };

	for (size_t k = 0; k < OQZ_COUNTOF(to); k++) {
		struct gb b;
		struct oracle o;
		struct oqz_tensor x = tensor(GB_DIMS(N));
		unsigned char want[8 * N] = { 0 };
		gb_init(&b, 40 + k);
		for (size_t i = 0; i < N; i++) {
			double y = ldexp(oqz_rng_normal(&b.rng), (int)oqz_rng_below(&b.rng, 66));
			((float *)x.data)[i] = i < OQZ_COUNTOF(special) ? special[i] : (float)y;
			oqz_store_f(to[k], want, i, ((float *)x.data)[i]);
		}
		struct oqz_value *y = GB_OP(&b, "Cast", gb_input(&b, "x", GB_DIMS(N)));
		ck_ok(oqz_node_set_int(b.last, "to", (int64_t)to[k], err));
		run(&b, &o, &x);
		const struct oqz_tensor *got = oracle_at(&o, y->name);
		ck_assert_int_eq(got->dtype, to[k]);
		ck_assert_msg(memcmp(got->data, want, N * oqz_dtype_size(to[k])) == 0, "to %s", oqz_dtype_name(to[k]));
		oracle_free(&o);
		oqz_tensor_release(&x);
		oqz_graph_free(b.g);
	}
}
END_TEST

/* Few values, so that there are ties: of equal ones the first comes first. NaN is above all numbers. */
static bool above(float a, float b) { return a > b || (isnan(a) && !isnan(b)); }

static void fill_with_ties(struct oqz_rng *r, struct oqz_tensor *x, int values)
{
	for (int64_t i = 0; i < oqz_tensor_nelem(x); i++)
		((float *)x->data)[i] = (float)oqz_rng_below(r, (uint64_t)values) - (float)values / 2;
}

START_TEST(the_first_k_are_those_of_a_sort)
{
	enum { MOST = 700 };
	for (int round = 0; round < 240; round++) {
		struct gb b;
		struct oracle o;
		gb_init(&b, 100 + (uint64_t)round);
		int64_t inner = round & 8 ? 1 : 3; /* rows of memory, or not */
		int64_t n = 1 + (int64_t)oqz_rng_below(&b.rng, round & 16 ? MOST : 80),
		        k = (int64_t)oqz_rng_below(&b.rng, (uint64_t)n + 1);
		bool largest = round & 1;
		k = round & 4 ? k : k % 4; /* few of many are found another way */
		struct oqz_tensor x = tensor(GB_DIMS(2, n, inner));
		fill_with_ties(&b.rng, &x, round % 3 ? 4 : 1000);
		for (int nans = round % 5 == 0 ? 4 : 0; nans > 0; nans--)
			((float *)x.data)[oqz_rng_below(&b.rng, (uint64_t)(2 * n * inner))] = NAN;
		struct oqz_value *in[] = { gb_input(&b, "x", x.shape), GB_LIST(&b, k) };
		gb_op_n(&b, "TopK", in, 2, 2);
		struct oqz_node *node = b.last;
		ck_ok(oqz_node_set_int(node, "axis", 1, err));
		ck_ok(oqz_node_set_int(node, "largest", largest, err));
		run(&b, &o, &x);
		const float *v = oracle_at(&o, node->out[0]->name)->data;
		const int64_t *at = oracle_at(&o, node->out[1]->name)->data;
		for (int64_t lane = 0; lane < 2 * inner; lane++) {
			const float *from = (const float *)x.data + lane / inner * n * inner + lane % inner;
			bool taken[MOST] = { false };
			for (int64_t j = 0; j < k; j++) {
				int64_t best = -1, i = (lane / inner * k + j) * inner + lane % inner;
				for (int64_t c = 0; c < n; c++)
					if (!taken[c] &&
					    (best < 0 || (largest ? above(from[c * inner], from[best * inner])
					                          : above(from[best * inner], from[c * inner]))))
						best = c;
				taken[best] = true;
				ck_assert_msg(at[i] == best && !above(v[i], from[best * inner]) &&
				                  !above(from[best * inner], v[i]),
				              "round %d, n %d, k %d: place %d has element %d, not %d", round, (int)n,
				              (int)k, (int)j, (int)at[i], (int)best);
			}
		}
		oracle_free(&o);
		oqz_tensor_release(&x);
		oqz_graph_free(b.g);
	}
}
END_TEST

/* y along each lane of axis 1 of (2, n, inner): its first largest (or last smallest) element. */
static int64_t arg_of(const float *x, int64_t n, int64_t inner, bool max, bool last)
{
	int64_t best = 0;

	for (int64_t i = 1; i < n; i++) {
		float a = x[i * inner], b = x[best * inner];
		if ((max ? a > b : a < b) || (last && a == b))
			best = i;
	}
	return best;
}

START_TEST(extremes_are_found_lane_by_lane)
{
	for (int round = 0; round < 32; round++) {
		struct gb b;
		struct oracle o;
		bool max = round & 1, last = round & 2;
		gb_init(&b, 300 + (uint64_t)round);
		int64_t n = 1 + (int64_t)oqz_rng_below(&b.rng, 20), inner = round & 4 ? 1 : 37;
		struct oqz_tensor x = tensor(GB_DIMS(2, n, inner));
		fill_with_ties(&b.rng, &x, 5);
		struct oqz_value *y = GB_OP(&b, max ? "ArgMax" : "ArgMin", gb_input(&b, "x", x.shape));
		ck_ok(oqz_node_set_int(b.last, "axis", 1, err));
		ck_ok(oqz_node_set_int(b.last, "select_last_index", last, err));
		run(&b, &o, &x);
		const int64_t *got = oracle_at(&o, y->name)->data;
		for (int64_t i = 0; i < 2 * inner; i++)
			ck_assert_int_eq(got[i], arg_of((const float *)x.data + i / inner * n * inner + i % inner, n,
			                                inner, max, last));
		oracle_free(&o);
		oqz_tensor_release(&x);
		oqz_graph_free(b.g);
	}
}
END_TEST

START_TEST(sums_run_lane_by_lane)
{
	for (int round = 0; round < 32; round++) {
		struct gb b;
		struct oracle o;
		bool exclusive = round & 1, reverse = round & 2, product = round & 8;
		gb_init(&b, 400 + (uint64_t)round);
		int64_t n = 1 + (int64_t)oqz_rng_below(&b.rng, 12), inner = round & 4 ? 1 : 19;
		struct oqz_tensor x = tensor(GB_DIMS(2, n, inner));
		gb_random(&b, &x, 1);
		struct oqz_value *y =
		    GB_OP(&b, product ? "CumProd" : "CumSum", gb_input(&b, "x", x.shape), gb_scalar(&b, OQZ_DT_I64, 1));
		ck_ok(oqz_node_set_int(b.last, "exclusive", exclusive, err));
		ck_ok(oqz_node_set_int(b.last, "reverse", reverse, err));
		b.last->opset = product ? 26 : 14;
		run(&b, &o, &x);
		const float *got = oracle_at(&o, y->name)->data, *in = x.data;
		for (int64_t lane = 0; lane < 2 * inner; lane++) {
			double sum = product;
			for (int64_t j = 0; j < n; j++) {
				int64_t at =
				    lane / inner * n * inner + (reverse ? n - 1 - j : j) * inner + lane % inner;
				double before = sum;
				sum = product ? sum * in[at] : sum + in[at];
				ck_assert(got[at] == (float)(exclusive ? before : sum));
			}
		}
		oracle_free(&o);
		oqz_tensor_release(&x);
		oqz_graph_free(b.g);
	}
}
END_TEST

/* Lines of every number and length along every axis, one after the other. */
START_TEST(lines_are_normalized_one_by_one)
{
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct gb b;
		struct oracle o;
		gb_init(&b, seed);
		int64_t dims[3], axis = (int64_t)oqz_rng_below(&b.rng, 3), one = (int64_t)oqz_rng_below(&b.rng, 2);
		for (int d = 0; d < 3; d++)
			dims[d] = 1 + (int64_t)oqz_rng_below(&b.rng, 20);
		struct oqz_tensor x = tensor(oqz_shape_of(3, dims));
		gb_random(&b, &x, 1);
		struct oqz_value *y = GB_OP(&b, "LpNormalization", gb_input(&b, "x", x.shape));
		ck_ok(oqz_node_set_int(b.last, "axis", axis, err));
		ck_ok(oqz_node_set_int(b.last, "p", 2 - one, err));
		run(&b, &o, &x);
		const float *from = x.data, *got = oracle_at(&o, y->name)->data;
		int64_t inner = oqz_shape_span(&x.shape, (int)axis + 1, 3), n = dims[axis];
		for (int64_t i = 0; i < oqz_tensor_nelem(&x); i++) {
			int64_t line = i / (n * inner) * n * inner + i % inner;
			double sum = 0;
			for (int64_t k = 0; k < n; k++) {
				double v = from[line + k * inner];
				sum += one ? fabs(v) : v * v;
			}
			ck_assert(got[i] == (float)((double)from[i] / (one ? sum : sqrt(sum))));
		}
		oracle_free(&o);
		oqz_tensor_release(&x);
		oqz_graph_free(b.g);
	}
}
END_TEST

/* Along every axis, indices from either end, shorter than the data on the other axes. */
START_TEST(elements_are_gathered_one_by_one)
{
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct gb b;
		struct oracle o;
		gb_init(&b, seed);
		int axis = (int)oqz_rng_below(&b.rng, 3);
		struct oqz_shape s = { .rank = 3 }, is = { .rank = 3 };
		struct oqz_tensor idx = { 0 };
		for (int d = 0; d < 3; d++) {
			s.dim[d] = 1 + (int64_t)oqz_rng_below(&b.rng, 9);
			is.dim[d] = 1 + (int64_t)oqz_rng_below(&b.rng, d == axis ? 1200 : (uint64_t)s.dim[d]);
		}
		struct oqz_tensor x = tensor(s);
		gb_random(&b, &x, 1);
		enum oqz_dtype t = seed % 2 ? OQZ_DT_I64 : OQZ_DT_I32;
		ck_ok(oqz_tensor_alloc(&idx, t, &is, err));
		int64_t n = oqz_tensor_nelem(&idx), dim = s.dim[axis];
		for (int64_t i = 0; i < n; i++)
			oqz_store_i(t, idx.data, (size_t)i, (int64_t)oqz_rng_below(&b.rng, 2 * (uint64_t)dim) - dim);
		struct oqz_value *y = GB_OP(&b, "GatherElements", gb_input(&b, "x", s), gb_const(&b, &idx));
		ck_ok(oqz_node_set_int(b.last, "axis", axis, err));
		run(&b, &o, &x);
		const float *from = x.data, *got = oracle_at(&o, y->name)->data;
		for (int64_t i = 0; i < n; i++) {
			int64_t v = oqz_load_i(t, idx.data, (size_t)i),
			        at[] = { i / (is.dim[1] * is.dim[2]), i / is.dim[2] % is.dim[1], i % is.dim[2] };
			at[axis] = v < 0 ? v + dim : v;
			ck_assert(got[i] == from[(at[0] * s.dim[1] + at[1]) * s.dim[2] + at[2]]);
		}
		oracle_free(&o);
		oqz_tensor_release(&x);
		oqz_tensor_release(&idx);
		oqz_graph_free(b.g);
	}
}
END_TEST

/* Along every axis, indices from either end and several for one place, of which the last one counts or all. */
START_TEST(elements_are_scattered_one_by_one)
{
	static const enum oqz_dtype types[] = { OQZ_DT_F32, OQZ_DT_F64, OQZ_DT_F16, OQZ_DT_I8 };

	for (uint64_t seed = 0; seed < 60; seed++) {
		struct gb b;
		struct oracle o;
		gb_init(&b, seed);
		int axis = (int)oqz_rng_below(&b.rng, 3);
		bool add = seed % 3 == 0;
		enum oqz_dtype t = types[seed % OQZ_COUNTOF(types)], ti = seed % 5 ? OQZ_DT_I64 : OQZ_DT_I32;
		struct oqz_shape s = { .rank = 3 }, is = { .rank = 3 };
		struct oqz_tensor idx = { 0 }, data = { 0 }, updates = { 0 }, x = tensor(GB_DIMS(1));
		for (int d = 0; d < 3; d++) {
			s.dim[d] = 1 + (int64_t)oqz_rng_below(&b.rng, d == axis ? 9 : d == 2 && seed % 2 ? 1100 : 9);
			is.dim[d] = d == axis ? 1 + (int64_t)oqz_rng_below(&b.rng, 1200)
			                      : s.dim[d] - (int64_t)oqz_rng_below(&b.rng, (uint64_t)(s.dim[d] + 1) / 2);
			if (seed % 2 && axis < 2) /* long lines, few of them */
				is.dim[axis] = 1 + is.dim[axis] % 4;
		}
		ck_ok(oqz_tensor_alloc(&data, t, &s, err));
		ck_ok(oqz_tensor_alloc(&updates, t, &is, err));
		ck_ok(oqz_tensor_alloc(&idx, ti, &is, err));
		int64_t n = oqz_tensor_nelem(&idx), dim = s.dim[axis];
		for (int64_t i = 0; i < oqz_tensor_nelem(&data); i++)
			oqz_store_f(t, data.data, (size_t)i, (double)oqz_rng_below(&b.rng, 7));
		for (int64_t i = 0; i < n; i++) {
			oqz_store_f(t, updates.data, (size_t)i, (double)oqz_rng_below(&b.rng, 7) - 3);
			oqz_store_i(ti, idx.data, (size_t)i, (int64_t)oqz_rng_below(&b.rng, 2 * (uint64_t)dim) - dim);
		}
		struct oqz_value *y =
		    GB_OP(&b, "ScatterElements", gb_const(&b, &data), gb_const(&b, &idx), gb_const(&b, &updates));
		ck_ok(oqz_node_set_int(b.last, "axis", axis, err));
		ck_ok(oqz_node_set_string(b.last, "reduction", add ? "add" : "none", err));
		gb_input(&b, "x", GB_DIMS(1));
		run(&b, &o, &x);
		for (int64_t i = 0; i < n; i++) {
			int64_t v = oqz_load_i(ti, idx.data, (size_t)i),
			        at[] = { i / (is.dim[1] * is.dim[2]), i / is.dim[2] % is.dim[1], i % is.dim[2] };
			at[axis] = v < 0 ? v + dim : v;
			size_t to = (size_t)((at[0] * s.dim[1] + at[1]) * s.dim[2] + at[2]);
			double u = oqz_load_f(t, updates.data, (size_t)i), have = oqz_load_f(t, data.data, to);
			oqz_store_f(t, data.data, to, add ? have + u : u);
		}
		const struct oqz_tensor *got = oracle_at(&o, y->name);
		ck_assert_msg(memcmp(got->data, data.data, oqz_tensor_bytes(&data)) == 0, "seed %d", (int)seed);
		oracle_free(&o);
		oqz_tensor_release(&x);
		oqz_tensor_release(&idx);
		oqz_tensor_release(&data);
		oqz_tensor_release(&updates);
		oqz_graph_free(b.g);
	}
}
END_TEST

/* Runs the only node of b's graph into memory of x's type and shape that holds other numbers; owned by the caller. */
static struct oqz_tensor run_over(struct gb *b, const struct oqz_tensor *const *in, int n_in)
{
	struct oqz_tensor y = { 0 }, *out[] = { &y };
	struct oqz_call c = { .node = b->last, .n_in = n_in, .n_out = 1, .in = in, .out = out };

	gb_finish(b);
	ck_ok(oqz_tensor_alloc(&y, in[0]->dtype, &in[0]->shape, err));
	memset(y.data, 0x5a, oqz_tensor_bytes(&y));
	ck_ok(oqz_op_call(&c, err));
	return y;
}

/* Of equal ones the first, zeros of both signs being equal; nothing is above a NaN in front, others are passed over. */
START_TEST(the_first_largest_is_marked)
{
	for (uint64_t seed = 0; seed < 80; seed++) {
		struct gb b;
		gb_init(&b, seed);
		int64_t n = 1 + (int64_t)oqz_rng_below(&b.rng, seed % 2 ? 300 : 20), rows = seed % 8 == 7 ? n : 7;
		struct oqz_tensor x = tensor(GB_DIMS(rows, n));
		float *v = x.data;
		fill_with_ties(&b.rng, &x, seed % 3 ? 3 : 1000);
		for (int64_t i = 0; i < rows * n; i++)
			v[i] = seed % 5 == 1 ? -fabsf(v[i]) * (float)oqz_rng_below(&b.rng, 2) + 0.0f : v[i];
		for (int64_t i = 0; i < rows * n; i++)
			v[i] = seed % 5 == 1 && v[i] == 0 && oqz_rng_below(&b.rng, 2) ? -0.0f
			       : seed % 5 == 2 && oqz_rng_below(&b.rng, 3) == 0       ? NAN
			       : seed % 5 == 3 && oqz_rng_below(&b.rng, 2)            ? -INFINITY
			                                                              : v[i];
		for (int64_t i = 0; i < n && rows == n; i++) /* at every place once */
			v[i * n + i] = 2000;
		GB_OP(&b, "Hardmax", gb_input(&b, "x", x.shape));
		struct oqz_tensor y = run_over(&b, (const struct oqz_tensor *[]) { &x }, 1);
		const float *got = y.data;
		for (int64_t i = 0; i < rows * n; i++)
			ck_assert(got[i] == (i % n == arg_of(v + i / n * n, n, 1, true, false)));
		oqz_tensor_release(&y);
		oqz_tensor_release(&x);
		oqz_graph_free(b.g);
	}
}
END_TEST

/* Diagonals inside of the matrices and beyond, either half. */
START_TEST(triangles_are_kept_element_by_element)
{
	for (uint64_t seed = 0; seed < 80; seed++) {
		struct gb b;
		gb_init(&b, seed);
		int64_t rows = 1 + (int64_t)oqz_rng_below(&b.rng, 9), cols = 1 + (int64_t)oqz_rng_below(&b.rng, 9),
		        k = (int64_t)oqz_rng_below(&b.rng, 25) - 12, upper = seed % 2;
		struct oqz_tensor x = tensor(GB_DIMS(3, rows, cols));
		gb_random(&b, &x, 1);
		struct oqz_value *diagonal = gb_scalar(&b, OQZ_DT_I64, (double)k);
		GB_OP(&b, "Trilu", gb_input(&b, "x", x.shape), diagonal);
		ck_ok(oqz_node_set_int(b.last, "upper", upper, err));
		struct oqz_tensor y = run_over(&b, (const struct oqz_tensor *[]) { &x, diagonal->constant }, 2);
		for (int64_t i = 0; i < oqz_tensor_nelem(&x); i++) {
			int64_t beside = i % cols - i / cols % rows;
			float v = (upper ? beside >= k : beside <= k) ? ((float *)x.data)[i] : 0;
			ck_assert(((float *)y.data)[i] == v);
		}
		oqz_tensor_release(&y);
		oqz_tensor_release(&x);
		oqz_graph_free(b.g);
	}
}
END_TEST

OQZ_TEST_MAIN("op_rows", casts_are_those_of_single_elements, the_first_k_are_those_of_a_sort,
              extremes_are_found_lane_by_lane, sums_run_lane_by_lane, lines_are_normalized_one_by_one,
              elements_are_gathered_one_by_one, elements_are_scattered_one_by_one, the_first_largest_is_marked,
              triangles_are_kept_element_by_element)
