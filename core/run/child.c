/* SPDX-License-Identifier: Apache-2.0
 *
 * The forked job. Messages on the pipe have a fixed size below PIPE_BUF, so that each arrives whole. The parent forks
 * before it has any threads and holds no ledger connection meanwhile; OpenMP is never entered in the parent, whose
 * runtime would not survive fork().
 */
#include "core/run/child.h"
#include "core/base/file.h"
#include "core/base/str.h"
#include "core/run/memory_limit.h"
#include "core/run/prepared.h"

#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct message {
	enum { MESSAGE_PROGRESS = 1, MESSAGE_LOG, MESSAGE_END } kind;
	struct oqz_progress progress;
	enum oqz_status status;
	enum oqz_log_level level;
	char text[1000];
};

struct sender {
	int fd;
	enum oqz_phase phase;
	struct timespec last;
};

static double seconds_since(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - t->tv_sec) + 1e-9 * (double)(now.tv_nsec - t->tv_nsec);
}

static void send_message(int fd, const struct message *m)
{
	ssize_t n;

	do
		n = write(fd, m, sizeof *m);
	while (n < 0 && errno == EINTR);
}

static void add_usage(struct oqz_progress *p)
{
	struct rusage u;

	if (getrusage(RUSAGE_SELF, &u) != 0)
		return;
	p->cpu_seconds =
	    (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
	p->peak_bytes = (int64_t)u.ru_maxrss * 1024;
}

/* At most ten messages a second, and each change of phase. */
static void send_progress(void *ctx, const struct oqz_progress *p)
{
	struct sender *s = ctx;
	struct message m = { .kind = MESSAGE_PROGRESS, .progress = *p };

	if (p->phase == s->phase && p->done < p->total && seconds_since(&s->last) < 0.1)
		return;
	s->phase = p->phase;
	clock_gettime(CLOCK_MONOTONIC, &s->last);
	add_usage(&m.progress);
	send_message(s->fd, &m);
}

/* Messages of plugins; one message of this size is written whole even when threads speak at once. */
static void send_log(void *ctx, enum oqz_log_level level, const char *line)
{
	struct sender *s = ctx;
	struct message m = { .kind = MESSAGE_LOG, .level = level };

	snprintf(m.text, sizeof m.text, "%s", line);
	send_message(s->fd, &m);
}

const char *oqz_child_blob(struct oqz_arena *a, const struct oqz_manifest *m, size_t index)
{
	const struct oqz_job_spec *spec = &m->jobs.v[index];
	struct oqz_str s = { 0 };

	oqz_str_addf(&s, "results.%s", spec->model->id);
	for (size_t i = 0; i < spec->n_schemes; i++)
		oqz_str_addf(&s, ".%s", spec->schemes[i]->name);
	const char *name = oqz_str_ok(&s) ? oqz_arena_strdup(a, oqz_str_get(&s)) : NULL;
	oqz_str_release(&s);
	return name;
}

static enum oqz_status write_plans(const struct oqz_job *j, const char *dir, struct oqz_err *err)
{
	const char *plans = oqz_path_join(j->arena, dir, "plans");

	OQZ_TRY(oqz_mkdirs(plans, err));
	for (size_t i = 0; i < j->n_schemes; i++) {
		const struct oqz_scheme *s = &j->schemes[i];
		struct oqz_str text = { 0 };
		if (!s->plan)
			continue;
		enum oqz_status st = oqz_qplan_to_json(s->plan, &text, err);
		const char *path =
		    oqz_arena_printf(j->arena, "%s/%s.%s.json", plans, j->spec->model->id, s->spec->name);
		if (st == OQZ_OK)
			st = oqz_file_write(path, oqz_str_get(&text), text.len, err);
		oqz_str_release(&text);
		OQZ_TRY(st);
	}
	return OQZ_OK;
}

static enum oqz_status store_results(struct oqz_job *j, const char *blob, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_results_free_cleanup) struct oqz_results *r = oqz_results_new();
	struct oqz_str text = { 0 };

	if (!r)
		return oqz_err_nomem(err, "results", 1);
	OQZ_TRY(oqz_job_conclude(j, r, err));
	oqz_results_store(r, &text);
	enum oqz_status st = oqz_str_ok(&text) ? oqz_ledger_put_blob(j->ledger, blob, oqz_str_get(&text), text.len, err)
	                                       : oqz_err_nomem(err, "results", text.len);
	oqz_str_release(&text);
	return st;
}

