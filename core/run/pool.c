/* SPDX-License-Identifier: Apache-2.0
 *
 * The pool: an atomic counter hands out units, a mutex keeps the first error. Threads live for one call; making them
 * costs microseconds against seconds of work, and no idle pool has to survive fork().
 */
#define _GNU_SOURCE /* sched_getaffinity */
#include "core/run/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

struct shared {
	const struct oqz_pool_job *job;
	atomic_size_t next;
	atomic_int failed;
	pthread_mutex_t lock;
	struct oqz_err err; /* the first failure, under lock */
};

struct worker {
	struct shared *s;
	int number;
	pthread_t thread;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct shared *s = w->s;

	while (!atomic_load(&s->failed) && !(s->job->stop && *s->job->stop)) {
		struct oqz_err err = { 0 };
		size_t unit = atomic_fetch_add(&s->next, 1);
		if (unit >= s->job->n_units)
			break;
		enum oqz_status st = s->job->unit(s->job->ctx, w->number, unit, &err);
		if (st == OQZ_OK)
			continue;
		pthread_mutex_lock(&s->lock);
		if (!atomic_exchange(&s->failed, 1)) {
			s->err = err;
			s->err.code = st;
		}
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

enum oqz_status oqz_pool_run(const struct oqz_pool_job *job, int n_threads, struct oqz_err *err)
{
	struct shared s = { .job = job, .lock = PTHREAD_MUTEX_INITIALIZER };
	OQZ_CLEANUP_FREE struct worker *workers = calloc((size_t)n_threads, sizeof *workers);
	int started = 1;

	if (!workers)
		return oqz_err_nomem(err, "worker threads", (size_t)n_threads);
	workers[0] = (struct worker) { .s = &s };
	for (; started < n_threads; started++) {
		workers[started] = (struct worker) { .s = &s, .number = started };
		if (pthread_create(&workers[started].thread, NULL, work, &workers[started]) != 0)
			break; /* fewer threads: slower, not wrong */
	}
	work(&workers[0]);
	for (int i = 1; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	if (atomic_load(&s.failed)) {
		if (err)
			*err = s.err;
		return s.err.code;
	}
	if (job->stop && *job->stop)
		OQZ_FAIL(err, OQZ_E_INTERRUPTED, "interrupted");
	return OQZ_OK;
}

int oqz_cpu_count(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
		return CPU_COUNT(&set);
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 ? (int)n : 1;
}
