/* SPDX-License-Identifier: Apache-2.0
 *
 * Results as a ledger stores them for `oqz report`. Whatever is accepted goes through every rendering, and its stored
 * form restores to the same stored form.
 */
#include "tests/fuzz/fuzz.h"
#include "core/base/str.h"
#include "core/result/results.h"

#include <string.h>

const char fuzz_target[] = "results";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OQZ_CLEANUP(oqz_results_free_cleanup) struct oqz_results *r = NULL, *again = NULL;
	struct oqz_str a = { 0 }, b = { 0 };
	struct oqz_err err = { 0 };

	if (oqz_results_restore((const char *)data, size, &r, &err) != OQZ_OK) {
		fuzz_refused(&err);
		return 0;
	}
	oqz_results_json(r, &a);
	oqz_results_csv(r, &a);
	oqz_results_layers_csv(r, &a);
	oqz_results_table(r, 80, true, &a);
	oqz_results_table(r, 0, false, &a);
	oqz_results_markdown(r, &a);
	FUZZ_CHECK(oqz_str_ok(&a));
	oqz_str_clear(&a);
	oqz_results_store(r, &a);
	if (oqz_results_restore(a.s, a.len, &again, &err) != OQZ_OK)
		fuzz_broken(err.msg, __FILE__, __LINE__);
	oqz_results_store(again, &b);
	FUZZ_CHECK(oqz_str_ok(&b) && strcmp(a.s, b.s) == 0);
	oqz_str_release(&a);
	oqz_str_release(&b);
	fuzz_accepted++;
	return 0;
}
