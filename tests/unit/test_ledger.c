/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger: what is put comes back in item order; it survives kill -9, refuses damage, a second run and a full disk
 * with clear errors; shards merge.
 */
#include "tests/support/support.h"
#include "core/base/file.h"
#include "core/result/ledger.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *fresh(const char *name)
{
	static char path[4][700];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof path[0], "%s/%s-%u.db", test_tmpdir("ledger"), name, turn);
	return p;
}

/* The contents of item i in lane k are a function of both, so that anything read back can be checked. */
enum { LAYERS = 5 };

static enum oqz_status put_row(struct oqz_ledger *l, int64_t cell, int64_t item, size_t lane, struct oqz_err *err)
{
	double sums[4 * LAYERS];
	char record[50], id[30];

	snprintf(record, sizeof record, "record of item %d in lane %zu", (int)item, lane);
	snprintf(id, sizeof id, "image-%d.jpg", (int)item);
	for (int i = 0; i < 4 * LAYERS; i++)
		sums[i] = (double)item + i / 8.0;
	const struct oqz_ledger_row row = { .item = item,
		                            .item_id = id,
		                            .record = record,
		                            .record_size = strlen(record),
		                            .errors = lane ? sums : NULL,
		                            .n_errors = lane ? (item % 3 ? 2 * LAYERS : 4 * LAYERS) : 0,
		                            .has_local = lane && item % 3 == 0 };
	return oqz_ledger_put(l, cell, &row, err);
}

static void put(struct oqz_ledger *l, int64_t cell, int64_t item, size_t lane)
{
	ck_ok(put_row(l, cell, item, lane, err));
}

static void put_failed(struct oqz_ledger *l, int64_t cell, int64_t item, enum oqz_status status, const char *message)
{
	const struct oqz_ledger_row row = { .item = item, .item_id = "x.jpg", .status = status, .message = message };

	ck_ok(oqz_ledger_put(l, cell, &row, err));
}

struct seen {
	size_t lane, n, failed;
	int64_t last;
};

static enum oqz_status check(void *ctx, const struct oqz_ledger_row *row, struct oqz_err *err)
{
	struct seen *s = ctx;
	char want[50], id[30];

	ck_assert_int_gt(row->item, s->last);
	s->last = row->item;
	if (row->status != OQZ_OK) {
		ck_assert_uint_eq(row->record_size, 0);
		ck_assert_ptr_null(row->errors);
		s->failed++;
		return OQZ_OK;
	}
	snprintf(want, sizeof want, "record of item %d in lane %zu", (int)row->item, s->lane);
	snprintf(id, sizeof id, "image-%d.jpg", (int)row->item);
	ck_assert_str_eq(row->item_id, id);
	ck_assert_uint_eq(row->record_size, strlen(want));
	ck_assert_int_eq(memcmp(row->record, want, strlen(want)), 0);
	ck_assert_uint_eq(row->n_errors, s->lane ? (row->item % 3 ? 2 * LAYERS : 4 * LAYERS) : 0);
	ck_assert_int_eq(row->has_local, s->lane && row->item % 3 == 0);
	for (size_t i = 0; i < row->n_errors; i++)
		ck_assert_double_eq(row->errors[i], (double)row->item + (double)i / 8.0);
	s->n++;
	return OQZ_OK;
}

static size_t count_items(struct oqz_ledger *l, int64_t cell, size_t lane)
{
	struct seen s = { lane, 0, 0, -1 };

	ck_ok(oqz_ledger_each(l, cell, check, &s, err));
	return s.n;
}

static void open_cell(const char *path, bool read_only, const char *key, struct oqz_ledger **l, int64_t *cell)
{
	ck_ok(oqz_ledger_open(path, read_only, l, err));
	ck_ok(oqz_ledger_cell(*l, key, "resnet", "int8", cell, err));
}

