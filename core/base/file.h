/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole files: read with a limit, replace atomically. Errors name the path.
 */
#ifndef OQZ_BASE_FILE_H
#define OQZ_BASE_FILE_H

#include "core/base/err.h"
#include <stddef.h>

struct oqz_arena;

/* Reads a file of at most `limit` bytes. *ret_data is malloc'ed (the caller frees it) and followed by a NUL byte that
 * is not counted. "-" reads standard input. A directory, or a file larger than the limit, is an error. */
enum oqz_status oqz_file_read(const char *path, size_t limit, char **ret_data, size_t *ret_size, struct oqz_err *err);

/* Writes path.tmp, flushes it to disk and renames it over path: readers see the old or the new file, never a part.
 * "-" writes to standard output. */
enum oqz_status oqz_file_write(const char *path, const void *data, size_t size, struct oqz_err *err);

/* Like mkdir -p. */
enum oqz_status oqz_mkdirs(const char *path, struct oqz_err *err);

/* `path` as seen from directory `dir`: unchanged when absolute or dir is NULL or empty. NULL when out of memory. */
char *oqz_path_join(struct oqz_arena *a, const char *dir, const char *path);
/* Directory part of a path ("." if none); last component. */
char *oqz_path_dir(struct oqz_arena *a, const char *path);
const char *oqz_path_base(const char *path);

#endif
