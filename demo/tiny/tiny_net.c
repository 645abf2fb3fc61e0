/* SPDX-License-Identifier: Apache-2.0
 *
 * The network of the tiny example. Only the read-out is learned; what is before it is a fixed bank of oriented filters
 *and random mixtures, which is enough for textures. Output channels have scales between 1/4 and 4, as networks with
 *folded batch normalisation have: a scheme with one scale per tensor then loses what one with a scale per channel
 *keeps.
 *
 *	image (1,3,48,48) conv 5x5, 24 filters, Relu, max-pool 2 -> (1,24,24,24)
 *	depthwise 3x3, Relu, conv 1x1, + shortcut, Relu          -> (1,24,24,24)
 *	conv 3x3 stride 2, 192 filters, Relu, global average      -> (1,192)
 */
#include "demo/tiny/tiny.h"

#include <math.h>
#include <stdio.h>

enum { OPSET = 13, BANK = 24, DEEP = 192 };

struct builder {
	struct oqz_graph *g;
	struct oqz_node *last;
	struct oqz_rng rng;
	struct oqz_err *err;
};

static enum oqz_status weights(struct builder *b, int rank, const int64_t *dims, struct oqz_tensor *t)
{
	struct oqz_shape s = oqz_shape_of(rank, dims);

	return oqz_tensor_alloc(t, OQZ_DT_F32, &s, b->err);
}

/* An operator with weights and bias (NULL: none of them); gives its output, named as the node. */
static enum oqz_status add(struct builder *b, const char *op, const char *name, struct oqz_value *x,
                           struct oqz_value *y, const struct oqz_tensor *w, const struct oqz_tensor *bias,
                           struct oqz_value **ret)
{
	struct oqz_value *in[3] = { x, y };
	struct oqz_err *err = b->err;
	char text[64];
	int n = y ? 2 : 1;

	if (w) {
		snprintf(text, sizeof text, "%s.weight", name);
		OQZ_TRY(oqz_graph_add_constant(b->g, text, w, &in[n++], err));
	}
	if (bias) {
		snprintf(text, sizeof text, "%s.bias", name);
		OQZ_TRY(oqz_graph_add_constant(b->g, text, bias, &in[n++], err));
	}
	snprintf(text, sizeof text, "%s.out", name);
	OQZ_TRY(oqz_graph_add_value(b->g, text, ret, err));
	return oqz_graph_add_node(b->g, name, "", op, OPSET, in, n, ret, 1, NULL, &b->last, err);
}

static enum oqz_status relu(struct builder *b, const char *name, struct oqz_value **x)
{
	return add(b, "Relu", name, *x, NULL, NULL, NULL, x);
}

/* Filters 0..15: an edge and a bar for four directions at two widths, on the brightness; the rest: random, of zero sum.
 */
static void fill_bank(struct builder *b, float *w)
{
	for (int k = 0; k < BANK; k++) {
		double angle = M_PI / 4 * (k % 4), freq = k % 16 < 8 ? 1.1 : 0.65, phase = k / 4 % 2 ? 0 : M_PI / 2,
		       sum = 0;
		for (int c = 0; c < 3; c++)
			for (int i = 0; i < 25; i++) {
				int x = i % 5 - 2, y = i / 5 - 2;
				double u = cos(angle) * x + sin(angle) * y, soft = exp(-(x * x + y * y) / 5.0);
				double v = k < 16 ? soft * sin(freq * u + phase) : soft * oqz_rng_normal(&b->rng) * 0.7;
				w[(k * 3 + c) * 25 + i] = (float)v;
				sum += v;
			}
		for (int i = 0; i < 75; i++)
			w[k * 75 + i] -= (float)(sum / 75);
	}
}

/* Random filters whose weights sum to zero: inputs behind a Relu are positive, and without this all outputs would
 * mostly say the same, how much contrast there is. */
static void fill_random(struct builder *b, float *w, size_t filters, size_t each, double deviation)
{
	for (size_t k = 0; k < filters; k++) {
		double sum = 0;
		for (size_t i = 0; i < each; i++)
			sum += w[k * each + i] = (float)(deviation * oqz_rng_normal(&b->rng));
		for (size_t i = 0; i < each && each > 1; i++)
			w[k * each + i] -= (float)(sum / (double)each);
	}
}

/* Multiplies output channel k by its scale. */
static void scale_channels(struct builder *b, float *w, size_t channels, size_t each)
{
	for (size_t k = 0; k < channels; k++) {
		double s = exp2(3 * oqz_rng_f64(&b->rng) - 1.5);
		for (size_t i = 0; i < each; i++)
			w[k * each + i] *= (float)s;
	}
}

enum conv_kind { CONV_BANK, CONV_DEPTHWISE, CONV_POINT, CONV_DEEP };

static enum oqz_status conv(struct builder *b, enum conv_kind kind, const char *name, struct oqz_value *x,
                            struct oqz_value **ret)
{
	static const struct {
		int64_t out, in, kernel, stride, group;
		double deviation;
	} kinds[] = { { BANK, 3, 5, 1, 1, 0 },
		      { BANK, 1, 3, 1, BANK, 0.4 },
		      { BANK, BANK, 1, 1, 1, 0.2 },
		      { DEEP, BANK, 3, 2, 1, 0.1 } };
	int64_t k = kinds[kind].kernel, out = kinds[kind].out, pad = k / 2;
	size_t each = (size_t)(kinds[kind].in * k * k);
	struct oqz_tensor w = { 0 }, bias = { 0 };
	struct oqz_err *err = b->err;

