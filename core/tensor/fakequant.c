/* SPDX-License-Identifier: Apache-2.0
 *
 * See fakequant.h. A tensor is walked in stretches (fakequant_impl.h). Here are integers and small floats; code books
 * and dynamic scales have files of their own. Inner loops are written once and specialised by constant arguments, so
 * that the per-tensor, half-even case that every network spends its time in is a vector loop.
 *
 * The loop for small floats works on the bits of the float32: for normal numbers rounding is an integer addition below
 * the kept mantissa bits, for subnormal ones rintf() at the format's smallest step. It equals
 * oqz_minifloat_encode/decode (tests/unit/test_fakequant.c), which handles the formats and roundings that do not fit
 * this scheme.
 */
#include "core/tensor/fakequant_impl.h"

#include <string.h>

/* ---------------------------------------------------------------------------------------------------- affine */

/* R(x / s) + z, clamped. NaN counts as zero. */
static inline float affine_code(float x, float s, float z, float lo, float hi, enum oqz_round r)
{
	float u = x / s;

	u = u == u ? u : 0.0f;
	float t = oqz_round_one(u, r) + z;
	t = t < lo ? lo : t;
	return t > hi ? hi : t;
}

static inline void affine_loop(const struct oqz_fq *q, const struct oqz_fq_stretch *r, const float *x, float *y,
                               int32_t *codes, enum oqz_round round, int step)
{
	const float lo = (float)q->qmin, hi = (float)q->qmax;
	const float *s = q->scale + r->scale;
	const int32_t *z = q->zero ? q->zero + r->scale : NULL;

	for (size_t i = 0; i < r->n; i++) {
		float si = s[step ? i : 0], zi = z ? (float)z[step ? i : 0] : 0.0f;
		float t = affine_code(x[i], si, zi, lo, hi, round);
		if (codes)
			codes[i] = (int32_t)t;
		else
			y[i] = (t - zi) * si;
	}
}

OQZ_KERNEL static void affine_even_shared(const struct oqz_fq *q, const struct oqz_fq_stretch *r,
                                          const float *restrict x, float *restrict y)
{
	affine_loop(q, r, x, y, NULL, OQZ_ROUND_HALF_EVEN, 0);
}

OQZ_KERNEL static void affine_even_each(const struct oqz_fq *q, const struct oqz_fq_stretch *r, const float *restrict x,
                                        float *restrict y)
{
	affine_loop(q, r, x, y, NULL, OQZ_ROUND_HALF_EVEN, 1);
}

OQZ_KERNEL static void affine_codes_even(const struct oqz_fq *q, const struct oqz_fq_stretch *r,
                                         const float *restrict x, int32_t *restrict codes)
{
	affine_loop(q, r, x, NULL, codes, OQZ_ROUND_HALF_EVEN, r->step);
}

void oqz_fq_affine_row(const struct oqz_fq *q, const struct oqz_fq_stretch *r, const float *x, float *y, int32_t *codes)
{
	if (q->round != OQZ_ROUND_HALF_EVEN)
		affine_loop(q, r, x, y, codes, q->round, r->step);
	else if (codes)
		affine_codes_even(q, r, x, codes);
	else if (r->step)
		affine_even_each(q, r, x, y);
	else
		affine_even_shared(q, r, x, y);
}

/* ---------------------------------------------------------------------------------------------------- small floats */

/* False when the format or rounding needs the general encoder. */
bool oqz_fq_bits_init(const struct oqz_fq *q, struct oqz_fq_bits *b)
{
	const struct oqz_minifloat *f = &q->mf;
	int emin = 1 - f->bias;

	if (q->round != OQZ_ROUND_HALF_EVEN && q->round != OQZ_ROUND_HALF_TO_ZERO)
		return false;
	/* a step below 2^-126 would be subnormal here */
	if (f->man_bits > 22 || emin - f->man_bits < -126 || emin > 120)
		return false;
	b->odd_shift = (uint32_t)(23 - f->man_bits);
	b->half = UINT32_C(1) << (b->odd_shift - 1);
	b->mask = ~((UINT32_C(1) << b->odd_shift) - 1);
	b->even = q->round == OQZ_ROUND_HALF_EVEN;
	if (b->even && f->man_bits == 0) { /* all numbers are odd: ties go up in magnitude */
		b->even = false;
		b->half++;
	}
	b->min_normal = ldexpf(1.0f, emin);
	b->step = ldexpf(1.0f, emin - f->man_bits);
	b->inv_step = ldexpf(1.0f, f->man_bits - emin);
	b->max = (float)f->max;
	b->nan = f->special == OQZ_MF_FINITE ? b->max : NAN;
	b->lead = (uint32_t)(126 + emin) << f->man_bits;
	for (int i = 0; i < 2; i++)
		b->nan_code[i] = oqz_minifloat_encode(f, i ? -NAN : NAN, q->round, true);
	b->sign_shift = (uint32_t)(f->exp_bits + f->man_bits);
	b->zero_sign = f->special == OQZ_MF_FNUZ ? 0 : UINT32_MAX;
	return (double)b->max == f->max;
}

