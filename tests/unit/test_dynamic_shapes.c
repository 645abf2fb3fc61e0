/* SPDX-License-Identifier: Apache-2.0
 *
 * Models whose batch, height and width are open: one file, opened once, planned for each shape that comes along, and
 * held against the reference kernels node by node. Results whose shape only the data tell.
 */
#include "core/onnx/onnx.h"
#include "tests/unit/exec_graph.h"

#include <unistd.h>

static struct oqz_shape open_shape(int rank, const int64_t *dims)
{
	struct oqz_shape s = oqz_shape_of(rank, dims);

	for (int i = 0; i < rank; i++)
		s.dim[i] = dims[i] ? dims[i] : OQZ_DIM_UNKNOWN;
	return s;
}
#define OPEN(...) \
	open_shape((int)(sizeof((int64_t[]) { __VA_ARGS__ }) / 8), (int64_t[]) { __VA_ARGS__ }) /* 0: unknown */

/* The way through a file, as a user's model comes. */
static struct oqz_graph *reopened(struct gb *b)
{
	struct oqz_graph *g = NULL;
	char path[64];

	gb_finish(b);
	snprintf(path, sizeof path, "dynamic-%ld.onnx", (long)getpid());
	ck_ok(oqz_onnx_save(b->g, path, err));
	oqz_graph_free(b->g);
	ck_ok(oqz_model_open(path, NULL, &g, err));
	unlink(path);
	return g;
}

/* Every engine on inputs of these shapes. */
static void check_shapes(struct oqz_graph *g, const struct oqz_shape *shapes, uint64_t seed)
{
	struct oqz_tensor in[4] = { 0 };
	struct gb random = { .g = g };
	struct oracle o;

	oqz_rng_init(&random.rng, seed);
	for (size_t i = 0; i < g->inputs.n; i++) {
		ck_ok(oqz_tensor_alloc(&in[i], OQZ_DT_F32, &shapes[i], err));
		gb_random(&random, &in[i], 1);
	}
	oracle_run(&o, g, in);
	for (int e = 0; e < 3; e++) {
		struct oqz_exec_options opt = { .engine = (enum oqz_engine)e };
		struct oqz_program *p = NULL;
		struct oqz_context *c = NULL;

		ck_ok(oqz_program_new(g, &opt, shapes, &p, err));
		ck_ok(oqz_context_new(p, &c, err));
		fill_inputs(c, p, in);
		ck_ok(oqz_context_run(c, 0, oqz_program_nsteps(p), err));
		for (size_t i = 0; i < g->outputs.n; i++) {
			const struct oqz_tensor *want = oracle_at(&o, g->outputs.v[i]->name);
			double d = tensor_difference(oqz_context_output(c, i), want);
			ck_assert_msg(d <= 1e-4, "engine %d, output %zu: off by %g", e, i, d);
		}
		oqz_context_free(c);
		oqz_program_free(p);
	}
	oracle_free(&o);
	for (size_t i = 0; i < g->inputs.n; i++)
		oqz_tensor_release(&in[i]);
}

