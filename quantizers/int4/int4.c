/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantizer `int4`: weights as 4-bit integers with a scale per block of input channels; activations stay float. What
 * memory-bound inference uses.
 */
#include "../reduction.h"
#include "../scales.h"
#include "../sites.h"

#include <math.h>

struct int4 {
	const struct oqz_quantizer_host *host;
	struct oqz_grid grid;
	int64_t block;
	bool symmetric, search;
	struct scales answer; /* of the last plan() */
};

static const char *const rules[] = { "amax", "mse", NULL };

static const struct oqz_param int4_params[] = {
	{ .name = "block",
	  .type = OQZ_P_INT,
	  .dflt = "32",
	  .min = 16,
	  .max = 256,
	  .unit = "elements",
	  .help = "input channels that share a scale" },
	{ .name = "symmetric",
	  .type = OQZ_P_BOOL,
	  .dflt = "true",
	  .help = "codes -8 to 7; false: codes 0 to 15 with a zero point per block" },
	{ .name = "scale",
	  .type = OQZ_P_STRING,
	  .dflt = "amax",
	  .choices = rules,
	  .help = "the block's whole range, or the part of it with the least squared error" },
	{ .name = NULL },
};

static enum oqz_status int4_open(const struct oqz_quantizer_host *host, const struct oqz_params *params, void **ret,
                                 struct oqz_failure *f)
{
	const struct oqz_host *h = host->base;
	struct int4 *s = h->alloc(sizeof *s);

	if (!s)
		return h->fail(f, OQZ_E_NOMEM, "out of memory");
	s->host = host;
	s->block = h->param_int(params, "block");
	s->symmetric = h->param_bool(params, "symmetric");
	s->search = !strcmp(h->param_string(params, "scale"), "mse");
	s->grid = (struct oqz_grid) {
		.kind = OQZ_GRID_AFFINE, .bits = 4, .qmin = s->symmetric ? -8 : 0, .qmax = s->symmetric ? 7 : 15
	};
	*ret = s;
	return OQZ_OK;
}

static void int4_close(void *self)
{
	struct int4 *s = self;

	scales_release(&s->answer, s->host->base);
	s->host->base->free_mem(s);
}

static enum oqz_status fill_site(const void *self, const struct oqz_graph_view *g, struct oqz_site *site,
                                 bool *ret_wanted, struct oqz_failure *f)
{
	const struct int4 *s = self;
	struct oqz_view w;

	(void)f;
	site->grid = s->grid;
	*ret_wanted =
	    s->host->graph->input_constant(g, site->node, site->input, &w) && w.dtype == OQZ_DT_F32 && w.shape.rank > 0;
	return OQZ_OK;
}

static enum oqz_status int4_sites(void *self, const struct oqz_graph_view *g, void *sink, struct oqz_failure *f)
{
	static const struct sites weights = { .weights = true };
	const struct int4 *s = self;

	return sites_add(s->host, g, &weights, fill_site, s, sink, f);
}

/* ---------------------------------------------------------------------------------------------------- plan */

/* One block: n numbers, `stride` apart. */
struct block {
	const float *x;
	size_t n, stride;
};

static double squared_error(const struct int4 *s, const struct block *b, float scale, int32_t zero)
{
	double e = 0;

	for (size_t i = 0; i < b->n; i++) {
		float x = b->x[i * b->stride], t = rintf(x / scale) + (float)zero;
		if (!isfinite(x))
			continue;
		t = fminf(fmaxf(t, (float)s->grid.qmin), (float)s->grid.qmax);
		double d = (double)((t - (float)zero) * scale) - (double)x;
		e += d * d;
	}
	return e;
}

/* The range of the finite numbers, shrunk in steps of 1/32 down to a half of it when searching. */
static void block_scale(const struct int4 *s, const struct block *b, float *ret_scale, int32_t *ret_zero)
{
	enum { STEPS = 17 };
	double lo = 0, hi = 0, least = INFINITY;

	for (size_t i = 0; i < b->n; i++) {
		double x = (double)b->x[i * b->stride];
		if (!isfinite(x))
			continue;
		lo = fmin(lo, x);
		hi = fmax(hi, x);
	}
	for (int k = 0; k < (s->search ? STEPS : 1); k++) {
		double part = 1 - k / 32.0;
		float scale;
		int32_t zero;
		s->host->affine_from_range(lo * part, hi * part, &s->grid, s->symmetric, false, &scale, &zero);
		double e = s->search ? squared_error(s, b, scale, zero) : 0;
		if (e < least) {
			least = e;
			*ret_scale = scale;
			*ret_zero = zero;
		}
	}
}

static enum oqz_status int4_plan(void *self, const struct oqz_graph_view *g, const struct oqz_site *site,
                                 const struct oqz_site_stats *stats, struct oqz_qspec *ret, struct oqz_failure *f)
{
	struct int4 *s = self;
	int32_t axis = reduction_axis(s->host->graph, g, site->node, site->input);
	size_t outer = 1, inner = 1, k = 0;
	struct oqz_view w;

	(void)stats;
	if (axis < 0 || !s->host->graph->input_constant(g, site->node, site->input, &w))
		return s->host->base->fail(f, OQZ_E_INTERNAL, "a weight is gone");
	for (int i = 0; i < w.shape.rank; i++) {
		if (i < axis)
			outer *= (size_t)w.shape.dim[i];
		else if (i > axis)
			inner *= (size_t)w.shape.dim[i];
	}
	size_t len = (size_t)w.shape.dim[axis], per = (size_t)s->block, blocks = (len + per - 1) / per;
	size_t n = outer * blocks * inner;
	if (n == 0)
		return s->host->base->fail(f, OQZ_E_UNSUPPORTED, "0 scales");
	enum oqz_status st = scales_reserve(&s->answer, s->host->base, n, f);
	if (st != OQZ_OK)
		return st;
	for (size_t o = 0; o < outer; o++)
		for (size_t a = 0; a < len; a += per)
			for (size_t i = 0; i < inner; i++, k++) {
				const struct block b = { (const float *)w.data + (o * len + a) * inner + i,
					                 len - a < per ? len - a : per, inner };
				block_scale(s, &b, &s->answer.scale[k], &s->answer.zero[k]);
			}
	*ret = (struct oqz_qspec) { .grid = s->grid,
		                    .axis = axis,
		                    .block = s->block,
		                    .n_scale = n,
		                    .scale = s->answer.scale,
		                    .zero = s->answer.zero };
	return OQZ_OK;
}

static const struct oqz_quantizer int4_quantizer = {
	.base = { OQZ_PLUGIN_HEAD(OQZ_KIND_QUANTIZER, struct oqz_quantizer), .name = "int4", .version = "1",
	          .licence = "Apache-2.0",
	          .summary = "weights as 4-bit integers with a scale per block of input channels; activations float",
	          .params = int4_params },
	.open = int4_open,
	.close = int4_close,
	.sites = int4_sites,
	.plan = int4_plan,
};

OQZ_PLUGIN_EXPORT(int4_quantizer)