static inline float bits_round(float u, const struct oqz_fq_bits *b, bool even)
{
	uint32_t n, tie;
	float a = fabsf(u), norm, sub;

	a = a > b->max ? b->max : a;
	memcpy(&n, &a, sizeof n);
	tie = even ? n >> b->odd_shift & 1 : 0;
	n = (n + b->half - 1 + tie) & b->mask;
	memcpy(&norm, &n, sizeof norm);
	norm = norm > b->max ? b->max : norm;
	sub = rintf(a * b->inv_step) * b->step;
	a = a < b->min_normal ? sub : norm;
	return copysignf(u == u ? a : b->nan, u);
}

static inline void bits_loop(const struct oqz_fq_bits *b, const float *s, int step, size_t n, const float *x, float *y,
                             bool even)
{
	const struct oqz_fq_bits f = *b; /* y may not alias it */

	for (size_t i = 0; i < n; i++) {
		float si = s[step ? i : 0];
		y[i] = bits_round(x[i] / si, &f, even) * si;
	}
}

OQZ_KERNEL static void bits_even(const struct oqz_fq_bits *b, const float *restrict s, int step, size_t n,
                                 const float *restrict x, float *restrict y)
{
	if (step)
		bits_loop(b, s, 1, n, x, y, true);
	else
		bits_loop(b, s, 0, n, x, y, true);
}

OQZ_KERNEL static void bits_to_zero(const struct oqz_fq_bits *b, const float *restrict s, int step, size_t n,
                                    const float *restrict x, float *restrict y)
{
	if (step)
		bits_loop(b, s, 1, n, x, y, false);
	else
		bits_loop(b, s, 0, n, x, y, false);
}

static inline int32_t bits_code(float u, const struct oqz_fq_bits *b, bool even)
{
	float g = fabsf(bits_round(u, b, even));
	uint32_t bits, code, below = (uint32_t)(int32_t)((g < b->min_normal ? g : 0) * b->inv_step);
	uint32_t u_bits, nan;

	memcpy(&bits, &g, sizeof bits);
	memcpy(&u_bits, &u, sizeof u_bits);
	code = g < b->min_normal ? below : (bits >> b->odd_shift) - b->lead;
	code |= (u_bits >> 31 << b->sign_shift) & (code ? UINT32_MAX : b->zero_sign);
	nan = (int32_t)u_bits < 0 ? b->nan_code[1] : b->nan_code[0];
	return (int32_t)(u == u ? code : nan);
}

OQZ_KERNEL static void bits_codes(const struct oqz_fq_bits *b, const float *restrict s, int step, size_t n,
                                  const float *restrict x, int32_t *restrict codes)
{
	const struct oqz_fq_bits f = *b;

	if (step || !f.even)
		for (size_t i = 0; i < n; i++)
			codes[i] = bits_code(x[i] / s[step ? i : 0], &f, f.even);
	else
		for (size_t i = 0; i < n; i++)
			codes[i] = bits_code(x[i] / s[0], &f, true);
}

void oqz_fq_minifloat_row(const struct oqz_fq *q, const struct oqz_fq_bits *b, const struct oqz_fq_stretch *r,
                          const float *x, float *y, int32_t *codes)
{
	const float *s = q->scale + r->scale;

	if (b && codes)
		bits_codes(b, s, r->step, r->n, x, codes);
	else if (b)
		(b->even ? bits_even : bits_to_zero)(b, s, r->step, r->n, x, y);
	for (size_t i = 0; i < r->n && !b; i++) {
		float si = s[r->step ? i : 0];
		uint32_t code = oqz_minifloat_encode(&q->mf, (double)(x[i] / si), q->round, true);
		if (codes)
			codes[i] = (int32_t)code;
		else
			y[i] = (float)oqz_minifloat_decode(&q->mf, code) * si;
	}
}

/* ---------------------------------------------------------------------------------------------------- whole tensors */

/* What does not change from stretch to stretch. */
struct fq_loop {
	const struct oqz_fq *q;
	struct oqz_fq_bits bits;
	bool have_bits;
};

static struct fq_loop loop_of(const struct oqz_fq *q)
{
	struct fq_loop l = { .q = q };

	l.have_bits = q->kind == OQZ_FQ_MINIFLOAT && oqz_fq_bits_init(q, &l.bits);
	return l;
}

