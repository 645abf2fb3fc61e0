/* SPDX-License-Identifier: Apache-2.0
 *
 * Checked size arithmetic: every size that comes from a file goes through here before it is believed.
 */
#ifndef OQZ_BASE_CHECKED_H
#define OQZ_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *ret = a * b (a + b); false, *ret untouched, when it does not fit. */
static inline bool oqz_size_mul(size_t a, size_t b, size_t *ret)
{
	size_t r;

	if (__builtin_mul_overflow(a, b, &r))
		return false;
	*ret = r;
	return true;
}

static inline bool oqz_size_add(size_t a, size_t b, size_t *ret)
{
	size_t r;

	if (__builtin_add_overflow(a, b, &r))
		return false;
	*ret = r;
	return true;
}

/* The same for the signed 64-bit numbers that tensor shapes are made of. */
static inline bool oqz_i64_mul(int64_t a, int64_t b, int64_t *ret)
{
	int64_t r;

	if (__builtin_mul_overflow(a, b, &r))
		return false;
	*ret = r;
	return true;
}

static inline bool oqz_i64_add(int64_t a, int64_t b, int64_t *ret)
{
	int64_t r;

	if (__builtin_add_overflow(a, b, &r))
		return false;
	*ret = r;
	return true;
}

/* Smallest multiple of `align` (a power of two) that is >= n; the caller knows that n is far from SIZE_MAX. */
static inline size_t oqz_align_up(size_t n, size_t align) { return (n + align - 1) & ~(align - 1); }

/* Room for `bytes` behind what *total counts, in multiples of 64: its place goes to *ret_at. False when the sum cannot
 * be had. */
static inline bool oqz_size_take(size_t *total, size_t bytes, size_t *ret_at)
{
	size_t more;

	*ret_at = *total;
	return oqz_size_add(bytes, 63, &more) && oqz_size_add(*total, more / 64 * 64, total);
}

#endif