START_TEST(what_is_put_comes_back_in_order)
{
	const char *path = fresh("order");
	struct oqz_ledger *l;
	int64_t cell, again, flt;
	unsigned char done[12] = { 0 };

	open_cell(path, false, "key-a", &l, &cell);
	ck_ok(oqz_ledger_cell(l, "key-b", "resnet", "", &flt, err));
	ck_ok(oqz_ledger_cell(l, "key-a", "renamed since", "int8", &again, err));
	ck_assert(cell == again && cell != flt);
	for (int i = 9; i >= 0; i -= 2) {
		put(l, cell, i, 1);
		put(l, flt, i, 0);
	}
	put_failed(l, cell, 4, OQZ_E_DATA, "x.jpg: the JPEG file is truncated");
	put_failed(l, cell, 0, OQZ_E_LIMIT, "slow");
	put(l, cell, 0, 1); /* replaces the failure */
	done[11] = 7;
	ck_ok(oqz_ledger_done(l, cell, done, 12, err));
	static const unsigned char want[12] = { 1, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 7 };
	ck_assert_int_eq(memcmp(done, want, 12), 0);
	ck_ok(oqz_ledger_close(l, err));

	open_cell(path, true, "key-a", &l, &cell);
	struct seen s = { 1, 0, 0, -1 };
	ck_ok(oqz_ledger_each(l, cell, check, &s, err));
	ck_assert_uint_eq(s.n, 6);
	ck_assert_uint_eq(s.failed, 1);
	ck_assert_uint_eq(count_items(l, flt, 0), 5);
	ck_fails(oqz_ledger_cell(l, "key-c", "vit", "fp8", &cell, err), OQZ_E_NOENT, "vit fp8");
	ck_fails(put_row(l, flt, 1, 0, err), OQZ_E_USAGE, "reading only");
	ck_ok(oqz_ledger_close(l, err));
	ck_ok(oqz_ledger_close(NULL, err));
}
END_TEST

static enum oqz_status stop_at_3(void *ctx, const struct oqz_ledger_row *row, struct oqz_err *err)
{
	if (row->item == 3)
		OQZ_FAIL(err, OQZ_E_INTERRUPTED, "enough");
	++*(int *)ctx;
	return OQZ_OK;
}

START_TEST(a_callback_may_stop)
{
	struct oqz_ledger *l;
	int64_t cell;
	int n = 0;

	open_cell(fresh("stop"), false, "k", &l, &cell);
	for (int i = 0; i < 10; i++)
		put(l, cell, i, 0);
	ck_fails(oqz_ledger_each(l, cell, stop_at_3, &n, err), OQZ_E_INTERRUPTED, "enough");
	ck_assert_int_eq(n, 3);
	ck_assert_uint_eq(count_items(l, cell, 0), 10);
	ck_ok(oqz_ledger_close(l, err));
}
END_TEST

START_TEST(blobs_are_kept)
{
	const char *path = fresh("blobs");
	struct oqz_ledger *l;
	char *text;
	size_t size;

	ck_ok(oqz_ledger_open(path, false, &l, err));
	ck_ok(oqz_ledger_put_blob(l, "plan/a", "{}", 2, err));
	ck_ok(oqz_ledger_put_blob(l, "plan/a", "{\"a\":1}", 7, err));
	ck_ok(oqz_ledger_put_blob(l, "empty", NULL, 0, err));
	ck_ok(oqz_ledger_close(l, err));
	ck_ok(oqz_ledger_open(path, true, &l, err));
	ck_ok(oqz_ledger_get_blob(l, "plan/a", &text, &size, err));
	ck_assert_str_eq(text, "{\"a\":1}");
	ck_assert_uint_eq(size, 7);
	free(text);
	ck_ok(oqz_ledger_get_blob(l, "empty", &text, NULL, err));
	ck_assert_str_eq(text, "");
	free(text);
	ck_ok(oqz_ledger_get_blob(l, "absent", &text, &size, err));
	ck_assert_ptr_null(text);
	ck_fails(oqz_ledger_put_blob(l, "x", "y", 1, err), OQZ_E_IO, "readonly");
	ck_ok(oqz_ledger_close(l, err));
}
END_TEST

