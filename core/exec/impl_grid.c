/* SPDX-License-Identifier: Apache-2.0
 *
 * GridSample in float32, in the layout that the image arrives in. The taps of a block of points are found once, with
 * coordinates in double as the reference has them, and used for all channels: in row-major point by point side by side,
 * in channels-last channel by channel.
 */
#include "core/base/checked.h"
#include "core/exec/impl.h"
#include "core/ops/op_grid.h"
#include "core/tensor/float_bits.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { POINTS = 512, DIMS = 3, BOX = 16 };

struct grid {
	struct oqz_grid_params p;
	int dims, taps;     /* of one dimension */
	bool last, vector;  /* channels-last; taps by vector code: linear or nearest, without reflection */
	int64_t size[DIMS]; /* of the image, outermost first */
	int64_t batch, channels, plane, points;
};

/* The taps of up to POINTS points: pixel of the plane (-1: a zero) and weight. */
struct block {
	int n, taps;
	int32_t at[BOX][POINTS];
	float weight[BOX][POINTS];
};

struct line {
	int32_t at[OQZ_GRID_TAPS][POINTS];
	float weight[OQZ_GRID_TAPS][POINTS];
};

/* ---- taps ---- */

/* A pixel's index, or -1 outside; at the border the outermost. */
static inline __attribute__((always_inline)) int32_t pixel(double at, double n, bool border)
{
	double lo = border ? 0 : -1, hi = border ? n - 1 : n;

	at = at < lo ? lo : at;
	at = at > hi ? hi : at;
	return at < n ? (int32_t)at : -1;
}

/* One dimension of n points whose coordinates are `step` apart; linear, or nearest; see oqz_grid_taps. */
static inline __attribute__((always_inline)) void find_line(const float *grid, int64_t step, int n, double size,
                                                            bool align, bool linear, bool border, struct line *l)
{
	for (int i = 0; i < n; i++) {
		double c = (double)grid[i * step], x = align ? (c + 1) / 2 * (size - 1) : ((c + 1) * size - 1) / 2;
		x = fabs(x) < INFINITY ? x : -1;
		if (!linear) {
			l->at[0][i] = pixel(rint(x), size, border);
			l->weight[0][i] = 1;
			continue;
		}
		double in = border ? x < 0 ? 0 : x > size - 1 ? size - 1 : x : x, base = floor(in), f = in - base;
		l->at[0][i] = pixel(base, size, border);
		l->at[1][i] = pixel(base + 1, size, border);
		l->weight[0][i] = (float)(1 - f);
		l->weight[1][i] = (float)f;
	}
}

OQZ_KERNEL static void find_vector(const struct grid *g, const float *grid, int n, int64_t size, struct line *l)
{
	bool align = g->p.align_corners != 0, border = g->p.padding_mode[0] == 'b';

	if (g->taps == 2 && border)
		find_line(grid, g->dims, n, (double)size, align, true, true, l);
	else if (g->taps == 2)
		find_line(grid, g->dims, n, (double)size, align, true, false, l);
	else
		find_line(grid, g->dims, n, (double)size, align, false, border, l);
}

static void find_scalar(const struct grid *g, const float *grid, int n, int64_t size, struct line *l)
{
	int64_t index[OQZ_GRID_TAPS];
	double weight[OQZ_GRID_TAPS];

	for (int i = 0; i < n; i++) {
		oqz_grid_taps(&g->p, (double)grid[i * g->dims], size, index, weight);
		for (int k = 0; k < g->taps; k++) {
			l->at[k][i] = (int32_t)index[k];
			l->weight[k][i] = (float)weight[k];
		}
	}
}

/* Tap `from` of the box so far with tap k of the next dimension; `to` may be `from`. */
OQZ_KERNEL static void cross(struct block *b, int from, int to, const struct line *l, int k, int32_t size)
{
	for (int i = 0; i < b->n; i++) {
		int32_t a = b->at[from][i], c = l->at[k][i];
		b->at[to][i] = (a | c) < 0 ? -1 : a * size + c;
		b->weight[to][i] = b->weight[from][i] * l->weight[k][i];
	}
}

static void find_block(const struct grid *g, const float *grid, int n, struct block *b, struct line *l)
{
	b->n = n;
	b->taps = 1;
	memset(b->at[0], 0, sizeof b->at[0]);
	for (int i = 0; i < n; i++)
		b->weight[0][i] = 1;
	for (int d = 0; d < g->dims; d++) {
		const float *from = grid + g->dims - 1 - d; /* the grid has x first */
		if (g->vector)
			find_vector(g, from, n, g->size[d], l);
		else
			find_scalar(g, from, n, g->size[d], l);
		for (int t = b->taps - 1; t >= 0; t--) /* from behind: the places they come from are still there */
			for (int k = g->taps - 1; k >= 0; k--)
				cross(b, t, t * g->taps + k, l, k, (int32_t)g->size[d]);
		b->taps *= g->taps;
	}
}

/* ---- sums ---- */

