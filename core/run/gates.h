/* SPDX-License-Identifier: Apache-2.0
 *
 * Gates: the manifest's limits on how much a metric may drop.
 */
#ifndef OQZ_RUN_GATES_H
#define OQZ_RUN_GATES_H

#include "core/manifest/manifest.h"
#include "core/result/results.h"

/* Checks every gate against every cell that it matches and appends to r->gates. A gate fails when the drop exceeds what
 * is allowed: by the point estimate; with `confidence`, only when the whole interval does, or, where non-inferiority is
 * to be proved, already when some of it does (Piaggio et al. 2012, JAMA 308:2594-2604). A metric without an interval
 * proves nothing. Cells of tasks without the metric are no concern of a gate, but one that is then about no cell fails
 * as well: silence is not success. Where none of its cells is selected, that is said, and nothing fails. */
enum oqz_status oqz_gates_check(const struct oqz_manifest *m, struct oqz_results *r, struct oqz_err *err);

#endif
