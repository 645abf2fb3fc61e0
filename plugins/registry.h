/* SPDX-License-Identifier: Apache-2.0
 *
 * Which plugins there are. Files are looked at from a forked child under a time limit, so one that crashes, hangs,
 * exits or lies is listed with its reason and harms nobody; this process does not load anything before
 * oqz_registry_load().
 */
#ifndef OQZ_PLUGINS_REGISTRY_H
#define OQZ_PLUGINS_REGISTRY_H

#include "plugins/loader.h"
#include "plugins/plugin_info.h"

struct oqz_registry;

struct oqz_registry_options {
	const char *path; /* folders separated by ':', searched first; NULL: $OQZ_PLUGIN_PATH, unless running setuid */
	const char *plugindir; /* searched last; NULL: the installed plugins; "": none */
	unsigned probe_ms;     /* time limit of looking at one file; 0: 10 seconds */
};

/* Looks at every *.so of every folder: folders in order, files in byte order of their names. The first plugin of a name
 * is used, later ones are kept as shadowed. An unreadable folder of the path is listed as refused; an absent plugindir
 * is not worth a word. Fails only for lack of memory or processes. `options` may be NULL. Call it before threads are
 * started. */
enum oqz_status oqz_registry_new(const struct oqz_registry_options *options, struct oqz_registry **ret,
                                 struct oqz_err *err);
void oqz_registry_free(struct oqz_registry *r);
OQZ_DEFINE_CLEANUP(struct oqz_registry, oqz_registry_free)

/* Everything that was found, in search order: usable, shadowed and refused. Owned by the registry. */
size_t oqz_registry_count(const struct oqz_registry *r);
const struct oqz_plugin_info *oqz_registry_at(const struct oqz_registry *r, size_t i);

/* OQZ_E_PLUGIN when the folders hold no file that could be a plugin, with what to do about it. */
enum oqz_status oqz_registry_any(const struct oqz_registry *r, struct oqz_err *err);

/* The plugin of that name. `kind` 0 takes either; another kind than asked for, or none of that name, is OQZ_E_PLUGIN
 * with a near match and, where a refused file is called like it, its reason. */
enum oqz_status oqz_registry_find(const struct oqz_registry *r, enum oqz_plugin_kind kind, const char *name,
                                  const struct oqz_plugin_info **ret, struct oqz_err *err);

/* Finds and opens, in this process. */
enum oqz_status oqz_registry_load(const struct oqz_registry *r, enum oqz_plugin_kind kind, const char *name,
                                  struct oqz_module **ret, struct oqz_err *err);

/* One file by its path. Strings go to the arena. A refusal is not an error: it is in ret->refused. */
enum oqz_status oqz_plugin_probe(const char *path, unsigned probe_ms, struct oqz_arena *arena,
                                 struct oqz_plugin_info *ret, struct oqz_err *err);

#endif
