/* SPDX-License-Identifier: Apache-2.0
 *
 * Rate and time left are taken over the phase so far, without the images that the ledger already had.
 */
#include "cli/progress.h"
#include "cli/cli.h"
#include "core/base/str.h"
#include "core/base/unicode.h"

#include <string.h>

static const char *const phase_names[] = {
	[OQZ_PHASE_SETUP] = "setup",       [OQZ_PHASE_CALIBRATE] = "calibrate", [OQZ_PHASE_EVALUATE] = "evaluate",
	[OQZ_PHASE_CONCLUDE] = "conclude", [OQZ_PHASE_DONE] = "done",
};

bool cli_progress_init(struct cli_progress *p, const char *mode)
{
	static const char *const words[] = { "none", "plain", "line", "json" };

	*p = (struct cli_progress) { .phase = OQZ_PHASE_DONE };
	if (!mode || strcmp(mode, "auto") == 0) {
		p->mode = cli_columns(stderr) ? CLI_PROGRESS_LINE : CLI_PROGRESS_PLAIN;
		return true;
	}
	for (int i = 0; i < 4; i++)
		if (strcmp(mode, words[i]) == 0) {
			p->mode = (enum cli_progress_mode)i;
			return true;
		}
	return false;
}

static void format_time(double s, char *buf, size_t size)
{
	long t = (long)(s + 0.5);

	if (t >= 3600)
		snprintf(buf, size, "%ld:%02ld:%02ld", t / 3600, t / 60 % 60, t % 60);
	else
		snprintf(buf, size, "%ld:%02ld", t / 60, t % 60);
}

/* `columns` 0: no limit. A long name of a model loses its middle, so that the time left is always seen. */
static void format_state(const struct cli_progress *p, const struct oqz_run_event *e, int columns, char *buf,
                         size_t size)
{
	const struct oqz_progress *g = &e->progress;
	int64_t fresh = g->done - p->start_done;
	double rate = e->seconds > 0 ? (double)fresh / e->seconds : 0;
	char left[32] = "?", failed[48] = "";

	if (rate > 0)
		format_time((double)(g->total - g->done) / rate, left, sizeof left);
	if (g->failed)
		snprintf(failed, sizeof failed, ", %lld failed", (long long)g->failed);
	char where[64], what[256];
	struct oqz_str model = { 0 };
	snprintf(where, sizeof where, "[%zu/%zu] ", e->job + 1, e->n_jobs);
	snprintf(what, sizeof what, ": %s %lld/%lld %s, %.1f/s, %s left%s", phase_names[g->phase], (long long)g->done,
	         (long long)g->total, g->phase == OQZ_PHASE_CONCLUDE ? "schemes" : "images", rate, left, failed);
	int room = columns - (int)strlen(where) - (int)strlen(what);
	if (columns)
		oqz_str_add_fitted(&model, e->model, room > 8 ? room : 8);
	snprintf(buf, size, "%s%s%s", where, columns ? oqz_str_get(&model) : e->model, what);
	oqz_str_release(&model);
}

static void show_json(const struct oqz_run_event *e)
{
	struct oqz_str s = { 0 };

	oqz_str_addf(&s, "{\"event\":\"%s\",\"job\":%zu,\"jobs\":%zu,\"model\":", phase_names[e->progress.phase],
	             e->job + 1, e->n_jobs);
	oqz_str_add_json(&s, e->model);
	if (e->progress.phase == OQZ_PHASE_DONE) {
		oqz_str_addf(&s, ",\"status\":\"%s\",\"message\":", oqz_status_name(e->status));
		oqz_str_add_json(&s, e->status == OQZ_OK ? "" : e->message);
	} else {
		oqz_str_addf(&s,
		             ",\"done\":%lld,\"total\":%lld,\"resumed\":%lld,\"failed\":%lld,\"seconds\":%.3f,\"cpu_"
		             "seconds\":%.3f,\"peak_bytes\":%lld",
		             (long long)e->progress.done, (long long)e->progress.total, (long long)e->progress.resumed,
		             (long long)e->progress.failed, e->seconds, e->progress.cpu_seconds,
		             (long long)e->progress.peak_bytes);
	}
	fprintf(stderr, "%s}\n", oqz_str_get(&s));
	oqz_str_release(&s);
}

static void show_line(struct cli_progress *p, const char *text, int columns)
{
	fprintf(stderr, "\r\033[K%.*s", (int)oqz_width_cut(text, columns), text);
	fflush(stderr);
	p->line_open = true;
}

void cli_progress_finish(struct cli_progress *p)
{
	if (p->line_open)
		fputs("\r\033[K", stderr);
	p->line_open = false;
}

/* What plugins say is for people, whatever form progress has; their chatter below a warning is not shown. */
static void show_note(struct cli_progress *p, const struct oqz_run_event *e)
{
	if (e->level > OQZ_LOG_WARN)
		return;
	cli_progress_finish(p);
	fprintf(stderr, "oqz: %s: %s%s\n", e->model, e->level == OQZ_LOG_WARN ? "warning: " : "", e->note);
}

void cli_progress_event(void *ctx, const struct oqz_run_event *e)
{
	struct cli_progress *p = ctx;
	bool new_phase = e->progress.phase != p->phase;
	char text[512];

	if (e->note) {
		show_note(p, e);
		return;
	}
	if (new_phase) {
		p->phase = e->progress.phase;
		p->start_done = e->progress.resumed;
		p->last_seconds = 0;
	}
	if (p->mode == CLI_PROGRESS_JSON) {
		show_json(e);
		return;
	}
	if (e->progress.phase == OQZ_PHASE_DONE) {
		cli_progress_finish(p);
		if (e->status != OQZ_OK && e->status != OQZ_E_INTERRUPTED)
			fprintf(stderr, "oqz: %s: failed: %s\n", e->model, e->message);
		return;
	}
	int columns = cli_columns(stderr), limit = columns > 1 ? columns - 1 : 79;
	format_state(p, e, p->mode == CLI_PROGRESS_LINE ? limit : 0, text, sizeof text);
	bool end = e->progress.done == e->progress.total;
	if (p->mode == CLI_PROGRESS_LINE) {
		show_line(p, text, limit);
	} else if (p->mode == CLI_PROGRESS_PLAIN && ((end && !new_phase) || e->seconds - p->last_seconds > 10)) {
		fprintf(stderr, "%s\n", text);
		p->last_seconds = e->seconds;
	}
}
