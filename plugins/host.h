/* SPDX-License-Identifier: Apache-2.0
 *
 * The program's side of the plugin boundary: the service table that every plugin gets, and what host->fail() writes to.
 */
#ifndef OQZ_PLUGINS_HOST_H
#define OQZ_PLUGINS_HOST_H

#include "core/base/failure.h"
#include <oqz/plugin.h>

/* Where messages of plugins go. One line without a newline; may be called from any thread. */
typedef void oqz_plugin_log_fn(void *ctx, enum oqz_log_level level, const char *line);

/* The table and what its log() needs. Must not move while instances exist. */
struct oqz_plugin_host {
	struct oqz_host table; /* first: a pointer to it is a pointer to the whole */
	oqz_plugin_log_fn *log;
	void *log_ctx;
};

/* `log` NULL drops messages. Nothing to release. */
void oqz_plugin_host_init(struct oqz_plugin_host *h, oqz_plugin_log_fn *log, void *log_ctx);

/* Tells `fn` of every file that a plugin reads through the host on this thread, until the next call; NULL: nobody. */
typedef void oqz_host_reads_fn(void *ctx, const char *path);
void oqz_host_watch_reads(oqz_host_reads_fn *fn, void *ctx);

/* host->fail: for other host tables. */
enum oqz_status oqz_host_fail(struct oqz_failure *f, enum oqz_status code, const char *fmt, ...) OQZ_PRINTF(3, 4);

/* host->load_image: for other host tables. */
enum oqz_status oqz_host_load_image(const char *path, uint32_t mode, struct oqz_picture *ret, struct oqz_failure *f);

/* host->load_array: for other host tables. */
enum oqz_status oqz_host_load_array(const char *path, struct oqz_view *ret, struct oqz_failure *f);

/* Makes a plugin's failure fit to be shown: a status that is no failure code or a message that was never given is the
 * plugin's broken contract (OQZ_E_PLUGIN); else "<name>: " goes in front. Call it with err->msg emptied before the
 * call. Returns the final code. */
enum oqz_status oqz_plugin_failed(const char *name, const char *callback, enum oqz_status st, struct oqz_err *err);

#endif
