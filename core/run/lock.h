/* SPDX-License-Identifier: Apache-2.0
 *
 * zoo.lock: what the results beside it were made from, in one file to keep, to diff, to hand on: digests of models,
 * data and plans, parameters and versions of plugins, the expanded manifest, the variables it took from the
 * environment. YAML. Like the results it depends on nothing of time, threads or order of work.
 */
#ifndef OQZ_RUN_LOCK_H
#define OQZ_RUN_LOCK_H

#include "core/manifest/manifest.h"
#include "core/result/results.h"

/* The file's text. Check oqz_str_ok() afterwards. */
void oqz_run_lock(const struct oqz_manifest *m, const struct oqz_results *r, struct oqz_str *out);

#endif
