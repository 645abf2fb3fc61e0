/* SPDX-License-Identifier: Apache-2.0
 *
 * One job in a process of its own. The child opens its own ledger connection, reports progress over a pipe, leaves its
 * results in the ledger and says at the end how it went. What kills it is turned into a sentence by the parent.
 */
#ifndef OQZ_RUN_CHILD_H
#define OQZ_RUN_CHILD_H

#include "core/run/runner.h"

/* Runs job `index` of the manifest in a forked process and waits for it, passing its progress on as events. Returns the
 * job's own status; OQZ_E_PLUGIN with the signal's name when it crashed, OQZ_E_LIMIT when it ran into a limit. A crash
 * while one scheme among others is planned is that scheme's failure: the job is begun again without it. */
enum oqz_status oqz_child_run(const struct oqz_manifest *m, size_t index, const struct oqz_registry *reg,
                              const struct oqz_run_options *opt, struct oqz_err *err);

/* Name of the ledger's blob that holds the results of a job: the job's model and schemes as the manifest names them. */
const char *oqz_child_blob(struct oqz_arena *a, const struct oqz_manifest *m, size_t index);

#endif
