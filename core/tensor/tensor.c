/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensors and shapes. Buffers are counted with an atomic, because packed weights and constants are shared by workers.
 */
#include "core/tensor/tensor.h"
#include "core/base/budget.h"
#include "core/base/checked.h"
#include "core/base/pages.h"

#include <stdatomic.h>
#include <stdio.h>
#include <math.h>
#include <string.h>

enum { BUFFER_ALIGN = 64 };

struct oqz_buffer {
	atomic_int refs;
	int64_t items; /* of a list: `data` holds so many tensors */
	size_t bytes;  /* taken from the budget */
	_Alignas(BUFFER_ALIGN) unsigned char data[];
};

enum oqz_status oqz_shape_count(const struct oqz_shape *s, int64_t *ret, struct oqz_err *err)
{
	char text[OQZ_SHAPE_STR];
	int64_t n = 1;

	if (s->rank < 0 || s->rank > OQZ_MAX_RANK)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a tensor of rank %d (at most %d)", (int)s->rank, OQZ_MAX_RANK);
	bool empty = false;
	for (int i = 0; i < s->rank; i++) {
		if (s->dim[i] < 0)
			OQZ_FAIL(err, OQZ_E_DATA, "shape %s is not concrete", oqz_shape_str(s, text, sizeof text));
		empty |= s->dim[i] == 0;
	}
	for (int i = 0; i < s->rank && !empty; i++)
		if (!oqz_i64_mul(n, s->dim[i], &n))
			OQZ_FAIL(err, OQZ_E_LIMIT, "shape %s has too many elements",
			         oqz_shape_str(s, text, sizeof text));
	*ret = empty ? 0 : n;
	return OQZ_OK;
}

int64_t oqz_shape_nelem(const struct oqz_shape *s) { return oqz_shape_span(s, 0, s->rank); }

int64_t oqz_shape_span(const struct oqz_shape *s, int from, int to)
{
	int64_t n = 1;

	/* Dimensions next to one of 0 may be of any size, such a tensor has no elements; without it they were counted.
	 */
	for (int i = from; i < to; i++) {
		if (s->dim[i] == 0)
			return 0;
		if (!oqz_i64_mul(n, s->dim[i], &n))
			n = INT64_MAX;
	}
	return n;
}

bool oqz_shape_equal(const struct oqz_shape *a, const struct oqz_shape *b)
{
	return a->rank == b->rank && memcmp(a->dim, b->dim, sizeof a->dim[0] * (size_t)a->rank) == 0;
}

const char *oqz_shape_str(const struct oqz_shape *s, char *buf, size_t size)
{
	size_t at = (size_t)snprintf(buf, size, "[");

	for (int i = 0; i < s->rank && i < OQZ_MAX_RANK && at < size; i++) {
		const char *comma = i ? "," : "";
		if (s->dim[i] < 0)
			at += (size_t)snprintf(buf + at, size - at, "%s?", comma);
		else
			at += (size_t)snprintf(buf + at, size - at, "%s%lld", comma, (long long)s->dim[i]);
	}
	if (at < size)
		snprintf(buf + at, size - at, "]");
	return buf;
}

struct oqz_shape oqz_shape_of(int rank, const int64_t *dims)
{
	struct oqz_shape s = { .rank = rank };

	for (int i = 0; i < rank && i < OQZ_MAX_RANK; i++)
		s.dim[i] = dims[i];
	return s;
}

enum oqz_status oqz_axis_resolve(int64_t axis, int rank, bool inclusive, int *ret, struct oqz_err *err)
{
	int64_t n = rank + inclusive;

	if (axis < -n || axis >= n)
		OQZ_FAIL(err, OQZ_E_DATA, "axis %lld is out of range for rank %d", (long long)axis, rank);
	*ret = (int)(axis < 0 ? axis + n : axis);
	return OQZ_OK;
}

/* The text is made only for tensors that may not fit: small ones are allocated by the thousand. */
static enum oqz_status take_bytes(size_t bytes, enum oqz_dtype dtype, const struct oqz_shape *s, struct oqz_err *err)
{
	char shape[OQZ_SHAPE_STR], what[OQZ_SHAPE_STR + 40];

