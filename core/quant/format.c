/* SPDX-License-Identifier: Apache-2.0
 *
 * Grids as the plugin ABI has them (struct oqz_grid, struct oqz_qspec), mapped to the arithmetic of
 * core/tensor/fakequant, with the rules around them: from a range to scale and zero point, the brute-force check of a
 * grid, its description.
 */
#include "core/quant/format.h"

#include "core/base/str.h"
#include "core/tensor/fakequant.h"

#include <math.h>
#include <string.h>

_Static_assert((int)OQZ_GRID_AFFINE == (int)OQZ_FQ_AFFINE && (int)OQZ_GRID_MINIFLOAT == (int)OQZ_FQ_MINIFLOAT &&
                   (int)OQZ_GRID_CODEBOOK == (int)OQZ_FQ_CODEBOOK,
               "grid kinds have one numbering");
_Static_assert((int)OQZ_GRID_IEEE == (int)OQZ_MF_IEEE && (int)OQZ_GRID_FN == (int)OQZ_MF_FN &&
                   (int)OQZ_GRID_FNUZ == (int)OQZ_MF_FNUZ && (int)OQZ_GRID_FINITE == (int)OQZ_MF_FINITE,
               "conventions of small floats have one numbering");
_Static_assert((int)OQZ_SCALE_E8M0 == (int)OQZ_FQ_E8M0 && (int)OQZ_SCALE_E4M3 == (int)OQZ_FQ_E4M3,
               "dynamic scales have one numbering");

/* PPQ's OBSERVER_MIN_SCALE. */
static const double min_scale = 1e-8;

static void grid_fq(const struct oqz_grid *g, struct oqz_fq *ret)
{
	*ret = (struct oqz_fq) {
		.kind = (enum oqz_fq_kind)g->kind,
		.round = (enum oqz_round)g->rounding,
		.qmin = g->qmin,
		.qmax = g->qmax,
		.mf = { .name = "",
		        .exp_bits = g->exp_bits,
		        .man_bits = g->man_bits,
		        .bias = g->bias,
		        .special = (enum oqz_minifloat_special)g->special,
		        .max = g->max },
		.n_values = g->n_values,
		.values = g->values,
		.axis = -1,
	};
}

void oqz_qspec_fq(const struct oqz_qspec *q, struct oqz_fq *ret)
{
	grid_fq(&q->grid, ret);
	ret->axis = q->axis;
	ret->block = q->block;
	ret->scale = q->scale;
	ret->zero = q->zero;
	ret->dynamic = (enum oqz_fq_dynamic)q->dynamic;
}

/* ---------------------------------------------------------------------------------------------------- checks */

static bool shape_known(const struct oqz_shape *s)
{
	for (int i = 0; i < s->rank; i++) {
		if (s->dim[i] < 0)
			return false;
	}
	return s->rank >= 0;
}

static enum oqz_status check_scales(const struct oqz_qspec *q, const struct oqz_shape *shape, struct oqz_err *err)
{
	if (q->n_scale < 1 || !q->scale)
		OQZ_FAIL(err, OQZ_E_DATA, "a spec needs at least one scale");
	if (q->axis < 0 && q->n_scale != 1)
		OQZ_FAIL(err, OQZ_E_DATA, "%zu scales without an axis", q->n_scale);
	if (q->dynamic && q->n_scale != 1)
		OQZ_FAIL(err, OQZ_E_DATA, "%zu scales beside dynamic ones: one is the factor of all", q->n_scale);
	if (shape_known(shape) && !q->dynamic && q->n_scale != oqz_fq_scales(shape, q->axis, q->block)) {
		char text[OQZ_SHAPE_STR];
		OQZ_FAIL(err, OQZ_E_DATA, "%zu scales for shape %s along axis %d, block %lld: %zu are needed",
		         q->n_scale, oqz_shape_str(shape, text, sizeof text), q->axis, (long long)q->block,
		         oqz_fq_scales(shape, q->axis, q->block));
	}
	for (size_t i = 0; i < q->n_scale; i++) {
		if (!(q->scale[i] > 0) || !isfinite(q->scale[i]))
			OQZ_FAIL(err, OQZ_E_DATA, "scale %zu is %g, not a positive number", i, (double)q->scale[i]);
		if (q->zero && (q->zero[i] < -(1 << 24) || q->zero[i] > 1 << 24))
			OQZ_FAIL(err, OQZ_E_DATA, "zero point %zu is %d, beyond 2^24", i, q->zero[i]);
	}
	return OQZ_OK;
}

