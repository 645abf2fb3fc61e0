/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the ledger back, and merging shards. Each row carries a checksum over its blobs: SQLite notices damaged
 * pages, not damaged payload, and a flipped bit in an error sum would otherwise just be another number.
 */
#include "core/result/ledger_impl.h"

#include <limits.h>
#include <string.h>

/* Statement over one job; `lane` is bound when the text has ?2. */
static enum oqz_status over_job(struct oqz_ledger *l, const char *sql, int64_t job, int64_t lane, sqlite3_stmt **st,
                                struct oqz_err *err)
{
	OQZ_TRY(oqz_ledger_prepare(l, sql, st, err));
	sqlite3_bind_int64(*st, 1, job);
	if (sqlite3_bind_parameter_count(*st) > 1)
		sqlite3_bind_int64(*st, 2, lane);
	return OQZ_OK;
}

static enum oqz_status mark(struct oqz_ledger *l, const char *sql, int64_t job, unsigned char value,
                            unsigned char *state, size_t n, struct oqz_err *err)
{
	OQZ_STMT *st = NULL;
	int rc;

	OQZ_TRY(over_job(l, sql, job, 0, &st, err));
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t item = sqlite3_column_int64(st, 0);
		if (item >= 0 && (uint64_t)item < n)
			state[item] = value;
	}
	return rc == SQLITE_DONE ? OQZ_OK : oqz_ledger_fail(l, rc, "reading", err);
}

enum oqz_status oqz_ledger_states(struct oqz_ledger *l, int64_t job, unsigned char *state, size_t n,
                                  struct oqz_err *err)
{
	OQZ_TRY(oqz_ledger_flush(l, err));
	OQZ_HOLD(&l->db_lock);
	memset(state, OQZ_ITEM_ABSENT, n);
	/* Lanes of an item are written together, so lane 0 speaks for all. */
	OQZ_TRY(mark(l, "SELECT item FROM record WHERE job = ?1 AND lane = 0", job, OQZ_ITEM_DONE, state, n, err));
	return mark(l, "SELECT item FROM failure WHERE job = ?1", job, OQZ_ITEM_FAILED, state, n, err);
}

/* The inverse of put_errors() in ledger_write.c. The blob's memory need not be aligned, so sums are copied out. */
struct sums_buffer {
	struct oqz_error_sums *v;
	size_t cap;
};

static enum oqz_status get_errors(struct oqz_ledger *l, const uint8_t *p, size_t size, struct sums_buffer *buf,
                                  struct oqz_ledger_lane *lane, struct oqz_err *err)
{
	uint64_t head;

	if (size == 0)
		return OQZ_OK;
	size_t sums = (size - (size < 8 ? size : 8)) / sizeof *buf->v;
	if (size < 8 || (memcpy(&head, p, 8), sums != (head >> 1) * (head & 1 ? 2u : 1u)) ||
	    size != 8 + sums * sizeof *buf->v)
		OQZ_FAIL(err, OQZ_E_DATA, "%s: an item's error sums have a wrong size", l->path);
	if (sums > buf->cap) {
		struct oqz_error_sums *v = realloc(buf->v, sums * sizeof *v);
		if (!v)
			return oqz_err_nomem(err, "error sums", sums * sizeof *v);
		buf->v = v;
		buf->cap = sums;
	}
	memcpy(buf->v, p + 8, sums * sizeof *buf->v);
	lane->n_layers = (size_t)(head >> 1);
	lane->cumulative = buf->v;
	lane->local = head & 1 ? buf->v + lane->n_layers : NULL;
	return OQZ_OK;
}

