/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans of a job's schemes: stored in the ledger under a key of all that they depend on, and applied.
 */
#ifndef OQZ_RUN_PLANS_H
#define OQZ_RUN_PLANS_H

#include "core/run/job.h"

/* s->plan from the ledger; stays NULL when it is not there. */
enum oqz_status oqz_plan_fetch(struct oqz_job *j, struct oqz_scheme *s, struct oqz_err *err);
/* Puts s->plan there, unless part of it is a plugin's own function, which cannot be stored. */
enum oqz_status oqz_plan_store(struct oqz_job *j, const struct oqz_scheme *s, struct oqz_err *err);
/* Hash, quantized graph and layers of n schemes from their plans, on the job's threads; schemes from files and those
 * that have failed are left alone. whys[i].code says what a scheme alone failed with (a plan without sites:
 * OQZ_E_UNSUPPORTED). */
enum oqz_status oqz_plans_use(struct oqz_job *j, struct oqz_scheme *schemes, size_t n, struct oqz_err *whys,
                              struct oqz_err *err);

#endif
