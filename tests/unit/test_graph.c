/* SPDX-License-Identifier: Apache-2.0
 *
 * core/graph: building, editing, ordering, cloning, listing.
 */
#include "tests/support/support.h"
#include "core/base/str.h"
#include "core/graph/graph.h"

#include <stdio.h>
#include <string.h>

static struct oqz_value *value(struct oqz_graph *g, const char *name)
{
	struct oqz_value *v = oqz_map_get(&g->by_name, name);

	if (!v)
		ck_ok(oqz_graph_add_value(g, name, &v, err));
	return v;
}

static struct oqz_value *input(struct oqz_graph *g, const char *name)
{
	struct oqz_value *v = value(g, name);

	v->is_input = true;
	ck_assert(oqz_vec_push(&g->inputs, v));
	return v;
}

static void output(struct oqz_graph *g, const char *name)
{
	struct oqz_value *v = value(g, name);

	v->is_output = true;
	ck_assert(oqz_vec_push(&g->outputs, v));
}

/* out = op(a, b); b may be NULL. */
static struct oqz_node *node(struct oqz_graph *g, const char *op, const char *out, const char *a, const char *b)
{
	struct oqz_value *in[2] = { value(g, a), b ? value(g, b) : NULL }, *o = value(g, out);
	struct oqz_node *n;

	ck_ok(oqz_graph_add_node(g, NULL, "", op, 13, in, b ? 2 : 1, &o, 1, NULL, &n, err));
	return n;
}

static struct oqz_value *constant(struct oqz_graph *g, const char *name, int64_t x)
{
	struct oqz_tensor t = { 0 };
	struct oqz_value *v;

	ck_ok(oqz_tensor_from_ints(&t, &x, 1, err));
	ck_ok(oqz_graph_add_constant(g, name, &t, &v, err));
	oqz_tensor_release(&t);
	return v;
}

static char *order(const struct oqz_graph *g)
{
	static char buf[512];

	buf[0] = 0;
	for (size_t i = 0; i < g->nodes.n; i++) {
		ck_assert_int_eq(g->nodes.v[i]->index, (int)i);
		snprintf(buf + strlen(buf), sizeof buf - strlen(buf), "%s%s", i ? " " : "", g->nodes.v[i]->op_type);
	}
	return buf;
}

START_TEST(finish_orders_stably)
{
	struct oqz_graph *g = oqz_graph_new();

	input(g, "x");
	node(g, "D", "d", "c", "a");
	node(g, "A", "a", "x", NULL);
	node(g, "B", "b", "x", NULL);
	node(g, "C", "c", "b", "a");
	node(g, "E", "e", "x", NULL);
	output(g, "d");
	output(g, "e");
	ck_ok(oqz_graph_finish(g, err));
	ck_assert_str_eq(order(g), "B A C D E");
	ck_ok(oqz_graph_finish(g, err)); /* a legal order stays */
	ck_assert_str_eq(order(g), "B A C D E");
	struct oqz_value *a = value(g, "a");
	ck_assert_uint_eq(a->uses.n, 2);
	ck_assert_str_eq(a->uses.v[0]->op_type, "C");
	ck_assert_ptr_null(oqz_value_sole_use(a));
	ck_assert_ptr_eq(oqz_value_sole_use(value(g, "c")), value(g, "d")->producer);
	ck_assert_ptr_null(oqz_value_sole_use(value(g, "d")));
	oqz_graph_free(g);
}
END_TEST

START_TEST(cycles_are_named)
{
	struct oqz_graph *g = oqz_graph_new();

	input(g, "x");
	node(g, "Add", "a", "x", "b");
	node(g, "Relu", "b", "a", NULL);
	output(g, "b");
	ck_fails(oqz_graph_finish(g, err), OQZ_E_DATA, "part of a cycle");
	oqz_graph_free(g);
}
END_TEST

START_TEST(long_chains_do_not_overflow)
{
	enum { N = 200000 };
	struct oqz_graph *g = oqz_graph_new();
	char a[32], b[32];

	input(g, "v0");
	for (int i = N; i > 0; i--) { /* worst order: the last first */
		snprintf(a, sizeof a, "v%d", i - 1);
		snprintf(b, sizeof b, "v%d", i);
		node(g, "Relu", b, a, NULL);
	}
	snprintf(b, sizeof b, "v%d", N);
	output(g, b);
	ck_ok(oqz_graph_finish(g, err));
	ck_assert_str_eq(g->nodes.v[0]->in[0]->name, "v0");
	ck_assert_str_eq(g->nodes.v[N - 1]->out[0]->name, b);
	oqz_graph_free(g);
}
END_TEST

