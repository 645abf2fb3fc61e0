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

static void put(struct oqz_ledger *l, int64_t job, int64_t item, size_t lanes)
{
	struct oqz_ledger_lane lane[8] = { 0 };
	struct oqz_error_sums sums[8][2][LAYERS];
	char record[8][40];

	for (size_t k = 0; k < lanes; k++) {
		snprintf(record[k], sizeof record[k], "record of item %d in lane %zu", (int)item, k);
		for (int i = 0; i < LAYERS; i++)
			for (int j = 0; j < 2; j++)
				sums[k][j][i] =
				    (struct oqz_error_sums) { (double)item + i + j * 0.5, 1.0 / (double)(item + 1) };
		lane[k] = (struct oqz_ledger_lane) { record[k], strlen(record[k]), sums[k][0],
			                             item % 3 ? NULL : sums[k][1], k ? LAYERS : 0 };
	}
	ck_ok(oqz_ledger_put_item(l, job, item, lane, lanes, err));
}

struct seen {
	size_t lane, n;
	int64_t last;
};

static enum oqz_status check(void *ctx, int64_t item, const struct oqz_ledger_lane *lane, struct oqz_err *err)
{
	struct seen *s = ctx;
	char want[40];

	snprintf(want, sizeof want, "record of item %d in lane %zu", (int)item, s->lane);
	ck_assert_uint_eq(lane->record_size, strlen(want));
	ck_assert_int_eq(memcmp(lane->record, want, strlen(want)), 0);
	ck_assert_uint_eq(lane->n_layers, s->lane ? LAYERS : 0);
	for (size_t i = 0; i < lane->n_layers; i++) {
		ck_assert_double_eq(lane->cumulative[i].err2, (double)item + (double)i);
		ck_assert_double_eq(lane->cumulative[i].ref2, 1.0 / (double)(item + 1));
		ck_assert((lane->local != NULL) == (item % 3 == 0));
		if (lane->local)
			ck_assert_double_eq(lane->local[i].err2, (double)item + (double)i + 0.5);
	}
	ck_assert_int_gt(item, s->last);
	s->last = item;
	s->n++;
	return OQZ_OK;
}

static size_t count_items(struct oqz_ledger *l, int64_t job, size_t lane)
{
	struct seen s = { lane, 0, -1 };

	ck_ok(oqz_ledger_each_item(l, job, (int64_t)lane, check, &s, err));
	return s.n;
}

START_TEST(what_is_put_comes_back_in_order)
{
	const char *path = fresh("order");
	struct oqz_ledger *l;
	int64_t job, again, other;
	unsigned char state[12];

	ck_ok(oqz_ledger_open(path, OQZ_LEDGER_WRITE, &l, err));
	ck_ok(oqz_ledger_job(l, "key-a", "resnet", &job, err));
	ck_ok(oqz_ledger_job(l, "key-b", "vit", &other, err));
	ck_ok(oqz_ledger_job(l, "key-a", "resnet", &again, err));
	ck_assert(job == again && job != other);
	for (int i = 9; i >= 0; i -= 2)
		put(l, job, i, 3);
	ck_ok(oqz_ledger_put_failure(l, job, 4, OQZ_E_DATA, "a.jpg: the JPEG file is truncated", err));
	ck_ok(oqz_ledger_put_failure(l, job, 5, OQZ_E_DATA, "put() above succeeded, so this replaces nothing", err));
	put(l, job, 5, 3); /* measured after all: the failure is forgotten */
	ck_ok(oqz_ledger_states(l, job, state, 12, err));
	static const unsigned char want[12] = { 0, 1, 0, 1, 2, 1, 0, 1, 0, 1, 0, 0 };
	ck_assert_int_eq(memcmp(state, want, 12), 0);
	ck_ok(oqz_ledger_close(l, err));

	ck_ok(oqz_ledger_open(path, OQZ_LEDGER_READ, &l, err));
	ck_ok(oqz_ledger_find_job(l, "key-a", &job, err));
	for (size_t k = 0; k < 3; k++)
		ck_assert_uint_eq(count_items(l, job, k), 5);
	ck_assert_uint_eq(count_items(l, other, 0), 0);
	ck_fails(oqz_ledger_find_job(l, "key-c", &job, err), OQZ_E_NOENT, "key-c");
	struct oqz_ledger_lane lane = { 0 };
	ck_fails(oqz_ledger_put_item(l, job, 0, &lane, 1, err), OQZ_E_USAGE, "reading only");
	ck_ok(oqz_ledger_close(l, err));
	ck_ok(oqz_ledger_close(NULL, err));
}
END_TEST

