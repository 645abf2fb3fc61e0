/* SPDX-License-Identifier: Apache-2.0
 *
 * Graphs made from bytes: each piece of the input chooses an operator of the table, inputs among the values that are
 * there, constants, and attributes by the operator's own table, with values that are sound, odd or absurd. So every
 * change of a byte is another graph, and the kernels and type rules of all operators are reached, which damage to a
 * model's file seldom does. Names are those of the newest operator set.
 */
#include "tests/fuzz/fuzz_exec.h"
#include "core/onnx/onnx.h"

#include <stdio.h>

const char fuzz_target[] = "graph";

enum { MAX_NODES = 6, MAX_VALUES = 40 };

struct source {
	const uint8_t *p, *end;
};

static unsigned byte(struct source *s) { return s->p < s->end ? *s->p++ : 0; }

/* Mostly small; some that overflow, wrap or are negative where nobody expects it. */
static int64_t number(struct source *s)
{
	static const int64_t odd[] = { INT64_MAX,    INT64_MIN, INT32_MAX, INT32_MIN, 1LL << 40, 65536,
		                       -(1LL << 40), 1000,      -100,      4096,      1LL << 62, 1LL << 32 };
	unsigned b = byte(s);

	return b < 128 ? b % 8 : b < 224 ? (int64_t)(b % 8) - 4 : odd[b % OQZ_COUNTOF(odd)];
}

static double real(struct source *s)
{
	static const double odd[] = {
		0, 1, -1, 0.5, 1e30, -1e30, 1e-30, __builtin_nan(""), __builtin_inf(), 2.5, 1e9, 3
	};
	unsigned b = byte(s);

	return b < 128 ? (double)b / 16 - 4 : odd[b % OQZ_COUNTOF(odd)];
}

static struct oqz_shape shape(struct source *s, bool absurd)
{
	struct oqz_shape r = { .rank = (int)(byte(s) % 6) };

	for (int i = 0; i < r.rank; i++) {
		unsigned b = byte(s);
		r.dim[i] = b < 250 || !absurd ? (int64_t)(b % 5) : number(s);
	}
	return r;
}

static enum oqz_dtype dtype(struct source *s)
{
	unsigned b = byte(s);

	return b < 100 ? OQZ_DT_F32 : b < 150 ? OQZ_DT_I64 : (enum oqz_dtype)(1 + b % (OQZ_DT_COUNT - 1));
}

/* A constant with integers, as shapes, axes and pads are, or with numbers. */
static struct oqz_value *constant(struct oqz_graph *g, struct source *s, int n)
{
	struct oqz_tensor t = { 0 };
	struct oqz_err err = { 0 };
	struct oqz_value *v = NULL;
	unsigned kind = byte(s);
	struct oqz_shape sh =
	    kind % 4 == 0 ? shape(s, false) : (struct oqz_shape) { .rank = kind % 4 > 1, .dim = { (kind >> 2) % 7 } };
	enum oqz_dtype dt = kind % 4 ? kind & 64 ? OQZ_DT_F32 : OQZ_DT_I64 : dtype(s);
	char name[20];

	snprintf(name, sizeof name, "c%d", n);
	if (oqz_dtype_is_list(dt) || oqz_tensor_alloc(&t, dt, &sh, &err) != OQZ_OK)
		return NULL;
	int64_t count = oqz_tensor_nelem(&t);
	for (int64_t i = 0; i < count && i < 64; i++)
		oqz_store_f(dt, t.data, (size_t)i, oqz_dtype_is_float(dt) ? real(s) : (double)number(s));
	if (dt == OQZ_DT_I64)
		for (int64_t i = 0; i < count && i < 64; i++)
			((int64_t *)t.data)[i] = number(s);
	if (oqz_graph_add_constant(g, name, &t, &v, &err) != OQZ_OK)
		v = NULL;
	oqz_tensor_release(&t);
	return v;
}

static void attribute(struct oqz_node *n, const struct oqz_attr_spec *a, struct source *s)
{
	static const char *const words[] = { "",       "SAME_UPPER", "linear",          "constant",
		                             "x",      "i,ij->j",    "ij,jk->ik",       "cubic",
		                             "border", "forward",    "bidirectional",   "reverse",
		                             "add",    "none",       "bhqd,bhkd->bhqk", "...i,ij" };
	struct oqz_attr to = { .name = a->name, .type = a->type };
	struct oqz_err err = { 0 };
	int64_t ints[8];
	float floats[8];
	const char *strings[4];

	to.n = byte(s) % 7;
	for (size_t i = 0; i < to.n; i++) {
		ints[i] = number(s);
		floats[i] = (float)real(s);
	}
	for (size_t i = 0; i < OQZ_COUNTOF(strings); i++)
		strings[i] = words[byte(s) % OQZ_COUNTOF(words)];
	switch (a->type) {
	case OQZ_ATTR_INT: to.i = number(s); break;
	case OQZ_ATTR_FLOAT: to.f = (float)real(s); break;
	case OQZ_ATTR_INTS: to.ints = ints; break;
	case OQZ_ATTR_FLOATS: to.floats = floats; break;
	case OQZ_ATTR_STRING: {
		size_t k = 0, which = byte(s);
		while (a->choices && a->choices[k])
			k++;
		to.s = k ? a->choices[which % k] : strings[0];
		to.n = strlen(to.s);
		break;
	}
	case OQZ_ATTR_STRINGS:
		to.strings = strings;
		to.n %= OQZ_COUNTOF(strings);
		break;
	default: return;
	}
	if (oqz_node_set_attr(n, &to, &err) != OQZ_OK)
		fuzz_refused(&err);
}

