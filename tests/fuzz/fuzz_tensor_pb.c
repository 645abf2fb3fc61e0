/* SPDX-License-Identifier: Apache-2.0
 *
 * TensorProto files (inputs and expected outputs of ONNX test folders). The interface takes a path because external
 * data lies beside the file; here there is none.
 */
#include "tests/fuzz/fuzz.h"
#include "core/onnx/onnx.h"

const char fuzz_target[] = "tensor_pb";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oqz_tensor t = { 0 };
	struct oqz_err err = { 0 };
	OQZ_CLEANUP_FREE char *name = NULL;

	if (oqz_onnx_load_tensor(fuzz_file("t.pb", data, size), &t, &name, &err) != OQZ_OK) {
		fuzz_refused(&err);
		FUZZ_CHECK(!t.data && !name);
		return 0;
	}
	for (int64_t i = 0, n = oqz_tensor_nelem(&t); i < n; i++)
		if (t.dtype != OQZ_DT_STRING)
			oqz_load_f(t.dtype, t.data, (size_t)i);
	oqz_tensor_release(&t);
	fuzz_accepted++;
	return 0;
}
