/* SPDX-License-Identifier: Apache-2.0
 *
 * core/onnx: models - scopes, functions, broken graphs, and the way back to a file.
 */
#include "tests/support/support.h"
#include "core/base/str.h"
#include "core/base/file.h"
#include "core/onnx/onnx_impl.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- models, made by a few helpers; memory belongs to one arena a test ---- */

static struct oqz_arena *arena;

#define MSG(T, init)                             \
	({                                       \
		T *m_ = OQZ_ARENA_NEW(arena, T); \
		init(m_);                        \
		m_;                              \
	})

static char **words(const char *text, size_t *n)
{
	char **list = OQZ_ARENA_NEW_N(arena, char *, 16), *copy = oqz_arena_strdup(arena, text);

	*n = 0;
	for (char *s; (s = strsep(&copy, " "));)
		list[(*n)++] = strcmp(s, "-") ? s : (char *)"";
	if (!*text)
		*n = 0;
	return list;
}

static Onnx__AttributeProto *attr_int(const char *name, int64_t v)
{
	Onnx__AttributeProto *a = MSG(Onnx__AttributeProto, onnx__attribute_proto__init);

	a->name = (char *)name;
	a->has_type = a->has_i = true;
	a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
	a->i = v;
	return a;
}

static Onnx__AttributeProto *attr_ref(const char *name, const char *ref)
{
	Onnx__AttributeProto *a = attr_int(name, 0);

	a->ref_attr_name = (char *)ref;
	return a;
}

static Onnx__AttributeProto *attr_graph(const char *name, Onnx__GraphProto *g)
{
	Onnx__AttributeProto *a = MSG(Onnx__AttributeProto, onnx__attribute_proto__init);

	a->name = (char *)name;
	a->has_type = true;
	a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH;
	a->g = g;
	return a;
}

static Onnx__NodeProto *op(const char *domain, const char *type, const char *in, const char *out,
                           Onnx__AttributeProto *a)
{
	Onnx__NodeProto *n = MSG(Onnx__NodeProto, onnx__node_proto__init);

	n->domain = (char *)domain;
	n->op_type = (char *)type;
	n->input = words(in, &n->n_input);
	n->output = words(out, &n->n_output);
	n->attribute = OQZ_ARENA_NEW_N(arena, Onnx__AttributeProto *, 4);
	if (a)
		n->attribute[n->n_attribute++] = a;
	return n;
}

static Onnx__ValueInfoProto **infos(const char *names, size_t *n)
{
	char **list = words(names, n);
	Onnx__ValueInfoProto **v = OQZ_ARENA_NEW_N(arena, Onnx__ValueInfoProto *, *n);

	for (size_t i = 0; i < *n; i++) {
		v[i] = MSG(Onnx__ValueInfoProto, onnx__value_info_proto__init);
		v[i]->name = list[i];
	}
	return v;
}

static Onnx__GraphProto *graph(const char *in, const char *out)
{
	Onnx__GraphProto *g = MSG(Onnx__GraphProto, onnx__graph_proto__init);

	g->name = (char *)"main";
	g->input = infos(in, &g->n_input);
	g->output = infos(out, &g->n_output);
	g->node = OQZ_ARENA_NEW_N(arena, Onnx__NodeProto *, 32);
	g->initializer = OQZ_ARENA_NEW_N(arena, Onnx__TensorProto *, 8);
	return g;
}

static void initializer(Onnx__GraphProto *g, const char *name, float x)
{
	Onnx__TensorProto *p = MSG(Onnx__TensorProto, onnx__tensor_proto__init);

	p->name = (char *)name;
	p->has_data_type = true;
	p->data_type = OQZ_DT_F32;
	p->float_data = oqz_arena_dup(arena, &x, sizeof x);
	p->n_float_data = 1;
	g->initializer[g->n_initializer++] = p;
}

