/* SPDX-License-Identifier: Apache-2.0
 *
 * models x schemes -> jobs, by `matrix` (with `except`) and --select.
 */
#ifndef OQZ_MANIFEST_EXPAND_H
#define OQZ_MANIFEST_EXPAND_H

#include "core/manifest/manifest.h"

/* Fills m->jobs and m->warnings from the typed entries. Without `matrix` every model runs under every scheme. A row
 * with `schemes: []` runs its models in float only. A pattern that matches nothing is an error. */
enum oqz_status oqz_manifest_expand(struct oqz_manifest *m, const struct oqz_manifest_options *opt,
                                    struct oqz_err *err);

#endif
