/* SPDX-License-Identifier: Apache-2.0
 *
 * core/tensor/npy: what is written reads back, what NumPy writes is understood, everything else is refused.
 */
#include "tests/support/support.h"
#include "core/base/file.h"
#include "core/tensor/npy.h"

#include <stdio.h>
#include <string.h>

/* A version 1 file with this dictionary and n zero bytes of data. */
static size_t make(char *buf, const char *dict, size_t n)
{
	size_t len = strlen(dict);

	memcpy(buf, "\x93NUMPY\x01\x00", 8);
	buf[8] = (char)(len & 255);
	buf[9] = (char)(len >> 8);
	memcpy(buf + 10, dict, len);
	memset(buf + 10 + len, 0, n);
	return 10 + len + n;
}

START_TEST(every_type_round_trips)
{
	char path[600];

	snprintf(path, sizeof path, "%s/a.npy", test_tmpdir("npy"));
	for (int t = 1; t < OQZ_DT_COUNT; t++) {
		struct oqz_tensor a = { 0 }, b = { 0 };
		struct oqz_shape s = { .rank = 3, .dim = { 2, 1, 3 } };
		if (t == OQZ_DT_STRING)
			continue;
		ck_ok(oqz_tensor_alloc(&a, t, &s, err));
		for (size_t i = 0; i < 6; i++)
			oqz_store_f(t, a.data, i, (double)i / 2);
		ck_ok(oqz_npy_write(path, &a, err));
		ck_ok(oqz_npy_read(path, &b, err));
		ck_assert(oqz_shape_equal(&a.shape, &b.shape));
		for (size_t i = 0; i < 6; i++)
			ck_assert(oqz_load_f(t, a.data, i) == oqz_load_f(b.dtype, b.data, i));
		bool numpy_lacks_it = t == OQZ_DT_BF16 || t >= OQZ_DT_F8E4M3FN;
		ck_assert_int_eq(b.dtype, numpy_lacks_it ? OQZ_DT_F32 : t);
		oqz_tensor_release(&a);
		oqz_tensor_release(&b);
	}
}
END_TEST

START_TEST(scalars_and_empty_arrays_round_trip)
{
	static const struct oqz_shape shapes[] = { { 0 }, { .rank = 1, .dim = { 0 } }, { .rank = 2, .dim = { 3, 0 } } };
	char path[600];

	snprintf(path, sizeof path, "%s/b.npy", test_tmpdir("npy"));
	for (size_t i = 0; i < OQZ_COUNTOF(shapes); i++) {
		struct oqz_tensor a = { 0 }, b = { 0 };
		ck_ok(oqz_tensor_alloc(&a, OQZ_DT_I64, &shapes[i], err));
		ck_ok(oqz_npy_write(path, &a, err));
		ck_ok(oqz_npy_read(path, &b, err));
		ck_assert(oqz_shape_equal(&a.shape, &b.shape));
		oqz_tensor_release(&a);
		oqz_tensor_release(&b);
	}
}
END_TEST

START_TEST(odd_files_are_refused)
{
	static const struct {
		const char *dict, *text;
		enum oqz_status code;
	} cases[] = {
		{ "{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }", "Fortran", OQZ_E_UNSUPPORTED },
		{ "{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", "big-endian", OQZ_E_UNSUPPORTED },
		{ "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", "structured",
		  OQZ_E_UNSUPPORTED },
		{ "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", "'|O'", OQZ_E_UNSUPPORTED },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", "do not match", OQZ_E_DATA },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "not a number",
		  OQZ_E_DATA },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", "too many",
		  OQZ_E_LIMIT },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,2), }", "dimensions",
		  OQZ_E_UNSUPPORTED },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", "not a number", OQZ_E_DATA },
		{ "{'descr': '<f4', 'shape': (2,), }", "lacks", OQZ_E_DATA },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)", "damaged", OQZ_E_DATA },
		{ "", "dictionary", OQZ_E_DATA },
	};
	struct oqz_tensor t = { 0 };
	char buf[256];

	for (size_t i = 0; i < OQZ_COUNTOF(cases); i++) {
		size_t n = make(buf, cases[i].dict, 8);
		ck_fails(oqz_npy_parse(buf, n, "x.npy", &t, err), cases[i].code, cases[i].text);
		ck_fails(oqz_npy_parse(buf, n, "x.npy", &t, err), cases[i].code, "x.npy");
		ck_assert_ptr_null(t.data);
	}
}
END_TEST

START_TEST(cut_files_are_refused)
{
	struct oqz_tensor t = { 0 };
	char buf[256];
	size_t n = make(buf, "{\"shape\": (2, 1), \"fortran_order\": False, \"descr\": \"<f4\"}\n", 8);

	ck_ok(oqz_npy_parse(buf, n, "x", &t, err));
	oqz_tensor_release(&t);
	for (size_t k = 0; k < n; k++) {
		char *cut = malloc(k ? k : 1); /* its own block, so that a sanitizer sees reads behind the end */
		memcpy(cut, buf, k);
		struct oqz_err err;
		ck_assert_int_eq(oqz_npy_parse(cut, k, "x", &t, &err), OQZ_E_DATA);
		free(cut);
	}
}
END_TEST

OQZ_TEST_MAIN("npy", every_type_round_trips, scalars_and_empty_arrays_round_trip, odd_files_are_refused,
              cut_files_are_refused)
