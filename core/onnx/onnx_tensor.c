/* SPDX-License-Identifier: Apache-2.0
 *
 * TensorProto -> tensor. Three places can hold the data (typed fields, raw_data, an external file) and all are brought
 * to one form: elements in memory as dtype.h has them. The number of elements that the dims promise is compared with
 * the data that is there before anything is allocated.
 */
#include "core/onnx/onnx_impl.h"
#include "core/base/checked.h"
#include "core/base/file.h"
#include "core/tensor/text.h"

#include <string.h>
#include <unistd.h>

static const size_t file_limit = INT32_MAX; /* protobuf messages end at 2 GiB */

bool oqz_onnx_packed_size(enum oqz_dtype t, int64_t n, size_t *ret)
{
	size_t bits;

	if (!oqz_size_mul((size_t)n, (size_t)oqz_dtype_traits(t)->bits, &bits) || bits > SIZE_MAX - 7)
		return false;
	*ret = (bits + 7) / 8;
	return true;
}

void oqz_onnx_unpack_bits(enum oqz_dtype t, const unsigned char *packed, size_t n, unsigned char *out)
{
	unsigned bits = (unsigned)oqz_dtype_traits(t)->bits, per_byte = 8 / bits, mask = (1u << bits) - 1;
	bool is_signed = oqz_dtype_traits(t)->kind == OQZ_KIND_INT;

	for (size_t i = 0; i < n; i++) {
		unsigned code = packed[i / per_byte] >> (i % per_byte * bits) & mask;
		if (is_signed && code >> (bits - 1))
			code |= ~mask;
		out[i] = (unsigned char)code;
	}
}

void oqz_onnx_pack_bits(enum oqz_dtype t, const unsigned char *in, size_t n, unsigned char *packed)
{
	unsigned bits = (unsigned)oqz_dtype_traits(t)->bits, per_byte = 8 / bits, mask = (1u << bits) - 1;

	memset(packed, 0, (n + per_byte - 1) / per_byte);
	for (size_t i = 0; i < n; i++)
		packed[i / per_byte] |= (unsigned char)((in[i] & mask) << (i % per_byte * bits));
}

static void fix_bools(struct oqz_tensor *t)
{
	unsigned char *p = t->data;

	for (size_t i = 0; t->dtype == OQZ_DT_BOOL && i < (size_t)oqz_tensor_nelem(t); i++)
		p[i] = p[i] != 0;
}

static enum oqz_status wrong_count(size_t have, const char *what, const struct oqz_tensor *t, struct oqz_err *err)
{
	char shape[OQZ_SHAPE_STR];

	OQZ_FAIL(err, OQZ_E_DATA, "%zu %s do not match %s%s", have, what, oqz_dtype_name(t->dtype),
	         oqz_shape_str(&t->shape, shape, sizeof shape));
}

/* Little-endian bytes, packed below a byte. `t` has type and shape. */
static enum oqz_status from_raw(struct oqz_tensor *t, const ProtobufCBinaryData *raw, size_t need, struct oqz_err *err)
{
	if (raw->len != need)
		return wrong_count(raw->len, "bytes of raw data", t, err);
	OQZ_TRY(oqz_tensor_alloc(t, t->dtype, &t->shape, err));
	if (oqz_dtype_traits(t->dtype)->bits < 8)
		oqz_onnx_unpack_bits(t->dtype, raw->data, (size_t)oqz_tensor_nelem(t), t->data);
	else if (need)
		memcpy(t->data, raw->data, need);
	return OQZ_OK;
}

static enum oqz_status read_external(struct oqz_tensor *t, int fd, int64_t offset, size_t need, struct oqz_err *err)
{
	OQZ_TRY(oqz_tensor_alloc(t, t->dtype, &t->shape, err));
	if (oqz_dtype_traits(t->dtype)->bits >= 8)
		return oqz_external_read(fd, offset, t->data, need, err);
	OQZ_CLEANUP_FREE unsigned char *packed = malloc(need + 1);
	if (!packed)
		return oqz_err_nomem(err, "external data", need);
	OQZ_TRY(oqz_external_read(fd, offset, packed, need, err));
	oqz_onnx_unpack_bits(t->dtype, packed, (size_t)oqz_tensor_nelem(t), t->data);
	return OQZ_OK;
}