/* x, y and codes are those of the stretch's first element. */
static void fq_stretch(const struct fq_loop *l, const struct oqz_fq_stretch *r, const float *x, float *y,
                       int32_t *codes)
{
	if (l->q->kind == OQZ_FQ_AFFINE)
		oqz_fq_affine_row(l->q, r, x, y, codes);
	else if (l->q->kind == OQZ_FQ_MINIFLOAT)
		oqz_fq_minifloat_row(l->q, l->have_bits ? &l->bits : NULL, r, x, y, codes);
	else
		oqz_fq_codebook_row(l->q, r, x, y, codes);
}

static void fq_walk(const struct oqz_fq *q, const struct oqz_shape *shape, const float *x, float *y, int32_t *codes)
{
	struct oqz_fq_walk w = oqz_fq_walk_start(q, shape);
	struct fq_loop l = loop_of(q);
	struct oqz_fq_stretch r;

	while (oqz_fq_walk_next(&w, &r))
		fq_stretch(&l, &r, x + r.off, y ? y + r.off : NULL, codes ? codes + r.off : NULL);
}

void oqz_fq_run(const struct oqz_fq *q, const struct oqz_shape *shape, const float *x, float *y)
{
	if (q->dynamic != OQZ_FQ_STATIC) {
		oqz_fq_dynamic_run(q, shape, x, y);
		return;
	}
	fq_walk(q, shape, x, y, NULL);
}

void oqz_fq_codes(const struct oqz_fq *q, const struct oqz_shape *shape, const float *x, int32_t *codes)
{
	fq_walk(q, shape, x, NULL, codes);
}

OQZ_KERNEL static void to_bytes(const int32_t *restrict codes, size_t n, uint8_t *restrict out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)codes[i]; /* modulo 256: right for signed types as well */
}

void oqz_fq_store_codes(const struct oqz_fq *q, const struct oqz_shape *shape, const float *x, enum oqz_dtype t,
                        void *out)
{
	enum { PIECE = 1024 };
	int32_t codes[PIECE];
	struct oqz_fq_walk w = oqz_fq_walk_start(q, shape);
	struct fq_loop l = loop_of(q);
	struct oqz_fq_stretch r;
	bool bytes = oqz_dtype_size(t) == 1;

	while (oqz_fq_walk_next(&w, &r))
		for (size_t at = 0; at < r.n; at += PIECE) {
			struct oqz_fq_stretch piece = r;
			size_t first = r.off + at;
			piece.n = r.n - at < PIECE ? r.n - at : PIECE;
			piece.scale += r.step ? at : 0;
			fq_stretch(&l, &piece, x + first, NULL, codes);
			if (bytes)
				to_bytes(codes, piece.n, (uint8_t *)out + first);
			for (size_t i = 0; i < piece.n && !bytes; i++)
				oqz_store_i(t, out, first + i, codes[i]);
		}
}

void oqz_fq_values(const struct oqz_fq *q, const struct oqz_shape *shape, const int32_t *codes, float *y)
{
	struct oqz_fq_walk w = oqz_fq_walk_start(q, shape);
	struct oqz_fq_stretch r;

	while (oqz_fq_walk_next(&w, &r)) {
		for (size_t i = 0; i < r.n; i++) {
			size_t k = r.scale + (r.step ? i : 0);
			int32_t c = codes[r.off + i];
			float v;
			if (q->kind == OQZ_FQ_AFFINE)
				v = (float)((int64_t)c - (q->zero ? q->zero[k] : 0));
			else if (q->kind == OQZ_FQ_MINIFLOAT)
				v = (float)oqz_minifloat_decode(&q->mf, (uint32_t)c);
			else
				v = (float)q->values[c < 0 || (size_t)c >= q->n_values ? 0 : (size_t)c];
			y[r.off + i] = v * q->scale[k];
		}
	}
}

size_t oqz_fq_scales(const struct oqz_shape *s, int axis, int64_t block)
{
	if (axis < 0)
		return 1;
	if (block <= 0)
		return (size_t)s->dim[axis];
	return (size_t)oqz_shape_span(s, 0, axis) * (size_t)((s->dim[axis] + block - 1) / block) *
	       (size_t)oqz_shape_span(s, axis + 1, s->rank);
}

bool oqz_fq_of_dtype(enum oqz_dtype t, struct oqz_fq *ret)
{
	const struct oqz_dtype_traits *d = oqz_dtype_traits(t);
	const struct oqz_minifloat *f = oqz_minifloat_of(t);
	struct oqz_fq q = { .round = OQZ_ROUND_HALF_EVEN, .axis = -1 };

	if (f && d->bits <= 8 && f->special != OQZ_MF_UNSIGNED_SCALE) {
		q.kind = OQZ_FQ_MINIFLOAT;
		q.mf = *f;
	} else if (oqz_dtype_is_int(t) && d->bits <= 16) {
		q.kind = OQZ_FQ_AFFINE;
		q.qmin = (int32_t)d->min;
		q.qmax = (int32_t)d->max;
	} else {
		return false;
	}
	*ret = q;
	return true;
}
