/* SPDX-License-Identifier: Apache-2.0
 *
 * The manifest: which models are evaluated on which data under which schemes. Loading it reads and merges all files,
 * substitutes variables, checks every key against the schema (schema.def) and every name it refers to, and expands the
 * matrix to jobs. What plugins declare (their parameters, preprocessing steps) is checked by whoever knows the plugins;
 * such parts are handed over as YAML nodes that remember their position.
 */
#ifndef OQZ_MANIFEST_MANIFEST_H
#define OQZ_MANIFEST_MANIFEST_H

#include "core/base/params.h"
#include "core/base/vec.h"
#include "core/manifest/yaml.h"

struct oqz_dataset {
	const char *name;
	const struct oqz_yaml *node;    /* the whole entry */
	const struct oqz_yaml *prepare; /* list of steps, or the name of a preset, or NULL */
};

struct oqz_task_spec {
	const char *name, *plugin;
	const struct oqz_yaml *node;
	const struct oqz_dataset *test,
	    *calib; /* calib NULL: calibrates on the test set's images is an error at run time */
};

/* Which tensor edges a scheme quantizes: common to all quantizers (oqz-manifest(5)). */
struct oqz_selection_spec {
	const struct oqz_yaml *ops, *include, *exclude, *below; /* lists or NULL */
};

/* A column of the table: a quantizer with its parameters, or, with `file`, one model's quantized version that was made
 * elsewhere (`lanes` of a model), which has neither plugin nor selection. */
struct oqz_scheme_spec {
	const char *name, *plugin;
	const char *file; /* resolved path of a lane; NULL: a scheme */
	const struct oqz_yaml *node;
	struct oqz_selection_spec select;
};

struct oqz_model_spec {
	const char *id, *file; /* file as resolved path */
	const struct oqz_yaml *node;
	const struct oqz_task_spec *task;
	const char **watch; /* monitored values for OQE; n_watch 0: the graph outputs */
	size_t n_watch;
	const char **tags;
	size_t n_tags;
	const struct oqz_yaml *prepare; /* overrides the data set's, or NULL */
	const struct oqz_yaml *inputs;  /* name -> [dims], or NULL */
	const char **outputs;           /* instead of the file's, or edits; n_outputs 0: as they are */
	size_t n_outputs;
	struct oqz_selection_spec quantize;   /* on top of each scheme's */
	const char **passes;                  /* NULL-terminated, or NULL for the default pipeline */
	const struct oqz_scheme_spec **lanes; /* quantized versions of this model as files */
	size_t n_lanes;
	int64_t calib_images, calib_batch; /* 0: all; batch for batch-scope rules */
	const char *calib_method; /* of activations, instead of each scheme's `calibrate`; NULL: as the scheme says */
	bool calib_quantized;     /* observe activations behind quantized weights, as PPQ does, not float ones */
	const char *engine;       /* "auto", "sim", "reference" */
};

struct oqz_limits {
	int64_t memory;       /* bytes per job; 0: the machine's */
	int64_t prepared;     /* bytes of prepared images to keep on disk; 0: none */
	double seconds;       /* per job; 0: none */
	int64_t local_images; /* images that local errors are taken on */
	int64_t images;       /* --limit: at most so many test images; 0: all */
	int64_t calib_images; /* at most so many calibration images (a trial: core/run/trial.h); 0: all */
};

/* A gate of the manifest: fails the run (exit 1) when a cell that matches drops by more than allowed. */
struct oqz_gate {
	const struct oqz_yaml *node;
	const char *model, *scheme, *tag; /* globs; NULL: any */
	const char *metric;
	double max_drop;      /* in the metric's own unit (a ratio: 0.01 for "1.0pp") */
	double confidence;    /* 0: the point estimate decides; 0.95: the interval does, see oqz_gates_check() */
	bool non_inferiority; /* what the interval has to prove: not the drop, but that there is none beyond max_drop */
};

