/* SPDX-License-Identifier: Apache-2.0
 *
 * What improvements add to a plan: replaced constants and gains, in memory, in JSON, and in a graph.
 *
 *	"constants": [{"node": "conv1", "input": 1, "shape": [8, 3, 3, 3], "float32": "<base64, little-endian>"}, ...],
 *	"gains": [{"value": "conv1.out", "axis": 1, "factor": [0.5, 2, ...]}, ...]
 */
#include "core/base/base64.h"
#include "core/base/checked.h"
#include "core/base/str.h"
#include "core/ops/op.h"
#include "core/quant/qplan.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------------------- in memory */

enum oqz_status oqz_qplan_set_constant(struct oqz_qplan *p, const char *node, int input, const struct oqz_tensor *value,
                                       struct oqz_err *err)
{
	struct oqz_qplan_constant c = { .input = input };

	if (value->dtype != OQZ_DT_F32)
		OQZ_FAIL(err, OQZ_E_INTERNAL, "a replaced constant is float32");
	for (size_t i = 0; i < p->constants.n; i++)
		if (p->constants.v[i].input == input && strcmp(p->constants.v[i].node, node) == 0) {
			struct oqz_tensor old = p->constants.v[i].value;
			p->constants.v[i].value = (struct oqz_tensor) { 0 };
			oqz_tensor_share(&p->constants.v[i].value, value);
			oqz_tensor_release(&old);
			return OQZ_OK;
		}
	c.node = oqz_arena_strdup(p->arena, node);
	if (!c.node || !oqz_vec_push(&p->constants, c))
		return oqz_err_nomem(err, "a constant of a plan", sizeof c);
	oqz_tensor_share(&p->constants.v[p->constants.n - 1].value, value);
	return OQZ_OK;
}

const struct oqz_qplan_gain *oqz_qplan_gain(const struct oqz_qplan *p, const char *value)
{
	for (size_t i = 0; i < p->gains.n; i++)
		if (strcmp(p->gains.v[i].value, value) == 0)
			return &p->gains.v[i];
	return NULL;
}

enum oqz_status oqz_qplan_add_gain(struct oqz_qplan *p, const char *value, int axis, size_t n, const float *factor,
                                   struct oqz_err *err)
{
	const struct oqz_qplan_gain *old = oqz_qplan_gain(p, value);
	float *copy = oqz_arena_dup(p->arena, factor, n * sizeof *factor);
	struct oqz_qplan_gain g = { .axis = axis, .n = n, .factor = copy };

	if (old && (old->n != n || old->axis != axis))
		OQZ_FAIL(err, OQZ_E_MISMATCH, "value '%s' was rescaled along another axis before", value);
	for (size_t i = 0; copy && old && i < n; i++)
		copy[i] *= old->factor[i];
	g.value = oqz_arena_strdup(p->arena, value);
	if (!copy || !g.value)
		return oqz_err_nomem(err, "a plan", n);
	if (old)
		p->gains.v[old - p->gains.v] = g;
	else if (!oqz_vec_push(&p->gains, g))
		return oqz_err_nomem(err, "a plan", n);
	return OQZ_OK;
}

/* ---------------------------------------------------------------------------------------------------- in a graph */

/* The node `name` between a value and the node N that reads it as its input `at`: x -> OP(x, c) -> N. Made where it is
 * not there yet, else given the new numbers. */
static enum oqz_status set_between(const struct oqz_qplan_constant *c, struct oqz_node *n, int at, const char *op,
                                   const char *name, struct oqz_err *err)
{
	struct oqz_graph *g = n->graph;
	struct oqz_node *made = name ? oqz_graph_node(g, name) : NULL;
	const char *by = name ? oqz_arena_printf(g->arena, "%s/by", name) : NULL;
	struct oqz_value *in[2] = { n->in[at] }, *out;
	struct oqz_shape shape = in[0]->type.shape;

	if (!by)
		return oqz_err_nomem(err, "a name", 1);
	if (made && made == in[0]->producer && made->n_in == 2 && made->in[1]->constant)
		return oqz_value_set_constant(g, made->in[1], &c->value, err);
	OQZ_TRY(oqz_graph_add_constant(g, oqz_graph_fresh_name(g, by), &c->value, &in[1], err));
	OQZ_TRY(oqz_graph_add_value(g, oqz_graph_fresh_name(g, name), &out, err));
	OQZ_TRY(oqz_graph_add_node(g, name, "", op, oqz_graph_opset(g, ""), in, 2, &out, 1, n, &made, err));
	OQZ_TRY(oqz_node_resolve(made, err));
	if (oqz_infer_node(made, err) != OQZ_OK)
		return err->code = OQZ_E_MISMATCH;
	if (oqz_shape_merge(&shape, &out->type.shape, NULL) != OQZ_OK) /* what is open in both may be anything */
		OQZ_FAIL(err, OQZ_E_MISMATCH, "the numbers for input %d of node '%s' are not one per channel", at,
		         n->name);
	return oqz_node_set_input(n, at, out, err);
}