	if (oqz_budget_take(bytes, "a tensor", NULL) == OQZ_OK)
		return OQZ_OK;
	snprintf(what, sizeof what, "a tensor %s%s", oqz_dtype_name(dtype), oqz_shape_str(s, shape, sizeof shape));
	return oqz_budget_take(bytes, what, err);
}

static enum oqz_status new_buffer(struct oqz_tensor *t, enum oqz_dtype dtype, struct oqz_shape s, size_t elem_size,
                                  int64_t items, struct oqz_err *err)
{
	int64_t n;
	size_t bytes, total;

	OQZ_TRY(oqz_shape_count(&s, &n, err));
	if (!oqz_size_mul((size_t)n, elem_size, &bytes) ||
	    !oqz_size_add(bytes, sizeof(struct oqz_buffer) + BUFFER_ALIGN, &total) || total > SIZE_MAX / 4)
		OQZ_FAIL(err, OQZ_E_LIMIT, "a tensor of %lld elements is too large", (long long)n);
	OQZ_TRY(take_bytes(bytes, dtype, &s, err));
	struct oqz_buffer *buf = oqz_pages_alloc(total);
	if (!buf) {
		oqz_budget_give(bytes);
		return oqz_err_nomem(err, "a tensor", bytes);
	}
	atomic_init(&buf->refs, 1);
	buf->items = items;
	buf->bytes = bytes;
	oqz_tensor_release(t);
	*t = (struct oqz_tensor) { .dtype = dtype, .shape = s, .data = buf->data, .buf = buf };
	return OQZ_OK;
}

enum oqz_status oqz_tensor_alloc(struct oqz_tensor *t, enum oqz_dtype dtype, const struct oqz_shape *shape,
                                 struct oqz_err *err)
{
	struct oqz_shape s = *shape; /* the caller may pass &t->shape */

	if (oqz_dtype_size(dtype) == 0)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "tensors of type %s have no memory form", oqz_dtype_name(dtype));
	return new_buffer(t, dtype, s, oqz_dtype_size(dtype), 0, err);
}

enum oqz_status oqz_list_alloc(struct oqz_tensor *t, enum oqz_dtype kind, int64_t n, struct oqz_err *err)
{
	return new_buffer(t, kind, oqz_shape_of(1, &n), sizeof(struct oqz_tensor), n, err);
}

enum oqz_status oqz_list_set(struct oqz_tensor *list, int64_t i, const struct oqz_tensor *item, struct oqz_err *err)
{
	struct oqz_tensor *to = (struct oqz_tensor *)list->data + i, held = { 0 };

	if (item->dtype == OQZ_DT_OPTIONAL || (list->dtype == OQZ_DT_SEQUENCE && oqz_dtype_is_list(item->dtype)))
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "%s inside %s", oqz_dtype_name(item->dtype),
		         oqz_dtype_name(list->dtype));
	if (item->buf)
		oqz_tensor_share(&held, item);
	else
		OQZ_TRY(oqz_tensor_copy(&held, item, err));
	oqz_tensor_release(to);
	*to = held;
	return OQZ_OK;
}

static enum oqz_status copy_list(struct oqz_tensor *dst, const struct oqz_tensor *src, struct oqz_err *err)
{
	struct oqz_tensor t = { 0 };

	OQZ_TRY(oqz_list_alloc(&t, src->dtype, src->shape.dim[0], err));
	for (int64_t i = 0; i < src->shape.dim[0]; i++)
		if (oqz_list_set(&t, i, oqz_list_at(src, i), err) != OQZ_OK) {
			oqz_tensor_release(&t);
			return err ? err->code : OQZ_E_NOMEM;
		}
	*dst = t;
	return OQZ_OK;
}

void oqz_tensor_share(struct oqz_tensor *dst, const struct oqz_tensor *src)
{
	*dst = *src;
	if (dst->buf)
		atomic_fetch_add_explicit(&dst->buf->refs, 1, memory_order_relaxed);
}

enum oqz_status oqz_tensor_copy(struct oqz_tensor *dst, const struct oqz_tensor *src, struct oqz_err *err)
{
	struct oqz_tensor t = { 0 };

	if (oqz_dtype_is_list(src->dtype))
		return copy_list(dst, src, err);
	OQZ_TRY(oqz_tensor_alloc(&t, src->dtype, &src->shape, err));
	t.layout = src->layout;
	memcpy(t.data, src->data, oqz_tensor_bytes(src));
	*dst = t;
	return OQZ_OK;
}

