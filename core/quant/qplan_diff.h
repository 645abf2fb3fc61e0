/* SPDX-License-Identifier: Apache-2.0
 *
 * Two plans of one model side by side: which sites differ, in what, and by how much; what improvements left in either;
 * which parameters of the schemes differ.
 */
#ifndef OQZ_QUANT_QPLAN_DIFF_H
#define OQZ_QUANT_QPLAN_DIFF_H

#include "core/quant/qplan.h"

enum oqz_qplan_difference {
	OQZ_QPLAN_ONLY = 1,   /* one plan alone has the site */
	OQZ_QPLAN_GRID = 2,   /* other numbers can be represented: kind, width, range, rounding */
	OQZ_QPLAN_PLACE = 4,  /* axis, blocks, number of scales */
	OQZ_QPLAN_SCALE = 8,  /* scales */
	OQZ_QPLAN_ZERO = 16,  /* zero points */
	OQZ_QPLAN_TENSOR = 32 /* the node reads another value there, or makes one of another name */
};

struct oqz_qplan_change {
	const struct oqz_qplan_site *a, *b; /* NULL: only the other plan has it */
	unsigned what;                      /* OR of the above */
	size_t n_scale;                     /* scales that differ (SCALE) */
	double ratio_lo, ratio_hi; /* least and largest b / a of the scales; 1 when they are equal or not alike */
	int32_t zero;              /* largest difference of zero points */
};

/* A replaced constant (input `input` of node `name`), or the factors of a rescaled value. */
struct oqz_qplan_numbers {
	const char *name;
	int input;
	bool gain, in_a, in_b;
	double
	    apart; /* in both: of constants ||b - a|| / ||a||, of factors the largest |b / a - 1|; infinite: unlike */
};

/* A parameter with the part of the scheme that it belongs to, "int8 bits=8", or a whole part, "improve equalize:..".
 * NULL: only the other scheme has it. */
struct oqz_qplan_param {
	const char *a, *b;
};

struct oqz_qplan_diff {
	struct oqz_arena *arena;
	OQZ_VEC(struct oqz_qplan_change) changes;  /* in a's order, then b's own */
	OQZ_VEC(struct oqz_qplan_numbers) numbers; /* constants, then values */
	OQZ_VEC(struct oqz_qplan_param) params;
	size_t same, common; /* sites that are equal; that both have */
	size_t rules;        /* equal sites that were found by other rules */
};
void oqz_qplan_diff_release(struct oqz_qplan_diff *d);

/* Sites are paired by node and input. `a` and `b` must outlive the result. */
enum oqz_status oqz_qplan_diff(const struct oqz_qplan *a, const struct oqz_qplan *b, struct oqz_qplan_diff *ret,
                               struct oqz_err *err);

/* ---- its parts (qplan_diff_scheme.c, qplan_diff_numbers.c) ---- */

/* Appends what the schemes' texts differ in. */
enum oqz_status oqz_scheme_diff(struct oqz_arena *arena, const char *a, const char *b, struct oqz_qplan_diff *d,
                                struct oqz_err *err);
/* Appends constants and gains that are not in both plans with the same numbers. */
enum oqz_status oqz_numbers_diff(const struct oqz_qplan *a, const struct oqz_qplan *b, struct oqz_qplan_diff *d,
                                 struct oqz_err *err);

#endif
