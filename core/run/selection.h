/* SPDX-License-Identifier: Apache-2.0
 *
 * Which sites a scheme may take in a model: the scheme's own selection with the model's on top.
 */
#ifndef OQZ_RUN_SELECTION_H
#define OQZ_RUN_SELECTION_H

#include "core/quant/graph_api.h"
#include "core/run/job.h"

/* The graph as the scheme sees it. `ops` of the model edit the scheme's when they begin with + or -, else replace them;
 * `include` of the model replaces the scheme's; `exclude` and `below` add up. */
enum oqz_status oqz_selection_view(struct oqz_job *j, const struct oqz_scheme *s, struct oqz_graph_view **ret,
                                   struct oqz_err *err);

/* Appends `key` and the names, colons between them, to a scheme's canonical text; without names nothing. A name that
 * could be taken for several is quoted. */
void oqz_names_canonical(const char *key, const struct oqz_names *names, struct oqz_str *out);
/* The same of a manifest's selection: ";ops=Conv:Gemm;exclude=head*". */
enum oqz_status oqz_selection_canonical(struct oqz_arena *a, const struct oqz_selection_spec *s, struct oqz_str *out,
                                        struct oqz_err *err);

#endif
