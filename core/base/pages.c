/* SPDX-License-Identifier: Apache-2.0
 *
 * See pages.h. Only whole huge pages are asked for, so that a block never takes more memory than its size; a system
 * that refuses gives ordinary pages. Blocks of less lie side by side in chunks of a few, which are given back when the
 * last of them is: those of one model come and go together.
 */
#include "core/base/pages.h"
#include "core/base/checked.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20, CHUNK = 4 * HUGE_PAGE };

/* At the beginning of its memory. */
struct chunk {
	size_t used, blocks; /* bytes from the beginning on; blocks that are not released */
};

/* In front of a block of oqz_pages_share(). */
struct header {
	struct chunk *chunk; /* NULL: a block alone */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct chunk *open_chunk; /* which is filled at present; NULL: none */

/* Not zeroed. */
static void *aligned(size_t size)
{
	void *p;

	if (posix_memalign(&p, size >= HUGE_PAGE ? HUGE_PAGE : OQZ_PAGES_ALIGN, size) != 0)
		return NULL;
#ifdef MADV_HUGEPAGE
	if (size >= HUGE_PAGE)
		madvise(p, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
	return p;
}

void *oqz_pages_alloc(size_t bytes)
{
	size_t size = oqz_align_up(bytes ? bytes : 1, OQZ_PAGES_ALIGN);
	void *p = aligned(size);

	return p ? memset(p, 0, size) : NULL;
}

/* Room in the open chunk, or in a new one. Called with the lock held. */
static struct header *carve(size_t size)
{
	if (!open_chunk || CHUNK - open_chunk->used < size) {
		struct chunk *c = aligned(CHUNK);
		if (!c)
			return NULL;
		*c = (struct chunk) { .used = OQZ_PAGES_ALIGN };
		open_chunk = c;
	}
	struct header *h = (struct header *)((char *)open_chunk + open_chunk->used);
	open_chunk->used += size;
	open_chunk->blocks++;
	h->chunk = open_chunk;
	return h;
}

/* The address sanitizer sees overruns of blocks that are alone. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
enum { SHARED = 1 }; /* no size is below */
#else
enum { SHARED = HUGE_PAGE };
#endif

void *oqz_pages_share(size_t bytes)
{
	size_t size;
	struct header *h;

	if (!oqz_size_add(bytes, 2 * OQZ_PAGES_ALIGN, &size))
		return NULL;
	size = size / OQZ_PAGES_ALIGN * OQZ_PAGES_ALIGN;
	if (size < SHARED) {
		pthread_mutex_lock(&lock);
		h = carve(size);
		pthread_mutex_unlock(&lock);
	} else {
		h = aligned(size);
		if (h)
			h->chunk = NULL;
	}
	return h ? memset((char *)h + OQZ_PAGES_ALIGN, 0, size - OQZ_PAGES_ALIGN) : NULL;
}

void oqz_pages_release(void *p)
{
	if (!p)
		return;
	struct header *h = (struct header *)((char *)p - OQZ_PAGES_ALIGN);
	void *memory = h->chunk ? NULL : h;
	if (h->chunk) {
		pthread_mutex_lock(&lock);
		if (--h->chunk->blocks == 0) {
			memory = h->chunk;
			open_chunk = open_chunk == h->chunk ? NULL : open_chunk;
		}
		pthread_mutex_unlock(&lock);
	}
	free(memory);
}
