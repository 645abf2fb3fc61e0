/* SPDX-License-Identifier: Apache-2.0
 *
 * Strided copy. Dimensions that are contiguous on both sides are merged, so most copies end up as a few memcpy; what is
 * left goes through a loop whose element size is a constant. A transposition of the two innermost dimensions is done in
 * tiles, because otherwise one of the sides touches a new cache line per element.
 */
#include "core/ops/strided.h"

#include <string.h>

enum { TILE = 16 };

/* One body; callers pass `size` as a constant. */
static inline __attribute__((always_inline)) void copy_line(size_t size, int64_t n, const char *s, int64_t ss, char *d,
                                                            int64_t ds)
{
	for (int64_t i = 0; i < n; i++)
		memcpy(d + i * ds, s + i * ss, size);
}

/* Of the strides that are not known beforehand, two elements on one side is the usual one (pixels in blocks of two);
 * as a constant it becomes vector code. */
static inline __attribute__((always_inline)) void copy_strided(size_t size, int64_t n, const char *s, int64_t ss,
                                                               char *d, int64_t ds)
{
	int64_t e = (int64_t)size;

	if (ss == 2 * e && ds == e)
		copy_line(size, n, s, 2 * e, d, e);
	else if (ss == e && ds == 2 * e)
		copy_line(size, n, s, e, d, 2 * e);
	else
		copy_line(size, n, s, ss, d, ds);
}

OQZ_KERNEL static void copy_words(int64_t n, const char *s, int64_t ss, char *d, int64_t ds)
{
	copy_strided(4, n, s, ss, d, ds);
}

static void copy_run(size_t size, int64_t n, const char *s, int64_t ss, char *d, int64_t ds)
{
	int64_t e = (int64_t)size;

	if (ss == e && ds == e) {
		memcpy(d, s, (size_t)n * size);
		return;
	}
	switch (size) {
	case 1: copy_line(1, n, s, ss, d, ds); break;
	case 2: copy_line(2, n, s, ss, d, ds); break;
	case 4: copy_words(n, s, ss, d, ds); break;
	case 8: copy_line(8, n, s, ss, d, ds); break;
	default: copy_line(size, n, s, ss, d, ds);
	}
}

/* Rows of bytes that lie together, `ss` and `ds` apart. Short ones (the channels of a pixel) are copied in pieces of
 * one size, which become single moves: a call of memcpy for each would take longer than the copying. */
OQZ_KERNEL static void copy_rows(int64_t rows, size_t bytes, const char *s, int64_t ss, char *d, int64_t ds)
{
	enum { SHORT = 1024, WIDE = 64, NARROW = 16 };

	if (bytes <= SHORT && bytes % WIDE == 0)
		for (int64_t i = 0; i < rows; i++)
			copy_line(WIDE, (int64_t)(bytes / WIDE), s + i * ss, WIDE, d + i * ds, WIDE);
	else if (bytes <= SHORT && bytes % NARROW == 0)
		for (int64_t i = 0; i < rows; i++)
			copy_line(NARROW, (int64_t)(bytes / NARROW), s + i * ss, NARROW, d + i * ds, NARROW);
	else
		for (int64_t i = 0; i < rows; i++)
			memcpy(d + i * ds, s + i * ss, bytes);
}

/* Drops dimensions of 1 and merges neighbours; strides become bytes. */
static struct oqz_box simplify(const struct oqz_box *b, size_t size)
{
	struct oqz_box r = { 0 };
	int64_t e = (int64_t)size;

	for (int i = 0; i < b->rank; i++) {
		int last = r.rank - 1;

		if (b->dim[i] == 1)
			continue;
		if (last >= 0 && r.src[last] == b->src[i] * e * b->dim[i] && r.dst[last] == b->dst[i] * e * b->dim[i]) {
			r.dim[last] *= b->dim[i];
			r.src[last] = b->src[i] * e;
			r.dst[last] = b->dst[i] * e;
		} else {
			oqz_box_add(&r, b->dim[i], b->src[i] * e, b->dst[i] * e);
		}
	}
	if (r.rank == 0)
		oqz_box_add(&r, 1, e, e);
	return r;
}

