/* SPDX-License-Identifier: Apache-2.0
 *
 * core/base: strings, globs, numbers, maps, hashes, files.
 */
#include "tests/support/support.h"
#include "core/base/arena.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/installed.h"
#include "core/base/map.h"
#include "core/base/pages.h"
#include "core/base/rng.h"
#include "core/base/str.h"

#include <stdio.h>
#include <string.h>

START_TEST(glob_matches_whole_strings)
{
	ck_assert(oqz_glob_match("*", ""));
	ck_assert(oqz_glob_match("int8-*", "int8-channel"));
	ck_assert(!oqz_glob_match("int8-*", "xint8-channel"));
	ck_assert(oqz_glob_match("**/*.JPEG", "a/b.JPEG"));
	ck_assert(oqz_glob_match("conv[0-9]?", "conv1x"));
	ck_assert(!oqz_glob_match("conv[!0-9]", "conv1"));
	ck_assert(oqz_glob_match("a*b*c", "aXbYbZc"));
	ck_assert(!oqz_glob_match("a*b*c", "aXbYbZ"));
}
END_TEST

START_TEST(double_prints_shortest_that_reads_back)
{
	struct oqz_str s = { 0 };
	const double xs[] = { 0.1, 1.0 / 3, 1e300, 5e-324, 123456789, 0.6976 };

	for (size_t i = 0; i < OQZ_COUNTOF(xs); i++) {
		oqz_str_clear(&s);
		oqz_str_add_double(&s, xs[i]);
		ck_assert(strtod(s.s, NULL) == xs[i]);
	}
	ck_assert_str_eq(s.s, "0.6976");
	oqz_str_release(&s);
}
END_TEST

START_TEST(json_strings_escape_and_repair)
{
	struct oqz_str s = { 0 };

	oqz_str_add_json(&s, "a\"b\\c\n\xff\xc3\xa9");
	ck_assert_str_eq(s.s, "\"a\\\"b\\\\c\\u000a\\ufffd\xc3\xa9\"");
	oqz_str_release(&s);
}
END_TEST

START_TEST(nearest_word_suggests_only_likely_ones)
{
	const char *const words[] = { "percentile", "minmax", "mse" };

	ck_assert_str_eq(oqz_str_nearest("percentle", words, 3), "percentile");
	ck_assert_ptr_null(oqz_str_nearest("granularity", words, 3));
}
END_TEST

START_TEST(sha256_matches_fips_vectors)
{
	struct oqz_sha256 h;
	char hex[65];

	oqz_sha256_init(&h);
	oqz_sha256_add(&h, "abc", 3);
	oqz_sha256_hex(&h, hex);
	ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	oqz_sha256_init(&h);
	for (int i = 0; i < 1000; i++)
		oqz_sha256_add(&h, "aaaaaaaaaa", 10);
	oqz_sha256_hex(&h, hex);
	ck_assert_str_eq(hex, "27dd1f61b867b6a0f6e9d8a41c43231de52107e53ae424de8f847b821db4b711");
}
END_TEST

START_TEST(map_keeps_many_keys)
{
	struct oqz_map m = { 0 };
	static char keys[1000][8];

	for (int i = 0; i < 1000; i++) {
		snprintf(keys[i], sizeof keys[i], "k%d", i);
		ck_assert(oqz_map_set(&m, keys[i], &keys[i]));
	}
	ck_assert_uint_eq(m.n, 1000);
	for (int i = 0; i < 1000; i++)
		ck_assert_ptr_eq(oqz_map_get(&m, keys[i]), &keys[i]);
	ck_assert(!oqz_map_has(&m, "k1000"));
	oqz_map_release(&m);
}
END_TEST

START_TEST(files_respect_limits_and_name_the_path)
{
	char path[600];
	OQZ_CLEANUP_FREE char *data = NULL;
	size_t n;

	snprintf(path, sizeof path, "%s/file", test_tmpdir("base"));
	ck_ok(oqz_file_write(path, "hello", 5, err));
	ck_ok(oqz_file_read(path, 100, &data, &n, err));
	ck_assert_uint_eq(n, 5);
	ck_assert_str_eq(data, "hello");
	ck_fails(oqz_file_read(path, 4, &data, &n, err), OQZ_E_LIMIT, "file");
	ck_fails(oqz_file_read("/nonexistent/x", 4, &data, &n, err), OQZ_E_NOENT, "/nonexistent/x");
}
END_TEST

START_TEST(errors_take_a_prefix)
{
	struct oqz_err err = { 0 };

	oqz_err_set(&err, OQZ_E_DATA, "bad %d", 3);
	ck_assert_int_eq(oqz_err_prefix(&err, "file %s", "x"), OQZ_E_DATA);
	ck_assert_str_eq(err.msg, "file x: bad 3");
	oqz_err_prefix(&err, "file %s", "x");
	ck_assert_str_eq(err.msg, "file x: bad 3"); /* once */
	oqz_err_prefix(&err, "file");
	ck_assert_str_eq(err.msg, "file: file x: bad 3"); /* another word that it begins with */
}
END_TEST

