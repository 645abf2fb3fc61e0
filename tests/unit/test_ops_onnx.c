/* SPDX-License-Identifier: Apache-2.0
 *
 * The ONNX project's own test vectors (Debian: libonnx-testdata; elsewhere $OQZ_ONNX_TESTDATA) through the reference
 * kernels: once node by node, once after binding shapes and folding. Only gradients and defective cases are
 * skipped.
 *
 *	test_ops_onnx [FOLDER]    prints every case that does not pass
 */
#include "core/onnx/backend_case.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tally {
	int count[3];
	bool loud;
};

static const char *const groups[] = { "node", "simple", "pytorch-converted", "pytorch-operator" };

static enum oqz_status run_case(void *ctx, const char *dir, struct oqz_err *err)
{
	static oqz_case_run_fn *const engines[] = { oqz_case_run_reference, oqz_case_run_bound };
	static const char *const outcomes[] = { "PASS", "FAIL", "SKIP" };
	struct tally *t = ctx;
	struct oqz_case_result r;

	for (size_t i = 0; i < OQZ_COUNTOF(engines); i++) {
		enum oqz_status st = oqz_backend_case(dir, NULL, engines[i], NULL, &r, err);
		if (st != OQZ_OK)
			return st;
		if (r.outcome != OQZ_CASE_PASS)
			break;
	}
	t->count[r.outcome]++;
	if (r.outcome == OQZ_CASE_FAIL || (t->loud && r.outcome != OQZ_CASE_PASS))
		printf("%s %s: %s\n", outcomes[r.outcome], dir, r.reason);
	return OQZ_OK;
}

static void print_tally(const struct tally *t)
{
	printf("%d passed, %d failed, %d skipped\n", t->count[OQZ_CASE_PASS], t->count[OQZ_CASE_FAIL],
	       t->count[OQZ_CASE_SKIP]);
}

static const char *root(void)
{
	const char *env = getenv("OQZ_ONNX_TESTDATA");

	return env ? env : "/usr/share/libonnx-testdata/data";
}

START_TEST(onnx_vectors_pass)
{
	struct tally t = { .loud = getenv("V") != NULL };
	char path[4096];

	for (size_t i = 0; i < OQZ_COUNTOF(groups); i++) {
		snprintf(path, sizeof path, "%s/%s", root(), groups[i]);
		if (access(path, R_OK) == 0)
			ck_ok(oqz_backend_each(path, run_case, &t, err));
	}
	print_tally(&t);
	ck_assert_int_eq(t.count[OQZ_CASE_FAIL], 0);
	ck_assert_int_le(t.count[OQZ_CASE_SKIP], 3);
}
END_TEST

int main(int argc, char **argv)
{
	const TTest *const tests[] = { onnx_vectors_pass };
	struct tally t = { .loud = true };
	struct oqz_err err = { 0 };

	if (argc > 1) {
		if (oqz_backend_each(argv[1], run_case, &t, &err) != OQZ_OK)
			printf("%s\n", err.msg);
		print_tally(&t);
		return err.code != OQZ_OK || t.count[OQZ_CASE_FAIL] > 0;
	}
	if (access(root(), R_OK) != 0) {
		printf("%s is absent (Debian: libonnx-testdata)\n", root());
		return 77;
	}
	return oqz_test_run("ops_onnx", tests, OQZ_COUNTOF(tests));
}
