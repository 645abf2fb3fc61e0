/* SPDX-License-Identifier: Apache-2.0
 *
 * DFT of float32 by the fast algorithm: Stockham's form, which needs no reordering, over factors of 4, 2, 3, 5 and
 * other primes in turn. LANES lines are transformed side by side, so that every loop over them is one or two vectors,
 * wherever the axis lies. In double, with the reference's roots of unity: what is rounded to float32 is as exact as its
 * sums.
 */
#include "core/base/checked.h"
#include "core/exec/impl.h"
#include "core/ops/op_signal.h"

#include <stdio.h>
#include <string.h>

enum { LANES = 8, FACTORS = 64, PRIME_MAX = 64 };

struct dft {
	struct oqz_dft p;
	int64_t have, outer, inner, parts; /* x is (outer, have, inner, parts) */
	int n_factor;
	int64_t factor[FACTORS];
	double *root; /* cos and sin of 2 pi k / length */
	size_t at[4]; /* real and imaginary parts of LANES lines, twice: each (length, LANES) */
};

static void dft_free(void *state)
{
	struct dft *s = state;

	if (s)
		free(s->root);
	free(s);
}

/* ---- one stage ----------------------------------------------------------------------------------------------------
 */

/* LANES complex numbers. */
struct lanes {
	double re[LANES], im[LANES];
};

#define LANE_INLINE static inline __attribute__((always_inline))
#define EACH_LANE for (int l = 0; l < LANES; l++)

LANE_INLINE struct lanes take(const double *re, const double *im, int64_t at)
{
	struct lanes v;

	EACH_LANE v.re[l] = re[at * LANES + l];
	EACH_LANE v.im[l] = im[at * LANES + l];
	return v;
}

LANE_INLINE struct lanes add(struct lanes a, struct lanes b)
{
	EACH_LANE a.re[l] += b.re[l];
	EACH_LANE a.im[l] += b.im[l];
	return a;
}

LANE_INLINE struct lanes subtract(struct lanes a, struct lanes b)
{
	EACH_LANE a.re[l] -= b.re[l];
	EACH_LANE a.im[l] -= b.im[l];
	return a;
}

/* a (c + i s) */
LANE_INLINE struct lanes turn(struct lanes a, double c, double s)
{
	struct lanes v;

	EACH_LANE v.re[l] = a.re[l] * c - a.im[l] * s;
	EACH_LANE v.im[l] = a.re[l] * s + a.im[l] * c;
	return v;
}

/* b times i or -i, added to a. */
LANE_INLINE struct lanes add_turned(struct lanes a, struct lanes b, double sign)
{
	EACH_LANE a.re[l] -= sign * b.im[l];
	EACH_LANE a.im[l] += sign * b.re[l];
	return a;
}

LANE_INLINE void put(double *re, double *im, int64_t at, struct lanes v)
{
	EACH_LANE re[at * LANES + l] = v.re[l];
	EACH_LANE im[at * LANES + l] = v.im[l];
}

/* What a stage works on: length = done * factor * left. Input number q + done (r + left k) of the k-th part goes, with
 * the others of q and r, to outputs q + done (factor r + j). */
struct stage {
	const double *root, *xr, *xi;
	double *yr, *yi, sign;
	int64_t n, done, left;
};

/* The j-th output behind its own root of unity. */
LANE_INLINE void finish(const struct stage *t, int64_t factor, int64_t q, int64_t r, int64_t j, struct lanes v)
{
	const double *w = t->root + 2 * (r * j * t->done % t->n);

	put(t->yr, t->yi, q + t->done * (factor * r + j), j && r ? turn(v, w[0], t->sign * w[1]) : v);
}

LANE_INLINE struct lanes input(const struct stage *t, int64_t q, int64_t r, int64_t k)
{
	return take(t->xr, t->xi, q + t->done * (r + t->left * k));
}

