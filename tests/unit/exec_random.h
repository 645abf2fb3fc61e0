/* SPDX-License-Identifier: Apache-2.0
 *
 * What test_exec_random.c draws its graphs with, and the graphs of the families of matrix products, of integer ones,
 * of transforms and of deformed windows.
 */
#ifndef OQZ_TESTS_EXEC_RANDOM_H
#define OQZ_TESTS_EXEC_RANDOM_H

#include "tests/unit/exec_graph.h"

static inline int64_t draw(struct gb *b, int64_t from, int64_t to)
{
	return from + (int64_t)oqz_rng_below(&b->rng, (uint64_t)(to - from + 1));
}

/* Mostly small, sometimes beyond a vector, now and then nothing. */
static inline int64_t extent(struct gb *b)
{
	int64_t k = draw(b, 0, 19);

	return k == 0 ? 0 : k < 3 ? draw(b, 15, 33) : draw(b, 1, 7);
}

static inline void set_int(struct gb *b, const char *name, int64_t v)
{
	ck_ok(oqz_node_set_int(b->last, name, v, err));
}
static inline void set_ints(struct gb *b, const char *name, const int64_t *v, int n)
{
	ck_ok(oqz_node_set_ints(b->last, name, v, (size_t)n, err));
}

static inline void matmul(struct gb *b)
{
	int64_t m = extent(b), k = extent(b), n = extent(b), batch = draw(b, 1, 3);
	struct oqz_value *x, *w;

	if (draw(b, 0, 2) == 0) {
		int64_t ta = draw(b, 0, 1), tb = draw(b, 0, 1);
		x = gb_input(b, "x", ta ? GB_DIMS(k, m) : GB_DIMS(m, k));
		w = gb_weights(b, OQZ_DT_F32, tb ? GB_DIMS(n, k) : GB_DIMS(k, n), 1);
		GB_OP(b, "Gemm", x, w, gb_weights(b, OQZ_DT_F32, draw(b, 0, 1) ? GB_DIMS(n) : GB_DIMS(1, n), 1));
		set_int(b, "transA", ta);
		set_int(b, "transB", tb);
		return;
	}
	x = gb_input(b, "x", draw(b, 0, 1) ? GB_DIMS(batch, m, k) : GB_DIMS(m, k));
	w = draw(b, 0, 1) ? gb_weights(b, OQZ_DT_F32, GB_DIMS(k, n), 1)
	                  : gb_input(b, "y", draw(b, 0, 1) ? GB_DIMS(batch, k, n) : GB_DIMS(k, n));
	GB_OP(b, "MatMul", x, w);
}

/* Both forms of the operands, shared heads, caches, masks of every width, caps, values that are not finite. */
static inline void attention(struct gb *b)
{
	int64_t batch = draw(b, 1, 2), kv = draw(b, 1, 3), q = kv * draw(b, 1, 3), lq = draw(b, 1, 20),
	        lk = draw(b, 1, 20), size = draw(b, 1, 17), out = draw(b, 1, 17), past = draw(b, 0, 1) * draw(b, 1, 5),
	        four = draw(b, 0, 1), with_mask = draw(b, 0, 2);
	int64_t mask[] = { draw(b, 0, 1) ? batch : 1, draw(b, 0, 1) ? q : 1, draw(b, 0, 1) ? lq : 1, past + lk };
	int lead = (int)draw(b, 0, 2), n_out = past ? 3 : (int)draw(b, 1, 3);
	struct oqz_value *in[7] = { 0 };

	in[0] = gb_input(b, "q", four ? GB_DIMS(batch, q, lq, size) : GB_DIMS(batch, lq, q * size));
	in[1] = gb_input(b, "k", four ? GB_DIMS(batch, kv, lk, size) : GB_DIMS(batch, lk, kv * size));
	in[2] = gb_input(b, "v", four ? GB_DIMS(batch, kv, lk, out) : GB_DIMS(batch, lk, kv * out));
	if (draw(b, 0, 2) == 0) /* numbers behind masked keys do not count, not even infinite ones */
		in[2] = GB_OP(b, "Where", GB_OP(b, "Greater", in[2], gb_scalar(b, OQZ_DT_F32, 0.95)),
		              gb_scalar(b, OQZ_DT_F32, INFINITY), in[2]);
	if (with_mask)
		in[3] = gb_input(b, "mask", oqz_shape_of(4 - lead, mask + lead));
	if (with_mask == 2)
		in[3] = GB_OP(b, "Greater", in[3], gb_scalar(b, OQZ_DT_F32, -0.5));
	if (past) {
		in[4] = gb_input(b, "past_k", GB_DIMS(batch, kv, past, size));
		in[5] = gb_input(b, "past_v", GB_DIMS(batch, kv, past, out));
	}
	if (!past && draw(b, 0, 2) == 0)
		in[6] = gb_list(b, (size_t)batch, (const int64_t[]) { draw(b, 1, lk), draw(b, 1, lk) });
	gb_op_n(b, "Attention", in, in[6] ? 7 : past ? 6 : 4, n_out);
	b->last->opset = 24;
	if (!four) {
		set_int(b, "q_num_heads", q);
		set_int(b, "kv_num_heads", kv);
	}
	set_int(b, "is_causal", draw(b, 0, 1));
	if (draw(b, 0, 1))
		ck_ok(oqz_node_set_float(b->last, "softcap", 0.5f, err));
	if (draw(b, 0, 1))
		ck_ok(oqz_node_set_float(b->last, "scale", 0.3f, err));
}

