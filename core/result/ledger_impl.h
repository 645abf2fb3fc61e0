/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to core/result: the ledger's inside. One connection, used under db_lock; one queue, used under queue_lock.
 * The writer takes the queue's lock only to fetch entries, so putting never waits for the disk unless the queue is
 * full.
 */
#ifndef OQZ_RESULT_LEDGER_IMPL_H
#define OQZ_RESULT_LEDGER_IMPL_H

#include "core/result/ledger.h"
#include <pthread.h>
#include <sqlite3.h>

struct oqz_ledger_entry;

struct oqz_ledger {
	sqlite3 *db;
	char *path;
	bool writable;
	pthread_mutex_t db_lock, queue_lock;
	pthread_cond_t more, less; /* entries came; entries went (or the writer failed) */
	struct oqz_ledger_entry *first, **last;
	size_t queued_bytes;
	uint64_t put, committed; /* entries so far */
	bool stop, running;
	struct oqz_err failure; /* of the writer; sticks */
	pthread_t writer;
};

/* Turns SQLite's last error into one of ours. `doing` completes "<path>: <doing>: ...". */
enum oqz_status oqz_ledger_fail(struct oqz_ledger *l, int rc, const char *doing, struct oqz_err *err);
/* One statement or several without results; the caller holds db_lock. */
enum oqz_status oqz_ledger_exec(struct oqz_ledger *l, const char *sql, struct oqz_err *err);
/* Prepares; *ret is finalized by the caller. */
enum oqz_status oqz_ledger_prepare(struct oqz_ledger *l, const char *sql, sqlite3_stmt **ret, struct oqz_err *err);
/* Steps a statement that gives no rows and resets it. */
enum oqz_status oqz_ledger_step(struct oqz_ledger *l, sqlite3_stmt *st, struct oqz_err *err);

/* Checksums of a row and of a blob. Absent strings count as empty. */
int64_t oqz_ledger_row_sum(const struct oqz_ledger_row *row);
int64_t oqz_ledger_blob_sum(const void *data, size_t size);

/* Starts, and drains and stops, the writer thread. */
enum oqz_status oqz_ledger_writer_start(struct oqz_ledger *l, struct oqz_err *err);
void oqz_ledger_writer_stop(struct oqz_ledger *l);

static inline void oqz_stmt_cleanup(sqlite3_stmt **st) { sqlite3_finalize(*st); }
#define OQZ_STMT OQZ_CLEANUP(oqz_stmt_cleanup) sqlite3_stmt

/* Holds a mutex until the end of the scope. */
static inline void oqz_unlock_cleanup(pthread_mutex_t **m) { pthread_mutex_unlock(*m); }
#define OQZ_HOLD(mutex)                                                   \
	OQZ_CLEANUP(oqz_unlock_cleanup) pthread_mutex_t *hold_ = (mutex); \
	pthread_mutex_lock(hold_)

#endif
