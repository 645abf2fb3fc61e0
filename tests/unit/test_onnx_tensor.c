/* SPDX-License-Identifier: Apache-2.0
 *
 * core/onnx: tensors in all their forms, and what is refused of them. Messages are made with the generated code, so
 * that what no exporter would write can be tested as well.
 */
#include "tests/support/support.h"
#include "core/base/file.h"
#include "core/onnx/onnx_impl.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct oqz_onnx_file nowhere = { .dir = NULL };

static Onnx__TensorProto tensor_of(enum oqz_dtype t, int64_t *dims, size_t rank)
{
	Onnx__TensorProto p = ONNX__TENSOR_PROTO__INIT;

	p.name = (char *)"t";
	p.has_data_type = true;
	p.data_type = (int32_t)t;
	p.dims = dims;
	p.n_dims = rank;
	return p;
}

static void set_raw(Onnx__TensorProto *p, void *data, size_t n)
{
	p->has_raw_data = true;
	p->raw_data = (ProtobufCBinaryData) { .len = n, .data = data };
}

/* Loads and compares with the expected values. */
static void check_tensor(const Onnx__TensorProto *p, const double *want, size_t n)
{
	struct oqz_tensor t = { 0 };

	ck_ok(oqz_onnx_tensor(p, &nowhere, &t, err));
	ck_assert_int_eq(t.dtype, p->data_type);
	ck_assert_uint_eq((size_t)oqz_tensor_nelem(&t), n);
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(oqz_load_f(t.dtype, t.data, i) == want[i], "%s[%zu] is %g, not %g",
		              oqz_dtype_name(t.dtype), i, oqz_load_f(t.dtype, t.data, i), want[i]);
	oqz_tensor_release(&t);
}

START_TEST(int32_data_holds_many_types)
{
	static const struct {
		enum oqz_dtype t;
		int32_t entries[3];
		size_t n_entries;
		double want[3];
	} cases[] = {
		{ OQZ_DT_I32, { -5, 0, 7 }, 3, { -5, 0, 7 } },
		{ OQZ_DT_I8, { -128, 1, 127 }, 3, { -128, 1, 127 } },
		{ OQZ_DT_U8, { 0, 128, 255 }, 3, { 0, 128, 255 } },
		{ OQZ_DT_I16, { -32768, 1, 2 }, 3, { -32768, 1, 2 } },
		{ OQZ_DT_U16, { 65535, 1, 2 }, 3, { 65535, 1, 2 } },
		{ OQZ_DT_BOOL, { 0, 1, 256 }, 3, { 0, 1, 1 } },
		{ OQZ_DT_F16, { 0x3c00, 0xc000, 0x0001 }, 3, { 1, -2, 0x1p-24 } },
		{ OQZ_DT_BF16, { 0x3f80, 0xc000, 0x4040 }, 3, { 1, -2, 3 } },
		{ OQZ_DT_F8E4M3FN, { 0x38, 0x7e, 0x81 }, 3, { 1, 448, -0x1p-9 } },
		{ OQZ_DT_F8E8M0, { 127, 128, 0 }, 3, { 1, 2, 0x1p-127 } },
		{ OQZ_DT_I4, { 0x8f, 0x07 }, 2, { -1, -8, 7 } },
		{ OQZ_DT_U4, { 0x8f, 0x07 }, 2, { 15, 8, 7 } },
		{ OQZ_DT_F4E2M1, { 0x92, 0x07 }, 2, { 1, -0.5, 6 } },
		{ OQZ_DT_U2, { 0x39 }, 1, { 1, 2, 3 } },
		{ OQZ_DT_I2, { 0x39 }, 1, { 1, -2, -1 } },
	};

	for (size_t i = 0; i < OQZ_COUNTOF(cases); i++) {
		int64_t dims[] = { 3 };
		int32_t entries[3];
		unsigned char raw[12];
		size_t size = oqz_dtype_size(cases[i].t), n = cases[i].n_entries;
		Onnx__TensorProto p = tensor_of(cases[i].t, dims, 1);
		memcpy(entries, cases[i].entries, sizeof entries);
		p.int32_data = entries;
		p.n_int32_data = n;
		check_tensor(&p, cases[i].want, 3);
		if (cases[i].t == OQZ_DT_BOOL)
			continue;
		p.n_int32_data = 0; /* the same as raw data */
		for (size_t k = 0; k < n; k++)
			memcpy(raw + k * size, &entries[k], size);
		set_raw(&p, raw, n * size);
		check_tensor(&p, cases[i].want, 3);
	}
}
END_TEST

