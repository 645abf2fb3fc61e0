/* SPDX-License-Identifier: Apache-2.0
 *
 * Progress of a run on standard error: one line that is redrawn on a terminal, plain lines into a pipe, JSON events for
 * programs.
 */
#ifndef OQZ_CLI_PROGRESS_H
#define OQZ_CLI_PROGRESS_H

#include "core/run/runner.h"

enum cli_progress_mode { CLI_PROGRESS_NONE, CLI_PROGRESS_PLAIN, CLI_PROGRESS_LINE, CLI_PROGRESS_JSON };

struct cli_progress {
	enum cli_progress_mode mode;
	enum oqz_phase phase; /* last shown */
	double last_seconds;  /* PLAIN: when a line was last printed within the phase */
	int64_t start_done;   /* images done when the phase began: the rate counts only this run's */
	bool line_open;
};

/* "auto" (a line on a terminal, else plain), "plain", "json", "none"; false for another word. */
bool cli_progress_init(struct cli_progress *p, const char *mode);
/* For struct oqz_run_options.event. */
void cli_progress_event(void *ctx, const struct oqz_run_event *e);
/* Ends an open line. */
void cli_progress_finish(struct cli_progress *p);

#endif
