/* SPDX-License-Identifier: Apache-2.0
 *
 * A convolution on integer grids, for tests of the implementations that take it: integer sums in 64 bits, which with
 * power-of-two scales the float output must be exactly.
 */
#ifndef OQZ_TESTS_QCONV_CASE_H
#define OQZ_TESTS_QCONV_CASE_H

#include "tests/unit/dnnl_step.h"

struct grid {
	enum oqz_dtype dtype;
	int32_t zero, lo, hi;
};

struct qcase {
	struct step s;
	struct oqz_tensor scale[2], zero[2], codes, float_x;
	int64_t *sum; /* per output element */
};

struct sums {
	const int32_t *x, *w;
	int64_t *y;
};

static inline void add_product(void *ctx, int64_t o, int64_t i, int64_t w)
{
	struct sums *s = ctx;

	if (i >= 0)
		s->y[o] += (int64_t)s->x[i] * s->w[w];
}

enum fill { FILL_RANDOM, FILL_HIGH, FILL_LOW, FILL_EXTREMES };

static inline int32_t pick(struct oqz_rng *r, enum fill f, int32_t lo, int32_t hi)
{
	switch (f) {
	case FILL_HIGH: return hi;
	case FILL_LOW: return lo;
	case FILL_EXTREMES: return oqz_rng_below(r, 2) ? lo : hi;
	default: return (int32_t)rand_in(r, lo, hi);
	}
}

/* Activation codes on `g` with scale sx, int8 weight codes with one scale per channel or one for all. */
static inline void qcase_init(struct qcase *q, const struct convcase *c, struct oqz_rng *r, const struct grid *g,
                              float sx, bool per_channel, enum fill fx, enum fill fw, bool from_float)
{
	struct step *s = &q->s;
	struct oqz_shape xs = convcase_shape(c, c->batch, c->ic, c->in),
	                 ws = convcase_shape(c, c->oc, c->ic / c->group, c->k);
	int64_t nx = oqz_shape_nelem(&xs), nw = oqz_shape_nelem(&ws);

	memset(q, 0, sizeof *q);
	step_init(s, "Conv");
	convcase_attrs(c, s);
	int32_t *x = malloc((size_t)nx * sizeof *x), *w = malloc((size_t)nw * sizeof *w);
	struct oqz_tensor *in = step_input(s, step_tensor(from_float ? OQZ_DT_F32 : g->dtype, xs), false);
	q->codes = step_tensor(OQZ_DT_I8, ws);
	for (int64_t i = 0; i < nx; i++) {
		int32_t code = pick(r, fx, g->lo, g->hi);
		x[i] = code - g->zero;
		if (from_float)
			((float *)in->data)[i] = (float)x[i] * sx;
		else
			oqz_store_i(g->dtype, in->data, (size_t)i, code);
	}
	for (int64_t i = 0; i < nw; i++) {
		w[i] = pick(r, fw, -128, 127);
		((int8_t *)q->codes.data)[i] = (int8_t)w[i];
	}
	s->d.n_in = 2;
	s->d.in_type[1] = (struct oqz_type) { OQZ_DT_F32, ws };
	for (int i = 0; i < 2; i++) {
		q->scale[i] = step_tensor(OQZ_DT_F32, i && per_channel ? DIMS(c->oc) : (struct oqz_shape) { 0 });
		q->zero[i] = step_tensor(i ? OQZ_DT_I8 : g->dtype, (struct oqz_shape) { 0 });
	}
	*(float *)q->scale[0].data = sx;
	oqz_store_i(g->dtype, q->zero[0].data, 0, g->zero);
	for (int64_t i = 0; i < oqz_tensor_nelem(&q->scale[1]); i++)
		((float *)q->scale[1].data)[i] = ldexpf(1, (int)(i % 5) - 6);
	s->d.group = true;
	s->d.quant[0] = (struct oqz_step_quant) { .present = true,
		                                  .from_float = from_float,
		                                  .dtype = g->dtype,
		                                  .axis = -1,
		                                  .scale = &q->scale[0],
		                                  .zero = &q->zero[0],
		                                  .qmin = g->lo,
		                                  .qmax = g->hi,
		                                  .nonnegative = g->lo >= 0 && g->zero == 0 };
	s->d.quant[1] = (struct oqz_step_quant) { .present = true,
		                                  .dtype = OQZ_DT_I8,
		                                  .axis = per_channel ? 0 : -1,
		                                  .scale = &q->scale[1],
		                                  .codes = &q->codes,
		                                  .qmin = -128,
		                                  .qmax = 127 };
	step_output(s, convcase_shape(c, c->batch, c->oc, c->out));
	q->sum = calloc((size_t)oqz_tensor_nelem(&s->out), sizeof *q->sum);
	convcase_walk(c, add_product, &(struct sums) { x, w, q->sum });
	free(x);
	free(w);
}

static inline void qcase_release(struct qcase *q)
{
	step_release(&q->s);
	for (int i = 0; i < 2; i++) {
		oqz_tensor_release(&q->scale[i]);
		oqz_tensor_release(&q->zero[i]);
	}
	oqz_tensor_release(&q->codes);
	free(q->sum);
}

/* The sum is a whole number: float32(sum) * 2^k is the only right answer. */
static inline void expect_sums(const struct qcase *q, const struct convcase *c, const char *what)
{
	const float *got = q->s.out.data, *sw = q->scale[1].data;
	int64_t osz = c->out[0] * c->out[1] * c->out[2];

	for (int64_t i = 0; i < oqz_tensor_nelem(&q->s.out); i++) {
		float f = *(float *)q->scale[0].data * sw[oqz_tensor_nelem(&q->scale[1]) == 1 ? 0 : i / osz % c->oc];
		ck_assert_msg(got[i] == (float)q->sum[i] * f, "%s (%s): element %lld is %.9g, the sum is %lld", what,
		              q->s.name, (long long)i, (double)(got[i] / f), (long long)q->sum[i]);
	}
}

static const struct grid grids[] = {
	{ OQZ_DT_U8, 0, 0, 255 },    { OQZ_DT_U8, 128, 0, 255 },  { OQZ_DT_U8, 255, 0, 255 },
	{ OQZ_DT_U8, 7, 0, 255 },    { OQZ_DT_I8, 0, -128, 127 }, { OQZ_DT_I8, -128, -128, 127 },
	{ OQZ_DT_I8, 5, -128, 127 }, { OQZ_DT_I8, 0, 0, 127 },    { OQZ_DT_I8, 0, -8, 7 },
};

#endif
