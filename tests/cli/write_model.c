/* SPDX-License-Identifier: Apache-2.0
 *
 * write_model FILE.onnx: a model from text on standard input (tests/support/graph_text.h), for scripts that need one
 * which no data set has.
 */
#include "core/onnx/onnx.h"
#include "tests/support/graph_text.h"
#include "tests/support/support.h"

#include <stdio.h>

static const char *path;

/* Within a test, as what reads the text reports by libcheck. */
START_TEST(write_model)
{
	static char text[1 << 16];

	text[fread(text, 1, sizeof text - 1, stdin)] = 0;
	struct oqz_graph *g = graph_text(text);
	ck_ok(oqz_onnx_save(g, path, err));
	oqz_graph_free(g);
}
END_TEST

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: write_model FILE.onnx < TEXT\n");
		return 2;
	}
	path = argv[1];
	TCase *tc = tcase_create("write_model");
	Suite *s = suite_create("write_model");
	tcase_add_test(tc, write_model);
	suite_add_tcase(s, tc);
	SRunner *r = srunner_create(s);
	srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_SILENT);
	int failed = srunner_ntests_failed(r);
	if (failed)
		srunner_print(r, CK_NORMAL);
	srunner_free(r);
	return failed != 0;
}
