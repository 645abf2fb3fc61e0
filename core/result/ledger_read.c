/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the ledger back. Each row carries a checksum over its contents: SQLite notices damaged pages, not damaged
 * payload, and a flipped bit in an error sum would otherwise just be another number.
 */
#include "core/result/ledger_impl.h"

#include <string.h>

static const char *text_of(sqlite3_stmt *st, int column)
{
	const char *s = (const char *)sqlite3_column_text(st, column);

	return s ? s : "";
}

enum oqz_status oqz_ledger_done(struct oqz_ledger *l, int64_t cell, unsigned char *done, size_t n, struct oqz_err *err)
{
	OQZ_TRY(oqz_ledger_flush(l, err));
	OQZ_HOLD(&l->db_lock);
	OQZ_STMT *st = NULL;
	int rc;

	OQZ_TRY(oqz_ledger_prepare(l, "SELECT item FROM row WHERE cell = ?1", &st, err));
	sqlite3_bind_int64(st, 1, cell);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t item = sqlite3_column_int64(st, 0);
		if (item >= 0 && (uint64_t)item < n)
			done[item] = 1;
	}
	return rc == SQLITE_DONE ? OQZ_OK : oqz_ledger_fail(l, rc, "reading", err);
}

enum oqz_status oqz_ledger_sources(struct oqz_ledger *l, int64_t cell,
                                   void (*each)(void *ctx, int64_t item, enum oqz_status status, const char *source),
                                   void *ctx, struct oqz_err *err)
{
	OQZ_TRY(oqz_ledger_flush(l, err));
	OQZ_HOLD(&l->db_lock);
	OQZ_STMT *st = NULL;
	int rc;

	OQZ_TRY(oqz_ledger_prepare(l, "SELECT item, status, source FROM row WHERE cell = ?1 ORDER BY item", &st, err));
	sqlite3_bind_int64(st, 1, cell);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		each(ctx, sqlite3_column_int64(st, 0), (enum oqz_status)sqlite3_column_int(st, 1), text_of(st, 2));
	return rc == SQLITE_DONE ? OQZ_OK : oqz_ledger_fail(l, rc, "reading", err);
}

/* SQLite does not promise alignment, so error sums are copied out. */
struct doubles {
	double *v;
	size_t cap;
};

static enum oqz_status read_errors(struct oqz_ledger *l, sqlite3_stmt *st, int column, struct doubles *buf,
                                   struct oqz_ledger_row *row, struct oqz_err *err)
{
	const void *p = sqlite3_column_blob(st, column);
	size_t size = (size_t)sqlite3_column_bytes(st, column), n = size / sizeof(double);

	if (size % sizeof(double) != 0)
		OQZ_FAIL(err, OQZ_E_DATA, "%s: the error sums of item %lld have a wrong size", l->path,
		         (long long)row->item);
	if (n > buf->cap) {
		double *v = realloc(buf->v, size);
		if (!v)
			return oqz_err_nomem(err, "error sums", size);
		buf->v = v;
		buf->cap = n;
	}
	if (n)
		memcpy(buf->v, p, size);
	row->errors = n ? buf->v : NULL;
	row->n_errors = n;
	return OQZ_OK;
}

static enum oqz_status read_row(struct oqz_ledger *l, sqlite3_stmt *st, struct doubles *buf, struct oqz_ledger_row *row,
                                struct oqz_err *err)
{
	*row = (struct oqz_ledger_row) {
		.item = sqlite3_column_int64(st, 0),
		.item_id = text_of(st, 1),
		.status = (enum oqz_status)sqlite3_column_int(st, 2),
		.message = text_of(st, 3),
		.has_local = sqlite3_column_int(st, 6) != 0,
		.source = text_of(st, 8),
	};
	const void *record = sqlite3_column_blob(st, 4);
	row->record_size = (size_t)sqlite3_column_bytes(st, 4);
	row->record = row->record_size ? record : "";
	OQZ_TRY(read_errors(l, st, 5, buf, row, err));
	if (oqz_ledger_row_sum(row) != sqlite3_column_int64(st, 7))
		OQZ_FAIL(err, OQZ_E_DATA, "%s: item %lld (%s) has a wrong checksum", l->path, (long long)row->item,
		         row->item_id);
	return OQZ_OK;
}

enum oqz_status oqz_ledger_each(struct oqz_ledger *l, int64_t cell,
                                enum oqz_status (*each)(void *ctx, const struct oqz_ledger_row *row,
                                                        struct oqz_err *err),
                                void *ctx, struct oqz_err *err)
{
	OQZ_TRY(oqz_ledger_flush(l, err));
	OQZ_HOLD(&l->db_lock);
	OQZ_STMT *st = NULL;
	struct doubles buf = { 0 };
	struct oqz_ledger_row row;
	enum oqz_status code = OQZ_OK;
	int rc = SQLITE_DONE;

	OQZ_TRY(oqz_ledger_prepare(l,
	                           "SELECT item, name, status, message, record, errors, has_local, sum, source FROM row"
	                           " WHERE cell = ?1 ORDER BY item",
	                           &st, err));
	sqlite3_bind_int64(st, 1, cell);
	while (code == OQZ_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		code = read_row(l, st, &buf, &row, err);
		if (code == OQZ_OK)
			code = each(ctx, &row, err);
	}
	if (code == OQZ_OK && rc != SQLITE_DONE)
		code = oqz_ledger_fail(l, rc, "reading", err);
	free(buf.v);
	return code;
}
