/* SPDX-License-Identifier: Apache-2.0
 *
 * Text to node and tensors, and back to a comparison that says which element differs.
 */
#include "tests/support/op_text.h"
#include "core/base/rng.h"
#include "core/ops/interpret.h"
#include "core/tensor/minifloat.h"
#include "core/tensor/text.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { MAX_IO = 16, MAX_LIST = 256, NEWEST = 21, NEWEST_ML = 5 };

/* Texts in single quotes. */
static void read_words(struct oqz_tensor *t, const char *text)
{
	for (size_t i = 0; i < (size_t)oqz_tensor_nelem(t); i++) {
		const char *from = strchr(text, '\''), *to = from ? strchr(from + 1, '\'') : NULL;

		ck_assert_msg(to != NULL, "too few texts: %s", text);
		ck_ok(oqz_text_set(t, i, from + 1, (size_t)(to - from - 1), err));
		text = to + 1;
	}
	ck_assert_msg(strchr(text, '\'') == NULL, "too many texts: %s", text);
}

struct oqz_tensor op_tensor(const char *text)
{
	struct oqz_tensor t = { 0 };
	struct oqz_shape s = { 0 };
	char name[32];
	int used = 0;

	while (isspace((unsigned char)*text))
		text++;
	ck_assert_msg(sscanf(text, "%31[a-z0-9_][%n", name, &used) == 1 && used > 0, "tensor '%s'", text);
	enum oqz_dtype dtype = oqz_dtype_by_name(name);
	ck_assert_msg(dtype != OQZ_DT_UNDEFINED, "element type '%s'", name);
	text += used;
	while (*text != ']') {
		char *end;
		s.dim[s.rank++] = strtoll(text, &end, 10);
		ck_assert_msg(end != text, "shape at '%s'", text);
		text = *end == ',' ? end + 1 : end;
	}
	text++;
	ck_ok(oqz_tensor_alloc(&t, dtype, &s, err));
	text += *text == ':';
	size_t n = (size_t)oqz_tensor_nelem(&t);
	if (dtype == OQZ_DT_STRING) {
		read_words(&t, text);
		return t;
	}
	double last = 0;
	int64_t whole = 0;
	for (size_t i = 0; i < n; i++) {
		char *end;
		double x = strtod(text, &end);
		if (end != text) {
			last = x;
			whole = x < 0 ? strtoll(text, NULL, 10) : (int64_t)strtoull(text, NULL, 10);
			text = *end == ',' ? end + 1 : end;
		}
		if (oqz_dtype_is_int(dtype))
			oqz_store_i(dtype, t.data, i, whole);
		else if (oqz_dtype_is_float(dtype) &&
		         oqz_dtype_size(dtype) == 1) /* "inf" means infinity where there is one */
			((uint8_t *)t.data)[i] = (uint8_t)oqz_minifloat_encode(oqz_minifloat_of(dtype), last,
			                                                       OQZ_ROUND_HALF_EVEN, isfinite(last));
		else
			oqz_store_f(dtype, t.data, i, last);
	}
	while (isspace((unsigned char)*text))
		text++;
	ck_assert_msg(!*text, "too many values: '%s'", text);
	return t;
}

/* Splits at ';' in a copy; returns the count. */
static int split(char *text, char **part)
{
	int n = 0;

	if (!*text)
		return 0;
	for (char *save = NULL, *p = strtok_r(text, ";", &save); p; p = strtok_r(NULL, ";", &save)) {
		ck_assert_int_lt(n, MAX_IO);
		part[n++] = p;
	}
	return n;
}

static bool left_out(const char *part)
{
	while (isspace((unsigned char)*part))
		part++;
	return *part == '-';
}

static enum oqz_status set_list(struct oqz_node *n, const char *name, char *v, struct oqz_err *err)
{
	int64_t ints[MAX_LIST];
	float floats[MAX_LIST];
	const char *words[MAX_LIST];
	bool whole = strchr(v, '.') == NULL;
	size_t count = 0;

	for (char *save = NULL, *p = strtok_r(v, "[],", &save); p; p = strtok_r(NULL, "[],", &save)) {
		ck_assert_uint_lt(count, MAX_LIST);
		floats[count] = strtof(p, NULL);
		words[count] = p;
		ints[count++] = strtoll(p, NULL, 10);
	}
	struct oqz_attr a = { .name = name, .type = OQZ_ATTR_FLOATS, .n = count, .floats = floats };
	if (isalpha((unsigned char)v[1])) {
		a = (struct oqz_attr) { .name = name, .type = OQZ_ATTR_STRINGS, .n = count, .strings = words };
		return oqz_node_set_attr(n, &a, err);
	}
	return whole ? oqz_node_set_ints(n, name, ints, count, err) : oqz_node_set_attr(n, &a, err);
}

static enum oqz_status set_attr(struct oqz_node *n, char *item, struct oqz_err *err)
{
	char *v = strchr(item, '=');

