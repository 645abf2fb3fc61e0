/* SPDX-License-Identifier: Apache-2.0
 *
 * For export_ort.sh: takes an exported QDQ model apart into its quantized layers, each with inputs and an output of its
 *own, in one model. So a peer can be asked what each layer makes of equal inputs, and no rounding of one layer hides in
 *the next.
 *
 *	split_layers QDQ.onnx OUT.onnx DIM...     DIM: extents for the unknown dims of the model's inputs, in order
 *
 * The new inputs are scaled (a Mul in front) so that numbers in [-2, 2] reach over the whole grid and a little beyond.
 * Prints how many layers there are, and of which operators.
 */
#include "core/base/str.h"
#include "core/onnx/onnx.h"
#include "core/ops/fold.h"
#include "core/ops/op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct split {
	struct oqz_graph *g;
	int n_in, n_out;
};

static bool is_op(const struct oqz_node *n, enum oqz_op_id id) { return n && n->op && n->op->id == id; }

static bool is_layer(const struct oqz_node *n)
{
	return is_op(n, OQZ_OP_CONV) || is_op(n, OQZ_OP_CONV_TRANSPOSE) || is_op(n, OQZ_OP_GEMM) ||
	       is_op(n, OQZ_OP_MATMUL) || is_op(n, OQZ_OP_LAYER_NORMALIZATION);
}

/* The codes behind a value that is dequantized: by DequantizeLinear, or by Cast and Mul (core/onnx/onnx_readers.c). */
static struct oqz_value *codes_of(const struct oqz_value *v)
{
	const struct oqz_node *n = v ? v->producer : NULL;

	if (is_op(n, OQZ_OP_DEQUANTIZE_LINEAR))
		return n->in[0];
	if (!is_op(n, OQZ_OP_MUL) || !n->in[0] || !is_op(n->in[0]->producer, OQZ_OP_CAST))
		return NULL;
	n = n->in[0]->producer;
	return n->in[0]->type.dtype == OQZ_DT_F8E4M3FN || n->in[0]->type.dtype == OQZ_DT_F8E5M2 ? n->in[0] : NULL;
}

/* By something that stays. */
static bool is_used(const struct oqz_value *v)
{
	for (size_t i = 0; i < v->uses.n; i++)
		if (!v->uses.v[i]->dead)
			return true;
	return false;
}

/* The node that quantizes: QuantizeLinear, or the Div before a Cast. */
static struct oqz_node *quantizer(const struct oqz_value *codes)
{
	return is_op(codes->producer, OQZ_OP_CAST) ? codes->producer->in[0]->producer : codes->producer;
}

/* What numbers of magnitude 1 are multiplied with to reach the end of the grid. */
static double reach(const struct oqz_value *codes)
{
	const struct oqz_tensor *scale = quantizer(codes)->in[1]->constant;
	double s = scale ? oqz_load_f(scale->dtype, scale->data, 0) : 1;

	switch (codes->type.dtype) {
	case OQZ_DT_I8: return 127 * s;
	case OQZ_DT_U8: return 255 * s;
	case OQZ_DT_I16: return 32767 * s;
	case OQZ_DT_U16: return 65535 * s;
	case OQZ_DT_F8E4M3FN: return 448 * s;
	case OQZ_DT_F8E5M2: return 57344 * s;
	default: return 7 * s;
	}
}

/* A graph input of this type behind a factor. */
static enum oqz_status new_input(struct split *s, const struct oqz_type *type, double factor, struct oqz_node *before,
                                 struct oqz_value **ret, struct oqz_err *err)
{
	struct oqz_graph *g = s->g;
	struct oqz_value *in[2], *out;
	struct oqz_tensor t = { 0 };
	const struct oqz_shape scalar = { .rank = 0 };
	struct oqz_node *mul;

	OQZ_TRY(oqz_graph_add_value(g, oqz_arena_printf(g->arena, "in_%03d", s->n_in), &in[0], err));
	in[0]->type = *type;
	in[0]->is_input = true;
	OQZ_TRY(oqz_tensor_alloc(&t, OQZ_DT_F32, &scalar, err));
	*(float *)t.data = (float)factor;
	enum oqz_status st =
	    oqz_graph_add_constant(g, oqz_arena_printf(g->arena, "factor_%03d", s->n_in), &t, &in[1], err);
	oqz_tensor_release(&t);
	OQZ_TRY(st);
	OQZ_TRY(oqz_graph_add_value(g, oqz_arena_printf(g->arena, "scaled_%03d", s->n_in), &out, err));
	OQZ_TRY(oqz_graph_add_node(g, oqz_arena_printf(g->arena, "scale_%03d", s->n_in), "", "Mul", before->opset, in,
	                           2, &out, 1, before, &mul, err));
	s->n_in++;
	if (!oqz_vec_push(&g->inputs, in[0]))
		return oqz_err_nomem(err, "inputs", 1);
	*ret = out;
	return OQZ_OK;
}

