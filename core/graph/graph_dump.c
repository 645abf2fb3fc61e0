/* SPDX-License-Identifier: Apache-2.0
 *
 * A listing of a graph for people and for tests: inputs, constants, one line a node, outputs. Lists are cut after a few
 * entries; names and shapes are complete.
 */
#include "core/graph/graph.h"
#include "core/base/str.h"

#include <string.h>

enum { SHOWN = 8 };

static void add_type(const struct oqz_value *v, struct oqz_str *out)
{
	if (v->kind != OQZ_VALUE_TENSOR)
		oqz_str_add(out, v->kind == OQZ_VALUE_SEQUENCE   ? "sequence of "
		                 : v->kind == OQZ_VALUE_OPTIONAL ? "optional "
		                                                 : "optional sequence of ");
	oqz_str_add(out, v->type.dtype ? oqz_dtype_name(v->type.dtype) : "?");
	if (v->type.shape.rank < 0) {
		oqz_str_add(out, "[*]");
		return;
	}
	oqz_str_add(out, "[");
	for (int i = 0; i < v->type.shape.rank; i++) {
		int64_t d = v->type.shape.dim[i];
		if (i)
			oqz_str_add(out, ",");
		if (d >= 0)
			oqz_str_addf(out, "%lld", (long long)d);
		else
			oqz_str_add(out, v->dim_name[i] ? v->dim_name[i] : "?");
	}
	oqz_str_add(out, "]");
}

static void add_attr(const struct oqz_attr *a, struct oqz_str *out)
{
	char shape[OQZ_SHAPE_STR];
	size_t shown = a->n < SHOWN ? a->n : SHOWN;

	oqz_str_addf(out, "%s=", a->name);
	switch (a->type) {
	case OQZ_ATTR_NONE: oqz_str_add(out, "none"); break;
	case OQZ_ATTR_FLOAT: oqz_str_add_double(out, a->f); break;
	case OQZ_ATTR_INT: oqz_str_addf(out, "%lld", (long long)a->i); break;
	case OQZ_ATTR_STRING: oqz_str_add_json(out, a->s); break;
	case OQZ_ATTR_TENSOR:
		oqz_str_addf(out, "%s%s", oqz_dtype_name(a->tensor->dtype),
		             oqz_shape_str(&a->tensor->shape, shape, sizeof shape));
		break;
	case OQZ_ATTR_GRAPH: oqz_str_addf(out, "graph '%s'", a->graph->name); break;
	default:
		oqz_str_add(out, "[");
		for (size_t i = 0; i < shown; i++) {
			oqz_str_add(out, i ? "," : "");
			if (a->type == OQZ_ATTR_INTS)
				oqz_str_addf(out, "%lld", (long long)a->ints[i]);
			else if (a->type == OQZ_ATTR_FLOATS)
				oqz_str_add_double(out, a->floats[i]);
			else
				oqz_str_add_json(out, a->strings[i]);
		}
		oqz_str_add(out, shown < a->n ? ",...]" : "]");
	}
}

static void add_node(const struct oqz_node *n, struct oqz_str *out)
{
	for (int i = 0; i < n->n_out; i++) {
		oqz_str_add(out, i ? ", " : "");
		oqz_str_add(out, n->out[i] ? n->out[i]->name : "-");
		if (n->out[i]) {
			oqz_str_add(out, " ");
			add_type(n->out[i], out);
		}
	}
	oqz_str_addf(out, " = %s%s%s(", n->domain, *n->domain ? "::" : "", n->op_type);
	for (int i = 0; i < n->n_in; i++)
		oqz_str_addf(out, "%s%s", i ? ", " : "", n->in[i] ? n->in[i]->name : "-");
	oqz_str_add(out, ")");
	for (size_t i = 0; i < n->n_attr; i++) {
		oqz_str_add(out, i ? ", " : " {");
		add_attr(&n->attr[i], out);
	}
	oqz_str_addf(out, "%s  # %s\n", n->n_attr ? "}" : "", n->name);
}

/* Bodies nest at most OQZ_MAX_NESTING deep. */
static void dump(const struct oqz_graph *g, int depth, struct oqz_str *out)
{
	static const char blanks[] = "                                ";
	const char *indent = &blanks[sizeof blanks - 1 - 2 * (size_t)(depth < 16 ? depth : 16)];

	oqz_str_addf(out, "%sgraph '%s'\n", indent, g->name);
	for (size_t i = 0; i < g->opsets.n && !g->parent; i++)
		oqz_str_addf(out, "opset %s %d\n", *g->opsets.v[i].domain ? g->opsets.v[i].domain : "ai.onnx",
		             g->opsets.v[i].version);
	for (size_t i = 0; i < g->values.n; i++) {
		const struct oqz_value *v = g->values.v[i];
		if (!v->is_input && !v->constant)
			continue;
		oqz_str_addf(out, "%s%s %s ", indent, v->constant ? "const" : "input", v->name);
		add_type(v, out);
		oqz_str_add(out, "\n");
	}
	for (size_t i = 0; i < g->nodes.n; i++) {
		const struct oqz_node *n = g->nodes.v[i];
		oqz_str_add(out, indent);
		add_node(n, out);
		for (size_t k = 0; k < n->n_attr; k++)
			if (n->attr[k].graph)
				dump(n->attr[k].graph, depth + 1, out);
	}
	for (size_t i = 0; i < g->outputs.n; i++) {
		oqz_str_addf(out, "%soutput %s ", indent, g->outputs.v[i]->name);
		add_type(g->outputs.v[i], out);
		oqz_str_add(out, "\n");
	}
}

void oqz_graph_dump(const struct oqz_graph *g, struct oqz_str *out) { dump(g, 0, out); }