struct worker {
	struct oqz_ledger *l;
	int64_t cell;
	int first;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < 200; i++)
		put(w->l, w->cell, w->first + i * 4, 2);
	return NULL;
}

START_TEST(many_threads_put_at_once)
{
	struct oqz_ledger *l;
	pthread_t t[4];
	struct worker w[4];
	int64_t cell;

	open_cell(fresh("threads"), false, "k", &l, &cell);
	for (int i = 0; i < 4; i++) {
		w[i] = (struct worker) { l, cell, i };
		pthread_create(&t[i], NULL, work, &w[i]);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	ck_assert_uint_eq(count_items(l, cell, 2), 800);
	ck_ok(oqz_ledger_close(l, err));
}
END_TEST

/* Writes rows until it is killed; says so once twenty are surely stored. */
static void write_for_ever(const char *path, size_t from, int say)
{
	struct oqz_ledger *l;
	struct oqz_err e;
	int64_t cell;

	if (oqz_ledger_open(path, false, &l, &e) || oqz_ledger_cell(l, "k", "m", "s", &cell, &e))
		_exit(1);
	for (size_t i = from; i < 1000000; i++) {
		if (put_row(l, cell, (int64_t)i, 1, &e))
			_exit(2);
		if (i == from + 20 && (oqz_ledger_flush(l, &e) || write(say, "x", 1) != 1))
			_exit(3);
	}
	_exit(0);
}

START_TEST(kill_loses_only_what_is_in_flight)
{
	const char *path = fresh("kill");
	size_t before = 0;

	for (unsigned round = 0; round < 8; round++) {
		struct oqz_ledger *l;
		int64_t cell;
		int pipefd[2];
		char c;
		ck_assert_int_eq(pipe(pipefd), 0);
		pid_t pid = fork();
		if (pid == 0)
			write_for_ever(path, before, pipefd[1]);
		close(pipefd[1]);
		ck_assert_int_eq((int)read(pipefd[0], &c, 1), 1);
		close(pipefd[0]);
		usleep(1000u * round);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		open_cell(path, false, "k", &l, &cell);
		size_t n = count_items(l, cell, 1);
		ck_assert_uint_ge(n, before + 21);
		unsigned char *done = calloc(n + 1, 1);
		ck_ok(oqz_ledger_done(l, cell, done, n + 1, err));
		for (size_t i = 0; i <= n; i++) /* no holes: what is there was put first */
			ck_assert_int_eq(done[i], i < n);
		free(done);
		before = n;
		ck_ok(oqz_ledger_close(l, err));
	}
}
END_TEST

START_TEST(a_second_run_is_refused)
{
	char dir[600], text[60], inside[700];
	int fd, again;

	snprintf(dir, sizeof dir, "%s/run/deep", test_tmpdir("ledger-lock"));
	snprintf(text, sizeof text, "process %d", (int)getpid());
	ck_ok(oqz_ledger_lock(dir, &fd, err));
	ck_fails(oqz_ledger_lock(dir, &again, err), OQZ_E_USAGE, dir);
	ck_fails(oqz_ledger_lock(dir, &again, err), OQZ_E_USAGE, text);
	/* A worker that outlives its parent keeps the lock. */
	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	close(fd);
	ck_fails(oqz_ledger_lock(dir, &again, err), OQZ_E_USAGE, "in use");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ck_ok(oqz_ledger_lock(dir, &fd, err));
	close(fd);
	snprintf(inside, sizeof inside, "%s/ledger.lock/x", dir);
	ck_fails(oqz_ledger_lock(inside, &fd, err), OQZ_E_IO, "ledger.lock");
}
END_TEST

START_TEST(two_processes_may_write)
{
	const char *path = fresh("two");
	struct oqz_ledger *l, *m;
	int64_t cell, same;

	open_cell(path, false, "k", &l, &cell);
	open_cell(path, false, "k", &m, &same);
	for (int i = 0; i < 100; i++)
		put(i % 2 ? l : m, cell, i, 1);
	ck_ok(oqz_ledger_flush(l, err));
	ck_ok(oqz_ledger_flush(m, err));
	ck_assert_int_eq(cell, same);
	ck_assert_uint_eq(count_items(l, cell, 1), 100);
	ck_ok(oqz_ledger_close(l, err));
	ck_ok(oqz_ledger_close(m, err));
}
END_TEST

static void make(const char *path, int items)
{
	struct oqz_ledger *l;
	int64_t cell;

	open_cell(path, false, "k", &l, &cell);
	for (int i = 0; i < items; i++)
		put(l, cell, i, 1);
	ck_ok(oqz_ledger_close(l, err));
}

/* Opens and reads all; the first error. */
static enum oqz_status read_all(const char *path, bool read_only, struct oqz_err *err)
{
	struct oqz_ledger *l = NULL;
	struct seen s = { 1, 0, 0, -1 };
	int64_t cell;

	OQZ_TRY(oqz_ledger_open(path, read_only, &l, err));
	enum oqz_status st = oqz_ledger_cell(l, "k", "resnet", "int8", &cell, err);
	if (st == OQZ_OK)
		st = oqz_ledger_each(l, cell, check, &s, err);
	oqz_ledger_close(l, NULL);
	return st;
}

START_TEST(damage_is_noticed)
{
	const char *path = fresh("damage");
	char *data;
	size_t size;

	make(path, 500);
	ck_ok(oqz_file_read(path, SIZE_MAX / 2, &data, &size, err));
	for (int read_only = 0; read_only < 2; read_only++) {
		ck_ok(oqz_file_write(path, data, size / 2, err)); /* truncated */
		ck_fails(read_all(path, read_only, err), OQZ_E_DATA, path);
		ck_ok(oqz_file_write(path, "this is not a database, it is a text file, really", 49, err));
		ck_fails(read_all(path, read_only, err), OQZ_E_DATA, path);
	}
	ck_ok(oqz_file_write(path, "", 0, err));
	ck_fails(read_all(path, true, err), OQZ_E_DATA, "not a ledger");
	/* A version from the future: user_version is the big-endian word at byte 60. */
	data[63] = 9;
	ck_ok(oqz_file_write(path, data, size, err));
	ck_fails(read_all(path, true, err), OQZ_E_DATA, "version 9");
	data[63] = 2;
	/* One flipped bit in a record's text, which SQLite itself does not see. */
	char *at = memmem(data, size, "record of item 77 in lane 1", 27);
	ck_assert_ptr_nonnull(at);
	at[9] ^= 1;
	ck_ok(oqz_file_write(path, data, size, err));
	ck_fails(read_all(path, true, err), OQZ_E_DATA, "item 77 (image-77.jpg) has a wrong checksum");
	free(data);
}
END_TEST

START_TEST(wrong_places_are_clear_errors)
{
	struct oqz_ledger *l = NULL;
	const char *path = fresh("dir");

	ck_fails(oqz_ledger_open("/nonexistent/x.db", true, &l, err), OQZ_E_NOENT, "/nonexistent/x.db");
	ck_fails(oqz_ledger_open("/nonexistent/x.db", false, &l, err), OQZ_E_IO, "/nonexistent/x.db");
	ck_ok(oqz_mkdirs(path, err));
	ck_fails(oqz_ledger_open(path, false, &l, err), OQZ_E_IO, path);
	if (geteuid() != 0) { /* permissions mean nothing to root */
		char inside[800];
		snprintf(inside, sizeof inside, "%s/l.db", path);
		make(inside, 3);
		chmod(path, 0555);
		ck_ok(read_all(inside, true, err));
		unlink(inside);
		snprintf(inside, sizeof inside, "%s/new.db", path);
		ck_fails(oqz_ledger_open(inside, false, &l, err), OQZ_E_IO, inside);
		chmod(path, 0755);
	}
	ck_assert_ptr_null(l);
}
END_TEST

START_TEST(a_full_disk_is_an_error_and_loses_nothing)
{
	const char *path = fresh("full");
	struct rlimit old, small;
	struct oqz_ledger *l;
	struct oqz_err e = { 0 };
	enum oqz_status st = OQZ_OK;
	int64_t cell;
	static char big[100000];

	make(path, 10);
	getrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, SIG_IGN);
	open_cell(path, false, "k", &l, &cell);
	small = old;
	small.rlim_cur = 256 * 1024; /* no file grows beyond this: how a full disk looks to SQLite */
	setrlimit(RLIMIT_FSIZE, &small);
	struct oqz_ledger_row row = { .record = big, .record_size = sizeof big };
	for (row.item = 10; row.item < 200 && st == OQZ_OK; row.item++)
		st = oqz_ledger_put(l, cell, &row, &e);
	if (st == OQZ_OK)
		st = oqz_ledger_flush(l, &e);
	ck_assert_msg(st == OQZ_E_IO && strstr(e.msg, path), "%d %s", st, e.msg);
	ck_assert_int_eq(oqz_ledger_close(l, &e), OQZ_E_IO);
	setrlimit(RLIMIT_FSIZE, &old);
	unsigned char done[10] = { 0 };
	open_cell(path, false, "k", &l, &cell);
	ck_ok(oqz_ledger_done(l, cell, done, 10, err));
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(done[i], 1);
	ck_ok(oqz_ledger_close(l, err));
}
END_TEST