/* A run shows a scheme without a plan as a failed cell; the calibration alone has nothing else to show it in. */
static enum oqz_status check_schemes(const struct oqz_job *j, struct oqz_err *err)
{
	for (size_t i = 0; i < j->n_schemes; i++)
		if (j->schemes[i].status != OQZ_OK)
			OQZ_FAIL(err, j->schemes[i].status, "scheme `%s`: %s", j->schemes[i].spec->name,
			         j->schemes[i].message);
	return OQZ_OK;
}

/* Large blocks (weights, activations) come from the system one by one and go back to it, so that a phase does not keep
 * what the one before had; by default glibc raises the size from which it does so with every block that is freed.
 * Pictures on their way through decoding and resizing are smaller, and the heap keeps their memory for the next one:
 * fetching a megabyte from the system anew for each image costs as much as resizing it. */
static void large_blocks_apart(void)
{
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, 4 << 20);
	mallopt(M_TRIM_THRESHOLD, 32 << 20);
#endif
}

static void release_heap(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

/* What the child of one attempt works on. `planned` is shared with it. */
struct task_of_child {
	const struct oqz_manifest *m;
	size_t index;
	const struct oqz_registry *reg;
	const struct oqz_run_options *opt;
	volatile int *planned;
	const char *const *crashed;
};

static enum oqz_status run_phases(const struct task_of_child *t, struct oqz_ledger *ledger, struct sender *sender,
                                  struct oqz_err *err)
{
	const struct oqz_manifest *m = t->m;
	const struct oqz_run_options *opt = t->opt;
	OQZ_CLEANUP(oqz_job_close_cleanup) struct oqz_job *j = NULL;
	struct oqz_job_options jopt = { .threads = opt->threads,
		                        .stop = opt->stop,
		                        .progress = send_progress,
		                        .progress_ctx = sender,
		                        .log = send_log,
		                        .log_ctx = sender,
		                        .planned = t->planned,
		                        .crashed = t->crashed };

	OQZ_TRY(oqz_job_open(m, &m->jobs.v[t->index], t->reg, ledger, &jopt, &j, err));
	OQZ_TRY(
	    oqz_prepared_open(oqz_path_join(j->arena, opt->dir, "prepared"), m->limits.prepared, &j->prepared, err));
	OQZ_TRY(oqz_job_calibrate(j, err));
	release_heap();
	OQZ_TRY(write_plans(j, opt->dir, err));
	if (opt->calibrate_only)
		return check_schemes(j, err);
	OQZ_TRY(oqz_job_evaluate(j, err));
	const char *blob = oqz_child_blob(j->arena, m, t->index);
	return blob ? store_results(j, blob, err) : oqz_err_nomem(err, "results", 1);
}

static enum oqz_status child_main(const struct task_of_child *t, int fd, struct oqz_err *err)
{
	struct sender sender = { .fd = fd, .phase = OQZ_PHASE_DONE };
	struct oqz_ledger *ledger = NULL;
	struct oqz_str path = { 0 };

	large_blocks_apart();
	OQZ_TRY(oqz_memory_limit(t->m->limits.memory, t->opt->threads, err));
	oqz_str_addf(&path, "%s/ledger.db", t->opt->dir);
	enum oqz_status st = oqz_ledger_open(oqz_str_get(&path), false, &ledger, err);
	oqz_str_release(&path);
	OQZ_TRY(st);
	st = run_phases(t, ledger, &sender, err);
	struct oqz_err close_err = { 0 };
	enum oqz_status closed = oqz_ledger_close(ledger, &close_err);
	if (st == OQZ_OK && closed != OQZ_OK) {
		*err = close_err;
		st = closed;
	}
	return st;
}

/* ------------------------------------------------------------------------------------------------ the parent's side */

/* Reads one message; false at the end of the pipe. */
static bool receive(int fd, struct message *m)
{
	size_t have = 0;

	while (have < sizeof *m) {
		ssize_t n = read(fd, (char *)m + have, sizeof *m - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		have += (size_t)n;
	}
	return true;
}

static enum oqz_status explain_death(int status, bool timed_out, const struct oqz_limits *l, struct oqz_err *err)
{
	if (timed_out)
		OQZ_FAIL(err, OQZ_E_LIMIT, "the job took longer than its limit of %g seconds", l->seconds);
	if (WIFSIGNALED(status))
		OQZ_FAIL(err, OQZ_E_PLUGIN, "the job's process died of signal %d (%s)", WTERMSIG(status),
		         strsignal(WTERMSIG(status)));
	OQZ_FAIL(err, OQZ_E_PLUGIN, "the job's process ended without a word (exit status %d)", WEXITSTATUS(status));
}

struct watch {
	const struct oqz_manifest *m;
	size_t index;
	const struct oqz_run_options *opt;
	pid_t pid;
	bool timed_out, told_to_stop;
	struct timespec start, phase_start;
	enum oqz_phase phase;
};

static void pass_on(struct watch *w, const struct message *msg)
{
	if (msg->kind == MESSAGE_LOG) {
		struct oqz_run_event e = { .job = w->index,
			                   .n_jobs = w->m->jobs.n,
			                   .model = w->m->jobs.v[w->index].model->id,
			                   .level = msg->level,
			                   .note = msg->text };
		if (w->opt->event)
			w->opt->event(w->opt->ctx, &e);
		return;
	}
	if (msg->progress.phase != w->phase)
		clock_gettime(CLOCK_MONOTONIC, &w->phase_start);
	w->phase = msg->progress.phase;
	struct oqz_run_event e = { .job = w->index,
		                   .n_jobs = w->m->jobs.n,
		                   .model = w->m->jobs.v[w->index].model->id,
		                   .progress = msg->progress,
		                   .seconds = seconds_since(&w->phase_start) };
	if (w->opt->event)
		w->opt->event(w->opt->ctx, &e);
}

/* Waits for messages, looking twice a second at the clock and at the stop flag. The child gets the interrupt of a
 * terminal by itself; one that was sent to this process alone is passed on. */
static bool watch_child(struct watch *w, int fd, struct message *last)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		int n = poll(&p, 1, 500);
		if (n > 0) {
			if (!receive(fd, last))
				return false;
			if (last->kind == MESSAGE_END)
				return true;
			pass_on(w, last);
		}
		if (w->opt->stop && *w->opt->stop && !w->told_to_stop) {
			kill(w->pid, SIGTERM);
			w->told_to_stop = true;
		}
		if (w->m->limits.seconds > 0 && seconds_since(&w->start) > w->m->limits.seconds && !w->timed_out) {
			w->timed_out = true;
			kill(w->pid, SIGKILL);
		}
	}
}

