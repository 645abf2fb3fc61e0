/* SPDX-License-Identifier: Apache-2.0
 *
 * Prepared images kept on disk, for the next model of the same preprocessing: reading 600 KB is cheaper than decoding
 * and resizing a photograph. Keyed by what the image holds, the steps and the box that it is cropped by, so a changed
 * file or preset is another entry. Bounded: what comes when the limit is reached is not kept, and nothing is thrown out
 * for it, since a data set is read from beginning to end and the oldest entry is the one that is wanted next.
 */
#ifndef OQZ_RUN_PREPARED_H
#define OQZ_RUN_PREPARED_H

#include "core/image/preprocess.h"
#include "core/run/digests.h"

struct oqz_prepared;

/* In folder `dir`, made when needed; what is there counts against `limit` (bytes). *ret is NULL for a limit of 0.
 * Thread-safe from here on. */
enum oqz_status oqz_prepared_open(const char *dir, int64_t limit, struct oqz_prepared **ret, struct oqz_err *err);
void oqz_prepared_close(struct oqz_prepared *c);
/* Entries that were found and made since it was opened. */
void oqz_prepared_counts(const struct oqz_prepared *c, int64_t *ret_found, int64_t *ret_made);

/* As oqz_preparer_run, from the disk where it is there. `p` is the preparer's list; `hold` is the worker's memory for
 * what was read, freed by the caller in the end. `c` may be NULL. An entry that is damaged, or a disk that is full,
 * costs time and nothing else. */
enum oqz_status oqz_prepared_run(struct oqz_prepared *c, const struct oqz_prepare *p, struct oqz_preparer *w,
                                 struct oqz_digests *digests, const char *image, const double *box, char **hold,
                                 struct oqz_view *ret, struct oqz_geometry *ret_geometry, struct oqz_err *err);

#endif
