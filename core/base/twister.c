/* SPDX-License-Identifier: Apache-2.0
 *
 * MT19937 as its authors define it: see twister.h.
 */
#include "core/base/twister.h"

enum { WORDS = 624, MIDDLE = 397 };

void oqz_twister_init(struct oqz_twister *t, uint32_t seed)
{
	t->state[0] = seed;
	for (uint32_t i = 1; i < WORDS; i++)
		t->state[i] = 1812433253u * (t->state[i - 1] ^ t->state[i - 1] >> 30) + i;
	t->at = WORDS;
}

static void next_round(struct oqz_twister *t)
{
	for (int i = 0; i < WORDS; i++) {
		uint32_t joined = (t->state[i] & 0x80000000u) | (t->state[(i + 1) % WORDS] & 0x7fffffffu);

		t->state[i] = t->state[(i + MIDDLE) % WORDS] ^ joined >> 1 ^ (joined & 1 ? 0x9908b0dfu : 0);
	}
	t->at = 0;
}

uint32_t oqz_twister_u32(struct oqz_twister *t)
{
	if (t->at >= WORDS)
		next_round(t);
	uint32_t y = t->state[t->at++];

	y ^= y >> 11;
	y ^= y << 7 & 0x9d2c5680u;
	y ^= y << 15 & 0xefc60000u;
	return y ^ y >> 18;
}

double oqz_twister_f64(struct oqz_twister *t)
{
	uint32_t high = oqz_twister_u32(t) >> 5, low = oqz_twister_u32(t) >> 6;

	return ((double)high * 67108864.0 + (double)low) / 9007199254740992.0;
}
