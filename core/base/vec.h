/* SPDX-License-Identifier: Apache-2.0
 *
 * Growing arrays. OQZ_VEC(T) declares { T *v; size_t n, cap; }; an all-zero value is empty.
 *
 *	OQZ_VEC(int) xs = {0};
 *	if (!oqz_vec_push(&xs, 3)) return oqz_err_nomem(...);
 *	for (size_t i = 0; i < xs.n; i++) use(xs.v[i]);
 *	oqz_vec_release(&xs);
 */
#ifndef OQZ_BASE_VEC_H
#define OQZ_BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define OQZ_VEC(T)             \
	struct {               \
		T *v;          \
		size_t n, cap; \
	}

/* Makes room for one more element of `size` bytes; false when out of memory (nothing changes then). */
static inline bool oqz_vec_grow_(void **v, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return true;
	size_t want = *cap ? *cap * 2 : 8;
	if (want < *cap || want > SIZE_MAX / size)
		return false;
	void *p = realloc(*v, want * size);
	if (!p)
		return false;
	*v = p;
	*cap = want;
	return true;
}

#define oqz_vec_push(vec, item)                                                     \
	(oqz_vec_grow_((void **)&(vec)->v, (vec)->n, &(vec)->cap, sizeof *(vec)->v) \
	     ? ((vec)->v[(vec)->n++] = (item), true)                                \
	     : false)

#define oqz_vec_release(vec)               \
	do {                               \
		free((vec)->v);            \
		(vec)->v = NULL;           \
		(vec)->n = (vec)->cap = 0; \
	} while (0)

#endif
