/* SPDX-License-Identifier: Apache-2.0
 *
 * Damaged and malicious models: cut at every byte, every bit flipped, nested and repeated without end. Each must either
 * load or be refused with a message that names it; built with sanitizers this also shows that nothing is read or
 * written where it should not be. What loads goes through the whole pipeline.
 */
#include "tests/support/support.h"
#include "core/base/file.h"
#include "core/onnx/onnx_impl.h"

#include <stdio.h>
#include <string.h>

static struct oqz_value *value(struct oqz_graph *g, const char *name)
{
	struct oqz_value *v = oqz_map_get(&g->by_name, name);

	if (!v)
		ck_ok(oqz_graph_add_value(g, name, &v, err));
	return v;
}

static void constant(struct oqz_graph *g, const char *name, int rank, const int64_t *dims)
{
	struct oqz_shape s = oqz_shape_of(rank, dims);
	struct oqz_tensor t = { 0 };

	ck_ok(oqz_tensor_alloc(&t, OQZ_DT_F32, &s, err));
	for (int64_t i = 0; i < oqz_tensor_nelem(&t); i++)
		((float *)t.data)[i] = 1 + (float)i;
	ck_ok(oqz_value_set_constant(g, value(g, name), &t, err));
	oqz_tensor_release(&t);
}

static struct oqz_node *node(struct oqz_graph *g, const char *op, const char *out, const char *a, const char *b,
                             const char *c)
{
	struct oqz_value *in[3] = { value(g, a), b ? value(g, b) : NULL, c ? value(g, c) : NULL }, *o = value(g, out);
	struct oqz_node *n;

	ck_ok(oqz_graph_add_node(g, NULL, "", op, 13, in, c ? 3 : b ? 2 : 1, &o, 1, NULL, &n, err));
	return n;
}

/* Conv + Add, Identity, Gemm and a body: what the loader and the passes look at. The file's bytes, malloc'ed. */
static char *make_model(size_t *size)
{
	struct oqz_graph *g = oqz_graph_new(), *body = oqz_graph_new();
	struct oqz_value *x = value(g, "x"), *t = value(g, "t"), *r;
	char path[600], *data;

	x->is_input = true;
	x->type = (struct oqz_type) { OQZ_DT_F32, { .rank = 4, .dim = { 1, 2, 3, 3 } } };
	ck_assert(oqz_vec_push(&g->inputs, x));
	constant(g, "w", 4, (int64_t[]) { 2, 2, 1, 1 });
	constant(g, "c", 4, (int64_t[]) { 1, 2, 1, 1 });
	constant(g, "shape", 1, (int64_t[]) { 2 });
	ck_ok(oqz_node_set_ints(node(g, "Conv", "t", "x", "w", NULL), "kernel_shape", (int64_t[]) { 1, 1 }, 2, err));
	node(g, "Add", "u", "t", "c", NULL);
	node(g, "Identity", "v", "u", NULL, NULL);
	node(g, "Relu", "y", "v", NULL, NULL);
	struct oqz_node *n = node(g, "If", "z", "shape", NULL, NULL);
	body->parent = g;
	ck_ok(oqz_graph_add_value(body, "r", &r, err));
	ck_ok(oqz_graph_add_node(body, NULL, "", "Neg", 13, &t, 1, &r, 1, NULL, NULL, err));
	r->is_output = true;
	ck_assert(oqz_vec_push(&body->outputs, r));
	ck_ok(oqz_node_set_attr(n, &(struct oqz_attr) { .name = "then_branch", .type = OQZ_ATTR_GRAPH, .graph = body },
	                        err));
	value(g, "y")->is_output = value(g, "z")->is_output = true;
	ck_assert(oqz_vec_push(&g->outputs, value(g, "y")) && oqz_vec_push(&g->outputs, value(g, "z")));
	ck_ok(oqz_graph_finish(g, err));
	snprintf(path, sizeof path, "%s/m.onnx", test_tmpdir("hostile"));
	ck_ok(oqz_onnx_save(g, path, err));
	oqz_graph_free(g);
	ck_ok(oqz_file_read(path, 1 << 20, &data, size, err));
	return data;
}

/* In a block of its own size, so that a sanitizer sees every byte too far. */
static bool survives(const char *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	struct oqz_graph *g = NULL;
	struct oqz_err err = { 0 };

	memcpy(copy, data, size);
	enum oqz_status st = oqz_onnx_parse(copy, size, "bad.onnx", NULL, &g, &err);
	free(copy);
	if (st != OQZ_OK) {
		ck_assert_ptr_null(g);
		ck_assert_msg(strstr(err.msg, "bad.onnx: ") != NULL, "unnamed: %s", err.msg);
		return false;
	}
	if (oqz_model_prepare(g, NULL, &err) != OQZ_OK)
		ck_assert_msg(strlen(err.msg) > 10, "no message");
	oqz_graph_free(g);
	return true;
}

