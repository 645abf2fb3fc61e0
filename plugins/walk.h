/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of a data set's folder in a fixed order; struct oqz_host's walk() and list_dirs() are these.
 */
#ifndef OQZ_PLUGINS_WALK_H
#define OQZ_PLUGINS_WALK_H

#include "core/base/err.h"

typedef enum oqz_status oqz_walk_fn(void *ctx, const char *name);

/* As described at struct oqz_host. A status that `each` returns is passed on as it is; `err` is then left alone. */
enum oqz_status oqz_walk(const char *root, const char *const *suffixes, oqz_walk_fn *each, void *ctx,
                         struct oqz_err *err);
enum oqz_status oqz_list_dirs(const char *root, oqz_walk_fn *each, void *ctx, struct oqz_err *err);

#endif
