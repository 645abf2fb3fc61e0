/* SPDX-License-Identifier: Apache-2.0
 *
 * Flat parameter text ("a=1,b=x:y"), as in --set of a scheme or in a ledger. The canonical form of an accepted text
 * reads back to the same canonical form.
 */
#include "tests/fuzz/fuzz.h"
#include "core/base/params.h"
#include "core/base/str.h"

#include <string.h>

const char fuzz_target[] = "params";

static const char *const methods[] = { "minmax", "percentile", "mse", NULL };
static const struct oqz_param table[] = {
	{ "bits", OQZ_P_INT, "8", 2, 16, NULL, "bits", "width" },
	{ "symmetric", OQZ_P_BOOL, "true", 0, 0, NULL, NULL, "both signs" },
	{ "calibrate", OQZ_P_STRING, "minmax", 0, 0, methods, NULL, "rule" },
	{ "calibrate_q", OQZ_P_FLOAT, "0.9999", 0, 1, NULL, "ratio", "quantile" },
	{ "k", OQZ_P_INTS, "1:5", 1, 100, NULL, NULL, "k" },
	{ "scales", OQZ_P_FLOATS, "", 0, 0, NULL, NULL, "scales" },
	{ "include", OQZ_P_STRINGS, "", 0, 0, NULL, NULL, "globs" },
	{ "root", OQZ_P_PATH, "", 0, 0, NULL, NULL, "folder" },
	{ 0 },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OQZ_CLEANUP(oqz_params_free_cleanup) struct oqz_params *p = NULL, *q = NULL;
	OQZ_CLEANUP_FREE char *text = strndup((const char *)data, size);
	struct oqz_str a = { 0 }, b = { 0 };
	struct oqz_err err = { 0 };

	FUZZ_CHECK(text != NULL);
	if (oqz_params_parse(table, text, "fuzz", &p, &err) != OQZ_OK) {
		fuzz_refused(&err);
		return 0;
	}
	oqz_params_canonical(p, &a);
	if (oqz_params_parse(table, oqz_str_get(&a), "again", &q, &err) != OQZ_OK)
		fuzz_broken(err.msg, __FILE__, __LINE__);
	oqz_params_canonical(q, &b);
	FUZZ_CHECK(strcmp(oqz_str_get(&a), oqz_str_get(&b)) == 0);
	oqz_str_release(&a);
	oqz_str_release(&b);
	fuzz_accepted++;
	return 0;
}
