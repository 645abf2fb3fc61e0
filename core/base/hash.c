/* SPDX-License-Identifier: Apache-2.0
 *
 * FNV-1a and SHA-256. SHA-256 is here rather than from a crypto library because it is one page, and pulling OpenSSL into
 * every plugin host for it would not be an improvement.
 */
#include "core/base/hash.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

uint64_t oqz_hash64(const void *p, size_t n)
{
	const unsigned char *s = p;
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ s[i]) * 0x100000001b3u;
	h ^= h >> 32; /* the low bits index tables, and FNV mixes upwards only */
	return h * 0x9e3779b97f4a7c15u >> 8;
}

static const uint32_t K[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotr(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void compress(uint32_t h[8], const unsigned char *p)
{
	uint32_t w[64], v[8];

	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
	for (int i = 16; i < 64; i++) {
		uint32_t s0 = rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
		uint32_t s1 = rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10;
		w[i] = w[i - 16] + s0 + w[i - 7] + s1;
	}
	memcpy(v, h, sizeof v);
	for (int i = 0; i < 64; i++) {
		uint32_t s1 = rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25);
		uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + K[i] + w[i];
		uint32_t s0 = rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22);
		uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
		memmove(v + 1, v, 7 * sizeof v[0]);
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++)
		h[i] += v[i];
}

void oqz_sha256_init(struct oqz_sha256 *s)
{
	static const uint32_t h0[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

	memcpy(s->h, h0, sizeof h0);
	s->bytes = 0;
}

void oqz_sha256_add(struct oqz_sha256 *s, const void *p, size_t n)
{
	const unsigned char *in = p;

	while (n) {
		size_t at = s->bytes % 64, take = 64 - at < n ? 64 - at : n;
		memcpy(s->block + at, in, take);
		s->bytes += take;
		in += take;
		n -= take;
		if (s->bytes % 64 == 0)
			compress(s->h, s->block);
	}
}

void oqz_sha256_hex(struct oqz_sha256 *s, char hex[65])
{
	uint64_t bits = s->bytes * 8;
	unsigned char len[8];

	oqz_sha256_add(s, "\x80", 1);
	while (s->bytes % 64 != 56)
		oqz_sha256_add(s, "", 1);
	for (int i = 0; i < 8; i++)
		len[i] = (unsigned char)(bits >> (56 - 8 * i));
	oqz_sha256_add(s, len, 8);
	for (int i = 0; i < 8; i++)
		snprintf(hex + 8 * i, 9, "%08x", s->h[i]);
}

enum oqz_status oqz_sha256_file(const char *path, char hex[65], struct oqz_err *err)
{
	struct oqz_sha256 s;
	unsigned char buf[1 << 16];
	size_t n;
	FILE *f = fopen(path, "rb");

	if (!f)
		return oqz_err_errno(err, errno, path);
	oqz_sha256_init(&s);
	while ((n = fread(buf, 1, sizeof buf, f)) > 0)
		oqz_sha256_add(&s, buf, n);
	int bad = ferror(f) ? errno : 0;
	fclose(f);
	if (bad)
		return oqz_err_errno(err, bad, path);
	oqz_sha256_hex(&s, hex);
	return OQZ_OK;
}
