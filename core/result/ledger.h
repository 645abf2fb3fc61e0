/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger: what has been computed, per image, in one SQLite file (WAL mode). Numbers are a function of the ledger in
 * image order, so a run that was interrupted anywhere continues and ends with the same bytes.
 *
 * A cell is one lane of one model: (model, float) or (model, scheme). Its key is a SHA-256 over everything that
 * determines its numbers (model, data, preparation, task and parameters, plan, engine, ...): a cell whose key is new
 * starts empty, one whose key is known already keeps its rows, whatever else changed in the manifest. A row is one
 * image of a cell.
 */
#ifndef OQZ_RESULT_LEDGER_H
#define OQZ_RESULT_LEDGER_H

#include "core/base/err.h"
#include <stdint.h>

struct oqz_ledger;

/* Takes the advisory lock `<dir>/ledger.lock` for this process and its children; *ret_fd is closed to release it.
 * Another run on the same folder, after a second's patience: OQZ_E_USAGE naming it and its process id. Creates the
 * folder if needed. */
enum oqz_status oqz_ledger_lock(const char *dir, int *ret_fd, struct oqz_err *err);

/* Opens (creates) the database. A file that is no ledger, is damaged, or has a newer version: OQZ_E_DATA naming the
 * file; read-only folder, disk full: OQZ_E_IO. The handle must not be used across fork(); each process opens its own.
 */
enum oqz_status oqz_ledger_open(const char *path, bool read_only, struct oqz_ledger **ret, struct oqz_err *err);
/* Commits what is pending and closes; the handle is gone whatever the status says. NULL is legal. */
enum oqz_status oqz_ledger_close(struct oqz_ledger *l, struct oqz_err *err);

/* Finds or creates a cell. `model` and `scheme` ("" for float) are for people; the key alone decides identity. */
enum oqz_status oqz_ledger_cell(struct oqz_ledger *l, const char *key, const char *model, const char *scheme,
                                int64_t *ret_cell, struct oqz_err *err);
/* done[i] = 1 for each item below n that the cell has a row for (others untouched). */
enum oqz_status oqz_ledger_done(struct oqz_ledger *l, int64_t cell, unsigned char *done, size_t n, struct oqz_err *err);

/* Calls `each` with item, status and source ("" when not known) of each row of a cell, in item order. */
enum oqz_status oqz_ledger_sources(struct oqz_ledger *l, int64_t cell,
                                   void (*each)(void *ctx, int64_t item, enum oqz_status status, const char *source),
                                   void *ctx, struct oqz_err *err);

struct oqz_ledger_row {
	int64_t item;           /* index in data set order */
	const char *item_id;    /* its name, for messages and reports */
	enum oqz_status status; /* not OQZ_OK: the image failed, `message` says why; no record */
	const char *message;
	const char *source; /* digests of the files that the row was made from (core/run/digests.h); NULL: not known */
	const void *record; /* the task's record */
	size_t record_size;
	/* Per layer (err2, ref2) cumulative, then the same local if `has_local`; NULL for float. */
	const double *errors;
	size_t n_errors; /* number of doubles */
	bool has_local;
};

/* Adds one row (replacing one of the same item); everything is copied. Thread-safe: rows go through a queue to one
 * writer thread, which commits whatever has gathered, at once. A kill loses only what is in the queue. A failure of the
 * writer is reported by the next call; the queue is bounded, so put may wait. */
enum oqz_status oqz_ledger_put(struct oqz_ledger *l, int64_t cell, const struct oqz_ledger_row *row,
                               struct oqz_err *err);
/* Returns when everything put so far is committed. */
enum oqz_status oqz_ledger_flush(struct oqz_ledger *l, struct oqz_err *err);

/* Calls `each` for the rows of a cell in item order; pointers are valid during the call, in which the ledger must not
 * be used. A negative return stops. A row whose checksum is wrong is OQZ_E_DATA. */
enum oqz_status oqz_ledger_each(struct oqz_ledger *l, int64_t cell,
                                enum oqz_status (*each)(void *ctx, const struct oqz_ledger_row *row,
                                                        struct oqz_err *err),
                                void *ctx, struct oqz_err *err);

/* Named blobs beside the rows: plans, calibration statistics, the last results. Getting an absent one gives *ret NULL.
 * *ret is malloc'ed and followed by a NUL. */
enum oqz_status oqz_ledger_put_blob(struct oqz_ledger *l, const char *name, const void *data, size_t size,
                                    struct oqz_err *err);
enum oqz_status oqz_ledger_get_blob(struct oqz_ledger *l, const char *name, char **ret, size_t *ret_size,
                                    struct oqz_err *err);

/* Adds all that the ledger at `from` holds (a shard). A row that both measured must be equal byte for byte, else
 * OQZ_E_MISMATCH names it and nothing is changed; a failed image yields to a measured one; blobs are taken where this
 * ledger has none. */
enum oqz_status oqz_ledger_merge(struct oqz_ledger *l, const char *from, struct oqz_err *err);

#endif
