/* SPDX-License-Identifier: Apache-2.0
 *
 * Every implementation of core/exec/impl_list.c against the reference kernels on random graphs of one operator: shapes
 * (dimensions of one and of none among them, scalars where the operator takes them), strides, pads, groups, dilations,
 * both layouts (a convolution in front leaves its output channels-last). One row per implementation, its name as it is
 * in the source (tests/meta/differential.sh looks for it); each row must really have been chosen. A failure prints the
 * seed.
 */
#include "tests/unit/exec_random_quant.h"
#include "core/exec/impl.h"
#include "core/base/str.h"

enum { ROUNDS = 60 };

static struct oqz_shape any_shape(struct gb *b, int least, int most)
{
	struct oqz_shape s = { .rank = (int)draw(b, least, most) };

	for (int i = 0; i < s.rank; i++)
		s.dim[i] = extent(b);
	return s;
}

/* An input; of rank 4 now and then as a convolution leaves it. */
static struct oqz_value *input(struct gb *b, struct oqz_shape s)
{
	struct oqz_value *x = gb_input(b, "x", s);

	if (s.rank != 4 || draw(b, 0, 1) || oqz_shape_nelem(&s) == 0)
		return x;
	x = GB_OP(b, "Conv", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(s.dim[1], s.dim[1], 1, 1), 0.5));
	return x;
}

static void eltwise(struct gb *b)
{
	static const char *const one[] = { "Relu", "Sigmoid", "Tanh",     "Exp", "HardSwish", "Abs",
		                           "Neg",  "Erf",     "Softplus", "Sin", "Cos" },
	                         *const two[] = { "Add", "Mul", "Sub", "Div", "Max", "Min" };
	struct oqz_shape s = any_shape(b, 0, 5), t = s;
	struct oqz_value *x = input(b, s);

	if (draw(b, 0, 1)) {
		GB_OP(b, one[draw(b, 0, OQZ_COUNTOF(one) - 1)], x);
		return;
	}
	for (int i = 0; i < t.rank; i++)
		t.dim[i] = draw(b, 0, 2) ? t.dim[i] : 1;
	struct oqz_value *y = draw(b, 0, 1) ? gb_input(b, "y", t) : gb_weights(b, OQZ_DT_F32, t, 1);
	const char *op = two[draw(b, 0, OQZ_COUNTOF(two) - 1)];
	if (draw(b, 0, 1))
		GB_OP(b, op, x, y);
	else
		GB_OP(b, op, y, x);
}

/* Blocks of pixels and channels. */
static void depth_space(struct gb *b)
{
	int64_t blk = draw(b, 1, 4), to_space = draw(b, 0, 1), deep = to_space ? blk * blk : 1,
	        wide = to_space ? 1 : blk;

	GB_OP(b, to_space ? "DepthToSpace" : "SpaceToDepth",
	      input(b, GB_DIMS(draw(b, 1, 2), deep * draw(b, 1, 4), wide * extent(b), wide * extent(b))));
	set_int(b, "blocksize", blk);
	if (to_space)
		ck_ok(oqz_node_set_string(b->last, "mode", draw(b, 0, 1) ? "CRD" : "DCR", err));
}

