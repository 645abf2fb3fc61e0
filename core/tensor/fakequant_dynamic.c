/* SPDX-License-Identifier: Apache-2.0
 *
 * Dynamic block scales (OCP microscaling, NVFP4): made of each block's largest magnitude while the tensor is quantized.
 */
#include "core/tensor/fakequant_impl.h"

enum { TILE = 256 }; /* blocks that lie side by side (the axis is not innermost) are done together */

/* What does not depend on the numbers. */
struct dynamic {
	struct oqz_fq grid, scales; /* of the elements; E4M3: of the scales */
	struct oqz_fq_bits bits, scale_bits;
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
	static const float one = 1;
	double top = q->kind == OQZ_FQ_AFFINE ? (double)q->qmax : q->mf.max;

	d->grid = *q;
	d->have_bits = q->kind == OQZ_FQ_MINIFLOAT && oqz_fq_bits_init(q, &d->bits);
	d->emax = floor_log2(top);
	d->top = (float)top;
	oqz_fq_of_dtype(OQZ_DT_F8E4M3FN, &d->scales);
	d->scales.scale = &one;
	oqz_fq_bits_init(&d->scales, &d->scale_bits);
}

/* n largest magnitudes, which are used up -> as many scales. Infinities count as the largest float32. */
static void dynamic_scales(const struct dynamic *d, size_t n, float *amax, float *s)
{
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
	oqz_fq_minifloat_row(&d->scales, &d->scale_bits, &(struct oqz_fq_stretch) { .n = n }, amax, s, NULL);
	for (size_t i = 0; i < n; i++)
		s[i] = factor * (s[i] > 0x1p-9f ? s[i] : 0x1p-9f);
}

static void dynamic_row(const struct dynamic *d, const struct oqz_fq *grid, const struct oqz_fq_stretch *r,
                        const float *x, float *y)
{
	if (grid->kind == OQZ_FQ_AFFINE)
		oqz_fq_affine_row(grid, r, x, y, NULL);
	else
		oqz_fq_minifloat_row(grid, d->have_bits ? &d->bits : NULL, r, x, y, NULL);
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
		dynamic_row(d, &grid, &(struct oqz_fq_stretch) { .n = len }, x, y);
		return;
	}
	for (size_t a = 0; a < len; a++)
		dynamic_row(d, &grid, &(struct oqz_fq_stretch) { .n = n, .step = 1 }, x + a * stride, y + a * stride);
}

void oqz_fq_dynamic_run(const struct oqz_fq *q, const struct oqz_shape *shape, const float *x, float *y)
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
