/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of a plugin without having it loaded: plain data, copied out of the descriptor by a child process and
 * sent over a pipe. Manifest checks, `oqz list`, `oqz describe` and man pages need nothing else.
 */
#ifndef OQZ_PLUGINS_PLUGIN_INFO_H
#define OQZ_PLUGINS_PLUGIN_INFO_H

#include "core/base/err.h"
#include <oqz/task.h>

struct oqz_arena;
struct oqz_module;
struct oqz_str;

struct oqz_plugin_info {
	const char *path;
	const char *refused; /* why the file cannot be used; then only path is set. NULL: usable */
	const char *name, *version, *licence, *summary, *abi;
	enum oqz_plugin_kind kind;
	unsigned api_major, api_minor;
	const struct oqz_param *params;         /* ends with a row whose name is NULL; never NULL when usable */
	const struct oqz_param *dataset_params; /* tasks; same form */
	const struct oqz_metric *metrics;       /* tasks; ends with a row whose name is NULL; else NULL */
	bool shipped;            /* came with the program: one of its own, found in its own folder of plugins */
	const char *shadowed_by; /* path of an earlier plugin of the same name, which is used instead; or NULL */
};

/* Bytes for a pipe between two processes of this very program: native layout, no version. */
void oqz_plugin_info_write(const struct oqz_module *m, struct oqz_str *out);
/* Reads them back, copying everything into the arena. OQZ_E_PLUGIN when bytes are missing, damaged or left over. *ret
 * keeps its path. */
enum oqz_status oqz_plugin_info_read(const void *data, size_t size, struct oqz_arena *arena,
                                     struct oqz_plugin_info *ret, struct oqz_err *err);

#endif