START_TEST(cut_models_are_refused)
{
	size_t size;
	char *data = make_model(&size);
	int loaded = 0;

	ck_assert(survives(data, size));
	for (size_t n = 0; n < size; n++)
		loaded += survives(data, n);
	ck_assert_int_le(loaded, 4); /* a cut between two fields of the model message itself */
	free(data);
}
END_TEST

START_TEST(flipped_bits_do_no_harm)
{
	size_t size, loaded = 0;
	char *data = make_model(&size);

	for (size_t bit = 0; bit < size * 8; bit++) {
		data[bit / 8] ^= (char)(1 << bit % 8);
		loaded += survives(data, size);
		data[bit / 8] ^= (char)(1 << bit % 8);
	}
	ck_assert_uint_gt(loaded, 100);            /* names and weights may be anything */
	ck_assert_uint_lt(loaded, size * 8 - 100); /* framing and types may not */
	free(data);
}
END_TEST

START_TEST(random_bytes_do_no_harm)
{
	size_t size;
	char *data = make_model(&size);
	uint32_t state = 1;

	for (int round = 0; round < 3000; round++) {
		char *copy = malloc(size);
		memcpy(copy, data, size);
		for (int k = 0; k < 1 + round % 8; k++) {
			state = state * 1664525u + 1013904223u;
			copy[(state >> 8) % size] = (char)(state >> 24);
		}
		survives(copy, size);
		free(copy);
	}
	free(data);
}
END_TEST

/* A length-delimited field around `inner` bytes that already stand at the end of the buffer. */
static size_t wrap(unsigned char *end, size_t inner, unsigned char tag)
{
	unsigned char head[8];
	size_t n = 0;

	head[n++] = tag;
	for (size_t v = inner; n == 1 || v; v >>= 7)
		head[n++] = (unsigned char)((v & 127) | (v > 127 ? 128 : 0));
	memcpy(end - inner - n, head, n);
	return inner + n;
}

START_TEST(bottomless_nesting_is_refused)
{
	enum { ROOM = 8 << 20 };
	unsigned char *buf = malloc(ROOM), *end = buf + ROOM;
	size_t n = 0;
	struct oqz_graph *g;

	/* model.graph (7) -> node (1) -> attribute (5) -> g (6) -> node ... */
	while (n < ROOM - 64) {
		n = wrap(end, n, 6 << 3 | 2);
		n = wrap(end, n, 5 << 3 | 2);
		n = wrap(end, n, 1 << 3 | 2);
	}
	n = wrap(end, n, 7 << 3 | 2);
	ck_fails(oqz_onnx_parse(end - n, n, "deep.onnx", NULL, &g, err), OQZ_E_LIMIT, "deep.onnx: messages nest");
	free(buf);
}
END_TEST

START_TEST(empty_messages_cannot_fill_memory)
{
	enum { ROOM = 24 << 20 };
	unsigned char *buf = malloc(ROOM), *end = buf + ROOM;
	size_t n = ROOM - 64;
	struct oqz_graph *g;

	for (size_t i = 0; i < n; i += 2) /* nodes without anything: two bytes each */
		memcpy(end - n + i, "\x0a\x00", 2);
	n = wrap(end, n, 7 << 3 | 2);
	ck_fails(oqz_onnx_parse(end - n, n, "bomb.onnx", NULL, &g, err), OQZ_E_LIMIT, "would unpack to");
	free(buf);
}
END_TEST

START_TEST(odd_wire_forms_are_refused)
{
	static const struct {
		const char *bytes;
		size_t n;
	} cases[] = {
		{ "\x00\x00", 2 },                                          /* field 0 */
		{ "\x3b\x3c", 2 },                                          /* a group */
		{ "\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 },     /* a length of 2^64 - 1 */
		{ "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12 }, /* a number that does not end */
		{ "\x3a\x05\x0a", 3 },                                      /* longer than the file */
		{ "\x39\x00", 2 },                                          /* eight bytes, two there */
		{ "\x38\x01", 2 },                                          /* graph as a number */
	};

	for (size_t i = 0; i < OQZ_COUNTOF(cases); i++)
		ck_assert_msg(!survives(cases[i].bytes, cases[i].n), "case %zu", i);
}
END_TEST

OQZ_TEST_MAIN("onnx_hostile", cut_models_are_refused, flipped_bits_do_no_harm, random_bytes_do_no_harm,
              bottomless_nesting_is_refused, empty_messages_cannot_fill_memory, odd_wire_forms_are_refused)
