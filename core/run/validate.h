/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be wrong with a manifest beyond its form: plugins and their parameters, preparation steps, models, data.
 */
#ifndef OQZ_RUN_VALIDATE_H
#define OQZ_RUN_VALIDATE_H

#include "core/run/job.h"

/* One sentence for each problem, beginning with where it is. */
typedef void oqz_problem_fn(void *ctx, const char *text);

/* Checks plugin names, the parameters of schemes, tasks and data sets against the plugins' tables, and preparation
 * steps. No plugin is loaded. *worst becomes the status of the first problem. */
enum oqz_status oqz_validate_parameters(const struct oqz_manifest *m, const struct oqz_registry *reg,
                                        oqz_problem_fn *problem, void *ctx, enum oqz_status *worst,
                                        struct oqz_err *err);
/* Opens every job in a forked process and runs its first test image through the float model. */
enum oqz_status oqz_validate_data(const struct oqz_manifest *m, const struct oqz_registry *reg, oqz_problem_fn *problem,
                                  void *ctx, enum oqz_status *worst, struct oqz_err *err);

#endif
