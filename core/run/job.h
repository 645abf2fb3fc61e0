/* SPDX-License-Identifier: Apache-2.0
 *
 * A job: one model with all its schemes, opened and ready. Everything that a job holds belongs to one process (plugins
 * are loaded, instances opened, the graph read); phases are functions over it, one file each:
 *
 *   setup.c      manifest -> plugins, parameters, items, preparation, float graph
 *   calibrate.c  calibration images -> each scheme's plan (or from the ledger) -> quantized graphs
 *   evaluate.c   test images -> lanes -> rows in the ledger
 *   conclude.c   rows -> metrics, error figures, statistics -> typed results
 */
#ifndef OQZ_RUN_JOB_H
#define OQZ_RUN_JOB_H

#include "core/exec/exec.h"
#include "core/image/preprocess.h"
#include "core/manifest/manifest.h"
#include "core/quant/quantize.h"
#include "core/result/ledger.h"
#include "core/result/results.h"
#include "plugins/registry.h"
#include "plugins/task_instance.h"

#include <signal.h>

/* What happens, for whoever shows it. `done` of `total` images (CONCLUDE: schemes); phases follow each other. */
enum oqz_phase { OQZ_PHASE_SETUP, OQZ_PHASE_CALIBRATE, OQZ_PHASE_EVALUATE, OQZ_PHASE_CONCLUDE, OQZ_PHASE_DONE };
struct oqz_progress {
	enum oqz_phase phase;
	int64_t done, total;  /* images (schemes) of this phase */
	int64_t resumed;      /* of these, found in the ledger */
	int64_t failed;       /* images that failed so far */
	int64_t items;        /* images of the data set, whatever a limit says */
	int64_t macs;         /* of one image in float, and */
	int64_t worker_bytes; /* the memory that each further worker takes; known from the first image on */
	double cpu_seconds;   /* processor time of the job's process so far, and */
	int64_t peak_bytes;   /* the most memory it has had; filled in where the message is sent */
};
typedef void oqz_progress_fn(void *ctx, const struct oqz_progress *p);

/* A data set as a task sees it. */
struct oqz_data {
	struct oqz_params *params;
	struct oqz_task_instance *instance;
	struct oqz_item_list items;
	struct oqz_prepare *prepare;
	size_t n;        /* items to be used (all, or the first so many) */
	char sha256[65]; /* of parameters, of the files that tell of the items, and of each item's id and tag, in order
	                  */
	char contents[65]; /* of this and of the bytes of the used items' files; "" until it is known */
};

/* What a planned program knows of a layer (core/run/facts.h). */
struct oqz_layer_fact {
	int64_t macs; /* at the first image's shape */
	const char *impl;
};

/* An instance of a scheme's plugin, and the nodes that it is for. */
struct oqz_scheme_part {
	struct oqz_params *params;
	struct oqz_names nodes, ops;   /* of an override */
	struct oqz_graph_view *view;   /* what the instance reads */
	struct oqz_quantize *quantize; /* NULL when the plan came from the ledger */
};

struct oqz_scheme {
	const struct oqz_scheme_spec *spec;
	const struct oqz_yaml *node; /* the manifest's entry, with what the model changes in it */
	struct oqz_module *module;   /* NULL: a lane from a file (core/run/foreign.h) */
	struct oqz_params *params;
	const char *canonical;         /* "int8:bits=8,..." with the selection behind it */
	struct oqz_scheme_part *parts; /* the scheme itself and, behind it, its overrides (core/run/overrides.h) */
	size_t n_parts;
	struct oqz_improve_step *improve; /* core/run/improvements.h */
	size_t n_improve;
	struct oqz_graph *base;     /* what an improved scheme is calibrated on; NULL: the float graph */
	struct oqz_qplan *improved; /* constants and gains that made it */
	struct oqz_qplan *plan;
	char plan_sha256[65];
	struct oqz_graph *graph; /* quantized */
	const char **layers;     /* output values of quantized nodes, in execution order; names of the float graph */
	size_t n_layers;
	const char **own_layers; /* the same values by the quantized graph's names */
	const char **own_watch;  /* watched values likewise */
	const char **unmatched;  /* a lane from a file: quantized nodes without a counterpart */
	size_t n_unmatched;
	struct oqz_layer_fact *facts;
	size_t n_facts;
	int64_t cell;           /* in the ledger */
	enum oqz_status status; /* not OQZ_OK: this scheme cannot run for this model; message says why */
	const char *message;
};

