/* SPDX-License-Identifier: Apache-2.0
 *
 * See fakequant.h. A tensor is walked in runs: stretches of contiguous elements that have either one scale (step 0) or
 * one scale per element (step 1: the axis is innermost, or blocks lie across it). Inner loops are written once and
 * specialised by constant arguments, so that the per-tensor, half-even case that every network spends its time in is a
 * vector loop.
 *
 * The loop for small floats works on the bits of the float32: for normal numbers rounding is an integer addition below
 * the kept mantissa bits, for subnormal ones rintf() at the format's smallest step. It equals
 * oqz_minifloat_encode/decode (tests/unit/test_fakequant.c), which handles the formats and roundings that do not fit
 * this scheme.
 */
#include "core/tensor/fakequant.h"

#include <math.h>
#include <string.h>

static const char *const round_names[] = { "half-even", "half-up", "half-down", "half-toward-zero",
	                                   "half-away", NULL,      "up",        "down" };

const char *oqz_round_name(enum oqz_round r) { return (unsigned)r < OQZ_COUNTOF(round_names) ? round_names[r] : NULL; }

int oqz_round_by_name(const char *name)
{
	if (!strcmp(name, "nearest-even"))
		return OQZ_ROUND_HALF_EVEN;
	for (size_t i = 0; i < OQZ_COUNTOF(round_names); i++)
		if (round_names[i] && !strcmp(round_names[i], name))
			return (int)i;
	return -1;
}

static inline float round_one(float x, enum oqz_round r)
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

float oqz_round_f32(float x, enum oqz_round r) { return round_one(x, r); }

/* ---------------------------------------------------------------------------------------------------- runs of scales
 */

struct run {
	size_t off, n;
	size_t scale; /* index of the first element's scale */
	int step;     /* 0: the run shares it; 1: one scale per element */
};

/* The tensor as (outer, len, inner) around the axis, and how far the walk has come. */
struct walk {
	size_t outer, len, inner, per; /* per: elements along the axis that share a scale */
	bool whole, blocks;
	size_t o, a;
};

static struct walk walk_start(const struct oqz_fq *q, const struct oqz_shape *s)
{
	struct walk w = { 0 };

	w.blocks = q->axis >= 0 && q->block > 0;
	w.whole = q->axis < 0;
	w.outer = w.whole ? 1 : (size_t)oqz_shape_span(s, 0, q->axis);
	w.len = w.whole ? (size_t)oqz_shape_nelem(s) : (size_t)s->dim[q->axis];
	w.inner = w.whole ? 1 : (size_t)oqz_shape_span(s, q->axis + 1, s->rank);
	w.per = w.blocks ? (size_t)q->block : 1;
	return w;
}

