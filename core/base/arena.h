/* SPDX-License-Identifier: Apache-2.0
 *
 * Arena: many small allocations with one common life time (a graph, a manifest). Memory is zeroed, aligned to 16 bytes
 * and freed all at once. Not thread-safe.
 */
#ifndef OQZ_BASE_ARENA_H
#define OQZ_BASE_ARENA_H

#include "core/base/compiler.h"
#include <stdarg.h>

struct oqz_arena;

/* NULL when out of memory. oqz_arena_free(NULL) does nothing. */
struct oqz_arena *oqz_arena_new(void);
void oqz_arena_free(struct oqz_arena *a);
OQZ_DEFINE_CLEANUP(struct oqz_arena, oqz_arena_free)

/* Zeroed memory, or NULL. A size of 0 gives a valid, distinct pointer. */
void *oqz_arena_alloc(struct oqz_arena *a, size_t size);
/* The same for n elements, overflow checked. */
void *oqz_arena_calloc(struct oqz_arena *a, size_t n, size_t size);
/* A copy of `size` bytes. */
void *oqz_arena_dup(struct oqz_arena *a, const void *p, size_t size);
char *oqz_arena_strdup(struct oqz_arena *a, const char *s);
char *oqz_arena_strndup(struct oqz_arena *a, const char *s, size_t n);
char *oqz_arena_printf(struct oqz_arena *a, const char *fmt, ...) OQZ_PRINTF(2, 3);
char *oqz_arena_vprintf(struct oqz_arena *a, const char *fmt, va_list ap) OQZ_PRINTF(2, 0);

#define OQZ_ARENA_NEW(a, T) ((T *)oqz_arena_alloc((a), sizeof(T)))
#define OQZ_ARENA_NEW_N(a, T, n) ((T *)oqz_arena_calloc((a), (n), sizeof(T)))

#endif
