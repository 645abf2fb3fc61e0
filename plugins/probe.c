/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking at a plugin file from a forked child. Loading runs a stranger's constructors and entry function, so it
 * happens where a crash, an exit or an endless loop costs only the child. The child answers through a pipe: one letter
 * ('D' a description follows, 'R' a reason) and an end mark, so that what a dying child left behind is not taken for an
 * answer.
 */
#include "core/base/arena.h"
#include "core/base/str.h"
#include "plugins/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ANSWER = 4 << 20, DEFAULT_MS = 10000 };
static const char end_mark[] = "\nend.";

/* -------------------------------------------------------------------------------------------------- the child */

static void write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);
		if (w < 0 && errno != EINTR)
			_exit(1);
		if (w > 0) {
			p += w;
			n -= (size_t)w;
		}
	}
}

/* Signals as at program start (a crash must kill the child, whatever handlers the parent has), no core files, nothing
 * on standard output, which belongs to the parent's report; death together with the parent. */
static void child_setup(pid_t parent)
{
	const struct rlimit none = { 0, 0 };
	sigset_t all;

	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
}

static _Noreturn void child(const char *path, int fd, pid_t parent)
{
	struct oqz_module *m = NULL;
	struct oqz_err err = { 0 };
	struct oqz_str out = { 0 };

	child_setup(parent);
	if (oqz_module_open(path, &m, &err) == OQZ_OK) {
		oqz_str_add(&out, "D");
		oqz_plugin_info_write(m, &out);
	} else {
		/* The parent has the path beside the reason. */
		size_t n = strlen(path);
		bool prefixed = strncmp(err.msg, path, n) == 0 && strncmp(err.msg + n, ": ", 2) == 0;
		oqz_str_add(&out, "R");
		oqz_str_add(&out, prefixed ? err.msg + n + 2 : err.msg);
	}
	oqz_str_add(&out, end_mark);
	if (!oqz_str_ok(&out))
		_exit(1);
	write_all(fd, out.s, out.len);
	OQZ_EXIT_NOW(0); /* no destructors: the answer is given */
}

/* -------------------------------------------------------------------------------------------------- the parent */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until the end mark, end of file, the limit or the deadline. True: the deadline passed. */
static bool read_answer(int fd, int64_t deadline, struct oqz_str *out)
{
	char buf[4096];

	while (out->len <= MAX_ANSWER && oqz_str_ok(out)) {
		int64_t left = deadline - now_ms();
		struct pollfd p = { fd, POLLIN, 0 };
		int n = left > 0 ? poll(&p, 1, (int)left) : 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return true;
		ssize_t got = n < 0 ? -1 : read(fd, buf, sizeof buf);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		oqz_str_addn(out, buf, (size_t)got);
		if (out->len >= sizeof end_mark - 1 &&
		    memcmp(out->s + out->len - (sizeof end_mark - 1), end_mark, sizeof end_mark - 1) == 0)
			return false;
	}
	return false;
}

/* Ends the child whatever it does (it may have closed its pipe and live on) and tells how it ended by itself, if so. */
static int reap(pid_t pid, bool timed_out)
{
	int status = 0;

	if (timed_out)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 0;
	return status;
}

static const char *refusal(int status, bool timed_out, unsigned ms, struct oqz_arena *arena)
{
	if (timed_out)
		return oqz_arena_printf(arena, "did not finish loading within %u ms", ms);
	if (WIFSIGNALED(status))
		return oqz_arena_printf(arena, "crashed while being loaded: signal %d (%s)", WTERMSIG(status),
		                        strsignal(WTERMSIG(status)));
	return oqz_arena_printf(arena, "ended the process while being loaded (exit status %d)", WEXITSTATUS(status));
}

static enum oqz_status take_answer(const struct oqz_str *s, struct oqz_arena *arena, struct oqz_plugin_info *ret,
                                   struct oqz_err *err)
{
	size_t n = s->len - 1 - (sizeof end_mark - 1);
	struct oqz_err why = { 0 };
	enum oqz_status st = OQZ_E_PLUGIN;

	if (s->s[0] == 'D')
		st = oqz_plugin_info_read(s->s + 1, n, arena, ret, &why);
	if (st == OQZ_OK)
		return OQZ_OK;
	ret->refused = s->s[0] == 'R' ? oqz_arena_strndup(arena, s->s + 1, n) : oqz_arena_strdup(arena, why.msg);
	return ret->refused ? OQZ_OK : oqz_err_nomem(err, ret->path, n);
}

enum oqz_status oqz_plugin_probe(const char *path, unsigned probe_ms, struct oqz_arena *arena,
                                 struct oqz_plugin_info *ret, struct oqz_err *err)
{
	struct oqz_plugin_info info = { .path = oqz_arena_strdup(arena, path) };
	unsigned ms = probe_ms ? probe_ms : DEFAULT_MS;
	struct oqz_str answer = { 0 };
	int fds[2];

	if (!info.path)
		return oqz_err_nomem(err, path, strlen(path));
	if (pipe2(fds, O_CLOEXEC) != 0)
		return oqz_err_errno(err, errno, "pipe");
	fflush(NULL); /* else a plugin that calls exit() would write our buffers a second time */
	pid_t parent = getpid(), pid = fork();
	if (pid == 0)
		child(path, fds[1], parent);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return oqz_err_errno(err, errno, "fork");
	}
	bool timed_out = read_answer(fds[0], now_ms() + ms, &answer);
	close(fds[0]);
	bool complete = !timed_out && answer.len >= sizeof end_mark &&
	                memcmp(answer.s + answer.len - (sizeof end_mark - 1), end_mark, sizeof end_mark - 1) == 0;
	int status = reap(pid, timed_out);
	enum oqz_status st = OQZ_OK;
	if (!oqz_str_ok(&answer)) {
		st = oqz_err_nomem(err, path, answer.len);
	} else if (complete) {
		st = take_answer(&answer, arena, &info, err);
	} else {
		info.refused = refusal(status, timed_out, ms, arena);
		if (!info.refused)
			st = oqz_err_nomem(err, path, 64);
	}
	oqz_str_release(&answer);
	if (st == OQZ_OK)
		*ret = info;
	return st;
}
