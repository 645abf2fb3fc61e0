/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensor: element type, shape, layout and memory. Memory is either a counted buffer (constants, inputs, outputs:
 * shared, never copied on sharing, written only by the sole owner) or borrowed (a slot of an execution arena).
 */
#ifndef OQZ_TENSOR_TENSOR_H
#define OQZ_TENSOR_TENSOR_H

#include "core/base/err.h"
#include "core/tensor/dtype.h"

/* How elements lie in memory. The shape is always the logical one (N, C, spatial...). */
enum oqz_layout {
	OQZ_LAYOUT_PLAIN = 0,         /* row-major in the order of the shape */
	OQZ_LAYOUT_CHANNELS_LAST = 1, /* rank >= 3: dimension 1 is innermost (N, spatial..., C) */
};

struct oqz_buffer; /* counted memory, 64-byte aligned */

struct oqz_tensor {
	enum oqz_dtype dtype;
	enum oqz_layout layout;
	struct oqz_shape shape;
	void *data;             /* NULL when the tensor has no memory yet */
	struct oqz_buffer *buf; /* NULL when `data` is borrowed */
};

/* Number of elements of a concrete shape; fails on overflow, a negative dim or a rank out of range. */
enum oqz_status oqz_shape_count(const struct oqz_shape *s, int64_t *ret, struct oqz_err *err);
/* The same for a shape already known to be valid. */
int64_t oqz_shape_nelem(const struct oqz_shape *s);
bool oqz_shape_equal(const struct oqz_shape *a, const struct oqz_shape *b);
/* "[1,3,224,224]" into buf; returns buf. Unknown dims print as "?". */
const char *oqz_shape_str(const struct oqz_shape *s, char *buf, size_t size);
enum { OQZ_SHAPE_STR = 8 * 22 + 4 };
/* A shape from a list of dims. */
struct oqz_shape oqz_shape_of(int rank, const int64_t *dims);
/* Product of dims [from, to); INT64_MAX where it is larger. */
int64_t oqz_shape_span(const struct oqz_shape *s, int from, int to);
/* Turns a possibly negative axis into 0..rank-1 (0..rank when `inclusive`); fails when out of range. */
enum oqz_status oqz_axis_resolve(int64_t axis, int rank, bool inclusive, int *ret, struct oqz_err *err);

static inline int64_t oqz_tensor_nelem(const struct oqz_tensor *t) { return oqz_shape_nelem(&t->shape); }
static inline size_t oqz_tensor_bytes(const struct oqz_tensor *t)
{
	return (size_t)oqz_shape_nelem(&t->shape) * oqz_dtype_size(t->dtype);
}

/* Gives the tensor a new, zeroed, counted buffer for dtype and shape (layout PLAIN); releases what it had. */
enum oqz_status oqz_tensor_alloc(struct oqz_tensor *t, enum oqz_dtype dtype, const struct oqz_shape *shape,
                                 struct oqz_err *err);
/* *dst becomes a second owner of src's memory (src must own a buffer). dst is overwritten, not released. */
void oqz_tensor_share(struct oqz_tensor *dst, const struct oqz_tensor *src);
/* Deep copy into a new buffer, layout kept. */
enum oqz_status oqz_tensor_copy(struct oqz_tensor *dst, const struct oqz_tensor *src, struct oqz_err *err);
/* Drops the memory; the tensor becomes all zero. Releasing an all-zero tensor does nothing. */
void oqz_tensor_release(struct oqz_tensor *t);

/* Sequences and optionals: a tensor of type OQZ_DT_SEQUENCE or OQZ_DT_OPTIONAL and shape [n] whose `data` is an array
 * of n tensors, owned by the buffer. A sequence holds tensors, an optional holds a tensor or a sequence (n = 1) or
 * nothing (n = 0): nothing nests deeper. Sharing, copying and releasing are those of tensors; a copy shares the
 * elements' memory. */
enum oqz_status oqz_list_alloc(struct oqz_tensor *t, enum oqz_dtype kind, int64_t n, struct oqz_err *err);
static inline const struct oqz_tensor *oqz_list_at(const struct oqz_tensor *list, int64_t i)
{
	return (const struct oqz_tensor *)list->data + i;
}
/* Makes `item` element i of a list that has no other owner: shared where it owns memory, else copied. */
enum oqz_status oqz_list_set(struct oqz_tensor *list, int64_t i, const struct oqz_tensor *item, struct oqz_err *err);

/* Copies src into dst's memory, changing layout as dst->layout says. Same dtype and shape, dst has memory. */
void oqz_tensor_relayout(struct oqz_tensor *dst, const struct oqz_tensor *src);

/* Scalars and small integer lists (shapes, axes, pads) read from a constant tensor. */
enum oqz_status oqz_tensor_ints(const struct oqz_tensor *t, int64_t *out, size_t max, size_t *ret_n,
                                struct oqz_err *err);
enum oqz_status oqz_tensor_from_ints(struct oqz_tensor *t, const int64_t *v, size_t n, struct oqz_err *err);

/* Least and largest of n numbers, NaN passed over; none at all: *lo is infinity and *hi minus infinity. */
void oqz_extremes(const float *x, size_t n, float *lo, float *hi);

#endif
