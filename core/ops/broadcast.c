/* SPDX-License-Identifier: Apache-2.0
 *
 * Broadcasting iteration: strides of the operands, merging of dimensions, and the odometer over runs.
 */
#include "core/ops/broadcast.h"

#include <string.h>

/* Strides of a dense tensor seen through the output's dimensions; 0 where its own dimension is 1 or absent. */
static void strides_of(const struct oqz_shape *in, const struct oqz_shape *out, int64_t *stride)
{
	int64_t s = 1;

	for (int o = out->rank - 1, i = in->rank - 1; o >= 0; o--, i--) {
		stride[o] = i >= 0 && in->dim[i] != 1 ? s : 0;
		if (i >= 0)
			s *= in->dim[i];
	}
}

/* Dimension `outer` followed by `inner` is one dimension for every operand? */
static bool merges(const struct oqz_bcast *b, int outer, int64_t inner_dim, const int64_t *inner_stride)
{
	for (int k = 0; k < b->n; k++)
		if (b->stride[k][outer] != inner_stride[k] * inner_dim)
			return false;
	return true;
}

void oqz_bcast_init(struct oqz_bcast *b, const struct oqz_shape *out, int n, const struct oqz_shape *const *in)
{
	int64_t stride[OQZ_BCAST_MAX][OQZ_MAX_RANK] = { 0 };
	int64_t inner[OQZ_BCAST_MAX];

	memset(b, 0, sizeof *b);
	b->n = n;
	for (int o = 0; o < out->rank; o++)
		if (out->dim[o] == 0) /* the other dimensions' product may be anything */
			return;
	for (int k = 0; k < n; k++)
		strides_of(in[k], out, stride[k]);
	for (int o = 0; o < out->rank; o++) {
		if (out->dim[o] == 1)
			continue;
		for (int k = 0; k < n; k++)
			inner[k] = stride[k][o];
		if (b->rank > 0 && merges(b, b->rank - 1, out->dim[o], inner)) {
			b->dim[b->rank - 1] *= out->dim[o];
			for (int k = 0; k < n; k++)
				b->stride[k][b->rank - 1] = inner[k];
			continue;
		}
		b->dim[b->rank] = out->dim[o];
		for (int k = 0; k < n; k++)
			b->stride[k][b->rank] = inner[k];
		b->rank++;
	}
	b->run = 1;
	if (b->rank > 0) {
		b->rank--;
		b->run = b->dim[b->rank];
		for (int k = 0; k < n; k++)
			b->step[k] = b->stride[k][b->rank] != 0;
	}
	b->rows = b->run > 0;
	for (int d = 0; d < b->rank; d++)
		b->rows *= b->dim[d];
}

void oqz_bcast_next(struct oqz_bcast *b)
{
	for (int d = b->rank - 1; d >= 0; d--) {
		for (int k = 0; k < b->n; k++)
			b->at[k] += b->stride[k][d];
		if (++b->index[d] < b->dim[d])
			return;
		for (int k = 0; k < b->n; k++)
			b->at[k] -= b->stride[k][d] * b->dim[d];
		b->index[d] = 0;
	}
}

bool oqz_bcast_shape(const struct oqz_shape *a, const struct oqz_shape *b, struct oqz_shape *ret)
{
	struct oqz_shape r = { .rank = a->rank > b->rank ? a->rank : b->rank };

	for (int o = 0; o < r.rank; o++) {
		int i = o - (r.rank - a->rank), j = o - (r.rank - b->rank);
		int64_t x = i < 0 ? 1 : a->dim[i], y = j < 0 ? 1 : b->dim[j];

		if (x != y && x != 1 && y != 1)
			return false;
		r.dim[o] = x == 1 ? y : x;
	}
	*ret = r;
	return true;
}