/* One process for the job, until it ends. *ret_signal: what killed it other than a limit or the user, else 0. */
static enum oqz_status attempt(const struct task_of_child *t, int *ret_signal, struct oqz_err *err)
{
	struct watch w = { .m = t->m, .index = t->index, .opt = t->opt, .phase = OQZ_PHASE_DONE };
	struct message msg = { 0 };
	int fds[2], status = 0;

	*ret_signal = 0;
	if (pipe(fds) != 0)
		return oqz_err_errno(err, errno, "a pipe");
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	fflush(NULL);
	pid_t parent = getpid();
	w.pid = fork();
	if (w.pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return oqz_err_errno(err, errno, "a process for the job");
	}
	if (w.pid == 0) {
		struct message end = { .kind = MESSAGE_END };
		struct oqz_err e = { 0 };
		close(fds[0]);
		/* Without its parent it would hold the folder's lock, unheard. The ledger takes a kill at any moment.
		 */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
			_exit(1);
		signal(SIGPIPE, SIG_IGN);
		end.status = child_main(t, fds[1], &e);
		snprintf(end.text, sizeof end.text, "%s", e.msg);
		send_message(fds[1], &end);
		OQZ_EXIT_NOW(0);
	}
	close(fds[1]);
	clock_gettime(CLOCK_MONOTONIC, &w.start);
	bool ended = watch_child(&w, fds[0], &msg);
	close(fds[0]);
	while (waitpid(w.pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!ended && !w.timed_out && !w.told_to_stop && WIFSIGNALED(status))
		*ret_signal = WTERMSIG(status);
	/* The job may have ended while its limit was noticed: it took longer all the same. */
	if (!ended || w.timed_out)
		return w.told_to_stop ? oqz_err_set(err, OQZ_E_INTERRUPTED, "interrupted")
		                      : explain_death(status, w.timed_out, &t->m->limits, err);
	return msg.status == OQZ_OK ? OQZ_OK : oqz_err_set(err, msg.status, "%s", msg.text);
}

/* What a bug raises; others kill from outside (the user, the kernel that is out of memory). */
static bool is_crash(int signal_number)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };

	for (size_t i = 0; i < OQZ_COUNTOF(crashes); i++)
		if (crashes[i] == signal_number)
			return true;
	return false;
}