static void move(struct gb *b)
{
	if (draw(b, 0, 4) == 0) {
		depth_space(b);
		return;
	}
	struct oqz_shape s = any_shape(b, 2, 5);
	struct oqz_value *x = input(b, s);
	int64_t perm[5] = { 0, 1, 2, 3, 4 }, pads[10], reps[5], axis = draw(b, 0, s.rank - 1);

	switch (draw(b, 0, 5)) {
	case 0:
		for (int i = s.rank - 1; i > 0; i--) {
			int64_t k = draw(b, 0, i), t = perm[i];
			perm[i] = perm[k];
			perm[k] = t;
		}
		GB_OP(b, "Transpose", x);
		set_ints(b, "perm", perm, s.rank);
		break;
	case 1:
		GB_OP(b, "Concat", x, x, x);
		set_int(b, "axis", axis - (draw(b, 0, 1) ? s.rank : 0));
		break;
	case 2:
		GB_OP(b, "Slice", x, GB_LIST(b, draw(b, -3, 5)), GB_LIST(b, draw(b, -3, 40)), GB_LIST(b, axis),
		      GB_LIST(b, draw(b, 0, 3) ? draw(b, 1, 3) : -draw(b, 1, 2)));
		break;
	case 3:
		for (int i = 0; i < 2 * s.rank; i++)
			pads[i] = draw(b, 0, 3);
		GB_OP(b, "Pad", x, gb_list(b, 2 * (size_t)s.rank, pads), gb_scalar(b, OQZ_DT_F32, 0.25));
		break;
	case 4:
		for (int i = 0; i < s.rank; i++)
			reps[i] = draw(b, 0, 3) ? draw(b, 1, 2) : draw(b, 0, 3);
		GB_OP(b, "Tile", x, gb_list(b, (size_t)s.rank, reps));
		break;
	default:
		if (s.dim[axis] == 0)
			GB_OP(b, "Transpose", x);
		else
			GB_OP(b, "Gather", x, GB_LIST(b, 0, s.dim[axis] - 1, -1));
		if (s.dim[axis])
			set_int(b, "axis", axis);
	}
}

static void resize(struct gb *b)
{
	static const char *const how[] = { "half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel",
		                           "half_pixel_symmetric" },
	                         *const modes[] = { "linear", "nearest", "cubic" };
	bool three = draw(b, 0, 3) == 0;
	struct oqz_shape s = three ? GB_DIMS(draw(b, 1, 2), draw(b, 1, 20), draw(b, 1, 20))
	                           : GB_DIMS(draw(b, 1, 2), draw(b, 1, 20), draw(b, 1, 9), draw(b, 1, 20));
	struct oqz_value *x = input(b, s);
	struct oqz_tensor t = { 0 };
	struct oqz_shape n = GB_DIMS(s.rank);

	ck_ok(oqz_tensor_alloc(&t, OQZ_DT_F32, &n, err));
	for (int i = 0; i < s.rank; i++)
		((float *)t.data)[i] = i < 2 ? 1 : draw(b, 0, 1) ? (float)draw(b, 1, 3) : (float)draw(b, 3, 9) / 8;
	for (int i = 2; i < s.rank; i++)
		if (s.dim[i] * ((float *)t.data)[i] < 1)
			((float *)t.data)[i] = 1;
	GB_OP(b, "Resize", x, NULL, gb_const(b, &t));
	oqz_tensor_release(&t);
	ck_ok(oqz_node_set_string(b->last, "mode", modes[draw(b, 0, 2)], err));
	ck_ok(oqz_node_set_string(b->last, "coordinate_transformation_mode", how[draw(b, 0, 4)], err));
	set_int(b, "antialias", draw(b, 0, 1));
	set_int(b, "exclude_outside", draw(b, 0, 3) == 0);
}

static void grid_sample(struct gb *b)
{
	static const char *const modes[] = { "linear", "nearest", "cubic" }, *const paddings[] = { "zeros", "border",
		                                                                                   "reflection" };
	bool volume = draw(b, 0, 3) == 0;
	int64_t batch = draw(b, 1, 2), c = draw(b, 1, 20), w = draw(b, 1, 30), k = draw(b, 1, 30);
	struct oqz_value *x =
	    volume ? gb_input(b, "x", GB_DIMS(batch, c, 3, 4, w)) : input(b, GB_DIMS(batch, c, draw(b, 1, 9), w));

	GB_OP(b, "GridSample", x, gb_input(b, "at", volume ? GB_DIMS(batch, 2, 3, k, 3) : GB_DIMS(batch, 40, k, 2)));
	ck_ok(oqz_node_set_string(b->last, "mode", modes[draw(b, 0, volume ? 1 : 2)], err));
	ck_ok(oqz_node_set_string(b->last, "padding_mode", paddings[draw(b, 0, 2)], err));
	set_int(b, "align_corners", draw(b, 0, 1));
}