START_TEST(installed_folders_move_with_the_program)
{
	struct oqz_arena *a = oqz_arena_new();

	ck_assert_str_eq(oqz_installed_beside(a, "/opt/x/bin", "/usr/bin", "/usr/lib/oqz"), "/opt/x/lib/oqz");
	ck_assert_str_eq(oqz_installed_beside(a, "/t/usr/local/bin", "/usr/local/bin", "/usr/local/share/oqz"),
	                 "/t/usr/local/share/oqz");
	ck_assert_str_eq(oqz_installed_beside(a, "/bin", "/usr/bin", "/usr/lib"), "/lib");
	/* nothing in common but the root: everything behind it moves */
	ck_assert_str_eq(oqz_installed_beside(a, "/t/a/bin", "/a/bin", "/b/lib"), "/t/b/lib");
	/* "/usr/libexec" and "/usr/lib" share "/usr", not "/usr/lib" */
	ck_assert_str_eq(oqz_installed_beside(a, "/t/libexec", "/usr/libexec", "/usr/lib/oqz"), "/t/lib/oqz");
	ck_assert_ptr_null(oqz_installed_beside(a, "/src/build/cli", "/usr/bin", "/usr/lib/oqz"));
	ck_assert_ptr_null(oqz_installed_beside(a, "/sbin", "/usr/bin", "/usr/lib/oqz"));
	/* this test lies in no bin/ */
	ck_assert_str_eq(oqz_installed(a, "/usr/bin", "/usr/lib/oqz"), "/usr/lib/oqz");
	oqz_arena_free(a);
}
END_TEST

/* Bytes that are not `v`. */
static size_t others(const unsigned char *x, size_t n, size_t v)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += x[i] != v;
	return count;
}

/* Blocks of all sizes, released in any order: zeroed, aligned, none within another. */
START_TEST(shared_pages_keep_blocks_apart)
{
	enum { BLOCKS = 40, ROUNDS = 400 };
	static const size_t most[] = { 1, 200, 20000, 3 << 20 };
	unsigned char *block[BLOCKS] = { 0 };
	size_t size[BLOCKS] = { 0 };
	struct oqz_rng r;

	oqz_rng_init(&r, 7);
	for (int i = 0; i < ROUNDS + BLOCKS; i++) {
		size_t k = i < ROUNDS ? (size_t)oqz_rng_below(&r, BLOCKS) : (size_t)(i - ROUNDS);
		ck_assert_uint_eq(others(block[k], size[k], k + 1), 0);
		oqz_pages_release(block[k]);
		block[k] = NULL;
		size[k] = 0;
		if (i >= ROUNDS)
			continue;
		size[k] = (size_t)oqz_rng_below(&r, most[oqz_rng_below(&r, 4)] + 1);
		block[k] = oqz_pages_share(size[k]);
		ck_assert_ptr_nonnull(block[k]);
		ck_assert_uint_eq((uintptr_t)block[k] % OQZ_PAGES_ALIGN, 0);
		ck_assert_uint_eq(others(block[k], size[k], 0), 0);
		memset(block[k], (int)k + 1, size[k]);
	}
	ck_assert_ptr_null(oqz_pages_share(SIZE_MAX - 100));
}
END_TEST

/* Any flipped bit, any other length is another hash, wherever it lies in the lanes. */
START_TEST(bulk_hash_sees_every_bit)
{
	enum { N = 75 };
	unsigned char x[N];

	for (int i = 0; i < N; i++)
		x[i] = (unsigned char)(i * 37);
	uint64_t whole = oqz_hash64_bulk(x, N);
	ck_assert_uint_eq(oqz_hash64_bulk(x, N), whole);
	for (int bit = 0; bit < 8 * N; bit++) {
		x[bit / 8] ^= (unsigned char)(1 << bit % 8);
		ck_assert_uint_ne(oqz_hash64_bulk(x, N), whole);
		x[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	for (size_t n = 0; n < N; n++)
		ck_assert_uint_ne(oqz_hash64_bulk(x, n), whole);
}
END_TEST

OQZ_TEST_MAIN("base", bulk_hash_sees_every_bit, shared_pages_keep_blocks_apart, glob_matches_whole_strings,
              double_prints_shortest_that_reads_back, json_strings_escape_and_repair,
              nearest_word_suggests_only_likely_ones, sha256_matches_fips_vectors, map_keeps_many_keys,
              files_respect_limits_and_name_the_path, errors_take_a_prefix, installed_folders_move_with_the_program)