/* The scheme that was being planned when the process died is to blame, and is not tried again when others are left.
 * False: none is, or it is the only one, whose failure is the job's. */
static bool blame_scheme(struct task_of_child *t, const char **crashed, int signal_number, struct oqz_arena *arena)
{
	const struct oqz_job_spec *spec = &t->m->jobs.v[t->index];
	size_t left = 0;
	int planned = *t->planned;

	for (size_t i = 0; i < spec->n_schemes; i++)
		left += !spec->schemes[i]->file && !crashed[i];
	if (!is_crash(signal_number) || planned < 1 || (size_t)planned > spec->n_schemes || left < 2)
		return false;
	crashed[planned - 1] =
	    oqz_arena_printf(arena, "the process died of signal %d (%s) while this scheme was planned", signal_number,
	                     strsignal(signal_number));
	const char *note = oqz_arena_printf(arena, "scheme `%s`: %s; going on without it",
	                                    spec->schemes[planned - 1]->name, crashed[planned - 1]);
	struct oqz_run_event e = {
		.job = t->index, .n_jobs = t->m->jobs.n, .model = spec->model->id, .level = OQZ_LOG_ERROR, .note = note
	};
	if (note && t->opt->event)
		t->opt->event(t->opt->ctx, &e);
	return crashed[planned - 1] != NULL;
}

enum oqz_status oqz_child_run(const struct oqz_manifest *m, size_t index, const struct oqz_registry *reg,
                              const struct oqz_run_options *opt, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *arena = oqz_arena_new();
	OQZ_CLEANUP_FREE const char **crashed = calloc(m->jobs.v[index].n_schemes + 1, sizeof *crashed);
	struct task_of_child t = { .m = m, .index = index, .reg = reg, .opt = opt, .crashed = crashed };
	enum oqz_status st;
	int signal_number;

	if (!arena || !crashed)
		return oqz_err_nomem(err, "a job", 1);
	t.planned = mmap(NULL, sizeof *t.planned, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t.planned == MAP_FAILED)
		return oqz_err_errno(err, errno, "memory for a job");
	do {
		*t.planned = 0;
		st = attempt(&t, &signal_number, err);
	} while (blame_scheme(&t, crashed, signal_number, arena));
	munmap((void *)t.planned, sizeof *t.planned);
	return st;
}
