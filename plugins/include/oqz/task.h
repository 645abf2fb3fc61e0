/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz/task.h - a task evaluator as a plugin: knows its data set's layout and annotations, turns network outputs into
 * one record per image, and records into metrics.
 *
 *	open(host, params, dataset) ─► items ─► score(item, outputs, geometry) per image and lane
 *	  ─► finish(records) ─► close
 *
 * A record is an opaque, serialisable byte string: it is stored by the program, and metrics are computed from the
 * records alone, in item order. So an interrupted run continues, runs are compared, and a resampled list of records
 * gives a bootstrap. The task never sees the graph, weights, scheme names, or whether a lane is quantized.
 */
#ifndef OQZ_TASK_H
#define OQZ_TASK_H

#include <oqz/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

enum oqz_metric_unit { OQZ_UNIT_RATIO, OQZ_UNIT_DECIBEL, OQZ_UNIT_COUNT, OQZ_UNIT_PIXELS, OQZ_UNIT_SCALAR };
/* How a difference between two lanes is tested: McNemar when the metric is a mean of hits (0 or 1 per image), else a
 * paired bootstrap over images; NONE for figures that only accompany. */
enum oqz_metric_test { OQZ_TEST_NONE, OQZ_TEST_MCNEMAR, OQZ_TEST_BOOTSTRAP };

/* A metric as data. The first row is the task's primary metric. */
struct oqz_metric {
	const char *name;
	uint32_t unit, test;
	bool higher_is_better;
	double min, max; /* finish() outside of this, or NaN, fails the cell; both 0: any */
	const char *help;
};

/* How the network's input was made from the image. x_net = x_image * scale_x + pad_left, likewise y; before any crop
 * origin (crop_x, crop_y) is subtracted. */
struct oqz_geometry {
	int32_t image_width, image_height; /* as decoded */
	int32_t net_width, net_height;
	double scale_x, scale_y, offset_x, offset_y;
};

struct oqz_output {
	const char *name;
	struct oqz_view view; /* float32, or integers as the model has them; PLAIN */
};

/* One item of the data set. Strings are copied by the program. */
struct oqz_item {
	const char *id;    /* unique and stable: names the item in the ledger and in messages */
	const char *image; /* path of the image file */
	uint64_t tag;      /* the task's own number for it, handed back to score() */
	/* Since API 1.1. The part of the image that the item is about (a person): x0, y0, x1, y1 in image pixels, for
	 * the preprocessing step `affine`. Two items may share an image. */
	bool has_box;
	double box[4];
};

struct oqz_record {
	const void *data; /* NULL, 0 for an item that failed */
	size_t size;
	uint64_t tag;
};

struct oqz_task_host {
	uint32_t struct_size;
	const struct oqz_host *base;
	enum oqz_status (*add_item)(void *sink, const struct oqz_item *item, struct oqz_failure *f);
	/* Appends to the record of the item being scored. */
	enum oqz_status (*add_record)(void *sink, const void *data, size_t size, struct oqz_failure *f);
	/* Sets a declared metric. finish() sets each one exactly once. */
	enum oqz_status (*set_metric)(void *sink, const char *name, double value, struct oqz_failure *f);
	/* Since API 1.2, for draw(): marks over the picture of an item. Coordinates are pixels of the item's image as
	 * the geometry has it (0, 0 is the upper left corner of image_width x image_height), however large it is shown;
	 * boxes are x0, y0, x1, y1; colours 0xRRGGBB. Everything is copied. More marks than a picture can bear are
	 * OQZ_E_LIMIT. */
	enum oqz_status (*draw_box)(void *canvas, const double box[4], uint32_t colour, const char *label,
	                            struct oqz_failure *f); /* label: a few words, or NULL */
	/* Lines from point to point; a dot for n = 1. */
	enum oqz_status (*draw_path)(void *canvas, const double (*points)[2], size_t n, uint32_t colour,
	                             struct oqz_failure *f);
	/* A picture of 3 channels, or of 4 with alpha (255 is opaque), stretched over the box; shown smaller if large.
	 * With alpha the nearest pixel is taken (label maps), else an average. */
	enum oqz_status (*draw_picture)(void *canvas, const struct oqz_picture *p, const double box[4],
	                                struct oqz_failure *f);
	/* Shows this part of the image only. Where the truth is drawn; it then holds for all lanes of the item. */
	enum oqz_status (*draw_view)(void *canvas, const double box[4], struct oqz_failure *f);
};

