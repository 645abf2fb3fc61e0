/* SPDX-License-Identifier: Apache-2.0
 *
 * Control flow: bodies that read values from around them, at one remove and at two; branches that become part of the
 * graph once their condition is known. (Loop and Scan on data: the ONNX vectors.)
 */
#include "core/ops/fold.h"
#include "core/ops/interpret.h"
#include "tests/support/op_text.h"
#include <string.h>

static struct oqz_value *value(struct oqz_graph *g, const char *name)
{
	struct oqz_value *v = NULL;

	ck_ok(oqz_graph_add_value(g, name, &v, err));
	return v;
}

static struct oqz_node *add(struct oqz_graph *g, const char *op, struct oqz_value *in, struct oqz_value *out)
{
	struct oqz_node *n = NULL;

	ck_ok(oqz_graph_add_node(g, oqz_graph_fresh_name(g, op), "", op, 21, &in, in != NULL, &out, 1, NULL, &n, err));
	return n;
}

static void body(struct oqz_node *n, const char *name, struct oqz_graph *g)
{
	ck_ok(oqz_node_set_attr(n, &(struct oqz_attr) { .name = name, .type = OQZ_ATTR_GRAPH, .graph = g }, err));
}

/* A branch that gives op(outer). */
static struct oqz_graph *branch(struct oqz_graph *parent, const char *op, struct oqz_value *outer, const char *result)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_value *out = value(g, result);

	g->parent = parent;
	add(g, op, outer, out);
	out->is_output = true;
	out->type.dtype = OQZ_DT_F32;
	ck_assert(oqz_vec_push(&g->outputs, out));
	return g;
}

/* y = cond ? Relu(x) : (cond ? Abs(x) : Neg(x)); cond is an input. */
static struct oqz_graph *choice(void)
{
	struct oqz_graph *g = oqz_graph_new(), *other = oqz_graph_new();
	struct oqz_value *x = value(g, "x"), *cond = value(g, "cond"), *y = value(g, "y"), *z = value(other, "z");

	x->type = (struct oqz_type) { OQZ_DT_F32, oqz_shape_of(1, (const int64_t[]) { 2 }) };
	cond->type = (struct oqz_type) { .dtype = OQZ_DT_BOOL };
	x->is_input = cond->is_input = y->is_output = z->is_output = true;
	ck_assert(oqz_vec_push(&g->inputs, x) && oqz_vec_push(&g->inputs, cond) && oqz_vec_push(&g->outputs, y) &&
	          oqz_vec_push(&other->outputs, z));
	struct oqz_node *n = add(g, "If", cond, y);
	other->parent = g;
	z->type.dtype = OQZ_DT_F32;
	struct oqz_node *inner = add(other, "If", cond, z);
	body(inner, "then_branch", branch(other, "Abs", x, "abs"));
	body(inner, "else_branch", branch(other, "Neg", x, "neg"));
	body(n, "then_branch", branch(g, "Relu", x, "relu"));
	body(n, "else_branch", other);
	ck_ok(oqz_ops_resolve(g, err));
	return g;
}

static void run_choice(const struct oqz_graph *g, const char *cond, float a, float b)
{
	struct oqz_tensor x = op_tensor("float32[2]: -1 2"), c = op_tensor(cond), y = { 0 };

	ck_ok(oqz_interpret(g, (const struct oqz_tensor *[]) { &x, &c }, &y, NULL, NULL, err));
	ck_assert(oqz_shape_equal(&x.shape, &y.shape));
	ck_assert(((float *)y.data)[0] == a && ((float *)y.data)[1] == b);
	oqz_tensor_release(&x);
	oqz_tensor_release(&c);
	oqz_tensor_release(&y);
}

START_TEST(bodies_read_values_around_them)
{
	struct oqz_graph *g = choice(), *copy = NULL;

	run_choice(g, "bool[]: 1", 0, 2);
	run_choice(g, "bool[]: 0", 1, -2);
	ck_ok(oqz_graph_clone(g, &copy, err));
	oqz_graph_free(g);
	run_choice(copy, "bool[]: 1", 0, 2);
	run_choice(copy, "bool[]: 0", 1, -2);
	oqz_graph_free(copy);
}
END_TEST

START_TEST(decided_branches_join_the_graph)
{
	static const char *const left[] = { "Neg", "Relu" };

	for (int yes = 0; yes < 2; yes++) {
		struct oqz_graph *g = choice();
		struct oqz_value *cond = oqz_graph_value(g, "cond");
		struct oqz_tensor c = op_tensor(yes ? "bool[]: 1" : "bool[]: 0"), x = op_tensor("float32[2]: -1 2"),
		                  y = { 0 };
		int changed = 0;

		cond->is_input = false;
		g->inputs.n = 1;
		ck_ok(oqz_value_set_constant(g, cond, &c, err));
		ck_ok(oqz_fold_constants(g, 0, &changed, err));
		ck_assert_int_eq(changed, yes ? 1 : 2);
		ck_assert_uint_eq(g->nodes.n, 1);
		ck_assert_str_eq(g->nodes.v[0]->op_type, left[yes]);
		ck_assert_int_eq(oqz_graph_value(g, "y")->type.shape.rank, 1);
		ck_ok(oqz_interpret(g, (const struct oqz_tensor *[]) { &x }, &y, NULL, NULL, err));
		ck_assert(((float *)y.data)[1] == (yes ? 2 : -2));
		oqz_tensor_release(&c);
		oqz_tensor_release(&x);
		oqz_tensor_release(&y);
		oqz_graph_free(g);
	}
}
END_TEST

OQZ_TEST_MAIN("op_control", bodies_read_values_around_them, decided_branches_join_the_graph)
