/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantizer `int8`: integer grids of 2 to 16 bits, free or power-of-two scales, weights per output channel or per
 * tensor, activations per tensor. The defaults are what one would do today; the rules of the QuantZoo, where they
 * differ, are parameters of their own (axis=positional, scope=batch), described in int8.md.
 */
#include <oqz/quantizer.h>

#include "../calibrate_params.h"

#include <string.h>

struct int8 {
	const struct oqz_quantizer_host *host;
	int bits;
	bool symmetric, per_channel, pow2, batch_scope, positional, activations, outputs;
	const char *calibrate, *weight_calibrate;
	double q, momentum;
	float *scale; /* the answer of the last plan() */
	int32_t *zero;
	size_t room;
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
	{ .name = "axis",
	  .type = OQZ_P_STRING,
	  .dflt = "output",
	  .choices = axes,
	  .help = "weight channels are output channels, or by input position as in the zoo" },
	{ .name = "activations",
	  .type = OQZ_P_BOOL,
	  .dflt = "true",
	  .help = "quantize activations; false: weights only" },
	{ .name = "outputs", .type = OQZ_P_BOOL, .dflt = "false", .help = "quantize what the operators compute, too" },
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
	s->batch_scope = !strcmp(h->param_string(params, "scope"), "batch");
	s->positional = !strcmp(h->param_string(params, "axis"), "positional");
	s->activations = h->param_bool(params, "activations");
	s->outputs = h->param_bool(params, "outputs");
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

	s->host->base->free_mem(s->scale);
	s->host->base->free_mem(s->zero);
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

static enum oqz_status int8_sites(void *self, const struct oqz_graph_view *g, void *sink, struct oqz_failure *f)
{
	struct int8 *s = self;
	const struct oqz_graph_api *api = s->host->graph;

	for (int32_t n = 0; n < api->node_count(g); n++) {
		for (int32_t i = s->outputs ? -1 : 0; i < api->input_count(g, n); i++) {
			if (!api->selected(g, n, i))
				continue;
			bool weight = by_weight_rule(s, g, n, i);
			if (!s->activations && api->input_role(g, n, i) != OQZ_INPUT_WEIGHT)
				continue;
			bool symmetric = s->symmetric || weight;
			const char *rule = weight ? s->weight_calibrate : s->calibrate;
			int32_t half = INT32_C(1) << (s->bits - 1);
			struct oqz_site site = {
				.node = n,
				.input = i,
				.calibrator = rule,
				.axis = weight ? scale_axis(s, g, n, i) : -1,
				.q = strcmp(rule, "ema") ? s->q : s->momentum,
				.batch_scope = s->batch_scope,
				.grid = { .kind = OQZ_GRID_AFFINE,
				          .bits = s->bits,
				          .qmin = symmetric ? -half : 0,
				          .qmax = symmetric ? half - 1 : 2 * half - 1 },
				.symmetric = symmetric,
				.pow2 = s->pow2,
			};
			enum oqz_status st = s->host->add_site(sink, &site, f);
			if (st != OQZ_OK)
				return st;
		}
	}
	return OQZ_OK;
}

/* ---------------------------------------------------------------------------------------------------- plan */

static bool make_room(struct int8 *s, size_t n)
{
	const struct oqz_host *h = s->host->base;

	if (n <= s->room)
		return true;
	h->free_mem(s->scale);
	h->free_mem(s->zero);
	s->scale = h->alloc(n * sizeof *s->scale);
	s->zero = h->alloc(n * sizeof *s->zero);
	s->room = s->scale && s->zero ? n : 0;
	return s->room != 0;
}

static enum oqz_status int8_plan(void *self, const struct oqz_graph_view *g, const struct oqz_site *site,
                                 const struct oqz_site_stats *stats, struct oqz_qspec *ret, struct oqz_failure *f)
{
	struct int8 *s = self;

	(void)g;
	if (!make_room(s, stats->n))
		return s->host->base->fail(f, OQZ_E_NOMEM, "out of memory for %zu scales", stats->n);
	for (size_t i = 0; i < stats->n; i++) {
		s->host->affine_from_range((double)stats->lo[i], (double)stats->hi[i], &site->grid, site->symmetric,
		                           site->pow2, &s->scale[i], &s->zero[i]);
		if (stats->scale) { /* kl, isotone ... know the scale itself, floor and power of two included */
			s->scale[i] = stats->scale[i];
			s->zero[i] = 0;
		}
	}
	*ret = (struct oqz_qspec) {
		.grid = site->grid,
		.axis = site->axis,
		.n_scale = stats->n,
		.scale = s->scale,
		.zero = s->zero,
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