static void conv(struct gb *b)
{
	struct window w;
	int64_t group = draw(b, 0, 2) ? 1 : draw(b, 1, 17), icg = draw(b, 1, 9), ocg = draw(b, 1, 9);

	draw_window(b, &w, (int)draw(b, 1, 3), group * icg);
	if (draw(b, 0, 15) == 0)
		w.x[0] = 0;
	struct oqz_value *x = gb_input(b, "x", oqz_shape_of(w.nsp + 2, w.x));
	GB_OP(b, "Conv", x, gb_weights(b, OQZ_DT_F32, weight_shape(&w, group * ocg, icg), 0.3),
	      gb_weights(b, OQZ_DT_F32, GB_DIMS(group * ocg), 1));
	set_int(b, "group", group);
	set_window(b, &w);
}

/* A branch of convolutions that is added to what it started from. */
static void conv_add(struct gb *b)
{
	int64_t channels = draw(b, 1, 33), k = 2 * draw(b, 0, 1) + 1, pads[] = { k / 2, k / 2, k / 2, k / 2 };
	struct oqz_value *x = gb_input(b, "x", GB_DIMS(draw(b, 1, 2), channels, draw(b, 1, 9), draw(b, 1, 9)));
	struct oqz_value *y = GB_OP(b, "Conv", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(channels, channels, 1, 1), 0.3));

	y = GB_OP(b, "Relu", y);
	y = GB_OP(b, "Conv", y, gb_weights(b, OQZ_DT_F32, GB_DIMS(channels, channels, k, k), 0.3),
	          gb_weights(b, OQZ_DT_F32, GB_DIMS(channels), 1));
	set_ints(b, "pads", pads, 4);
	y = draw(b, 0, 1) ? GB_OP(b, "Add", y, x) : GB_OP(b, "Add", x, y);
	if (draw(b, 0, 1))
		GB_OP(b, "Relu", y);
}

static void transposed(struct gb *b, bool depthwise)
{
	struct window w;
	int64_t group = depthwise ? draw(b, 2, 20) : draw(b, 1, 3), icg = depthwise ? 1 : draw(b, 1, 9);
	int64_t ocg = depthwise ? 1 : draw(b, 1, 9);

	draw_window(b, &w, depthwise ? 2 : (int)draw(b, 1, 3), group * icg);
	struct oqz_value *x = gb_input(b, "x", oqz_shape_of(w.nsp + 2, w.x));
	GB_OP(b, "ConvTranspose", x, gb_weights(b, OQZ_DT_F32, weight_shape(&w, group * icg, ocg), 0.3));
	set_int(b, "group", group);
	set_window(b, &w);
}
static void deconv(struct gb *b) { transposed(b, false); }
static void deconv_dw(struct gb *b) { transposed(b, true); }

/* Windows side by side, as networks enlarge by. */
static void deconv_tiles(struct gb *b)
{
	int64_t k[] = { draw(b, 1, 4), draw(b, 1, 4) }, channels = draw(b, 1, 20), m = draw(b, 1, 20);
	struct oqz_value *x = input(b, GB_DIMS(draw(b, 1, 2), channels, draw(b, 1, 9), draw(b, 1, 9)));
	struct oqz_value *w = gb_weights(b, OQZ_DT_F32, GB_DIMS(channels, m, k[0], k[1]), 0.3);

	if (draw(b, 0, 1))
		GB_OP(b, "ConvTranspose", x, w, gb_weights(b, OQZ_DT_F32, GB_DIMS(m), 1));
	else
		GB_OP(b, "ConvTranspose", x, w);
	set_ints(b, "strides", k, 2);
}

/* `spread`: windows that may see nothing but padding, or be larger than the input. */
static void pool_of(struct gb *b, const char *op, int n_out, struct oqz_value *x, struct window *w, bool spread)
{
	gb_op_n(b, op, &x, 1, n_out);
	for (int d = 0; spread && d < w->nsp; d++)
		w->pads[d] += draw(b, 0, 3);
	set_ints(b, "kernel_shape", w->k, w->nsp);
	set_window(b, w);
	if (*op == 'A')
		set_int(b, "count_include_pad", draw(b, 0, 1));
	set_int(b, "ceil_mode", draw(b, 0, 1));
}