START_TEST(other_fields_hold_their_types)
{
	int64_t dims[] = { 2 };
	float f[] = { 1.5f, -2, 3, 4 };
	double d[] = { 0.1, -2, 3, 4 };
	int64_t i[] = { INT64_MIN, 5 };
	uint64_t u[] = { UINT32_MAX, 5 };
	Onnx__TensorProto p = tensor_of(OQZ_DT_F32, dims, 1);

	p.float_data = f, p.n_float_data = 2;
	check_tensor(&p, (double[]) { 1.5, -2 }, 2);
	p.data_type = OQZ_DT_C64, p.n_float_data = 4;
	check_tensor(&p, (double[]) { 1.5, 3 }, 2);
	p = tensor_of(OQZ_DT_F64, dims, 1);
	p.double_data = d, p.n_double_data = 2;
	check_tensor(&p, (double[]) { 0.1, -2 }, 2);
	p.data_type = OQZ_DT_C128, p.n_double_data = 4;
	check_tensor(&p, (double[]) { 0.1, 3 }, 2);
	p = tensor_of(OQZ_DT_I64, dims, 1);
	p.int64_data = i, p.n_int64_data = 2;
	check_tensor(&p, (double[]) { -0x1p63, 5 }, 2);
	p = tensor_of(OQZ_DT_U32, dims, 1);
	p.uint64_data = u, p.n_uint64_data = 2;
	check_tensor(&p, (double[]) { UINT32_MAX, 5 }, 2);
	p.data_type = OQZ_DT_U64;
	check_tensor(&p, (double[]) { UINT32_MAX, 5 }, 2);

	float scalar = 9;
	p = tensor_of(OQZ_DT_F32, NULL, 0);
	set_raw(&p, &scalar, 4);
	check_tensor(&p, (double[]) { 9 }, 1);
	dims[0] = 0;
	p = tensor_of(OQZ_DT_F32, dims, 1);
	check_tensor(&p, NULL, 0);
}
END_TEST

START_TEST(tensors_that_lie_are_refused)
{
	int64_t dims[9] = { 2, 1, 1, 1, 1, 1, 1, 1, 1 }, huge[] = { 1ll << 40, 1ll << 40 }, big[] = { 1ll << 40 },
	        neg[] = { -1 };
	struct oqz_tensor t = { 0 };
	float f[3] = { 0 };
	Onnx__TensorProto p = tensor_of(OQZ_DT_F32, dims, 1);

	p.float_data = f, p.n_float_data = 3;
	ck_fails(oqz_onnx_tensor(&p, &nowhere, &t, err), OQZ_E_DATA,
	         "tensor 't': 3 entries of float_data do not match float32[2]");
	set_raw(&p, f, 12);
	ck_fails(oqz_onnx_tensor(&p, &nowhere, &t, err), OQZ_E_DATA, "12 bytes of raw data do not match");
	p.dims = huge, p.n_dims = 2;
	ck_fails(oqz_onnx_tensor(&p, &nowhere, &t, err), OQZ_E_LIMIT, "too many elements");
	p.dims = big, p.n_dims = 1; /* refused before anything is allocated */
	ck_fails(oqz_onnx_tensor(&p, &nowhere, &t, err), OQZ_E_DATA, "do not match");
	p.dims = neg;
	ck_fails(oqz_onnx_tensor(&p, &nowhere, &t, err), OQZ_E_DATA, "not concrete");
	p.dims = dims, p.n_dims = 9;
	ck_fails(oqz_onnx_tensor(&p, &nowhere, &t, err), OQZ_E_UNSUPPORTED, "rank 9");
	p.n_dims = 1, p.data_type = OQZ_DT_STRING;
	ck_fails(oqz_onnx_tensor(&p, &nowhere, &t, err), OQZ_E_DATA, "strings stand in string_data");
	p.has_raw_data = false;
	ck_fails(oqz_onnx_tensor(&p, &nowhere, &t, err), OQZ_E_DATA, "0 entries of string_data do not match string[2]");
	p.data_type = 99;
	ck_fails(oqz_onnx_tensor(&p, &nowhere, &t, err), OQZ_E_UNSUPPORTED, "element type 99");
	p.data_type = -1;
	ck_fails(oqz_onnx_tensor(&p, &nowhere, &t, err), OQZ_E_UNSUPPORTED, "element type -1");
	ck_assert_ptr_null(t.data);
}
END_TEST

