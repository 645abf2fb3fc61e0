/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory limit: tensors, activations and packed weights are taken from it and given back, and what does not fit is
 * refused with the tensor's name and both sizes. Models whose shapes cannot be had are refused while planning.
 */
#include "tests/unit/exec_graph.h"
#include "core/base/budget.h"
#include "core/base/str.h"

static void plan_fails(struct gb *b, struct oqz_shape input, enum oqz_engine engine, enum oqz_status code,
                       const char *const *words)
{
	struct oqz_exec_options opt = { .engine = engine };
	struct oqz_program *p = NULL;
	struct oqz_err err = { 0 };
	enum oqz_status st = oqz_program_new(b->g, &opt, &input, &p, &err);

	ck_assert_msg(st == code, "status %d: %s", (int)st, err.msg);
	for (; *words; words++)
		ck_assert_msg(strstr(err.msg, *words) != NULL, "'%s' lacks '%s'", err.msg, *words);
}

START_TEST(taking_and_giving_balance)
{
	size_t before = oqz_budget_used();
	struct oqz_tensor t = { 0 }, u = { 0 };
	struct oqz_shape s = GB_DIMS(3, 5);

	ck_ok(oqz_tensor_alloc(&t, OQZ_DT_F32, &s, err));
	ck_assert_uint_eq(oqz_budget_used(), before + 60);
	oqz_tensor_share(&u, &t);
	oqz_tensor_release(&t);
	ck_assert_uint_eq(oqz_budget_used(), before + 60);
	oqz_tensor_release(&u);
	ck_assert_uint_eq(oqz_budget_used(), before);

	oqz_budget_set(before + 100);
	ck_ok(oqz_budget_take(100, "all", err));
	ck_fails(oqz_budget_take(1, "one more", err), OQZ_E_LIMIT, "one more needs 1 bytes, the memory limit is ");
	ck_fails(oqz_budget_check(SIZE_MAX, "everything", err), OQZ_E_LIMIT, "everything");
	oqz_budget_give(100);
	ck_ok(oqz_budget_check(100, "all", err));
	ck_fails(oqz_tensor_alloc(&t, OQZ_DT_F64, &s, err), OQZ_E_LIMIT, "a tensor float64[3,5] needs 120 bytes");
	oqz_budget_set(0);
	ck_assert_uint_gt(oqz_budget_limit(), (size_t)1 << 20);
}
END_TEST

START_TEST(sizes_are_written_and_read)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} good[] = { { "0", 0 },        { "17", 17 },        { "3K", 3072 },
		     { "2M", 2 << 20 }, { "4G", 4LL << 30 }, { "1T", 1LL << 40 } };
	static const char *const bad[] = { "", "K", "-1", "1.5G", "2GB", "9999999999G", " 1", "1 K" };
	char text[OQZ_BYTES_STR];
	int64_t v;

	for (size_t i = 0; i < OQZ_COUNTOF(good); i++) {
		ck_assert_msg(oqz_parse_bytes(good[i].text, &v), "%s", good[i].text);
		ck_assert_int_eq(v, good[i].bytes);
	}
	for (size_t i = 0; i < OQZ_COUNTOF(bad); i++)
		ck_assert_msg(!oqz_parse_bytes(bad[i], &v), "%s", bad[i]);
	ck_assert_str_eq(oqz_bytes_str(1023, text, sizeof text), "1023 bytes");
	ck_assert_str_eq(oqz_bytes_str(1536, text, sizeof text), "1.5 KiB");
	ck_assert_str_eq(oqz_bytes_str((size_t)5 << 30, text, sizeof text), "5.0 GiB");
}
END_TEST

/* x -> Conv -> Relu -> y on one channel, 3x3. */
static void conv_relu(struct gb *b, struct oqz_shape input)
{
	gb_init(b, 1);
	struct oqz_value *x = gb_input(b, "x", input);
	struct oqz_value *w = gb_weights(b, OQZ_DT_F32, GB_DIMS(8, input.dim[1], 3, 3), 0.1);
	struct oqz_value *y = GB_OP(b, "Conv", x, w);
	GB_INTS(b, "pads", 1, 1, 1, 1);
	GB_OP(b, "Relu", y);
	gb_finish(b);
}