	ck_assert_msg(v != NULL, "attribute '%s'", item);
	*v++ = 0;
	if (*v == '\'') {
		v[strlen(v) - 1] = 0;
		return oqz_node_set_string(n, item, v + 1, err);
	}
	if (*v == '[')
		return set_list(n, item, v, err);
	if (isalpha((unsigned char)*v) && strchr(v, '[')) {
		struct oqz_tensor t = op_tensor(v);
		enum oqz_status st = oqz_node_set_tensor(n, item, &t, err);
		oqz_tensor_release(&t);
		return st;
	}
	if (isalpha((unsigned char)*v))
		return oqz_node_set_string(n, item, v, err);
	if (strpbrk(v, ".e"))
		return oqz_node_set_float(n, item, (float)strtod(v, NULL), err);
	return oqz_node_set_int(n, item, strtoll(v, NULL, 10), err);
}

/* Cuts the text up. */
static enum oqz_status set_attrs(struct oqz_node *n, char *text, struct oqz_err *err)
{
	for (char *save = NULL, *p = strtok_r(text, " ", &save); p; p = strtok_r(NULL, " ", &save))
		OQZ_TRY(set_attr(n, p, err));
	return OQZ_OK;
}

void op_set_attrs(struct oqz_node *n, const char *text)
{
	ck_ok(set_attrs(n, oqz_arena_strdup(n->graph->arena, text), err));
}

/* The domain stands before "::" in the operator's name. */
static enum oqz_status build(struct oqz_graph *g, const char *op, const char *attrs, int opset,
                             const struct oqz_tensor *const *in, int n_in, int n_out, struct oqz_node **ret,
                             struct oqz_err *err)
{
	struct oqz_value *iv[MAX_IO], *ov[MAX_IO];
	char name[16], domain[32] = "", *text = oqz_arena_strdup(g->arena, attrs ? attrs : "");
	const char *colons = strstr(op, "::");

	if (colons) {
		snprintf(domain, sizeof domain, "%.*s", (int)(colons - op), op);
		op = colons + 2;
	}
	for (int i = 0; i < n_in; i++) {
		iv[i] = NULL;
		snprintf(name, sizeof name, "in%d", i);
		if (!in[i])
			continue;
		OQZ_TRY(oqz_graph_add_value(g, name, &iv[i], err));
		iv[i]->type = (struct oqz_type) { in[i]->dtype, in[i]->shape };
	}
	for (int i = 0; i < n_out; i++) {
		snprintf(name, sizeof name, "out%d", i);
		OQZ_TRY(oqz_graph_add_value(g, name, &ov[i], err));
	}
	OQZ_TRY(oqz_graph_add_node(g, "node", domain, op,
	                           opset      ? opset
	                           : !*domain ? NEWEST
	                                      : (strcmp(domain, "ai.onnx.ml") == 0 ? NEWEST_ML : 1),
	                           iv, n_in, ov, n_out, NULL, ret, err));
	OQZ_TRY(set_attrs(*ret, text, err));
	return oqz_node_resolve(*ret, err);
}

/* A node that was written out as several: the whole graph runs. */
static enum oqz_status run_graph(struct oqz_graph *g, const struct oqz_tensor *const *in, struct oqz_tensor *out,
                                 struct oqz_err *err)
{
	const struct oqz_tensor *given[MAX_IO] = { NULL };
	char name[16];

	for (int i = 0; i < MAX_IO; i++) {
		snprintf(name, sizeof name, "in%d", i);
		struct oqz_value *v = oqz_graph_value(g, name);
		if (!v)
			continue;
		v->is_input = true;
		given[g->inputs.n] = in[i];
		ck_assert(oqz_vec_push(&g->inputs, v));
	}
	for (int i = 0; i < MAX_IO; i++) {
		snprintf(name, sizeof name, "out%d", i);
		struct oqz_value *v = oqz_graph_value(g, name);
		if (!v)
			continue;
		v->is_output = true;
		ck_assert(oqz_vec_push(&g->outputs, v));
	}
	OQZ_TRY(oqz_ops_resolve(g, err));
	return oqz_interpret(g, given, out, NULL, NULL, err);
}

/* Translating an older form may move inputs and add constants: values are found by their names. */
static enum oqz_status run(struct oqz_node *n, const struct oqz_tensor *const *in, int n_in, struct oqz_tensor *out,
                           struct oqz_err *err)
{
	const struct oqz_tensor *all[MAX_IO] = { NULL };

	if (n->graph->nodes.n > 1)
		return run_graph(n->graph, in, out, err);
	ck_assert_int_le(n->n_in, MAX_IO);
	for (int i = 0; i < n->n_in; i++) {
		int from;

		if (!n->in[i])
			continue;
		if (n->in[i]->constant)
			all[i] = n->in[i]->constant;
		else if (sscanf(n->in[i]->name, "in%d", &from) == 1 && from < n_in)
			all[i] = in[from];
	}
	return oqz_op_run(n, all, out, err);
}

