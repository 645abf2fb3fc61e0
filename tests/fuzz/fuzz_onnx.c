/* SPDX-License-Identifier: Apache-2.0
 *
 * Models from strangers: parsing, type inference, folding and passes; what survives is cloned and written, and what was
 * written must be readable. External data has no folder here and must be refused.
 */
#include "tests/fuzz/fuzz.h"
#include "core/onnx/onnx.h"

const char fuzz_target[] = "onnx";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = NULL, *copy = NULL, *again = NULL;
	const char *path = fuzz_path("saved.onnx");
	struct oqz_err err = { 0 };

	if (oqz_onnx_parse(data, size, "fuzz.onnx", NULL, &g, &err) != OQZ_OK) {
		fuzz_refused(&err);
		return 0;
	}
	if (oqz_model_prepare(g, NULL, &err) != OQZ_OK) {
		fuzz_refused(&err);
		return 0;
	}
	FUZZ_CHECK(oqz_graph_clone(g, &copy, &err) == OQZ_OK);
	oqz_graph_free(oqz_steal(g));
	if (oqz_onnx_save(copy, path, &err) != OQZ_OK)
		fuzz_refused(&err);
	else if (oqz_onnx_load(path, &again, &err) != OQZ_OK)
		fuzz_broken(err.msg, __FILE__, __LINE__);
	else
		fuzz_accepted++;
	return 0;
}