static Onnx__OperatorSetIdProto **opsets(size_t *n)
{
	Onnx__OperatorSetIdProto **v = OQZ_ARENA_NEW_N(arena, Onnx__OperatorSetIdProto *, 2);

	for (size_t i = 0; i < 2; i++) {
		v[i] = MSG(Onnx__OperatorSetIdProto, onnx__operator_set_id_proto__init);
		v[i]->domain = (char *)(i ? "my" : "");
		v[i]->has_version = true;
		v[i]->version = i ? 3 : 17;
	}
	*n = 2;
	return v;
}

static Onnx__ModelProto *model(Onnx__GraphProto *g)
{
	Onnx__ModelProto *m = MSG(Onnx__ModelProto, onnx__model_proto__init);

	m->graph = g;
	m->opset_import = opsets(&m->n_opset_import);
	m->functions = OQZ_ARENA_NEW_N(arena, Onnx__FunctionProto *, 4);
	return m;
}

static Onnx__FunctionProto *function(Onnx__ModelProto *m, const char *name, const char *in, const char *out)
{
	Onnx__FunctionProto *f = MSG(Onnx__FunctionProto, onnx__function_proto__init);

	f->domain = (char *)"my";
	f->name = (char *)name;
	f->input = words(in, &f->n_input);
	f->output = words(out, &f->n_output);
	f->node = OQZ_ARENA_NEW_N(arena, Onnx__NodeProto *, 8);
	f->opset_import = opsets(&f->n_opset_import);
	f->attribute_proto = OQZ_ARENA_NEW_N(arena, Onnx__AttributeProto *, 2);
	m->functions[m->n_functions++] = f;
	return f;
}

static enum oqz_status parse(const Onnx__ModelProto *m, struct oqz_graph **ret, struct oqz_err *err)
{
	size_t size = protobuf_c_message_get_packed_size(&m->base);
	OQZ_CLEANUP_FREE uint8_t *data = malloc(size);

	protobuf_c_message_pack(&m->base, data);
	return oqz_onnx_parse(data, size, "m.onnx", NULL, ret, err);
}

static char *dump(const struct oqz_graph *g)
{
	struct oqz_str s = { 0 };

	oqz_graph_dump(g, &s);
	return s.s;
}

#define ADD(list, ...) (list)->node[(list)->n_node++] = op(__VA_ARGS__)

/* Parses and compares the listing, then frees everything. */
static void check_model(const Onnx__ModelProto *m, const char *want)
{
	struct oqz_graph *g;

	ck_ok(parse(m, &g, err));
	char *got = dump(g);
	ck_assert_str_eq(got, want);
	free(got);
	oqz_graph_free(g);
}

START_TEST(graphs_load_in_any_order)
{
	arena = oqz_arena_new();
	Onnx__GraphProto *g = graph("x w", "y");
	initializer(g, "w", 2); /* an input with a default is a constant */
	ADD(g, "", "Add", "a k", "y", NULL);
	ADD(g, "ai.onnx", "Constant", "", "k", attr_int("value_int", 5));
	ADD(g, NULL, "Mul", "x w", "a", NULL);
	check_model(model(g),
	            "graph 'main'\nopset ai.onnx 17\nopset my 3\nconst w float32[]\ninput x ?[*]\nconst k int64[]\n"
	            "a ?[*] = Mul(x, w)  # Mul_a\ny ?[*] = Add(a, k)  # Add_y\noutput y ?[*]\n");
	oqz_arena_free(arena);
}
END_TEST

/* float32 [1, dim] */
static void declare(Onnx__ValueInfoProto *v, int64_t dim)
{
	Onnx__TypeProto *t = v->type = MSG(Onnx__TypeProto, onnx__type_proto__init);

	t->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
	t->tensor_type = MSG(Onnx__TypeProto__Tensor, onnx__type_proto__tensor__init);
	t->tensor_type->has_elem_type = true;
	t->tensor_type->elem_type = OQZ_DT_F32;
	Onnx__TensorShapeProto *s = t->tensor_type->shape = MSG(Onnx__TensorShapeProto, onnx__tensor_shape_proto__init);
	s->dim = OQZ_ARENA_NEW_N(arena, Onnx__TensorShapeProto__Dimension *, 2);
	for (s->n_dim = 0; s->n_dim < 2; s->n_dim++) {
		s->dim[s->n_dim] = MSG(Onnx__TensorShapeProto__Dimension, onnx__tensor_shape_proto__dimension__init);
		s->dim[s->n_dim]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
		s->dim[s->n_dim]->dim_value = s->n_dim ? dim : 1;
	}
}

