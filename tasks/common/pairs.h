/* SPDX-License-Identifier: Apache-2.0
 *
 * Two folders whose files belong together by name: label maps and predictions, originals and enlarged images.
 */
#ifndef COMMON_PAIRS_H
#define COMMON_PAIRS_H

#include "tasks/common/common.h"

/* Calls `each` for every file below `truths` with the file below `found` that has the same stem: the base name without
 * extension and without any of the endings (NULL-terminated). In the order of stems; *ret_n is their number. A file
 * without its partner below `found`, two files of one stem in a folder and an empty folder are errors; surplus files
 * below `found` are left alone. */
enum oqz_status common_pairs(const struct oqz_host *h, const char *truths, const char *found,
                             const char *const *suffixes, const char *const *endings,
                             enum oqz_status (*each)(void *ctx, const char *truth, const char *found), void *ctx,
                             size_t *ret_n, struct oqz_failure *f);

#endif