void op_run_text(const char *op, const char *attrs, const struct oqz_tensor *const *in, int n_in,
                 struct oqz_tensor *out, int n_out)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_node *n = NULL;

	ck_ok(build(g, op, attrs, 0, in, n_in, n_out, &n, err));
	ck_ok(run(n, in, n_in, out, err));
	oqz_graph_free(g);
}

static void compare(const struct op_row *row, int which, const struct oqz_tensor *got, const struct oqz_tensor *want)
{
	char a[OQZ_SHAPE_STR], b[OQZ_SHAPE_STR];
	size_t n = (size_t)oqz_tensor_nelem(want);

	ck_assert_msg(got->dtype == want->dtype && oqz_shape_equal(&got->shape, &want->shape),
	              "%s (%s) output %d: %s%s, not %s%s", row->op, row->attrs, which, oqz_dtype_name(got->dtype),
	              oqz_shape_str(&got->shape, a, sizeof a), oqz_dtype_name(want->dtype),
	              oqz_shape_str(&want->shape, b, sizeof b));
	for (size_t i = 0; want->dtype == OQZ_DT_STRING && i < n; i++)
		ck_assert_str_eq(oqz_text_bytes(oqz_text_at(got, i)), oqz_text_bytes(oqz_text_at(want, i)));
	for (size_t i = 0; i < n; i++) {
		double x = oqz_load_f(got->dtype, got->data, i), y = oqz_load_f(want->dtype, want->data, i);
		bool same = (isnan(x) && isnan(y)) || x == y || fabs(x - y) <= row->tolerance * (1 + fabs(y));

		if (oqz_dtype_is_float(want->dtype) && oqz_dtype_size(want->dtype) == 1) /* codes, so also zero's */
			same = same && !signbit(x) == !signbit(y);
		ck_assert_msg(same, "%s (%s) output %d, element %zu: %.9g, not %.9g", row->op, row->attrs, which, i, x,
		              y);
	}
}

/* Everything about a row but what to do with the result. */
static enum oqz_status run_row(const struct op_row *row, struct oqz_graph *g, struct oqz_tensor *in,
                               struct oqz_tensor *out, int n_out, struct oqz_err *err)
{
	char *part[MAX_IO];
	const struct oqz_tensor *ptr[MAX_IO] = { NULL };
	struct oqz_node *n = NULL;
	int n_in = split(oqz_arena_strdup(g->arena, row->in), part);

	for (int i = 0; i < n_in; i++)
		if (!left_out(part[i])) {
			in[i] = op_tensor(part[i]);
			ptr[i] = &in[i];
		}
	OQZ_TRY(build(g, row->op, row->attrs, row->opset, ptr, n_in, n_out, &n, err));
	return run(n, ptr, n_in, out, err);
}

void op_check(const struct op_row *row)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_tensor in[MAX_IO] = { 0 }, out[MAX_IO] = { 0 };
	struct oqz_err e = { 0 };
	char *part[MAX_IO];
	int n_out = split(oqz_arena_strdup(g->arena, row->out), part);
	enum oqz_status st = run_row(row, g, in, out, n_out, &e);

	ck_assert_msg(st == OQZ_OK, "%s (%s): %s", row->op, row->attrs, e.msg);
	for (int i = 0; i < n_out; i++) {
		struct oqz_tensor want = op_tensor(part[i]);
		compare(row, i, &out[i], &want);
		oqz_tensor_release(&want);
	}
	for (int i = 0; i < MAX_IO; i++) {
		oqz_tensor_release(&in[i]);
		oqz_tensor_release(&out[i]);
	}
	oqz_graph_free(g);
}

void op_check_all(const struct op_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		op_check(&rows[i]);
}

void op_refuses(const struct op_row *row, enum oqz_status code, const char *text)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_tensor in[MAX_IO] = { 0 }, out[MAX_IO] = { 0 };

	char *part[MAX_IO];
	int n_out = row->out ? split(oqz_arena_strdup(g->arena, row->out), part) : 1;

	ck_fails(run_row(row, g, in, out, n_out, err), code, text);
	for (int i = 0; i < MAX_IO; i++)
		oqz_tensor_release(&in[i]);
	oqz_graph_free(g);
}

struct oqz_tensor op_random(uint64_t seed, double scale, const struct oqz_shape *shape)
{
	struct oqz_tensor t = { 0 };
	struct oqz_rng r;

	oqz_rng_init(&r, seed);
	ck_ok(oqz_tensor_alloc(&t, OQZ_DT_F32, shape, err));
	for (int64_t i = 0; i < oqz_tensor_nelem(&t); i++)
		((float *)t.data)[i] = (float)((2 * oqz_rng_f64(&r) - 1) * scale);
	return t;
}
