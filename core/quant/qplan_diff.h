/* SPDX-License-Identifier: Apache-2.0
 *
 * Two plans of one model side by side: which sites differ, in what, and by how much.
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
	OQZ_QPLAN_TENSOR = 32 /* the node reads another value there */
};

struct oqz_qplan_change {
	const struct oqz_qplan_site *a, *b; /* NULL: only the other plan has it */
	unsigned what;                      /* OR of the above */
	size_t n_scale;                     /* scales that differ (SCALE) */
	double ratio_lo, ratio_hi; /* least and largest b / a of the scales; 1 when they are equal or not alike */
	int32_t zero;              /* largest difference of zero points */
};

struct oqz_qplan_diff {
	OQZ_VEC(struct oqz_qplan_change) changes; /* in a's order, then b's own */
	size_t same, common;                      /* sites that are equal; that both have */
};
void oqz_qplan_diff_release(struct oqz_qplan_diff *d);

/* Sites are paired by node and input. `a` and `b` must outlive the result. */
enum oqz_status oqz_qplan_diff(const struct oqz_qplan *a, const struct oqz_qplan *b, struct oqz_qplan_diff *ret,
                               struct oqz_err *err);

#endif
