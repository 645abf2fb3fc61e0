/* SPDX-License-Identifier: Apache-2.0
 *
 * Two runs side by side, cell by cell, as data, and its renderings. Made by core/run/compare_runs.h; nothing here knows
 * ledgers or tasks.
 */
#ifndef OQZ_RESULT_COMPARE_H
#define OQZ_RESULT_COMPARE_H

#include "core/result/results.h"

enum oqz_compare_state {
	OQZ_COMPARE_PAIRED,   /* image by image, tested */
	OQZ_COMPARE_UNPAIRED, /* the figures of either run, untested; `why` says what was missing */
	OQZ_COMPARE_REFUSED,  /* both have the cell, but its figures do not measure the same; `why` */
	OQZ_COMPARE_ONLY_A,
	OQZ_COMPARE_ONLY_B,
};

/* One cell of either run; scheme "" is the float model. */
struct oqz_compare_row {
	const char *model, *scheme;
	enum oqz_compare_state state;
	const char *why;   /* UNPAIRED, REFUSED */
	const char *notes; /* what else differs between the runs: "plan, library"; "" for nothing */
	int64_t images;    /* that both measured */
	/* value_float is run A's, value_quantized run B's, delta B - A. UNPAIRED: no interval and no p. p_holm of the
	 * primary metric counts the rows of this comparison. */
	struct oqz_metric_result *metrics;
	size_t n_metrics;
	double aqe[2], mqe[2], oqe[2]; /* of A and B; NaN for the float model */
	bool regression;               /* the primary metric became worse, and p_holm is below alpha */
};

struct oqz_comparison {
	struct oqz_arena *arena;
	const char *a, *b;                 /* folders */
	const char *version_a, *version_b; /* of oqz */
	double alpha;
	OQZ_VEC(struct oqz_compare_row) rows; /* in A's order, float before the schemes of a model; then B's own */
	size_t shared, refused, regressions;  /* rows of both runs; of these REFUSED; with `regression` */
};

/* Empty; NULL when out of memory. */
struct oqz_comparison *oqz_comparison_new(void);
void oqz_comparison_free(struct oqz_comparison *c);
OQZ_DEFINE_CLEANUP(struct oqz_comparison, oqz_comparison_free)

/* Fills p_holm, regression and the counts from the rows. */
enum oqz_status oqz_comparison_judge(struct oqz_comparison *c, struct oqz_err *err);

/* For a terminal of so many columns (0: no limit; `colour`: with ANSI colours), as CSV, as JSON. Check oqz_str_ok() afterwards. */
void oqz_comparison_table(const struct oqz_comparison *c, int columns, bool colour, struct oqz_str *out);
void oqz_comparison_csv(const struct oqz_comparison *c, struct oqz_str *out);
void oqz_comparison_json(const struct oqz_comparison *c, struct oqz_str *out);

#endif