START_TEST(finish_drops_what_is_unused)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_node *n;

	input(g, "x");
	constant(g, "k", 1);
	constant(g, "unused", 2);
	node(g, "Relu", "a", "x", NULL);
	n = node(g, "Add", "b", "a", "k");
	struct oqz_value *out[2] = { value(g, "c"), value(g, "mask") }, *in = value(g, "a");
	ck_ok(oqz_graph_add_node(g, "drop", "", "Dropout", 13, &in, 1, out, 2, NULL, NULL, err));
	output(g, "c");
	n->dead = true;
	ck_ok(oqz_graph_finish(g, err));
	ck_assert_str_eq(order(g), "Relu Dropout");
	ck_assert_uint_eq(g->values.n, 3);
	ck_assert_ptr_null(oqz_graph_value(g, "k"));
	ck_assert_ptr_null(oqz_graph_value(g, "mask"));
	ck_assert_ptr_null(oqz_graph_node(g, "Add_b"));
	ck_assert_ptr_null(oqz_graph_node(g, "drop")->out[1]);
	oqz_graph_free(g);
}
END_TEST

START_TEST(values_without_source_are_errors)
{
	struct oqz_graph *g = oqz_graph_new();

	node(g, "Relu", "a", "ghost", NULL);
	output(g, "a");
	ck_fails(oqz_graph_finish(g, err), OQZ_E_DATA, "'ghost' (input of node 'Relu_a') is used but nothing makes it");
	oqz_graph_free(g);
}
END_TEST

START_TEST(double_sources_are_errors)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_value *x = input(g, "x"), *v, *two[2];

	node(g, "Relu", "a", "x", NULL);
	two[0] = value(g, "b");
	two[1] = value(g, "a");
	ck_fails(oqz_graph_add_node(g, NULL, "", "Split", 13, &x, 1, two, 2, NULL, NULL, err), OQZ_E_DATA, "'a'");
	ck_assert_ptr_null(two[0]->producer);
	ck_fails(oqz_graph_add_value(g, "a", &v, err), OQZ_E_DATA, "two values are named 'a'");
	ck_fails(oqz_graph_add_value(g, "", &v, err), OQZ_E_DATA, "without a name");
	oqz_graph_free(g);
}
END_TEST

START_TEST(replace_keeps_output_names)
{
	struct oqz_graph *g = oqz_graph_new();

	input(g, "x");
	node(g, "Relu", "a", "x", NULL);
	struct oqz_node *id = node(g, "Identity", "y", "a", NULL);
	node(g, "Add", "z", "a", "a");
	output(g, "y");
	output(g, "z");
	struct oqz_value *a = value(g, "a"), *y = value(g, "y");
	ck_assert(!oqz_graph_can_replace(y, value(g, "x")) && !oqz_graph_can_replace(y, value(g, "z")));
	ck_fails(oqz_graph_replace(g, y, value(g, "x"), err), OQZ_E_INTERNAL, "name to keep");
	ck_ok(oqz_graph_replace(g, y, a, err));
	id->dead = true;
	ck_ok(oqz_graph_finish(g, err));
	ck_assert_str_eq(a->name, "y");
	ck_assert_ptr_eq(oqz_graph_value(g, "y"), a);
	ck_assert_ptr_null(oqz_graph_value(g, "a"));
	ck_assert_ptr_eq(g->outputs.v[0], a);
	ck_assert_uint_eq(a->uses.n, 2);

	/* inner values: every use moves */
	struct oqz_value *x = value(g, "x");
	ck_ok(oqz_graph_replace(g, x, constant(g, "k", 3), err));
	ck_assert_uint_eq(x->uses.n, 0);
	ck_assert_str_eq(g->nodes.v[0]->in[0]->name, "k");
	oqz_graph_free(g);
}
END_TEST

START_TEST(inputs_and_constants_can_be_set)
{
	struct oqz_graph *g = oqz_graph_new();

	input(g, "x");
	struct oqz_node *n = node(g, "Clip", "a", "x", NULL);
	struct oqz_value *k = constant(g, "k", 4);
	ck_ok(oqz_node_set_input(n, 2, k, err));
	ck_assert_int_eq(n->n_in, 3);
	ck_assert_ptr_null(n->in[1]);
	ck_assert_uint_eq(k->uses.n, 1);
	ck_ok(oqz_node_set_input(n, 2, NULL, err));
	ck_assert_uint_eq(k->uses.n, 0);

	struct oqz_value *a = value(g, "a");
	output(g, "a");
	ck_ok(oqz_value_set_constant(g, a, k->constant, err));
	ck_assert_ptr_null(a->producer);
	ck_assert_ptr_eq(a->constant->data, k->constant->data); /* shared */
	ck_assert_int_eq(a->type.dtype, OQZ_DT_I64);

	/* borrowed memory is copied */
	int64_t seven = 7;
	struct oqz_tensor t = { .dtype = OQZ_DT_I64, .shape = { .rank = 0 }, .data = &seven };
	ck_ok(oqz_value_set_constant(g, a, &t, err));
	seven = 8;
	ck_assert_int_eq(oqz_load_i(OQZ_DT_I64, a->constant->data, 0), 7);
	ck_ok(oqz_graph_finish(g, err));
	ck_assert_ptr_null(n->out[0]);
	oqz_graph_free(g);
}
END_TEST

