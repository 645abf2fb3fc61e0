/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantizer `fp8`: small floating-point grids times a scale: E4M3FN, E5M2 and any other split of exponent and mantissa.
 * The scale decides where the range ends, and, since such a grid looks alike in every octave, little else: so it is
 * found by amax, by the least squared error over powers of two, by the zoo's seven candidates, or is given.
 */
#include "../calibrate_params.h"
#include "../scales.h"
#include "../sites.h"
#include "../small_float.h"

struct fp8 {
	const struct oqz_quantizer_host *host;
	struct oqz_grid grid;
	const char *calibrator; /* "none": the scale is given */
	bool per_channel, batch_scope;
	struct sites sites;
	double q;
	float given;
	struct scales answer; /* of the last plan(); zero points are 0 */
};

static const char *const roundings[] = { "nearest-even", "half-toward-zero", NULL };
static const char *const granularities[] = { "tensor", "channel", NULL };

static const struct oqz_param fp8_params[] = {
	{ .name = "format",
	  .type = OQZ_P_STRING,
	  .dflt = "e4m3fn",
	  .help = "e4m3fn, e5m2, or e<E>m<M> with 1 to 8 exponent and 0 to 10 mantissa bits" },
	{ .name = "bias",
	  .type = OQZ_P_STRING,
	  .dflt = "standard",
	  .help = "exponent bias: the format's, or a number" },
	{ .name = "max",
	  .type = OQZ_P_STRING,
	  .dflt = "standard",
	  .help = "where the grid ends: the format's largest value, or another of its values" },
	{ .name = "scale",
	  .type = OQZ_P_STRING,
	  .dflt = "amax",
	  .help = "amax, percentile, ema, mse, candidates (floating), constant, or a number" },
	CALIBRATE_PARAMS,
	{ .name = "rounding",
	  .type = OQZ_P_STRING,
	  .dflt = "nearest-even",
	  .choices = roundings,
	  .help = "where ties go" },
	{ .name = "granularity",
	  .type = OQZ_P_STRING,
	  .dflt = "tensor",
	  .choices = granularities,
	  .help = "one weight scale per tensor or one per channel" },
	SITES_PARAMS,
	{ .name = NULL },
};

/* ---------------------------------------------------------------------------------------------------- life */

static bool number(const char *text, double *ret)
{
	char *end;

	*ret = strtod(text, &end);
	return end != text && !*end; /* what is no number, or infinite, lies in no range */
}

static enum oqz_status read_grid(struct fp8 *s, const struct oqz_params *params, struct oqz_failure *f)
{
	const struct oqz_host *h = s->host->base;
	const char *format = h->param_string(params, "format"), *bias = h->param_string(params, "bias"),
	           *max = h->param_string(params, "max");
	double x;

	if (!small_float_by_name(format, &s->grid))
		return h->fail(f, OQZ_E_USAGE,
		               "format is e4m3fn, e5m2 or e<E>m<M> with E from 1 to 8 and M from 0 to 10, not `%s`",
		               format);
	if (strcmp(bias, "standard") != 0) {
		if (!number(bias, &x) || x != floor(x) || x < -126 || x > 150)
			return h->fail(f, OQZ_E_USAGE, "bias is `standard` or an integer from -126 to 150, not `%s`",
			               bias);
		s->grid.bias = (int32_t)x;
		s->grid.max = small_float_top(&s->grid);
	}
	if (strcmp(max, "standard") != 0) {
		if (!number(max, &x) || !small_float_has(&s->grid, x))
			return h->fail(f, OQZ_E_USAGE, "max is `standard` or a value of %s up to %g, not `%s`", format,
			               s->grid.max, max);
		s->grid.max = x;
	}
	if (!strcmp(h->param_string(params, "rounding"), "half-toward-zero"))
		s->grid.rounding = 3;
	const char *wrong = small_float_wrong(&s->grid);
	if (wrong)
		return h->fail(f, OQZ_E_USAGE, "format `%s`, bias %d: it %s", format, (int)s->grid.bias, wrong);
	return OQZ_OK;
}

/* The manifest's words for where the scale comes from, and the calibrator of each. */
static const struct rule {
	const char *name, *calibrator;
} rules[] = {
	{ "amax", "minmax" },         { "percentile", "percentile" }, { "ema", "ema" },           { "mse", "mse" },
	{ "candidates", "floating" }, { "floating", "floating" },     { "constant", "constant" },
};

static enum oqz_status read_scale(struct fp8 *s, const struct oqz_params *params, struct oqz_failure *f)
{
	const struct oqz_host *h = s->host->base;
	const char *scale = h->param_string(params, "scale");
	double x;

	s->batch_scope = !strcmp(h->param_string(params, "scope"), "batch");
	s->q = h->param_float(params, strcmp(scale, "ema") ? "q" : "momentum");
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		if (!strcmp(scale, rules[i].name)) {
			s->calibrator = rules[i].calibrator;
			return OQZ_OK;
		}
	}
	if (!number(scale, &x) || !(x >= 0x1p-100) || x > 0x1p100)
		return h->fail(
		    f, OQZ_E_USAGE,
		    "scale is amax, percentile, ema, mse, candidates, constant or a positive number, not `%s`", scale);
	s->calibrator = "none";
	s->given = (float)x;
	return OQZ_OK;
}