START_TEST(declared_dimensions_are_checked)
{
	struct oqz_graph *ret;

	arena = oqz_arena_new();
	Onnx__GraphProto *g = graph("x", "y");
	ADD(g, "", "Relu", "x", "y", NULL);
	declare(g->input[0], -5);
	ck_fails(parse(model(g), &ret, err), OQZ_E_DATA, "m.onnx: value 'x' is declared with dimension 1 of -5");
	declare(g->input[0], INT64_MIN);
	ck_fails(parse(model(g), &ret, err), OQZ_E_DATA,
	         "value 'x' is declared with dimension 1 of -9223372036854775808");
	declare(g->input[0], -1);
	ck_ok(parse(model(g), &ret, err));
	ck_assert_int_eq(ret->inputs.v[0]->type.shape.dim[1], OQZ_DIM_UNKNOWN);
	oqz_graph_free(ret);
	declare(g->input[0], 3);
	declare(g->output[0], -2);
	ck_fails(parse(model(g), &ret, err), OQZ_E_DATA, "value 'y' is declared with dimension 1 of -2");
	oqz_arena_free(arena);
}
END_TEST

START_TEST(broken_graphs_are_named)
{
	struct oqz_graph *ret;
	struct {
		const char *in, *out, *text;
	} cases[] = {
		{ "ghost", "y", "m.onnx: node 'y' (Relu): input 'ghost' is not defined" },
		{ "x", "x", "two values are named 'x'" },
		{ "x", "z", "output 'y' is not defined" },
		{ "y", "y", "is part of a cycle" },
	};

	for (size_t i = 0; i < OQZ_COUNTOF(cases); i++) {
		arena = oqz_arena_new();
		Onnx__GraphProto *g = graph("x", "y");
		ADD(g, "", "Relu", cases[i].in, cases[i].out, NULL);
		ck_fails(parse(model(g), &ret, err), OQZ_E_DATA, cases[i].text);
		ck_fails(parse(model(g), &ret, err), OQZ_E_DATA, "m.onnx: ");
		oqz_arena_free(arena);
	}
	arena = oqz_arena_new();
	Onnx__GraphProto *g = graph("x", "y");
	ADD(g, "other", "Relu", "x", "y", NULL);
	ck_fails(parse(model(g), &ret, err), OQZ_E_DATA, "domain 'other'");
	g->node[0] = op("", "Relu", "x", "y", attr_ref("a", "b"));
	ck_fails(parse(model(g), &ret, err), OQZ_E_DATA, "refers to a function's");
	g->node[0] = op("", "Relu", "x", "y", attr_int("captured", 1)); /* what the program adds to nodes with bodies */
	ck_fails(parse(model(g), &ret, err), OQZ_E_DATA, "node 'y' (Relu): unknown attribute captured");
	g->node[0] = op("", "Constant", "", "y", attr_int("value_string", 1));
	ck_fails(parse(model(g), &ret, err), OQZ_E_UNSUPPORTED, "node 'y' (Constant): attribute value_string");
	ck_fails(parse(model(NULL), &ret, err), OQZ_E_DATA, "there is no graph");
	ck_fails(oqz_onnx_parse("GIF89a", 6, "x.gif", NULL, &ret, err), OQZ_E_DATA, "x.gif: not an ONNX file");
	oqz_arena_free(arena);
}
END_TEST

