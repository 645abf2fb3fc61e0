/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of concluding a job that stand in files of their own (facts.c).
 */
#ifndef OQZ_RUN_CONCLUDE_H
#define OQZ_RUN_CONCLUDE_H

#include "core/run/job.h"

/* Appends a cell with its names filled in and status FAILED. */
enum oqz_status oqz_cell_begin(const struct oqz_manifest *m, const struct oqz_job_spec *spec,
                               const struct oqz_scheme_spec *scheme, struct oqz_results *r,
                               struct oqz_cell_result **ret, struct oqz_err *err);
/* Fills c->provenance: hashes, parameters, plugins, engine. */
enum oqz_status oqz_cell_provenance(const struct oqz_job *j, const struct oqz_scheme *s, struct oqz_results *r,
                                    struct oqz_cell_result *c, struct oqz_err *err);
/* The same of a scheme, or of the float lane (s NULL: no scheme, no plan). */
enum oqz_status oqz_provenance_fill(const struct oqz_job *j, const struct oqz_scheme *s, struct oqz_arena *a,
                                    struct oqz_provenance *p, struct oqz_err *err);
/* What is known of a layer without running anything: names, multiply-accumulates, weight error, input scale. Strings
 * are copied into the job's arena. */
enum oqz_status oqz_layer_facts(struct oqz_job *j, const struct oqz_scheme *s, size_t layer,
                                struct oqz_layer_result *ret, struct oqz_err *err);

#endif