enum oqz_status oqz_qspec_check(const struct oqz_qspec *q, const struct oqz_shape *shape, struct oqz_err *err)
{
	struct oqz_fq fq;

	if (q->grid.kind == OQZ_GRID_CUSTOM) {
		if (!q->fake_quantize)
			OQZ_FAIL(err, OQZ_E_DATA, "a custom grid without a fake_quantize function");
		return OQZ_OK;
	}
	oqz_qspec_fq(q, &fq);
	OQZ_TRY(oqz_fq_check(&fq, shape, err));
	return check_scales(q, shape, err);
}

enum oqz_status oqz_fake_quantize(const struct oqz_qspec *q, const struct oqz_shape *shape, const float *x, float *y,
                                  struct oqz_err *err)
{
	struct oqz_fq fq;
	int64_t count;

	OQZ_TRY(oqz_shape_count(shape, &count, err));
	OQZ_TRY(oqz_qspec_check(q, shape, err));
	if (q->grid.kind == OQZ_GRID_CUSTOM) {
		q->fake_quantize(q->ctx, shape, x, y);
		return OQZ_OK;
	}
	oqz_qspec_fq(q, &fq);
	oqz_fq_run(&fq, shape, x, y);
	return OQZ_OK;
}

enum oqz_status oqz_quantize_codes(const struct oqz_qspec *q, const struct oqz_shape *shape, const float *x,
                                   enum oqz_dtype t, void *codes, struct oqz_err *err)
{
	struct oqz_fq fq;
	int64_t count;

	OQZ_TRY(oqz_shape_count(shape, &count, err));
	if (q->grid.kind == OQZ_GRID_CUSTOM)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a custom grid has no codes");
	if (q->dynamic)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "codes of dynamic scales");
	OQZ_TRY(oqz_qspec_check(q, shape, err));
	oqz_qspec_fq(q, &fq);
	oqz_fq_store_codes(&fq, shape, x, t, codes);
	return OQZ_OK;
}

/* ---------------------------------------------------------------------------------------------------- ranges */

void oqz_affine_from_range(double lo, double hi, const struct oqz_grid *grid, bool symmetric, bool pow2,
                           float *ret_scale, int32_t *ret_zero)
{
	double steps = (double)grid->qmax - (double)grid->qmin, s;
	int32_t zero = 0;

	lo = lo < 0 ? lo : 0;
	hi = hi > 0 ? hi : 0;
	s = symmetric ? 2 * (-lo > hi ? -lo : hi) / steps : (hi - lo) / steps;
	s = s > min_scale ? s : min_scale;
	/* from the scale before the power-of-two step: the order of PPQ's minmax_to_scale_offset, which shifts the
	 * range */
	if (!symmetric)
		zero = grid->qmin + (int32_t)rint(-lo / s);
	if (pow2) {
		int e;
		double m = frexp(s, &e); /* s = m 2^e, 0.5 <= m < 1: exact powers stay */
		e = m == 0.5 ? e - 1 : e;
		s = ldexp(1.0, e < 127 ? e : 127); /* float32 has no larger one */
	}
	*ret_scale = (float)s;
	*ret_zero = zero;
}

/* ---------------------------------------------------------------------------------------------------- tables */