/* The graph that a scheme's sites are looked for and calibrated in. */
#define OQZ_SCHEME_BASE(job, scheme) ((scheme)->base ? (scheme)->base : (job)->graph)

/* Layer i by its name in the scheme's own graph. */
static inline const char *oqz_scheme_layer(const struct oqz_scheme *s, size_t i)
{
	return s->own_layers ? s->own_layers[i] : s->layers[i];
}

struct oqz_job {
	struct oqz_arena *arena;
	const struct oqz_manifest *manifest;
	const struct oqz_job_spec *spec;
	const struct oqz_registry *registry;
	struct oqz_ledger *ledger;
	struct oqz_digests *digests;
	struct oqz_prepared *prepared; /* owned; NULL: none is kept */
	struct oqz_plugin_host host;
	int threads;
	enum oqz_engine engine;
	const volatile sig_atomic_t *stop;
	oqz_progress_fn *progress;
	void *progress_ctx;
	volatile int *planned;      /* see struct oqz_job_options */
	const char *const *crashed; /* also there */

	struct oqz_module *task_module;
	struct oqz_params *task_params;
	const char *task_canonical;
	struct oqz_data test, calib; /* calib.instance NULL: the task has no calibration data */
	struct oqz_graph *graph;     /* float */
	char model_sha256[65];
	const char *const *watch; /* monitored values, existing and float */
	size_t n_watch;
	struct oqz_scheme *schemes;
	size_t n_schemes;
	int64_t float_cell;
};

/* What the caller decides. */
struct oqz_job_options {
	int threads;
	const volatile sig_atomic_t *stop; /* may be NULL */
	oqz_progress_fn *progress;         /* may be NULL; called from any worker thread, serialised */
	void *progress_ctx;
	oqz_plugin_log_fn *log; /* messages of plugins; may be NULL; called from any thread */
	void *log_ctx;
	/* Memory that outlives the job's process, or NULL: the scheme that is being planned, from 1, else 0. Who finds
	 * the process dead knows whose plugin it was. */
	volatile int *planned;
	const char *const *crashed; /* NULL, or for each scheme NULL or why it is not tried (again) */
};

/* Opens a job. `ledger` may be NULL (validate: nothing is stored). */
enum oqz_status oqz_job_open(const struct oqz_manifest *m, const struct oqz_job_spec *spec,
                             const struct oqz_registry *reg, struct oqz_ledger *ledger,
                             const struct oqz_job_options *opt, struct oqz_job **ret, struct oqz_err *err);
void oqz_job_close(struct oqz_job *j);
OQZ_DEFINE_CLEANUP(struct oqz_job, oqz_job_close)

/* Fills schemes[].plan and .graph. A scheme that fails is marked and left out; failing calibration images fail the job.
 */
enum oqz_status oqz_job_calibrate(struct oqz_job *j, struct oqz_err *err);
/* Fills the ledger with the rows it lacks. */
enum oqz_status oqz_job_evaluate(struct oqz_job *j, struct oqz_err *err);
/* Appends this job's cells to *r from the ledger. */
enum oqz_status oqz_job_conclude(struct oqz_job *j, struct oqz_results *r, struct oqz_err *err);

/* Shapes of the model's inputs for one prepared image: the model must have one float input that takes it. */
enum oqz_status oqz_job_input_shape(const struct oqz_graph *g, const struct oqz_view *image, struct oqz_shape *ret,
                                    struct oqz_err *err);

#endif
