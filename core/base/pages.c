/* SPDX-License-Identifier: Apache-2.0
 *
 * See pages.h. Only whole huge pages are asked for, so that a block never takes more memory than its size; a system
 * that refuses gives ordinary pages.
 */
#include "core/base/pages.h"
#include "core/base/checked.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

void *oqz_pages_alloc(size_t bytes)
{
	size_t size = oqz_align_up(bytes ? bytes : 1, OQZ_PAGES_ALIGN);
	void *p;

	if (posix_memalign(&p, size >= HUGE_PAGE ? HUGE_PAGE : OQZ_PAGES_ALIGN, size) != 0)
		return NULL;
#ifdef MADV_HUGEPAGE
	if (size >= HUGE_PAGE)
		madvise(p, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
	return memset(p, 0, size);
}
