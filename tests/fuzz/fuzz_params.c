/* SPDX-License-Identifier: Apache-2.0
 *
 * Flat parameter text ("a=1,b=x:y"), as in --set of a scheme or in a ledger. The canonical form of an accepted text
 * reads back to the same canonical form.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/support/param_rows.h"
#include "core/base/params.h"
#include "core/base/str.h"

#include <string.h>

const char fuzz_target[] = "params";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OQZ_CLEANUP(oqz_params_free_cleanup) struct oqz_params *p = NULL, *q = NULL;
	OQZ_CLEANUP_FREE char *text = strndup((const char *)data, size);
	struct oqz_str a = { 0 }, b = { 0 };
	struct oqz_err err = { 0 };

	FUZZ_CHECK(text != NULL);
	if (oqz_params_parse(param_rows, text, "fuzz", &p, &err) != OQZ_OK) {
		fuzz_refused(&err);
		return 0;
	}
	oqz_params_canonical(p, &a);
	if (oqz_params_parse(param_rows, oqz_str_get(&a), "again", &q, &err) != OQZ_OK)
		fuzz_broken(err.msg, __FILE__, __LINE__);
	oqz_params_canonical(q, &b);
	FUZZ_CHECK(strcmp(oqz_str_get(&a), oqz_str_get(&b)) == 0);
	oqz_str_release(&a);
	oqz_str_release(&b);
	fuzz_accepted++;
	return 0;
}
