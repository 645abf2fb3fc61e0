/* SPDX-License-Identifier: Apache-2.0
 *
 * One plugin file: opened in this process, its descriptor checked and copied. Whoever only wants to know what a file is
 * asks plugins/registry.h, which looks from a forked child; opening runs the file's code here.
 */
#ifndef OQZ_PLUGINS_LOADER_H
#define OQZ_PLUGINS_LOADER_H

#include "core/base/err.h"
#include <oqz/quantizer.h>
#include <oqz/task.h>

struct oqz_module {
	char *path;
	void *handle;
	bool shipped; /* see struct oqz_plugin_info; set by the registry */
	/* The descriptor, zero-filled where the plugin's own is shorter. The strings and tables it points to are the
	 * plugin's and live as long as the module. */
	union {
		struct oqz_plugin base;
		struct oqz_quantizer quantizer; /* base.kind == OQZ_KIND_QUANTIZER */
		struct oqz_task task;           /* base.kind == OQZ_KIND_TASK */
	} desc;
};

/* Opens a shared object (RTLD_NOW, RTLD_LOCAL; never through the library search path) and checks its descriptor. All
 * refusals are OQZ_E_PLUGIN, or OQZ_E_NOENT for an absent file; the message starts with the path. */
enum oqz_status oqz_module_open(const char *path, struct oqz_module **ret, struct oqz_err *err);
/* Instances must be closed before. */
void oqz_module_close(struct oqz_module *m);
OQZ_DEFINE_CLEANUP(struct oqz_module, oqz_module_close)

/* The checks alone, for a descriptor from anywhere: magic, ABI, version, size, name, tables, required callbacks. Copies
 * min(size) bytes into *ret (which may be untouched or partly filled on failure). */
enum oqz_status oqz_descriptor_check(const struct oqz_plugin *d, struct oqz_module *ret, struct oqz_err *err);

/* The part of it for a task's metric table. */
enum oqz_status oqz_metrics_check(const struct oqz_metric *metrics, struct oqz_err *err);

/* "quantizer", "task". */
const char *oqz_plugin_kind_name(enum oqz_plugin_kind kind);

#endif
