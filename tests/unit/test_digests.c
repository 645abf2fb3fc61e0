/* SPDX-License-Identifier: Apache-2.0
 *
 * Digests of files and the sources of rows: other bytes are other digests whatever stat() says, what was hashed is
 * remembered in the ledger, and what a plugin reads through the host on a thread belongs to that thread's source.
 */
#include "tests/support/support.h"
#include "core/base/file.h"
#include "core/run/digests.h"
#include "plugins/host.h"

#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *file(const char *name, const char *text)
{
	static char path[4][600];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof path[0], "%s/%s", test_tmpdir("digests"), name);
	if (text)
		ck_ok(oqz_file_write(p, text, strlen(text), err));
	return p;
}

/* Times of long ago, so that the digest may be remembered. */
static void age(const char *path)
{
	struct timespec t[2] = { { .tv_sec = 1000000 }, { .tv_sec = 1000000 } };

	ck_assert_int_eq(utimensat(AT_FDCWD, path, t, 0), 0);
}

static void digest(struct oqz_digests *d, const char *path, char hex[OQZ_DIGEST]) { oqz_digests_file(d, path, hex); }

START_TEST(bytes_decide)
{
	struct oqz_digests *d;
	char a[OQZ_DIGEST], b[OQZ_DIGEST];
	const char *path = file("a", "abc");

	ck_ok(oqz_digests_new(NULL, &d, err));
	digest(d, path, a);
	ck_assert_str_eq(a, "ba7816bf8f01cfea414140de5dae2223"); /* FIPS 180-2, the first half */
	/* the same size and times; the inode may even be the same one again */
	struct stat st;
	ck_assert_int_eq(stat(path, &st), 0);
	FILE *f = fopen(path, "r+");
	ck_assert(f && fwrite("abd", 1, 3, f) == 3 && fclose(f) == 0);
	struct timespec t[2] = { st.st_atim, st.st_mtim };
	ck_assert_int_eq(utimensat(AT_FDCWD, path, t, 0), 0);
	digest(d, path, b);
	ck_assert_str_ne(a, b);
	digest(d, file("absent", NULL), b);
	ck_assert_str_eq(b, "--------------------------------");
	digest(d, test_tmpdir("digests"), b);
	ck_assert_str_eq(b, "--------------------------------");
	oqz_digests_free(d);
}
END_TEST

START_TEST(the_ledger_remembers)
{
	struct oqz_ledger *l;
	struct oqz_digests *d;
	char *blob, a[OQZ_DIGEST], b[OQZ_DIGEST];
	const char *path = file("r", "remember me"), *db = file("l.db", NULL);
	size_t size;

	age(path);
	ck_ok(oqz_ledger_open(db, false, &l, err));
	ck_ok(oqz_digests_new(l, &d, err));
	digest(d, path, a);
	ck_ok(oqz_digests_save(d, err));
	oqz_digests_free(d);
	ck_ok(oqz_ledger_get_blob(l, "digests", &blob, &size, err));
	/* ctime cannot be set: it is of now, so nothing was remembered yet */
	ck_assert_ptr_null(blob);
	sleep(4);
	ck_ok(oqz_digests_new(l, &d, err));
	digest(d, path, a);
	ck_ok(oqz_digests_save(d, err));
	oqz_digests_free(d);
	ck_ok(oqz_ledger_get_blob(l, "digests", &blob, &size, err));
	ck_assert_uint_eq(size, 16 + 1 + 32 + 1);
	ck_assert(memcmp(blob + 17, a, 32) == 0);
	/* it is believed: another digest in its place comes back */
	memset(blob + 17, '7', 32);
	ck_ok(oqz_ledger_put_blob(l, "digests", blob, size, err));
	ck_ok(oqz_digests_new(l, &d, err));
	digest(d, path, b);
	ck_assert_str_eq(b, "77777777777777777777777777777777");
	oqz_digests_free(d);
	/* what is no table of digests is as good as none */
	ck_ok(oqz_ledger_put_blob(l, "digests", "nonsense", 8, err));
	ck_ok(oqz_digests_new(l, &d, err));
	digest(d, path, b);
	ck_assert_str_eq(a, b);
	oqz_digests_free(d);
	free(blob);
	ck_ok(oqz_ledger_close(l, err));
}
END_TEST