START_TEST(shards_merge)
{
	const char *paths[3] = { fresh("a"), fresh("b"), fresh("c") }, *out = fresh("all");
	struct oqz_ledger *l, *all;
	int64_t cell, other;

	for (int s = 0; s < 3; s++) {
		ck_ok(oqz_ledger_open(paths[s], false, &l, err));
		if (s == 1) /* ids differ between shards, keys do not */
			ck_ok(oqz_ledger_cell(l, "k2", "vit", "fp8", &other, err));
		ck_ok(oqz_ledger_cell(l, "k1", "resnet", "int8", &cell, err));
		for (int i = s; i < 30; i += 3)
			put(l, cell, i, 1);
		put(l, cell, 0, 1); /* measured by all of them, equal */
		ck_ok(oqz_ledger_put_blob(l, "plan/int8", "same", 4, err));
		if (s == 2) {
			put_failed(l, cell, 99, OQZ_E_DATA, "broken");
			put_failed(l, cell, 1, OQZ_E_LIMIT, "slow here, measured elsewhere");
		}
		ck_ok(oqz_ledger_close(l, err));
	}
	ck_ok(oqz_ledger_open(out, false, &all, err));
	for (int s = 2; s >= 0; s--)
		ck_ok(oqz_ledger_merge(all, paths[s], err));
	ck_ok(oqz_ledger_merge(all, paths[1], err)); /* again: nothing new, nothing wrong */
	ck_ok(oqz_ledger_cell(all, "k1", "resnet", "int8", &cell, err));
	struct seen seen = { 1, 0, 0, -1 };
	ck_ok(oqz_ledger_each(all, cell, check, &seen, err));
	ck_assert_uint_eq(seen.n, 30);
	ck_assert_uint_eq(seen.failed, 1);
	char *text;
	ck_ok(oqz_ledger_get_blob(all, "plan/int8", &text, NULL, err));
	ck_assert_str_eq(text, "same");
	free(text);
	/* Different numbers for the same item are not merged silently, and nothing else of that shard is either. */
	ck_ok(oqz_ledger_open(paths[1], false, &l, err));
	ck_ok(oqz_ledger_cell(l, "k1", "resnet", "int8", &other, err));
	const struct oqz_ledger_row row = { .item = 4, .item_id = "image-4.jpg", .record = "else", .record_size = 4 };
	ck_ok(oqz_ledger_put(l, other, &row, err));
	put(l, other, 1000, 1);
	ck_ok(oqz_ledger_close(l, err));
	ck_fails(oqz_ledger_merge(all, paths[1], err), OQZ_E_MISMATCH, "image-4.jpg of resnet, int8");
	ck_assert_uint_eq(count_items(all, cell, 1), 30);
	ck_fails(oqz_ledger_merge(all, "/nonexistent/s.db", err), OQZ_E_NOENT, "/nonexistent/s.db");
	ck_ok(oqz_ledger_merge(all, paths[0], err)); /* usable after failures */
	ck_ok(oqz_ledger_close(all, err));
}
END_TEST

