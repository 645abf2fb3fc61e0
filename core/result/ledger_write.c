/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of an item into the ledger: copied into an entry, queued, committed by the writer thread together with
 * whatever else is waiting. Under load batches form by themselves; without load an item is on its way to the disk at
 * once.
 */
#include "core/result/ledger_impl.h"
#include "core/base/checked.h"

#include <string.h>

static const size_t max_queued = (size_t)64 << 20; /* bytes; then put waits */

struct part {
	size_t record, errors; /* bytes of the two blobs */
};

struct oqz_ledger_entry {
	struct oqz_ledger_entry *next;
	int64_t job, item;
	enum oqz_status code; /* OQZ_OK: lanes follow; else a failure with its message */
	size_t n, bytes;
	struct part parts[]; /* [n], then for each its record and its errors; or the message with its NUL */
};

static uint8_t *payload(struct oqz_ledger_entry *e) { return (uint8_t *)(e->parts + e->n); }

/* ---------------------------------------------------------------------------------------------------- the writer */

struct statements {
	sqlite3_stmt *record, *fail, *unfail;
};

static enum oqz_status write_entry(struct oqz_ledger *l, const struct statements *s, struct oqz_ledger_entry *e,
                                   struct oqz_err *err)
{
	const uint8_t *p = payload(e);

	if (e->code != OQZ_OK) {
		sqlite3_bind_int64(s->fail, 1, e->job);
		sqlite3_bind_int64(s->fail, 2, e->item);
		sqlite3_bind_int(s->fail, 3, e->code);
		sqlite3_bind_text(s->fail, 4, (const char *)p, -1, SQLITE_STATIC);
		return oqz_ledger_step(l, s->fail, err);
	}
	for (size_t lane = 0; lane < e->n; lane++) {
		const uint8_t *errors = p + e->parts[lane].record;
		sqlite3_bind_int64(s->record, 1, e->job);
		sqlite3_bind_int64(s->record, 2, (int64_t)lane);
		sqlite3_bind_int64(s->record, 3, e->item);
		sqlite3_bind_blob64(s->record, 4, p, e->parts[lane].record, SQLITE_STATIC);
		sqlite3_bind_blob64(s->record, 5, errors, e->parts[lane].errors, SQLITE_STATIC);
		sqlite3_bind_int64(s->record, 6,
		                   oqz_ledger_sum(p, e->parts[lane].record, errors, e->parts[lane].errors));
		OQZ_TRY(oqz_ledger_step(l, s->record, err));
		p = errors + e->parts[lane].errors;
	}
	sqlite3_bind_int64(s->unfail, 1, e->job);
	sqlite3_bind_int64(s->unfail, 2, e->item);
	return oqz_ledger_step(l, s->unfail, err);
}

static enum oqz_status write_all(struct oqz_ledger *l, const struct statements *s, struct oqz_ledger_entry *e,
                                 struct oqz_err *err)
{
	for (; e; e = e->next)
		OQZ_TRY(write_entry(l, s, e, err));
	return OQZ_OK;
}

/* One transaction for the whole list: all of it or nothing. */
static enum oqz_status commit(struct oqz_ledger *l, struct oqz_ledger_entry *list, struct oqz_err *err)
{
	OQZ_HOLD(&l->db_lock);
	OQZ_STMT *record = NULL, *fail = NULL, *unfail = NULL;

	OQZ_TRY(oqz_ledger_prepare(
	    l, "INSERT OR REPLACE INTO record(job, lane, item, data, errors, sum) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	    &record, err));
	OQZ_TRY(oqz_ledger_prepare(l, "INSERT OR REPLACE INTO failure(job, item, code, message) VALUES(?1, ?2, ?3, ?4)",
	                           &fail, err));
	OQZ_TRY(oqz_ledger_prepare(l, "DELETE FROM failure WHERE job = ?1 AND item = ?2", &unfail, err));
	const struct statements s = { record, fail, unfail };
	OQZ_TRY(oqz_ledger_exec(l, "BEGIN IMMEDIATE", err));
	enum oqz_status st = write_all(l, &s, list, err);
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

/* The errors blob: cumulative sums of all layers, then the local ones if there are any. Their number follows from the
 * size and a leading flag, so the head is one 8-byte word: layers << 1 | has local. */
static size_t errors_bytes(const struct oqz_ledger_lane *lane)
{
	return lane->n_layers ? 8 + lane->n_layers * sizeof(struct oqz_error_sums) * (lane->local ? 2 : 1) : 0;
}

static uint8_t *put_errors(uint8_t *p, const struct oqz_ledger_lane *lane)
{
	const uint64_t head = (uint64_t)lane->n_layers << 1 | (lane->local != NULL);
	const size_t n = lane->n_layers * sizeof(struct oqz_error_sums);

	if (!lane->n_layers)
		return p;
	memcpy(p, &head, 8);
	memcpy(p + 8, lane->cumulative, n);
	if (lane->local)
		memcpy(p + 8 + n, lane->local, n);
	return p + errors_bytes(lane);
}

enum oqz_status oqz_ledger_put_item(struct oqz_ledger *l, int64_t job, int64_t item,
                                    const struct oqz_ledger_lane *lanes, size_t n_lanes, struct oqz_err *err)
{
	size_t bytes = sizeof(struct oqz_ledger_entry) + n_lanes * sizeof(struct part);

	for (size_t i = 0; i < n_lanes; i++)
		if (!oqz_size_add(bytes, lanes[i].record_size, &bytes) ||
		    !oqz_size_add(bytes, errors_bytes(&lanes[i]), &bytes))
			return oqz_err_nomem(err, "a record", SIZE_MAX);
	struct oqz_ledger_entry *e = malloc(bytes);
	if (!e)
		return oqz_err_nomem(err, "a record", bytes);
	*e = (struct oqz_ledger_entry) { .job = job, .item = item, .n = n_lanes, .bytes = bytes };
	uint8_t *p = payload(e);
	for (size_t i = 0; i < n_lanes; i++) {
		e->parts[i] = (struct part) { lanes[i].record_size, errors_bytes(&lanes[i]) };
		if (lanes[i].record_size)
			memcpy(p, lanes[i].record, lanes[i].record_size);
		p = put_errors(p + lanes[i].record_size, &lanes[i]);
	}
	return enqueue(l, e, err);
}

enum oqz_status oqz_ledger_put_failure(struct oqz_ledger *l, int64_t job, int64_t item, enum oqz_status code,
                                       const char *message, struct oqz_err *err)
{
	size_t size = strlen(message) + 1, bytes = sizeof(struct oqz_ledger_entry) + size;
	struct oqz_ledger_entry *e = malloc(bytes);

	if (!e)
		return oqz_err_nomem(err, "a failure's message", bytes);
	*e = (struct oqz_ledger_entry) { .job = job, .item = item, .code = code, .bytes = bytes };
	memcpy(payload(e), message, size);
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
