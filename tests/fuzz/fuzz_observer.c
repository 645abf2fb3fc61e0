/* SPDX-License-Identifier: Apache-2.0
 *
 * Saved calibration statistics. Accepted ones save to the same bytes, merge, and every calibrator either finds a range
 * in them or says why not.
 */
#include "tests/fuzz/fuzz.h"
#include "core/base/str.h"
#include "core/quant/observe.h"

#include <string.h>

const char fuzz_target[] = "observer";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OQZ_CLEANUP(oqz_observer_free_cleanup) struct oqz_observer *o = NULL, *again = NULL;
	struct oqz_site site = { .axis = -1, .q = 0.9999, .symmetric = true };
	struct oqz_str a = { 0 }, b = { 0 };
	struct oqz_err err = { 0 };
	double lo, hi;
	float scale;

	site.grid = (struct oqz_grid) { .kind = OQZ_GRID_AFFINE, .bits = 8, .qmin = -128, .qmax = 127 };
	if (oqz_observer_load(data, size, &o, &err) != OQZ_OK) {
		fuzz_refused(&err);
		return 0;
	}
	FUZZ_CHECK(oqz_observer_save(o, &a, &err) == OQZ_OK);
	if (oqz_observer_load(a.s, a.len, &again, &err) != OQZ_OK)
		fuzz_broken(err.msg, __FILE__, __LINE__);
	FUZZ_CHECK(oqz_observer_save(again, &b, &err) == OQZ_OK && a.len == b.len && !memcmp(a.s, b.s, a.len));
	for (size_t i = 0; oqz_calibrators[i]; i++) {
		site.calibrator = oqz_calibrators[i]->name;
		if (oqz_calibrators[i]->find(o, &site, &lo, &hi, &scale, &err) != OQZ_OK)
			fuzz_refused(&err);
	}
	if (oqz_observer_merge(o, again, &err) != OQZ_OK)
		fuzz_refused(&err);
	oqz_str_release(&a);
	oqz_str_release(&b);
	fuzz_accepted++;
	return 0;
}
