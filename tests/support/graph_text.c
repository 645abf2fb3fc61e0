/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines to nodes; names are looked up in the body at hand, then in what is around it.
 */
#include "tests/support/graph_text.h"
#include "core/base/rng.h"
#include "core/ops/op.h"
#include "tests/support/op_text.h"

#include <ctype.h>
#include <string.h>

enum { MAX_NAMES = 16 };

static struct oqz_value *find(struct oqz_graph *g, const char *name)
{
	for (; g; g = g->parent)
		if (oqz_graph_value(g, name))
			return oqz_graph_value(g, name);
	ck_abort_msg("no value '%s'", name);
	return NULL;
}

static struct oqz_value *make(struct oqz_graph *g, const char *name)
{
	struct oqz_value *v = NULL;

	ck_ok(oqz_graph_add_value(g, oqz_arena_strdup(g->arena, name), &v, err));
	return v;
}

/* Words between blanks; cuts the text up. */
static int words(char *text, char **word)
{
	int n = 0;

	for (char *save = NULL, *p = strtok_r(text, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		ck_assert_int_lt(n, MAX_NAMES);
		word[n++] = p;
	}
	return n;
}

/* float32[2,?]: open dimensions are unknown ones. */
static struct oqz_type type_of(char *text)
{
	int64_t open[OQZ_MAX_RANK] = { 0 };
	int at = 0;

	for (char *p = text; *p; p++) {
		at += *p == ',';
		if (*p == '?') {
			*p = '0';
			open[at] = 1;
		}
	}
	struct oqz_tensor t = op_tensor(text);
	struct oqz_type ret = { t.dtype, t.shape };

	for (int d = 0; d < ret.shape.rank; d++)
		if (open[d])
			ret.shape.dim[d] = OQZ_DIM_UNKNOWN;
	oqz_tensor_release(&t);
	return ret;
}

static void add_input(struct oqz_graph *g, char *text)
{
	char *word[MAX_NAMES];

	ck_assert_msg(words(text, word) == 2, "an input is a name and a type");
	struct oqz_value *v = make(g, word[0]);
	v->type = type_of(word[1]);
	v->is_input = true;
	ck_assert(oqz_vec_push(&g->inputs, v));
}

static void add_outputs(struct oqz_graph *g, char *text)
{
	char *word[MAX_NAMES];
	int n = words(text, word);

	for (int i = 0; i < n; i++) {
		char *type = strchr(word[i], ':');
		if (type)
			*type++ = 0;
		struct oqz_value *v = find(g, word[i]);
		if (type)
			v->type = type_of(type);
		v->is_output = true;
		ck_assert(oqz_vec_push(&g->outputs, v));
	}
}

static void add_constant(struct oqz_graph *g, const char *name, const char *text)
{
	struct oqz_tensor t = op_tensor(text);
	struct oqz_value *v;

	ck_ok(oqz_graph_add_constant(g, oqz_arena_strdup(g->arena, name), &t, &v, err));
	oqz_tensor_release(&t);
}

static struct oqz_node *add_node(struct oqz_graph *g, char *outs, char *text)
{
	char *open = strrchr(text, '('), *word[MAX_NAMES], *domain = "";
	struct oqz_value *in[MAX_NAMES], *out[MAX_NAMES];
	struct oqz_node *n = NULL;

	ck_assert_msg(open != NULL && strchr(open, ')'), "no inputs: '%s'", text);
	*open++ = 0;
	*strchr(open, ')') = 0;
	char *op = strtok_r(text, " ", &text), *colons = strstr(op, "::");
	if (colons) {
		domain = oqz_arena_strdup(g->arena, op);
		domain[colons - op] = 0;
		op = colons + 2;
	}
	int n_in = words(open, word);
	for (int i = 0; i < n_in; i++)
		in[i] = strcmp(word[i], "-") == 0 ? NULL : find(g, word[i]);
	int n_out = words(outs, word);
	for (int i = 0; i < n_out; i++)
		out[i] = strcmp(word[i], "-") == 0 ? NULL : make(g, word[i]);
	ck_ok(oqz_graph_add_node(g, oqz_graph_fresh_name(g, op), domain, oqz_arena_strdup(g->arena, op),
	                         oqz_domain_newest(domain), in, n_in, out, n_out, NULL, &n, err));
	op_set_attrs(n, text);
	return n;
}

/* A line of a graph; *last is its last node. */
static void add_line(struct oqz_graph *g, char *line, struct oqz_node **last)
{
	char *equals = strchr(line, '=');

	while (isspace((unsigned char)*line))
		line++;
	if (!*line)
		return;
	if (strncmp(line, "in ", 3) == 0) {
		add_input(g, line + 3);
		return;
	}
	if (strncmp(line, "out ", 4) == 0) {
		add_outputs(g, line + 4);
		return;
	}
	ck_assert_msg(equals != NULL, "line '%s'", line);
	*equals++ = 0;
	equals += strspn(equals, " ");
	if (islower((unsigned char)*equals) && !strstr(equals, "::")) {
		*strchr(line, ' ') = 0;
		add_constant(g, line, equals);
	} else {
		*last = add_node(g, line, equals);
	}
}

struct oqz_graph *graph_text(const char *text)
{
	struct oqz_graph *top = oqz_graph_new(), *g = top;
	struct oqz_node *last[8] = { NULL };
	const char *name[8];
	int depth = 0;
	char *copy = oqz_arena_strdup(top->arena, text);

	for (char *save = NULL, *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "with ", 5) == 0) {
			struct oqz_graph *body = oqz_graph_new();
			ck_assert_int_lt(depth, 7);
			name[++depth] = line + 5;
			body->parent = g;
			g = body;
			last[depth] = NULL;
		} else if (strncmp(line, "end ", 4) == 0) {
			struct oqz_graph *body = g;
			add_outputs(g, line + 4);
			g = g->parent;
			ck_ok(oqz_node_set_attr(
			    last[depth - 1],
			    &(struct oqz_attr) { .name = name[depth], .type = OQZ_ATTR_GRAPH, .graph = body }, err));
			depth--;
		} else {
			add_line(g, line, &last[depth]);
		}
	}
	ck_assert_int_eq(depth, 0);
	ck_ok(oqz_ops_resolve(top, err));
	return top;
}

void graph_text_inputs(const struct oqz_graph *g, uint64_t seed, double scale, struct oqz_tensor *ret)
{
	struct oqz_rng r;

	oqz_rng_init(&r, seed);
	for (size_t i = 0; i < g->inputs.n; i++) {
		struct oqz_type t = oqz_value_type(g->inputs.v[i]);

		ck_ok(oqz_tensor_alloc(&ret[i], t.dtype, &t.shape, err));
		for (int64_t k = 0; k < oqz_tensor_nelem(&ret[i]); k++)
			if (oqz_dtype_is_float(t.dtype))
				oqz_store_f(t.dtype, ret[i].data, (size_t)k, (2 * oqz_rng_f64(&r) - 1) * scale);
			else
				oqz_store_i(t.dtype, ret[i].data, (size_t)k,
				            (int64_t)oqz_rng_below(&r, (uint64_t)scale));
	}
}