static void put_from(struct oqz_ledger *l, int64_t cell, int64_t item, const char *source)
{
	const struct oqz_ledger_row row = {
		.item = item, .item_id = "x.jpg", .record = "r", .record_size = 1, .source = source
	};

	ck_ok(oqz_ledger_put(l, cell, &row, err));
}

static void list_source(void *ctx, int64_t item, enum oqz_status status, const char *source)
{
	char *text = ctx;

	snprintf(text + strlen(text), 200 - strlen(text), "%d:%d:%s;", (int)item, (int)status, source);
}

START_TEST(sources_are_kept_and_compared)
{
	const char *paths[2] = { fresh("s1"), fresh("s2") };
	struct oqz_ledger *l;
	int64_t cell;
	char text[200] = "";

	for (int s = 0; s < 2; s++) {
		open_cell(paths[s], false, "k", &l, &cell);
		put_from(l, cell, 1,
		         s ? "11111111111111111111111111111111\n22 /there/b.png"
		           : "11111111111111111111111111111111\n22 /here/b.png");
		put_from(l, cell, 0, NULL);
		put_failed(l, cell, 2, OQZ_E_DATA, "cut");
		if (s == 0) {
			ck_ok(oqz_ledger_sources(l, cell, list_source, text, err));
			ck_assert_str_eq(text, "0:0:;1:0:11111111111111111111111111111111\n22 /here/b.png;2:-5:;");
		}
		ck_ok(oqz_ledger_close(l, err));
	}
	/* the same bytes in another place */
	open_cell(paths[0], false, "k", &l, &cell);
	ck_ok(oqz_ledger_merge(l, paths[1], err));
	ck_ok(oqz_ledger_close(l, err));
	/* other bytes, though the numbers agree */
	open_cell(paths[1], false, "k", &l, &cell);
	put_from(l, cell, 1, "31111111111111111111111111111111");
	ck_ok(oqz_ledger_close(l, err));
	open_cell(paths[0], false, "k", &l, &cell);
	ck_fails(oqz_ledger_merge(l, paths[1], err), OQZ_E_MISMATCH, "x.jpg of resnet, int8");
	ck_ok(oqz_ledger_close(l, err));
}
END_TEST

