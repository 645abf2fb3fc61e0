/* SPDX-License-Identifier: Apache-2.0
 *
 * Two output folders of runs against each other: the same cells under another version, engine, machine or manifest.
 */
#ifndef OQZ_RUN_COMPARE_RUNS_H
#define OQZ_RUN_COMPARE_RUNS_H

#include "core/result/compare.h"
#include "plugins/registry.h"

/* Reads both folders' last results and, image by image, the records in their ledgers. A cell of both is
 *
 *   refused    when it failed in one of them, when the tasks' parameters differ or the list of test data does
 *              (parameters, items, annotations, preparation) unless `same_data` says that they are the same all the
 *              same, or when no image is in both
 *   unpaired   when the records cannot be read by their task: its plugin or the data set's annotations are gone
 *   paired     otherwise: metrics of both over the images that both have from the same bytes (of the same name, with
 *              `same_data`), and McNemar or bootstrap between them
 *
 * Models, plans, schemes' parameters, plugins' versions, engines and libraries may differ: that is what is compared,
 * and notes say so. */
enum oqz_status oqz_compare_runs(const char *a, const char *b, bool same_data, double alpha,
                                 const struct oqz_registry *reg, struct oqz_comparison **ret, struct oqz_err *err);

#endif