static void fp8_close(void *self)
{
	struct fp8 *s = self;

	scales_release(&s->answer, s->host->base);
	s->host->base->free_mem(s);
}

static enum oqz_status fp8_open(const struct oqz_quantizer_host *host, const struct oqz_params *params, void **ret,
                                struct oqz_failure *f)
{
	const struct oqz_host *h = host->base;
	struct fp8 *s = h->alloc(sizeof *s);

	if (!s)
		return h->fail(f, OQZ_E_NOMEM, "out of memory");
	s->host = host;
	s->per_channel = !strcmp(h->param_string(params, "granularity"), "channel");
	s->sites = sites_of(h, params);
	enum oqz_status st = read_grid(s, params, f);
	if (st == OQZ_OK)
		st = read_scale(s, params, f);
	if (st != OQZ_OK) {
		fp8_close(s);
		return st;
	}
	*ret = s;
	return OQZ_OK;
}

/* ---------------------------------------------------------------------------------------------------- sites */

static int32_t scale_axis(const struct fp8 *s, const struct oqz_graph_view *g, int32_t node, int32_t input)
{
	const struct oqz_graph_api *api = s->host->graph;
	struct oqz_view constant;

	if (!s->per_channel || !strcmp(s->calibrator, "none") || !api->input_constant(g, node, input, &constant) ||
	    constant.shape.rank == 0)
		return -1;
	return api->channel_axis(g, node, input); /* -1 of what is no weight */
}

static enum oqz_status fill_site(const void *self, const struct oqz_graph_view *g, struct oqz_site *site,
                                 bool *ret_wanted, struct oqz_failure *f)
{
	const struct fp8 *s = self;

	(void)ret_wanted;
	(void)f;
	site->calibrator = s->calibrator;
	site->axis = scale_axis(s, g, site->node, site->input);
	site->q = s->q;
	site->batch_scope = s->batch_scope;
	site->grid = s->grid;
	site->symmetric = true;
	site->pow2 = !strcmp(s->calibrator, "mse"); /* what it searches */
	return OQZ_OK;
}

static enum oqz_status fp8_sites(void *self, const struct oqz_graph_view *g, void *sink, struct oqz_failure *f)
{
	const struct fp8 *s = self;

	return sites_add(s->host, g, &s->sites, fill_site, s, sink, f);
}

/* ---------------------------------------------------------------------------------------------------- plan */

/* The largest magnitude lands on the grid's largest value. A tensor of zeros is on every grid. */
static float amax_scale(const struct oqz_grid *g, float lo, float hi)
{
	double amax = fmax(fabs((double)lo), fabs((double)hi));
	float s = (float)(amax / g->max);

	if (!(amax > 0))
		return 1;
	return s > 0x1p-100f ? s : 0x1p-100f;
}

static enum oqz_status fp8_plan(void *self, const struct oqz_graph_view *g, const struct oqz_site *site,
                                const struct oqz_site_stats *stats, struct oqz_qspec *ret, struct oqz_failure *f)
{
	struct fp8 *s = self;
	bool given = !strcmp(s->calibrator, "none");
	size_t n = given ? 1 : stats->n;

	(void)g;
	enum oqz_status st = scales_reserve(&s->answer, s->host->base, n, f);
	if (st != OQZ_OK)
		return st;
	float *scale = s->answer.scale;
	for (size_t i = 0; i < n; i++) {
		float whole = given ? 1 : amax_scale(&s->grid, stats->lo[i], stats->hi[i]);
		/* candidates and constant are what they are */
		if (isinf(whole) && (!stats->scale || !strcmp(s->calibrator, "mse")))
			return s->host->base->fail(f, OQZ_E_USAGE,
			                           "the format ends at %g with bias=%d; for numbers up to %g that "
			                           "takes a scale above float32's largest: a smaller `bias` or a "
			                           "larger `max` is needed",
			                           s->grid.max, (int)s->grid.bias,
			                           fmax(fabs((double)stats->lo[i]), fabs((double)stats->hi[i])));
		scale[i] = given ? s->given : stats->scale ? stats->scale[i] : whole;
	}
	*ret = (struct oqz_qspec) { .grid = s->grid, .axis = site->axis, .n_scale = n, .scale = scale };
	return OQZ_OK;
}

static const struct oqz_quantizer fp8_quantizer = {
	.base = { OQZ_PLUGIN_HEAD(OQZ_KIND_QUANTIZER, struct oqz_quantizer), .name = "fp8", .version = "1",
	          .licence = "Apache-2.0",
	          .summary = "8-bit and other small floats: E4M3FN, E5M2, any exponent and mantissa, times a scale",
	          .params = fp8_params },
	.open = fp8_open,
	.close = fp8_close,
	.sites = fp8_sites,
	.plan = fp8_plan,
};

OQZ_PLUGIN_EXPORT(fp8_quantizer)
