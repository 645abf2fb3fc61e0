/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of test data that need not be tensors. A SequenceProto or OptionalProto file looks like a damaged TensorProto
 * and the other way round, so the caller says what it expects.
 */
#include "core/onnx/onnx_impl.h"
#include "core/base/file.h"

static const size_t file_limit = INT32_MAX; /* protobuf messages end at 2 GiB */

static enum oqz_status put(struct oqz_tensor *list, int64_t i, struct oqz_tensor *item, struct oqz_err *err)
{
	enum oqz_status st = oqz_list_set(list, i, item, err);

	oqz_tensor_release(item);
	return st;
}

static enum oqz_status fill(const Onnx__SequenceProto *p, const struct oqz_onnx_file *f, struct oqz_tensor *list,
                            struct oqz_err *err)
{
	for (size_t i = 0; i < p->n_tensor_values; i++) {
		struct oqz_tensor t = { 0 };

		OQZ_TRY(oqz_onnx_tensor(p->tensor_values[i], f, &t, err));
		OQZ_TRY(put(list, (int64_t)i, &t, err));
	}
	return OQZ_OK;
}

static enum oqz_status sequence(const Onnx__SequenceProto *p, const struct oqz_onnx_file *f, struct oqz_tensor *ret,
                                struct oqz_err *err)
{
	struct oqz_tensor list = { 0 };

	if (p->elem_type > 1)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a sequence of element kind %d", p->elem_type);
	OQZ_TRY(oqz_list_alloc(&list, OQZ_DT_SEQUENCE, (int64_t)p->n_tensor_values, err));
	enum oqz_status st = fill(p, f, &list, err);
	if (st == OQZ_OK)
		*ret = list;
	else
		oqz_tensor_release(&list);
	return st;
}

static enum oqz_status optional(const Onnx__OptionalProto *p, const struct oqz_onnx_file *f, struct oqz_tensor *ret,
                                struct oqz_err *err)
{
	struct oqz_tensor item = { 0 }, list = { 0 };
	bool full = p->tensor_value || p->sequence_value;

	if (p->sequence_value)
		OQZ_TRY(sequence(p->sequence_value, f, &item, err));
	else if (p->tensor_value)
		OQZ_TRY(oqz_onnx_tensor(p->tensor_value, f, &item, err));
	else if (p->elem_type != 0)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "an optional of element kind %d", p->elem_type);
	enum oqz_status st = oqz_list_alloc(&list, OQZ_DT_OPTIONAL, full, err);
	if (st == OQZ_OK && full)
		st = oqz_list_set(&list, 0, &item, err);
	oqz_tensor_release(&item);
	if (st == OQZ_OK)
		*ret = list;
	else
		oqz_tensor_release(&list);
	return st;
}

static enum oqz_status parse(const void *data, size_t size, const char *dir, bool is_sequence, struct oqz_tensor *ret,
                             struct oqz_err *err)
{
	struct oqz_onnx_file f = { .dir = dir };
	ProtobufCMessage *m;

	OQZ_TRY(oqz_wire_unpack(is_sequence ? &onnx__sequence_proto__descriptor : &onnx__optional_proto__descriptor,
	                        data, size, &m, err));
	enum oqz_status st = is_sequence ? sequence((const Onnx__SequenceProto *)m, &f, ret, err)
	                                 : optional((const Onnx__OptionalProto *)m, &f, ret, err);
	protobuf_c_message_free_unpacked(m, NULL);
	return st;
}

enum oqz_status oqz_onnx_load_value(const char *path, enum oqz_value_kind kind, struct oqz_tensor *ret,
                                    struct oqz_err *err)
{
	OQZ_CLEANUP_FREE char *data = NULL;
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *a = oqz_arena_new();
	const char *dir = a ? oqz_path_dir(a, path) : NULL;
	size_t size;

	if (kind == OQZ_VALUE_TENSOR)
		return oqz_onnx_load_tensor(path, ret, NULL, err);
	if (!dir)
		return oqz_err_nomem(err, path, 0);
	OQZ_TRY(oqz_file_read(path, file_limit, &data, &size, err));
	if (parse(data, size, dir, kind == OQZ_VALUE_SEQUENCE, ret, err) != OQZ_OK)
		return oqz_err_prefix(err, "%s", path);
	return OQZ_OK;
}
