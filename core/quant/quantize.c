/* SPDX-License-Identifier: Apache-2.0
 *
 * See quantize.h. The plugin is not trusted to keep its contract: what it asks for is checked when it asks, what it
 * answers is checked before it enters the plan, and its failures must come with a message.
 */
#include "core/quant/quantize.h"

#include "core/base/failure.h"
#include "core/base/str.h"
#include "core/base/vec.h"

#include <stdio.h>
#include <string.h>

struct oqz_quantize {
	const struct oqz_quantizer *q;
	const struct oqz_graph_view *view;
	struct oqz_quantizer_host host; /* handed to the plugin: must not move */
	char *scheme;
	void *self;
	OQZ_VEC(struct oqz_quantize_site) sites;
	struct oqz_arena *arena;     /* of sites' code books */
	struct oqz_grid verified[4]; /* grids that passed oqz_grid_verify(), in turn; kind 0: none yet */
	size_t n_verified;
};

/* ---------------------------------------------------------------------------------------------------- failures */

/* Makes a plugin's failure fit to be shown. */
static enum oqz_status plugin_failed(const struct oqz_quantize *z, const char *callback, enum oqz_status st,
                                     struct oqz_err *err)
{
	if (st > OQZ_OK || st < OQZ_E_AGAIN || !err->msg[0])
		return oqz_err_set(err, OQZ_E_PLUGIN, "%s: %s() failed (%d) without saying why", z->q->base.name,
		                   callback, (int)st);
	oqz_err_prefix(err, "%s", z->q->base.name);
	return err->code = st;
}

/* ---------------------------------------------------------------------------------------------------- sites */

static enum oqz_status check_site(const struct oqz_quantize *z, const struct oqz_quantize_site *s, struct oqz_err *err)
{
	const struct oqz_site *r = &s->site;
	enum oqz_dtype dtype;
	struct oqz_shape shape;

	for (size_t i = 0; i < z->sites.n; i++) {
		if (z->sites.v[i].site.node == r->node && z->sites.v[i].site.input == r->input)
			OQZ_FAIL(err, OQZ_E_PLUGIN, "input %d of node '%s' was asked for twice", r->input, s->node);
	}
	if (!s->calibrator && strcmp(r->calibrator, "none") != 0)
		OQZ_FAIL(err, OQZ_E_USAGE, "no calibrator is called '%s'", r->calibrator);
	if (s->calibrator && r->axis >= 0 && (!s->constant || !s->calibrator->per_axis))
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "calibrator %s cannot work per channel on input %d of node '%s'",
		         r->calibrator, r->input, s->node);
	if (r->bins < 0 || r->bins > OQZ_BINS || (r->bins & (r->bins - 1)) != 0)
		OQZ_FAIL(err, OQZ_E_USAGE, "bins is a power of two up to %d, or 0, not %d", OQZ_BINS, r->bins);
	if (oqz_graph_api.input_type(z->view, r->node, r->input, &dtype, &shape)) {
		if (dtype != OQZ_DT_F32)
			OQZ_FAIL(err, OQZ_E_PLUGIN, "input %d of node '%s' is no float tensor", r->input, s->node);
		if (r->axis < -1 || r->axis >= shape.rank)
			OQZ_FAIL(err, OQZ_E_PLUGIN, "axis %d of input %d of node '%s' does not exist", r->axis,
			         r->input, s->node);
	}
	return OQZ_OK;
}

/* A code book is the plugin's, and may be gone when ranges are looked for. */
static enum oqz_status keep_values(struct oqz_quantize *z, struct oqz_grid *g, struct oqz_err *err)
{
	if (g->kind != OQZ_GRID_CODEBOOK || g->n_values == 0)
		return OQZ_OK;
	if (!g->values)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "a code book of %u values that are nowhere", g->n_values);
	z->arena = z->arena ? z->arena : oqz_arena_new();
	g->values = z->arena ? oqz_arena_dup(z->arena, g->values, g->n_values * sizeof *g->values) : NULL;
	return g->values ? OQZ_OK : oqz_err_nomem(err, "a code book", g->n_values * sizeof *g->values);
}