START_TEST(attributes_are_kept_replaced_removed)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_tensor t = { 0 };
	char name[16];

	input(g, "x");
	struct oqz_node *n = node(g, "Op", "a", "x", NULL);
	for (int i = 0; i < 9; i++) {
		snprintf(name, sizeof name, "i%d", i);
		ck_ok(oqz_node_set_int(n, name, i, err));
	}
	ck_ok(oqz_node_set_int(n, "i3", 33, err));
	ck_ok(oqz_node_set_string(n, "s", "text", err));
	ck_ok(oqz_node_set_float(n, "f", 0.5f, err));
	ck_ok(oqz_node_set_ints(n, "v", (int64_t[]) { 1, 2 }, 2, err));
	ck_ok(oqz_node_set_ints(n, "none", NULL, 0, err));
	ck_ok(oqz_tensor_from_ints(&t, (int64_t[]) { 5 }, 1, err));
	ck_ok(oqz_node_set_tensor(n, "t", &t, err));
	oqz_tensor_release(&t);
	oqz_node_remove_attr(n, "i0");
	oqz_node_remove_attr(n, "no such");
	ck_assert_uint_eq(n->n_attr, 13);
	ck_assert_ptr_null(oqz_node_attr(n, "i0"));
	ck_assert_int_eq(oqz_node_attr(n, "i3")->i, 33);
	ck_assert_int_eq(oqz_node_attr(n, "i8")->i, 8);
	ck_assert_str_eq(oqz_node_attr(n, "s")->s, "text");
	ck_assert_int_eq(oqz_node_attr(n, "v")->ints[1], 2);
	ck_assert_int_eq(oqz_load_i(OQZ_DT_I64, oqz_node_attr(n, "t")->tensor->data, 0), 5);
	oqz_graph_free(g);
}
END_TEST

/* If(cond) { then: r = Relu(a) } with `a` of the graph around it. */
static struct oqz_graph *with_body(void)
{
	struct oqz_graph *g = oqz_graph_new(), *body = oqz_graph_new();

	input(g, "cond");
	input(g, "x");
	struct oqz_node *n = node(g, "If", "y", "cond", NULL);
	node(g, "Relu", "a", "x", NULL);
	output(g, "y");
	body->parent = g;
	body->name = "then";
	struct oqz_value *r = value(body, "r"), *a = value(g, "a");
	ck_ok(oqz_graph_add_node(body, NULL, "", "Neg", 13, &a, 1, &r, 1, NULL, NULL, err));
	output(body, "r");
	struct oqz_attr attr = { .name = "then_branch", .type = OQZ_ATTR_GRAPH, .graph = body };
	ck_ok(oqz_node_set_attr(n, &attr, err));
	return g;
}

START_TEST(bodies_make_their_node_depend)
{
	struct oqz_graph *g = with_body();

	ck_ok(oqz_graph_finish(g, err));
	ck_assert_str_eq(order(g), "Relu If");
	struct oqz_value *a = value(g, "a");
	ck_assert_uint_eq(a->uses.n, 1);
	ck_assert_ptr_null(oqz_value_sole_use(a)); /* its consumer is elsewhere */
	g->nodes.v[1]->dead = true;
	g->outputs.n = 0;
	value(g, "y")->is_output = false;
	ck_ok(oqz_graph_finish(g, err));
	ck_assert_str_eq(order(g), "Relu");
	oqz_graph_free(g);
}
END_TEST

START_TEST(dead_body_nodes_leave_outer_use_lists)
{
	struct oqz_graph *g = with_body();

	ck_ok(oqz_graph_finish(g, err));
	struct oqz_graph *body = g->nodes.v[1]->attr[0].graph;
	body->nodes.v[0]->dead = true;
	struct oqz_value *r = body->outputs.v[0];
	constant(body, "k", 1);
	ck_ok(oqz_graph_replace(body, r, value(body, "k"), err));
	ck_ok(oqz_graph_finish(body, err));
	ck_assert_uint_eq(value(g, "a")->uses.n, 0);
	oqz_graph_free(g);
}
END_TEST