static bool add_node(struct oqz_graph *g, struct oqz_value **values, size_t *n_values, int k, struct source *s)
{
	const struct oqz_op *op = oqz_op_row((enum oqz_op_id)(1 + (byte(s) * 256 + byte(s)) % (OQZ_OP_COUNT - 1)));
	struct oqz_value *in[8] = { 0 }, *out[4] = { 0 };
	struct oqz_err err = { 0 };
	struct oqz_node *n;
	char name[20];
	int most = op->max_in < 0 || op->max_in > 8 ? 8 : op->max_in, n_in = op->min_in > 8 ? 8 : op->min_in, n_out;

	n_in += most > n_in ? (int)(byte(s) % (unsigned)(most - n_in + 1)) : 0;
	for (int i = 0; i < n_in; i++) {
		unsigned b = byte(s);
		if (b >= 250)
			continue; /* left out */
		in[i] = b < 128 ? values[b % *n_values] : constant(g, s, 100 * k + i);
	}
	most = op->max_out < 0 || op->max_out > 4 ? 4 : op->max_out;
	n_out = op->min_out < 1 ? 1 : op->min_out;
	n_out = n_out >= most ? most : n_out + (int)(byte(s) % (unsigned)(most - n_out + 1));
	for (int i = 0; i < n_out; i++) {
		snprintf(name, sizeof name, "v%d_%d", k, i);
		FUZZ_CHECK(oqz_graph_add_value(g, name, &out[i], &err) == OQZ_OK);
	}
	snprintf(name, sizeof name, "n%d", k);
	if (oqz_graph_add_node(g, name, op->domain, op->name, op->domain[0] ? 1 : 26, in, n_in, out, n_out, NULL, &n,
	                       &err) != OQZ_OK) {
		fuzz_refused(&err);
		return false;
	}
	for (const struct oqz_attr_spec *a = op->attrs; a && a->name; a++)
		if (byte(s) % 3 == 0 || a->required)
			attribute(n, a, s);
	for (int i = 0; i < n_out && *n_values < MAX_VALUES; i++)
		values[(*n_values)++] = out[i];
	return true;
}

static bool build(struct oqz_graph *g, struct source *s)
{
	struct oqz_value *values[MAX_VALUES];
	size_t n_values = 1 + byte(s) % 3;
	struct oqz_err err = { 0 };
	char name[24];

	for (size_t i = 0; i < n_values; i++) {
		snprintf(name, sizeof name, "x%zu", i);
		FUZZ_CHECK(oqz_graph_add_value(g, name, &values[i], &err) == OQZ_OK);
		values[i]->is_input = true;
		values[i]->type = (struct oqz_type) { dtype(s), shape(s, true) };
		if (oqz_dtype_is_list(values[i]->type.dtype))
			values[i]->type.dtype = OQZ_DT_F32;
		FUZZ_CHECK(oqz_vec_push(&g->inputs, values[i]));
	}
	for (int k = 0; k < MAX_NODES && (k == 0 || s->p < s->end); k++)
		if (!add_node(g, values, &n_values, k, s))
			return false;
	/* everything that nobody reads is an output */
	for (size_t i = 0; i < n_values; i++)
		if (values[i]->producer && values[i]->uses.n == 0 && g->outputs.n < 16) {
			values[i]->is_output = true;
			FUZZ_CHECK(oqz_vec_push(&g->outputs, values[i]));
		}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = oqz_graph_new();
	struct source s = { data, data + size };
	struct oqz_err err = { 0 };

	oqz_budget_set(FUZZ_MEMORY);
	FUZZ_CHECK(g && oqz_vec_push(&g->opsets, ((struct oqz_opset) { .domain = "", .version = 26 })));
	FUZZ_CHECK(oqz_vec_push(&g->opsets, ((struct oqz_opset) { .domain = "oqz", .version = 1 })));
	if (!build(g, &s))
		return 0;
	if (oqz_graph_finish(g, &err) != OQZ_OK || oqz_model_prepare(g, NULL, &err) != OQZ_OK)
		fuzz_refused(&err);
	else
		fuzz_run_graph(g, 2);
	return 0;
}