START_TEST(bodies_see_outer_names)
{
	struct oqz_graph *ret;

	arena = oqz_arena_new();
	Onnx__GraphProto *g = graph("c x", "y"), *yes = graph("", "r"), *no = graph("", "a");
	ADD(yes, "", "Neg", "a", "r", NULL);
	ADD(g, "", "If", "c", "y", attr_graph("then_branch", yes));
	g->node[0]->attribute[g->node[0]->n_attribute++] = attr_graph("else_branch", no); /* hands `a` through */
	ADD(g, "", "Relu", "x", "a", NULL);
	ck_ok(parse(model(g), &ret, err));
	ck_assert_str_eq(ret->nodes.v[0]->op_type, "Relu");
	const struct oqz_node *n = oqz_graph_node(ret, "If_y");
	const struct oqz_graph *body = oqz_node_attr(n, "then_branch")->graph;
	ck_assert_ptr_eq(body->parent, ret);
	ck_assert_ptr_eq(body->nodes.v[0]->in[0], oqz_graph_value(ret, "a"));
	body = oqz_node_attr(n, "else_branch")->graph;
	ck_assert_str_eq(body->nodes.v[0]->op_type, "Identity");
	ck_assert_int_eq(body->nodes.v[0]->opset, 17);
	ck_assert_ptr_eq(body->nodes.v[0]->in[0], oqz_graph_value(ret, "a"));
	oqz_graph_free(ret);
	oqz_arena_free(arena);
}
END_TEST

START_TEST(functions_are_inlined)
{
	arena = oqz_arena_new();
	Onnx__GraphProto *g = graph("x", "y z");
	Onnx__ModelProto *m = model(g);
	Onnx__FunctionProto *outer = function(m, "Outer", "a b", "r s"), *inner = function(m, "Inner", "a", "t");
	/* Outer(a, b) -> r = Inner(Inner(a)) with axis given, s = a handed through */
	ADD(outer, "my", "Inner", "a", "m", attr_ref("axis", "which"));
	ADD(outer, "my", "Inner", "m", "r", NULL);
	outer->output[1] = (char *)"a";
	ADD(inner, "", "Softmax", "a", "u", attr_ref("axis", "axis"));
	ADD(inner, "", "Clip", "u - k", "t", NULL);
	ADD(inner, "", "Constant", "", "k", attr_int("value_int", 6));
	inner->attribute_proto[inner->n_attribute_proto++] = attr_int("axis", 7);
	ADD(g, "my", "Outer", "x", "y z", attr_int("which", 1));
	g->node[0]->name = (char *)"call";
	check_model(m, "graph 'main'\nopset ai.onnx 17\nopset my 3\ninput x ?[*]\n"
	               "const call/Inner/k int64[]\nconst call/Inner/k_2 int64[]\n"
	               "call/Inner/u ?[*] = Softmax(x) {axis=1}  # Softmax_call/Inner/u\n"
	               "call/m ?[*] = Clip(call/Inner/u, -, call/Inner/k)  # Clip_call/m\n"
	               "call/Inner/u_1 ?[*] = Softmax(call/m) {axis=7}  # Softmax_call/Inner/u_1\n"
	               "y ?[*] = Clip(call/Inner/u_1, -, call/Inner/k_2)  # Clip_y\n"
	               "z ?[*] = Identity(x)  # Identity_z\noutput y ?[*]\noutput z ?[*]\n");
	oqz_arena_free(arena);
}
END_TEST

START_TEST(functions_cannot_explode)
{
	struct oqz_graph *ret;

	arena = oqz_arena_new();
	Onnx__GraphProto *g = graph("x", "y");
	Onnx__ModelProto *m = model(g);
	Onnx__FunctionProto *f = function(m, "F", "a", "b");
	ADD(f, "my", "F", "a", "c", NULL);
	ADD(f, "my", "F", "c", "b", NULL);
	ADD(g, "my", "F", "x", "y", NULL);
	ck_fails(parse(m, &ret, err), OQZ_E_LIMIT, "function F");
	oqz_arena_free(arena);
}
END_TEST