START_TEST(version_1_is_brought_up_to_date)
{
	const char *path = fresh("v1");
	struct oqz_ledger *l;
	char text[200] = "";
	int64_t cell;
	sqlite3 *db;

	make(path, 10);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(
	    sqlite3_exec(db, "ALTER TABLE row DROP COLUMN source; PRAGMA user_version=1", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	ck_fails(read_all(path, true, err), OQZ_E_DATA, "version 1");
	ck_ok(read_all(path, false, err));
	ck_ok(read_all(path, true, err));
	open_cell(path, false, "k", &l, &cell);
	put_from(l, cell, 10, "1");
	ck_ok(oqz_ledger_sources(l, cell, list_source, text, err));
	ck_assert_str_eq(text, "0:0:;1:0:;2:0:;3:0:;4:0:;5:0:;6:0:;7:0:;8:0:;9:0:;10:0:1;");
	ck_ok(oqz_ledger_close(l, err));
}
END_TEST

OQZ_TEST_MAIN("ledger", what_is_put_comes_back_in_order, a_callback_may_stop, blobs_are_kept, many_threads_put_at_once,
              kill_loses_only_what_is_in_flight, a_second_run_is_refused, two_processes_may_write, damage_is_noticed,
              wrong_places_are_clear_errors, a_full_disk_is_an_error_and_loses_nothing, shards_merge,
              sources_are_kept_and_compared, version_1_is_brought_up_to_date)
