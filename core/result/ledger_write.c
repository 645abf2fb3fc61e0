/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of a row into the ledger: copied into an entry, queued, committed by the writer thread together with
 * whatever else is waiting. Under load batches form by themselves; without load a row is on its way to the disk at
 * once.
 */
#include "core/result/ledger_impl.h"
#include "core/base/checked.h"

#include <string.h>

static const size_t max_queued = (size_t)64 << 20; /* bytes; then put waits */

struct oqz_ledger_entry {
	struct oqz_ledger_entry *next;
	int64_t cell;
	size_t bytes;
	struct oqz_ledger_row row; /* its pointers point into the payload */
	uint8_t payload[];
};

/* ---------------------------------------------------------------------------------------------------- the writer */

static enum oqz_status write_all(struct oqz_ledger *l, sqlite3_stmt *st, const struct oqz_ledger_entry *e,
                                 struct oqz_err *err)
{
	for (; e; e = e->next) {
		const struct oqz_ledger_row *r = &e->row;
		sqlite3_bind_int64(st, 1, e->cell);
		sqlite3_bind_int64(st, 2, r->item);
		sqlite3_bind_text(st, 3, r->item_id, -1, SQLITE_STATIC);
		sqlite3_bind_int(st, 4, r->status);
		sqlite3_bind_text(st, 5, r->message, -1, SQLITE_STATIC);
		sqlite3_bind_blob64(st, 6, r->record, r->record_size, SQLITE_STATIC);
		sqlite3_bind_blob64(st, 7, r->errors, r->n_errors * sizeof *r->errors, SQLITE_STATIC);
		sqlite3_bind_int(st, 8, r->has_local);
		sqlite3_bind_int64(st, 9, oqz_ledger_row_sum(r));
		sqlite3_bind_text(st, 10, r->source, -1, SQLITE_STATIC);
		OQZ_TRY(oqz_ledger_step(l, st, err));
	}
	return OQZ_OK;
}

/* One transaction for the whole list: all of it or nothing. */
static enum oqz_status commit(struct oqz_ledger *l, struct oqz_ledger_entry *list, struct oqz_err *err)
{
	OQZ_HOLD(&l->db_lock);
	OQZ_STMT *insert = NULL;

