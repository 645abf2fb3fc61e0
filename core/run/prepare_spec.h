/* SPDX-License-Identifier: Apache-2.0
 *
 * From a manifest's `prepare` to a checked list of steps: a list in place, the name of a preset, or a file.
 */
#ifndef OQZ_RUN_PREPARE_SPEC_H
#define OQZ_RUN_PREPARE_SPEC_H

#include "core/image/preprocess.h"
#include "core/manifest/yaml.h"

/* `node` is a list of steps (`- resize: {short: 256}`, `- center-crop: 224`, `- flip`), or a scalar: a preset's name
 * or, with a slash in it, a file relative to the manifest. NULL gives the empty list. */
enum oqz_status oqz_prepare_from_yaml(struct oqz_arena *a, const struct oqz_yaml *node, struct oqz_prepare **ret,
                                      struct oqz_err *err);
/* The same for a command line: a file or a preset's name. */
enum oqz_status oqz_prepare_from_name(const char *name, struct oqz_prepare **ret, struct oqz_err *err);

#endif
