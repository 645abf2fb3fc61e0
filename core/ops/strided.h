/* SPDX-License-Identifier: Apache-2.0
 *
 * The one copy that all movers are made of: an n-dimensional box of elements, each side with its own strides.
 * Transpose, Slice, Concat, Tile, Pad, ... differ only in how they compute strides and offsets. Elements are bytes of a
 * size; their type is never looked at.
 */
#ifndef OQZ_OPS_STRIDED_H
#define OQZ_OPS_STRIDED_H

#include "core/tensor/tensor.h"

enum { OQZ_BOX_MAX = 2 * OQZ_MAX_RANK };

struct oqz_box {
	int rank;
	int64_t dim[OQZ_BOX_MAX];
	int64_t src[OQZ_BOX_MAX],
	    dst[OQZ_BOX_MAX]; /* strides in elements; src may be 0 (repeat) or negative (reverse) */
};

/* Appends an innermost dimension. */
static inline void oqz_box_add(struct oqz_box *b, int64_t dim, int64_t src, int64_t dst)
{
	b->dim[b->rank] = dim;
	b->src[b->rank] = src;
	b->dst[b->rank++] = dst;
}

/* Copies element by element from src to dst (first elements of the box on each side); they must not overlap. */
void oqz_box_copy(const struct oqz_box *b, size_t elem_size, const void *src, void *dst);

/* Fills a dense tensor of `rank` dims from a source through one map per dim: element (i0, i1, ...) is the source's at
 * map[0][i0] + map[1][i1] + ... elements; where a map says OQZ_NOWHERE it is *fill. */
enum { OQZ_NOWHERE = -1 };
void oqz_map_copy(int rank, const int64_t *dim, const int64_t *const *map, size_t elem_size, const void *src,
                  const void *fill, void *dst);

/* Fills n elements with one. */
void oqz_fill(void *dst, size_t n, size_t elem_size, const void *value);

#endif