	OQZ_TRY(oqz_ledger_prepare(
	    l,
	    "INSERT OR REPLACE INTO row(cell, item, name, status, message, record, errors, has_local, sum, source)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	    &insert, err));
	OQZ_TRY(oqz_ledger_exec(l, "BEGIN IMMEDIATE", err));
	enum oqz_status st = write_all(l, insert, list, err);
	if (st == OQZ_OK)
		st = oqz_ledger_exec(l, "COMMIT", err);
	if (st != OQZ_OK && !sqlite3_get_autocommit(l->db))
		sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
	return st;
}

static void free_list(struct oqz_ledger_entry *e)
{
	while (e) {
		struct oqz_ledger_entry *next = e->next;
		free(e);
		e = next;
	}
}

static void *writer(void *arg)
{
	struct oqz_ledger *l = arg;

	pthread_mutex_lock(&l->queue_lock);
	for (;;) {
		while (!l->first && !l->stop)
			pthread_cond_wait(&l->more, &l->queue_lock);
		if (!l->first)
			break;
		struct oqz_ledger_entry *list = l->first;
		uint64_t upto = l->put;
		struct oqz_err err = { 0 };
		l->first = NULL;
		l->last = &l->first;
		l->queued_bytes = 0;
		bool failed = l->failure.code != OQZ_OK;
		pthread_mutex_unlock(&l->queue_lock);
		enum oqz_status st = failed ? OQZ_OK : commit(l, list, &err);
		free_list(list);
		pthread_mutex_lock(&l->queue_lock);
		if (st != OQZ_OK)
			l->failure = err;
		l->committed = upto;
		pthread_cond_broadcast(&l->less);
	}
	pthread_mutex_unlock(&l->queue_lock);
	return NULL;
}

enum oqz_status oqz_ledger_writer_start(struct oqz_ledger *l, struct oqz_err *err)
{
	int rc = pthread_create(&l->writer, NULL, writer, l);

	if (rc != 0)
		OQZ_FAIL(err, OQZ_E_IO, "%s: no thread for writing: %s", l->path, strerror(rc));
	l->running = true;
	return OQZ_OK;
}

void oqz_ledger_writer_stop(struct oqz_ledger *l)
{
	if (!l->running)
		return;
	pthread_mutex_lock(&l->queue_lock);
	l->stop = true;
	pthread_cond_signal(&l->more);
	pthread_mutex_unlock(&l->queue_lock);
	pthread_join(l->writer, NULL);
	l->running = false;
}

/* ---------------------------------------------------------------------------------------------------- putting */

/* Takes the entry over in any case. */
static enum oqz_status enqueue(struct oqz_ledger *l, struct oqz_ledger_entry *e, struct oqz_err *err)
{
	OQZ_HOLD(&l->queue_lock);

	if (l->running)
		while (l->queued_bytes > max_queued && l->failure.code == OQZ_OK)
			pthread_cond_wait(&l->less, &l->queue_lock);
	if (!l->running || l->failure.code != OQZ_OK) {
		free(e);
		if (l->running)
			OQZ_FAIL(err, l->failure.code, "%s", l->failure.msg);
		OQZ_FAIL(err, OQZ_E_USAGE, "%s: the ledger is open for reading only", l->path);
	}
	*l->last = e;
	l->last = &e->next;
	l->queued_bytes += e->bytes;
	l->put++;
	pthread_cond_signal(&l->more);
	return OQZ_OK;
}

static void *append(uint8_t **at, const void *data, size_t size)
{
	uint8_t *p = *at;

	if (size)
		memcpy(p, data, size);
	*at += size;
	return p;
}

enum oqz_status oqz_ledger_put(struct oqz_ledger *l, int64_t cell, const struct oqz_ledger_row *row,
                               struct oqz_err *err)
{
	const char *id = row->item_id ? row->item_id : "", *message = row->message ? row->message : "";
	const char *source = row->source ? row->source : "";
	size_t id_size = strlen(id) + 1, message_size = strlen(message) + 1, source_size = strlen(source) + 1,
	       errors_size, bytes;

	if (!oqz_size_mul(row->n_errors, sizeof *row->errors, &errors_size) ||
	    !oqz_size_add(sizeof(struct oqz_ledger_entry) + id_size + message_size + source_size, errors_size,
	                  &bytes) ||
	    !oqz_size_add(bytes, row->record_size, &bytes))
		return oqz_err_nomem(err, "a row of the ledger", SIZE_MAX);
	struct oqz_ledger_entry *e = malloc(bytes);
	if (!e)
		return oqz_err_nomem(err, "a row of the ledger", bytes);
	uint8_t *at = e->payload;
	e->next = NULL;
	e->cell = cell;
	e->bytes = bytes;
	e->row = *row;
	e->row.errors = append(&at, row->errors, errors_size); /* first: the payload is aligned for doubles */
	e->row.record = append(&at, row->record, row->record_size);
	e->row.item_id = append(&at, id, id_size);
	e->row.message = append(&at, message, message_size);
	e->row.source = append(&at, source, source_size);
	return enqueue(l, e, err);
}

enum oqz_status oqz_ledger_flush(struct oqz_ledger *l, struct oqz_err *err)
{
	OQZ_HOLD(&l->queue_lock);
	const uint64_t upto = l->put;

	while (l->running && l->committed < upto && l->failure.code == OQZ_OK)
		pthread_cond_wait(&l->less, &l->queue_lock);
	if (l->failure.code != OQZ_OK)
		OQZ_FAIL(err, l->failure.code, "%s", l->failure.msg);
	return OQZ_OK;
}