static const char *either_pool(struct gb *b) { return draw(b, 0, 1) ? "MaxPool" : "AveragePool"; }

static void pool_last(struct gb *b)
{
	struct window w;

	draw_window(b, &w, 2, draw(b, 1, 20));
	struct oqz_value *x = draw(b, 0, 3) ? gb_input(b, "x", oqz_shape_of(4, w.x)) : input(b, oqz_shape_of(4, w.x));
	if (draw(b, 0, 1)) {
		GB_OP(b, draw(b, 0, 1) ? "GlobalAveragePool" : "GlobalMaxPool", x);
		return;
	}
	if (draw(b, 0, 3) == 0) {
		enum oqz_dtype t = draw(b, 0, 1) ? OQZ_DT_U8 : OQZ_DT_I8;
		x = GB_OP(b, "QuantizeLinear", x, gb_scalar(b, OQZ_DT_F32, 1.0 / 64), gb_scalar(b, t, 3));
		pool_of(b, "MaxPool", 1, x, &w, false);
		return;
	}
	x = GB_OP(b, "Conv", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(w.x[1], w.x[1], 1, 1), 0.5));
	pool_of(b, either_pool(b), 1, x, &w, false);
}

static void pool(struct gb *b)
{
	struct window w;

	draw_window(b, &w, (int)draw(b, 1, 3), draw(b, 1, 20));
	struct oqz_value *x = gb_input(b, "x", oqz_shape_of(w.nsp + 2, w.x));
	bool spread = draw(b, 0, 3) == 0;
	if (draw(b, 0, 1)) {
		pool_of(b, either_pool(b), 1, x, &w, spread);
		return;
	}
	/* with Indices: of numbers that are equal, or none */
	pool_of(b, "MaxPool", 2, GB_OP(b, draw(b, 0, 1) ? "Floor" : "Sqrt", x), &w, spread);
	set_int(b, "storage_order", draw(b, 0, 5) == 0);
}

static void softmax(struct gb *b)
{
	struct oqz_shape s = any_shape(b, 1, 5);

	s.dim[s.rank - 1] +=
	    2; /* the logarithm of one class alone is zero up to rounding, of which no error can be a share */
	GB_OP(b, draw(b, 0, 1) ? "Softmax" : "LogSoftmax", input(b, s));
	if (draw(b, 0, 1))
		set_int(b, "axis", draw(b, -s.rank, s.rank - 1));
}

static void reduce(struct gb *b)
{
	static const char *const ops[] = { "ReduceMean", "ReduceSum", "ReduceMax",
		                           "ReduceMin",  "ReduceL2",  "ReduceSumSquare" };
	struct oqz_shape s = any_shape(b, 1, 5);
	int64_t axis = draw(b, -s.rank, s.rank - 1);

	for (int i = 0; i < s.rank; i++)
		s.dim[i] += s.dim[i] == 0; /* an extreme of nothing is nobody's number */
	GB_OP(b, ops[draw(b, 0, OQZ_COUNTOF(ops) - 1)], input(b, s), GB_LIST(b, axis));
	set_int(b, "keepdims", draw(b, 0, 1));
}

static struct oqz_value *positive(struct gb *b, int64_t n)
{
	struct oqz_value *v = gb_weights(b, OQZ_DT_F32, GB_DIMS(n), 1);

	for (int64_t i = 0; i < n; i++)
		((float *)v->constant->data)[i] = fabsf(((float *)v->constant->data)[i]) + 0.1f;
	return v;
}

static void layer_norm(struct gb *b)
{
	struct oqz_shape s = GB_DIMS(draw(b, 1, 2), draw(b, 1, 20), draw(b, 1, 6), draw(b, 2, 6));
	int64_t c = s.dim[3];

	GB_OP(b, "LayerNormalization", input(b, s), gb_weights(b, OQZ_DT_F32, GB_DIMS(c), 1),
	      gb_weights(b, OQZ_DT_F32, GB_DIMS(c), 1));
	ck_ok(oqz_node_set_float(b->last, "epsilon", 1e-2f, err));
}