/* Clip knows one limit for all: limits per channel become x -> Min "N/limit" -> Clip N, which keeps its lower bound. */
static enum oqz_status set_limits(const struct oqz_qplan_constant *c, struct oqz_node *n, struct oqz_err *err)
{
	OQZ_TRY(set_between(c, n, 0, "Min", oqz_arena_printf(n->graph->arena, "%s/limit", n->name), err));
	OQZ_TRY(oqz_node_set_input(n, 2, NULL, err));
	return oqz_node_resolve(n, err);
}

static bool are_limits(const struct oqz_qplan_constant *c, const struct oqz_node *n)
{
	return n && c->input == 2 && c->value.shape.rank > 0 && strcmp(n->op_type, "Clip") == 0 && n->n_in > 2 &&
	       n->domain[0] == 0 && n->in[0];
}

/* Numbers for a computed input: x -> Mul "N/<input>/scale" -> N. */
static bool are_factors(const struct oqz_qplan_constant *c, const struct oqz_node *n)
{
	return n && c->input >= 0 && c->input < n->n_in && n->in[c->input] && !n->in[c->input]->constant &&
	       n->in[c->input]->type.dtype == OQZ_DT_F32;
}

static enum oqz_status replace_one(const struct oqz_qplan_constant *c, struct oqz_graph *g, struct oqz_err *err)
{
	struct oqz_node *n = oqz_graph_node(g, c->node);
	struct oqz_value *old, *v;

	if (are_limits(c, n))
		return set_limits(c, n, err);
	if (are_factors(c, n))
		return set_between(c, n, c->input, "Mul", oqz_arena_printf(g->arena, "%s/%d/scale", n->name, c->input),
		                   err);
	if (!n || c->input < 0 || c->input >= n->n_in || !n->in[c->input] || !n->in[c->input]->constant)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "the graph has no constant input %d of a node '%s'", c->input, c->node);
	old = n->in[c->input];
	if (!oqz_shape_equal(&old->constant->shape, &c->value.shape) || old->constant->dtype != OQZ_DT_F32)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "input %d of node '%s' has another type or shape", c->input, c->node);
	if (old->uses.n == 1 && !old->is_output)
		return oqz_value_set_constant(g, old, &c->value, err);
	OQZ_TRY(oqz_graph_insert_constant(g, &c->value, &v, err, "%s/%d/improved", c->node, c->input));
	return oqz_node_set_input(n, c->input, v, err);
}

enum oqz_status oqz_qplan_replace(const struct oqz_qplan *p, struct oqz_graph *g, struct oqz_err *err)
{
	for (size_t i = 0; i < p->constants.n; i++)
		OQZ_TRY(replace_one(&p->constants.v[i], g, err));
	return OQZ_OK;
}

/* ---------------------------------------------------------------------------------------------------- JSON */

static void add_constant(struct oqz_str *out, const struct oqz_qplan_constant *c)
{
	const struct oqz_shape *s = &c->value.shape;

	oqz_str_add(out, "{\"node\": ");
	oqz_str_add_json(out, c->node);
	oqz_str_addf(out, ", \"input\": %d, \"shape\": [", c->input);
	for (int i = 0; i < s->rank; i++)
		oqz_str_addf(out, "%s%lld", i ? ", " : "", (long long)s->dim[i]);
	oqz_str_add(out, "], \"float32\": \"");
	oqz_base64_add(out, c->value.data, oqz_tensor_bytes(&c->value));
	oqz_str_add(out, "\"}");
}

static void add_gain(struct oqz_str *out, const struct oqz_qplan_gain *g)
{
	oqz_str_add(out, "{\"value\": ");
	oqz_str_add_json(out, g->value);
	oqz_str_addf(out, ", \"axis\": %d, \"factor\": [", g->axis);
	for (size_t i = 0; i < g->n; i++) {
		oqz_str_add(out, i ? ", " : "");
		oqz_str_add_double(out, (double)g->factor[i]);
	}
	oqz_str_add(out, "]}");
}

