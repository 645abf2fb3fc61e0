/* SPDX-License-Identifier: Apache-2.0
 *
 * write_model FILE.onnx: a model from text on standard input (tests/support/graph_text.h), for scripts that need one
 * which no data set has.
 */
#include "core/onnx/onnx.h"
#include "tests/support/graph_text.h"
#include "tests/support/support.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	static char text[1 << 16];
	struct oqz_err err = { 0 };

	if (argc != 2) {
		fprintf(stderr, "usage: write_model FILE.onnx < TEXT\n");
		return 2;
	}
	text[fread(text, 1, sizeof text - 1, stdin)] = 0;
	struct oqz_graph *g = graph_text(text);
	if (oqz_onnx_save(g, argv[1], &err) != OQZ_OK) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	oqz_graph_free(g);
	return 0;
}
