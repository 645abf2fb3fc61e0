/* SPDX-License-Identifier: Apache-2.0
 *
 * Identity of cells: what determines a lane's numbers, as a key for the ledger.
 */
#ifndef OQZ_RUN_CELLS_H
#define OQZ_RUN_CELLS_H

#include "core/run/job.h"

/* Key of everything that the float lane depends on: model, passes, data, preparation, task, engine, program and
 * library. */
void oqz_cell_key_float(const struct oqz_job *j, char hex[65]);
/* The same with a scheme's plan and the way errors are taken. */
void oqz_cell_key_scheme(const struct oqz_job *j, const struct oqz_scheme *s, char hex[65]);
/* The number that is raised when results change for a reason that is no input. */
const char *oqz_cell_numerics(void);
/* Key of a plan: model, passes, calibration data, scheme with all parameters. */
void oqz_cell_key_plan(const struct oqz_job *j, const struct oqz_scheme *s, char hex[65]);

#endif
