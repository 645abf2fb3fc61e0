/* SPDX-License-Identifier: Apache-2.0
 *
 * Rounding and grids. What runs is vectorised for the CPU at hand; what it is held against is a table from the
 * definition of each rule, or the rule written down once more without any speed.
 */
#include "core/run/selftest.h"

#include "core/base/rng.h"
#include "core/tensor/fakequant.h"

#include <math.h>
#include <string.h>

static enum oqz_status roundings(struct oqz_str *detail, struct oqz_err *err)
{
	static const float ties[] = { -2.5f, -1.5f, -0.5f, 0.5f, 1.5f, 2.5f };
	static const struct {
		enum oqz_round rule;
		float want[OQZ_COUNTOF(ties)];
	} rows[] = {
		{ OQZ_ROUND_HALF_EVEN, { -2, -2, 0, 0, 2, 2 } },  { OQZ_ROUND_HALF_UP, { -2, -1, 0, 1, 2, 3 } },
		{ OQZ_ROUND_HALF_DOWN, { -3, -2, -1, 0, 1, 2 } }, { OQZ_ROUND_HALF_TO_ZERO, { -2, -1, 0, 0, 1, 2 } },
		{ OQZ_ROUND_HALF_AWAY, { -3, -2, -1, 1, 2, 3 } }, { OQZ_ROUND_UP, { -2, -1, 0, 1, 2, 3 } },
		{ OQZ_ROUND_DOWN, { -3, -2, -1, 0, 1, 2 } },
	};

	for (size_t r = 0; r < OQZ_COUNTOF(rows); r++)
		for (size_t i = 0; i < OQZ_COUNTOF(ties); i++)
			if (oqz_round_f32(ties[i], rows[r].rule) != rows[r].want[i])
				OQZ_FAIL(err, OQZ_E_INTERNAL, "%s of %g is %g, not %g", oqz_round_name(rows[r].rule),
				         (double)ties[i], (double)oqz_round_f32(ties[i], rows[r].rule),
				         (double)rows[r].want[i]);
	oqz_str_addf(detail, "%zu rules at ties", OQZ_COUNTOF(rows));
	return OQZ_OK;
}

/* Every code of a format is what its value is encoded as, and a tie between neighbours goes to the even code. */
static enum oqz_status all_codes(const struct oqz_minifloat *f, size_t *n, struct oqz_err *err)
{
	uint32_t sign = 1u << (f->exp_bits + f->man_bits);

	for (uint32_t code = 0; code < 2 * sign; code++, ++*n) {
		double v = oqz_minifloat_decode(f, code);
		uint32_t back = oqz_minifloat_encode(f, v, OQZ_ROUND_HALF_EVEN, false);
		if (isfinite(v) && back != code && !(v == 0 && oqz_minifloat_decode(f, back) == 0))
			OQZ_FAIL(err, OQZ_E_INTERNAL, "%s: code 0x%x is %.9g, which is encoded as 0x%x", f->name, code,
			         v, back);
		double next = (code & (sign - 1)) < sign - 1 ? oqz_minifloat_decode(f, code + 1) : INFINITY;
		if (!isfinite(v) || !isfinite(next))
			continue;
		uint32_t tie = oqz_minifloat_encode(f, (v + next) / 2, OQZ_ROUND_HALF_EVEN, false);
		if (tie != (code & 1 ? code + 1 : code))
			OQZ_FAIL(err, OQZ_E_INTERNAL, "%s: the tie between 0x%x and 0x%x goes to 0x%x", f->name, code,
			         code + 1, tie);
	}
	return OQZ_OK;
}

/* One code of each format from its publication (IEEE 754, OCP FP8 and MX), so that both directions cannot be wrong
 * alike. */