/* Two or three operands whose labels are drawn: in any order, on one side or on several, kept or summed, now and then
 * of extent one where the other operand's is not, and twice in one operand. */
static inline void einsum(struct gb *b)
{
	int n_in = draw(b, 0, 3) ? 2 : 3, seen[6] = { 0 };
	int64_t size[6];
	char text[64] = "";
	struct oqz_value *in[3];
	size_t at = 0;

	for (int l = 0; l < 6; l++)
		size[l] = draw(b, 0, 7) ? draw(b, 2, 9) : draw(b, 1, 40);
	for (int i = 0; i < n_in; i++) {
		struct oqz_shape s = { .rank = 0 };
		for (int64_t rank = draw(b, 1, 4); s.rank < rank; s.rank++) {
			int64_t l = draw(b, 0, 5);
			bool again = memchr(text + at - (size_t)s.rank, 'a' + (int)l, (size_t)s.rank) != NULL;
			if (again && draw(b, 0, 5))
				l = (l + 1) % 6;
			text[at++] = (char)('a' + l);
			seen[l]++;
			s.dim[s.rank] = draw(b, 0, 15) ? size[l] : 1;
		}
		in[i] = i && draw(b, 0, 3) == 0 ? gb_weights(b, OQZ_DT_F32, s, 1)
		                                : gb_input(b, (const char *[]) { "x", "y", "z" }[i], s);
		text[at++] = i + 1 < n_in ? ',' : '-';
	}
	text[at++] = '>';
	for (int l = 0, from = (int)draw(b, 0, 5); l < 6; l++) {
		int k = (l + from) % 6;
		if (seen[k] && (seen[k] == 1 || draw(b, 0, 1)))
			text[at++] = (char)('a' + k);
	}
	gb_op(b, "Einsum", in, n_in);
	ck_ok(oqz_node_set_string(b->last, "equation", text, err));
}

/* x of nsp spatial dimensions with a window that fits: strides, dilations and pads as attributes. */
struct window {
	int nsp;
	int64_t x[5], k[3], stride[3], dilation[3], pads[6];
};

static inline void draw_window(struct gb *b, struct window *w, int nsp, int64_t channels)
{
	*w = (struct window) { .nsp = nsp, .x = { draw(b, 1, 2), channels } };
	for (int d = 0; d < nsp; d++) {
		w->k[d] = draw(b, 1, 4);
		w->stride[d] = draw(b, 1, 3);
		w->dilation[d] = draw(b, 0, 3) ? 1 : 2;
		w->pads[d] = draw(b, 0, w->k[d] - 1);
		w->pads[nsp + d] = draw(b, 0, w->k[d] - 1);
		w->x[2 + d] = (w->k[d] - 1) * w->dilation[d] + draw(b, 1, 8);
	}
}

static inline void set_window(struct gb *b, const struct window *w)
{
	set_ints(b, "strides", w->stride, w->nsp);
	set_ints(b, "dilations", w->dilation, w->nsp);
	set_ints(b, "pads", w->pads, 2 * w->nsp);
}

