/* SPDX-License-Identifier: Apache-2.0
 *
 * Saved plans. A plan that is accepted prints canonically: reading the print gives the same print and the same hash.
 */
#include "tests/fuzz/fuzz.h"
#include "core/base/str.h"
#include "core/quant/qplan.h"

#include <string.h>

const char fuzz_target[] = "qplan";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OQZ_CLEANUP(oqz_qplan_free_cleanup) struct oqz_qplan *p = NULL, *q = NULL;
	struct oqz_str a = { 0 }, b = { 0 };
	struct oqz_err err = { 0 };

	if (oqz_qplan_from_json((const char *)data, size, "fuzz.json", &p, &err) != OQZ_OK) {
		fuzz_refused(&err);
		return 0;
	}
	FUZZ_CHECK(oqz_qplan_to_json(p, &a, &err) == OQZ_OK);
	if (oqz_qplan_from_json(a.s, a.len, "again", &q, &err) != OQZ_OK)
		fuzz_broken(err.msg, __FILE__, __LINE__);
	FUZZ_CHECK(oqz_qplan_to_json(q, &b, &err) == OQZ_OK && strcmp(a.s, b.s) == 0);
	oqz_str_release(&a);
	oqz_str_release(&b);
	fuzz_accepted++;
	return 0;
}