static bool walk_next(struct walk *w, struct run *r)
{
	if (w->o >= w->outer || w->len == 0 || w->inner == 0)
		return false;
	size_t row = w->o * w->len + w->a;
	size_t n_blocks = (w->len + w->per - 1) / w->per;

	r->off = row * w->inner;
	if (w->whole) {
		*r = (struct run) { .n = w->len };
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

size_t oqz_fq_scales(const struct oqz_shape *s, int axis, int64_t block)
{
	if (axis < 0)
		return 1;
	if (block <= 0)
		return (size_t)s->dim[axis];
	return (size_t)oqz_shape_span(s, 0, axis) * (size_t)((s->dim[axis] + block - 1) / block) *
	       (size_t)oqz_shape_span(s, axis + 1, s->rank);
}

/* ---------------------------------------------------------------------------------------------------- affine */

/* R(x / s) + z, clamped. NaN counts as zero. */
static inline float affine_code(float x, float s, float z, float lo, float hi, enum oqz_round r)
{
	float u = x / s;

	u = u == u ? u : 0.0f;
	float t = round_one(u, r) + z;
	t = t < lo ? lo : t;
	return t > hi ? hi : t;
}

static inline void affine_loop(const struct oqz_fq *q, const struct run *r, const float *x, float *y, int32_t *codes,
                               enum oqz_round round, int step)
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

OQZ_KERNEL static void affine_even_shared(const struct oqz_fq *q, const struct run *r, const float *restrict x,
                                          float *restrict y)
{
	affine_loop(q, r, x, y, NULL, OQZ_ROUND_HALF_EVEN, 0);
}

OQZ_KERNEL static void affine_even_each(const struct oqz_fq *q, const struct run *r, const float *restrict x,
                                        float *restrict y)
{
	affine_loop(q, r, x, y, NULL, OQZ_ROUND_HALF_EVEN, 1);
}

OQZ_KERNEL static void affine_codes_even(const struct oqz_fq *q, const struct run *r, const float *restrict x,
                                         int32_t *restrict codes)
{
	affine_loop(q, r, x, NULL, codes, OQZ_ROUND_HALF_EVEN, r->step);
}

static void affine_row(const struct oqz_fq *q, const struct run *r, const float *x, float *y, int32_t *codes)
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

/* What the bit-level loop needs to know of a format. */
struct bits_format {
	uint32_t half, mask, odd_shift; /* rounding below the kept mantissa bits */
	float min_normal, step, inv_step, max, nan;
	bool even;
	uint32_t lead, sign_shift, nan_code[2]; /* of codes; lead: what a float has more in its exponent */
	uint32_t zero_sign;                     /* 0: zero has no sign */
};

/* False when the format or rounding needs the general encoder. */
static bool bits_format(const struct oqz_fq *q, struct bits_format *b)
{
	const struct oqz_minifloat *f = &q->mf;
	int emin = 1 - f->bias;

	if (q->round != OQZ_ROUND_HALF_EVEN && q->round != OQZ_ROUND_HALF_TO_ZERO)
		return false;
	/* without mantissa bits the even neighbour is decided by the exponent; a step below 2^-126 would be subnormal
	 * here */
	if (f->man_bits < 1 || f->man_bits > 22 || emin - f->man_bits < -126 || emin > 120 || f->max > 0x1p126)
		return false;
	b->odd_shift = (uint32_t)(23 - f->man_bits);
	b->half = UINT32_C(1) << (b->odd_shift - 1);
	b->mask = ~((UINT32_C(1) << b->odd_shift) - 1);
	b->even = q->round == OQZ_ROUND_HALF_EVEN;
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

static inline float bits_round(float u, const struct bits_format *b, bool even)
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

static inline void bits_loop(const struct bits_format *b, const float *s, int step, size_t n, const float *x, float *y,
                             bool even)
{
	const struct bits_format f = *b; /* y may not alias it */

	for (size_t i = 0; i < n; i++) {
		float si = s[step ? i : 0];
		y[i] = bits_round(x[i] / si, &f, even) * si;
	}
}

OQZ_KERNEL static void bits_even(const struct bits_format *b, const float *restrict s, int step, size_t n,
                                 const float *restrict x, float *restrict y)
{
	if (step)
		bits_loop(b, s, 1, n, x, y, true);
	else
		bits_loop(b, s, 0, n, x, y, true);
}

OQZ_KERNEL static void bits_to_zero(const struct bits_format *b, const float *restrict s, int step, size_t n,
                                    const float *restrict x, float *restrict y)
{
	if (step)
		bits_loop(b, s, 1, n, x, y, false);
	else
		bits_loop(b, s, 0, n, x, y, false);
}

static inline int32_t bits_code(float u, const struct bits_format *b, bool even)
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

OQZ_KERNEL static void bits_codes(const struct bits_format *b, const float *restrict s, int step, size_t n,
                                  const float *restrict x, int32_t *restrict codes)
{
	const struct bits_format f = *b;

	if (step || !f.even)
		for (size_t i = 0; i < n; i++)
			codes[i] = bits_code(x[i] / s[step ? i : 0], &f, f.even);
	else
		for (size_t i = 0; i < n; i++)
			codes[i] = bits_code(x[i] / s[0], &f, true);
}

static void minifloat_row(const struct oqz_fq *q, const struct bits_format *b, const struct run *r, const float *x,
                          float *y, int32_t *codes)
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

/* ---------------------------------------------------------------------------------------------------- code books */

/* Values are what float32 makes of them: a network never sees others. */
static inline double value(const double *book, size_t i) { return (double)(float)book[i]; }

/* Index of the value nearest to u. Ties: half-even takes the even index, the others go by value or magnitude. */
static size_t codebook_find(const struct oqz_fq *q, double u)
{
	const double *book = q->values;
	size_t lo = 0, hi = q->n_values - 1;

	if (u != u)
		u = 0;
	if (u <= value(book, 0))
		return 0;
	if (u >= value(book, hi))
		return hi;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;
		if (value(book, mid) <= u)
			lo = mid;
		else
			hi = mid;
	}
	const double below = value(book, lo), above = value(book, hi);
	if (q->round == OQZ_ROUND_DOWN || q->round == OQZ_ROUND_UP)
		return q->round == OQZ_ROUND_UP && u > below ? hi : lo;
	const double mid = below + (above - below) / 2;
	if (u != mid)
		return u < mid ? lo : hi;
	bool up = false;
	switch (q->round) {
	case OQZ_ROUND_HALF_EVEN: up = lo & 1; break;
	case OQZ_ROUND_HALF_UP: up = true; break;
	case OQZ_ROUND_HALF_TO_ZERO: up = fabs(above) < fabs(below); break;
	case OQZ_ROUND_HALF_AWAY: up = fabs(above) >= fabs(below); break;
	default: break;
	}
	return up ? hi : lo;
}

static void codebook_row(const struct oqz_fq *q, const struct run *r, const float *x, float *y, int32_t *codes)
{
	const float *s = q->scale + r->scale;

	for (size_t i = 0; i < r->n; i++) {
		float si = s[r->step ? i : 0];
		size_t k = codebook_find(q, (double)(x[i] / si));
		if (codes)
			codes[i] = (int32_t)k;
		else
			y[i] = (float)q->values[k] * si;
	}
}

/* ---------------------------------------------------------------------------------------------------- whole tensors */

static void fq_walk(const struct oqz_fq *q, const struct oqz_shape *shape, const float *x, float *y, int32_t *codes)
{
	struct walk w = walk_start(q, shape);
	struct bits_format bits;
	bool have_bits = q->kind == OQZ_FQ_MINIFLOAT && bits_format(q, &bits);
	struct run r;

	while (walk_next(&w, &r)) {
		float *out = y ? y + r.off : NULL;
		int32_t *code = codes ? codes + r.off : NULL;
		if (q->kind == OQZ_FQ_AFFINE)
			affine_row(q, &r, x + r.off, out, code);
		else if (q->kind == OQZ_FQ_MINIFLOAT)
			minifloat_row(q, have_bits ? &bits : NULL, &r, x + r.off, out, code);
		else
			codebook_row(q, &r, x + r.off, out, code);
	}
}

/* ---------------------------------------------------------------------------------------------------- dynamic scales
 */

enum { TILE = 256 }; /* blocks that lie side by side (the axis is not innermost) are done together */

/* What does not depend on the numbers. */
struct dynamic {
	struct oqz_fq grid, scales; /* of the elements; E4M3: of the scales */
	struct bits_format bits, scale_bits;
	bool have_bits;
	int emax; /* floor(log2(largest value)) */
	float top;
};

static int floor_log2(double x)
{
	int e;

	frexp(x, &e);
	return e - 1;
}

static void dynamic_init(struct dynamic *d, const struct oqz_fq *q)
{
	double top = q->kind == OQZ_FQ_AFFINE ? (double)q->qmax : q->mf.max;

	d->grid = *q;
	d->have_bits = q->kind == OQZ_FQ_MINIFLOAT && bits_format(q, &d->bits);
	d->emax = floor_log2(top);
	d->top = (float)top;
	oqz_fq_of_dtype(OQZ_DT_F8E4M3FN, &d->scales);
	bits_format(&d->scales, &d->scale_bits);
}

/* n largest magnitudes, which are used up -> as many scales. Infinities count as the largest float32. */
static void dynamic_scales(const struct dynamic *d, size_t n, float *amax, float *s)
{
	static const float one = 1;
	float factor = d->grid.scale[0];
	bool e4m3 = d->grid.dynamic == OQZ_FQ_E4M3;

	for (size_t i = 0; i < n; i++) {
		amax[i] = (amax[i] <= 0x1.fffffep127f ? amax[i] : 0x1.fffffep127f) / factor;
		int e = amax[i] > 0 && !e4m3 ? floor_log2((double)amax[i]) - d->emax : 0;
		s[i] = factor * ldexpf(1, e < -127 ? -127 : e > 127 ? 127 : e);
		amax[i] /= d->top;
	}
	if (!e4m3)
		return;
	bits_even(&d->scale_bits, &one, 0, n, amax, s);
	for (size_t i = 0; i < n; i++)
		s[i] = factor * (s[i] > 0x1p-9f ? s[i] : 0x1p-9f);
}

static void dynamic_row(const struct dynamic *d, const struct oqz_fq *grid, const struct run *r, const float *x,
                        float *y)
{
	if (grid->kind == OQZ_FQ_AFFINE)
		affine_row(grid, r, x, y, NULL);
	else
		minifloat_row(grid, d->have_bits ? &d->bits : NULL, r, x, y, NULL);
}

/* n blocks of `len` elements side by side; the elements of a block are `stride` apart. */
static void dynamic_blocks(const struct dynamic *d, size_t len, size_t stride, size_t n, const float *x, float *y)
{
	float amax[TILE] = { 0 }, s[TILE];
	struct oqz_fq grid = d->grid;

	if (stride == 1) {
		for (size_t a = 0; a < len; a++)
			amax[0] = fabsf(x[a]) > amax[0] ? fabsf(x[a]) : amax[0];
	} else {
		for (size_t a = 0; a < len; a++)
			for (size_t i = 0; i < n; i++)
				amax[i] = fabsf(x[a * stride + i]) > amax[i] ? fabsf(x[a * stride + i]) : amax[i];
	}
	dynamic_scales(d, n, amax, s);
	grid.scale = s;
	if (stride == 1) {
		dynamic_row(d, &grid, &(struct run) { .n = len }, x, y);
		return;
	}
	for (size_t a = 0; a < len; a++)
		dynamic_row(d, &grid, &(struct run) { .n = n, .step = 1 }, x + a * stride, y + a * stride);
}

static void dynamic_run(const struct oqz_fq *q, const struct oqz_shape *shape, const float *x, float *y)
{
	size_t outer = (size_t)oqz_shape_span(shape, 0, q->axis), len = (size_t)shape->dim[q->axis];
	size_t inner = (size_t)oqz_shape_span(shape, q->axis + 1, shape->rank), per = (size_t)q->block;
	struct dynamic d;

	dynamic_init(&d, q);
	for (size_t o = 0; o < outer; o++)
		for (size_t a = 0; a < len; a += per)
			for (size_t i = 0; i < inner; i += TILE) {
				size_t at = (o * len + a) * inner + i, n = inner - i < TILE ? inner - i : TILE;
				dynamic_blocks(&d, len - a < per ? len - a : per, inner, n, x + at, y + at);
			}
}

void oqz_fq_run(const struct oqz_fq *q, const struct oqz_shape *shape, const float *x, float *y)
{
	if (q->dynamic != OQZ_FQ_STATIC) {
		dynamic_run(q, shape, x, y);
		return;
	}
	fq_walk(q, shape, x, y, NULL);
}

void oqz_fq_codes(const struct oqz_fq *q, const struct oqz_shape *shape, const float *x, int32_t *codes)
{
	fq_walk(q, shape, x, NULL, codes);
}

void oqz_fq_values(const struct oqz_fq *q, const struct oqz_shape *shape, const int32_t *codes, float *y)
{
	struct walk w = walk_start(q, shape);
	struct run r;

	while (walk_next(&w, &r)) {
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