size_t oqz_grid_ncodes(const struct oqz_grid *g)
{
	switch (g->kind) {
	case OQZ_GRID_AFFINE: return g->qmax >= g->qmin ? (size_t)((int64_t)g->qmax - g->qmin + 1) : 0;
	case OQZ_GRID_MINIFLOAT:
		return g->exp_bits >= 0 && g->man_bits >= 0 && g->exp_bits + g->man_bits <= 18
		           ? (size_t)1 << (1 + g->exp_bits + g->man_bits)
		           : 0;
	case OQZ_GRID_CODEBOOK: return g->n_values;
	default: return 0;
	}
}

double oqz_grid_value(const struct oqz_grid *g, size_t i)
{
	struct oqz_fq fq;

	if (g->kind == OQZ_GRID_AFFINE)
		return (double)(g->qmin + (int64_t)i);
	if (g->kind == OQZ_GRID_CODEBOOK)
		return g->values[i];
	grid_fq(g, &fq);
	return oqz_minifloat_decode(&fq.mf, (uint32_t)i);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The numbers of the grid that are reachable, increasing, each once. */
static enum oqz_status grid_numbers(const struct oqz_grid *g, double **ret, size_t *ret_n, struct oqz_err *err)
{
	size_t n = oqz_grid_ncodes(g), m = 0, k = 0;
	double *v = n ? malloc(n * sizeof *v) : NULL;

	if (!v)
		return oqz_err_nomem(err, "the table of a grid", n * sizeof *v);
	for (size_t i = 0; i < n; i++) {
		double x = oqz_grid_value(g, i);
		if (isfinite(x) && (g->kind != OQZ_GRID_MINIFLOAT || fabs(x) <= g->max))
			v[m++] = x;
	}
	qsort(v, m, sizeof *v, by_value);
	for (size_t i = 0; i < m; i++) {
		if (k == 0 || v[i] != v[k - 1])
			v[k++] = v[i];
	}
	*ret = v;
	*ret_n = k;
	return OQZ_OK;
}

static float put(const struct oqz_fq *fq, float x)
{
	const struct oqz_shape one = { .rank = 0 };
	float y;

	oqz_fq_run(fq, &one, &x, &y);
	return y;
}

/* Between two neighbours of the grid: every number goes to one of them, in order, and the nearer one if the rounding is
 * to nearest. */
static enum oqz_status verify_gap(const struct oqz_fq *fq, float a, float b, struct oqz_err *err)
{
	float mid = (float)((double)a + ((double)b - (double)a) / 2);
	float probe[5] = { a, nextafterf(mid, a), mid, nextafterf(mid, b), b };
	bool nearest = fq->round <= OQZ_ROUND_HALF_AWAY;
	float last = a;

	for (int i = 0; i < 5; i++) {
		float y = put(fq, probe[i]);
		if (y != a && y != b)
			OQZ_FAIL(err, OQZ_E_DATA, "the grid sends %.9g to %.9g, which is no neighbour (%.9g, %.9g)",
			         (double)probe[i], (double)y, (double)a, (double)b);
		if (y < last)
			OQZ_FAIL(err, OQZ_E_DATA, "the grid is not monotone at %.9g", (double)probe[i]);
		/* affine rounding works on x + 0.5 in float32, so the last bit beside a tie is not its business */
		if (nearest && fq->kind != OQZ_FQ_AFFINE && probe[i] != mid && y != (probe[i] < mid ? a : b))
			OQZ_FAIL(err, OQZ_E_DATA, "the grid sends %.9g away from its nearest value", (double)probe[i]);
		last = y;
	}
	return OQZ_OK;
}

static enum oqz_status verify_numbers(const struct oqz_fq *fq, const double *v, size_t n, struct oqz_err *err)
{
	if (n < 2)
		OQZ_FAIL(err, OQZ_E_DATA, "the grid has fewer than two values");
	for (size_t i = 0; i < n; i++) {
		float x = (float)v[i];
		if (put(fq, x) != x)
			OQZ_FAIL(err, OQZ_E_DATA, "the grid sends its own value %.9g to %.9g", (double)x,
			         (double)put(fq, x));
		if (i > 0)
			OQZ_TRY(verify_gap(fq, (float)v[i - 1], x, err));
	}
	const float beyond[] = { 1.5f * (float)v[n - 1] + 1, 0x1p127f, INFINITY };
	for (size_t i = 0; i < OQZ_COUNTOF(beyond); i++) {
		if ((double)beyond[i] < v[n - 1])
			continue; /* bfloat16 goes beyond 2^127 */
		if (put(fq, beyond[i]) != (float)v[n - 1] || put(fq, -beyond[i] - (float)fabs(v[0])) != (float)v[0])
			OQZ_FAIL(err, OQZ_E_DATA, "the grid does not saturate at %.9g", (double)beyond[i]);
	}
	return OQZ_OK;
}

enum oqz_status oqz_grid_verify(const struct oqz_grid *g, struct oqz_err *err)
{
	static const float one = 1;
	const struct oqz_shape scalar = { .rank = 0 };
	struct oqz_fq fq;
	OQZ_CLEANUP_FREE double *v = NULL;
	size_t n = 0;

	if (g->kind == OQZ_GRID_CUSTOM)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a custom grid has no table of values");
	grid_fq(g, &fq);
	fq.scale = &one;
	OQZ_TRY(oqz_fq_check(&fq, &scalar, err));
	OQZ_TRY(grid_numbers(g, &v, &n, err));
	return verify_numbers(&fq, v, n, err);
}

/* ---------------------------------------------------------------------------------------------------- description */

/* Members one by one: padding and unused members are the plugin's. */
bool oqz_grid_equal(const struct oqz_grid *a, const struct oqz_grid *b)
{
	if (a->kind != b->kind || a->rounding != b->rounding)
		return false;
	switch (a->kind) {
	case OQZ_GRID_AFFINE: return a->qmin == b->qmin && a->qmax == b->qmax;
	case OQZ_GRID_MINIFLOAT:
		return a->exp_bits == b->exp_bits && a->man_bits == b->man_bits && a->bias == b->bias &&
		       a->special == b->special && a->max == b->max;
	case OQZ_GRID_CODEBOOK:
		return a->n_values == b->n_values && memcmp(a->values, b->values, a->n_values * sizeof *a->values) == 0;
	default: return false;
	}
}

static const char *minifloat_name(const struct oqz_grid *g)
{
	for (int t = 0; t < OQZ_DT_COUNT; t++) {
		const struct oqz_minifloat *f = oqz_minifloat_of(t);
		if (f && f->exp_bits == g->exp_bits && f->man_bits == g->man_bits && f->bias == g->bias &&
		    (int)f->special == (int)g->special)
			return oqz_dtype_name((enum oqz_dtype)t);
	}
	return NULL;
}

/* As the names of formats end; numbers alone go without saying. */
static const char *const specials[] = { "ieee", "fn", "fnuz", "" };

void oqz_grid_describe(const struct oqz_grid *g, struct oqz_str *out)
{
	const char *name, *round = oqz_round_name((enum oqz_round)g->rounding);

	switch (g->kind) {
	case OQZ_GRID_AFFINE:
		oqz_str_addf(out, "%sint%d [%d,%d]", g->qmin < 0 ? "" : "u", g->bits, g->qmin, g->qmax);
		break;
	case OQZ_GRID_MINIFLOAT:
		name = minifloat_name(g);
		if (name)
			oqz_str_add(out, name);
		else
			oqz_str_addf(out, "e%dm%d%s bias %d", g->exp_bits, g->man_bits,
			             g->special <= OQZ_GRID_FINITE ? specials[g->special] : "?", g->bias);
		oqz_str_add(out, " max ");
		oqz_str_add_double(out, g->max);
		break;
	case OQZ_GRID_CODEBOOK: oqz_str_addf(out, "code book of %u values", g->n_values); break;
	default: oqz_str_add(out, "custom"); return;
	}
	oqz_str_addf(out, " %s", round ? round : "?");
}
