/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes: a quick one for tables, SHA-256 (FIPS 180-4) for identity of files, plans and parameters.
 */
#ifndef OQZ_BASE_HASH_H
#define OQZ_BASE_HASH_H

#include "core/base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* FNV-1a with a final mix; same value on every machine, not for untrusted collisions. */
uint64_t oqz_hash64(const void *p, size_t n);

/* The same for much: eight bytes at a time, in lanes that do not wait for each other. Another value, and another one on
 * a machine of the other byte order. A change in one lane only is always seen before the last step mixes the lanes. */
uint64_t oqz_hash64_bulk(const void *p, size_t n);

struct oqz_sha256 {
	struct evp_md_ctx_st *ctx; /* between init and hex */
	bool ok;
};

/* A digest of bytes that come in pieces. */
void oqz_sha256_init(struct oqz_sha256 *s);
void oqz_sha256_add(struct oqz_sha256 *s, const void *p, size_t n);
/* Writes 64 hexadecimal digits and a NUL. The state is used up and holds nothing any more: every init needs its hex. */
void oqz_sha256_hex(struct oqz_sha256 *s, char hex[65]);

/* Digest of a file's bytes. */
enum oqz_status oqz_sha256_file(const char *path, char hex[65], struct oqz_err *err);

#endif
