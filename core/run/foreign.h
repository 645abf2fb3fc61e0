/* SPDX-License-Identifier: Apache-2.0
 *
 * Lanes that come from files: quantized versions of a model that other tools made (`lanes` of a model in the manifest).
 * They have no plugin and no calibration; everything behind that is what a scheme's lane has.
 */
#ifndef OQZ_RUN_FOREIGN_H
#define OQZ_RUN_FOREIGN_H

#include "core/run/job.h"

/* Reads the lane's file with the model's passes and fills s->graph, layers, own_layers, own_watch, unmatched and
 * plan_sha256 (the file's). The graph's outputs are brought into the float model's order, its layers likewise. Fails
 * with the file's name: no quantized layer, inputs or outputs of another kind, no layer with a counterpart, a watched
 * value without one. */
enum oqz_status oqz_foreign_open(struct oqz_job *j, struct oqz_scheme *s, struct oqz_err *err);

/* weight_error, input_scale and input_lo, input_hi of a layer, from the lane's graph. */
enum oqz_status oqz_foreign_facts(const struct oqz_job *j, const struct oqz_scheme *s, size_t layer,
                                  struct oqz_layer_result *ret, struct oqz_err *err);

#endif