/* Gives the layer inputs and an output; *ret says whether it reads anything dequantized. */
static enum oqz_status cut(struct split *s, struct oqz_node *n, bool *ret, struct oqz_err *err)
{
	*ret = false;
	for (int i = 0; i < 2 && i < n->n_in; i++)
		*ret |= codes_of(n->in[i]) != NULL;
	for (int i = 0; *ret && i < n->n_in; i++) {
		struct oqz_value *codes = codes_of(n->in[i]);
		struct oqz_node *at = n;
		struct oqz_value *v = NULL;
		double factor = 1;
		int input = i;
		if (!n->in[i] || n->in[i]->constant)
			continue;
		if (codes) {
			if (codes->constant)
				continue;
			at = quantizer(codes);
			factor = reach(codes);
			input = 0;
		}
		OQZ_TRY(new_input(s, &at->in[input]->type, factor, at, &v, err));
		OQZ_TRY(oqz_node_set_input(at, input, v, err));
	}
	if (!*ret)
		return OQZ_OK;
	n->out[0]->name = oqz_arena_printf(s->g->arena, "out_%03d_%s", s->n_out++, n->op_type);
	n->out[0]->is_output = true;
	return oqz_vec_push(&s->g->outputs, n->out[0]) ? OQZ_OK : oqz_err_nomem(err, "outputs", 1);
}

static enum oqz_status bind(struct oqz_graph *g, char **dims, int n_dims, struct oqz_err *err)
{
	struct oqz_shape shapes[8];

	if (g->inputs.n > OQZ_COUNTOF(shapes))
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "%zu inputs", g->inputs.n);
	for (size_t i = 0; i < g->inputs.n; i++) {
		shapes[i] = g->inputs.v[i]->type.shape;
		for (int k = 0; k < shapes[i].rank; k++)
			if (shapes[i].dim[k] < 0) {
				if (n_dims-- <= 0)
					OQZ_FAIL(err, OQZ_E_USAGE, "input `%s` needs another DIM",
					         g->inputs.v[i]->name);
				shapes[i].dim[k] = strtoll(*dims++, NULL, 10);
			}
	}
	return oqz_bind_shapes(g, shapes, err);
}

static enum oqz_status split(const char *from, const char *to, char **dims, int n_dims, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = NULL;
	const char *const no_passes[] = { NULL };
	struct split s = { 0 };

	OQZ_TRY(oqz_model_open(from, no_passes, &g, err));
	OQZ_TRY(bind(g, dims, n_dims, err));
	s.g = g;
	for (size_t i = 0; i < g->inputs.n; i++)
		g->inputs.v[i]->is_input = false;
	for (size_t i = 0; i < g->outputs.n; i++)
		g->outputs.v[i]->is_output = false;
	g->inputs.n = g->outputs.n = 0;
	size_t n = g->nodes.n;
	OQZ_CLEANUP_FREE struct oqz_node **nodes = calloc(n + 1, sizeof *nodes);
	OQZ_CLEANUP_FREE bool *layer = calloc(n + 1, sizeof *layer);
	if (!nodes || !layer)
		return oqz_err_nomem(err, "nodes", n);
	memcpy(nodes, g->nodes.v, n * sizeof(struct oqz_node *));
	for (size_t i = 0; i < n; i++)
		if (is_layer(nodes[i]))
			OQZ_TRY(cut(&s, nodes[i], &layer[i], err));
	/* what lay between the layers is not wanted */
	for (size_t i = n; i-- > 0;)
		nodes[i]->dead = !layer[i] && !is_used(nodes[i]->out[0]);
	OQZ_TRY(oqz_graph_finish(g, err));
	OQZ_TRY(oqz_ops_resolve(g, err));
	OQZ_TRY(oqz_onnx_lower_opset(g, err));
	OQZ_TRY(oqz_onnx_save(g, to, err));
	printf("%d layers, operator set %d\n", s.n_out, oqz_graph_opset(g, ""));
	if (s.n_out == 0)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "%s: no quantized layer", from);
	return OQZ_OK;
}

int main(int argc, char **argv)
{
	struct oqz_err err = { 0 };

	if (argc < 3) {
		fprintf(stderr, "usage: split_layers QDQ.onnx OUT.onnx DIM...\n");
		return 2;
	}
	if (split(argv[1], argv[2], argv + 3, argc - 3, &err) == OQZ_OK)
		return 0;
	fprintf(stderr, "%s\n", err.msg);
	return 1;
}
