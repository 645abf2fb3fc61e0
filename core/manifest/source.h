/* SPDX-License-Identifier: Apache-2.0
 *
 * From files to one tree: includes, --set overrides, variables, `extends`. Afterwards nothing of these is left in it.
 */
#ifndef OQZ_MANIFEST_SOURCE_H
#define OQZ_MANIFEST_SOURCE_H

#include "core/manifest/manifest.h"

/* *ret_environment: a mapping of the environment's variables that values named. */
enum oqz_status oqz_manifest_source(struct oqz_arena *a, const char *path, const struct oqz_manifest_options *opt,
                                    struct oqz_yaml **ret, const struct oqz_yaml **ret_environment,
                                    struct oqz_err *err);

/* Checks a mapping's keys and the kinds of their values; `open`: unknown keys are left to a plugin. `what` names the
 * entry in messages. */
enum oqz_status oqz_schema_check(const struct oqz_yaml *map, enum oqz_manifest_section section, bool open,
                                 const char *what, struct oqz_err *err);

/* Whether a section has such a key. */
bool oqz_schema_has(enum oqz_manifest_section section, const char *key);

#endif
