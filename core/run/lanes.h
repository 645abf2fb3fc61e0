/* SPDX-License-Identifier: Apache-2.0
 *
 * Lanes: several versions of one model walking in lock-step. Lane 0 is the float graph; every other lane is a quantized
 * graph whose node outputs have the same names, or that says which of its values is which. For each layer all lanes are
 * advanced to its output, the outputs are compared with lane 0 at once, and memory is reused by liveness: the float
 * model runs once for all schemes and no activation is dumped.
 *
 *   lane set   the programs for one input shape; immutable, shared by workers
 *   walker     one worker's contexts for a lane set
 */
#ifndef OQZ_RUN_LANES_H
#define OQZ_RUN_LANES_H

#include "core/exec/exec.h"
#include "core/metric/error_sums.h"
#include "core/quant/qplan.h"

/* One version of the model. */
struct oqz_lane_spec {
	const struct oqz_graph *graph;
	const char *const *layers; /* names of the values whose error is taken, in execution order; none for lane 0 */
	size_t n_layers;
	/* The layers, and the watched values, as the graph calls them. NULL: as lane 0. */
	const char *const *own_layers, *const *own_watch;
	/* What the graph was made by; its gains are taken out before comparing. NULL: none, so all names may be others.
	 */
	const struct oqz_qplan *plan;
};

struct oqz_lane_set;
struct oqz_walker;

/* `watch`: further values compared in every lane (monitored outputs, for OQE). `local`: prepare for local errors. All
 * lanes have the same inputs; `shapes` has one concrete shape for each. Up to `threads` lanes are planned at once. */
enum oqz_status oqz_lane_set_new(const struct oqz_lane_spec *lanes, size_t n_lanes, const char *const *watch,
                                 size_t n_watch, bool local, enum oqz_engine engine, const struct oqz_shape *shapes,
                                 int threads, struct oqz_lane_set **ret, struct oqz_err *err);
void oqz_lane_set_free(struct oqz_lane_set *s);
OQZ_DEFINE_CLEANUP(struct oqz_lane_set, oqz_lane_set_free)

/* The implementation that makes layer `layer` of lane `lane`; borrowed. */
const char *oqz_lane_set_impl(const struct oqz_lane_set *s, size_t lane, size_t layer);
const struct oqz_program *oqz_lane_set_program(const struct oqz_lane_set *s, size_t lane);

/* Multiplications and additions of one image in the float lane. */
int64_t oqz_lane_set_macs(const struct oqz_lane_set *s);

/* What one image gave in one lane. Arrays belong to the caller: sums[n_layers + n_watch], local[n_layers] (NULL unless
 * wanted). A local error that cannot be had (see oqz_context_run_alone) has ref2 = NaN. */
struct oqz_lane_errors {
	struct oqz_error_sums *sums;
	struct oqz_error_sums *local;
};

/* `threads` share out the lanes of an image; what they compute does not depend on how many they are. */
enum oqz_status oqz_walker_new(const struct oqz_lane_set *s, int threads, struct oqz_walker **ret, struct oqz_err *err);
/* Memory for activations of all lanes and for layers on their own. */
size_t oqz_walker_bytes(const struct oqz_walker *w);
void oqz_walker_free(struct oqz_walker *w);
OQZ_DEFINE_CLEANUP(struct oqz_walker, oqz_walker_free)

/* Runs one image: `inputs` are PLAIN tensors of the planned shapes. errors[0] is not used; errors[k] may have NULL sums
 * for a lane that is not wanted this time (it does not run then). With a lone lane 0 this is plain inference. */
enum oqz_status oqz_walker_run(struct oqz_walker *w, const struct oqz_tensor *const *inputs,
                               const struct oqz_lane_errors *errors, struct oqz_err *err);
/* Output i of a lane after a run (PLAIN; borrowed until the next run). */
const struct oqz_tensor *oqz_walker_output(struct oqz_walker *w, size_t lane, size_t i);

#endif