/* Whether a gate is for a cell: every pattern that it has must match. */
bool oqz_gate_matches(const struct oqz_gate *g, const char *model, const char *const *tags, size_t n_tags,
                      const char *scheme);

/* One job: a model with all schemes wanted for it, and behind them its lanes. */
struct oqz_job_spec {
	const struct oqz_model_spec *model;
	const struct oqz_scheme_spec **schemes;
	size_t n_schemes;
};

struct oqz_manifest {
	struct oqz_arena *arena;
	const char *file;
	const struct oqz_yaml *root;        /* merged, substituted, extended: what `oqz show` prints */
	const struct oqz_yaml *environment; /* variables of the environment that values named, and what they were */
	char sha256[65];                    /* of the expanded text */
	OQZ_VEC(struct oqz_dataset *) datasets;
	OQZ_VEC(struct oqz_scheme_spec *) schemes;
	OQZ_VEC(struct oqz_task_spec *) tasks;
	OQZ_VEC(struct oqz_model_spec *) models;
	OQZ_VEC(struct oqz_gate) gates;
	OQZ_VEC(struct oqz_job_spec) jobs; /* in order of models */
	OQZ_VEC(const char *) warnings;    /* unused definitions and the like */
	struct oqz_limits limits;
};

/* Overrides from the command line. */
struct oqz_manifest_options {
	const char *const *sets; /* "a.b[2].c=value" */
	size_t n_sets;
	const char *const *selects; /* "model=GLOB,scheme=GLOB,tag=T"; several add up */
	size_t n_selects;
	int64_t limit;      /* --limit; 0: none */
	const char *engine; /* --engine; NULL: as the manifest says */
	int64_t memory;     /* --memory-limit in bytes; 0: as the manifest says */
};

/* Reads, merges, checks and expands a manifest with all that it includes. Errors begin with file:line:column
 * where a place is at fault. `opt` may be NULL. */
enum oqz_status oqz_manifest_load(const char *path, const struct oqz_manifest_options *opt, struct oqz_manifest **ret,
                                  struct oqz_err *err);
void oqz_manifest_free(struct oqz_manifest *m);
OQZ_DEFINE_CLEANUP(struct oqz_manifest, oqz_manifest_free)

/* Kinds of mappings in a manifest: whose keys schema.def lists. */
enum oqz_manifest_section {
	OQZ_SECTION_NONE, /* no keys of the manifest's own */
	OQZ_SECTION_ROOT,
	OQZ_SECTION_DATASET,
	OQZ_SECTION_SCHEME,
	OQZ_SECTION_TASK,
	OQZ_SECTION_MODEL,
	OQZ_SECTION_QUANTIZE,
	OQZ_SECTION_CALIBRATION,
	OQZ_SECTION_MATRIX,
	OQZ_SECTION_EXCEPT,
	OQZ_SECTION_GATE,
	OQZ_SECTION_LIMITS,
};

/* The parameters that a mapping holds for a plugin: every key but those of the section, nested mappings
 * flattened (oqz_params_flat_key), PATH parameters made relative to the file they stand in. */
enum oqz_status oqz_manifest_params(struct oqz_arena *a, const struct oqz_yaml *map, enum oqz_manifest_section section,
                                    const struct oqz_param *table, const char *owner, struct oqz_params **ret,
                                    struct oqz_err *err);
/* The same flattening without a table's check: raw values in the arena (preprocessing steps). */
enum oqz_status oqz_manifest_values(struct oqz_arena *a, const struct oqz_yaml *map, enum oqz_manifest_section section,
                                    const struct oqz_param *table, struct oqz_param_value **ret, size_t *ret_n,
                                    struct oqz_err *err);

/* A list node's scalars as strings in the arena (a lone scalar counts as a list of one; NULL gives none). */
enum oqz_status oqz_yaml_strings(struct oqz_arena *a, const struct oqz_yaml *list, const char ***ret, size_t *ret_n,
                                 struct oqz_err *err);

#endif
