/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers of records, little-endian at any address.
 */
#ifndef OQZ_TASKS_BYTES_H
#define OQZ_TASKS_BYTES_H

#include <stdint.h>

static inline void put_little(unsigned char *p, uint64_t x, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (unsigned char)(x >> 8 * i);
}

static inline uint64_t get_little(const unsigned char *p, int bytes)
{
	uint64_t x = 0;

	for (int i = 0; i < bytes; i++)
		x |= (uint64_t)p[i] << 8 * i;
	return x;
}

union float_bits {
	float value;
	uint32_t bits;
};

union double_bits {
	double value;
	uint64_t bits;
};

static inline uint32_t bits_of_f32(float x) { return (union float_bits) { x }.bits; }
static inline float f32_of_bits(uint32_t bits) { return (union float_bits) { .bits = bits }.value; }

static inline void put_u32(unsigned char *p, uint32_t x) { put_little(p, x, 4); }
static inline void put_u64(unsigned char *p, uint64_t x) { put_little(p, x, 8); }
static inline void put_f32(unsigned char *p, float x) { put_u32(p, bits_of_f32(x)); }
static inline void put_f64(unsigned char *p, double x) { put_u64(p, (union double_bits) { x }.bits); }

static inline uint32_t get_u32(const unsigned char *p) { return (uint32_t)get_little(p, 4); }
static inline uint64_t get_u64(const unsigned char *p) { return get_little(p, 8); }
static inline float get_f32(const unsigned char *p) { return f32_of_bits(get_u32(p)); }
static inline double get_f64(const unsigned char *p) { return (union double_bits) { .bits = get_u64(p) }.value; }

#endif
