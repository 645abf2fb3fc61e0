/* SPDX-License-Identifier: Apache-2.0
 *
 * See team.h. A call is a generation: members wait for the next one, take pieces by a counter and report. They look a
 * few thousand times before they sleep, as the next call usually follows within microseconds; longer spinning would
 * take the processor from others.
 */
#include "core/run/team.h"
#include "core/base/compiler.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { LOOKS = 4000 };

struct oqz_team {
	pthread_t *threads;
	int n_threads; /* helpers */
	pthread_mutex_t lock;
	pthread_cond_t begin, end;
	atomic_uint generation;
	atomic_int busy; /* helpers that have not finished this generation */
	bool over;
	/* of the call */
	atomic_size_t next;
	size_t n;
	void (*piece)(void *ctx, size_t i);
	void *ctx;
};

static void take_pieces(struct oqz_team *t)
{
	for (size_t i; (i = atomic_fetch_add(&t->next, 1)) < t->n;)
		t->piece(t->ctx, i);
}

static void await_generation(struct oqz_team *t, unsigned seen)
{
	for (int i = 0; i < LOOKS; i++)
		if (atomic_load_explicit(&t->generation, memory_order_acquire) != seen)
			return;
	pthread_mutex_lock(&t->lock);
	while (atomic_load(&t->generation) == seen)
		pthread_cond_wait(&t->begin, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

static void *help(void *arg)
{
	struct oqz_team *t = arg;

	for (unsigned seen = 0;; seen++) {
		await_generation(t, seen);
		if (t->over)
			return NULL;
		take_pieces(t);
		if (atomic_fetch_sub(&t->busy, 1) == 1) {
			pthread_mutex_lock(&t->lock);
			pthread_cond_signal(&t->end);
			pthread_mutex_unlock(&t->lock);
		}
	}
}

static void begin(struct oqz_team *t)
{
	pthread_mutex_lock(&t->lock);
	atomic_fetch_add_explicit(&t->generation, 1, memory_order_release);
	pthread_cond_broadcast(&t->begin);
	pthread_mutex_unlock(&t->lock);
}

struct oqz_team *oqz_team_new(int members)
{
	struct oqz_team *t = calloc(1, sizeof *t);

	if (!t || !(t->threads = calloc((size_t)members, sizeof *t->threads))) {
		free(t);
		return NULL;
	}
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->begin, NULL);
	pthread_cond_init(&t->end, NULL);
	while (t->n_threads + 1 < members && pthread_create(&t->threads[t->n_threads], NULL, help, t) == 0)
		t->n_threads++;
	return t;
}

void oqz_team_free(struct oqz_team *t)
{
	if (!t)
		return;
	t->over = true;
	begin(t);
	for (int i = 0; i < t->n_threads; i++)
		pthread_join(t->threads[i], NULL);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->begin);
	pthread_cond_destroy(&t->end);
	free(t->threads);
	free(t);
}

void oqz_team_run(struct oqz_team *t, size_t n, void (*piece)(void *ctx, size_t i), void *ctx)
{
	if (!t || t->n_threads == 0 || n < 2) {
		for (size_t i = 0; i < n; i++)
			piece(ctx, i);
		return;
	}
	t->n = n;
	t->piece = piece;
	t->ctx = ctx;
	atomic_store(&t->next, 0);
	atomic_store(&t->busy, t->n_threads);
	begin(t);
	take_pieces(t);
	for (int i = 0; i < LOOKS && atomic_load(&t->busy) > 0; i++)
		;
	pthread_mutex_lock(&t->lock);
	while (atomic_load(&t->busy) > 0)
		pthread_cond_wait(&t->end, &t->lock);
	pthread_mutex_unlock(&t->lock);
}