START_TEST(sparse_tensors_become_dense)
{
	int64_t dims[] = { 2, 3 }, nnz[] = { 2 }, pairs[] = { 2, 2 }, linear[] = { 1, 5 }, coords[] = { 0, 1, 1, 2 };
	float f[] = { 7, 8 };
	Onnx__TensorProto values = tensor_of(OQZ_DT_F32, nnz, 1), ix = tensor_of(OQZ_DT_I64, nnz, 1);
	Onnx__SparseTensorProto p = ONNX__SPARSE_TENSOR_PROTO__INIT;
	struct oqz_tensor t = { 0 };

	values.float_data = f, values.n_float_data = 2;
	p.values = &values, p.indices = &ix, p.dims = dims, p.n_dims = 2;
	for (int form = 0; form < 2; form++) {
		ix = tensor_of(OQZ_DT_I64, form ? pairs : nnz, form ? 2 : 1);
		ix.int64_data = form ? coords : linear, ix.n_int64_data = form ? 4 : 2;
		ck_ok(oqz_onnx_sparse(&p, &nowhere, &t, err));
		ck_assert(memcmp(t.data, (float[]) { 0, 7, 0, 0, 0, 8 }, 24) == 0);
		oqz_tensor_release(&t);
	}
	coords[2] = 2;
	ck_fails(oqz_onnx_sparse(&p, &nowhere, &t, err), OQZ_E_DATA, "sparse index 2 is out of range");
	dims[0] = 1ll << 40;
	ck_fails(oqz_onnx_sparse(&p, &nowhere, &t, err), OQZ_E_LIMIT, "sparse tensor of");
}
END_TEST

static enum oqz_status load_external(const char *dir, const char *location, const char *offset, const char *length,
                                     struct oqz_err *err)
{
	Onnx__StringStringEntryProto e[3] = { ONNX__STRING_STRING_ENTRY_PROTO__INIT,
		                              ONNX__STRING_STRING_ENTRY_PROTO__INIT,
		                              ONNX__STRING_STRING_ENTRY_PROTO__INIT };
	Onnx__StringStringEntryProto *list[] = { &e[0], &e[1], &e[2] };
	int64_t dims[] = { 2 };
	Onnx__TensorProto p = tensor_of(OQZ_DT_I32, dims, 1);
	struct oqz_onnx_file f = { .dir = dir };
	struct oqz_tensor t = { 0 };

	e[0].key = (char *)"location", e[0].value = (char *)location;
	e[1].key = (char *)"offset", e[1].value = (char *)offset;
	e[2].key = (char *)"length", e[2].value = (char *)length;
	p.external_data = list, p.n_external_data = length ? 3 : offset ? 2 : 1;
	p.has_data_location = true, p.data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
	OQZ_TRY(oqz_onnx_tensor(&p, &f, &t, err));
	ck_assert_int_eq(((int32_t *)t.data)[0], 2);
	ck_assert_int_eq(((int32_t *)t.data)[1], 3);
	oqz_tensor_release(&t);
	return OQZ_OK;
}