/* A small pyramid: down, up again to the size that Shape says (as exporters write it), joined, pooled, classified. */
START_TEST(batch_height_and_width)
{
	static const int64_t sizes[][3] = { { 1, 32, 32 }, { 3, 17, 40 }, { 1, 9, 8 }, { 5, 8, 23 }, { 2, 32, 32 } };
	struct gb b;

	gb_init(&b, 4);
	struct oqz_value *x = gb_input(&b, "x", OPEN(0, 3, 0, 0));
	struct oqz_value *conv = GB_OP(&b, "Conv", x, gb_weights(&b, OQZ_DT_F32, GB_DIMS(8, 3, 3, 3), 0.2));
	GB_INTS(&b, "pads", 1, 1, 1, 1);
	struct oqz_value *top = GB_OP(&b, "Relu", conv);
	struct oqz_value *pool = GB_OP(&b, "MaxPool", top);
	GB_INTS(&b, "kernel_shape", 2, 2);
	GB_INTS(&b, "strides", 2, 2);
	struct oqz_value *size = GB_OP(&b, "Slice", GB_OP(&b, "Shape", top), GB_LIST(&b, 2), GB_LIST(&b, 4));
	struct oqz_value *head = GB_OP(&b, "Slice", GB_OP(&b, "Shape", pool), GB_LIST(&b, 0), GB_LIST(&b, 2));
	struct oqz_value *sizes_in = GB_OP(&b, "Concat", head, size);
	ck_ok(oqz_node_set_int(b.last, "axis", 0, err));
	struct oqz_value *up = GB_OP(&b, "Resize", pool, NULL, NULL, sizes_in);
	ck_ok(oqz_node_set_string(b.last, "mode", "linear", err));
	struct oqz_value *both = GB_OP(&b, "Concat", top, up);
	ck_ok(oqz_node_set_int(b.last, "axis", 1, err));
	struct oqz_value *map = GB_OP(&b, "Conv", both, gb_weights(&b, OQZ_DT_F32, GB_DIMS(4, 16, 1, 1), 0.2));
	struct oqz_value *flat = GB_OP(&b, "Flatten", GB_OP(&b, "GlobalAveragePool", map));
	GB_OP(&b, "Gemm", flat, gb_weights(&b, OQZ_DT_F32, GB_DIMS(4, 5), 1));
	/* positions as a sequence, by a Reshape that knows only the channels */
	GB_OP(&b, "Softmax", GB_OP(&b, "Reshape", map, GB_LIST(&b, 0, 4, -1)));
	struct oqz_graph *g = reopened(&b);
	for (size_t i = 0; i < OQZ_COUNTOF(sizes); i++)
		check_shapes(g, (struct oqz_shape[]) { GB_DIMS(sizes[i][0], 3, sizes[i][1], sizes[i][2]) }, i);

	struct oqz_shape wrong = GB_DIMS(1, 4, 8, 8);
	struct oqz_program *p = NULL;
	struct oqz_exec_options opt = { 0 };
	ck_fails(oqz_program_new(g, &opt, &wrong, &p, err), OQZ_E_MISMATCH, "x");
	oqz_graph_free(g);
}
END_TEST

/* Boxes of which an unknown number survives, then the boxes themselves and how many they are. */
START_TEST(suppressed_boxes)
{
	static const int64_t counts[] = { 1, 40, 7 };
	struct gb b;

	gb_init(&b, 5);
	struct oqz_value *boxes = gb_input(&b, "boxes", OPEN(1, 0, 4)), *scores = gb_input(&b, "scores", OPEN(1, 2, 0));
	struct oqz_value *kept = GB_OP(&b, "NonMaxSuppression", boxes, scores, gb_scalar(&b, OQZ_DT_I64, 5),
	                               gb_scalar(&b, OQZ_DT_F32, 0.4), gb_scalar(&b, OQZ_DT_F32, 0.1));
	struct oqz_value *index = GB_OP(&b, "Gather", kept, gb_scalar(&b, OQZ_DT_I64, 2));
	ck_ok(oqz_node_set_int(b.last, "axis", 1, err));
	struct oqz_value *picked = GB_OP(&b, "Gather", GB_OP(&b, "Squeeze", boxes, GB_LIST(&b, 0)), index);
	gb_output(&b, GB_OP(&b, "Mul", picked, gb_scalar(&b, OQZ_DT_F32, 2)));
	gb_output(&b, GB_OP(&b, "Shape", picked));
	struct oqz_graph *g = reopened(&b);
	for (size_t i = 0; i < OQZ_COUNTOF(counts); i++)
		check_shapes(g, (struct oqz_shape[]) { GB_DIMS(1, counts[i], 4), GB_DIMS(1, 2, counts[i]) }, 10 + i);
	oqz_graph_free(g);
}
END_TEST

/* What is above a threshold: none, some, a part of a batch. */
START_TEST(chosen_elements)
{
	struct gb b;

	gb_init(&b, 6);
	struct oqz_value *x = gb_input(&b, "x", OPEN(0, 0));
	struct oqz_value *yes = GB_OP(&b, "Greater", x, gb_scalar(&b, OQZ_DT_F32, 0.5));
	struct oqz_value *at = GB_OP(&b, "Transpose", GB_OP(&b, "NonZero", yes));
	struct oqz_value *v = GB_OP(&b, "GatherND", x, at);
	gb_output(&b, GB_OP(&b, "Exp", v));
	gb_output(&b, GB_OP(&b, "ReduceSum", v, GB_LIST(&b, 0)));
	gb_output(&b, GB_OP(&b, "ScatterND", x, at, GB_OP(&b, "Neg", v)));
	struct oqz_graph *g = reopened(&b);
	for (int64_t n = 1; n < 6; n++)
		check_shapes(g, (struct oqz_shape[]) { GB_DIMS(n, 7 - n) }, (uint64_t)n);
	oqz_graph_free(g);
}
END_TEST

OQZ_TEST_MAIN("dynamic_shapes", batch_height_and_width, suppressed_boxes, chosen_elements)
