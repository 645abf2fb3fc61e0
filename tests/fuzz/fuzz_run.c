/* SPDX-License-Identifier: Apache-2.0
 *
 * Models from strangers, all the way: loaded, prepared, planned with each engine and run.
 */
#include "tests/fuzz/fuzz_exec.h"
#include "core/onnx/onnx.h"

const char fuzz_target[] = "run";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = NULL;
	struct oqz_err err = { 0 };

	oqz_budget_set(FUZZ_MEMORY);
	if (oqz_onnx_parse(data, size, "fuzz.onnx", NULL, &g, &err) != OQZ_OK ||
	    oqz_model_prepare(g, NULL, &err) != OQZ_OK)
		fuzz_refused(&err);
	else
		fuzz_run_graph(g, 2);
	return 0;
}
