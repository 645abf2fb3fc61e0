/* SPDX-License-Identifier: Apache-2.0
 *
 * Entry point: picks the verb, maps errors to exit codes. Called as `oqz-run` it is `oqz run`.
 */
#include "cli/cli.h"
#include "config.h"
#include "core/base/file.h"
#include "core/base/str.h"
#include "plugins/registry.h"

#include <errno.h>
#include <locale.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* One line per verb: declares it and enters it in the table. */
#define VERBS(X)      \
	X(describe)   \
	X(calibrate)  \
	X(check_onnx) \
	X(compare)    \
	X(export)     \
	X(infer)      \
	X(list)       \
	X(plan)       \
	X(prepare)    \
	X(profile)    \
	X(qdq)        \
	X(report)     \
	X(run)        \
	X(score)      \
	X(selftest)   \
	X(show)       \
	X(split)      \
	X(validate)

#define X(name) extern const struct oqz_verb cmd_##name;
VERBS(X)
#undef X

const struct oqz_verb *const oqz_verbs[] = {
#define X(name) &cmd_##name,
	VERBS(X)
#undef X
	    NULL,
};

enum oqz_exit cli_exit_code(enum oqz_status st)
{
	switch (st) {
	case OQZ_OK: return OQZ_EXIT_OK;
	case OQZ_E_USAGE: return OQZ_EXIT_USAGE;
	case OQZ_E_PLUGIN: return OQZ_EXIT_PLUGIN;
	case OQZ_E_INTERRUPTED: return OQZ_EXIT_INTERRUPTED;
	default: return OQZ_EXIT_DATA;
	}
}

int cli_fail(const struct oqz_err *err)
{
	fprintf(stderr, "oqz: %s\n", err->msg[0] ? err->msg : oqz_status_name(err->code));
	return cli_exit_code(err->code);
}

enum oqz_status cli_open_registry(struct oqz_registry **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_registry_free_cleanup) struct oqz_registry *r = NULL;

	OQZ_TRY(oqz_registry_new(NULL, &r, err));
	OQZ_TRY(oqz_registry_any(r, err));
	*ret = oqz_steal(r);
	return OQZ_OK;
}

int cli_apart(int (*work)(void *ctx), void *ctx, const char *what)
{
	struct oqz_err err = { 0 };
	int status = 0;

	fflush(NULL);
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
			_exit(OQZ_EXIT_DATA);
		int code = cli_finish(work(ctx));
		fflush(NULL);
		OQZ_EXIT_NOW(code);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		oqz_err_errno(&err, errno, "a process");
	else if (WIFEXITED(status))
		return WEXITSTATUS(status);
	else if (WTERMSIG(status) == SIGPIPE || WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGTERM)
		raise(WTERMSIG(status)); /* a reader or a user had enough, which is no crash */
	else
		oqz_err_set(&err, OQZ_E_PLUGIN, "%s: crashed at work: signal %d (%s)", what, WTERMSIG(status),
		            strsignal(WTERMSIG(status)));
	return cli_fail(&err);
}

int cli_finish(int code)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "oqz: standard output: %s\n", strerror(errno));
		return code ? code : OQZ_EXIT_DATA;
	}
	return code;
}

int cli_columns(FILE *f)
{
	struct winsize w;

	if (!isatty(fileno(f)))
		return 0;
	return ioctl(fileno(f), TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;
}

bool cli_colour(FILE *f)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(f)) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

static void print_usage(FILE *to)
{
	fputs("usage: oqz VERB [options] ...\n       oqz-run zoo.yaml        the same as `oqz run zoo.yaml`\n\n"
	      "Evaluates quantized ONNX vision models: how much accuracy is lost, whether the loss is real, which "
	      "layers lost it.\n\n"
	      "verbs:\n",
	      to);
	for (size_t i = 0; oqz_verbs[i]; i++)
		fprintf(to, "  %-12s %s\n", oqz_verbs[i]->name, oqz_verbs[i]->summary);
	fputs("\n`oqz VERB --help` and the manual page oqz-VERB(1) say more.\n", to);
}

struct call {
	const struct oqz_verb *verb;
	const struct oqz_args *args;
};

static int run_call(void *ctx)
{
	const struct call *c = ctx;

	return c->verb->run(c->args);
}

static int run_verb(const char *name, int argc, char **argv)
{
	const char *names[64];
	size_t n = 0;

	for (; oqz_verbs[n] && n < OQZ_COUNTOF(names); n++) {
		names[n] = oqz_verbs[n]->name;
		if (strcmp(name, names[n]) == 0) {
			struct oqz_args args = { 0 };
			int code;
			if (cli_parse(oqz_verbs[n], argc, argv, &args, &code)) {
				struct call c = { oqz_verbs[n], &args };
				code = c.verb->apart ? cli_apart(run_call, &c, "a plugin") : run_call(&c);
			}
			cli_args_release(&args);
			return cli_finish(code);
		}
	}
	const char *near = oqz_str_nearest(name, names, n);
	fprintf(stderr, "oqz: unknown verb `%s`%s%s%s (see `oqz --help`)\n", name, near ? "; did you mean `" : "",
	        near ? near : "", near ? "`?" : "");
	return OQZ_EXIT_USAGE;
}

/* A closed standard stream must not become the first file that is opened, which messages would then be written into.
 * What stands in for it fails like a closed one: input cannot be read, output not be written. */
static void occupy_standard_streams(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			_exit(OQZ_EXIT_DATA);
}

int main(int argc, char **argv)
{
	occupy_standard_streams();
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is a write error with a message, not a death */
	setlocale(LC_CTYPE, "");  /* numbers stay in the C locale */
	const char *self = oqz_path_base(argv[0]);
	if (strncmp(self, "lt-", 3) == 0)
		self += 3;
	if (strcmp(self, "oqz-run") == 0)
		return run_verb("run", argc - 1, argv + 1);
	if (argc < 2) {
		print_usage(stderr);
		return OQZ_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		print_usage(stdout);
		return cli_finish(OQZ_EXIT_OK);
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("oqz %s\n", PACKAGE_VERSION);
		return cli_finish(OQZ_EXIT_OK);
	}
	return run_verb(argv[1], argc - 2, argv + 2);
}
