/* SPDX-License-Identifier: Apache-2.0
 *
 * Mixed precision: `overrides` of a scheme, a list of {nodes: [patterns], ops: [types], parameters...}. Each entry is
 * one more instance of the scheme's plugin, with the scheme's parameters and its own on top, for the nodes that match;
 * the last entry that matches a node has it. Plugins know nothing of this: they see a view with their part's nodes
 * selected.
 */
#ifndef OQZ_RUN_OVERRIDES_H
#define OQZ_RUN_OVERRIDES_H

#include "core/run/job.h"

/* The scheme's mapping as a model wants it: with `calibration: {method: ...}` in place of `calibrate`, where the plugin
 * (its parameters are `table`) has that parameter. NULL when out of memory. */
const struct oqz_yaml *oqz_scheme_node(struct oqz_arena *a, const struct oqz_scheme_spec *scheme,
                                       const struct oqz_model_spec *model, const struct oqz_param *table);
/* The scheme's mapping with entry number i of `overrides` on top, without `nodes` and `ops`. NULL when out of memory.
 */
const struct oqz_yaml *oqz_override_params(struct oqz_arena *a, const struct oqz_yaml *scheme, size_t i);
/* Number of entries; what is no list of mappings, or an entry without `nodes` and `ops`: OQZ_E_USAGE. */
enum oqz_status oqz_override_count(const struct oqz_yaml *scheme, size_t *ret, struct oqz_err *err);

/* Fills s->parts from s->params and the overrides; appends what tells this scheme from one without them to `canonical`.
 */
enum oqz_status oqz_overrides_open(struct oqz_job *j, struct oqz_scheme *s, struct oqz_str *canonical,
                                   struct oqz_err *err);
void oqz_overrides_close(struct oqz_scheme *s);

/* Each part's view of the graph and instance of the plugin. */
enum oqz_status oqz_parts_open(struct oqz_job *j, struct oqz_scheme *s, struct oqz_err *err);
/* Plans of the parts, in s->parts order, to one in node order. The plans stay the caller's. */
enum oqz_status oqz_parts_merge(const struct oqz_job *j, const struct oqz_scheme *s,
                                const struct oqz_qplan *const *plans, struct oqz_qplan **ret, struct oqz_err *err);

#endif