static inline struct oqz_shape weight_shape(const struct window *w, int64_t first, int64_t second)
{
	struct oqz_shape s = { .rank = w->nsp + 2, .dim = { first, second } };

	for (int d = 0; d < w->nsp; d++)
		s.dim[2 + d] = w->k[d];
	return s;
}

/* Codes of all values, constant, or with `input` those of a float input that is quantized. */
static inline struct oqz_value *integers(struct gb *b, enum oqz_dtype type, struct oqz_shape s, const char *input)
{
	struct oqz_tensor t = { 0 };

	if (input)
		return GB_OP(b, "QuantizeLinear", gb_input(b, input, s), gb_scalar(b, OQZ_DT_F32, 1.0 / 64),
		             gb_scalar(b, type, type == OQZ_DT_U8 ? 128 : 0));
	ck_ok(oqz_tensor_alloc(&t, type, &s, err));
	for (int64_t i = 0; i < oqz_tensor_nelem(&t); i++)
		((uint8_t *)t.data)[i] = (uint8_t)draw(b, 0, 255);
	struct oqz_value *v = gb_const(b, &t);
	oqz_tensor_release(&t);
	return v;
}

/* A zero point, or `n` of them, most of which leave eight bits; one that is known at run time only; none. */
static inline struct oqz_value *zero_point(struct gb *b, enum oqz_dtype type, int64_t n, const char *late, bool must)
{
	int middle = type == OQZ_DT_U8 ? 128 : 0;

	if (!must && draw(b, 0, 2) == 0)
		return NULL;
	if (n > 1 && draw(b, 0, 1))
		return draw(b, 0, 1) ? integers(b, type, GB_DIMS(n), NULL) : gb_weights(b, type, GB_DIMS(n), 0);
	if (!late || draw(b, 0, 1))
		return gb_scalar(b, type, draw(b, 0, 1) ? middle : middle + (double)draw(b, -90, 90));
	return GB_OP(b, "QuantizeLinear", gb_input(b, late, GB_DIMS(1)), gb_scalar(b, OQZ_DT_F32, 1.0 / 64),
	             gb_scalar(b, type, middle));
}

static inline struct oqz_value *scales(struct gb *b, int64_t n)
{
	struct oqz_tensor t = { 0 };
	struct oqz_shape s = GB_DIMS(n);

	ck_ok(oqz_tensor_alloc(&t, OQZ_DT_F32, &s, err));
	for (int64_t i = 0; i < n; i++)
		((float *)t.data)[i] = (float)draw(b, 1, 40) / 1024;
	struct oqz_value *v = gb_const(b, &t);
	oqz_tensor_release(&t);
	return v;
}

/* MatMulInteger, ConvInteger and the QLinear operators: both signs on both sides, zero points of a tensor, of rows and
 * of columns, known before or at run time, weights that with them need nine bits. */
