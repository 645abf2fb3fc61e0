/* SPDX-License-Identifier: Apache-2.0
 *
 * A few threads that work together on many small pieces, one after another: the lanes of one image. Unlike a pool
 * (pool.h) they stay between calls, since a call lasts microseconds to milliseconds.
 */
#ifndef OQZ_RUN_TEAM_H
#define OQZ_RUN_TEAM_H

#include <stddef.h>

struct oqz_team;

/* `members` threads, the caller among them; fewer where the system refuses more (slower, not wrong). NULL: out of
 * memory. */
struct oqz_team *oqz_team_new(int members);
void oqz_team_free(struct oqz_team *t);

/* Calls piece(ctx, i) for each i below n, each on some member, and returns when all have returned. What a piece does
 * must not depend on the others of the same call. A NULL team is the caller alone. */
void oqz_team_run(struct oqz_team *t, size_t n, void (*piece)(void *ctx, size_t i), void *ctx);

#endif