void oqz_tensor_release(struct oqz_tensor *t)
{
	if (t->buf && atomic_fetch_sub_explicit(&t->buf->refs, 1, memory_order_acq_rel) == 1) {
		for (int64_t i = 0; i < t->buf->items; i++) /* lists nest at most two deep */
			oqz_tensor_release((struct oqz_tensor *)t->buf->data + i);
		oqz_budget_give(t->buf->bytes);
		free(t->buf);
	}
	memset(t, 0, sizeof *t);
}

/* (rows, cols) -> (cols, rows), tile by tile of 16 x 16, which keeps both sides in cache, and along the longer side, so
 * that what is begun on the other one is finished soon. */
struct tile {
	int64_t i0, i1, j0, j1; /* rows and columns */
};

enum { TILE = 16 };

static bool next_tile(struct tile *t, int64_t rows, int64_t cols)
{
	bool tall = rows > cols;

	if (t->i1 == 0) { /* the first */
		t->i0 = t->j0 = 0;
	} else if (tall) {
		t->j0 = t->j1 < cols ? t->j1 : 0;
		t->i0 = t->j0 ? t->i0 : t->i1;
	} else {
		t->i0 = t->i1 < rows ? t->i1 : 0;
		t->j0 = t->i0 ? t->j0 : t->j1;
	}
	t->i1 = t->i0 + TILE < rows ? t->i0 + TILE : rows;
	t->j1 = t->j0 + TILE < cols ? t->j0 + TILE : cols;
	return t->i0 < rows && t->j0 < cols;
}

#define TRANSPOSE(T)                                            \
	for (struct tile t = { 0 }; next_tile(&t, rows, cols);) \
		for (int64_t j = t.j0; j < t.j1; j++)           \
			for (int64_t i = t.i0; i < t.i1; i++)   \
				((T *)dst)[j * rows + i] = ((const T *)src)[i * cols + j];

typedef uint32_t v4u32 __attribute__((vector_size(16)));
enum { SQUARE = 4 };

/* 4 x 4 elements. */
static inline __attribute__((always_inline)) void transpose_square(const uint32_t *src, int64_t cols, uint32_t *dst,
                                                                   int64_t rows)
{
	v4u32 in[SQUARE], half[SQUARE], out[SQUARE];

	for (int i = 0; i < SQUARE; i++)
		memcpy(&in[i], src + i * cols, sizeof in[i]);
	half[0] = __builtin_shufflevector(in[0], in[1], 0, 4, 1, 5);
	half[1] = __builtin_shufflevector(in[0], in[1], 2, 6, 3, 7);
	half[2] = __builtin_shufflevector(in[2], in[3], 0, 4, 1, 5);
	half[3] = __builtin_shufflevector(in[2], in[3], 2, 6, 3, 7);
	for (int i = 0; i < SQUARE; i += 2) {
		out[i] = __builtin_shufflevector(half[i / 2], half[i / 2 + 2], 0, 1, 4, 5);
		out[i + 1] = __builtin_shufflevector(half[i / 2], half[i / 2 + 2], 2, 3, 6, 7);
	}
	for (int i = 0; i < SQUARE; i++)
		memcpy(dst + i * rows, &out[i], sizeof out[i]);
}

/* 4-byte elements: squares first, then what is left of the tile at the right and below. */
static void transpose_words(uint32_t *dst, const uint32_t *src, int64_t rows, int64_t cols)
{
	for (struct tile t = { 0 }; next_tile(&t, rows, cols);) {
		int64_t i1 = t.i1 - (t.i1 - t.i0) % SQUARE, j1 = t.j1 - (t.j1 - t.j0) % SQUARE;
		for (int64_t j = t.j0; j < j1; j += SQUARE)
			for (int64_t i = t.i0; i < i1; i += SQUARE)
				transpose_square(src + i * cols + j, cols, dst + j * rows + i, rows);
		for (int64_t j = t.j0; j < t.j1; j++)
			for (int64_t i = j < j1 ? i1 : t.i0; i < t.i1; i++)
				dst[j * rows + i] = src[i * cols + j];
	}
}

/* Three rows or columns of 4-byte elements: the channels of a picture. */
OQZ_KERNEL static void interleave3(const uint32_t *restrict src, int64_t n, uint32_t *restrict dst)
{
	for (int64_t i = 0; i < n; i++)
		for (int64_t c = 0; c < 3; c++)
			dst[i * 3 + c] = src[c * n + i];
}

