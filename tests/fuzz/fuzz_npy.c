/* SPDX-License-Identifier: Apache-2.0
 *
 * NumPy files. An array that was read is written and read again: same type (unless NumPy lacks it), shape and bytes.
 */
#include "tests/fuzz/fuzz.h"
#include "core/tensor/npy.h"

#include <string.h>

const char fuzz_target[] = "npy";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oqz_tensor t = { 0 }, u = { 0 };
	struct oqz_err err = { 0 };
	const char *path = fuzz_path("a.npy");

	if (oqz_npy_parse(data, size, "fuzz.npy", &t, &err) != OQZ_OK) {
		fuzz_refused(&err);
		FUZZ_CHECK(!t.data);
		return 0;
	}
	FUZZ_CHECK(oqz_npy_write(path, &t, &err) == OQZ_OK && oqz_npy_read(path, &u, &err) == OQZ_OK);
	FUZZ_CHECK(t.dtype == u.dtype && oqz_shape_equal(&t.shape, &u.shape));
	FUZZ_CHECK(oqz_tensor_nelem(&t) == 0 || !memcmp(t.data, u.data, oqz_tensor_bytes(&t)));
	oqz_tensor_release(&t);
	oqz_tensor_release(&u);
	fuzz_accepted++;
	return 0;
}
