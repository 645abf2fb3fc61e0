/* SPDX-License-Identifier: Apache-2.0
 *
 * Lanes that walk in bands (core/run/lane_compare.c) give what lanes give that do not: outputs and sums of errors bit
 * by bit, for bands of any height, on one thread and on several, with local errors and without.
 */
#include "core/exec/dnnl/dnnl_bands.h"
#include "core/run/lanes.h"
#include "tests/unit/exec_graph.h"

enum { LAYERS = 8, LANES = 4, OUT_MAX = 4096 };

enum kind { FLOAT, UNSIGNED, SIGNED, SMALL_FLOAT }; /* one lane each */

struct net {
	struct gb b;
	const char *layers[LAYERS];
	size_t n;
};

static struct oqz_value *on_grid(struct gb *b, struct oqz_value *x, enum kind kind)
{
	if (kind == FLOAT)
		return x;
	if (kind == SMALL_FLOAT) {
		struct oqz_value *y = GB_OP(b, "FakeQuant", x, gb_scalar(b, OQZ_DT_F32, 0.013));
		ck_ok(oqz_node_set_string(b->last, "kind", "minifloat", err));
		ck_ok(oqz_node_set_int(b->last, "exp_bits", 4, err));
		ck_ok(oqz_node_set_int(b->last, "man_bits", 3, err));
		ck_ok(oqz_node_set_int(b->last, "bias", 7, err));
		ck_ok(oqz_node_set_int(b->last, "special", 1, err));
		ck_ok(oqz_node_set_float(b->last, "max", 448, err));
		return y;
	}
	enum oqz_dtype t = kind == UNSIGNED ? OQZ_DT_U8 : OQZ_DT_I8;
	struct oqz_value *s = gb_scalar(b, OQZ_DT_F32, kind == UNSIGNED ? 0.05 : 0.1),
	                 *z = gb_scalar(b, t, kind == UNSIGNED ? 117 : 0);
	return GB_OP(b, "DequantizeLinear", GB_OP(b, "QuantizeLinear", x, s, z), s, z);
}

static struct oqz_value *weights(struct gb *b, struct oqz_shape shape, enum kind kind, double scale)
{
	struct oqz_value *w = gb_weights(b, OQZ_DT_F32, shape, scale);

	if (kind == FLOAT || kind == SMALL_FLOAT)
		return on_grid(b, w, kind);
	struct oqz_value *s = gb_scalar(b, OQZ_DT_F32, scale / 40), *z = gb_scalar(b, OQZ_DT_I8, 0);
	return GB_OP(b, "DequantizeLinear", GB_OP(b, "QuantizeLinear", w, s, z), s, z);
}

static struct oqz_value *conv(struct net *n, struct oqz_value *x, enum kind kind, int64_t in, int64_t out, int64_t k,
                              int64_t stride, int64_t group)
{
	struct gb *b = &n->b;
	struct oqz_value *w =
	    weights(b, GB_DIMS(out, in / group, k, k), kind, 1.5 / sqrt((double)(in / group * k * k)));
	struct oqz_value *bias = gb_weights(b, OQZ_DT_F32, GB_DIMS(out), 0.1);
	struct oqz_value *y = GB_OP(b, "Conv", on_grid(b, x, kind), w, bias);

	GB_INTS(b, "pads", k / 2, k / 2, k / 2, k / 2);
	GB_INTS(b, "strides", stride, stride);
	ck_ok(oqz_node_set_int(b->last, "group", group, err));
	n->layers[n->n++] = y->name;
	return y;
}

/* The same numbers for every kind: an inverted residual block behind an ordinary layer, a sum with what the layer
 * itself reads, and two elementwise operators in a row, which are made and read ahead in one go. */
