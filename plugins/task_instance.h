/* SPDX-License-Identifier: Apache-2.0
 *
 * A task at work: an instance of a task plugin for one parameter set and one data set, with the sinks that its
 * callbacks fill and the checks on what it gives. core/run and `oqz score` use tasks only through this.
 */
#ifndef OQZ_PLUGINS_TASK_INSTANCE_H
#define OQZ_PLUGINS_TASK_INSTANCE_H

#include "core/base/params.h"
#include "core/base/str.h"
#include "core/base/vec.h"
#include "plugins/host.h"
#include "plugins/loader.h"

struct oqz_task_instance;

/* The data set's items in its order; strings live in the arena. Ids are unique (checked). */
struct oqz_item_list {
	struct oqz_arena *arena;
	OQZ_VEC(struct oqz_item) items;
};
void oqz_item_list_release(struct oqz_item_list *l);
/* What oqz_preparer_run() takes as the box: NULL for the whole image. */
static inline const double *oqz_item_box(const struct oqz_item *item) { return item->has_box ? item->box : NULL; }

/* The host, the module and both parameter sets must outlive the instance. */
enum oqz_status oqz_task_open(const struct oqz_module *m, const struct oqz_plugin_host *host,
                              const struct oqz_params *params, const struct oqz_params *dataset,
                              struct oqz_task_instance **ret, struct oqz_err *err);
void oqz_task_close(struct oqz_task_instance *t);
OQZ_DEFINE_CLEANUP(struct oqz_task_instance, oqz_task_close)

/* *ret is all-zero before; release it after. An empty data set is OQZ_E_DATA. */
enum oqz_status oqz_task_items(struct oqz_task_instance *t, struct oqz_item_list *ret, struct oqz_err *err);

/* Appends the item's record (at least one byte) to `record`. Thread-safe. */
enum oqz_status oqz_task_score(struct oqz_task_instance *t, const struct oqz_item *item,
                               const struct oqz_output *outputs, size_t n_outputs, const struct oqz_geometry *geometry,
                               struct oqz_str *record, struct oqz_err *err);

/* Metrics of the records: `values` has one entry per row of oqz_task_metrics(). A metric that is not set, set twice,
 * not declared, NaN or outside of its range is the plugin's fault: OQZ_E_PLUGIN. Thread-safe. */
enum oqz_status oqz_task_finish(struct oqz_task_instance *t, const struct oqz_record *records, size_t n, double *values,
                                struct oqz_err *err);

/* Where a task draws (the program's side of struct oqz_task_host's draw_...). Arguments are checked before: finite
 * coordinates, at least one point, 3 or 4 channels, sides of at least one pixel. */
struct oqz_canvas {
	enum oqz_status (*box)(struct oqz_canvas *c, const double box[4], uint32_t colour, const char *label,
	                       struct oqz_err *err);
	enum oqz_status (*path)(struct oqz_canvas *c, const double (*points)[2], size_t n, uint32_t colour,
	                        struct oqz_err *err);
	enum oqz_status (*picture)(struct oqz_canvas *c, const struct oqz_picture *p, const double box[4],
	                           struct oqz_err *err);
	enum oqz_status (*view)(struct oqz_canvas *c, const double box[4], struct oqz_err *err);
};
/* What the colours of the drawings mean, or "". */
const char *oqz_task_marks(const struct oqz_task_instance *t);
/* Draws a lane, or the truth with `record` NULL and no outputs. A task that cannot draw leaves the canvas as it is. */
enum oqz_status oqz_task_draw(struct oqz_task_instance *t, const struct oqz_item *item, const struct oqz_record *record,
                              const struct oqz_output *outputs, size_t n_outputs, const struct oqz_geometry *geometry,
                              struct oqz_canvas *canvas, struct oqz_err *err);
/* The same with the float lane's records of the same items beside, for tasks that compare them. */
enum oqz_status oqz_task_finish_beside(struct oqz_task_instance *t, const struct oqz_record *records,
                                       const struct oqz_record *reference, size_t n, double *values,
                                       struct oqz_err *err);

/* Metrics of lists that differ only in how often they name each record, for bootstraps: *ret is NULL where the task
 * cannot do better than oqz_task_finish_beside(). Instance and records must outlive it. */
struct oqz_resampler;
enum oqz_status oqz_resampler_open(struct oqz_task_instance *t, const struct oqz_record *records,
                                   const struct oqz_record *reference, size_t n, struct oqz_resampler **ret,
                                   struct oqz_err *err);
void oqz_resampler_close(struct oqz_resampler *r);
/* `values` as of oqz_task_finish(); NaN for a metric that is not set, which only those without a bootstrap may be. */
enum oqz_status oqz_resampler_run(struct oqz_resampler *r, const uint32_t *times, double *values, struct oqz_err *err);

/* One line for a person; "" when the task has nothing to say. */
enum oqz_status oqz_task_explain(struct oqz_task_instance *t, const struct oqz_record *record, char *text, size_t size,
                                 struct oqz_err *err);

/* Figures of predictions made elsewhere (struct oqz_task's judge()), in the order in which the plugin set them. A value
 * may be NaN (not defined). `params` are "key=value,..." of both the task and its data set. Names live in the arena. A
 * task that cannot do it is OQZ_E_UNSUPPORTED. */
struct oqz_figure {
	const char *name;
	double value;
};
struct oqz_figures {
	struct oqz_arena *arena;
	OQZ_VEC(struct oqz_figure) v;
};
enum oqz_status oqz_task_judge(const struct oqz_module *m, const struct oqz_plugin_host *host, const char *params,
                               const char *annotations, const char *predictions, struct oqz_figures *ret,
                               struct oqz_err *err);
void oqz_figures_release(struct oqz_figures *f);

/* The instance's metrics, and their number: at least one, the first is the primary one. */
const struct oqz_metric *oqz_task_metrics(const struct oqz_task_instance *t, size_t *ret_n);

#endif
