/* SPDX-License-Identifier: Apache-2.0
 *
 * Arena of chained blocks. Blocks double up to 1 MiB, so that a small graph stays small and a large one needs few
 * calls; a request larger than a block gets a block of its own.
 */
#include "core/base/arena.h"
#include "core/base/checked.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { ALIGN = 16, FIRST_BLOCK = 4096, MAX_BLOCK = 1 << 20 };

struct block {
	struct block *next;
	size_t size, used;
	_Alignas(ALIGN) unsigned char data[];
};

struct oqz_arena {
	struct block *head;
	size_t next_size;
};

struct oqz_arena *oqz_arena_new(void)
{
	struct oqz_arena *a = calloc(1, sizeof *a);

	if (a)
		a->next_size = FIRST_BLOCK;
	return a;
}

void oqz_arena_free(struct oqz_arena *a)
{
	if (!a)
		return;
	for (struct block *b = a->head, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

void *oqz_arena_alloc(struct oqz_arena *a, size_t size)
{
	if (size > SIZE_MAX / 2)
		return NULL;
	size = oqz_align_up(size ? size : 1, ALIGN);
	struct block *b = a->head;
	if (!b || b->size - b->used < size) {
		size_t want = size > a->next_size ? size : a->next_size;
		b = calloc(1, sizeof *b + want);
		if (!b)
			return NULL;
		b->size = want;
		b->next = a->head;
		a->head = b;
		if (a->next_size < MAX_BLOCK)
			a->next_size *= 2;
	}
	void *p = b->data + b->used;
	b->used += size;
	return p;
}

void *oqz_arena_calloc(struct oqz_arena *a, size_t n, size_t size)
{
	size_t bytes;

	return oqz_size_mul(n, size, &bytes) ? oqz_arena_alloc(a, bytes) : NULL;
}

void *oqz_arena_dup(struct oqz_arena *a, const void *p, size_t size)
{
	void *copy = oqz_arena_alloc(a, size);

	if (copy && size)
		memcpy(copy, p, size);
	return copy;
}

char *oqz_arena_strndup(struct oqz_arena *a, const char *s, size_t n)
{
	char *copy = n < SIZE_MAX ? oqz_arena_alloc(a, n + 1) : NULL;

	if (copy && n)
		memcpy(copy, s, n);
	return copy;
}

char *oqz_arena_strdup(struct oqz_arena *a, const char *s) { return oqz_arena_strndup(a, s, strlen(s)); }

char *oqz_arena_vprintf(struct oqz_arena *a, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	char *s = n < 0 ? NULL : oqz_arena_alloc(a, (size_t)n + 1);
	if (s)
		vsnprintf(s, (size_t)n + 1, fmt, ap);
	return s;
}

char *oqz_arena_printf(struct oqz_arena *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *s = oqz_arena_vprintf(a, fmt, ap);
	va_end(ap);
	return s;
}