struct oqz_task {
	struct oqz_plugin base;
	const struct oqz_metric *metrics;       /* with default parameters; ends with a row whose name is NULL */
	const struct oqz_param *dataset_params; /* what its data sets are described by, same form as base.params */

	/* Required. `params` are the task's, `dataset` the data set's (calibration sets are opened with their own). */
	enum oqz_status (*open)(const struct oqz_task_host *host, const struct oqz_params *params,
	                        const struct oqz_params *dataset, void **ret, struct oqz_failure *f);
	/* Required. Frees it; called once for each successful open. */
	void (*close)(void *self);
	/* Required. Calls host->add_item for every image in the data set's order. */
	enum oqz_status (*items)(void *self, void *sink, struct oqz_failure *f);
	/* Required, thread-safe on one instance. Turns the outputs for one item into its record. */
	enum oqz_status (*score)(void *self, const struct oqz_item *item, const struct oqz_output *outputs,
	                         size_t n_outputs, const struct oqz_geometry *geometry, void *record_sink,
	                         struct oqz_failure *f);
	/* Required, thread-safe. Metrics of the given records, in the given order (which may repeat records). */
	enum oqz_status (*finish)(void *self, const struct oqz_record *records, size_t n, void *metric_sink,
	                          struct oqz_failure *f);
	/* Optional. One line for a person about what was predicted for the item ("tabby cat (0.81); right is tiger
	 * cat"). */
	enum oqz_status (*explain)(void *self, const struct oqz_record *record, char *text, size_t size,
	                           struct oqz_failure *f);
	/* Optional. The metrics of this instance, when they depend on its parameters (top3 instead of top5): same form
	 * as `metrics`, lives as long as the instance. NULL here or from the call: `metrics`. */
	const struct oqz_metric *(*instance_metrics)(void *self);
	/* Optional, since API 1.2. Figures of predictions that were made elsewhere, against annotations, both as the
	 * paths of a file or folder in the form that is usual for the task; no instance, no model, no preprocessing.
	 * `dataset` has the data set's parameters as far as they were given; required ones may be empty. Figures are
	 * set by host->set_metric(), each once, under the names that the field has for them, of any kind: "a.b" is
	 * entry b of a group a, NaN says that a figure is not defined. Called once, from one thread. */
	enum oqz_status (*judge)(const struct oqz_task_host *host, const struct oqz_params *params,
	                         const struct oqz_params *dataset, const char *annotations, const char *predictions,
	                         void *figure_sink, struct oqz_failure *f);
	/* Optional, since API 1.2. Draws what a lane says about an item over its picture: boxes, masks, joints; for the
	 * few items that a report shows, from one thread. `record` is what score() made of these outputs. First it is
	 * called with record NULL and n_outputs 0: the truth, where the data set has one. */
	enum oqz_status (*draw)(void *self, const struct oqz_item *item, const struct oqz_record *record,
	                        const struct oqz_output *outputs, size_t n_outputs, const struct oqz_geometry *geometry,
	                        void *canvas, struct oqz_failure *f);
	/* Optional, since API 1.2. As finish(), with the float model's records of the same items beside (records[i] and
	 * reference[i] are of one item; for the float model itself both are the same): for figures of how far a
	 * quantized model has moved from the float one, which need no annotations. Called instead of finish() where
	 * the references are at hand; finish() sets what these figures are without any movement. */
	enum oqz_status (*finish_beside)(void *self, const struct oqz_record *records,
	                                 const struct oqz_record *reference, size_t n, void *metric_sink,
	                                 struct oqz_failure *f);
	/* Optional, since API 1.2. What the colours of draw() mean, a line for whoever looks at the pictures. */
	const char *marks;
	/* Optional, since API 1.2, all three or none. A bootstrap asks for the metrics of some thousand lists that
	 * differ only in how often they name each record: resample_open() does once what is the same for all, from
	 * records that stay alive until resample_close(); `reference` as for finish_beside(), NULL: not at hand.
	 * resample() sets what finish() would for the list in which record i comes times[i] times, one after the other
	 * in this order; of metrics with another test than OQZ_TEST_BOOTSTRAP it sets those it likes. Its calls on one
	 * `resampler` come one at a time. */
	enum oqz_status (*resample_open)(void *self, const struct oqz_record *records,
	                                 const struct oqz_record *reference, size_t n, void **ret,
	                                 struct oqz_failure *f);
	enum oqz_status (*resample)(void *self, void *resampler, const uint32_t *times, void *metric_sink,
	                            struct oqz_failure *f);
	void (*resample_close)(void *self, void *resampler);
};

#ifdef __cplusplus
}
#endif
#endif