OQZ_KERNEL static void separate3(const uint32_t *restrict src, int64_t n, uint32_t *restrict dst)
{
	for (int64_t i = 0; i < n; i++)
		for (int64_t c = 0; c < 3; c++)
			dst[c * n + i] = src[i * 3 + c];
}

static void transpose(void *dst, const void *src, int64_t rows, int64_t cols, size_t size)
{
	if (size == 4 && (rows == 3 || cols == 3)) {
		if (rows == 3)
			interleave3(src, cols, dst);
		else
			separate3(src, rows, dst);
		return;
	}
	switch (size) {
	case 1: TRANSPOSE(uint8_t) break;
	case 2: TRANSPOSE(uint16_t) break;
	case 4: transpose_words(dst, src, rows, cols); break;
	case 8: TRANSPOSE(uint64_t) break;
	case 16: TRANSPOSE(unsigned __int128) break;
	}
}

void oqz_tensor_relayout(struct oqz_tensor *dst, const struct oqz_tensor *src)
{
	size_t size = oqz_dtype_size(src->dtype), bytes = oqz_tensor_bytes(src);

	if (dst->layout == src->layout || src->shape.rank < 3 || bytes == 0) {
		memcpy(dst->data, src->data, bytes);
		return;
	}
	/* (N, C, S) <-> (N, S, C), one transpose per image */
	int64_t n = src->shape.dim[0], c = src->shape.dim[1], s = oqz_shape_span(&src->shape, 2, src->shape.rank);
	int64_t rows = src->layout == OQZ_LAYOUT_PLAIN ? c : s, cols = src->layout == OQZ_LAYOUT_PLAIN ? s : c;
	for (int64_t i = 0; i < n; i++)
		transpose((char *)dst->data + (size_t)(i * c * s) * size,
		          (const char *)src->data + (size_t)(i * c * s) * size, rows, cols, size);
}

enum oqz_status oqz_tensor_ints(const struct oqz_tensor *t, int64_t *out, size_t max, size_t *ret_n,
                                struct oqz_err *err)
{
	size_t n = (size_t)oqz_tensor_nelem(t);

	if (!oqz_dtype_is_int(t->dtype) || t->shape.rank > 1)
		OQZ_FAIL(err, OQZ_E_DATA, "a list of integers is a 1-D integer tensor, not %s of rank %d",
		         oqz_dtype_name(t->dtype), (int)t->shape.rank);
	if (n > max)
		OQZ_FAIL(err, OQZ_E_LIMIT, "a list of %zu integers where at most %zu can be", n, max);
	for (size_t i = 0; i < n; i++)
		out[i] = oqz_load_i(t->dtype, t->data, i);
	*ret_n = n;
	return OQZ_OK;
}

enum oqz_status oqz_tensor_from_ints(struct oqz_tensor *t, const int64_t *v, size_t n, struct oqz_err *err)
{
	struct oqz_shape s = { .rank = 1, .dim = { (int64_t)n } };

	OQZ_TRY(oqz_tensor_alloc(t, OQZ_DT_I64, &s, err));
	if (n)
		memcpy(t->data, v, n * sizeof *v);
	return OQZ_OK;
}

OQZ_KERNEL void oqz_extremes(const float *x, size_t n, float *lo, float *hi)
{
	enum { LANES = 16 }; /* a single minimum would be taken number by number */
	float a[LANES], b[LANES];
	size_t i = 0;

	for (int l = 0; l < LANES; l++) {
		a[l] = INFINITY;
		b[l] = -INFINITY;
	}
	for (; i + LANES <= n; i += LANES)
		for (int l = 0; l < LANES; l++) {
			a[l] = x[i + l] < a[l] ? x[i + l] : a[l];
			b[l] = x[i + l] > b[l] ? x[i + l] : b[l];
		}
	for (; i < n; i++) {
		a[0] = x[i] < a[0] ? x[i] : a[0];
		b[0] = x[i] > b[0] ? x[i] : b[0];
	}
	*lo = a[0];
	*hi = b[0];
	for (int l = 1; l < LANES; l++) {
		*lo = a[l] < *lo ? a[l] : *lo;
		*hi = b[l] > *hi ? b[l] : *hi;
	}
}