static void net_init(struct net *n, enum kind kind, int64_t h, int64_t w)
{
	struct gb *b = &n->b;

	n->n = 0;
	gb_init(b, 5);
	struct oqz_value *x = gb_input(b, "x", GB_DIMS(1, 3, h, w));
	struct oqz_value *y = conv(n, x, kind, 3, 16, 3, 1, 1);
	y = GB_OP(b, "Clip", y, gb_scalar(b, OQZ_DT_F32, 0), gb_scalar(b, OQZ_DT_F32, 6));
	struct oqz_value *shortcut = y = conv(n, y, kind, 16, 16, 1, 2, 1);
	y = GB_OP(b, "Relu", conv(n, y, kind, 16, 48, 1, 1, 1));
	y = GB_OP(b, "HardSwish", conv(n, y, kind, 48, 48, 3, 1, 48));
	y = GB_OP(b, "Add", conv(n, y, kind, 48, 16, 1, 1, 1), shortcut);
	shortcut = y;
	y = GB_OP(b, "Relu", GB_OP(b, "Add", conv(n, y, kind, 16, 16, 3, 1, 4), shortcut));
	struct oqz_value *z = y = conv(n, y, kind, 16, 16, 3, 1, 4);
	y = GB_OP(b, "Mul", GB_OP(b, "Tanh", y), z);
	conv(n, y, kind, 16, 8, 5, 2, 1);
	gb_finish(b);
}

struct result {
	struct oqz_error_sums sums[LANES][LAYERS], local[LANES][LAYERS];
	float out[LANES][OUT_MAX];
	size_t n_out;
};

static void run(struct net *nets, const struct oqz_tensor *x, size_t band, int threads, bool local, struct result *r)
{
	struct oqz_lane_spec spec[LANES];
	struct oqz_lane_errors errors[LANES];
	struct oqz_lane_set *set;
	struct oqz_walker *walker;

	oqz_dnnl_band = band;
	memset(r, 0, sizeof *r);
	for (int k = 0; k < LANES; k++) {
		spec[k] = (struct oqz_lane_spec) { .graph = nets[k].b.g };
		errors[k] = (struct oqz_lane_errors) { r->sums[k], local ? r->local[k] : NULL };
		if (k) {
			spec[k].layers = nets[0].layers;
			spec[k].own_layers = nets[k].layers;
			spec[k].n_layers = LAYERS;
		}
	}
	ck_ok(oqz_lane_set_new(spec, LANES, NULL, 0, local, OQZ_ENGINE_AUTO, &x->shape, threads, &set, err));
	ck_ok(oqz_walker_new(set, threads, &walker, err));
	for (int i = 0; i < 2; i++) /* the second image finds what the first has left behind */
		ck_ok(oqz_walker_run(walker, &x, errors, err));
	for (size_t k = 0; k < LANES; k++) {
		const struct oqz_tensor *y = oqz_walker_output(walker, k, 0);
		r->n_out = (size_t)oqz_tensor_nelem(y);
		ck_assert(r->n_out <= OUT_MAX);
		memcpy(r->out[k], y->data, r->n_out * sizeof(float));
	}
	oqz_walker_free(walker);
	oqz_lane_set_free(set);
}

START_TEST(bands_change_nothing)
{
	static const int64_t sizes[][2] = { { 24, 20 }, { 37, 41 }, { 64, 9 }, { 90, 53 } };
	static const size_t bands[] = { 300, 700, 2500, 1 << 20 };
	static struct net nets[LANES];
	static struct result want, got;

	for (size_t i = 0; i < OQZ_COUNTOF(sizes); i++) {
		struct oqz_tensor x = { 0 };
		struct oqz_shape shape = GB_DIMS(1, 3, sizes[i][0], sizes[i][1]);
		for (int k = 0; k < LANES; k++)
			net_init(&nets[k], (enum kind)k, sizes[i][0], sizes[i][1]);
		ck_ok(oqz_tensor_alloc(&x, OQZ_DT_F32, &shape, err));
		gb_random(&nets[0].b, &x, 1);
		run(nets, &x, 1, 1, true, &want); /* rows are longer than such a band: none */
		for (int k = 1; k < LANES; k++)
			for (int l = 0; l < LAYERS; l++)
				ck_assert(want.sums[k][l].err2 > 0 && want.sums[k][l].ref2 > want.sums[k][l].err2);
		for (size_t n = 0; n < 4 * OQZ_COUNTOF(bands); n++) {
			bool local = n & 1;
			run(nets, &x, bands[n / 4], n & 2 ? 3 : 1, local, &got);
			ck_assert(memcmp(want.sums, got.sums, sizeof want.sums) == 0);
			ck_assert(!local || memcmp(want.local, got.local, sizeof want.local) == 0);
			ck_assert(memcmp(want.out, got.out, sizeof want.out) == 0);
		}
		oqz_tensor_release(&x);
		for (int k = 0; k < LANES; k++)
			oqz_graph_free(nets[k].b.g);
	}
}
END_TEST

OQZ_TEST_MAIN("lane_bands", bands_change_nothing)
