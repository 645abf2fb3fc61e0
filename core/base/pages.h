/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory for numbers that are streamed through: activations, packed weights.
 */
#ifndef OQZ_BASE_PAGES_H
#define OQZ_BASE_PAGES_H

#include <stddef.h>

enum { OQZ_PAGES_ALIGN = 64 };

/* Zeroed, aligned to 64 bytes, and there at once, not only promised: a run that has begun does not run out of it. Large
 * blocks lie on huge pages where the system has them: fewer faults now, fewer address translations later (weights of
 * 9 MB are more 4 KiB pages than a processor remembers). Released with free(). NULL: out of memory. */
void *oqz_pages_alloc(size_t bytes);

/* The same for many blocks that are read as often as each other and are often smaller than a huge page, as the packed
 * weights of a model's layers: they share huge pages. Released with oqz_pages_release() (NULL is allowed), by any
 * thread. */
void *oqz_pages_share(size_t bytes);
void oqz_pages_release(void *p);

#endif
