/* SPDX-License-Identifier: Apache-2.0
 *
 * Execution: plan once per input shape, run many.
 *
 *   program   what is computed: an ordered list of steps, each with the implementation chosen for it, packed weights,
 *             and a memory plan. Immutable and shared by all workers.
 *   context   one worker's memory: an arena laid out by the plan, and scratch space. Nothing is allocated while
 *running, with two exceptions: tensors whose shape depends on data (NonZero, NonMaxSuppression, ...), and the memory of
 *layers run alone, which grows on first use.
 *
 *	oqz_program_new(graph, &options, shapes, &program, err)
 *	oqz_context_new(program, &ctx, err)               once per worker
 *	  fill oqz_context_input(ctx, i)                  per image
 *	  oqz_context_run(ctx, 0, oqz_program_nsteps(program), err)
 *	  read oqz_context_output(ctx, i)
 *
 * Lanes that walk in lock-step call oqz_context_run over ranges of steps and look at taps between them.
 */
#ifndef OQZ_EXEC_EXEC_H
#define OQZ_EXEC_EXEC_H

#include "core/graph/graph.h"

enum oqz_engine {
	OQZ_ENGINE_AUTO =
	    0,          /* the fastest implementation that accepts: integers for int8 grids where the CPU is exact */
	OQZ_ENGINE_SIM, /* quantized layers as float32 arithmetic on fake-quantized tensors, otherwise as AUTO */
	OQZ_ENGINE_REFERENCE, /* the plain reference kernel for every step */
};

/* NULL-safe parse of "auto", "sim", "reference". */
bool oqz_engine_parse(const char *word, enum oqz_engine *ret);
const char *oqz_engine_name(enum oqz_engine e);

/* The tap `value` stays intact also until the step has run that makes the tap `until`. */
struct oqz_tap_hold {
	const char *value, *until;
};

struct oqz_exec_options {
	enum oqz_engine engine;
	const char *const *taps; /* names of values that must be readable after the step that makes them: they are
	                          * materialised (never fused away) and stay intact until the step after it, and
	                          * until the last step that reads the value in any layout, has run */
	size_t n_taps;
	const struct oqz_tap_hold *holds; /* both names are taps */
	size_t n_holds;
	bool lists;       /* the caller can handle inputs and outputs that are sequences or optionals; otherwise
	                   * such a model is OQZ_E_UNSUPPORTED */
	const char *impl; /* NULL, or a glob: only implementations of such a name (and the reference) are considered */
};

struct oqz_program;
struct oqz_context;

/* What one step is, for profile, layers.csv and tests. Strings live as long as the program. */
struct oqz_step_info {
	const char *node; /* name of the graph node that gave the step its meaning (of a fused group: the main one) */
	const char *op;
	const char *impl; /* "dnnl.conv.brgconv:avx512_core", "own.eltwise", "reference", ... */
	int64_t macs;
	size_t bytes; /* read and written */
};

/* `shapes` has one concrete shape per graph input. The graph is not changed and not needed afterwards. Fails with the
 * node's name when no implementation accepts a step. */
enum oqz_status oqz_program_new(const struct oqz_graph *g, const struct oqz_exec_options *opt,
                                const struct oqz_shape *shapes, struct oqz_program **ret, struct oqz_err *err);
/* The same of a graph that is given away (*g becomes NULL, whatever the outcome): each weight is freed as soon as its
 * step has a copy in its own order, so that the two are never there for all weights at once. */
enum oqz_status oqz_program_of(struct oqz_graph **g, const struct oqz_exec_options *opt, const struct oqz_shape *shapes,
                               struct oqz_program **ret, struct oqz_err *err);
void oqz_program_free(struct oqz_program *p);
OQZ_DEFINE_CLEANUP(struct oqz_program, oqz_program_free)

/* Steps in the order in which they run, 0 .. nsteps - 1. */
size_t oqz_program_nsteps(const struct oqz_program *p);
void oqz_program_step(const struct oqz_program *p, size_t i, struct oqz_step_info *ret);
/* Bytes that each context needs (arena and scratch); bytes of constants and packed weights held by the program. */
size_t oqz_program_context_bytes(const struct oqz_program *p);
size_t oqz_context_bytes(const struct oqz_context *c); /* the same and what it has set aside for layers alone */
size_t oqz_program_weight_bytes(const struct oqz_program *p);

/* Handle of a tap by value name, -1 when unknown. */
int oqz_program_tap(const struct oqz_program *p, const char *value);
/* The step after which the tap can be read: it is valid from then until the next step has run (constants and graph
 * inputs: -1, valid from the start). */
long oqz_program_tap_step(const struct oqz_program *p, int tap);

/* Of the graph, in its order; names live as long as the program. */
size_t oqz_program_ninputs(const struct oqz_program *p);
size_t oqz_program_noutputs(const struct oqz_program *p);
const char *oqz_program_input_name(const struct oqz_program *p, size_t i);
const char *oqz_program_output_name(const struct oqz_program *p, size_t i);