OQZ_KERNEL static void stage2(const struct stage *t)
{
	for (int64_t r = 0; r < t->left; r++)
		for (int64_t q = 0; q < t->done; q++) {
			struct lanes a = input(t, q, r, 0), b = input(t, q, r, 1);
			finish(t, 2, q, r, 0, add(a, b));
			finish(t, 2, q, r, 1, subtract(a, b));
		}
}

OQZ_KERNEL static void stage4(const struct stage *t)
{
	for (int64_t r = 0; r < t->left; r++)
		for (int64_t q = 0; q < t->done; q++) {
			struct lanes a = input(t, q, r, 0), b = input(t, q, r, 1), c = input(t, q, r, 2),
			             d = input(t, q, r, 3), even = add(a, c), odd = add(b, d);
			finish(t, 4, q, r, 0, add(even, odd));
			finish(t, 4, q, r, 2, subtract(even, odd));
			even = subtract(a, c);
			odd = subtract(b, d);
			finish(t, 4, q, r, 1, add_turned(even, odd, t->sign));
			finish(t, 4, q, r, 3, add_turned(even, odd, -t->sign));
		}
}

/* Any factor, by the plain sum. */
OQZ_KERNEL static void stage_of(const struct stage *t, int64_t factor)
{
	int64_t step = t->n / factor;

	for (int64_t r = 0; r < t->left; r++)
		for (int64_t q = 0; q < t->done; q++)
			for (int64_t j = 0; j < factor; j++) {
				struct lanes sum = input(t, q, r, 0);
				for (int64_t k = 1; k < factor; k++) {
					const double *w = t->root + 2 * (j * k % factor * step);
					sum = add(sum, turn(input(t, q, r, k), w[0], t->sign * w[1]));
				}
				finish(t, factor, q, r, j, sum);
			}
}

/* ---- lines --------------------------------------------------------------------------------------------------------
 */

/* Element 0 of line i in x, of which a line has elements `inner * parts` apart. */
static int64_t line_at(const struct dft *s, int64_t i, int64_t length, int64_t parts)
{
	return (i / s->inner * length * s->inner + i % s->inner) * parts;
}

/* Lines [first, first + lanes), cut or filled up with zeros; half of a symmetric spectrum is completed. */
static void load(const struct dft *s, const float *x, int64_t first, int lanes, double *re, double *im)
{
	int64_t n = s->p.length, most = s->have < n ? s->have : n, step = s->inner * s->parts;

	memset(re, 0, (size_t)(n * LANES) * sizeof *re);
	memset(im, 0, (size_t)(n * LANES) * sizeof *im);
	for (int l = 0; l < lanes; l++) {
		const float *from = x + line_at(s, first + l, s->have, s->parts);
		for (int64_t k = 0; k < most; k++) {
			re[k * LANES + l] = from[k * step];
			im[k * LANES + l] = s->parts == 2 ? from[k * step + 1] : 0;
		}
	}
	for (int64_t k = 1; s->p.mirrored && k < n - k; k++)
		EACH_LANE
		{
			re[(n - k) * LANES + l] = re[k * LANES + l];
			im[(n - k) * LANES + l] = -im[k * LANES + l];
		}
}

static void store(const struct dft *s, float *y, int64_t first, int lanes, const double *re, const double *im)
{
	int64_t parts = s->p.mirrored ? 1 : 2, step = s->inner * parts;
	double scale = s->p.inverse ? 1 / (double)s->p.length : 1;

	for (int l = 0; l < lanes; l++) {
		float *to = y + line_at(s, first + l, s->p.bins, parts);
		for (int64_t k = 0; k < s->p.bins; k++) {
			to[k * step] = (float)(re[k * LANES + l] * scale);
			if (parts == 2)
				to[k * step + 1] = (float)(im[k * LANES + l] * scale);
		}
	}
}