/* Batch-, Group-, Instance-, Lp- and RMSNormalization. */
static void norm(struct gb *b)
{
	int64_t groups = draw(b, 1, 4), c = groups * draw(b, 1, 6), space = draw(b, 1, 9);
	struct oqz_shape s = GB_DIMS(draw(b, 1, 2), c, space, draw(b, 2, 9));
	struct oqz_value *x = input(b, s);

	switch (draw(b, 0, 4)) {
	case 0:
		GB_OP(b, "BatchNormalization", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(c), 1),
		      draw(b, 0, 1) ? gb_weights(b, OQZ_DT_F32, GB_DIMS(c), 1) : gb_input(b, "bias", GB_DIMS(c)),
		      gb_weights(b, OQZ_DT_F32, GB_DIMS(c), 1), positive(b, c));
		break;
	case 1:
		GB_OP(b, "LpNormalization", x);
		set_int(b, "p", draw(b, 1, 2));
		set_int(b, "axis", draw(b, 0, 1) ? -1 : 1);
		return;
	case 2:
		GB_OP(b, "RMSNormalization", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(s.dim[2], s.dim[3]), 1));
		b->last->opset = 23; /* its first */
		set_int(b, "axis", draw(b, 0, 1) ? 2 : -2);
		break;
	case 3:
		GB_OP(b, "GroupNormalization", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(c), 1),
		      draw(b, 0, 1) ? gb_weights(b, OQZ_DT_F32, GB_DIMS(c), 1) : gb_input(b, "bias", GB_DIMS(c)));
		set_int(b, "num_groups", groups);
		break;
	default:
		GB_OP(b, "InstanceNormalization", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(c), 1),
		      gb_weights(b, OQZ_DT_F32, GB_DIMS(c), 1));
	}
	ck_ok(oqz_node_set_float(b->last, "epsilon", 1e-2f, err));
	if (strcmp(b->last->op_type, "BatchNormalization") == 0 && draw(b, 0, 1))
		GB_OP(b, draw(b, 0, 1) ? "Relu" : "Sigmoid", b->last->out[0]);
}

/* Dense networks: what convolutions and others have left, side by side, normalized and activated. */
static void concat_norm(struct gb *b)
{
	static const char *const acts[] = { "Relu", "Clip", "Sigmoid", "LeakyRelu" };
	struct oqz_shape s = GB_DIMS(draw(b, 1, 2), draw(b, 1, 20), draw(b, 1, 8), draw(b, 2, 8));
	struct oqz_value *x = gb_input(b, "x", s), *y, *parts;
	int64_t other = draw(b, 1, 40), c = 2 * s.dim[1] + other;

	y = GB_OP(b, "Conv", x, gb_weights(b, OQZ_DT_F32, GB_DIMS(other, s.dim[1], 1, 1), 0.5));
	parts = draw(b, 0, 1) ? GB_OP(b, "Concat", x, y, x) : GB_OP(b, "Concat", y, x, x);
	set_int(b, "axis", draw(b, 0, 1) ? 1 : -3);
	GB_OP(b, "BatchNormalization", parts, gb_weights(b, OQZ_DT_F32, GB_DIMS(c), 1),
	      gb_weights(b, OQZ_DT_F32, GB_DIMS(c), 1), gb_weights(b, OQZ_DT_F32, GB_DIMS(c), 1), positive(b, c));
	y = b->last->out[0];
	if (draw(b, 0, 3))
		GB_OP(b, acts[draw(b, 0, OQZ_COUNTOF(acts) - 1)], y);
}

static void lrn(struct gb *b)
{
	GB_OP(b, "LRN", input(b, GB_DIMS(draw(b, 1, 2), draw(b, 1, 20), draw(b, 1, 6), draw(b, 1, 6))));
	set_int(b, "size", 1 + 2 * draw(b, 0, 3));
}

