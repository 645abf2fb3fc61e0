/* SPDX-License-Identifier: Apache-2.0
 *
 * FNV-1a of our own, SHA-256 from libcrypto: model files of hundreds of megabytes are hashed at every start, and the
 * library uses the CPU's instructions for it.
 */
#include "core/base/hash.h"

#include <errno.h>
#include <openssl/evp.h>
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

uint64_t oqz_hash64_bulk(const void *p, size_t n)
{
	enum { LANES = 8, WORD = sizeof(uint64_t) };
	uint64_t h[LANES + 1];
	const char *s = p;
	size_t at = 0;

	for (int j = 0; j < LANES; j++)
		h[j] = 0xcbf29ce484222325u + (uint64_t)j;
	for (; n - at >= LANES * WORD; at += LANES * WORD)
		for (int j = 0; j < LANES; j++) {
			uint64_t w;
			memcpy(&w, s + at + j * WORD, WORD);
			h[j] = (h[j] ^ w) * 0x9e3779b97f4a7c15u;
		}
	h[LANES] = oqz_hash64(s + at, n - at);
	return oqz_hash64(h, sizeof h);
}

/* EVP contexts fail to be made or fed only when memory runs out; the digest is then that of nothing that can be looked
 * up, so a failure can cost a recomputation but never mix two things up. */
void oqz_sha256_init(struct oqz_sha256 *s)
{
	s->ctx = EVP_MD_CTX_new();
	s->ok = s->ctx && EVP_DigestInit_ex(s->ctx, EVP_sha256(), NULL) == 1;
}

void oqz_sha256_add(struct oqz_sha256 *s, const void *p, size_t n)
{
	s->ok = s->ok && EVP_DigestUpdate(s->ctx, p, n) == 1;
}

void oqz_sha256_hex(struct oqz_sha256 *s, char hex[65])
{
	unsigned char md[32] = { 0 };
	unsigned int n = sizeof md;

	s->ok = s->ok && EVP_DigestFinal_ex(s->ctx, md, &n) == 1;
	EVP_MD_CTX_free(s->ctx);
	s->ctx = NULL;
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", s->ok ? md[i] : 0);
	if (!s->ok)
		memset(hex, 'x', 64);
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
	oqz_sha256_hex(&s, hex);
	if (bad)
		return oqz_err_errno(err, bad, path);
	return s.ok ? OQZ_OK : oqz_err_nomem(err, path, sizeof buf);
}