/* A tile of TILE x TILE words by way of a buffer, so that each line of memory on both sides is touched once and wholly:
 * rows a power of two apart would push each other out of the cache. Lines of src are `ss` apart, of dst `ds`. */
static void turn_tile(const char *s, int64_t ss, char *d, int64_t ds)
{
	uint32_t in[TILE][TILE], out[TILE][TILE];

	for (int i = 0; i < TILE; i++)
		memcpy(in[i], s + i * ss, sizeof in[i]);
	for (int i = 0; i < TILE; i++)
		for (int j = 0; j < TILE; j++)
			out[i][j] = in[j][i];
	for (int i = 0; i < TILE; i++)
		memcpy(d + i * ds, out[i], sizeof out[i]);
}

/* Words of two lines in turn, and back: pixels of blocks of two. */
OQZ_KERNEL static void zip_words(int64_t n, const char *restrict s, const char *restrict t, char *restrict d)
{
	for (int64_t i = 0; i < n; i++) {
		memcpy(d + 8 * i, s + 4 * i, 4);
		memcpy(d + 8 * i + 4, t + 4 * i, 4);
	}
}

OQZ_KERNEL static void unzip_words(int64_t n, const char *restrict s, char *restrict d, char *restrict e)
{
	for (int64_t i = 0; i < n; i++) {
		memcpy(d + 4 * i, s + 8 * i, 4);
		memcpy(e + 4 * i, s + 8 * i + 4, 4);
	}
}

static inline int64_t distance(int64_t stride) { return stride < 0 ? -stride : stride; }

/* A part of two dimensions, `rows` of r and `cols` of c. */
static void copy_part(const struct oqz_box *b, size_t size, int r, int c, int64_t rows, int64_t cols, const char *s,
                      char *d)
{
	const int64_t *ss = b->src, *ds = b->dst;

	if (size == 4 && rows == TILE && cols == TILE && ss[r] == 4 && ds[c] == 4)
		turn_tile(s, ss[c], d, ds[r]);
	else if (size == 4 && rows == TILE && cols == TILE && ss[c] == 4 && ds[r] == 4)
		turn_tile(s, ss[r], d, ds[c]);
	else if (size == 4 && rows == 2 && ss[c] == 4 && ds[r] == 4 && ds[c] == 8)
		zip_words(cols, s, s + ss[r], d);
	else if (size == 4 && rows == 2 && ss[r] == 4 && ss[c] == 8 && ds[c] == 4)
		unzip_words(cols, s, d, d + ds[r]);
	else
		for (int64_t i = 0; i < rows; i++)
			copy_run(size, cols, s + i * ss[r], ss[c], d + i * ds[r], ds[c]);
}

/* The two innermost dimensions. The inner loop takes the one that is not short; where the other's elements are nearer
 * to each other on one of the sides, tile by tile, so that the lines of memory it begins there are finished soon. */
static void copy_plane(const struct oqz_box *b, size_t size, const char *s, char *d)
{
	enum { AT_ONCE = 2048 };
	int r = b->rank - 2, c = b->rank - 1;

	if (b->dim[c] < TILE && b->dim[c] < b->dim[r]) {
		r = b->rank - 1;
		c = b->rank - 2;
	}
	bool crossing = distance(b->src[r]) < distance(b->src[c]) || distance(b->dst[r]) < distance(b->dst[c]);
	int64_t cols = !crossing ? b->dim[c] : b->dim[r] < TILE ? AT_ONCE / b->dim[r] : TILE;

	for (int64_t i = 0; i < b->dim[r]; i += TILE)
		for (int64_t j = 0; j < b->dim[c]; j += cols)
			copy_part(b, size, r, c, b->dim[r] - i < TILE ? b->dim[r] - i : TILE,
			          b->dim[c] - j < cols ? b->dim[c] - j : cols, s + i * b->src[r] + j * b->src[c],
			          d + i * b->dst[r] + j * b->dst[c]);
}

