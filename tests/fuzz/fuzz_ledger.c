/* SPDX-License-Identifier: Apache-2.0
 *
 * A ledger file from elsewhere (a shard of another machine): opened, read row by row, and merged into a ledger of ours.
 * SQLite finds part of the damage, row checksums the rest.
 */
#include "tests/fuzz/fuzz.h"
#include "core/result/ledger.h"

#include <stdio.h>
#include <unistd.h>

const char fuzz_target[] = "ledger";

static enum oqz_status look(void *ctx, const struct oqz_ledger_row *row, struct oqz_err *err)
{
	double sum = 0;

	for (size_t i = 0; i < row->record_size; i++)
		sum += ((const char *)row->record)[i];
	for (size_t i = 0; i < row->n_errors; i++)
		sum += row->errors[i];
	fuzz_sink = (uint64_t)(sum != 0);
	FUZZ_CHECK(row->item_id != NULL && (row->status == OQZ_OK || row->message));
	++*(int *)ctx;
	return OQZ_OK;
}

static void read_all(struct oqz_ledger *l)
{
	struct oqz_err err = { 0 };
	unsigned char done[64] = { 0 };
	OQZ_CLEANUP_FREE char *blob = NULL;
	size_t n;
	int rows = 0;

	for (int64_t cell = 1; cell <= 3; cell++) {
		if (oqz_ledger_done(l, cell, done, sizeof done, &err) != OQZ_OK)
			fuzz_refused(&err);
		if (oqz_ledger_each(l, cell, look, &rows, &err) != OQZ_OK)
			fuzz_refused(&err);
	}
	if (oqz_ledger_get_blob(l, "plan", &blob, &n, &err) != OQZ_OK)
		fuzz_refused(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const leftovers[] = { "ours.db",      "ours.db-wal",  "ours.db-shm",
		                                 "their.db-wal", "their.db-shm", "their.db-journal" };
	struct oqz_ledger *l = NULL, *ours = NULL;
	struct oqz_err err = { 0 };

	for (size_t i = 0; i < OQZ_COUNTOF(leftovers); i++)
		unlink(fuzz_path(leftovers[i]));
	if (oqz_ledger_open(fuzz_file("their.db", data, size), true, &l, &err) != OQZ_OK) {
		fuzz_refused(&err);
	} else {
		read_all(l);
		FUZZ_CHECK(oqz_ledger_close(l, &err) == OQZ_OK);
	}
	FUZZ_CHECK(oqz_ledger_open(fuzz_path("ours.db"), false, &ours, &err) == OQZ_OK);
	if (oqz_ledger_merge(ours, fuzz_path("their.db"), &err) != OQZ_OK)
		fuzz_refused(&err);
	else
		fuzz_accepted++;
	FUZZ_CHECK(oqz_ledger_close(ours, &err) == OQZ_OK);
	return 0;
}