START_TEST(external_data_stays_in_the_folder)
{
	char dir[600], path[700], link[700];
	int32_t data[] = { 1, 2, 3 };
	struct oqz_err e;

	snprintf(dir, sizeof dir, "%s/model", test_tmpdir("external"));
	snprintf(path, sizeof path, "%s/sub", dir);
	ck_assert(oqz_mkdirs(path, &e) == OQZ_OK);
	snprintf(path, sizeof path, "%s/sub/w.bin", dir);
	ck_assert(oqz_file_write(path, data, sizeof data, &e) == OQZ_OK);
	ck_ok(load_external(dir, "sub/w.bin", "4", "8", err));
	ck_ok(load_external(dir, "sub/w.bin", "4", NULL, err));
	ck_ok(load_external(dir, "./sub/w.bin", "4", NULL, err));
	ck_fails(load_external(dir, "sub/w.bin", "8", NULL, err), OQZ_E_DATA, "does not have 8 bytes at offset 8");
	ck_fails(load_external(dir, "sub/w.bin", "4", "4", err), OQZ_E_DATA, "4 bytes where the shape needs 8");
	ck_fails(load_external(dir, "sub/w.bin", "-4", NULL, err), OQZ_E_DATA, "not a size");
	ck_fails(load_external(dir, "sub/w.bin", "99999999999999999999", NULL, err), OQZ_E_DATA, "not a size");
	ck_fails(load_external(dir, "no.bin", "0", NULL, err), OQZ_E_NOENT, "no.bin");
	ck_fails(load_external(dir, "/etc/hostname", "0", NULL, err), OQZ_E_DATA, "outside the model's folder");
	ck_fails(load_external(dir, "../model/sub/w.bin", "4", NULL, err), OQZ_E_DATA, "outside the model's folder");
	ck_fails(load_external(dir, "sub/../sub/w.bin", "4", NULL, err), OQZ_E_DATA, "outside the model's folder");
	ck_fails(load_external(dir, "sub", "0", NULL, err), OQZ_E_DATA, "'sub'");
	ck_fails(load_external(dir, "", "0", NULL, err), OQZ_E_DATA, "without a location");
	ck_fails(load_external(NULL, "sub/w.bin", "4", NULL, err), OQZ_E_DATA, "does not come from a file");

	snprintf(link, sizeof link, "%s/inside", dir);
	ck_assert_int_eq(symlink("sub/w.bin", link), 0);
	ck_ok(load_external(dir, "inside", "4", NULL, err));
	snprintf(path, sizeof path, "%s/../secret.bin", dir);
	ck_assert(oqz_file_write(path, data, sizeof data, &e) == OQZ_OK);
	snprintf(link, sizeof link, "%s/outside", dir);
	ck_assert_int_eq(symlink("../secret.bin", link), 0);
	ck_fails(load_external(dir, "outside", "4", NULL, err), OQZ_E_DATA, "leads out of the model's folder");
}
END_TEST

START_TEST(tensor_files_load)
{
	char path[600];
	uint8_t buf[256];
	int64_t dims[] = { 2 };
	float f[] = { 1, 2 };
	Onnx__TensorProto p = tensor_of(OQZ_DT_F32, dims, 1);
	struct oqz_tensor t = { 0 };
	char *name;

	p.float_data = f, p.n_float_data = 2;
	snprintf(path, sizeof path, "%s/t.pb", test_tmpdir("onnx_pb"));
	ck_ok(oqz_file_write(path, buf, protobuf_c_message_pack(&p.base, buf), err));
	ck_ok(oqz_onnx_load_tensor(path, &t, &name, err));
	ck_assert_str_eq(name, "t");
	ck_assert(((float *)t.data)[1] == 2);
	free(name);
	oqz_tensor_release(&t);
	/* SequenceProto: name = 1, elem_type = 2, tensor_values = 3 */
	size_t n = protobuf_c_message_pack(&p.base, buf + 4);
	memcpy(buf, "\x10\x01\x1a", 3);
	buf[3] = (uint8_t)n;
	ck_ok(oqz_file_write(path, buf, n + 4, err));
	struct oqz_err err;
	ck_assert_int_ne(oqz_onnx_load_tensor(path, &t, NULL, &err), OQZ_OK);
	ck_assert_ptr_nonnull(strstr(err.msg, "t.pb: "));
}
END_TEST

OQZ_TEST_MAIN("onnx_tensor", int32_data_holds_many_types, other_fields_hold_their_types, tensors_that_lie_are_refused,
              sparse_tensors_become_dense, external_data_stays_in_the_folder, tensor_files_load)
