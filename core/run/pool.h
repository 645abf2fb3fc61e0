/* SPDX-License-Identifier: Apache-2.0
 *
 * Worker threads over numbered units of work. Units are handed out in order; which worker gets which is not determined,
 * so nothing may depend on it. The first failure stops the handing out and is reported.
 */
#ifndef OQZ_RUN_POOL_H
#define OQZ_RUN_POOL_H

#include "core/base/err.h"
#include <signal.h>

struct oqz_pool_job {
	size_t n_units;
	void *ctx;
	/* Runs one unit on worker `worker` (0-based). A failure stops the pool. */
	enum oqz_status (*unit)(void *ctx, int worker, size_t unit, struct oqz_err *err);
	/* Non-zero: stop handing out (SIGINT); the pool then returns OQZ_E_INTERRUPTED. May be NULL. */
	const volatile sig_atomic_t *stop;
};

/* Runs all units on `n_threads` threads (1: on the calling thread). Returns when all threads are done. */
enum oqz_status oqz_pool_run(const struct oqz_pool_job *job, int n_threads, struct oqz_err *err);

/* Processors this process may use. */
int oqz_cpu_count(void);

#endif