START_TEST(a_model_is_its_file_and_those_beside_it)
{
	struct oqz_graph *g = oqz_graph_new();
	struct oqz_digests *d;
	char one[65], two[65], again[65];

	memset(one, 'a', sizeof one - 1);
	one[64] = 0;
	memcpy(two, one, sizeof one);
	memcpy(again, one, sizeof one);
	ck_ok(oqz_digests_new(NULL, &d, err));
	oqz_digests_model(d, g, one);
	ck_assert_str_eq(one, two); /* all in one file: its own digest */
	ck_assert(oqz_vec_push(&g->data_files, file("weights", "abc")));
	oqz_digests_model(d, g, one);
	ck_assert_str_ne(one, two);
	oqz_digests_model(d, g, again);
	ck_assert_str_eq(one, again);
	file("weights", "abd");
	oqz_digests_model(d, g, two);
	ck_assert_str_ne(one, two);
	oqz_digests_free(d);
	oqz_graph_free(g);
}
END_TEST

static void read_text(struct oqz_plugin_host *host, const char *path)
{
	struct oqz_err err = { 0 };
	struct oqz_failure f = { &err };
	char *text = NULL;
	size_t size;

	if (host->table.read_file(path, &text, &size, &f) == OQZ_OK)
		host->table.free_mem(text);
}

static void hash(const char *source, char hex[65])
{
	struct oqz_sha256 h;

	oqz_sha256_init(&h);
	oqz_source_hash(source, &h);
	oqz_sha256_hex(&h, hex);
}

START_TEST(sources_name_what_was_read)
{
	struct oqz_plugin_host host;
	struct oqz_digests *d;
	struct oqz_source s = { 0 };
	char one[65], two[65], three[65];
	const char *image = file("image", "abc"), *label = file("label", "label"), *absent = file("none", NULL);

	oqz_plugin_host_init(&host, NULL, NULL);
	ck_ok(oqz_digests_new(NULL, &d, err));
	read_text(&host, label); /* nobody asked */
	oqz_source_begin(&s, d, image);
	read_text(&host, label);
	ck_assert_str_eq(oqz_str_get(&s.text), "ba7816bf8f01cfea414140de5dae2223");
	oqz_source_watch(&s);
	read_text(&host, label);
	read_text(&host, label);
	read_text(&host, absent);
	oqz_source_unwatch();
	read_text(&host, image);
	ck_assert_msg(strstr(s.text.s, "/label\n--------------------------------") != NULL, "%s", s.text.s);
	size_t lines = 0;
	for (const char *p = s.text.s; (p = strchr(p, '\n')); p++)
		lines++;
	ck_assert_uint_eq(lines, 2);
	ck_assert(oqz_source_files_same(d, s.text.s));
	ck_assert(oqz_source_files_same(d, "ba7816bf8f01cfea414140de5dae2223"));
	ck_assert(!oqz_source_files_same(d, "ba7816bf8f01cfea414140de5dae2223\nbroken"));
	hash(s.text.s, one);
	file("none", "here now");
	ck_assert(!oqz_source_files_same(d, s.text.s));
	unlink(absent);
	ck_assert(oqz_source_files_same(d, s.text.s));
	file("label", "lebal");
	ck_assert(!oqz_source_files_same(d, s.text.s));
	/* identity is in the digests, not in the places */
	hash("11111111111111111111111111111111\n22222222222222222222222222222222 /a", two);
	hash("11111111111111111111111111111111\n22222222222222222222222222222222 /b/c", three);
	ck_assert_str_eq(two, three);
	ck_assert_str_ne(one, two);
	hash("11111111111111111111111111111111", three);
	ck_assert_str_ne(two, three);
	oqz_source_release(&s);
	oqz_digests_free(d);
}
END_TEST

OQZ_TEST_MAIN("digests", bytes_decide, a_model_is_its_file_and_those_beside_it, the_ledger_remembers,
              sources_name_what_was_read)