static enum oqz_status from_external(struct oqz_tensor *t, const Onnx__TensorProto *p, const struct oqz_onnx_file *f,
                                     size_t need, struct oqz_err *err)
{
	struct oqz_external x;
	int fd;

	OQZ_TRY(oqz_external_parse(p, &x, err));
	OQZ_TRY(oqz_external_open(f, &x, need, &fd, err));
	enum oqz_status st = read_external(t, fd, x.offset, need, err);
	close(fd);
	return st;
}

/* int32_data: one element an entry; below a byte one packed byte an entry. */
static enum oqz_status from_int32(struct oqz_tensor *t, const Onnx__TensorProto *p, size_t packed, struct oqz_err *err)
{
	const struct oqz_dtype_traits *tr = oqz_dtype_traits(t->dtype);
	size_t n = (size_t)oqz_tensor_nelem(t), want = tr->bits < 8 ? packed : n;

	if (p->n_int32_data != want)
		return wrong_count(p->n_int32_data, "entries of int32_data", t, err);
	OQZ_TRY(oqz_tensor_alloc(t, t->dtype, &t->shape, err));
	if (tr->bits < 8) {
		for (size_t i = 0; i < n; i++) {
			unsigned per_byte = 8 / (unsigned)tr->bits;
			unsigned char byte = (unsigned char)((uint32_t)p->int32_data[i / per_byte] >>
			                                     (i % per_byte * (unsigned)tr->bits));
			oqz_onnx_unpack_bits(t->dtype, &byte, 1, (unsigned char *)t->data + i);
		}
		return OQZ_OK;
	}
	/* The bits of floats, the values of integers: both are the low bits of the entry. */
	enum oqz_dtype as = tr->size == 1 ? OQZ_DT_U8 : tr->size == 2 ? OQZ_DT_U16 : OQZ_DT_I32;
	for (size_t i = 0; i < n; i++)
		oqz_store_i(t->dtype == OQZ_DT_BOOL ? OQZ_DT_BOOL : as, t->data, i, p->int32_data[i]);
	return OQZ_OK;
}

/* A typed field whose entries have the tensor's own form, `per` of them an element. */
static enum oqz_status from_field(struct oqz_tensor *t, const void *entries, size_t n, size_t per, size_t entry_size,
                                  const char *what, struct oqz_err *err)
{
	if (n != (size_t)oqz_tensor_nelem(t) * per)
		return wrong_count(n, what, t, err);
	OQZ_TRY(oqz_tensor_alloc(t, t->dtype, &t->shape, err));
	if (n)
		memcpy(t->data, entries, n * entry_size);
	return OQZ_OK;
}

static enum oqz_status from_u32(struct oqz_tensor *t, const Onnx__TensorProto *p, struct oqz_err *err)
{
	if (p->n_uint64_data != (size_t)oqz_tensor_nelem(t))
		return wrong_count(p->n_uint64_data, "entries of uint64_data", t, err);
	OQZ_TRY(oqz_tensor_alloc(t, t->dtype, &t->shape, err));
	for (size_t i = 0; i < p->n_uint64_data; i++)
		oqz_store_i(t->dtype, t->data, i, (int64_t)p->uint64_data[i]);
	return OQZ_OK;
}

static enum oqz_status from_strings(struct oqz_tensor *t, const Onnx__TensorProto *p, struct oqz_err *err)
{
	if (p->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL || (p->has_raw_data && p->raw_data.len))
		OQZ_FAIL(err, OQZ_E_DATA, "strings stand in string_data, not in raw or external data");
	if (p->n_string_data != (size_t)oqz_tensor_nelem(t))
		return wrong_count(p->n_string_data, "entries of string_data", t, err);
	OQZ_TRY(oqz_tensor_alloc(t, t->dtype, &t->shape, err));
	for (size_t i = 0; i < p->n_string_data; i++)
		OQZ_TRY(oqz_text_set(t, i, (const char *)p->string_data[i].data, p->string_data[i].len, err));
	return OQZ_OK;
}