static enum oqz_status collect(void *ctx, int64_t at, enum oqz_status code, const char *message, struct oqz_err *err)
{
	char *text = ctx;

	sprintf(text + strlen(text), "%d:%d:%s;", (int)at, code, message);
	return OQZ_OK;
}

static enum oqz_status collect_job(void *ctx, int64_t job, const char *key, const char *model, struct oqz_err *err)
{
	char *text = ctx;

	sprintf(text + strlen(text), "%s=%s;", key, model);
	return OQZ_OK;
}

START_TEST(notes_cells_and_failures_are_kept)
{
	const char *path = fresh("notes");
	struct oqz_ledger *l;
	int64_t job;
	char text[300] = "", *note;
	size_t size;

	ck_ok(oqz_ledger_open(path, OQZ_LEDGER_WRITE, &l, err));
	ck_ok(oqz_ledger_job(l, "k", "m", &job, err));
	ck_ok(oqz_ledger_set_note(l, job, "meta", "{}", 2, err));
	ck_ok(oqz_ledger_set_note(l, job, "meta", "{\"a\":1}", 7, err));
	ck_ok(oqz_ledger_set_note(l, 0, "empty", NULL, 0, err));
	ck_ok(oqz_ledger_set_cell(l, job, 2, OQZ_E_UNSUPPORTED, "operator Foo", err));
	ck_ok(oqz_ledger_set_cell(l, job, 1, OQZ_E_PLUGIN, "crashed", err));
	ck_ok(oqz_ledger_set_cell(l, job, 1, OQZ_E_LIMIT, "too slow", err));
	ck_ok(oqz_ledger_set_cell(l, job, 3, OQZ_E_LIMIT, "x", err));
	ck_ok(oqz_ledger_clear_cell(l, job, 3, err));
	ck_ok(oqz_ledger_put_failure(l, job, 8, OQZ_E_DATA, "b", err));
	ck_ok(oqz_ledger_put_failure(l, job, 7, OQZ_E_IO, "a", err));
	ck_ok(oqz_ledger_close(l, err));
	ck_ok(oqz_ledger_open(path, OQZ_LEDGER_READ, &l, err));
	ck_ok(oqz_ledger_get_note(l, job, "meta", &note, &size, err));
	ck_assert_str_eq(note, "{\"a\":1}");
	ck_assert_uint_eq(size, 7);
	free(note);
	ck_ok(oqz_ledger_get_note(l, 0, "empty", &note, NULL, err));
	ck_assert_str_eq(note, "");
	free(note);
	ck_fails(oqz_ledger_get_note(l, job, "plan/x", &note, &size, err), OQZ_E_NOENT, "plan/x");
	ck_ok(oqz_ledger_each_cell(l, job, collect, text, err));
	ck_ok(oqz_ledger_each_failure(l, job, collect, text, err));
	ck_ok(oqz_ledger_each_job(l, collect_job, text, err));
	ck_assert_str_eq(text, "1:-8:too slow;2:-6:operator Foo;7:-7:a;8:-5:b;k=m;");
	ck_ok(oqz_ledger_close(l, err));
}
END_TEST

struct worker {
	struct oqz_ledger *l;
	int64_t job;
	int first;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < 200; i++)
		put(w->l, w->job, w->first + i * 4, 3);
	return NULL;
}