static enum oqz_status each_item(struct oqz_ledger *l, sqlite3_stmt *st, struct sums_buffer *buf,
                                 oqz_ledger_item_fn *fn, void *ctx, struct oqz_err *err)
{
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t item = sqlite3_column_int64(st, 0);
		const void *data = sqlite3_column_blob(st, 1), *errors = sqlite3_column_blob(st, 2);
		size_t data_size = (size_t)sqlite3_column_bytes(st, 1),
		       errors_size = (size_t)sqlite3_column_bytes(st, 2);
		struct oqz_ledger_lane lane = { .record = data_size ? data : "", .record_size = data_size };
		if (oqz_ledger_sum(data, data_size, errors, errors_size) != sqlite3_column_int64(st, 3))
			OQZ_FAIL(err, OQZ_E_DATA, "%s: item %lld has a wrong checksum", l->path, (long long)item);
		OQZ_TRY(get_errors(l, errors, errors_size, buf, &lane, err));
		OQZ_TRY(fn(ctx, item, &lane, err));
	}
	return rc == SQLITE_DONE ? OQZ_OK : oqz_ledger_fail(l, rc, "reading", err);
}

enum oqz_status oqz_ledger_each_item(struct oqz_ledger *l, int64_t job, int64_t lane, oqz_ledger_item_fn *fn, void *ctx,
                                     struct oqz_err *err)
{
	OQZ_TRY(oqz_ledger_flush(l, err));
	OQZ_HOLD(&l->db_lock);
	struct sums_buffer buf = { 0 };
	OQZ_STMT *st = NULL;

	OQZ_TRY(over_job(l, "SELECT item, data, errors, sum FROM record WHERE job = ?1 AND lane = ?2 ORDER BY item",
	                 job, lane, &st, err));
	enum oqz_status code = each_item(l, st, &buf, fn, ctx, err);
	free(buf.v);
	return code;
}

static enum oqz_status each_message(struct oqz_ledger *l, const char *sql, int64_t job, oqz_ledger_failure_fn *fn,
                                    void *ctx, struct oqz_err *err)
{
	OQZ_TRY(oqz_ledger_flush(l, err));
	OQZ_HOLD(&l->db_lock);
	OQZ_STMT *st = NULL;
	int rc;

	OQZ_TRY(over_job(l, sql, job, 0, &st, err));
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(st, 2);
		OQZ_TRY(fn(ctx, sqlite3_column_int64(st, 0), (enum oqz_status)sqlite3_column_int(st, 1),
		           text ? text : "", err));
	}
	return rc == SQLITE_DONE ? OQZ_OK : oqz_ledger_fail(l, rc, "reading", err);
}

enum oqz_status oqz_ledger_each_failure(struct oqz_ledger *l, int64_t job, oqz_ledger_failure_fn *fn, void *ctx,
                                        struct oqz_err *err)
{
	return each_message(l, "SELECT item, code, message FROM failure WHERE job = ?1 ORDER BY item", job, fn, ctx,
	                    err);
}

enum oqz_status oqz_ledger_each_cell(struct oqz_ledger *l, int64_t job, oqz_ledger_failure_fn *fn, void *ctx,
                                     struct oqz_err *err)
{
	return each_message(l, "SELECT lane, code, message FROM cell WHERE job = ?1 ORDER BY lane", job, fn, ctx, err);
}

/* ---------------------------------------------------------------------------------------------------- merge */

/* Jobs meet by key; pairs(a, b) maps ids of the other ledger (a) to ours (b), job 0 to itself. */
static const char merge_prepare[] =
    "CREATE TEMP TABLE pairs(a INTEGER PRIMARY KEY, b INTEGER NOT NULL);"
    "INSERT INTO main.job(key, model) SELECT key, model FROM other.job ORDER BY id ON CONFLICT DO NOTHING;"
    "INSERT INTO pairs SELECT o.id, m.id FROM other.job o JOIN main.job m ON m.key = o.key;"
    "INSERT INTO pairs VALUES(0, 0);";