/* A call that stands in a body is a call: F through If, Loop and Scan, and F and G through each other's Scan. */
START_TEST(functions_cannot_call_themselves_from_bodies)
{
	static const struct {
		const char *op, *attr, *in, *body_in, *body_out;
	} via[] = { { "If", "then_branch", "c", "", "u" },
		    { "Loop", "body", "- c a", "i d e", "d u" },
		    { "Scan", "body", "a", "e", "u" } };

	for (size_t i = 0; i < 2 * OQZ_COUNTOF(via); i++) {
		size_t v = i % OQZ_COUNTOF(via);
		struct oqz_graph *ret;

		arena = oqz_arena_new();
		Onnx__GraphProto *g = graph("x c", "y"), *body = graph(via[v].body_in, via[v].body_out);
		Onnx__ModelProto *m = model(g);
		Onnx__FunctionProto *f = function(m, "F", "a c", "b");
		bool other = i >= OQZ_COUNTOF(via); /* F calls G, which calls F */
		ADD(body, "my", other ? "G" : "F", "a c", "u", NULL);
		ADD(f, "", via[v].op, via[v].in, "b", attr_graph(via[v].attr, body));
		if (v == 0) { /* both branches call */
			Onnx__GraphProto *no = graph("", "w");
			ADD(no, "my", "F", "a c", "w", NULL);
			f->node[0]->attribute[f->node[0]->n_attribute++] = attr_graph("else_branch", no);
		} else if (v == 2) {
			f->node[0]->attribute[f->node[0]->n_attribute++] = attr_int("num_scan_inputs", 1);
		}
		if (other) {
			Onnx__GraphProto *back = graph("e", "u");
			Onnx__FunctionProto *h = function(m, "G", "a c", "b");
			ADD(back, "my", "F", "e c", "u", NULL);
			ADD(h, "", "Scan", "a", "b", attr_graph("body", back));
			h->node[0]->attribute[h->node[0]->n_attribute++] = attr_int("num_scan_inputs", 1);
		}
		ADD(g, "my", "F", "x c", "y", NULL);
		ck_fails(parse(m, &ret, err), OQZ_E_LIMIT, "function F");
		ck_fails(parse(m, &ret, err), OQZ_E_LIMIT, "deep");
		oqz_arena_free(arena);
	}
}
END_TEST

static struct oqz_graph *everything(void)
{
	struct oqz_graph *g, *copy;

	arena = oqz_arena_new();
	Onnx__GraphProto *p = graph("c x", "y"), *body = graph("", "r");
	ADD(body, "", "Neg", "a", "r", NULL);
	ADD(p, "", "If", "c", "t", attr_graph("then_branch", body));
	ADD(p, "", "Relu", "x", "a", NULL);
	ADD(p, "", "Add", "t w", "y", NULL);
	initializer(p, "w", 3);
	ck_ok(parse(model(p), &g, err));
	oqz_arena_free(arena);

	struct oqz_node *n = oqz_graph_node(g, "Add_y");
	struct oqz_tensor t = { 0 };
	struct oqz_value *v;
	struct oqz_shape s = { .rank = 2, .dim = { 3, 171 } };
	static const enum oqz_dtype types[] = { OQZ_DT_I4,  OQZ_DT_U4,   OQZ_DT_F4E2M1, OQZ_DT_U2,
		                                OQZ_DT_F16, OQZ_DT_BOOL, OQZ_DT_F64 };
	for (size_t i = 0; i < OQZ_COUNTOF(types); i++) {
		ck_ok(oqz_tensor_alloc(&t, types[i], &s, err));
		for (size_t k = 0; k < 513; k++)
			oqz_store_f(types[i], t.data, k, (double)(k % 7) - 2);
		ck_ok(oqz_graph_add_constant(g, oqz_dtype_name(types[i]), &t, &v, err));
		ck_ok(oqz_node_set_input(n, n->n_in, v, err));
		oqz_tensor_release(&t);
	}
	struct oqz_attr strings = {
		.name = "strings", .type = OQZ_ATTR_STRINGS, .n = 2, .strings = (const char *[]) { "a", "" }
	};
	struct oqz_attr floats = { .name = "floats", .type = OQZ_ATTR_FLOATS, .n = 2, .floats = (float[]) { 1, 0.1f } };
	struct oqz_attr bytes = { .name = "bytes", .type = OQZ_ATTR_STRING, .n = 3, .s = "a\0b" };
	ck_ok(oqz_node_set_attr(n, &strings, err));
	ck_ok(oqz_node_set_attr(n, &floats, err));
	ck_ok(oqz_node_set_attr(n, &bytes, err));
	ck_ok(oqz_node_set_float(n, "f", 0.5f, err));
	ck_ok(oqz_node_set_int(n, "i", -1, err));
	ck_ok(oqz_node_set_ints(n, "v", (int64_t[]) { 1, -2 }, 2, err));
	ck_ok(oqz_node_set_tensor(n, "t", g->values.v[0]->constant ? g->values.v[0]->constant : v->constant, err));
	struct oqz_value *x = oqz_graph_value(g, "x"), *c = oqz_graph_value(g, "c");
	x->type = (struct oqz_type) { OQZ_DT_F32, { .rank = 3, .dim = { -1, 3, -1 } } };
	x->dim_name[0] = "N";
	c->kind = OQZ_VALUE_SEQUENCE;
	c->type = (struct oqz_type) { OQZ_DT_BOOL, { .rank = 0 } };
	ck_assert(oqz_vec_push(&g->metadata, ((struct oqz_metadata) { "author", "nobody" })));
	ck_ok(oqz_graph_finish(g, err));
	ck_ok(oqz_graph_clone(g, &copy, err)); /* a clone saves like its origin */
	oqz_graph_free(g);
	return copy;
}