START_TEST(many_threads_put_at_once)
{
	struct oqz_ledger *l;
	pthread_t t[4];
	struct worker w[4];
	int64_t job;

	ck_ok(oqz_ledger_open(fresh("threads"), OQZ_LEDGER_WRITE, &l, err));
	ck_ok(oqz_ledger_job(l, "k", "m", &job, err));
	for (int i = 0; i < 4; i++) {
		w[i] = (struct worker) { l, job, i };
		pthread_create(&t[i], NULL, work, &w[i]);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	ck_assert_uint_eq(count_items(l, job, 2), 800);
	ck_ok(oqz_ledger_close(l, err));
}
END_TEST

START_TEST(kill_loses_only_what_is_in_flight)
{
	const char *path = fresh("kill");
	size_t before = 0;

	for (int round = 0; round < 8; round++) {
		int pipefd[2];
		ck_assert_int_eq(pipe(pipefd), 0);
		pid_t pid = fork();
		if (pid == 0) {
			struct oqz_ledger *l;
			struct oqz_err err;
			int64_t job;
			if (oqz_ledger_open(path, OQZ_LEDGER_WRITE, &l, &err) ||
			    oqz_ledger_job(l, "k", "m", &job, &err))
				_exit(1);
			for (int i = (int)before; i < 100000; i++) {
				put(l, job, i, 3);
				if (i == (int)before + 20) {
					oqz_ledger_flush(l, &err);
					if (write(pipefd[1], "x", 1) != 1) /* twenty are safe from here on */
						_exit(1);
				}
			}
			_exit(0);
		}
		char c;
		close(pipefd[1]);
		ck_assert_int_eq((int)read(pipefd[0], &c, 1), 1);
		close(pipefd[0]);
		usleep(1000u * (unsigned)round);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		struct oqz_ledger *l;
		int64_t job;
		ck_ok(oqz_ledger_open(path, OQZ_LEDGER_WRITE, &l, err));
		ck_ok(oqz_ledger_find_job(l, "k", &job, err));
		size_t n = count_items(l, job, 0);
		ck_assert_uint_ge(n, before + 21);
		ck_assert_uint_eq(count_items(l, job, 1), n); /* an item has all its lanes or none */
		ck_assert_uint_eq(count_items(l, job, 2), n);
		before = n;
		ck_ok(oqz_ledger_close(l, err));
	}
}
END_TEST

START_TEST(a_second_run_is_refused)
{
	const char *path = fresh("second");
	struct oqz_ledger *l, *m;
	int64_t job, found;
	int fd;

	ck_ok(oqz_ledger_open(path, OQZ_LEDGER_WRITE, &l, err));
	ck_fails(oqz_ledger_open(path, OQZ_LEDGER_WRITE, &m, err), OQZ_E_IO, "in use by another run");
	ck_fails(oqz_ledger_lock(path, &fd, err), OQZ_E_IO, "in use");
	/* A reader may look on, a worker of the same run may write. */
	ck_ok(oqz_ledger_open(path, OQZ_LEDGER_JOIN, &m, err));
	ck_ok(oqz_ledger_job(m, "k", "m", &job, err));
	put(m, job, 1, 2);
	ck_ok(oqz_ledger_close(m, err));
	put(l, job, 2, 2);
	ck_ok(oqz_ledger_flush(l, err));
	ck_ok(oqz_ledger_open(path, OQZ_LEDGER_READ, &m, err));
	ck_ok(oqz_ledger_find_job(m, "k", &found, err));
	ck_assert_uint_eq(count_items(m, found, 1), 2);
	ck_ok(oqz_ledger_close(m, err));
	ck_ok(oqz_ledger_close(l, err));
	ck_ok(oqz_ledger_open(path, OQZ_LEDGER_WRITE, &l, err));
	ck_ok(oqz_ledger_close(l, err));
}
END_TEST

static void make(const char *path, int items)
{
	struct oqz_ledger *l;
	int64_t job;

	ck_ok(oqz_ledger_open(path, OQZ_LEDGER_WRITE, &l, err));
	ck_ok(oqz_ledger_job(l, "k", "m", &job, err));
	for (int i = 0; i < items; i++)
		put(l, job, i, 2);
	ck_ok(oqz_ledger_close(l, err));
}

/* Opens and reads all; the first error. */
static enum oqz_status read_all(const char *path, enum oqz_ledger_mode mode, struct oqz_err *err)
{
	struct oqz_ledger *l = NULL;
	struct seen s = { 1, 0, -1 };
	unsigned char state[600];
	int64_t job;

	OQZ_TRY(oqz_ledger_open(path, mode, &l, err));
	enum oqz_status st = oqz_ledger_find_job(l, "k", &job, err);
	if (st == OQZ_OK)
		st = oqz_ledger_states(l, job, state, sizeof state, err);
	if (st == OQZ_OK)
		st = oqz_ledger_each_item(l, job, 1, check, &s, err);
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
	for (int mode = 0; mode < 2; mode++) {
		ck_ok(oqz_file_write(path, data, size / 2, err)); /* truncated */
		ck_fails(read_all(path, (enum oqz_ledger_mode)mode, err), OQZ_E_DATA, path);
		ck_ok(oqz_file_write(path, "this is not a database, it is a text file, really", 49, err));
		ck_fails(read_all(path, (enum oqz_ledger_mode)mode, err), OQZ_E_DATA, path);
	}
	ck_ok(oqz_file_write(path, "", 0, err));
	ck_fails(read_all(path, OQZ_LEDGER_READ, err), OQZ_E_DATA, "not a ledger");
	/* One flipped bit in a record's text, which SQLite itself does not see. */
	char *at = memmem(data, size, "record of item 77 in lane 1", 27);
	ck_assert_ptr_nonnull(at);
	at[9] ^= 1;
	ck_ok(oqz_file_write(path, data, size, err));
	struct oqz_err e;
	ck_assert_int_eq(read_all(path, OQZ_LEDGER_READ, &e), OQZ_E_DATA);
	ck_assert_msg(strstr(e.msg, "item 77 has a wrong checksum") != NULL, "%s", e.msg);
	free(data);
}
END_TEST

START_TEST(wrong_places_are_clear_errors)
{
	struct oqz_ledger *l = NULL;
	const char *path = fresh("dir");

	ck_fails(oqz_ledger_open("/nonexistent/x.db", OQZ_LEDGER_READ, &l, err), OQZ_E_NOENT, "/nonexistent/x.db");
	ck_fails(oqz_ledger_open("/nonexistent/x.db", OQZ_LEDGER_WRITE, &l, err), OQZ_E_NOENT, "/nonexistent/x.db");
	ck_ok(oqz_mkdirs(path, err));
	ck_fails(oqz_ledger_open(path, OQZ_LEDGER_WRITE, &l, err), OQZ_E_IO, path);
	if (geteuid() != 0) {
		char inside[800];
		snprintf(inside, sizeof inside, "%s/l.db", path);
		make(inside, 3);
		chmod(path, 0555);
		ck_fails(oqz_ledger_open(fresh("dir"), OQZ_LEDGER_WRITE, &l, err), OQZ_E_IO, "ermission");
		ck_ok(read_all(inside, OQZ_LEDGER_READ, err));
		chmod(path, 0755);
	}
	ck_assert_ptr_null(l);
}
END_TEST

START_TEST(a_full_disk_is_an_error_and_loses_nothing)
{
	const char *path = fresh("full");
	struct rlimit old, small = { 0 };
	struct oqz_ledger *l;
	int64_t job;

	make(path, 10);
	getrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, SIG_IGN);
	ck_ok(oqz_ledger_open(path, OQZ_LEDGER_WRITE, &l, err));
	ck_ok(oqz_ledger_job(l, "k", "m", &job, err));
	small.rlim_cur = 256 * 1024; /* no file grows beyond this: how a full disk looks to SQLite */
	small.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	struct oqz_err e = { 0 };
	enum oqz_status st = OQZ_OK;
	static char big[100000];
	const struct oqz_ledger_lane lane = { big, sizeof big, NULL, NULL, 0 };
	for (int i = 10; i < 200 && st == OQZ_OK; i++)
		st = oqz_ledger_put_item(l, job, i, &lane, 1, &e);
	if (st == OQZ_OK)
		st = oqz_ledger_flush(l, &e);
	ck_assert_msg(st == OQZ_E_IO && strstr(e.msg, path), "%d %s", st, e.msg);
	ck_assert_int_eq(oqz_ledger_close(l, &e), OQZ_E_IO);
	setrlimit(RLIMIT_FSIZE, &old);
	ck_ok(oqz_ledger_open(path, OQZ_LEDGER_WRITE, &l, err));
	unsigned char state[10];
	ck_ok(oqz_ledger_states(l, job, state, 10, err));
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(state[i], OQZ_ITEM_DONE);
	ck_ok(oqz_ledger_close(l, err));
}
END_TEST

