/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin's tables in words, for terminals and for documentation. Both forms say the same, from the same rows; a test
 * compares each plugin's .md with the second, so that neither can drift.
 */
#ifndef OQZ_PLUGINS_DESCRIBE_H
#define OQZ_PLUGINS_DESCRIBE_H

#include "plugins/plugin_info.h"

/* What `oqz describe` prints: head, parameters, data set parameters, metrics. Of a refused plugin: the reason. */
void oqz_describe_text(const struct oqz_plugin_info *p, struct oqz_str *out);

/* A table under a title, nothing when it is empty. */
void oqz_describe_params_text(const char *title, const struct oqz_param *table, struct oqz_str *out);

/* One row in words, without its name and help: "int, default 8, 2 to 16 bits". */
void oqz_describe_param(const struct oqz_param *row, struct oqz_str *out);
void oqz_describe_metric(const struct oqz_metric *row, struct oqz_str *out);

/* Markdown list items of a table, one a line: "- `bits` (int, default 8, 2 to 16): width of the integer grid". */
void oqz_describe_params_markdown(const struct oqz_param *table, struct oqz_str *out);
void oqz_describe_metrics_markdown(const struct oqz_metric *table, struct oqz_str *out);

/* All tables of a plugin as Markdown, each below a heading. */
void oqz_describe_markdown(const struct oqz_plugin_info *p, struct oqz_str *out);

#endif