static void recurrent(struct gb *b)
{
	static const struct {
		const char *op;
		int64_t gates;
	} kinds[] = { { "LSTM", 4 }, { "GRU", 3 }, { "RNN", 1 } };
	int64_t steps = draw(b, 1, 6), batch = draw(b, 1, 6), in = draw(b, 1, 9), hidden = draw(b, 1, 9),
	        two = draw(b, 0, 1), k = draw(b, 0, 2), gates = kinds[k].gates * hidden;
	struct oqz_value *x = gb_input(b, "x", GB_DIMS(steps, batch, in)),
	                 *w = gb_weights(b, OQZ_DT_F32, GB_DIMS(1 + two, gates, in), 0.5),
	                 *r = gb_weights(b, OQZ_DT_F32, GB_DIMS(1 + two, gates, hidden), 0.5),
	                 *bias = draw(b, 0, 2) ? gb_weights(b, OQZ_DT_F32, GB_DIMS(1 + two, 2 * gates), 0.5) : NULL;

	if (draw(b, 0, 1))
		GB_OP(b, kinds[k].op, x, w, r, bias);
	else
		GB_OP(b, kinds[k].op, x, w, r, bias, NULL, gb_input(b, "h", GB_DIMS(1 + two, batch, hidden)));
	set_int(b, "hidden_size", hidden);
	if (k == 1 && draw(b, 0, 1))
		set_int(b, "linear_before_reset", 1);
	ck_ok(oqz_node_set_string(b->last, "direction",
	                          two             ? "bidirectional"
	                          : draw(b, 0, 1) ? "forward"
	                                          : "reverse",
	                          err));
}

/* A pair on its own: nothing that could absorb it. Steps of a power of two, so that ties are ties everywhere; one, or
 * one for each channel of an axis. */
static void qdq(struct gb *b)
{
	struct oqz_shape s = any_shape(b, 1, 4);
	struct oqz_value *x = input(b, s);
	struct oqz_tensor scale = { 0 };
	int64_t axis = draw(b, 0, s.rank - 1);
	struct oqz_shape n = GB_DIMS(s.dim[axis]);

	if (draw(b, 0, 1) || n.dim[0] == 0) {
		grid(b, x, OQZ_DT_I8, 0.0625);
		return;
	}
	ck_ok(oqz_tensor_alloc(&scale, OQZ_DT_F32, &n, err));
	for (int64_t i = 0; i < n.dim[0]; i++)
		((float *)scale.data)[i] = (float)(0.03125 * (double)draw(b, 1, 5));
	struct oqz_value *by = gb_const(b, &scale), *zero = gb_weights(b, draw(b, 0, 1) ? OQZ_DT_I8 : OQZ_DT_U8, n, 0);
	oqz_tensor_release(&scale);
	struct oqz_value *q = GB_OP(b, "QuantizeLinear", x, by, zero);
	set_int(b, "axis", axis - (draw(b, 0, 1) ? s.rank : 0));
	GB_OP(b, "DequantizeLinear", q, by, zero);
	set_int(b, "axis", axis);
}