/* host->add_site. The calibrator's name is the plugin's; ours, which lives as long as the program, is kept instead. */
static enum oqz_status add_site(void *sink, const struct oqz_site *site, struct oqz_failure *f)
{
	struct oqz_quantize *z = sink;
	struct oqz_quantize_site s = { .site = *site };
	struct oqz_view constant;

	if (z->q->base.api_minor < 3) /* it knows nothing of this member, which lies in what was padding */
		s.site.bins = 0;
	s.node = oqz_graph_api.node_name(z->view, site->node);
	s.tensor = oqz_graph_api.input_name(z->view, site->node, site->input);
	if (!s.node || !s.tensor || !site->calibrator)
		OQZ_FAIL(f->err, OQZ_E_PLUGIN, "a site was asked for that does not exist: node %d, input %d",
		         site->node, site->input);
	s.role = oqz_graph_api.input_role(z->view, site->node, site->input);
	s.constant = oqz_graph_api.input_constant(z->view, site->node, site->input, &constant);
	s.calibrator = oqz_calibrator_find(site->calibrator);
	OQZ_TRY(check_site(z, &s, f->err));
	OQZ_TRY(keep_values(z, &s.site.grid, f->err));
	s.site.calibrator = s.calibrator ? s.calibrator->name : "none";
	s.q = s.calibrator ? oqz_calibrator_quantile(s.calibrator, site) : 0;
	if (s.calibrator && !s.constant)
		s.needs = oqz_calibrator_needs(s.calibrator, site);
	if (!oqz_vec_push(&z->sites, s))
		return oqz_err_nomem(f->err, "the sites of a scheme", (z->sites.n + 1) * sizeof s);
	return OQZ_OK;
}

static int by_node(const void *a, const void *b)
{
	const struct oqz_site *x = &((const struct oqz_quantize_site *)a)->site;
	const struct oqz_site *y = &((const struct oqz_quantize_site *)b)->site;

	return x->node != y->node ? (x->node > y->node) - (x->node < y->node)
	                          : (x->input > y->input) - (x->input < y->input);
}

enum oqz_status oqz_quantize_open(const struct oqz_quantizer *q, const struct oqz_host *host,
                                  const struct oqz_params *params, const struct oqz_graph_view *view,
                                  const char *scheme, struct oqz_quantize **ret, struct oqz_err *err)
{
	struct oqz_err local;
	OQZ_CLEANUP(oqz_quantize_close_cleanup) struct oqz_quantize *z = calloc(1, sizeof *z);

	err = err ? err : &local;
	if (z)
		z->scheme = strdup(scheme);
	if (!z || !z->scheme)
		return oqz_err_nomem(err, "a quantizer's instance", sizeof *z);
	z->q = q;
	z->view = view;
	z->host = (struct oqz_quantizer_host) {
		.struct_size = sizeof z->host,
		.base = host,
		.graph = &oqz_graph_api,
		.add_site = add_site,
		.affine_from_range = oqz_affine_from_range,
	};
	struct oqz_failure f = { err };
	void *self = NULL;
	err->msg[0] = 0;
	enum oqz_status st = q->open(&z->host, params, &self, &f);
	if (st != OQZ_OK)
		return plugin_failed(z, "open", st, err);
	z->self = self;
	st = q->sites(self, view, z, &f);
	if (st != OQZ_OK)
		return plugin_failed(z, "sites", st, err);
	if (z->sites.n)
		qsort(z->sites.v, z->sites.n, sizeof *z->sites.v, by_node);
	*ret = oqz_steal(z);
	return OQZ_OK;
}

void oqz_quantize_close(struct oqz_quantize *z)
{
	if (!z)
		return;
	if (z->self)
		z->q->close(z->self);
	oqz_vec_release(&z->sites);
	oqz_arena_free(z->arena);
	free(z->scheme);
	free(z);
}