START_TEST(shards_merge)
{
	const char *a = fresh("a"), *b = fresh("b"), *c = fresh("c");
	const char *paths[3] = { a, b, c };
	struct oqz_ledger *l, *all;
	int64_t job, other;
	char text[300] = "";

	for (int s = 0; s < 3; s++) {
		ck_ok(oqz_ledger_open(paths[s], OQZ_LEDGER_WRITE, &l, err));
		if (s == 1) /* ids differ between shards, keys do not */
			ck_ok(oqz_ledger_job(l, "k2", "vit", &other, err));
		ck_ok(oqz_ledger_job(l, "k1", "resnet", &job, err));
		for (int i = s; i < 30; i += 3)
			put(l, job, i, 2);
		put(l, job, 0, 2); /* measured by all of them, equal */
		ck_ok(oqz_ledger_set_note(l, job, "plan/int8", "same", 4, err));
		if (s == 2) {
			ck_ok(oqz_ledger_put_failure(l, job, 99, OQZ_E_DATA, "broken", err));
			ck_ok(oqz_ledger_put_failure(l, job, 1, OQZ_E_LIMIT, "slow here, measured elsewhere", err));
			ck_ok(oqz_ledger_set_cell(l, job, 1, OQZ_E_LIMIT, "x", err));
		}
		ck_ok(oqz_ledger_close(l, err));
	}
	const char *out = fresh("all");
	ck_ok(oqz_ledger_open(out, OQZ_LEDGER_WRITE, &all, err));
	for (int s = 2; s >= 0; s--)
		ck_ok(oqz_ledger_merge(all, paths[s], err));
	ck_ok(oqz_ledger_merge(all, paths[1], err)); /* again: nothing new, nothing wrong */
	ck_ok(oqz_ledger_find_job(all, "k1", &job, err));
	ck_assert_uint_eq(count_items(all, job, 0), 30);
	ck_assert_uint_eq(count_items(all, job, 1), 30);
	ck_ok(oqz_ledger_each_failure(all, job, collect, text, err));
	ck_ok(oqz_ledger_each_cell(all, job, collect, text, err));
	ck_assert_str_eq(text, "99:-5:broken;1:-8:x;");
	/* Different numbers for the same item are not merged silently. */
	ck_ok(oqz_ledger_open(b, OQZ_LEDGER_WRITE, &l, err));
	ck_ok(oqz_ledger_find_job(l, "k1", &other, err));
	const struct oqz_ledger_lane lane = { "else", 4, NULL, NULL, 0 };
	ck_ok(oqz_ledger_put_item(l, other, 4, &lane, 1, err));
	put(l, other, 1000, 2);
	ck_ok(oqz_ledger_close(l, err));
	ck_fails(oqz_ledger_merge(all, b, err), OQZ_E_MISMATCH, "resnet, item 4");
	ck_assert_uint_eq(count_items(all, job, 0), 30);
	ck_fails(oqz_ledger_merge(all, "/nonexistent/s.db", err), OQZ_E_NOENT, "/nonexistent/s.db");
	ck_ok(oqz_ledger_merge(all, a, err)); /* usable after failures */
	ck_ok(oqz_ledger_close(all, err));
}
END_TEST

OQZ_TEST_MAIN("ledger", what_is_put_comes_back_in_order, notes_cells_and_failures_are_kept, many_threads_put_at_once,
              kill_loses_only_what_is_in_flight, a_second_run_is_refused, damage_is_noticed,
              wrong_places_are_clear_errors, a_full_disk_is_an_error_and_loses_nothing, shards_merge)
