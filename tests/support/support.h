/* SPDX-License-Identifier: Apache-2.0
 *
 * Test harness: a main for Check programs, access to the optional shared material (real models, golden numbers), and
 * comparisons that say what differs. A unit test is
 *
 *	START_TEST(thing_does_what) { ... } END_TEST
 *	OQZ_TEST_MAIN("thing", thing_does_what, thing_refuses_what)
 *
 * A test program that needs absent material exits 77 (skipped) with a message.
 */
#ifndef OQZ_TESTS_SUPPORT_H
#define OQZ_TESTS_SUPPORT_H

#include "core/base/err.h"
#include "core/tensor/tensor.h"
#include <check.h>
#include <jansson.h>

int oqz_test_run(const char *suite, const TTest *const *tests, size_t n);

#define OQZ_TEST_MAIN(suite, ...)                                      \
	int main(void)                                                 \
	{                                                              \
		const TTest *const tests[] = { __VA_ARGS__ };          \
		return oqz_test_run(suite, tests, OQZ_COUNTOF(tests)); \
	}

/* Path of a file below $OQZ_SHARED, or NULL when that material is not there. Static ring of buffers: valid for 16
 * calls. */
const char *shared_path(const char *fmt, ...) OQZ_PRINTF(1, 2);
/* Exits the whole program with 77 and a message when `relative` is absent below $OQZ_SHARED. Call first in main-like
 * code; inside a test use `if (!shared_path(...)) return;` after a message. */
void shared_require(const char *relative);
/* A fresh directory below the build tree for this test; removed by the caller's cleanup or left for inspection. */
const char *test_tmpdir(const char *name);

/* Fails the test with the error's message unless the call succeeded. */
#define ck_ok(call)                                                                         \
	do {                                                                                \
		struct oqz_err ck_err_ = { 0 };                                             \
		struct oqz_err *const err = &ck_err_;                                       \
		enum oqz_status ck_st_ = (call);                                            \
		ck_assert_msg(ck_st_ == OQZ_OK, "%s: %s (%d)", #call, ck_err_.msg, ck_st_); \
	} while (0)
/* The call (which uses `err`) must fail with this code and a message that contains `text`. */
#define ck_fails(call, code, text)                                                                             \
	do {                                                                                                   \
		struct oqz_err ck_err_ = { 0 };                                                                \
		struct oqz_err *const err = &ck_err_;                                                          \
		enum oqz_status ck_st_ = (call);                                                               \
		ck_assert_msg(ck_st_ == (code), "%s: got %d (%s), not %s", #call, ck_st_, ck_err_.msg, #code); \
		ck_assert_msg(strstr(ck_err_.msg, (text)) != NULL, "message \"%s\" lacks \"%s\"", ck_err_.msg, \
		              (text));                                                                         \
	} while (0)

/* Golden arrays: <stem>.bin + <stem>.json ("arrays": name -> {dtype, shape, offset}). */
struct golden {
	json_t *json;
	char *bin;
	size_t size;
};
/* False when absent. */
bool golden_open(struct golden *g, const char *relative_stem);
void golden_close(struct golden *g);
/* An array by name as a tensor that borrows the golden's memory; fails the test when absent. */
struct oqz_tensor golden_array(const struct golden *g, const char *name);

/* Largest difference |a-b|, and where; both float32, same count. */
double max_abs_diff(const float *a, const float *b, size_t n, size_t *where);
/* Zlib's CRC-32. */
uint32_t test_crc32(const void *p, size_t n);

#endif