/* Which typed field holds which type: comments of TensorProto in the ONNX specification. */
static enum oqz_status from_typed(struct oqz_tensor *t, const Onnx__TensorProto *p, size_t packed, struct oqz_err *err)
{
	switch (t->dtype) {
	case OQZ_DT_F32:
		return from_field(t, p->float_data, p->n_float_data, 1, sizeof(float), "entries of float_data", err);
	case OQZ_DT_C64:
		return from_field(t, p->float_data, p->n_float_data, 2, sizeof(float), "entries of float_data", err);
	case OQZ_DT_F64:
		return from_field(t, p->double_data, p->n_double_data, 1, sizeof(double), "entries of double_data",
		                  err);
	case OQZ_DT_C128:
		return from_field(t, p->double_data, p->n_double_data, 2, sizeof(double), "entries of double_data",
		                  err);
	case OQZ_DT_I64:
		return from_field(t, p->int64_data, p->n_int64_data, 1, sizeof(int64_t), "entries of int64_data", err);
	case OQZ_DT_U64:
		return from_field(t, p->uint64_data, p->n_uint64_data, 1, sizeof(uint64_t), "entries of uint64_data",
		                  err);
	case OQZ_DT_U32: return from_u32(t, p, err);
	default: return from_int32(t, p, packed, err);
	}
}

static enum oqz_status read_tensor(const Onnx__TensorProto *p, const struct oqz_onnx_file *f, struct oqz_tensor *t,
                                   struct oqz_err *err)
{
	size_t need;
	int64_t n;

	if (p->segment)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a tensor in segments");
	if (p->n_dims > OQZ_MAX_RANK)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a tensor of rank %zu (at most %d)", p->n_dims, OQZ_MAX_RANK);
	t->dtype = p->data_type > 0 && p->data_type < OQZ_DT_COUNT ? (enum oqz_dtype)p->data_type : OQZ_DT_UNDEFINED;
	if (oqz_dtype_size(t->dtype) == 0)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "element type %d%s%s%s", p->data_type, t->dtype ? " (" : "",
		         t->dtype ? oqz_dtype_name(t->dtype) : "", t->dtype ? ")" : "");
	t->shape = oqz_shape_of((int)p->n_dims, p->dims);
	OQZ_TRY(oqz_shape_count(&t->shape, &n, err));
	if (!oqz_onnx_packed_size(t->dtype, n, &need))
		OQZ_FAIL(err, OQZ_E_LIMIT, "%lld elements are too many", (long long)n);
	if (t->dtype == OQZ_DT_STRING)
		OQZ_TRY(from_strings(t, p, err));
	else if (p->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
		OQZ_TRY(from_external(t, p, f, need, err));
	else if (p->has_raw_data && (p->raw_data.len || n == 0))
		OQZ_TRY(from_raw(t, &p->raw_data, need, err));
	else
		OQZ_TRY(from_typed(t, p, need, err));
	fix_bools(t);
	return OQZ_OK;
}

enum oqz_status oqz_onnx_tensor(const Onnx__TensorProto *p, const struct oqz_onnx_file *f, struct oqz_tensor *ret,
                                struct oqz_err *err)
{
	struct oqz_tensor t = { 0 };

	if (read_tensor(p, f, &t, err) != OQZ_OK) {
		oqz_tensor_release(&t);
		return oqz_err_prefix(err, "tensor '%s'", p->name ? p->name : "");
	}
	*ret = t;
	return OQZ_OK;
}

/* indices (nnz) into the flattened tensor, or (nnz, rank) coordinates (ONNX IR, SparseTensorProto). */
static enum oqz_status sparse_position(const struct oqz_tensor *ix, const struct oqz_shape *s, size_t k, int64_t n,
                                       int64_t *ret, struct oqz_err *err)
{
	int64_t at = 0;

	if (ix->shape.rank == 1)
		at = oqz_load_i(OQZ_DT_I64, ix->data, k);
	for (int i = 0; ix->shape.rank == 2 && i < s->rank; i++) {
		int64_t c = oqz_load_i(OQZ_DT_I64, ix->data, k * (size_t)s->rank + (size_t)i);
		if (c < 0 || c >= s->dim[i])
			OQZ_FAIL(err, OQZ_E_DATA, "sparse index %lld is out of range", (long long)c);
		at = at * s->dim[i] + c;
	}
	if (at < 0 || at >= n)
		OQZ_FAIL(err, OQZ_E_DATA, "sparse index %lld is out of range", (long long)at);
	*ret = at;
	return OQZ_OK;
}

static enum oqz_status scatter(const struct oqz_tensor *values, const struct oqz_tensor *ix, struct oqz_tensor *t,
                               struct oqz_err *err)
{
	int64_t n = oqz_tensor_nelem(t), nnz = oqz_tensor_nelem(values), at = 0;
	size_t size = oqz_dtype_size(t->dtype);

