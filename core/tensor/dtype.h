/* SPDX-License-Identifier: Apache-2.0
 *
 * Element types: one row of traits per type, and access to single elements by type. Access is for reference kernels and
 * the edges of the program; inner loops that matter work on one type (style: ARCHITECTURE.md, "kernels").
 */
#ifndef OQZ_TENSOR_DTYPE_H
#define OQZ_TENSOR_DTYPE_H

#include "core/base/compiler.h"
#include <oqz/types.h>

/* What a value is when it is no tensor: a sequence of tensors, or an optional that holds one value or none. They stand
 * where an element type stands, so that whoever expects numbers refuses them like any type that does not fit; the
 * numbers are not part of the plugin ABI, plugins never see such values. Their elements have no size. */
#define OQZ_DT_SEQUENCE ((enum oqz_dtype)64)
#define OQZ_DT_OPTIONAL ((enum oqz_dtype)65)
static inline bool oqz_dtype_is_list(enum oqz_dtype t) { return t == OQZ_DT_SEQUENCE || t == OQZ_DT_OPTIONAL; }

enum oqz_dtype_kind {
	OQZ_KIND_OTHER,
	OQZ_KIND_FLOAT,
	OQZ_KIND_INT,
	OQZ_KIND_UINT,
	OQZ_KIND_BOOL,
	OQZ_KIND_COMPLEX,
	OQZ_KIND_TEXT, /* strings: elements are pointers into the table of text.h, no numbers */
};

struct oqz_dtype_traits {
	const char *name; /* "float32", "int8", ... as in messages, plans and .npy-like dumps */
	const char *onnx; /* "tensor(float)" suffix of the ONNX specification: "float", "int8", ... */
	enum oqz_dtype_kind kind;
	int size;         /* bytes per element in memory (types below a byte take one) */
	int bits;         /* bits per element in files; 0: of no fixed width there */
	int64_t min, max; /* integer kinds: range (for uint64 max is INT64_MAX and access clamps) */
};

/* Never NULL; an unknown number gives the row of OQZ_DT_UNDEFINED (size 0). */
const struct oqz_dtype_traits *oqz_dtype_traits(enum oqz_dtype t);
static inline size_t oqz_dtype_size(enum oqz_dtype t) { return (size_t)oqz_dtype_traits(t)->size; }
static inline const char *oqz_dtype_name(enum oqz_dtype t) { return oqz_dtype_traits(t)->name; }
static inline bool oqz_dtype_is_float(enum oqz_dtype t) { return oqz_dtype_traits(t)->kind == OQZ_KIND_FLOAT; }
static inline bool oqz_dtype_is_int(enum oqz_dtype t)
{
	return oqz_dtype_traits(t)->kind == OQZ_KIND_INT || oqz_dtype_traits(t)->kind == OQZ_KIND_UINT;
}
/* UNDEFINED when there is none of that name. */
enum oqz_dtype oqz_dtype_by_name(const char *name);

/* Element i as a double / as an int64 (floats truncate; uint64 beyond INT64_MAX wraps; complex: the real part). Strings
 * read as 0 and are not written: whoever wants numbers refuses them first. */
double oqz_load_f(enum oqz_dtype t, const void *p, size_t i);
int64_t oqz_load_i(enum oqz_dtype t, const void *p, size_t i);
/* Stores with the type's rounding (half even); integers truncate towards zero and saturate, bool is x != 0. */
void oqz_store_f(enum oqz_dtype t, void *p, size_t i, double x);
/* Stores an integer; narrower integers wrap (two's complement), as C and ONNX Cast between integers do. */
void oqz_store_i(enum oqz_dtype t, void *p, size_t i, int64_t x);

/* n elements of any numeric type to and from float32 (vectorised where both are float32, 8-bit or 16-bit). */
void oqz_to_f32(enum oqz_dtype t, const void *p, size_t n, float *out);
void oqz_from_f32(enum oqz_dtype t, const float *in, size_t n, void *p);
/* n elements as oqz_load_i reads them (vectorised where they are integers). */
void oqz_to_i64(enum oqz_dtype t, const void *p, size_t n, int64_t *out);

#endif
