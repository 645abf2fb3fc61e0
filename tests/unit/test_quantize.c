/* SPDX-License-Identifier: Apache-2.0
 *
 * core/quant/quantize with a quantizer that breaks its contract, which edges the walk over a graph asks for, and what
 * calibrators refuse.
 */
#include "core/base/failure.h"
#include "core/quant/observer.h"
#include "tests/unit/plugin_case.h"

/* ---- a quantizer that does one thing wrong ---- */

static enum wrong {
	STATUS_UNKNOWN, /* open() fails with a number that is no status, and a message */
	NO_MESSAGE,     /* open() fails without one */
	NO_VALUES,      /* a code book that is nowhere */
	TWICE,          /* an edge asked for twice */
	NO_EDGE,        /* one that the node does not have */
	BINS,           /* a number of bins that is no power of two */
} wrong;

static enum oqz_status wrong_open(const struct oqz_quantizer_host *host, const struct oqz_params *params, void **ret,
                                  struct oqz_failure *f)
{
	(void)params;
	if (wrong == STATUS_UNKNOWN) {
		oqz_err_set(f->err, OQZ_E_USAGE, "seven");
		return (enum oqz_status)7;
	}
	if (wrong == NO_MESSAGE)
		return OQZ_E_USAGE;
	*ret = (void *)(uintptr_t)host;
	return OQZ_OK;
}

static void wrong_close(void *self) { (void)self; }

static enum oqz_status wrong_sites(void *self, const struct oqz_graph_view *g, void *sink, struct oqz_failure *f)
{
	const struct oqz_quantizer_host *host = self;
	struct oqz_site s = { .node = 0, .input = wrong == NO_EDGE ? 5 : 1, .calibrator = "none", .axis = -1 };

	(void)g;
	if (wrong == NO_VALUES)
		s.grid = (struct oqz_grid) { .kind = OQZ_GRID_CODEBOOK, .n_values = 3 };
	if (wrong == BINS)
		s.bins = 1000;
	enum oqz_status st = host->add_site(sink, &s, f);
	return st == OQZ_OK && wrong != BINS ? host->add_site(sink, &s, f) : st;
}

static const struct oqz_quantizer wrong_quantizer = {
	.base = { .name = "wrong", .api_minor = 3 }, .open = wrong_open, .close = wrong_close, .sites = wrong_sites
};

START_TEST(broken_contracts_are_the_plugin_s_failures)
{
	static const struct {
		enum wrong wrong;
		const char *message;
	} rows[] = { { STATUS_UNKNOWN, "wrong: open() failed (7) without saying why" },
		     { NO_MESSAGE, "without saying why" },
		     { NO_VALUES, "a code book of 3 values that are nowhere" },
		     { TWICE, "asked for twice" },
		     { NO_EDGE, "does not exist" } };
	struct oqz_graph_view *view = NULL;
	struct gb b;

	layers_make(&b);
	ck_ok(oqz_graph_view_new(b.g, NULL, &view, err));
	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		struct oqz_quantize *z = NULL;
		wrong = rows[i].wrong;
		ck_fails(oqz_quantize_open(&wrong_quantizer, NULL, NULL, view, "wrong", &z, err), OQZ_E_PLUGIN,
		         rows[i].message);
		ck_assert(z == NULL);
	}
	/* the number of bins came with minor version 3: what older plugins have there is chance */
	struct oqz_quantizer older = wrong_quantizer;
	struct oqz_quantize *z = NULL;
	older.base.api_minor = 2;
	wrong = BINS;
	ck_fails(oqz_quantize_open(&wrong_quantizer, NULL, NULL, view, "wrong", &z, err), OQZ_E_USAGE,
	         "a power of two up to 8192, or 0, not 1000");
	ck_ok(oqz_quantize_open(&older, NULL, NULL, view, "wrong", &z, err));
	ck_assert_int_eq(oqz_quantize_site(z, 0)->site.bins, 0);
	oqz_quantize_close(z);
	oqz_graph_view_free(view);
	oqz_graph_free(b.g);
}
END_TEST

/* ---- which edges ---- */

