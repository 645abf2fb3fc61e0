/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics of two sets of records of the same images, and whether their difference is real: a quantized lane against the
 * float one (conclude.c), or one run against another (compare_runs.c).
 */
#ifndef OQZ_RUN_PAIRED_H
#define OQZ_RUN_PAIRED_H

#include "core/result/results.h"
#include "plugins/task_instance.h"

/* first[i] and second[i] are records of one item, images[i] the file of its image, n > 0 of them, in order. Writes one
 * result for each metric of the task to ret[]: value_float of the first set, value_quantized of the second, delta
 * second - first, and by the metric's kind McNemar's test (exact and mid-p) with Newcombe's interval, or the paired
 * bootstrap over images (core/metric/stats.h). Items of one image (its persons) are drawn together, since they are no
 * independent evidence; in a drawn list records keep their order. Names are copied to `arena`. `beside`:
 * the first set is the float lane's, and metrics that are made against it (struct oqz_task's finish_beside()) get it;
 * without, those are what they are where nothing has moved. */
enum oqz_status oqz_paired_metrics(struct oqz_task_instance *task, const struct oqz_record *first,
                                   const struct oqz_record *second, const char *const *images, size_t n, bool beside,
                                   struct oqz_arena *arena, struct oqz_metric_result *ret, struct oqz_err *err);

#endif
