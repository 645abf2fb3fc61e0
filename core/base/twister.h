/* SPDX-License-Identifier: Apache-2.0
 *
 * The Mersenne Twister MT19937 (Matsumoto, Nishimura 1998), for numbers that must be those of NumPy's
 * RandomState(seed).random_sample() and so of Python's random.random(). Whatever need not agree with others uses rng.h.
 */
#ifndef OQZ_BASE_TWISTER_H
#define OQZ_BASE_TWISTER_H

#include <stdint.h>

struct oqz_twister {
	uint32_t state[624];
	int at; /* next word to be given out; 624: a new round is due */
};

/* NumPy's RandomState(seed) for a 32-bit seed, and its next word. */
void oqz_twister_init(struct oqz_twister *t, uint32_t seed);
uint32_t oqz_twister_u32(struct oqz_twister *t);
/* Uniform in [0, 1) with 53 bits, of two words. */
double oqz_twister_f64(struct oqz_twister *t);

#endif
