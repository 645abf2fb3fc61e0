/* SPDX-License-Identifier: Apache-2.0
 *
 * DeformConv on random shapes, strides, pads, dilations, groups and groups of offsets against its definition, written
 * out one output and one tap at a time.
 */
#include "tests/support/op_text.h"
#include "tests/support/support.h"
#include "core/base/rng.h"

#include <math.h>
#include <stdio.h>

struct layer {
	int64_t n, groups, per_in, per_out, offset_groups, h, w, kh, kw, sy, sx, py, px, dy, dx, oh, ow;
	const float *x, *weight, *offset, *bias, *mask;
};

/* Between the pixels around (y, x) of a plane with zeros outside. */
static double sample(const struct layer *l, const float *plane, double y, double x)
{
	double sum = 0;

	for (int64_t r = 0; r < l->h; r++)
		for (int64_t c = 0; c < l->w; c++)
			sum += fmax(0, 1 - fabs(y - (double)r)) * fmax(0, 1 - fabs(x - (double)c)) *
			       (double)plane[r * l->w + c];
	return sum;
}

static double output_of(const struct layer *l, int64_t n, int64_t m, int64_t oy, int64_t ox)
{
	int64_t channels = l->groups * l->per_in, taps = l->kh * l->kw, plane = l->oh * l->ow, at = oy * l->ow + ox;
	double sum = (double)l->bias[m];

	for (int64_t i = 0; i < l->per_in; i++)
		for (int64_t t = 0; t < taps; t++) {
			int64_t ch = m / l->per_out * l->per_in + i;
			int64_t o = (n * l->offset_groups + ch * l->offset_groups / channels) * taps + t;
			double y = (double)(oy * l->sy - l->py + t / l->kw * l->dy);
			double x = (double)(ox * l->sx - l->px + t % l->kw * l->dx);
			y += (double)l->offset[2 * o * plane + at];
			x += (double)l->offset[(2 * o + 1) * plane + at];
			sum += sample(l, l->x + (n * channels + ch) * l->h * l->w, y, x) *
			       (double)l->weight[(m * l->per_in + i) * taps + t] *
			       (l->mask ? (double)l->mask[o * plane + at] : 1);
		}
	return sum;
}

static int64_t below(struct oqz_rng *r, int64_t n) { return (int64_t)oqz_rng_below(r, (uint64_t)n); }

static struct oqz_tensor numbers(struct oqz_rng *r, double scale, int64_t a, int64_t b, int64_t c, int64_t d)
{
	struct oqz_shape s = oqz_shape_of(d ? 4 : 1, (const int64_t[]) { a, b, c, d });

	return op_random(oqz_rng_u64(r), scale, &s);
}

static struct layer draw(struct oqz_rng *r)
{
	struct layer l = { .n = 1 + below(r, 2), .groups = 1 + below(r, 3), .per_in = 1 + below(r, 2) };

	l.per_out = 1 + below(r, 3);
	l.offset_groups = below(r, 2) ? l.groups * l.per_in : 1;
	l.kh = 1 + below(r, 3), l.kw = 1 + below(r, 3), l.sy = 1 + below(r, 2), l.sx = 1 + below(r, 2);
	l.py = below(r, 2), l.px = below(r, 3), l.dy = 1 + below(r, 2), l.dx = 1 + below(r, 2);
	l.h = 5 + below(r, 4), l.w = 5 + below(r, 4);
	l.oh = (l.h + 2 * l.py - l.dy * (l.kh - 1) - 1) / l.sy + 1;
	l.ow = (l.w + 2 * l.px - l.dx * (l.kw - 1) - 1) / l.sx + 1;
	return l;
}

static void check(struct oqz_rng *r, int round)
{
	struct layer l = draw(r);
	int64_t channels = l.groups * l.per_in, outputs = l.groups * l.per_out, taps = l.kh * l.kw;
	struct oqz_tensor in[5] = {
		numbers(r, 1, l.n, channels, l.h, l.w),
		numbers(r, 1, outputs, l.per_in, l.kh, l.kw),
		numbers(r, 1.5, l.n, 2 * l.offset_groups * taps, l.oh, l.ow),
		numbers(r, 1, outputs, 0, 0, 0),
		numbers(r, 1, l.n, l.offset_groups * taps, l.oh, l.ow),
	};
	const struct oqz_tensor *ptr[5] = { &in[0], &in[1], &in[2], &in[3], round % 2 ? &in[4] : NULL };
	struct oqz_tensor y = { 0 };
	char attrs[200];

	l.x = in[0].data, l.weight = in[1].data, l.offset = in[2].data, l.bias = in[3].data;
	l.mask = round % 2 ? in[4].data : NULL;
	snprintf(attrs, sizeof attrs, "strides=[%d,%d] pads=[%d,%d,%d,%d] dilations=[%d,%d] group=%d offset_group=%d",
	         (int)l.sy, (int)l.sx, (int)l.py, (int)l.px, (int)l.py, (int)l.px, (int)l.dy, (int)l.dx, (int)l.groups,
	         (int)l.offset_groups);
	op_run_text("DeformConv", attrs, ptr, round % 2 ? 5 : 4, &y, 1);
	ck_assert_int_eq(oqz_tensor_nelem(&y), l.n * outputs * l.oh * l.ow);
	for (int64_t i = 0, hw = l.oh * l.ow; i < oqz_tensor_nelem(&y); i++) {
		double want = output_of(&l, i / hw / outputs, i / hw % outputs, i % hw / l.ow, i % l.ow);
		double got = (double)((const float *)y.data)[i];
		ck_assert_msg(fabs(got - want) <= 1e-5 * (1 + fabs(want)), "round %d, %s: element %d is %g, not %g",
		              round, attrs, (int)i, got, want);
	}
	oqz_tensor_release(&y);
	for (int i = 0; i < 5; i++)
		oqz_tensor_release(&in[i]);
}

START_TEST(deform_conv_is_its_definition)
{
	struct oqz_rng r;

	oqz_rng_init(&r, 7);
	for (int round = 0; round < 60; round++)
		check(&r, round);
}
END_TEST

OQZ_TEST_MAIN("deform_conv", deform_conv_is_its_definition)
