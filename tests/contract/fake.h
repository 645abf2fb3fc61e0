/* SPDX-License-Identifier: Apache-2.0
 *
 * A host of the tests' own: the same tables that the program hands out, whose functions record what a plugin does with
 * them, and a small graph for quantizers. One recording at a time (the tables' functions have no context).
 */
#ifndef OQZ_TESTS_CONTRACT_FAKE_H
#define OQZ_TESTS_CONTRACT_FAKE_H

#include "core/base/vec.h"
#include "plugins/loader.h"
#include "tests/support/support.h"

struct fake_record {
	long allocs, frees; /* of host->alloc and host->free_mem; read_file counts as an alloc */
	int fails, logs;
	char message[1000]; /* of the last fail */
	OQZ_VEC(struct oqz_site) sites;
};
extern struct fake_record fake;

extern const struct oqz_host fake_host;
extern const struct oqz_quantizer_host fake_quantizer_host;

void fake_reset(void);

/* Shape of an input of the fake graph; false when the input does not exist. */
bool fake_input_shape(int32_t node, int32_t input, struct oqz_shape *ret);

/* Parameter sets to try: the first is the defaults, then one for each row with another legal value. "" when exhausted.
 * Static memory of the last call. `fixed` is put in front of each ("root=/x"), rows that it names are left alone. */
const char *fake_params(const struct oqz_param *table, const char *fixed, size_t i);

/* All plugins that are built: usable ones of a kind, opened. Refused ones fail the test. */
typedef OQZ_VEC(struct oqz_module *) fake_modules_t;
fake_modules_t fake_open_all(enum oqz_plugin_kind kind);
void fake_close_all(fake_modules_t *m);

#endif