	if (ix->dtype != OQZ_DT_I64 || values->shape.rank != 1 || ix->shape.rank < 1 || ix->shape.rank > 2 ||
	    ix->shape.dim[0] != nnz || (ix->shape.rank == 2 && ix->shape.dim[1] != t->shape.rank))
		OQZ_FAIL(err, OQZ_E_DATA, "sparse values and indices do not belong together");
	for (int64_t k = 0; k < nnz; k++) {
		OQZ_TRY(sparse_position(ix, &t->shape, (size_t)k, n, &at, err));
		memcpy((char *)t->data + (size_t)at * size, (const char *)values->data + (size_t)k * size, size);
	}
	return OQZ_OK;
}

enum oqz_status oqz_onnx_sparse(const Onnx__SparseTensorProto *p, const struct oqz_onnx_file *f, struct oqz_tensor *ret,
                                struct oqz_err *err)
{
	static const int64_t dense_limit = 1 << 28; /* elements: a sparse tensor can promise any size in a few bytes */
	struct oqz_tensor values = { 0 }, ix = { 0 }, t = { 0 };
	struct oqz_shape s;
	int64_t n;

	if (!p->values || !p->indices || p->n_dims > OQZ_MAX_RANK)
		OQZ_FAIL(err, OQZ_E_DATA, "an incomplete sparse tensor");
	s = oqz_shape_of((int)p->n_dims, p->dims);
	OQZ_TRY(oqz_shape_count(&s, &n, err));
	if (n > dense_limit)
		OQZ_FAIL(err, OQZ_E_LIMIT, "a sparse tensor of %lld elements", (long long)n);
	enum oqz_status st = oqz_onnx_tensor(p->values, f, &values, err);
	if (st == OQZ_OK)
		st = oqz_onnx_tensor(p->indices, f, &ix, err);
	if (st == OQZ_OK)
		st = oqz_tensor_alloc(&t, values.dtype, &s, err);
	if (st == OQZ_OK && (st = scatter(&values, &ix, &t, err)) != OQZ_OK)
		oqz_err_prefix(err, "tensor '%s'", p->values->name ? p->values->name : "");
	oqz_tensor_release(&values);
	oqz_tensor_release(&ix);
	if (st != OQZ_OK)
		oqz_tensor_release(&t);
	else
		*ret = t;
	return st;
}

/* Sequence and optional files have other messages; their field 3 is a list of messages where a tensor has a segment. */
static bool looks_like_sequence(const Onnx__TensorProto *p)
{
	return p->segment ||
	       (p->n_dims && !p->has_raw_data && !p->n_float_data && !p->n_int32_data && !p->n_int64_data &&
	        !p->n_double_data && !p->n_uint64_data && !p->n_external_data && p->n_dims > OQZ_MAX_RANK);
}

static enum oqz_status parse_tensor(const void *data, size_t size, const char *dir, struct oqz_tensor *ret,
                                    char **ret_name, struct oqz_err *err)
{
	struct oqz_onnx_file f = { .dir = dir };
	ProtobufCMessage *m;
	enum oqz_status st;

	OQZ_TRY(oqz_wire_unpack(&onnx__tensor_proto__descriptor, data, size, &m, err));
	const Onnx__TensorProto *p = (const Onnx__TensorProto *)m;
	char *name = ret_name ? strdup(p->name ? p->name : "") : NULL;
	if (looks_like_sequence(p))
		st = oqz_err_set(err, OQZ_E_UNSUPPORTED, "a sequence or optional, not a tensor");
	else if (ret_name && !name)
		st = oqz_err_nomem(err, "a name", 0);
	else
		st = oqz_onnx_tensor(p, &f, ret, err);
	protobuf_c_message_free_unpacked(m, NULL);
	if (st == OQZ_OK && ret_name)
		*ret_name = oqz_steal(name);
	free(name);
	return st;
}

enum oqz_status oqz_onnx_load_tensor(const char *path, struct oqz_tensor *ret, char **ret_name, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE char *data = NULL;
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *a = oqz_arena_new();
	const char *dir = a ? oqz_path_dir(a, path) : NULL;
	size_t size;

	if (!dir)
		return oqz_err_nomem(err, path, 0);
	OQZ_TRY(oqz_file_read(path, file_limit, &data, &size, err));
	enum oqz_status st = parse_tensor(data, size, dir, ret, ret_name, err);
	if (st != OQZ_OK)
		oqz_err_prefix(err, "%s", path);
	return st;
}