/* The sites of a plan for a LayerNormalization with three outputs and a MatMul, as "node input, ...". */
static void sites_are(const char *plugin, const char *params, const char *want)
{
	struct oqz_str got = { 0 };
	struct gb b;

	gb_init(&b, 1);
	struct oqz_value *in[] = { gb_input(&b, "x", GB_DIMS(2, 6)), gb_weights(&b, OQZ_DT_F32, GB_DIMS(6), 1) };
	struct oqz_value *y = gb_op_n(&b, "LayerNormalization", in, 2, 3);
	GB_OP(&b, "MatMul", y, gb_weights(&b, OQZ_DT_F32, GB_DIMS(6, 4), 1));
	gb_finish(&b);
	struct oqz_qplan *p = plugin_plan(&b, plugin, params, 1);
	struct oqz_graph_view *view = NULL;
	ck_ok(oqz_graph_view_new(b.g, NULL, &view, err));
	for (int32_t i = -4; i < 3; i++) /* whatever a plugin asks about */
		ck_assert(oqz_graph_api.selected(view, 0, i) == (i == -1 || i == 0));
	oqz_graph_view_free(view);
	for (size_t i = 0; i < p->sites.n; i++)
		oqz_str_addf(&got, "%s%.1s%d", i ? " " : "", p->sites.v[i].node, p->sites.v[i].input);
	ck_assert_msg(strcmp(oqz_str_get(&got), want) == 0, "%s:%s asks for %s, not %s", plugin, params,
	              oqz_str_get(&got), want);
	oqz_str_release(&got);
	oqz_qplan_free(p);
	oqz_graph_free(b.g);
}

START_TEST(edges_are_those_that_are_wanted)
{
	sites_are("cast", "", "L0 M0 M1");
	/* the first output only: others are statistics, masks and states */
	sites_are("cast", "outputs=true", "L-1 L0 M-1 M0 M1");
	sites_are("cast", "activations=false", "M1");
	sites_are("cast", "weights=false", "L0 M0");
	sites_are("int8", "activations=false", "M1");
	sites_are("int4", "", "M1");
}
END_TEST

/* ---- what calibrators are given ---- */

/* The moving average: batches without a finite number are none, and its conditions. */
START_TEST(averages_pass_over_empty_batches)
{
	static const float x[4][2] = { { NAN, INFINITY }, { -1, 4 }, { NAN, NAN }, { -3, 2 } };
	const struct oqz_calibrator *ema = oqz_calibrator_find("ema");
	struct oqz_site site = { .q = 0.5 };
	struct oqz_observer *o, *other;
	double lo, hi;
	float scale;

	ck_ok(oqz_observer_new(OQZ_OBS_BATCH, 1, 1, &o, err));
	for (int i = 0; i < 4; i++)
		ck_ok(oqz_observer_add(o, i, x[i], 2, 0, err));
	ck_ok(ema->find(o, &site, &lo, &hi, &scale, err));
	ck_assert(lo == -2 && hi == 3);
	site.q = 1.5;
	ck_fails(ema->find(o, &site, &lo, &hi, &scale, err), OQZ_E_USAGE, "(0, 1]");
	site.q = 0.5;
	for (int k = 0; k < 2; k++) { /* without batches, with another quantile of them */
		ck_ok(oqz_observer_new(k ? OQZ_OBS_BATCH : OQZ_OBS_HISTOGRAM, 0.9, 1, &other, err));
		ck_ok(oqz_observer_add(other, 0, x[1], 2, 0, err));
		other->q = k ? 0.9 : 1;
		ck_fails(ema->find(other, &site, &lo, &hi, &scale, err), OQZ_E_MISMATCH, "extremes of each batch");
		oqz_observer_free(other);
	}
	oqz_observer_free(o);
}
END_TEST

/* Constants: an axis that there is, something to look at, any float type. */
START_TEST(constants_are_checked)
{
	static const float x[] = { 1, -2, 3 };
	uint16_t halves[] = { 0x3c00, 0xc000, 0x4200 };
	struct oqz_tensor t = { .dtype = OQZ_DT_F32, .shape = { 1, { 3 } }, .data = (void *)(uintptr_t)x };
	struct oqz_site site = { .calibrator = "minmax",
		                 .axis = 1,
		                 .symmetric = true,
		                 .grid = { .kind = OQZ_GRID_AFFINE, .bits = 8, .qmin = -128, .qmax = 127 } };
	double *lo, *hi;
	float *scale;
	size_t n;

	ck_fails(oqz_observe_constant(&t, &site, &lo, &hi, &scale, &n, err), OQZ_E_MISMATCH, "axis 1 does not exist");
	site.axis = -2;
	ck_fails(oqz_observe_constant(&t, &site, &lo, &hi, &scale, &n, err), OQZ_E_MISMATCH, "axis -2 does not exist");
	site.axis = 0;
	t.dtype = OQZ_DT_F16;
	t.data = halves;
	ck_ok(oqz_observe_constant(&t, &site, &lo, &hi, &scale, &n, err));
	ck_assert(n == 3 && lo[0] == 1 && lo[1] == -2 && hi[2] == 3 && !scale);
	free(lo);
	t.shape.dim[0] = 0;
	ck_fails(oqz_observe_constant(&t, &site, &lo, &hi, &scale, &n, err), OQZ_E_DATA, "is empty");
}
END_TEST

OQZ_TEST_MAIN("quantize", broken_contracts_are_the_plugin_s_failures, edges_are_those_that_are_wanted,
              averages_pass_over_empty_batches, constants_are_checked)
