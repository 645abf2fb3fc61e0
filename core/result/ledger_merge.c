/* SPDX-License-Identifier: Apache-2.0
 *
 * Merging shards: cells meet by key, rows by item. What two shards both measured is compared byte for byte, which tests
 * for nothing that the machines compute the same; of the sources only the image's digest, since the rest names files
 * where each machine has them.
 */
#include "core/result/ledger_impl.h"

/* pairs(a, b) maps the other ledger's cells (a) to ours (b). */
static const char prepare[] =
    "CREATE TEMP TABLE pairs(a INTEGER PRIMARY KEY, b INTEGER NOT NULL);"
    "INSERT INTO main.cell(key, model, scheme)"
    " SELECT key, model, scheme FROM other.cell WHERE true ORDER BY id ON CONFLICT DO NOTHING;"
    "INSERT INTO pairs SELECT o.id, m.id FROM other.cell o JOIN main.cell m ON m.key = o.key;";

static const char conflict[] =
    "SELECT c.model, c.scheme, m.name FROM other.row o JOIN pairs p ON p.a = o.cell JOIN main.cell c ON c.id = p.b"
    " JOIN main.row m ON m.cell = p.b AND m.item = o.item WHERE m.status = 0 AND o.status = 0"
    " AND (m.name IS NOT o.name OR substr(m.source, 1, 32) IS NOT substr(o.source, 1, 32) OR m.record IS NOT o.record "
    "OR m.errors IS NOT o.errors OR m.has_local IS NOT "
    "o.has_local)"
    " LIMIT 1";

static const char copy[] =
    "INSERT INTO main.row SELECT p.b, o.item, o.name, o.status, o.message, o.record, o.errors, o.has_local, o.sum, "
    "o.source"
    " FROM other.row o JOIN pairs p ON p.a = o.cell WHERE true ON CONFLICT(cell, item) DO UPDATE SET name = "
    "excluded.name,"
    " status = excluded.status, message = excluded.message, record = excluded.record, errors = excluded.errors,"
    " has_local = excluded.has_local, sum = excluded.sum, source = excluded.source WHERE status <> 0 AND "
    "excluded.status = 0;"
    "INSERT INTO main.blob SELECT name, data, sum FROM other.blob WHERE true ON CONFLICT DO NOTHING;"
    "DROP TABLE pairs;";

static enum oqz_status check_conflict(struct oqz_ledger *l, const char *from, struct oqz_err *err)
{
	OQZ_STMT *st = NULL;

	OQZ_TRY(oqz_ledger_prepare(l, conflict, &st, err));
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		const char *scheme = (const char *)sqlite3_column_text(st, 1);
		OQZ_FAIL(err, OQZ_E_MISMATCH, "%s and %s hold different data for image %s of %s, %s", l->path, from,
		         (const char *)sqlite3_column_text(st, 2), (const char *)sqlite3_column_text(st, 0),
		         scheme && scheme[0] ? scheme : "float");
	}
	return rc == SQLITE_DONE ? OQZ_OK : oqz_ledger_fail(l, rc, "merging", err);
}

static enum oqz_status merge_attached(struct oqz_ledger *l, const char *from, struct oqz_err *err)
{
	OQZ_TRY(oqz_ledger_exec(l, "BEGIN IMMEDIATE", err));
	OQZ_TRY(oqz_ledger_exec(l, prepare, err));
	OQZ_TRY(check_conflict(l, from, err));
	OQZ_TRY(oqz_ledger_exec(l, copy, err));
	return oqz_ledger_exec(l, "COMMIT", err);
}

enum oqz_status oqz_ledger_merge(struct oqz_ledger *l, const char *from, struct oqz_err *err)
{
	struct oqz_ledger *other = NULL;

	/* Opening it on its own first gives the clear errors: absent, damaged, not a ledger. */
	OQZ_TRY(oqz_ledger_open(from, true, &other, err));
	oqz_ledger_close(other, NULL);
	OQZ_TRY(oqz_ledger_flush(l, err));
	OQZ_HOLD(&l->db_lock);
	OQZ_STMT *attach = NULL;
	OQZ_TRY(oqz_ledger_prepare(l, "ATTACH ?1 AS other", &attach, err));
	sqlite3_bind_text(attach, 1, from, -1, SQLITE_STATIC);
	OQZ_TRY(oqz_ledger_step(l, attach, err));
	enum oqz_status st = merge_attached(l, from, err);
	if (!sqlite3_get_autocommit(l->db))
		sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_exec(l->db, "DETACH other", NULL, NULL, NULL);
	return st;
}
