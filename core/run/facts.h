/* SPDX-License-Identifier: Apache-2.0
 *
 * Facts about layers that only planned programs know, kept in the ledger (facts.c).
 */
#ifndef OQZ_RUN_FACTS_H
#define OQZ_RUN_FACTS_H

#include "core/run/job.h"
#include "core/run/lanes.h"

/* Writes products and implementation of each of the scheme's layers, as planned in lane `lane` of the set. */
enum oqz_status oqz_facts_save(struct oqz_job *j, const struct oqz_scheme *s, const struct oqz_lane_set *set,
                               size_t lane, struct oqz_err *err);
/* Reads them back into s->facts; leaves it NULL when the ledger has none. */
enum oqz_status oqz_facts_load(struct oqz_job *j, struct oqz_scheme *s, struct oqz_err *err);

#endif
