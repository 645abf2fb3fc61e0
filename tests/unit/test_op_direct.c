/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels that have a way of their own for float32 and bool, against the way of all types: the same random numbers,
 * ties, zeros and special values as float64 (bools as int32) must give the same to the bit.
 */
#include "tests/unit/exec_graph.h"

enum { ROUNDS = 60 };

static struct oqz_value *cast(struct gb *b, struct oqz_value *v, enum oqz_dtype t)
{
	struct oqz_value *y = GB_OP(b, "Cast", v);
	static const int onnx_code[] = { [OQZ_DT_F32] = 1, [OQZ_DT_F64] = 11, [OQZ_DT_I32] = 6, [OQZ_DT_BOOL] = 9 };

	ck_ok(oqz_node_set_int(b->last, "to", onnx_code[t], err));
	return y;
}

/* Runs the graph, of which x's values are whole numbers in [-3, 3] and, now and then, special ones; then the two values
 * must be the same. */
static void check_same(struct gb *b, const struct oqz_value *direct, const struct oqz_value *general, bool special)
{
	static const float rare[] = { NAN, INFINITY, -INFINITY, -0.0f, 1e30f, 0x1p-149f, 7.25f };
	struct oqz_tensor in[2] = { 0 };
	struct oracle o;

	gb_finish(b);
	for (size_t i = 0; i < b->g->inputs.n; i++) {
		ck_ok(oqz_tensor_alloc(&in[i], OQZ_DT_F32, &b->g->inputs.v[i]->type.shape, err));
		for (int64_t j = 0; j < oqz_tensor_nelem(&in[i]); j++) {
			bool odd = special && oqz_rng_normal(&b->rng) > 1.5;
			double v = rint(oqz_rng_normal(&b->rng) * 1.5);
			((float *)in[i].data)[j] = odd ? rare[(size_t)j % OQZ_COUNTOF(rare)] : (float)v;
		}
	}
	oracle_run(&o, b->g, in);
	const struct oqz_tensor *p = &o.t[direct->id], *q = &o.t[general->id];
	ck_assert_int_eq(p->dtype, q->dtype);
	ck_assert(oqz_shape_equal(&p->shape, &q->shape));
	for (int64_t i = 0; i < oqz_tensor_nelem(p); i++) {
		double u = oqz_load_f(p->dtype, p->data, (size_t)i), v = oqz_load_f(q->dtype, q->data, (size_t)i);
		ck_assert_msg((u == v && signbit(u) == signbit(v)) || (u != u && v != v),
		              "element %lld is %a directly, %a in general", (long long)i, u, v);
	}
	oracle_free(&o);
	for (size_t i = 0; i < b->g->inputs.n; i++)
		oqz_tensor_release(&in[i]);
	oqz_graph_free(b->g);
}

/* A shape of `rank` dimensions of 1 .. 40, the last one now and then beyond a block of 256. */
static struct oqz_shape some_shape(struct gb *b, int rank, int round)
{
	struct oqz_shape s = { .rank = rank };

	for (int d = 0; d < rank; d++)
		s.dim[d] = 1 + (int64_t)fabs(oqz_rng_normal(&b->rng) * (d == rank - 1 ? 20 : 3));
	if (round % 10 == 0)
		s.dim[rank - 1] += 300;
	return s;
}

START_TEST(hardmax_of_rows)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct gb b;
		gb_init(&b, (uint64_t)round);
		struct oqz_value *x = gb_input(&b, "x", some_shape(&b, 1 + round % 3, round));
		struct oqz_value *y = GB_OP(&b, "Hardmax", x), *z = GB_OP(&b, "Hardmax", cast(&b, x, OQZ_DT_F64));
		check_same(&b, y, cast(&b, z, OQZ_DT_F32), round % 2);
	}
}
END_TEST

START_TEST(places_that_are_not_zero)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct gb b;
		gb_init(&b, (uint64_t)round);
		struct oqz_value *x = gb_input(&b, "x", some_shape(&b, 1 + round % 4, round));
		struct oqz_value *v = round % 3 ? x : cast(&b, x, OQZ_DT_BOOL), *y = GB_OP(&b, "NonZero", v);
		check_same(&b, y, GB_OP(&b, "NonZero", cast(&b, v, OQZ_DT_F64)), round % 2);
	}
}
END_TEST

/* What stands at these places, in their order, is what is not zero. */
START_TEST(places_lead_back)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct gb b;
		gb_init(&b, (uint64_t)round);
		struct oqz_shape s = some_shape(&b, 1 + round % 4, round);
		struct oqz_value *x = GB_OP(&b, "Mul", gb_input(&b, "x", s), gb_weights(&b, OQZ_DT_F32, s, 1));
		struct oqz_value *at = GB_OP(&b, "Transpose", GB_OP(&b, "NonZero", x)),
		                 *y = GB_OP(&b, "GatherND", x, at);
		struct oqz_value *flat = GB_OP(&b, "Reshape", x, GB_LIST(&b, -1));
		check_same(&b, y, GB_OP(&b, "Compress", flat, cast(&b, flat, OQZ_DT_BOOL)), false);
	}
}
END_TEST

