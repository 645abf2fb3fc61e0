/* SPDX-License-Identifier: Apache-2.0
 *
 * Random layers between quantizers, for test_exec_random.c.
 */
#ifndef OQZ_TESTS_EXEC_RANDOM_QUANT_H
#define OQZ_TESTS_EXEC_RANDOM_QUANT_H

#include "tests/unit/exec_random.h"

static inline struct oqz_value *grid(struct gb *b, struct oqz_value *x, enum oqz_dtype t, double scale)
{
	struct oqz_value *s = gb_scalar(b, OQZ_DT_F32, scale), *z = gb_scalar(b, t, 0);

	return GB_OP(b, "DequantizeLinear", GB_OP(b, "QuantizeLinear", x, s, z), s, z);
}

/* Codes of an 8-bit type; the magnitude 127 is NaN in some. */
static inline struct oqz_value *codes(struct gb *b, enum oqz_dtype type, struct oqz_shape s)
{
	struct oqz_tensor t = { 0 };

	ck_ok(oqz_tensor_alloc(&t, type, &s, err));
	for (int64_t i = 0; i < oqz_tensor_nelem(&t); i++)
		((uint8_t *)t.data)[i] = (uint8_t)(draw(b, 0, 126) | draw(b, 0, 1) << 7);
	struct oqz_value *v = gb_const(b, &t);
	oqz_tensor_release(&t);
	return GB_OP(b, "DequantizeLinear", v, gb_scalar(b, OQZ_DT_F32, 1.0 / 128), gb_scalar(b, type, 0));
}

static inline void qconv(struct gb *b)
{
	struct window w;
	int64_t group = draw(b, 0, 2) ? 1 : draw(b, 1, 17), icg = draw(b, 1, 9), ocg = draw(b, 1, 9);

	draw_window(b, &w, 2, group * icg);
	struct oqz_value *x = grid(b, gb_input(b, "x", oqz_shape_of(4, w.x)), OQZ_DT_I8, 1.0 / 32);
	GB_OP(b, "Conv", x, codes(b, OQZ_DT_I8, weight_shape(&w, group * ocg, icg)));
	set_int(b, "group", group);
	set_window(b, &w);
}

static inline void qdepthwise(struct gb *b)
{
	struct window w;
	int64_t channels = draw(b, 32, 70);

	draw_window(b, &w, 2, channels);
	struct oqz_value *x = grid(b, gb_input(b, "x", oqz_shape_of(4, w.x)), OQZ_DT_F8E4M3FN, 1.0 / 32);
	GB_OP(b, "Conv", x, codes(b, OQZ_DT_F8E4M3FN, weight_shape(&w, channels, 1)));
	set_int(b, "group", channels);
	set_window(b, &w);
}

/* Windows of one pixel, channels that divide into blocks. */
static inline void qconv_tiles(struct gb *b)
{
	enum oqz_dtype t = draw(b, 0, 1) ? OQZ_DT_I8 : OQZ_DT_F8E4M3FN;
	int64_t in = 16 * draw(b, 1, 6), x[] = { draw(b, 1, 2), in, draw(b, 4, 20), draw(b, 4, 20) };
	int64_t stride[] = { draw(b, 1, 2), draw(b, 1, 2) };

	GB_OP(b, "Conv", grid(b, gb_input(b, "x", oqz_shape_of(4, x)), t, 1.0 / 32),
	      codes(b, t, GB_DIMS(draw(b, 1, 40), in, 1, 1)));
	set_ints(b, "strides", stride, 2);
}

static inline void qmatmul_tiles(struct gb *b)
{
	enum oqz_dtype t = draw(b, 0, 1) ? OQZ_DT_I8 : OQZ_DT_F8E4M3FN;
	int64_t m = draw(b, 2, 20), k = 16 * draw(b, 1, 6), n = draw(b, 1, 40), across = draw(b, 0, 1);

	if (draw(b, 0, 1)) {
		GB_OP(b, "MatMul", grid(b, gb_input(b, "x", GB_DIMS(2, m, k)), t, 1.0 / 32),
		      codes(b, t, GB_DIMS(k, n)));
		return;
	}
	GB_OP(b, "Gemm", grid(b, gb_input(b, "x", GB_DIMS(2 * m, k)), t, 1.0 / 32),
	      codes(b, t, across ? GB_DIMS(n, k) : GB_DIMS(k, n)), gb_weights(b, OQZ_DT_F32, GB_DIMS(n), 1));
	set_int(b, "transB", across);
}

static inline void qmatmul(struct gb *b)
{
	int64_t m = draw(b, 1, 20), k = draw(b, 1, 33), n = draw(b, 1, 20);

	GB_OP(b, "MatMul", grid(b, gb_input(b, "x", GB_DIMS(m, k)), OQZ_DT_I8, 1.0 / 32),
	      codes(b, OQZ_DT_I8, GB_DIMS(k, n)));
}

#endif
