/* SPDX-License-Identifier: Apache-2.0
 *
 * What improvements left in two plans: replaced constants by how far apart they are, rescaled values by their factors.
 */
#include "core/quant/qplan_diff.h"

#include <math.h>
#include <string.h>

static enum oqz_status add(struct oqz_qplan_diff *d, const struct oqz_qplan_numbers *n, struct oqz_err *err)
{
	return oqz_vec_push(&d->numbers, *n) ? OQZ_OK : oqz_err_nomem(err, "differences", d->numbers.n);
}

static const struct oqz_qplan_constant *find_constant(const struct oqz_qplan *p, const struct oqz_qplan_constant *c)
{
	for (size_t i = 0; i < p->constants.n; i++)
		if (p->constants.v[i].input == c->input && strcmp(p->constants.v[i].node, c->node) == 0)
			return &p->constants.v[i];
	return NULL;
}

/* ||b - a|| / ||a||; infinite where the shapes are not alike, or a is all zeros. */
static double distance(const struct oqz_tensor *a, const struct oqz_tensor *b)
{
	const float *x = a->data, *y = b->data;
	double apart = 0, norm = 0;

	if (!oqz_shape_equal(&a->shape, &b->shape))
		return INFINITY;
	for (int64_t i = 0; i < oqz_tensor_nelem(a); i++) {
		double e = (double)y[i] - (double)x[i];
		apart += e * e;
		norm += (double)x[i] * (double)x[i];
	}
	return apart == 0 ? 0 : norm > 0 ? sqrt(apart / norm) : INFINITY;
}

static enum oqz_status constants(const struct oqz_qplan *a, const struct oqz_qplan *b, struct oqz_qplan_diff *d,
                                 struct oqz_err *err)
{
	for (size_t i = 0; i < a->constants.n; i++) {
		const struct oqz_qplan_constant *x = &a->constants.v[i], *y = find_constant(b, x);
		const struct oqz_qplan_numbers n = { .name = x->node,
			                             .input = x->input,
			                             .in_a = true,
			                             .in_b = y != NULL,
			                             .apart = y ? distance(&x->value, &y->value) : 0 };
		if (!y || n.apart > 0)
			OQZ_TRY(add(d, &n, err));
	}
	for (size_t i = 0; i < b->constants.n; i++) {
		const struct oqz_qplan_constant *y = &b->constants.v[i];
		if (!find_constant(a, y))
			OQZ_TRY(add(d, &(struct oqz_qplan_numbers) { .name = y->node, .input = y->input, .in_b = true },
			            err));
	}
	return OQZ_OK;
}

static enum oqz_status gains(const struct oqz_qplan *a, const struct oqz_qplan *b, struct oqz_qplan_diff *d,
                             struct oqz_err *err)
{
	for (size_t i = 0; i < a->gains.n; i++) {
		const struct oqz_qplan_gain *x = &a->gains.v[i], *y = oqz_qplan_gain(b, x->value);
		struct oqz_qplan_numbers n = { .name = x->value, .gain = true, .in_a = true, .in_b = y != NULL };
		if (y && (x->n != y->n || x->axis != y->axis))
			n.apart = INFINITY;
		for (size_t k = 0; y && n.apart < INFINITY && k < x->n; k++)
			n.apart = fmax(n.apart, fabs((double)y->factor[k] / (double)x->factor[k] - 1));
		if (!y || n.apart > 0)
			OQZ_TRY(add(d, &n, err));
	}
	for (size_t i = 0; i < b->gains.n; i++)
		if (!oqz_qplan_gain(a, b->gains.v[i].value))
			OQZ_TRY(add(
			    d, &(struct oqz_qplan_numbers) { .name = b->gains.v[i].value, .gain = true, .in_b = true },
			    err));
	return OQZ_OK;
}

enum oqz_status oqz_numbers_diff(const struct oqz_qplan *a, const struct oqz_qplan *b, struct oqz_qplan_diff *d,
                                 struct oqz_err *err)
{
	OQZ_TRY(constants(a, b, d, err));
	return gains(a, b, d, err);
}