START_TEST(a_plan_beyond_the_limit_names_tensor_and_sizes)
{
	struct gb b;
	size_t before = oqz_budget_used();

	for (int engine = OQZ_ENGINE_AUTO; engine <= OQZ_ENGINE_REFERENCE; engine++) {
		struct oqz_shape s = GB_DIMS(1, 3, 64, 64);
		conv_relu(&b, s);
		/* one tensor alone is too large: 8 x 64 x 64 floats are 128 KiB */
		oqz_budget_set(oqz_budget_used() + 110000);
		plan_fails(&b, s, (enum oqz_engine)engine, OQZ_E_LIMIT,
		           (const char *[]) { "Conv", "float32[1,8,64,64]", "128.0 KiB", "memory limit", NULL });
		/* all together */
		oqz_budget_set(oqz_budget_used() + 150000);
		plan_fails(&b, s, (enum oqz_engine)engine, OQZ_E_LIMIT,
		           (const char *[]) { "the activations together (largest: '", "float32[1,8,64,64]", NULL });
		oqz_budget_set(0);
		oqz_graph_free(b.g);
		ck_assert_uint_eq(oqz_budget_used(), before);
	}
}
END_TEST

START_TEST(contexts_are_counted_each)
{
	struct oqz_exec_options opt = { 0 };
	struct oqz_program *p = NULL;
	struct oqz_context *c[2] = { NULL };
	struct oqz_shape s = GB_DIMS(1, 3, 64, 64);
	size_t before = oqz_budget_used();
	struct gb b;

	conv_relu(&b, s);
	ck_ok(oqz_program_new(b.g, &opt, &s, &p, err));
	oqz_budget_set(oqz_budget_used() + oqz_program_context_bytes(p) * 3 / 2);
	ck_ok(oqz_context_new(p, &c[0], err));
	ck_fails(oqz_context_new(p, &c[1], err), OQZ_E_LIMIT, "the activations together (largest: '");
	oqz_context_free(c[0]);
	ck_ok(oqz_context_new(p, &c[1], err));
	oqz_context_free(c[1]);
	oqz_program_free(p);
	oqz_graph_free(b.g);
	oqz_budget_set(0);
	ck_assert_uint_eq(oqz_budget_used(), before);
}
END_TEST

/* Shapes whose sizes overflow, or which no machine has, are met while planning, whatever the engine. */
START_TEST(shapes_without_end_are_refused)
{
	static const int64_t to[][3] = {
		{ 1 << 20, 1 << 20, 1 << 20 }, { INT64_MAX, 2, 3 }, { 1LL << 31, 1LL << 31, 1 }, { 1LL << 40, 4, 1 }
	};
	struct gb b;

	for (size_t i = 0; i < OQZ_COUNTOF(to); i++)
		for (int engine = OQZ_ENGINE_AUTO; engine <= OQZ_ENGINE_REFERENCE; engine++) {
			struct oqz_shape s = GB_DIMS(1, 1, 1);
			gb_init(&b, 1);
			struct oqz_value *x = gb_input(&b, "x", s);
			struct oqz_value *e = GB_OP(&b, "Expand", x, gb_list(&b, 3, to[i]));
			GB_OP(&b, "Relu", e);
			gb_finish(&b);
			plan_fails(&b, s, (enum oqz_engine)engine, OQZ_E_LIMIT,
			           (const char *[]) { "node 'Expand_", NULL });
			oqz_graph_free(b.g);
		}
}
END_TEST

/* What only the run finds out: NonZero of an outer sum has as many columns as it finds. */
START_TEST(growth_while_running_is_refused)
{
	struct oqz_exec_options opt = { 0 };
	struct oqz_program *p = NULL;
	struct oqz_context *c = NULL;
	struct oqz_shape s = GB_DIMS(200, 200);
	struct gb b;

	gb_init(&b, 1);
	GB_OP(&b, "NonZero", gb_input(&b, "x", s));
	gb_finish(&b);
	ck_ok(oqz_program_new(b.g, &opt, &s, &p, err));
	ck_ok(oqz_context_new(p, &c, err));
	struct oqz_tensor *in = oqz_context_input(c, 0);
	for (int i = 0; i < 200 * 200; i++)
		((float *)in->data)[i] = 1;
	oqz_budget_set(oqz_budget_used() + 100000);
	ck_fails(oqz_context_run(c, 0, oqz_program_nsteps(p), err), OQZ_E_LIMIT, "node 'NonZero_");
	oqz_budget_set(0);
	ck_ok(oqz_context_run(c, 0, oqz_program_nsteps(p), err));
	oqz_context_free(c);
	oqz_program_free(p);
	oqz_graph_free(b.g);
}
END_TEST

OQZ_TEST_MAIN("budget", taking_and_giving_balance, sizes_are_written_and_read,
              a_plan_beyond_the_limit_names_tensor_and_sizes, contexts_are_counted_each, shapes_without_end_are_refused,
              growth_while_running_is_refused)
