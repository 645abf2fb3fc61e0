/* SPDX-License-Identifier: Apache-2.0
 *
 * Room for the scales and zero points of a plan's answer, which grows. Included by plugins; inline.
 */
#ifndef OQZ_QUANTIZERS_SCALES_H
#define OQZ_QUANTIZERS_SCALES_H

#include <oqz/quantizer.h>

/* All-zero is empty. */
struct scales {
	float *scale;
	int32_t *zero;
	size_t room;
};

/* Room for n of both, contents undefined. */
static inline enum oqz_status scales_reserve(struct scales *s, const struct oqz_host *h, size_t n,
                                             struct oqz_failure *f)
{
	if (n <= s->room)
		return OQZ_OK;
	h->free_mem(s->scale);
	h->free_mem(s->zero);
	s->scale = h->alloc(n * sizeof *s->scale);
	s->zero = h->alloc(n * sizeof *s->zero);
	s->room = s->scale && s->zero ? n : 0;
	return s->room ? OQZ_OK : h->fail(f, OQZ_E_NOMEM, "out of memory for %zu scales", n);
}

static inline void scales_release(struct scales *s, const struct oqz_host *h)
{
	h->free_mem(s->scale);
	h->free_mem(s->zero);
}

#endif