/* Lines of a listing do not depend on where constants stand, their order does. */
static void same_graph(const struct oqz_graph *a, const struct oqz_graph *b)
{
	char *s = dump(a), *t = dump(b);

	ck_assert_uint_eq(strlen(s), strlen(t));
	for (char *line = strtok(s, "\n"); line; line = strtok(NULL, "\n"))
		ck_assert_msg(strstr(t, line) != NULL, "missing: %s", line);
	for (size_t i = 0; i < a->values.n; i++) {
		const struct oqz_tensor *c = a->values.v[i]->constant;
		if (c)
			ck_assert(memcmp(c->data, oqz_graph_value(b, a->values.v[i]->name)->constant->data,
			                 oqz_tensor_bytes(c)) == 0);
	}
	free(s);
	free(t);
}

START_TEST(what_is_saved_loads_again)
{
	struct oqz_graph *g = everything(), *h;
	char path[600], data[700];

	snprintf(path, sizeof path, "%s/m.onnx", test_tmpdir("onnx_save"));
	snprintf(data, sizeof data, "%s.data", path);
	ck_ok(oqz_onnx_save(g, path, err));
	ck_assert_int_ne(access(data, F_OK), 0);
	ck_ok(oqz_onnx_load(path, &h, err));
	same_graph(g, h);
	ck_assert_str_eq(h->metadata.v[0].value, "nobody");
	ck_assert_uint_eq(h->data_files.n, 0);
	ck_assert_int_eq(oqz_node_attr(oqz_graph_node(h, "Add_y"), "bytes")->s[2], 'b');
	oqz_graph_free(h);

	ck_ok(oqz_onnx_save_limit(g, path, 1000, err));
	ck_assert_int_eq(access(data, F_OK), 0);
	ck_ok(oqz_onnx_load(path, &h, err));
	same_graph(g, h);
	ck_assert_uint_eq(h->data_files.n, 1); /* whatever many tensors lie in it */
	ck_assert_str_eq(oqz_path_base(h->data_files.v[0]), "m.onnx.data");
	oqz_graph_free(h);
	ck_assert_int_eq(truncate(data, 100), 0);
	ck_fails(oqz_onnx_load(path, &h, err), OQZ_E_DATA, "m.onnx.data' does not have");
	oqz_graph_free(g);
}
END_TEST

START_TEST(mixed_operator_sets_cannot_be_saved)
{
	struct oqz_graph *g = everything();

	g->nodes.v[0]->opset = 5;
	ck_fails(oqz_onnx_save(g, "never.onnx", err), OQZ_E_UNSUPPORTED, "resolve it first");
	oqz_graph_free(g);
}
END_TEST

OQZ_TEST_MAIN("onnx", graphs_load_in_any_order, declared_dimensions_are_checked, broken_graphs_are_named,
              bodies_see_outer_names, functions_are_inlined, functions_cannot_explode,
              functions_cannot_call_themselves_from_bodies, what_is_saved_loads_again,
              mixed_operator_sets_cannot_be_saved)
