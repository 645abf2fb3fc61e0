/* SPDX-License-Identifier: Apache-2.0
 *
 * core/run/child.c where parent and child meet: the limit of time that is reached, and the wish to stop that comes,
 * while the child is ending. The parent is held up in its first event until the child has ended and its last words lie
 * in the pipe, so that what otherwise happens once in a thousand runs happens always.
 */
#include "core/base/file.h"
#include "core/run/child.h"
#include "tests/support/support.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

struct held {
	bool waited;
	volatile sig_atomic_t stop, stop_then;
};

static void hold_until_the_child_has_ended(void *ctx, const struct oqz_run_event *e)
{
	struct held *h = ctx;
	siginfo_t info;

	if (h->waited)
		return;
	ck_assert_int_eq(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	h->waited = true;
	h->stop = h->stop_then;
}

/* Evaluates two images of the tiny model under a limit of `seconds` (0: none). */
static enum oqz_status run_held(struct held *h, double seconds, struct oqz_err *why)
{
	OQZ_CLEANUP(oqz_manifest_free_cleanup) struct oqz_manifest *m = NULL;
	OQZ_CLEANUP(oqz_registry_free_cleanup) struct oqz_registry *reg = NULL;
	const struct oqz_manifest_options mo = { .limit = 2 };
	const char *top = getenv("top_builddir");
	char path[600];

	snprintf(path, sizeof path, "%s/demo/tiny/data/tiny.yaml", top ? top : ".");
	ck_ok(oqz_manifest_load(path, &mo, &m, err));
	ck_ok(oqz_registry_new(NULL, &reg, err));
	m->limits.seconds = seconds;
	const struct oqz_run_options opt = { .dir = test_tmpdir("child"),
		                             .threads = 1,
		                             .stop = &h->stop,
		                             .event = hold_until_the_child_has_ended,
		                             .ctx = h };
	enum oqz_status st = oqz_child_run(m, 0, reg, &opt, why);
	ck_assert(h->waited);
	return st;
}

START_TEST(a_limit_holds_though_the_child_has_ended)
{
	struct held h = { 0 };

	ck_fails(run_held(&h, 1e-6, err), OQZ_E_LIMIT, "the job took longer than its limit of 1e-06 seconds");
}
END_TEST

START_TEST(without_a_limit_it_succeeds)
{
	struct held h = { 0 };

	ck_ok(run_held(&h, 0, err));
}
END_TEST

/* What the child came to counts: nothing was interrupted. */
START_TEST(a_late_wish_to_stop_changes_nothing)
{
	struct held h = { .stop_then = 1 };

	ck_ok(run_held(&h, 0, err));
}
END_TEST

/* No child is left behind, dead or alive. */
START_TEST(the_child_is_reaped)
{
	struct held h = { 0 };
	struct oqz_err err = { 0 };

	run_held(&h, 1e-6, &err);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

OQZ_TEST_MAIN("child", a_limit_holds_though_the_child_has_ended, without_a_limit_it_succeeds,
              a_late_wish_to_stop_changes_nothing, the_child_is_reaped)