size_t oqz_quantize_count(const struct oqz_quantize *z) { return z->sites.n; }
const struct oqz_quantize_site *oqz_quantize_site(const struct oqz_quantize *z, size_t i) { return &z->sites.v[i]; }

/* ---------------------------------------------------------------------------------------------------- the plan */

/* Ranges of one site as its calibrator finds them: arrays of *ret_n in one block, which starts at *ret_lo. */
static enum oqz_status find_ranges(const struct oqz_quantize *z, const struct oqz_quantize_site *s,
                                   const struct oqz_observer *o, double **ret_lo, double **ret_hi, float **ret_scale,
                                   size_t *ret_n, int64_t *ret_count, struct oqz_err *err)
{
	struct oqz_view v;

	if (s->constant) {
		if (!oqz_graph_api.input_constant(z->view, s->site.node, s->site.input, &v))
			OQZ_FAIL(err, OQZ_E_INTERNAL, "a constant is gone");
		const struct oqz_tensor t = { .dtype = v.dtype, .shape = v.shape, .data = (void *)(uintptr_t)v.data };
		*ret_count = oqz_tensor_nelem(&t);
		return oqz_observe_constant(&t, &s->site, ret_lo, ret_hi, ret_scale, ret_n, err);
	}
	if (!o)
		OQZ_FAIL(err, OQZ_E_INTERNAL, "tensor '%s' was not observed", s->tensor);
	OQZ_CLEANUP_FREE double *one = malloc(3 * sizeof *one);
	if (!one)
		return oqz_err_nomem(err, "a range", 3 * sizeof *one);
	float *scale = (float *)(void *)(one + 2);
	OQZ_TRY(s->calibrator->find(o, &s->site, one, one + 1, scale, err));
	*ret_scale = *scale > 0 ? scale : NULL;
	*ret_hi = one + 1;
	*ret_lo = oqz_steal(one);
	*ret_n = 1;
	*ret_count = oqz_observer_count(o);
	return OQZ_OK;
}

/* What a plugin is told of one site: its ranges, and the same as float32. Each block is to be freed. */
static enum oqz_status site_stats(const struct oqz_quantize *z, const struct oqz_quantize_site *s,
                                  const struct oqz_observer *o, double **ret_block, float **ret_narrow,
                                  struct oqz_site_stats *ret, struct oqz_err *err)
{
	double *lo, *hi;
	float *scale, *narrow;

	*ret = (struct oqz_site_stats) { .struct_size = sizeof *ret };
	if (!s->calibrator)
		return OQZ_OK;
	OQZ_TRY(find_ranges(z, s, o, &lo, &hi, &scale, &ret->n, &ret->count, err));
	*ret_block = lo;
	*ret_narrow = narrow = malloc(2 * ret->n * sizeof *narrow);
	if (!narrow)
		return oqz_err_nomem(err, "ranges", 2 * ret->n * sizeof *narrow);
	for (size_t i = 0; i < ret->n; i++) {
		narrow[i] = (float)lo[i];
		narrow[ret->n + i] = (float)hi[i];
	}
	ret->lo = narrow;
	ret->hi = narrow + ret->n;
	ret->scale = scale;
	ret->exact_lo = lo;
	ret->exact_hi = hi;
	return OQZ_OK;
}

/* What a plugin answered: fits the tensor, and its grid behaves as one (each new grid is tried out once). */
static enum oqz_status check_answer(struct oqz_quantize *z, const struct oqz_qspec *q, const struct oqz_shape *shape,
                                    struct oqz_err *err)
{
	enum oqz_status st = oqz_qspec_check(q, shape, err);
	bool known = q->grid.kind == OQZ_GRID_CUSTOM;

	for (size_t i = 0; i < OQZ_COUNTOF(z->verified) && !known; i++)
		known = q->grid.kind != OQZ_GRID_CODEBOOK && oqz_grid_equal(&q->grid, &z->verified[i]);
	if (st == OQZ_OK && !known) {
		st = oqz_grid_verify(&q->grid, err);
		if (st == OQZ_OK)
			z->verified[z->n_verified++ % OQZ_COUNTOF(z->verified)] = q->grid;
	}
	if (st == OQZ_OK)
		return OQZ_OK;
	oqz_err_prefix(err, "%s: plan() gave a wrong answer", z->q->base.name);
	return err->code = OQZ_E_PLUGIN;
}