void oqz_box_copy(const struct oqz_box *box, size_t elem_size, const void *src, void *dst)
{
	for (int i = 0; i < box->rank; i++)
		if (box->dim[i] == 0) /* the other dimensions and strides may be anything */
			return;
	struct oqz_box b = simplify(box, elem_size);
	int64_t index[OQZ_BOX_MAX] = { 0 };
	int64_t e = (int64_t)elem_size, c = b.rank - 1;
	bool together = b.src[c] == e && b.dst[c] == e;
	int outer = b.rank >= 2 ? b.rank - 2 : 0;
	const char *s = src;
	char *d = dst;
	int at;

	do {
		if (b.rank == 1)
			copy_run(elem_size, b.dim[c], s, b.src[c], d, b.dst[c]);
		else if (together)
			copy_rows(b.dim[c - 1], (size_t)b.dim[c] * elem_size, s, b.src[c - 1], d, b.dst[c - 1]);
		else
			copy_plane(&b, elem_size, s, d);
		for (at = outer - 1; at >= 0; at--) {
			s += b.src[at];
			d += b.dst[at];
			if (++index[at] < b.dim[at])
				break;
			s -= b.src[at] * b.dim[at];
			d -= b.dst[at] * b.dim[at];
			index[at] = 0;
		}
	} while (at >= 0);
}

/* The longest part [*lo, *hi) of a map that counts up by one: it is moved at once. */
static void longest_run(const int64_t *map, int64_t n, int64_t *lo, int64_t *hi)
{
	*lo = *hi = 0;
	for (int64_t i = 0, start = 0; i < n; i++) {
		if (map[i] < 0 || (i > start && map[i] != map[i - 1] + 1))
			start = map[i] < 0 ? i + 1 : i;
		if (i + 1 - start > *hi - *lo) {
			*lo = start;
			*hi = i + 1;
		}
	}
}

static inline __attribute__((always_inline)) void map_run(size_t size, int64_t from, int64_t to, const int64_t *map,
                                                          const char *s, const void *fill, char *d)
{
	for (int64_t i = from; i < to; i++)
		memcpy(d + (size_t)i * size, map[i] < 0 ? fill : s + (size_t)map[i] * size, size);
}

/* Elements [from, to) of a row. */
static void map_part(size_t size, int64_t from, int64_t to, const int64_t *map, const char *s, const void *fill,
                     char *d)
{
	if (size == 4)
		map_run(4, from, to, map, s, fill, d);
	else
		map_run(size, from, to, map, s, fill, d);
}

void oqz_map_copy(int rank, const int64_t *dim, const int64_t *const *map, size_t elem_size, const void *src,
                  const void *fill, void *dst)
{
	int64_t index[OQZ_MAX_RANK] = { 0 }, rows = 1, lo, hi;
	int last = rank - 1;
	char *d = dst;

	if (rank == 0) {
		memcpy(dst, src, elem_size);
		return;
	}
	for (int i = 0; i < last; i++)
		rows *= dim[i];
	longest_run(map[last], dim[last], &lo, &hi);
	for (int64_t row = 0; row < rows; row++, d += (size_t)dim[last] * elem_size) {
		int64_t base = 0;
		bool nowhere = false;

		for (int i = 0; i < last; i++) {
			nowhere |= map[i][index[i]] < 0;
			base += map[i][index[i]];
		}
		const char *s = (const char *)src + (nowhere ? 0 : (size_t)base * elem_size);
		if (nowhere) {
			oqz_fill(d, (size_t)dim[last], elem_size, fill);
		} else {
			map_part(elem_size, 0, lo, map[last], s, fill, d);
			if (hi > lo)
				memcpy(d + (size_t)lo * elem_size, s + (size_t)map[last][lo] * elem_size,
				       (size_t)(hi - lo) * elem_size);
			map_part(elem_size, hi, dim[last], map[last], s, fill, d);
		}
		for (int i = last - 1; i >= 0 && ++index[i] == dim[i]; i--)
			index[i] = 0;
	}
}

void oqz_fill(void *dst, size_t n, size_t elem_size, const void *value)
{
	size_t total = n * elem_size, done = elem_size;
	char *d = dst;

	if (n == 0)
		return;
	memcpy(d, value, elem_size);
	while (done < total) {
		size_t m = done < total - done ? done : total - done;

		memcpy(d + done, d, m);
		done += m;
	}
}