	OQZ_TRY(weights(b, 4, (int64_t[]) { out, kinds[kind].in, k, k }, &w));
	OQZ_TRY(weights(b, 1, &out, &bias));
	if (kind == CONV_BANK)
		fill_bank(b, w.data);
	else
		fill_random(b, w.data, (size_t)out, each, kinds[kind].deviation);
	scale_channels(b, w.data, (size_t)out, each);
	fill_random(b, bias.data, (size_t)out, 1, 0.05);
	enum oqz_status st = add(b, "Conv", name, x, NULL, &w, &bias, ret);
	oqz_tensor_release(&w);
	oqz_tensor_release(&bias);
	OQZ_TRY(st);
	OQZ_TRY(oqz_node_set_ints(b->last, "kernel_shape", (int64_t[]) { k, k }, 2, err));
	OQZ_TRY(oqz_node_set_ints(b->last, "pads", (int64_t[]) { pad, pad, pad, pad }, 4, err));
	OQZ_TRY(oqz_node_set_ints(b->last, "strides", (int64_t[]) { kinds[kind].stride, kinds[kind].stride }, 2, err));
	return oqz_node_set_int(b->last, "group", kinds[kind].group, err);
}

static enum oqz_status pool(struct builder *b, const char *op, const char *name, int64_t size, struct oqz_value **x)
{
	OQZ_TRY(add(b, op, name, *x, NULL, NULL, NULL, x));
	OQZ_TRY(oqz_node_set_ints(b->last, "kernel_shape", (int64_t[]) { size, size }, 2, b->err));
	return oqz_node_set_ints(b->last, "strides", (int64_t[]) { size, size }, 2, b->err);
}

static enum oqz_status set_output(struct builder *b, struct oqz_value *v)
{
	v->is_output = true;
	b->g->outputs.n = 0;
	return oqz_vec_push(&b->g->outputs, v) ? oqz_graph_finish(b->g, b->err) : oqz_err_nomem(b->err, v->name, 1);
}

static enum oqz_status build(struct builder *b, struct oqz_err *err)
{
	struct oqz_value *x, *shortcut;

	OQZ_TRY(oqz_graph_add_value(b->g, "image", &x, err));
	x->is_input = true;
	x->type =
	    (struct oqz_type) { OQZ_DT_F32, oqz_shape_of(4, (int64_t[]) { 1, TINY_CHANNELS, TINY_SIZE, TINY_SIZE }) };
	if (!oqz_vec_push(&b->g->inputs, x) ||
	    !oqz_vec_push(&b->g->opsets, ((struct oqz_opset) { .domain = "", .version = OPSET })))
		return oqz_err_nomem(err, "the network", 1);
	OQZ_TRY(conv(b, CONV_BANK, "bank", x, &x));
	OQZ_TRY(relu(b, "bank.relu", &x));
	OQZ_TRY(pool(b, "MaxPool", "pool", 2, &x));
	shortcut = x;
	OQZ_TRY(conv(b, CONV_DEPTHWISE, "depthwise", x, &x));
	OQZ_TRY(relu(b, "depthwise.relu", &x));
	OQZ_TRY(conv(b, CONV_POINT, "pointwise", x, &x));
	OQZ_TRY(add(b, "Add", "sum", x, shortcut, NULL, NULL, &x));
	OQZ_TRY(relu(b, "sum.relu", &x));
	OQZ_TRY(conv(b, CONV_DEEP, "deep", x, &x));
	OQZ_TRY(relu(b, "deep.relu", &x));
	OQZ_TRY(add(b, "GlobalAveragePool", "average", x, NULL, NULL, NULL, &x));
	OQZ_TRY(add(b, "Flatten", "flatten", x, NULL, NULL, NULL, &x));
	OQZ_TRY(oqz_node_set_int(b->last, "axis", 1, err));
	return set_output(b, x);
}

enum oqz_status tiny_net_new(uint64_t seed, struct oqz_graph **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = oqz_graph_new();
	struct builder b = { .g = g, .err = err };

	if (!g)
		return oqz_err_nomem(err, "the network", 1);
	g->name = "tiny";
	oqz_rng_init(&b.rng, seed);
	OQZ_TRY(build(&b, err));
	*ret = oqz_steal(g);
	return OQZ_OK;
}

enum oqz_status tiny_net_add_readout(struct oqz_graph *g, const struct oqz_tensor *weight,
                                     const struct oqz_tensor *bias, struct oqz_err *err)
{
	struct builder b = { .g = g, .err = err };
	struct oqz_value *features = g->outputs.v[0], *scores;

	features->is_output = false;
	OQZ_TRY(add(&b, "Gemm", "scores", features, NULL, weight, bias, &scores));
	OQZ_TRY(oqz_node_set_int(b.last, "transB", 1, err));
	return set_output(&b, scores);
}