static const struct {
	const char *conflict; /* gives model, what, item of one row that differs */
	const char *copy;
} merge_steps[] = {
	{ "SELECT j.model, 'item', m.item FROM other.record o JOIN pairs p ON p.a = o.job JOIN main.job j ON j.id = p.b"
	  " JOIN main.record m ON m.job = p.b AND m.lane = o.lane AND m.item = o.item"
	  " WHERE m.data IS NOT o.data OR m.errors IS NOT o.errors LIMIT 1",
	  "INSERT INTO main.record SELECT p.b, o.lane, o.item, o.data, o.errors, o.sum FROM other.record o"
	  " JOIN pairs p ON p.a = o.job WHERE true ON CONFLICT DO NOTHING" },
	{ "SELECT coalesce(j.model, 'the run'), m.name, 0 FROM other.note o JOIN pairs p ON p.a = o.job"
	  " JOIN main.note m ON m.job = p.b AND m.name = o.name LEFT JOIN main.job j ON j.id = p.b"
	  " WHERE m.data IS NOT o.data LIMIT 1",
	  "INSERT INTO main.note SELECT p.b, o.name, o.data, o.sum FROM other.note o JOIN pairs p ON p.a = o.job"
	  " WHERE true ON CONFLICT DO NOTHING" },
	{ NULL, "INSERT INTO main.failure SELECT p.b, o.item, o.code, o.message FROM other.failure o"
	        " JOIN pairs p ON p.a = o.job WHERE true ON CONFLICT DO NOTHING" },
	{ NULL, "DELETE FROM main.failure AS f WHERE EXISTS"
	        " (SELECT 1 FROM main.record r WHERE r.job = f.job AND r.lane = 0 AND r.item = f.item)" },
	{ NULL, "INSERT INTO main.cell SELECT p.b, o.lane, o.code, o.message FROM other.cell o"
	        " JOIN pairs p ON p.a = o.job WHERE true ON CONFLICT DO NOTHING" },
};

static enum oqz_status check_conflict(struct oqz_ledger *l, const char *sql, const char *from, struct oqz_err *err)
{
	OQZ_STMT *st = NULL;

	OQZ_TRY(oqz_ledger_prepare(l, sql, &st, err));
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "%s and %s hold different data for %s, %s %lld", l->path, from,
		         (const char *)sqlite3_column_text(st, 0), (const char *)sqlite3_column_text(st, 1),
		         (long long)sqlite3_column_int64(st, 2));
	return rc == SQLITE_DONE ? OQZ_OK : oqz_ledger_fail(l, rc, "merging", err);
}

static enum oqz_status merge_attached(struct oqz_ledger *l, const char *from, struct oqz_err *err)
{
	OQZ_TRY(oqz_ledger_exec(l, merge_prepare, err));
	for (size_t i = 0; i < OQZ_COUNTOF(merge_steps); i++) {
		if (merge_steps[i].conflict)
			OQZ_TRY(check_conflict(l, merge_steps[i].conflict, from, err));
		OQZ_TRY(oqz_ledger_exec(l, merge_steps[i].copy, err));
	}
	return OQZ_OK;
}

enum oqz_status oqz_ledger_merge(struct oqz_ledger *l, const char *from, struct oqz_err *err)
{
	struct oqz_ledger *other = NULL;

	/* Opening it on its own first gives the clear errors: absent, damaged, not a ledger. */
	OQZ_TRY(oqz_ledger_open(from, OQZ_LEDGER_READ, &other, err));
	oqz_ledger_close(other, NULL);
	OQZ_TRY(oqz_ledger_flush(l, err));
	OQZ_HOLD(&l->db_lock);
	OQZ_STMT *attach = NULL;
	OQZ_TRY(oqz_ledger_prepare(l, "ATTACH ?1 AS other", &attach, err));
	sqlite3_bind_text(attach, 1, from, -1, SQLITE_STATIC);
	OQZ_TRY(oqz_ledger_step(l, attach, err));
	enum oqz_status st = oqz_ledger_exec(l, "BEGIN IMMEDIATE", err);
	if (st == OQZ_OK) {
		st = merge_attached(l, from, err);
		if (st == OQZ_OK)
			st = oqz_ledger_exec(l, "DROP TABLE pairs; COMMIT", err);
		if (!sqlite3_get_autocommit(l->db))
			sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
	}
	sqlite3_exec(l->db, "DETACH other", NULL, NULL, NULL);
	return st;
}
