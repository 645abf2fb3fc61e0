/* SPDX-License-Identifier: Apache-2.0
 *
 * Improvement passes of a scheme (`improve` in the manifest; core/quant/improve.h): reading the list, and running the
 *passes with the job's calibration images.
 *
 *	improve: [equalize, {migrate: {alpha: 0.6}}, adaround, correct-bias]
 */
#ifndef OQZ_RUN_IMPROVEMENTS_H
#define OQZ_RUN_IMPROVEMENTS_H

#include "core/quant/improve.h"
#include "core/run/job.h"

struct oqz_improve_step {
	const struct oqz_improve *pass;
	struct oqz_params *params;
};

/* The list of a scheme's mapping, in the order in which passes run; NULL and 0 when it has none. Unknown names (with a
 * near match), a pass twice, wrong parameters: OQZ_E_USAGE with the place. Steps are freed by oqz_improvements_free. */
enum oqz_status oqz_improvements_read(struct oqz_arena *a, const struct oqz_yaml *scheme, struct oqz_improve_step **ret,
                                      size_t *ret_n, struct oqz_err *err);
void oqz_improvements_free(struct oqz_improve_step *steps, size_t n);
/* ";improve equalize:iterations=10,..." for the scheme's identity. */
void oqz_improvements_canonical(const struct oqz_improve_step *steps, size_t n, struct oqz_str *out);

/* Passes on the graph: fills s->base, the float graph that the scheme is calibrated on, and s->improved. */
enum oqz_status oqz_improve_graph(struct oqz_job *j, struct oqz_scheme *s, struct oqz_err *err);
/* Passes on the plan: extends s->plan by s->improved and what they find. */
enum oqz_status oqz_improve_plan(struct oqz_job *j, struct oqz_scheme *s, struct oqz_err *err);

#endif
