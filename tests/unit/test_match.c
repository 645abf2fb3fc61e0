/* SPDX-License-Identifier: Apache-2.0
 *
 * core/quant/match: a quantized graph whose names were all given anew, whose branches are written in another order,
 * finds its layers again; misleading names are not believed; what has no counterpart has none.
 */
#include "core/quant/match.h"
#include "tests/unit/exec_graph.h"

enum { N_WEIGHTS = 6 };

/* The float weights that both graphs are made of. */
static void make_weights(struct oqz_tensor *w)
{
	static const int64_t dims[N_WEIGHTS][4] = { { 8, 3, 3, 3 }, { 8, 8, 1, 1 }, { 8, 8, 1, 1 },
		                                    { 8, 1, 3, 3 }, { 8, 8, 1, 1 }, { 4, 8, 1, 1 } };
	struct gb b;

	gb_init(&b, 99);
	for (int i = 0; i < N_WEIGHTS; i++) {
		struct oqz_shape s = oqz_shape_of(4, dims[i]);
		w[i] = (struct oqz_tensor) { 0 };
		ck_ok(oqz_tensor_alloc(&w[i], OQZ_DT_F32, &s, err));
		gb_random(&b, &w[i], 0.3);
	}
	oqz_graph_free(b.g);
}

/* A weight as it is, or as int8 codes behind DequantizeLinear. */
static struct oqz_value *weight(struct gb *b, const struct oqz_tensor *w, bool quantized, double rescale)
{
	struct oqz_tensor t = { 0 };
	const float *x = w->data;

	if (!quantized)
		return gb_const(b, w);
	ck_ok(oqz_tensor_alloc(&t, OQZ_DT_I8, &w->shape, err));
	for (int64_t i = 0; i < oqz_tensor_nelem(w); i++) {
		double c = nearbyint((double)x[i] / 0.01);
		oqz_store_i(OQZ_DT_I8, t.data, (size_t)i, (int64_t)(c > 127 ? 127 : c < -128 ? -128 : c));
	}
	struct oqz_value *codes = gb_const(b, &t);
	oqz_tensor_release(&t);
	struct oqz_value *v =
	    GB_OP(b, "DequantizeLinear", codes, gb_scalar(b, OQZ_DT_F32, 0.01 * rescale), gb_scalar(b, OQZ_DT_I8, 0));
	gb_infer_last(b);
	return v;
}

static struct oqz_value *on_grid(struct gb *b, struct oqz_value *x)
{
	struct oqz_value *s = gb_scalar(b, OQZ_DT_F32, 0.05), *z = gb_scalar(b, OQZ_DT_I8, 3);

	return GB_OP(b, "DequantizeLinear", GB_OP(b, "QuantizeLinear", x, s, z), s, z);
}

static struct oqz_value *conv(struct gb *b, struct oqz_value *x, const struct oqz_tensor *w, bool quantized,
                              double rescale, int64_t group, const char **ret_name)
{
	struct oqz_value *in = quantized ? on_grid(b, x) : x, *wv = weight(b, w, quantized, rescale);
	struct oqz_value *y = GB_OP(b, "Conv", in, wv);
	int64_t pad = w->shape.dim[2] / 2;

	GB_INTS(b, "pads", pad, pad, pad, pad);
	ck_ok(oqz_node_set_int(b->last, "group", group, err));
	*ret_name = b->last->name;
	return y;
}

/* stem, two branches of equal shapes (written first or last by `swap`), depthwise, 1x1, head. names[k]: node of weight
 * k. */
static void build(struct gb *b, const struct oqz_tensor *w, bool quantized, bool swap, double rescale,
                  const char **names)
{
	struct oqz_value *x = gb_input(b, quantized ? "data" : "x", GB_DIMS(1, 3, 8, 8)), *y[2];

	x = GB_OP(b, "Relu", conv(b, x, &w[0], quantized, rescale, 1, &names[0]));
	for (int i = 0; i < 2; i++) {
		int k = swap ? 1 - i : i;
		y[k] = conv(b, x, &w[1 + k], quantized, 1, 1, &names[1 + k]);
	}
	x = GB_OP(b, "Add", y[0], y[1]);
	x = GB_OP(b, "Relu", conv(b, x, &w[3], quantized, 1, 8, &names[3]));
	x = conv(b, x, &w[4], quantized, rescale, 1, &names[4]);
	conv(b, x, &w[5], quantized, 1, 1, &names[5]);
	gb_finish(b);
}