static enum oqz_status plan_site(struct oqz_quantize *z, const struct oqz_quantize_site *s,
                                 const struct oqz_observer *o, struct oqz_qplan *p, struct oqz_err *err)
{
	struct oqz_qplan_site out = { .node = s->node, .input = s->site.input, .tensor = s->tensor, .role = s->role };
	OQZ_CLEANUP_FREE double *block = NULL;
	OQZ_CLEANUP_FREE float *narrow = NULL;
	struct oqz_site_stats stats;
	struct oqz_failure f = { err };
	struct oqz_str rule = { 0 };
	enum oqz_dtype dtype;
	struct oqz_shape shape;

	OQZ_TRY(site_stats(z, s, o, &block, &narrow, &stats, err));
	out.spec.axis = -1;
	err->msg[0] = 0;
	enum oqz_status st = z->q->plan(z->self, z->view, &s->site, &stats, &out.spec, &f);
	if (st != OQZ_OK)
		return plugin_failed(z, "plan", st, err);
	if (!oqz_graph_api.input_type(z->view, s->site.node, s->site.input, &dtype, &shape))
		shape = (struct oqz_shape) { .rank = -1 };
	OQZ_TRY(check_answer(z, &out.spec, &shape, err));
	oqz_calibrator_describe(s->calibrator, &s->site, o, &rule);
	out.rule = oqz_str_get(&rule);
	st = oqz_str_ok(&rule) ? oqz_qplan_add(p, &out, err) : oqz_err_nomem(err, "a plan", rule.len);
	oqz_str_release(&rule);
	return st;
}

enum part { ALL, CONSTANTS, FIRST_PASS };

static bool belongs(const struct oqz_quantize_site *s, enum part part)
{
	return part == ALL || (part == CONSTANTS ? s->constant : !(s->needs & OQZ_OBS_SECOND));
}

static enum oqz_status make_plan(struct oqz_quantize *z, enum part part, const struct oqz_observer *const *observers,
                                 struct oqz_qplan **ret, struct oqz_err *err)
{
	struct oqz_err local;
	OQZ_CLEANUP(oqz_qplan_free_cleanup) struct oqz_qplan *p = oqz_qplan_new();

	err = err ? err : &local;
	if (!p)
		return oqz_err_nomem(err, "a plan", sizeof *p);
	OQZ_TRY(oqz_qplan_set_scheme(p, z->scheme, err));
	for (size_t i = 0; i < z->sites.n; i++) {
		const struct oqz_quantize_site *s = &z->sites.v[i];
		if (!belongs(s, part))
			continue;
		if (plan_site(z, s, s->needs ? observers[i] : NULL, p, err) != OQZ_OK)
			return oqz_err_prefix(err, "node '%s', %s %d ('%s')", s->node,
			                      s->site.input < 0 ? "output" : "input",
			                      s->site.input < 0 ? -1 - s->site.input : s->site.input, s->tensor);
	}
	*ret = oqz_steal(p);
	return OQZ_OK;
}

enum oqz_status oqz_quantize_plan(struct oqz_quantize *z, const struct oqz_observer *const *observers,
                                  struct oqz_qplan **ret, struct oqz_err *err)
{
	return make_plan(z, ALL, observers, ret, err);
}

enum oqz_status oqz_quantize_plan_constants(struct oqz_quantize *z, struct oqz_qplan **ret, struct oqz_err *err)
{
	return make_plan(z, CONSTANTS, NULL, ret, err);
}

enum oqz_status oqz_quantize_plan_first(struct oqz_quantize *z, const struct oqz_observer *const *observers,
                                        struct oqz_qplan **ret, struct oqz_err *err)
{
	return make_plan(z, FIRST_PASS, observers, ret, err);
}