static const struct row {
	const char *impl;
	void (*make)(struct gb *b);
	enum oqz_engine engine;
	bool (*able)(void); /* the CPU, where not every one has such instructions */
	double tolerance;   /* 0: 1e-5 */
} rows[] = {
	{ "own.eltwise", eltwise, OQZ_ENGINE_AUTO },
	{ "own.move", move, OQZ_ENGINE_AUTO },
	{ "own.resize", resize, OQZ_ENGINE_AUTO },
	{ "own.grid_sample", grid_sample, OQZ_ENGINE_AUTO },
	{ "own.deconv_dw", deconv_dw, OQZ_ENGINE_AUTO },
	{ "dnnl.recurrent", recurrent, OQZ_ENGINE_AUTO },
	{ "own.qdq", qdq, OQZ_ENGINE_AUTO },
	{ "own.reduce", reduce, OQZ_ENGINE_AUTO },
	{ "dnnl.conv", conv, OQZ_ENGINE_AUTO },
	{ "dnnl.conv.add", conv_add, OQZ_ENGINE_AUTO },
	{ "dnnl.deconv", deconv, OQZ_ENGINE_AUTO },
	{ "dnnl.deconv.tiles", deconv_tiles, OQZ_ENGINE_AUTO },
	{ "dnnl.matmul", matmul, OQZ_ENGINE_AUTO },
	{ "dnnl.pool", pool_last, OQZ_ENGINE_AUTO },
	{ "own.pool", pool, OQZ_ENGINE_AUTO },
	{ "dnnl.attention", attention, OQZ_ENGINE_AUTO },
	{ "dnnl.einsum", einsum, OQZ_ENGINE_AUTO, NULL, 1e-4 }, /* few sums, in which much may cancel */
	{ "own.softmax", softmax, OQZ_ENGINE_AUTO },
	{ "own.norm", norm, OQZ_ENGINE_AUTO },
	{ "dnnl.layernorm", layer_norm, OQZ_ENGINE_AUTO },
	{ "own.concat_norm", concat_norm, OQZ_ENGINE_AUTO },
	{ "dnnl.lrn", lrn, OQZ_ENGINE_AUTO },
	{ "dnnl.qconv", qconv, OQZ_ENGINE_AUTO, oqz_exec_has_exact_int8 },
	{ "own.qconv.depthwise", qdepthwise, OQZ_ENGINE_AUTO, oqz_dnnl_native_bf16 },
	{ "own.qconv.tiles", qconv_tiles, OQZ_ENGINE_AUTO, oqz_dnnl_tiles },
	{ "own.qmatmul.tiles", qmatmul_tiles, OQZ_ENGINE_AUTO, oqz_dnnl_tiles },
	{ "dnnl.qmatmul", qmatmul, OQZ_ENGINE_AUTO, oqz_exec_has_exact_int8 },
	{ "dnnl.integer", integer, OQZ_ENGINE_AUTO, oqz_exec_has_exact_int8, 1e-12 },
	{ "dnnl.deform", deform, OQZ_ENGINE_AUTO },
	{ "own.dft", dft, OQZ_ENGINE_AUTO },
	{ "sim", qconv, OQZ_ENGINE_SIM },
};

static bool chosen(const struct oqz_program *p, const char *impl)
{
	for (size_t i = 0; i < oqz_program_nsteps(p); i++) {
		struct oqz_step_info s;
		oqz_program_step(p, i, &s);
		if (strncmp(s.impl, impl, strlen(impl)) == 0)
			return true;
	}
	return false;
}

/* Returns whether the implementation took part. */
static bool round_of(const struct row *r, uint64_t seed)
{
	struct oqz_tensor inputs[8];
	struct oracle o;
	struct gb b;

	gb_init(&b, seed);
	r->make(&b);
	gb_finish(&b);
	random_inputs(&b, inputs);
	oracle_run(&o, b.g, inputs);
	struct oqz_program *p = program_of(b.g, r->engine, NULL, 0);
	bool took = chosen(p, r->impl);
	check_program(b.g, p, inputs, &o, r->tolerance ? r->tolerance : 1e-5);
	oqz_program_free(p);
	oracle_free(&o);
	for (size_t i = 0; i < b.g->inputs.n; i++)
		oqz_tensor_release(&inputs[i]);
	oqz_graph_free(b.g);
	return took;
}

static void check_row(const struct row *r)
{
	const char *start = getenv("OQZ_TEST_SEED");
	uint64_t seed = start ? strtoull(start, NULL, 10) : 1;
	int took = 0;

	for (int k = 0; k < ROUNDS; k++) {
		printf("%s: OQZ_TEST_SEED=%llu\n", r->impl, (unsigned long long)(seed + (uint64_t)k));
		fflush(stdout);
		took += round_of(r, seed + (uint64_t)k);
	}
	printf("%s took part in %d of %d rounds\n", r->impl, took, ROUNDS);
	if (!r->able || r->able())
		ck_assert_msg(took >= ROUNDS / 3, "%s took part in %d of %d rounds only", r->impl, took, ROUNDS);
}

START_TEST(implementations_equal_the_reference)
{
	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++)
		check_row(&rows[i]);
}
END_TEST

OQZ_TEST_MAIN("exec_random", implementations_equal_the_reference)