static enum oqz_status small_floats(struct oqz_str *detail, struct oqz_err *err)
{
	static const struct {
		enum oqz_dtype type;
		uint32_t code;
		double value;
	} rows[] = {
		{ OQZ_DT_F16, 0x7bff, 65504 },  { OQZ_DT_F16, 0x0001, 0x1p-24 },   { OQZ_DT_BF16, 0x3f80, 1 },
		{ OQZ_DT_F8E4M3FN, 0x7e, 448 }, { OQZ_DT_F8E4M3FN, 0x01, 0x1p-9 }, { OQZ_DT_F8E4M3FNUZ, 0x7f, 240 },
		{ OQZ_DT_F8E5M2, 0x7b, 57344 }, { OQZ_DT_F8E5M2, 0x01, 0x1p-16 },  { OQZ_DT_F8E5M2FNUZ, 0x7f, 57344 },
		{ OQZ_DT_F4E2M1, 0x7, 6 },
	};
	size_t n = 0;

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		const struct oqz_minifloat *f = oqz_minifloat_of(rows[i].type);
		if (oqz_minifloat_decode(f, rows[i].code) != rows[i].value)
			OQZ_FAIL(err, OQZ_E_INTERNAL, "%s: code 0x%x is %.9g, not %.9g", f->name, rows[i].code,
			         oqz_minifloat_decode(f, rows[i].code), rows[i].value);
		if (i == 0 || rows[i].type != rows[i - 1].type)
			OQZ_TRY(all_codes(f, &n, err));
	}
	oqz_str_addf(detail, "%zu codes, there and back and at ties", n);
	return OQZ_OK;
}

/* The rule of core/tensor/fakequant.h, number by number. */
static float plain(const struct oqz_fq *q, float x)
{
	if (q->kind == OQZ_FQ_MINIFLOAT)
		return (float)oqz_minifloat_decode(
		           &q->mf, oqz_minifloat_encode(&q->mf, (double)(x / q->scale[0]), q->round, true)) *
		       q->scale[0];
	float code = oqz_round_f32(x / q->scale[0], q->round) + (float)q->zero[0];
	code = code < (float)q->qmin ? (float)q->qmin : code > (float)q->qmax ? (float)q->qmax : code;
	return (code - (float)q->zero[0]) * q->scale[0];
}

static enum oqz_status one_grid(enum oqz_dtype type, float scale, int32_t zero, struct oqz_err *err)
{
	enum { N = 4099 }; /* not a multiple of any vector */
	static float x[N], y[N];
	struct oqz_shape shape = { 1, { N } };
	struct oqz_fq q;
	struct oqz_rng r;

	if (!oqz_fq_of_dtype(type, &q))
		OQZ_FAIL(err, OQZ_E_INTERNAL, "%s is no grid", oqz_dtype_name(type));
	q.scale = &scale;
	q.zero = q.kind == OQZ_FQ_AFFINE ? &zero : NULL;
	oqz_rng_init(&r, 1);
	for (int i = 0; i < N; i++) /* ties, then anything, far beyond both ends */
		x[i] = i < 1024 ? ((float)i / 2 - 256) * scale : (float)(oqz_rng_normal(&r) * 100) * scale;
	oqz_fq_run(&q, &shape, x, y);
	for (int i = 0; i < N; i++)
		if (y[i] != plain(&q, x[i]))
			OQZ_FAIL(err, OQZ_E_INTERNAL, "%s, scale %g, zero %d: %.9g gives %.9g, not %.9g",
			         oqz_dtype_name(type), (double)scale, zero, (double)x[i], (double)y[i],
			         (double)plain(&q, x[i]));
	return OQZ_OK;
}

static enum oqz_status grids(struct oqz_str *detail, struct oqz_err *err)
{
	static const struct {
		enum oqz_dtype type;
		int32_t zero;
	} rows[] = { { OQZ_DT_I8, 0 },  { OQZ_DT_I8, -3 },      { OQZ_DT_U8, 128 },  { OQZ_DT_I4, 0 },
		     { OQZ_DT_U16, 7 }, { OQZ_DT_F8E4M3FN, 0 }, { OQZ_DT_F8E5M2, 0 } };
	static const float scales[] = { 0.25f, 0.1f, 0.0078125f, 3.7f };

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++)
		for (size_t k = 0; k < OQZ_COUNTOF(scales); k++)
			OQZ_TRY(one_grid(rows[i].type, scales[k], rows[i].zero, err));
	oqz_str_addf(detail, "%zu grids, vectorised against plain", OQZ_COUNTOF(rows) * OQZ_COUNTOF(scales));
	return OQZ_OK;
}

void oqz_selftest_numbers(oqz_selftest_fn *check, void *ctx)
{
	static const struct {
		const char *name;
		enum oqz_status (*run)(struct oqz_str *detail, struct oqz_err *err);
	} checks[] = { { "rounding", roundings }, { "small floats", small_floats }, { "grids", grids } };

	for (size_t i = 0; i < OQZ_COUNTOF(checks); i++) {
		struct oqz_str detail = { 0 };
		struct oqz_err err = { 0 };
		bool ok = checks[i].run(&detail, &err) == OQZ_OK;
		check(ctx, checks[i].name, oqz_str_get(&detail), ok ? NULL : &err);
		oqz_str_release(&detail);
	}
}
