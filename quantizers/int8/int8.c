/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantizer `int8`: integer grids of 2 to 16 bits, free or power-of-two scales, weights per output channel or per
 * tensor, activations per tensor. The defaults are what one would do today; the rules of the QuantZoo, where they
 * differ, are parameters of their own (axis=positional, scope=batch), described in int8.md.
 */
#include <oqz/quantizer.h>

#include "../calibrate_params.h"
#include "../scales.h"
#include "../sites.h"

#include <stddef.h>
#include <string.h>

struct int8 {
	const struct oqz_quantizer_host *host;
	int bits, bins;
	bool symmetric, per_channel, pow2, batch_scope, positional;
	struct sites sites;
	const char *calibrate, *weight_calibrate;
	double q, momentum;
	struct scales answer; /* of the last plan() */
};

static const char *const granularities[] = { "channel", "tensor", NULL };
static const char *const scales[] = { "free", "pow2", NULL };
static const char *const calibrators[] = { "minmax",  "percentile", "ema",      "mse", "kl",
	                                   "isotone", "floating",   "constant", NULL };
static const char *const axes[] = { "output", "positional", NULL };

static const struct oqz_param int8_params[] = {
	{ .name = "bits",
	  .type = OQZ_P_INT,
	  .dflt = "8",
	  .min = 2,
	  .max = 16,
	  .unit = "bits",
	  .help = "width of the grid" },
	{ .name = "symmetric",
	  .type = OQZ_P_BOOL,
	  .dflt = "true",
	  .help = "no zero points; false: activations get them, weights stay symmetric" },
	{ .name = "granularity",
	  .type = OQZ_P_STRING,
	  .dflt = "channel",
	  .choices = granularities,
	  .help = "one weight scale per channel or one per tensor" },
	{ .name = "scale",
	  .type = OQZ_P_STRING,
	  .dflt = "free",
	  .choices = scales,
	  .help = "any scale, or the next larger power of two" },
	{ .name = "calibrate",
	  .type = OQZ_P_STRING,
	  .dflt = "percentile",
	  .choices = calibrators,
	  .help = "how ranges of activations are found" },
	{ .name = "weight_calibrate",
	  .type = OQZ_P_STRING,
	  .dflt = "minmax",
	  .choices = calibrators,
	  .help = "how ranges of weights are found" },
	CALIBRATE_PARAMS,
	{ .name = "bins",
	  .type = OQZ_P_INT,
	  .dflt = "0",
	  .min = 0,
	  .max = 8192,
	  .help = "equal bins of mse and kl, a power of two; 0: the rule's own, 2048 and 4096" },
	{ .name = "axis",
	  .type = OQZ_P_STRING,
	  .dflt = "output",
	  .choices = axes,
	  .help = "weight channels are output channels, or by input position as in the zoo" },
	SITES_PARAMS,
	{ .name = NULL },
};

/* ---------------------------------------------------------------------------------------------------- life */

static enum oqz_status int8_open(const struct oqz_quantizer_host *host, const struct oqz_params *params, void **ret,
                                 struct oqz_failure *f)
{
	const struct oqz_host *h = host->base;
	struct int8 *s = h->alloc(sizeof *s);

	if (!s)
		return h->fail(f, OQZ_E_NOMEM, "out of memory");
	s->host = host;
	s->bits = (int)h->param_int(params, "bits");
	s->symmetric = h->param_bool(params, "symmetric");
	s->per_channel = !strcmp(h->param_string(params, "granularity"), "channel");
	s->pow2 = !strcmp(h->param_string(params, "scale"), "pow2");
	s->calibrate = h->param_string(params, "calibrate");
	s->weight_calibrate = h->param_string(params, "weight_calibrate");
	s->q = h->param_float(params, "q");
	s->momentum = h->param_float(params, "momentum");
	s->bins = (int)h->param_int(params, "bins");
	s->batch_scope = !strcmp(h->param_string(params, "scope"), "batch");
	s->positional = !strcmp(h->param_string(params, "axis"), "positional");
	s->sites = sites_of(h, params);
	if (!s->symmetric && (!strcmp(s->calibrate, "floating") || !strcmp(s->calibrate, "constant"))) {
		h->free_mem(s);
		return h->fail(f, OQZ_E_USAGE, "calibrate=%s finds no zero points; it needs symmetric=true",
		               h->param_string(params, "calibrate"));
	}
	*ret = s;
	return OQZ_OK;
}

