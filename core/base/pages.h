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

#endif