static const struct oqz_layer_match *find(const struct oqz_matches *m, const char *node)
{
	for (size_t i = 0; i < m->layers.n; i++)
		if (strcmp(m->layers.v[i].node->name, node) == 0)
			return &m->layers.v[i];
	ck_abort_msg("no layer %s", node);
	return NULL;
}

/* Every layer finds its own although names say nothing, or lie. */
static void check_pairs(int first_name, bool swap, double rescale)
{
	struct oqz_tensor w[N_WEIGHTS];
	struct gb f, q;
	const char *fn[N_WEIGHTS], *qn[N_WEIGHTS];
	struct oqz_matches m = { 0 };

	make_weights(w);
	gb_init(&f, 1);
	gb_init(&q, 2);
	q.n = first_name;
	build(&f, w, false, false, 1, fn);
	build(&q, w, true, swap, rescale, qn);
	ck_ok(oqz_match_layers(f.g, q.g, &m, err));
	ck_assert_int_eq((int)m.layers.n, N_WEIGHTS);
	for (int i = 0; i < N_WEIGHTS; i++) {
		const struct oqz_layer_match *l = find(&m, qn[i]);
		ck_assert_msg(l->twin && !strcmp(l->twin->name, fn[i]), "%s: %s, not %s", qn[i],
		              l->twin ? l->twin->name : "none", fn[i]);
		ck_assert(l->quantized);
	}
	/* in the float model's order, whatever the order of the branches was */
	int *rank = malloc((q.g->nodes.n + 1) * sizeof *rank), last = -1;
	for (size_t i = 0; i < q.g->nodes.n; i++)
		rank[i] = -1;
	ck_ok(oqz_match_order(q.g, &m, rank, err));
	for (int i = 0; i < N_WEIGHTS; i++) {
		int at = oqz_graph_node(q.g, qn[i])->index;
		ck_assert_int_gt(at, last);
		last = at;
	}
	free(rank);
	oqz_matches_release(&m);
	oqz_graph_free(f.g);
	oqz_graph_free(q.g);
	for (int i = 0; i < N_WEIGHTS; i++)
		oqz_tensor_release(&w[i]);
}

START_TEST(layers_are_found_without_names)
{
	check_pairs(1000, false, 1);
	check_pairs(1000, true, 1);
}
END_TEST

/* Numbers that an exporter gave: each start makes other layers of the two graphs share a name. */
START_TEST(misleading_names_are_not_believed)
{
	for (int first = 0; first < 40; first++)
		check_pairs(first, first % 2, 1);
}
END_TEST

/* Equalization: weights far from the float model's, found by what lies around them. */
START_TEST(rescaled_layers_are_found) { check_pairs(1000, true, 7); }
END_TEST

START_TEST(what_has_no_counterpart_has_none)
{
	struct oqz_tensor w[N_WEIGHTS];
	struct gb f, q;
	const char *fn[N_WEIGHTS], *qn[N_WEIGHTS], *extra;
	struct oqz_matches m = { 0 };
	size_t matched = 0;

	make_weights(w);
	gb_init(&f, 1);
	gb_init(&q, 2);
	q.n = 500;
	build(&f, w, false, false, 1, fn);
	struct oqz_value *x = gb_input(&q, "data", GB_DIMS(1, 3, 8, 8));
	x = conv(&q, x, &w[0], true, 1, 1, &qn[0]);
	x = conv(&q, x, &w[4], false, 1, 1, &qn[4]); /* float in the quantized model */
	struct oqz_value *k = gb_weights(&q, OQZ_DT_F32, GB_DIMS(8, 8, 5, 5), 0.1);
	conv(&q, x, k->constant, true, 1, 1, &extra);
	gb_finish(&q);
	ck_ok(oqz_match_layers(f.g, q.g, &m, err));
	ck_assert_str_eq(find(&m, qn[0])->twin->name, fn[0]);
	ck_assert(!find(&m, qn[4])->quantized);
	ck_assert_str_eq(find(&m, qn[4])->twin->name, fn[4]);
	ck_assert(find(&m, extra)->quantized && !find(&m, extra)->twin);
	for (size_t i = 0; i < m.layers.n; i++)
		matched += m.layers.v[i].twin != NULL;
	ck_assert_int_eq((int)matched, 2);
	oqz_matches_release(&m);
	oqz_graph_free(f.g);
	oqz_graph_free(q.g);
	for (int i = 0; i < N_WEIGHTS; i++)
		oqz_tensor_release(&w[i]);
}
END_TEST

OQZ_TEST_MAIN("match", layers_are_found_without_names, misleading_names_are_not_believed, rescaled_layers_are_found,
              what_has_no_counterpart_has_none)