static void int8_close(void *self)
{
	struct int8 *s = self;

	scales_release(&s->answer, s->host->base);
	s->host->base->free_mem(s);
}

/* ---------------------------------------------------------------------------------------------------- sites */

/* Whether an edge gets the weights' rule. By role; or, positional, every second input, even one that is computed. */
static bool by_weight_rule(const struct int8 *s, const struct oqz_graph_view *g, int32_t node, int32_t input)
{
	if (s->positional)
		return input == 1;
	return s->host->graph->input_role(g, node, input) == OQZ_INPUT_WEIGHT;
}

/* The axis of a weight's scales; -1: one for the tensor. */
static int32_t scale_axis(const struct int8 *s, const struct oqz_graph_view *g, int32_t node, int32_t input)
{
	const struct oqz_graph_api *api = s->host->graph;
	struct oqz_view constant;

	if (!s->per_channel || !api->input_constant(g, node, input, &constant) || constant.shape.rank == 0)
		return -1;
	if (!s->positional)
		return api->channel_axis(g, node, input);
	return !strcmp(api->node_op(g, node), "ConvTranspose") ? 1 : 0;
}

static enum oqz_status fill_site(const void *self, const struct oqz_graph_view *g, struct oqz_site *site,
                                 bool *ret_wanted, struct oqz_failure *f)
{
	const struct int8 *s = self;
	bool weight = by_weight_rule(s, g, site->node, site->input), symmetric = s->symmetric || weight;
	const char *rule = weight ? s->weight_calibrate : s->calibrate;
	int32_t half = INT32_C(1) << (s->bits - 1);

	(void)ret_wanted;
	(void)f;
	site->calibrator = rule;
	site->axis = weight ? scale_axis(s, g, site->node, site->input) : -1;
	site->q = strcmp(rule, "ema") ? s->q : s->momentum;
	site->batch_scope = s->batch_scope;
	site->grid = (struct oqz_grid) { .kind = OQZ_GRID_AFFINE,
		                         .bits = s->bits,
		                         .qmin = symmetric ? -half : 0,
		                         .qmax = symmetric ? half - 1 : 2 * half - 1 };
	site->symmetric = symmetric;
	site->pow2 = s->pow2;
	site->bins = s->bins;
	return OQZ_OK;
}

static enum oqz_status int8_sites(void *self, const struct oqz_graph_view *g, void *sink, struct oqz_failure *f)
{
	const struct int8 *s = self;

	return sites_add(s->host, g, &s->sites, fill_site, s, sink, f);
}

/* ---------------------------------------------------------------------------------------------------- plan */

static enum oqz_status int8_plan(void *self, const struct oqz_graph_view *g, const struct oqz_site *site,
                                 const struct oqz_site_stats *stats, struct oqz_qspec *ret, struct oqz_failure *f)
{
	struct int8 *s = self;

	(void)g;
	enum oqz_status st = scales_reserve(&s->answer, s->host->base, stats->n, f);
	if (st != OQZ_OK)
		return st;
	float *scale = s->answer.scale;
	int32_t *zero = s->answer.zero;
	/* a program with API 1.3 has the range as float32 only */
	bool exact = stats->struct_size > offsetof(struct oqz_site_stats, exact_hi);
	for (size_t i = 0; i < stats->n; i++) {
		double lo = exact ? stats->exact_lo[i] : (double)stats->lo[i];
		double hi = exact ? stats->exact_hi[i] : (double)stats->hi[i];
		s->host->affine_from_range(lo, hi, &site->grid, site->symmetric, site->pow2, &scale[i], &zero[i]);
		if (stats->scale) { /* kl, isotone ... know the scale itself, floor and power of two included */
			scale[i] = stats->scale[i];
			zero[i] = 0;
		}
	}
	*ret = (struct oqz_qspec) {
		.grid = site->grid,
		.axis = site->axis,
		.n_scale = stats->n,
		.scale = scale,
		.zero = zero,
	};
	return OQZ_OK;
}

static const struct oqz_quantizer int8_quantizer = {
	.base = { OQZ_PLUGIN_HEAD(OQZ_KIND_QUANTIZER, struct oqz_quantizer), .name = "int8", .version = "1",
	          .licence = "Apache-2.0",
	          .summary = "integer grids of 2 to 16 bits, per channel or per tensor, free or power-of-two scales",
	          .params = int8_params },
	.open = int8_open,
	.close = int8_close,
	.sites = int8_sites,
	.plan = int8_plan,
};

OQZ_PLUGIN_EXPORT(int8_quantizer)
