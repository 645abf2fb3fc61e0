/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be wrong with a quantizer's description, said before it runs.
 */
#include "core/tensor/fakequant.h"

#include <math.h>

static enum oqz_status check_affine(const struct oqz_fq *q, struct oqz_err *err)
{
	enum { LIMIT = 1 << 24 };

	if (q->qmin >= q->qmax || q->qmin < -LIMIT || q->qmax > LIMIT)
		OQZ_FAIL(err, OQZ_E_DATA, "the code range [%d,%d] is empty or exceeds 2^24", q->qmin, q->qmax);
	return OQZ_OK;
}

static enum oqz_status check_minifloat(const struct oqz_fq *q, struct oqz_err *err)
{
	const struct oqz_minifloat *f = &q->mf;

	if (f->exp_bits < 1 || f->exp_bits > 8 || f->man_bits < 0 || f->man_bits > 10 || f->special > OQZ_MF_FINITE)
		OQZ_FAIL(err, OQZ_E_DATA, "no such small float: %d exponent and %d mantissa bits", f->exp_bits,
		         f->man_bits);
	if (f->special == OQZ_MF_IEEE && f->man_bits == 0)
		OQZ_FAIL(err, OQZ_E_DATA, "a small float with NaNs as in IEEE 754 has a mantissa bit");
	if (f->bias < -200 || 1 - f->bias - f->man_bits < -149 || f->max > 0x1.fffffep127)
		OQZ_FAIL(err, OQZ_E_DATA, "with bias %d and maximum %g the format has numbers beyond float32's",
		         f->bias, f->max);
	if (!(f->max > 0) || !oqz_minifloat_has(f, f->max))
		OQZ_FAIL(err, OQZ_E_DATA, "the maximum %.9g of the format is not one of its values", f->max);
	if (q->round != OQZ_ROUND_HALF_EVEN && q->round != OQZ_ROUND_HALF_TO_ZERO)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "small floats round half-even or half-toward-zero, not %s",
		         oqz_round_name(q->round));
	if (q->zero)
		OQZ_FAIL(err, OQZ_E_DATA, "small floats have no zero points");
	return OQZ_OK;
}

static enum oqz_status check_codebook(const struct oqz_fq *q, struct oqz_err *err)
{
	if (q->n_values < 1 || q->n_values > 65536 || !q->values)
		OQZ_FAIL(err, OQZ_E_DATA, "a code book has 1 to 65536 values, not %zu", q->n_values);
	for (size_t i = 0; i < q->n_values; i++) {
		if (!isfinite(q->values[i]) || (i > 0 && !((float)q->values[i] > (float)q->values[i - 1])))
			OQZ_FAIL(err, OQZ_E_DATA,
			         "value %zu of the code book is not finite or does not increase (in float32)", i);
	}
	if (q->zero)
		OQZ_FAIL(err, OQZ_E_DATA, "code books have no zero points");
	return OQZ_OK;
}

enum oqz_status oqz_fq_check(const struct oqz_fq *q, const struct oqz_shape *shape, struct oqz_err *err)
{
	if (!oqz_round_name(q->round))
		OQZ_FAIL(err, OQZ_E_DATA, "no rounding has the number %d", (int)q->round);
	switch (q->kind) {
	case OQZ_FQ_AFFINE: OQZ_TRY(check_affine(q, err)); break;
	case OQZ_FQ_MINIFLOAT: OQZ_TRY(check_minifloat(q, err)); break;
	case OQZ_FQ_CODEBOOK: OQZ_TRY(check_codebook(q, err)); break;
	default: OQZ_FAIL(err, OQZ_E_DATA, "no grid has the kind %d", (int)q->kind);
	}
	if (q->axis < -1 || q->axis >= (shape->rank < 0 ? OQZ_MAX_RANK : shape->rank))
		OQZ_FAIL(err, OQZ_E_DATA, "axis %d does not exist in a tensor of rank %d", q->axis, shape->rank);
	if (q->block < 0 || (q->block > 0 && q->axis < 0))
		OQZ_FAIL(err, OQZ_E_DATA, "blocks need an axis and a positive size");
	if (q->dynamic > OQZ_FQ_E4M3 || (q->dynamic && (q->block < 1 || q->kind == OQZ_FQ_CODEBOOK || q->zero)))
		OQZ_FAIL(err, OQZ_E_DATA,
		         "dynamic scales are for blocks of integers or small floats without zero points");
	return OQZ_OK;
}
