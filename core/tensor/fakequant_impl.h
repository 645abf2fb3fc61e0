/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to fakequant*.c. A tensor is walked in stretches of contiguous elements that have either one scale (step 0)
 * or one scale per element (step 1: the axis is innermost, or blocks lie across it). Per kind of grid one function does
 * a stretch.
 */
#ifndef OQZ_TENSOR_FAKEQUANT_IMPL_H
#define OQZ_TENSOR_FAKEQUANT_IMPL_H

#include "core/tensor/fakequant.h"

#include <math.h>

/* R() of fakequant.h, for loops. */
static inline float oqz_round_one(float x, enum oqz_round r)
{
	switch (r) {
	case OQZ_ROUND_HALF_EVEN: return rintf(x);
	case OQZ_ROUND_HALF_UP: return floorf(x + 0.5f);
	case OQZ_ROUND_HALF_DOWN: return ceilf(x - 0.5f);
	case OQZ_ROUND_HALF_TO_ZERO: return copysignf(ceilf(fabsf(x) - 0.5f), x);
	case OQZ_ROUND_HALF_AWAY: return copysignf(floorf(fabsf(x) + 0.5f), x);
	case OQZ_ROUND_UP: return ceilf(x);
	case OQZ_ROUND_DOWN: return floorf(x);
	}
	return x;
}

/* Contiguous elements of memory. */
struct oqz_fq_stretch {
	size_t off, n;
	size_t scale; /* index of the first element's scale */
	int step;     /* 0: the run shares it; 1: one scale per element */
};

/* The tensor as (outer, len, inner) around the axis, and how far the walk has come. */
struct oqz_fq_walk {
	size_t outer, len, inner, per; /* per: elements along the axis that share a scale */
	bool whole, blocks;
	size_t o, a;
};

static inline struct oqz_fq_walk oqz_fq_walk_start(const struct oqz_fq *q, const struct oqz_shape *s)
{
	struct oqz_fq_walk w = { 0 };

	w.blocks = q->axis >= 0 && q->block > 0;
	w.whole = q->axis < 0;
	w.outer = w.whole ? 1 : (size_t)oqz_shape_span(s, 0, q->axis);
	w.len = w.whole ? (size_t)oqz_shape_nelem(s) : (size_t)s->dim[q->axis];
	w.inner = w.whole ? 1 : (size_t)oqz_shape_span(s, q->axis + 1, s->rank);
	w.per = w.blocks ? (size_t)q->block : 1;
	return w;
}

static inline bool oqz_fq_walk_next(struct oqz_fq_walk *w, struct oqz_fq_stretch *r)
{
	if (w->o >= w->outer || w->len == 0 || w->inner == 0)
		return false;
	size_t row = w->o * w->len + w->a;
	size_t n_blocks = (w->len + w->per - 1) / w->per;

	r->off = row * w->inner;
	if (w->whole) {
		*r = (struct oqz_fq_stretch) { .n = w->len };
		w->a = w->len;
	} else if (w->inner > 1) {
		/* one index of the axis: its scale, or in blocks a row of scales */
		r->n = w->inner;
		r->scale = w->blocks ? (w->o * n_blocks + w->a / w->per) * w->inner : w->a;
		r->step = w->blocks;
		w->a++;
	} else if (w->blocks) {
		r->n = w->len - w->a < w->per ? w->len - w->a : w->per;
		r->scale = w->o * n_blocks + w->a / w->per;
		r->step = 0;
		w->a += r->n;
	} else {
		r->n = w->len;
		r->scale = 0;
		r->step = 1;
		w->a = w->len;
	}
	if (w->a >= w->len) {
		w->a = 0;
		w->o++;
	}
	return true;
}

/* What the bit-level loop needs to know of a format. */
struct oqz_fq_bits {
	uint32_t half, mask, odd_shift; /* rounding below the kept mantissa bits */
	float min_normal, step, inv_step, max, nan;
	bool even;
	uint32_t lead, sign_shift, nan_code[2]; /* of codes; lead: what a float has more in its exponent */
	uint32_t zero_sign;                     /* 0: zero has no sign */
};

/* fakequant.c. False: the format or the rounding does not fit the loop on bits. */
bool oqz_fq_bits_init(const struct oqz_fq *q, struct oqz_fq_bits *b);
/* A stretch of x to values y or, where not NULL, to codes. `b` NULL: number by number. */
void oqz_fq_affine_row(const struct oqz_fq *q, const struct oqz_fq_stretch *r, const float *x, float *y,
                       int32_t *codes);
void oqz_fq_minifloat_row(const struct oqz_fq *q, const struct oqz_fq_bits *b, const struct oqz_fq_stretch *r,
                          const float *x, float *y, int32_t *codes);
/* fakequant_codebook.c */
void oqz_fq_codebook_row(const struct oqz_fq *q, const struct oqz_fq_stretch *r, const float *x, float *y,
                         int32_t *codes);
/* fakequant_dynamic.c. A whole tensor whose block scales are made of its numbers. */
void oqz_fq_dynamic_run(const struct oqz_fq *q, const struct oqz_shape *shape, const float *x, float *y);

#endif
