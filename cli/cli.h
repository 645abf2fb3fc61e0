/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line: verbs, options, exit codes. One file per verb (cmd_<verb>.c); these and main.c are the only code of
 * the program that prints or exits. Results go to standard output and files, everything else to standard error.
 */
#ifndef OQZ_CLI_H
#define OQZ_CLI_H

#include "core/base/err.h"
#include "core/base/vec.h"
#include "core/exec/exec.h"
#include <stdio.h>

/* Exit codes, fixed: scripts rely on them. */
enum oqz_exit {
	OQZ_EXIT_OK = 0,
	OQZ_EXIT_GATE = 1,    /* a gate failed, or compare found a regression */
	OQZ_EXIT_USAGE = 2,   /* usage or manifest */
	OQZ_EXIT_PLUGIN = 3,  /* plugin missing or refused */
	OQZ_EXIT_DATA = 4,    /* model or data missing, damaged, unsupported */
	OQZ_EXIT_PARTIAL = 5, /* some cells failed, the rest is complete */
	OQZ_EXIT_INCOMPARABLE = 6,
	OQZ_EXIT_INTERRUPTED = 75, /* can be resumed */
};

/* One option of a verb. Values are collected by name; `--x v`, `--x=v` and, for one-letter names, `-x v` and `-xv`. */
struct oqz_option {
	const char *name;  /* long name without dashes */
	char letter;       /* 0: none */
	const char *value; /* name of the value in the help ("N", "FILE"); NULL: a flag */
	const char *help;  /* one line */
};

struct oqz_args {
	OQZ_VEC(struct {
		const struct oqz_option *opt;
		const char *value;
	})
	given;
	OQZ_VEC(const char *) operands;
};

struct oqz_verb {
	const char *name;
	const char *operands;             /* "zoo.yaml", "MODEL.onnx" */
	const char *summary;              /* one line */
	const struct oqz_option *options; /* ends with a row whose name is NULL */
	int min_operands, max_operands;   /* max -1: any number */
	/* Returns an exit code. On failure it calls cli_fail or prints itself. */
	int (*run)(const struct oqz_args *args);
	bool apart; /* plugins work in this process: it is to be one of its own (cli_apart) */
};

/* All verbs, one row each in main.c's table; ends with NULL. */
extern const struct oqz_verb *const oqz_verbs[];

/* Parses what follows the verb; prints usage errors. False: stop with *exit_code (also after --help). */
bool cli_parse(const struct oqz_verb *v, int argc, char **argv, struct oqz_args *ret, int *exit_code);
void cli_args_release(struct oqz_args *a);
void cli_help(const struct oqz_verb *v, FILE *to);

/* The last value of an option, NULL when not given (a flag gives ""). */
const char *cli_option(const struct oqz_args *a, const char *name);
/* Every value of an option, in order. Returns their number; *ret is malloc'ed. */
size_t cli_options(const struct oqz_args *a, const char *name, const char ***ret);
/* A whole number within a range, else OQZ_E_USAGE. *ret keeps its value when the option is absent. */
enum oqz_status cli_integer(const struct oqz_args *a, const char *name, long long min, long long max, long long *ret,
                            struct oqz_err *err);
/* --engine; absent, it leaves *ret as it is. */
enum oqz_status cli_engine(const struct oqz_args *a, enum oqz_engine *ret, struct oqz_err *err);

/* The row of --memory-limit, and its value in bytes (0: not given). Verbs with a manifest hand it on, the others to
 * oqz_memory_limit(). */
#define OQZ_MEMORY_OPTION                                                                           \
	{                                                                                           \
		"memory-limit", 0, "SIZE", "at most SIZE bytes of memory (K, M, G: powers of 1024)" \
	}
enum oqz_status cli_memory_limit(const struct oqz_args *a, int64_t *ret, struct oqz_err *err);

/* Prints "oqz: <message>" and returns the exit code that belongs to the error. */
int cli_fail(const struct oqz_err *err);
/* Runs work(ctx), which gives an exit code, in a forked process that ends with this one: plugins may crash in it. When
 * it dies, that is said of `what` with the signal, and the exit code is OQZ_EXIT_PLUGIN. */
int cli_apart(int (*work)(void *ctx), void *ctx, const char *what);
struct oqz_registry;
/* The plugins, for a verb that cannot do without: that there are none is said once, before anything else. */
enum oqz_status cli_open_registry(struct oqz_registry **ret, struct oqz_err *err);
/* By kind of error. Things that do not fit together (a model and its inputs) are OQZ_EXIT_DATA; verbs that compare
 * return OQZ_EXIT_INCOMPARABLE by themselves. */
enum oqz_exit cli_exit_code(enum oqz_status st);
/* Flushes standard output; a full disk or closed pipe there is an error like any other. */
int cli_finish(int code);

/* Columns of the terminal on `f`, 0 when it is none; whether colour is wanted there (a terminal that is not "dumb",
 * NO_COLOR unset). */
int cli_columns(FILE *f);
bool cli_colour(FILE *f);

#endif