void oqz_qplan_extras_to_json(const struct oqz_qplan *p, struct oqz_str *out)
{
	for (size_t i = 0; i < p->constants.n; i++) {
		oqz_str_add(out, i ? ",\n" : ",\n\"constants\": [\n");
		add_constant(out, &p->constants.v[i]);
	}
	oqz_str_add(out, p->constants.n ? "\n]" : "");
	for (size_t i = 0; i < p->gains.n; i++) {
		oqz_str_add(out, i ? ",\n" : ",\n\"gains\": [\n");
		add_gain(out, &p->gains.v[i]);
	}
	oqz_str_add(out, p->gains.n ? "\n]" : "");
}

static bool read_shape(const json_t *list, struct oqz_shape *ret, size_t *ret_bytes)
{
	size_t n = json_array_size(list), count = 1;

	if (!json_is_array(list) || n > OQZ_MAX_RANK)
		return false;
	ret->rank = (int32_t)n;
	for (size_t i = 0; i < n; i++) {
		json_int_t d = json_integer_value(json_array_get(list, i));
		if (d < 1 || d > INT32_MAX || !oqz_size_mul(count, (size_t)d, &count))
			return false;
		ret->dim[i] = d;
	}
	return oqz_size_mul(count, sizeof(float), ret_bytes);
}

static enum oqz_status read_constant(struct oqz_qplan *p, const json_t *j, struct oqz_err *err)
{
	const char *node = json_string_value(json_object_get(j, "node"));
	const json_t *input = json_object_get(j, "input"), *text = json_object_get(j, "float32");
	struct oqz_tensor t = { 0 };
	struct oqz_shape shape;
	size_t bytes;

	if (json_object_size(j) != 4 || !node || !json_is_integer(input) || !json_is_string(text) ||
	    json_integer_value(input) < 0 || json_integer_value(input) > 1 << 20 ||
	    !read_shape(json_object_get(j, "shape"), &shape, &bytes))
		OQZ_FAIL(err, OQZ_E_DATA, "this is no constant of a plan");
	if (json_string_length(text) < bytes) /* before memory is asked for */
		OQZ_FAIL(err, OQZ_E_DATA, "the numbers of node '%s' are cut off", node);
	OQZ_TRY(oqz_tensor_alloc(&t, OQZ_DT_F32, &shape, err));
	enum oqz_status st = oqz_base64_decode(json_string_value(text), json_string_length(text), t.data, bytes, err);
	for (size_t i = 0; st == OQZ_OK && i < bytes / sizeof(float); i++)
		if (!isfinite(((const float *)t.data)[i]))
			st = oqz_err_set(err, OQZ_E_DATA, "number %zu of node '%s' is not finite", i, node);
	if (st == OQZ_OK)
		st = oqz_qplan_set_constant(p, node, (int)json_integer_value(input), &t, err);
	oqz_tensor_release(&t);
	return st;
}

static enum oqz_status read_gain(struct oqz_qplan *p, const json_t *j, struct oqz_err *err)
{
	const char *value = json_string_value(json_object_get(j, "value"));
	const json_t *axis = json_object_get(j, "axis"), *factor = json_object_get(j, "factor");
	size_t n = json_array_size(factor);
	OQZ_CLEANUP_FREE float *f = malloc(n * sizeof *f + 1);

	if (json_object_size(j) != 3 || !value || !json_is_integer(axis) || json_integer_value(axis) < 0 ||
	    json_integer_value(axis) >= OQZ_MAX_RANK || n == 0)
		OQZ_FAIL(err, OQZ_E_DATA, "this is no gain of a plan");
	if (!f)
		return oqz_err_nomem(err, "a gain", n);
	for (size_t i = 0; i < n; i++) {
		f[i] = (float)json_number_value(json_array_get(factor, i));
		if (!(f[i] > 0) || !isfinite(f[i]))
			OQZ_FAIL(err, OQZ_E_DATA, "factor %zu of value '%s' is no positive number", i, value);
	}
	return oqz_qplan_add_gain(p, value, (int)json_integer_value(axis), n, f, err);
}

enum oqz_status oqz_qplan_extras_from_json(struct oqz_qplan *p, const struct json_t *constants,
                                           const struct json_t *gains, struct oqz_err *err)
{
	if ((constants && !json_is_array(constants)) || (gains && !json_is_array(gains)))
		OQZ_FAIL(err, OQZ_E_DATA, "\"constants\" and \"gains\" of the plan are lists");
	for (size_t i = 0; i < json_array_size(constants); i++)
		if (read_constant(p, json_array_get(constants, i), err) != OQZ_OK)
			return oqz_err_prefix(err, "constant %zu", i);
	for (size_t i = 0; i < json_array_size(gains); i++)
		if (read_gain(p, json_array_get(gains, i), err) != OQZ_OK)
			return oqz_err_prefix(err, "gain %zu", i);
	return OQZ_OK;
}
