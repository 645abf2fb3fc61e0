/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger: what a run has measured so far, image by image, in one SQLite file (WAL mode). Results are a function of
 * it, so a run that was killed goes on where it stopped, shards merge, and a report needs nothing else.
 *
 * A job is one model with all its schemes on one data set; its key is a digest over everything that determines its
 * numbers (the caller makes it), so a changed manifest finds nothing of the old numbers. Lane 0 is float, lane k scheme
 * k of the job. An item's lanes are stored in one transaction: an item is there whole or not at all.
 *
 * Threads: every function may be called from any thread. Items go through a queue to one writer thread, which commits
 * whatever has gathered; a kill loses at most what is in the queue. Open after fork(): a handle must not cross it.
 * Errors: OQZ_E_DATA the file is damaged or not a ledger, OQZ_E_IO disk full, no permission, in use, OQZ_E_NOENT,
 * OQZ_E_UNSUPPORTED written by a newer program, OQZ_E_MISMATCH (merge). Messages name the file.
 */
#ifndef OQZ_RESULT_LEDGER_H
#define OQZ_RESULT_LEDGER_H

#include "core/base/err.h"
#include "core/metric/error_sums.h"
#include <stdint.h>

struct oqz_ledger;

enum oqz_ledger_mode {
	OQZ_LEDGER_READ,  /* must exist; works in read-only folders */
	OQZ_LEDGER_WRITE, /* made if absent; refused while another run holds the lock */
	OQZ_LEDGER_JOIN,  /* as WRITE without taking the lock: for worker processes of the run that holds it */
};

enum oqz_status oqz_ledger_open(const char *path, enum oqz_ledger_mode mode, struct oqz_ledger **ret,
                                struct oqz_err *err);
/* Writes what is queued and closes. The status is that of the last writes; the handle is gone in any case. NULL is
 * legal. */
enum oqz_status oqz_ledger_close(struct oqz_ledger *l, struct oqz_err *err);
/* Returns when everything put so far is committed. */
enum oqz_status oqz_ledger_flush(struct oqz_ledger *l, struct oqz_err *err);

/* The lock alone, for the process that starts workers with OQZ_LEDGER_JOIN: held until unlock or the end of the process
 * and its children. Refused with OQZ_E_IO while another run holds it. */
enum oqz_status oqz_ledger_lock(const char *path, int *ret_fd, struct oqz_err *err);
void oqz_ledger_unlock(int fd);

/* ---- jobs */

/* Finds the job or makes it. `model` is for people. */
enum oqz_status oqz_ledger_job(struct oqz_ledger *l, const char *key, const char *model, int64_t *ret_job,
                               struct oqz_err *err);
/* OQZ_E_NOENT when the ledger has no such job. */
enum oqz_status oqz_ledger_find_job(struct oqz_ledger *l, const char *key, int64_t *ret_job, struct oqz_err *err);
/* All jobs in order of their making. Strings are borrowed for the call. */
typedef enum oqz_status oqz_ledger_job_fn(void *ctx, int64_t job, const char *key, const char *model,
                                          struct oqz_err *err);
enum oqz_status oqz_ledger_each_job(struct oqz_ledger *l, oqz_ledger_job_fn *fn, void *ctx, struct oqz_err *err);

/* Named data of a job, or of the ledger as a whole (job 0): "meta" (JSON), "plan/<scheme>", "calibration/<...>".
 * Written and committed at once; replaces what was there. */
enum oqz_status oqz_ledger_set_note(struct oqz_ledger *l, int64_t job, const char *name, const void *data, size_t size,
                                    struct oqz_err *err);
/* *ret is malloc'ed and followed by a NUL; OQZ_E_NOENT when absent. ret_size may be NULL. */
enum oqz_status oqz_ledger_get_note(struct oqz_ledger *l, int64_t job, const char *name, char **ret, size_t *ret_size,
                                    struct oqz_err *err);

/* ---- items */

/* What one lane left behind for one item. Arrays have n_layers entries; `local` may be NULL. All is copied. */
struct oqz_ledger_lane {
	const void *record; /* the task's record; may be empty */
	size_t record_size;
	const struct oqz_error_sums *cumulative, *local;
	size_t n_layers;
};

/* Queues all lanes of an item (its position in the data set). A failure of the writer is reported by the next call.
 * Waits while the queue is long. A former failure of the item is forgotten. */
enum oqz_status oqz_ledger_put_item(struct oqz_ledger *l, int64_t job, int64_t item,
                                    const struct oqz_ledger_lane *lanes, size_t n_lanes, struct oqz_err *err);
/* Queues that an item failed, and why. */
enum oqz_status oqz_ledger_put_failure(struct oqz_ledger *l, int64_t job, int64_t item, enum oqz_status code,
                                       const char *message, struct oqz_err *err);

enum { OQZ_ITEM_ABSENT = 0, OQZ_ITEM_DONE = 1, OQZ_ITEM_FAILED = 2 };
/* Sets state[0..n) for items 0..n-1 (what is queued is written first). Items beyond n are ignored. */
enum oqz_status oqz_ledger_states(struct oqz_ledger *l, int64_t job, unsigned char *state, size_t n,
                                  struct oqz_err *err);

/* Calls fn for each stored item of a lane, in item order. Data are borrowed for the call; fn must not use this ledger.
 * A negative return stops and is passed on. Rows whose checksum is wrong are OQZ_E_DATA. */
typedef enum oqz_status oqz_ledger_item_fn(void *ctx, int64_t item, const struct oqz_ledger_lane *lane,
                                           struct oqz_err *err);
enum oqz_status oqz_ledger_each_item(struct oqz_ledger *l, int64_t job, int64_t lane, oqz_ledger_item_fn *fn, void *ctx,
                                     struct oqz_err *err);
/* The failed items of a job in item order. */
typedef enum oqz_status oqz_ledger_failure_fn(void *ctx, int64_t at, enum oqz_status code, const char *message,
                                              struct oqz_err *err);
enum oqz_status oqz_ledger_each_failure(struct oqz_ledger *l, int64_t job, oqz_ledger_failure_fn *fn, void *ctx,
                                        struct oqz_err *err);

/* ---- cells: a scheme (lane) of a job that failed or was skipped as a whole */

enum oqz_status oqz_ledger_set_cell(struct oqz_ledger *l, int64_t job, int64_t lane, enum oqz_status code,
                                    const char *message, struct oqz_err *err);
enum oqz_status oqz_ledger_clear_cell(struct oqz_ledger *l, int64_t job, int64_t lane, struct oqz_err *err);
/* `at` is the lane. */
enum oqz_status oqz_ledger_each_cell(struct oqz_ledger *l, int64_t job, oqz_ledger_failure_fn *fn, void *ctx,
                                     struct oqz_err *err);

/* ---- shards */

/* Adds all that another ledger holds. What both hold must be equal byte for byte, else OQZ_E_MISMATCH names the model
 * and the item and nothing is changed. A failed item yields to a measured one. */
enum oqz_status oqz_ledger_merge(struct oqz_ledger *l, const char *from, struct oqz_err *err);

#endif