START_TEST(remainders)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct gb b;
		gb_init(&b, (uint64_t)round);
		struct oqz_shape s = some_shape(&b, 2, round), row = s;
		row.dim[round % 2] = 1;
		struct oqz_value *f = gb_scalar(&b, OQZ_DT_F32, round % 4 ? 0.7 : 1e-9);
		struct oqz_value *x = GB_OP(&b, "Mul", gb_input(&b, "x", s), f), *d = gb_input(&b, "d", row);
		struct oqz_value *w = gb_weights(&b, OQZ_DT_F32, row, round % 5 ? 1 : 1e-8);
		if (round % 3)
			d = GB_OP(&b, "Add", d, w);
		struct oqz_value *y = GB_OP(&b, "Mod", x, d);
		ck_ok(oqz_node_set_int(b.last, "fmod", 1, err));
		struct oqz_value *z = GB_OP(&b, "Mod", cast(&b, x, OQZ_DT_F64), cast(&b, d, OQZ_DT_F64));
		ck_ok(oqz_node_set_int(b.last, "fmod", 1, err));
		check_same(&b, y, cast(&b, z, OQZ_DT_F32), round % 7 == 0);
	}
}
END_TEST

START_TEST(logic_of_bytes)
{
	static const char *const ops[] = { "And", "Or", "Xor" };

	for (int round = 0; round < ROUNDS; round++) {
		struct gb b;
		gb_init(&b, (uint64_t)round);
		struct oqz_shape s = some_shape(&b, 2, round), row = s;
		row.dim[round % 2] = 1;
		struct oqz_value *x = cast(&b, gb_input(&b, "x", s), OQZ_DT_BOOL),
		                 *y = cast(&b, gb_input(&b, "y", row), OQZ_DT_BOOL);
		struct oqz_value *i = cast(&b, x, OQZ_DT_I32), *j = cast(&b, y, OQZ_DT_I32), *want;
		struct oqz_value *have = round % 2 ? GB_OP(&b, ops[round % 3], x, y) : GB_OP(&b, ops[round % 3], y, x);
		want = GB_OP(&b, round % 3 == 0 ? "Mul" : round % 3 == 1 ? "Max" : "Sub", i, j);
		if (round % 4 == 3) {
			have = GB_OP(&b, "Not", have);
			want = GB_OP(&b, "Equal", want, gb_scalar(&b, OQZ_DT_I32, 0));
		} else {
			want = cast(&b, want, OQZ_DT_BOOL);
		}
		check_same(&b, have, want, false);
	}
}
END_TEST

/* Indices of a tensor of small whole numbers; the innermost dimension is, or is not, the axis. */
START_TEST(scattered_elements)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct gb b;
		gb_init(&b, (uint64_t)round);
		int rank = 1 + round % 3, axis = round % rank;
		struct oqz_shape s = some_shape(&b, rank, round), part = s;
		struct oqz_tensor at = { 0 };
		part.dim[axis] = 1 + s.dim[axis] / 2;
		part.dim[0] = axis == 0 ? part.dim[0] : 1 + s.dim[0] / 2;
		ck_ok(oqz_tensor_alloc(&at, round % 2 ? OQZ_DT_I64 : OQZ_DT_I32, &part, err));
		for (int64_t i = 0; i < oqz_tensor_nelem(&at); i++)
			oqz_store_i(at.dtype, at.data, (size_t)i, (i * 7 + 3) % (2 * s.dim[axis]) - s.dim[axis]);
		struct oqz_value *x = gb_input(&b, "x", s), *u = gb_input(&b, "u", part), *k = gb_const(&b, &at);
		struct oqz_value *y = GB_OP(&b, "ScatterElements", x, k, u);
		ck_ok(oqz_node_set_int(b.last, "axis", axis, err));
		struct oqz_value *z = GB_OP(&b, "ScatterElements", cast(&b, x, OQZ_DT_F64), k, cast(&b, u, OQZ_DT_F64));
		ck_ok(oqz_node_set_int(b.last, "axis", axis, err));
		check_same(&b, y, cast(&b, z, OQZ_DT_F32), round % 2);
		oqz_tensor_release(&at);
	}
}
END_TEST

/* Whole numbers, so that the tables' products are exact; a part of each head, or all of it, is turned. */
START_TEST(rotations)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct gb b;
		gb_init(&b, (uint64_t)round);
		b.g->opsets.v[0].version = 23;
		struct oqz_value *x = gb_input(&b, "x", GB_DIMS(2, 3, 5, 24)), *y, *v[3], *w[3];
		int64_t turned = round % 3 ? 24 : 10;
		v[0] = x;
		for (int i = 1; i < 3; i++)
			v[i] = gb_weights(&b, OQZ_DT_F32, GB_DIMS(2, 5, turned / 2), 1);
		for (int i = 0; i < 3; i++)
			w[i] = cast(&b, v[i], OQZ_DT_F64);
		for (int k = 0; k < 2; k++) {
			y = gb_op(&b, "RotaryEmbedding", k ? w : v, 3);
			b.last->opset = 23;
			ck_ok(oqz_node_set_int(b.last, "interleaved", round % 2, err));
			ck_ok(oqz_node_set_int(b.last, "rotary_embedding_dim", turned, err));
			v[0] = k ? v[0] : y;
		}
		check_same(&b, v[0], cast(&b, y, OQZ_DT_F32), round % 2);
	}
}
END_TEST

OQZ_TEST_MAIN("op_direct", hardmax_of_rows, places_that_are_not_zero, places_lead_back, remainders, logic_of_bytes,
              scattered_elements, rotations)