/* What one run needs of its own: inputs, outputs, the arena between. A program, which it must not outlive, can have any
 * number of contexts at work, each on one thread. */
enum oqz_status oqz_context_new(const struct oqz_program *p, struct oqz_context **ret, struct oqz_err *err);
void oqz_context_free(struct oqz_context *c);
OQZ_DEFINE_CLEANUP(struct oqz_context, oqz_context_free)

/* The i-th input's memory (PLAIN, dtype and shape set): write it before running step 0. Valid until the first run. */
struct oqz_tensor *oqz_context_input(struct oqz_context *c, size_t i);
/* Copies a value into the i-th input; the only way to give a sequence or an optional. */
enum oqz_status oqz_context_set_input(struct oqz_context *c, size_t i, const struct oqz_tensor *t, struct oqz_err *err);
/* Runs steps [from, to). Steps of one image run once each, in order. */
enum oqz_status oqz_context_run(struct oqz_context *c, size_t from, size_t to, struct oqz_err *err);
/* Which input of step `step`, the next to run, is this tap and can be read in pieces; -1: none. If there is one,
 * oqz_context_ahead may be called for all of the tap's elements, in memory order and pieces of any size (they lie at
 * `x`), and oqz_context_ahead_done after that. What the step would begin with is done while the caller has the numbers
 * in the cache; the next oqz_context_run begins with that step. Where that is an elementwise step and the one behind it
 * reads its result ahead, the latter does so in the same call. */
int oqz_context_ahead_input(const struct oqz_context *c, size_t step, int tap);
void oqz_context_ahead(struct oqz_context *c, size_t step, int input, const float *x, size_t first, size_t n);
void oqz_context_ahead_done(struct oqz_context *c, size_t step);
/* The other half: the step that makes tap `tap`, the next to run, can make it in bands, of as many elements (in memory
 * order) as the answer says; 0: it cannot. Then oqz_context_band may be called for bands 0, 1, ... of that step until
 * all elements are there, instead of oqz_context_run. Band i goes to `out` or, if that is NULL, to its place in the
 * tap's memory. */
size_t oqz_context_band_size(const struct oqz_context *c, int tap);
enum oqz_status oqz_context_band(struct oqz_context *c, int tap, size_t i, float *out, struct oqz_err *err);
/* Nobody but the next step reads the tap: if it is read ahead, it need not be in the tap's memory at all. */
bool oqz_context_passes(const struct oqz_context *c, int tap);
/* The i-th output (PLAIN) after the last step. Borrowed; valid until the next run of step 0. */
const struct oqz_tensor *oqz_context_output(struct oqz_context *c, size_t i);
/* A tap as it lies in memory (its layout says how), see oqz_program_tap_step for how long. */
const struct oqz_tensor *oqz_context_tap(struct oqz_context *c, int tap);

/* Local error: runs the one step that makes tap `tap` of this program with other activations: `in` are tensors that
 * stand for the step's non-constant inputs in node order, counted before any QuantizeLinear/DequantizeLinear that the
 * step has absorbed (any layout; same dtype and shape). The result (layout as the tap's) is written to scratch memory
 * of the context and borrowed until the next call. Does not disturb the run in progress. OQZ_E_UNSUPPORTED when that
 * layer's quantization could not be absorbed into one step. */
enum oqz_status oqz_context_run_alone(struct oqz_context *c, int tap, const struct oqz_tensor *const *in, size_t n_in,
                                      const struct oqz_tensor **ret, struct oqz_err *err);
/* Sets the memory for that aside now, so that it cannot be missing later. */
enum oqz_status oqz_context_reserve_alone(struct oqz_context *c, int tap, struct oqz_err *err);
/* How many tensors `in` of oqz_context_run_alone has for this tap, and the name of each one's value. */
size_t oqz_program_tap_ninputs(const struct oqz_program *p, int tap);
const char *oqz_program_tap_input(const struct oqz_program *p, int tap, size_t i);

/* Nanoseconds of processor time per step are added to ns[i] on each run when set (profile); NULL switches off. */
void oqz_context_set_profile(struct oqz_context *c, uint64_t *ns);

/* What the CPU can do exactly, and the compute library: "x86-64 avx512_core_vnni bf16; oneDNN 2.6.3". */
const char *oqz_exec_describe(void);
bool oqz_exec_has_exact_int8(void);
/* Billions of operations (a product and an addition are two) that one core reaches on a matrix product in F32, I8 or
 * BF16, measured in a few hundredths of a second; 0: layers do not run in this type here. */
double oqz_exec_peak(enum oqz_dtype t);
/* The type that a step's products are made in, from its implementation's name. */
enum oqz_dtype oqz_step_arithmetic(const struct oqz_step_info *s);

#endif