START_TEST(clones_stand_alone)
{
	struct oqz_graph *g = with_body(), *c, *d;
	struct oqz_str text = { 0 }, again = { 0 };
	int params = 5;

	constant(g, "k", 6);
	struct oqz_node *add = node(g, "Add", "z", "a", "k");
	output(g, "z");
	ck_ok(oqz_node_set_int(add, "one", 1, err));
	ck_ok(oqz_node_set_int(add, "two", 2, err));
	ck_ok(oqz_node_set_int(add, "three", 3, err));
	add->params = &params;
	ck_ok(oqz_graph_finish(g, err));
	void *data = oqz_graph_value(g, "k")->constant->data;
	oqz_graph_dump(g, &text);
	ck_ok(oqz_graph_clone(g, &c, err));
	ck_fails(oqz_graph_clone(c->nodes.v[1]->attr[0].graph, &d, err), OQZ_E_INTERNAL, "not alone");
	oqz_graph_free(g);
	ck_ok(oqz_graph_clone(c, &d, err));
	oqz_graph_free(c);
	oqz_graph_dump(d, &again);
	ck_assert_str_eq(text.s, again.s);
	ck_assert_ptr_eq(oqz_graph_value(d, "k")->constant->data, data);
	ck_assert_ptr_eq(oqz_graph_node(d, "Add_z")->params, &params);
	ck_ok(oqz_node_set_int(oqz_graph_node(d, "Add_z"), "four", 4, err));
	ck_ok(oqz_node_set_int(oqz_graph_node(d, "Add_z"), "five", 5, err));
	struct oqz_graph *body = oqz_graph_node(d, "If_y")->attr[0].graph;
	ck_assert_ptr_eq(body->parent, d);
	ck_assert_ptr_eq(body->nodes.v[0]->in[0], oqz_graph_value(d, "a"));
	ck_ok(oqz_graph_finish(d, err));
	oqz_graph_free(d);
	oqz_str_release(&text);
	oqz_str_release(&again);
}
END_TEST

START_TEST(names_stay_unique)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_value *x = input(g, "x"), *a = value(g, "a"), *b = value(g, "b");
	struct oqz_node *n, *m;

	ck_ok(oqz_graph_add_node(g, "same", "", "Relu", 13, &x, 1, &a, 1, NULL, &n, err));
	ck_ok(oqz_graph_add_node(g, "same", "", "Relu", 13, &x, 1, &b, 1, n, &m, err));
	ck_assert_str_eq(n->name, "same");
	ck_assert_str_eq(m->name, "same_1");
	ck_assert_ptr_eq(g->nodes.v[0], m); /* before n */
	ck_assert_str_eq(oqz_graph_fresh_name(g, "a"), "a_2");
	ck_assert_str_eq(oqz_graph_fresh_name(g, "new"), "new");
	struct oqz_err err;
	oqz_err_set(&err, OQZ_E_DATA, "bad");
	oqz_node_err(n, &err);
	ck_assert_str_eq(err.msg, "node 'same' (Relu-13): bad");
	oqz_graph_free(g);
}
END_TEST

START_TEST(dump_shows_everything)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_str s = { 0 };

	struct oqz_value *x = input(g, "x");
	x->type = (struct oqz_type) { OQZ_DT_F32, { .rank = 2, .dim = { -1, 3 } } };
	x->dim_name[0] = "N";
	struct oqz_node *n = node(g, "Add", "y", "x", "k");
	struct oqz_tensor t = { 0 };
	ck_ok(oqz_tensor_from_ints(&t, (int64_t[]) { 1 }, 1, err));
	ck_ok(oqz_value_set_constant(g, value(g, "k"), &t, err));
	oqz_tensor_release(&t);
	ck_ok(oqz_node_set_ints(n, "v", (int64_t[]) { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, 9, err));
	output(g, "y");
	ck_ok(oqz_graph_finish(g, err));
	oqz_graph_dump(g, &s);
	ck_assert_str_eq(s.s, "graph ''\ninput x float32[N,3]\nconst k int64[1]\n"
	                      "y ?[*] = Add(x, k) {v=[1,2,3,4,5,6,7,8,...]}  # Add_y\noutput y ?[*]\n");
	oqz_str_release(&s);
	oqz_graph_free(g);
}
END_TEST

OQZ_TEST_MAIN("graph", finish_orders_stably, cycles_are_named, long_chains_do_not_overflow, finish_drops_what_is_unused,
              values_without_source_are_errors, double_sources_are_errors, replace_keeps_output_names,
              inputs_and_constants_can_be_set, attributes_are_kept_replaced_removed, bodies_make_their_node_depend,
              dead_body_nodes_leave_outer_use_lists, clones_stand_alone, names_stay_unique, dump_shows_everything)