OQZ_KERNEL static void sum_points(const struct block *b, const float *restrict x, float *restrict y)
{
	for (int k = 0; k < b->taps; k++) {
		const int32_t *restrict at = b->at[k];
		const float *restrict w = b->weight[k];
		for (int i = 0; i < b->n; i++) {
			int32_t a = at[i];
			float v = w[i] * x[a < 0 ? 0 : a];
			y[i] = (k ? y[i] : 0) + (a < 0 ? 0 : v);
		}
	}
}

/* Without a branch: the sign of a place that is a zero clears the bits of the product. */
static inline __attribute__((always_inline)) float tap(const struct block *b, int k, int i, const float *x)
{
	int32_t inside = ~(b->at[k][i] >> 31);

	return oqz_bits_float(oqz_float_bits(b->weight[k][i] * x[b->at[k][i] & inside]) & (uint32_t)inside);
}

/* The same for four taps (linear in a plane), whose sums need not be put away between them. */
OQZ_KERNEL static void sum_four(const struct block *b, const float *restrict x, float *restrict y)
{
	for (int i = 0; i < b->n; i++)
		y[i] = 0.0f + tap(b, 0, i, x) + tap(b, 1, i, x) + tap(b, 2, i, x) + tap(b, 3, i, x);
}

OQZ_KERNEL static void sum_channels(const struct block *b, const float *x, int64_t channels, float *y)
{
	for (int i = 0; i < b->n; i++, y += channels) {
		memset(y, 0, (size_t)channels * sizeof *y);
		for (int k = 0; k < b->taps; k++) {
			const float *from = x + b->at[k][i] * channels;
			float w = b->weight[k][i];
			if (b->at[k][i] >= 0)
				OQZ_IVDEP for (int64_t c = 0; c < channels; c++) y[c] += w * from[c];
		}
	}
}

static enum oqz_status grid_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct grid *g = state;
	struct block *b = c->scratch;
	struct line *l = (struct line *)(b + 1);

	for (int64_t n = 0; n < g->batch; n++) {
		const float *x = (const float *)c->in[0]->data + n * g->channels * g->plane,
		            *grid = (const float *)c->in[1]->data + n * g->points * g->dims;
		float *y = (float *)c->out[0]->data + n * g->channels * g->points;
		for (int64_t i = 0; i < g->points; i += POINTS) {
			int count = (int)(g->points - i < POINTS ? g->points - i : POINTS);
			find_block(g, grid + i * g->dims, count, b, l);
			if (g->last)
				sum_channels(b, x, g->channels, y + i * g->channels);
			for (int64_t ch = 0; !g->last && ch < g->channels; ch++)
				(b->taps == 4 ? sum_four : sum_points)(b, x + ch * g->plane, y + ch * g->points + i);
		}
	}
	return OQZ_OK;
}

/* ---- planning ---- */

static const char *refuse(const struct oqz_step_desc *d)
{
	const struct oqz_shape *x = &d->in_type[0].shape;
	const struct oqz_grid_params *p = OQZ_PARAMS(d->node, struct oqz_grid_params);

	if (d->group || d->act || d->in_type[0].dtype != OQZ_DT_F32 || d->in_type[1].dtype != OQZ_DT_F32)
		return "not float32";
	if (oqz_shape_nelem(x) == 0 || oqz_shape_nelem(&d->out_type[0].shape) == 0)
		return "an empty tensor";
	if (x->rank == 5 && p->mode[0] == 'c')
		return "cubic in three dimensions";
	return oqz_shape_span(x, 2, x->rank) > INT32_MAX ? "an image of too many points" : NULL;
}

static enum oqz_status grid_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                   size_t why_size, struct oqz_err *err)
{
	const struct oqz_shape *x = &d->in_type[0].shape;
	const char *reason = refuse(d);

	if (reason) {
		snprintf(why, why_size, "%s", reason);
		return OQZ_E_UNSUPPORTED;
	}
	struct grid *g = calloc(1, sizeof *g);
	if (!g)
		return oqz_err_nomem(err, "a step", sizeof *g);
	g->p = *OQZ_PARAMS(d->node, struct oqz_grid_params);
	g->dims = x->rank - 2;
	g->taps = g->p.mode[0] == 'n' ? 1 : g->p.mode[0] == 'l' ? 2 : 4;
	g->vector = g->taps < 4 && g->p.padding_mode[0] != 'r';
	g->last = d->in_layout[0] == OQZ_LAYOUT_CHANNELS_LAST;
	g->batch = x->dim[0];
	g->channels = x->dim[1];
	g->plane = oqz_shape_span(x, 2, x->rank);
	g->points = oqz_shape_span(&d->out_type[0].shape, 2, x->rank);
	for (int i = 0; i < g->dims; i++)
		g->size[i] = x->dim[2 + i];
	ret->in_layout[0] = ret->out_layout[0] = d->in_layout[0];
	ret->in_layout[1] = OQZ_LAYOUT_PLAIN;
	ret->scratch_bytes = oqz_align_up(sizeof(struct block) + sizeof(struct line), 64);
	ret->uses_constant[0] = ret->uses_constant[1] = true;
	snprintf(ret->name, sizeof ret->name, "own.grid_sample");
	ret->state = g;
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_grid = { "own.grid_sample", grid_create, grid_run, free };