static inline void integer(struct gb *b)
{
	enum oqz_dtype ta = draw(b, 0, 1) ? OQZ_DT_U8 : OQZ_DT_I8, tb = draw(b, 0, 1) ? OQZ_DT_U8 : OQZ_DT_I8;
	bool conv = draw(b, 0, 1), linear = draw(b, 0, 1), late = !conv && draw(b, 0, 1);
	int64_t group = conv && draw(b, 0, 2) == 0 ? draw(b, 2, 9) : 1, icg = draw(b, 1, 9), ocg = draw(b, 1, 18),
	        m = draw(b, 1, 20), k = draw(b, 1, 70), n = draw(b, 1, 20), batch = draw(b, 1, 3);
	struct oqz_value *x, *w, *xz, *wz, *in[9] = { 0 };
	struct window win = { 0 };

	if (conv) {
		draw_window(b, &win, (int)draw(b, 1, 3), group * icg);
		n = group * ocg;
	}
	x = integers(b, ta,
	             conv            ? oqz_shape_of(win.nsp + 2, win.x)
	             : draw(b, 0, 1) ? GB_DIMS(batch, m, k)
	                             : GB_DIMS(m, k),
	             "x");
	w = integers(b, tb,
	             conv            ? weight_shape(&win, n, icg)
	             : draw(b, 0, 2) ? GB_DIMS(k, n)
	                             : GB_DIMS(batch, k, n),
	             late ? "y" : NULL);
	xz = zero_point(b, ta, conv || linear ? 1 : m, linear ? NULL : "xz", linear);
	wz = zero_point(b, tb, n, late && !linear ? "wz" : NULL, linear);
	if (!linear) {
		in[0] = x, in[1] = w, in[2] = xz, in[3] = wz;
		gb_op(b, conv ? "ConvInteger" : "MatMulInteger", in, wz ? 4 : xz ? 3 : 2);
	} else {
		enum oqz_dtype ty = draw(b, 0, 1) ? OQZ_DT_U8 : OQZ_DT_I8;
		struct oqz_value *all[] = { x,
			                    scales(b, 1),
			                    xz,
			                    w,
			                    scales(b, draw(b, 0, 1) ? 1 : n),
			                    wz,
			                    scales(b, 1),
			                    gb_scalar(b, ty, (double)draw(b, 0, 100)),
			                    NULL };
		if (conv && draw(b, 0, 1))
			all[8] = gb_weights(b, OQZ_DT_I32, GB_DIMS(n), 3000);
		gb_op(b, conv ? "QLinearConv" : "QLinearMatMul", all, all[8] ? 9 : 8);
	}
	if (conv) {
		set_int(b, "group", group);
		set_window(b, &win);
	}
}

/* Lengths of small primes, and now and then of one that is too large; cut and filled up; both directions. */
static inline void dft(struct gb *b)
{
	static const int64_t lengths[] = { 1, 2, 3, 4, 5, 6, 8, 12, 16, 30, 49, 64, 77, 96, 61, 134 };
	int64_t n = lengths[draw(b, 0, OQZ_COUNTOF(lengths) - 1)], inverse = draw(b, 0, 1), one = draw(b, 0, 1);
	int64_t have = draw(b, 0, 2) ? (one && inverse ? n / 2 + 1 : n) : draw(b, 1, 70), axis = draw(b, 0, 2);
	int64_t parts = one && !inverse ? 1 : draw(b, 1, 2);
	struct oqz_shape s = GB_DIMS(draw(b, 1, 4), draw(b, 1, 4), draw(b, 1, 4), parts);

	s.dim[axis] = have;
	GB_OP(b, "DFT", gb_input(b, "x", s), GB_LIST(b, n), GB_LIST(b, axis));
	set_int(b, "inverse", inverse);
	set_int(b, "onesided", one);
}

/* Offsets that leave the image now and then, values there that are not finite. */
static inline void deform(struct gb *b)
{
	struct window w;
	int64_t group = draw(b, 1, 3), offsets = draw(b, 0, 1) ? group : 1, icg = draw(b, 1, 4), ocg = draw(b, 1, 5);
	int64_t o[] = { 0, 0, 0, 0 };

	draw_window(b, &w, 2, group * icg);
	for (int d = 0; d < 2; d++)
		o[2 + d] =
		    (w.x[2 + d] + w.pads[d] + w.pads[2 + d] - (w.k[d] - 1) * w.dilation[d] - 1) / w.stride[d] + 1;
	o[0] = w.x[0];
	o[1] = offsets * w.k[0] * w.k[1] * 2;
	struct oqz_value *x = gb_input(b, "x", oqz_shape_of(4, w.x)), *mask = NULL;
	struct oqz_value *at = GB_OP(b, "Mul", gb_input(b, "at", oqz_shape_of(4, o)), gb_scalar(b, OQZ_DT_F32, 2.5));
	o[1] /= 2;
	if (draw(b, 0, 1))
		mask = gb_input(b, "mask", oqz_shape_of(4, o));
	struct oqz_value *bias = draw(b, 0, 1) ? gb_weights(b, OQZ_DT_F32, GB_DIMS(group * ocg), 1) : NULL;
	struct oqz_value *in[] = { x, gb_weights(b, OQZ_DT_F32, weight_shape(&w, group * ocg, icg), 0.3), at, bias,
		                   mask };
	gb_op(b, "DeformConv", in, mask ? 5 : bias ? 4 : 3);
	set_int(b, "group", group);
	set_int(b, "offset_group", offsets);
	set_window(b, &w);
}

#endif
