/* SPDX-License-Identifier: Apache-2.0
 *
 * Seeded random numbers, equal on every machine: SplitMix64 (Steele, Lea, Flood 2014). For tests, bootstrap
 * resampling and `--random` inputs; nothing in the program draws from the system's randomness.
 */
#ifndef OQZ_BASE_RNG_H
#define OQZ_BASE_RNG_H

#include <stdint.h>

struct oqz_rng {
	uint64_t state;
};

static inline void oqz_rng_init(struct oqz_rng *r, uint64_t seed) { r->state = seed; }

/* The next 64 bits. */
static inline uint64_t oqz_rng_u64(struct oqz_rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* Uniform in [0, n), n > 0; multiply-shift (Lemire 2019) without rejection: bias below 2^-32 for n < 2^32. */
static inline uint64_t oqz_rng_below(struct oqz_rng *r, uint64_t n)
{
	return (uint64_t)((unsigned __int128)oqz_rng_u64(r) * n >> 64);
}

/* Uniform in [0, 1) with 53 bits. */
static inline double oqz_rng_f64(struct oqz_rng *r) { return (double)(oqz_rng_u64(r) >> 11) * 0x1p-53; }

/* About normal(0,1): sum of twelve uniforms (Irwin-Hall); no library function whose last bit varies between machines.
 */
static inline double oqz_rng_normal(struct oqz_rng *r)
{
	double s = -6;

	for (int i = 0; i < 12; i++)
		s += oqz_rng_f64(r);
	return s;
}

#endif