static enum oqz_status dft_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct dft *s = state;
	int64_t lines = s->outer * s->inner;
	double *part[4];

	for (int i = 0; i < 4; i++)
		part[i] = (double *)((char *)c->scratch + s->at[i]);
	for (int64_t first = 0; first < lines; first += LANES) {
		int lanes = (int)(lines - first < LANES ? lines - first : LANES), from = 0;
		struct stage t = { .root = s->root, .sign = s->p.inverse ? 1 : -1, .n = s->p.length, .done = 1 };
		load(s, c->in[0]->data, first, lanes, part[0], part[1]);
		t.left = t.n;
		for (int i = 0; i < s->n_factor; i++, from = 2 - from) {
			t.left /= s->factor[i];
			t.xr = part[from], t.xi = part[from + 1], t.yr = part[2 - from], t.yi = part[3 - from];
			if (s->factor[i] == 4)
				stage4(&t);
			else if (s->factor[i] == 2)
				stage2(&t);
			else
				stage_of(&t, s->factor[i]);
			t.done *= s->factor[i];
		}
		store(s, c->out[0]->data, first, lanes, part[from], part[from + 1]);
	}
	return OQZ_OK;
}

/* ---- planning -----------------------------------------------------------------------------------------------------
 */

/* False where the length has a large prime factor, of which the plain sum is as fast. */
static bool factorize(struct dft *s)
{
	static const int64_t first[] = { 4, 2, 3 };
	int64_t n = s->p.length;

	for (size_t i = 0; i < OQZ_COUNTOF(first); i++)
		for (; n % first[i] == 0; n /= first[i])
			s->factor[s->n_factor++] = first[i];
	for (int64_t p = 5; p <= PRIME_MAX && n > 1; p += 2)
		for (; n % p == 0; n /= p)
			s->factor[s->n_factor++] = p;
	return n == 1;
}

static const char *refuse(const struct oqz_step_desc *d)
{
	if (d->group || d->act || d->in_type[0].dtype != OQZ_DT_F32)
		return "float32 only";
	if (oqz_shape_nelem(&d->in_type[0].shape) == 0 || oqz_shape_nelem(&d->out_type[0].shape) == 0)
		return "an empty tensor";
	return (oqz_step_has(d, 1) && !d->constant[1]) || (oqz_step_has(d, 2) && !d->constant[2])
	           ? "a length or an axis that is known at run time only"
	           : NULL;
}

static enum oqz_status dft_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                  size_t why_size, struct oqz_err *err)
{
	const struct oqz_shape *x = &d->in_type[0].shape;
	const char *reason = refuse(d);
	size_t bytes;

	struct dft *s = reason ? NULL : calloc(1, sizeof *s);
	if (!reason && !s)
		return oqz_err_nomem(err, "a transform", sizeof *s);
	enum oqz_status st =
	    reason ? OQZ_E_UNSUPPORTED : oqz_dft_plan(d->node, x, d->constant[1], d->constant[2], &s->p, err);
	if (st == OQZ_OK && !factorize(s)) {
		reason = "a length with a large prime factor";
		st = OQZ_E_UNSUPPORTED;
	}
	if (st == OQZ_OK)
		st = oqz_dft_roots(s->p.length, &s->root, err);
	for (int i = 0; i < 4 && st == OQZ_OK; i++)
		if (!oqz_size_mul((size_t)s->p.length, LANES * sizeof(double), &bytes) ||
		    !oqz_size_take(&ret->scratch_bytes, bytes, &s->at[i])) {
			reason = "more memory than there can be";
			st = OQZ_E_UNSUPPORTED;
		}
	if (st != OQZ_OK) {
		dft_free(s);
		if (reason)
			snprintf(why, why_size, "%s", reason);
		return st;
	}
	s->parts = x->dim[x->rank - 1];
	s->have = x->dim[s->p.axis];
	s->outer = oqz_shape_span(x, 0, s->p.axis);
	s->inner = oqz_shape_span(x, s->p.axis + 1, x->rank - 1);
	ret->in_layout[0] = ret->out_layout[0] = OQZ_LAYOUT_PLAIN;
	ret->inplace_input = -1;
	ret->uses_constant[0] = true;
	snprintf(ret->name, sizeof ret->name, "own.dft");
	ret->state = s;
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_dft = { "own.dft", dft_create, dft_run, dft_free };
