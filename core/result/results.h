/* SPDX-License-Identifier: Apache-2.0
 *
 * Typed results of a run, and their renderings: results.json, results.csv, layers.csv, the table on a terminal,
 * Markdown, an HTML page. Built once from the ledger; every rendering reads only this. Nothing in it depends on time,
 * host, threads or order of work. Everything lives in the arena.
 */
#ifndef OQZ_RESULT_RESULTS_H
#define OQZ_RESULT_RESULTS_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/vec.h"
#include "core/metric/error_sums.h"
#include "core/metric/rank.h"
#include "core/result/sample.h"
#include <oqz/task.h>

/* A metric of one cell. NaN where a value does not exist (no interval for test NONE). */
struct oqz_metric_result {
	const char *name;
	uint32_t unit, test; /* enum oqz_metric_unit, oqz_metric_test */
	bool higher_is_better;
	double value_float, value_quantized, delta; /* delta = quantized - float */
	double ci_lo, ci_hi;                        /* 95 % interval of delta */
	double p;                                   /* MCNEMAR: exact; BOOTSTRAP: see core/metric/stats.h */
	double p_mid;                               /* MCNEMAR: mid-p; else NaN */
	double p_holm;        /* primary metrics: p with Holm's correction over all cells of the run; else NaN */
	double detectable;    /* smallest difference that so many images could have shown */
	int64_t lost, gained; /* MCNEMAR: hits of float only, of quantized only; else -1 */
};

/* One quantized layer of a cell: a row of layers.csv. */
struct oqz_layer_result {
	const char *node, *op, *engine; /* engine: name of the implementation that ran it */
	struct oqz_layer_error cumulative, local;
	bool has_local;
	double weight_error; /* relative error of the weights alone; NaN without constant weights */
	double input_scale;  /* of input 0 when per tensor; NaN otherwise */
	int64_t macs;
	double weight_lo, weight_hi; /* extremes of the constant input; NaN without */
	double input_lo, input_hi;   /* what the grid of input 0 can say; NaN when it is not per tensor */
};

enum oqz_cell_status { OQZ_CELL_OK, OQZ_CELL_FAILED, OQZ_CELL_SKIPPED };

struct oqz_provenance {
	const char *model_sha256, *plan_sha256, *dataset_sha256;
	const char *scheme;                      /* plugin and canonical parameters */
	const char *task;                        /* plugin and canonical parameters */
	const char *scheme_plugin, *task_plugin; /* "int8 1.0" */
	const char *engine;                      /* "auto", ... */
	const char *library;                     /* oqz_exec_describe() */
	bool limited;                            /* --limit was used */
	const char *cell;                        /* key of the rows in the ledger (core/result/ledger.h) */
	const char *list_sha256;                 /* of the data set without the bytes of its items' files */
};

struct oqz_results;

struct oqz_cell_result {
	const struct oqz_results *owner;   /* the set that frees its vectors */
	const char *model, *scheme, *task; /* scheme: name in the manifest */
	const char *const *tags;
	size_t n_tags;
	enum oqz_cell_status status;
	const char *code, *message; /* of a failed or skipped cell */
	int64_t images, failed_images;
	OQZ_VEC(struct oqz_metric_result) metrics;
	OQZ_VEC(struct oqz_layer_result) layers;
	double aqe, mqe, oqe;                /* pooled definition */
	double mean_aqe, mean_mqe, mean_oqe; /* of the per-image means of ratios */
	int64_t undefined;                   /* layers without a defined error, left out of aqe */
	const char **unmatched; /* a lane from a file: its quantized nodes without a counterpart in the model */
	size_t n_unmatched;
	struct oqz_provenance provenance;
};

struct oqz_float_result {
	const char *model, *task;
	int64_t images, failed_images;
	size_t n_metrics;
	const struct oqz_metric *metrics; /* rows as declared */
	const double *values;
	struct oqz_provenance provenance; /* without scheme and plan */
};

struct oqz_failed_image {
	const char *model, *item, *message;
};

/* Does a cell's error say what its accuracy loses? Spearman's rank correlation over the cells of one kind of task. */
struct oqz_link_result {
	const char *task, *metric; /* the task plugin's name and its primary metric */
	int64_t cells;
	struct oqz_correlation aqe, mqe, oqe; /* NaN: too few cells, or no differences to rank */
};

struct oqz_gate_result {
	const char *text; /* "resnet18 int8-channel top1: drop 0.012 > 0.01" */
	bool failed;
};

struct oqz_results {
	struct oqz_arena *arena;
	const char *version, *manifest_sha256;
	bool complete; /* every wanted cell is there and ok */
	OQZ_VEC(struct oqz_cell_result *) cells;
	OQZ_VEC(struct oqz_float_result) floats;
	OQZ_VEC(struct oqz_failed_image) failed_images;
	OQZ_VEC(struct oqz_gate_result) gates;
	OQZ_VEC(struct oqz_link_result) links;
	OQZ_VEC(struct oqz_sample) samples; /* a model's stand together */
};

/* Empty; NULL when out of memory. Freeing NULL is fine. */
struct oqz_results *oqz_results_new(void);
void oqz_results_free(struct oqz_results *r);
OQZ_DEFINE_CLEANUP(struct oqz_results, oqz_results_free)

/* A new cell at the end of r->cells, all zero but its owner; NULL when out of memory. */
struct oqz_cell_result *oqz_results_add_cell(struct oqz_results *r);

/* What is known only when all cells are there: p_holm of the primary metrics, links. Once, before anything is written.
 */
enum oqz_status oqz_results_relate(struct oqz_results *r, struct oqz_err *err);

struct oqz_str;
/* results.json: format of the documentation (fixed key order, shortest round-trip numbers; non-finite numbers are
 * null). */
void oqz_results_json(const struct oqz_results *r, struct oqz_str *out);
/* The same data with layers, read back exactly (stored in the ledger for `oqz report`). */
void oqz_results_store(const struct oqz_results *r, struct oqz_str *out);
enum oqz_status oqz_results_restore(const char *text, size_t size, struct oqz_results **ret, struct oqz_err *err);

/* Appends the samples of a stored set, copied. */
enum oqz_status oqz_results_add_samples(struct oqz_results *r, const char *text, size_t size, struct oqz_err *err);

/* One row per cell and metric. */
void oqz_results_csv(const struct oqz_results *r, struct oqz_str *out);
/* model,scheme,index,node,op,cumulative,local,cumulative_mean,cumulative_max,weight_error,input_scale,macs,engine */
void oqz_results_layers_csv(const struct oqz_results *r, struct oqz_str *out);
/* Fits `columns` (0: unlimited); `colour`: ANSI colours. Primary metric, difference with interval, AQE, MQE, OQE. */
void oqz_results_table(const struct oqz_results *r, int columns, bool colour, struct oqz_str *out);
void oqz_results_markdown(const struct oqz_results *r, struct oqz_str *out);
/* report.html: one page that needs nothing beside itself, readable without scripts. */
void oqz_results_html(const struct oqz_results *r, struct oqz_str *out);

#endif
