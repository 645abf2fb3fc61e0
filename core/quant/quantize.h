/* SPDX-License-Identifier: Apache-2.0
 *
 * A quantizer plugin at work on one model: it names its sites, the caller collects statistics, it answers with a plan.
 * Knows plugins as function tables only; loading them is plugins/loader.h's business.
 *
 *	oqz_quantize_open ─► oqz_quantize_site(...) ─► [observers, filled by the caller] ─► oqz_quantize_plan ─► close
 */
#ifndef OQZ_QUANT_QUANTIZE_H
#define OQZ_QUANT_QUANTIZE_H

#include "core/quant/graph_api.h"
#include "core/quant/observe.h"
#include "core/quant/qplan.h"

struct oqz_quantize;

/* A site as the caller needs to know it. Strings are the graph's. */
struct oqz_quantize_site {
	struct oqz_site site; /* what the plugin asked for */
	const char *node;
	const char *tensor; /* the value to be observed */
	enum oqz_input_role role;
	const struct oqz_calibrator *calibrator; /* NULL for "none" */
	bool constant;                           /* observed here, by oqz_quantize_plan() */
	unsigned needs; /* what its observer must collect (observe.h); 0: no observer is wanted */
	double q;       /* for oqz_observer_new() */
};

/* Opens an instance and asks for its sites, which are then in node order. `q`, `host`, `params` and `view` must outlive
 * it; `scheme` (name and canonical parameters) goes into the plan and is copied. Failures of the plugin start with its
 * name. A plugin that breaks its contract (no message, edge that does not exist, a calibrator per axis for an
 * activation ...) fails as OQZ_E_PLUGIN. No site at all is no failure. */
enum oqz_status oqz_quantize_open(const struct oqz_quantizer *q, const struct oqz_host *host,
                                  const struct oqz_params *params, const struct oqz_graph_view *view,
                                  const char *scheme, struct oqz_quantize **ret, struct oqz_err *err);
/* Plans with CUSTOM grids, and graphs made from them, must be gone. */
void oqz_quantize_close(struct oqz_quantize *z);
OQZ_DEFINE_CLEANUP(struct oqz_quantize, oqz_quantize_close)

size_t oqz_quantize_count(const struct oqz_quantize *z);
const struct oqz_quantize_site *oqz_quantize_site(const struct oqz_quantize *z, size_t i);

/* observers[i] belongs to site i; NULL where needs is 0. Several sites may share one observer that collects enough. */
enum oqz_status oqz_quantize_plan(struct oqz_quantize *z, const struct oqz_observer *const *observers,
                                  struct oqz_qplan **ret, struct oqz_err *err);

/* The part of the plan that needs no images: sites on constants. Applied to the float graph it gives what PPQ observes
 * activations in (quantized weights, float activations); a plain float pass gives ranges that differ by some tenths of
 * a percent, which matters where a scale is about to flip to the next power of two. */
enum oqz_status oqz_quantize_plan_constants(struct oqz_quantize *z, struct oqz_qplan **ret, struct oqz_err *err);
/* The part that a first pass over the images settles: all sites but those whose rule needs a second one. Applied, it
 * gives what PPQ makes its second pass over. */
enum oqz_status oqz_quantize_plan_first(struct oqz_quantize *z, const struct oqz_observer *const *observers,
                                        struct oqz_qplan **ret, struct oqz_err *err);

#endif
