/* SPDX-License-Identifier: Apache-2.0
 *
 * The two largest values of each row, for the calibrator isotone, which asks whether a grid keeps them apart. All pairs
 * are kept, since the rule counts rows; that is meant for the outputs of classifiers and of Softmax, and so has a
 * limit.
 */
#include "core/quant/observer.h"

#include <math.h>

enum { MAX_ROWS = 1 << 23 };

static bool top2(const float *x, size_t n, struct oqz_top2 *ret)
{
	float a = -INFINITY, b = -INFINITY;

	for (size_t i = 0; i < n; i++) {
		if (!isfinite(x[i]) || x[i] <= b)
			continue;
		b = x[i] > a ? a : x[i];
		a = x[i] > a ? x[i] : a;
	}
	/* + 0.0f: which zero came first is an accident */
	*ret = (struct oqz_top2) { a + 0.0f, b > -INFINITY ? b + 0.0f : 0 };
	return a > -INFINITY;
}

enum oqz_status oqz_rows_add(struct oqz_observer *o, int64_t image, const float *x, size_t n, size_t row,
                             struct oqz_err *err)
{
	struct oqz_top2 t;

	if (n == 0)
		return OQZ_OK;
	if (row == 0 || n % row != 0)
		OQZ_FAIL(err, OQZ_E_INTERNAL, "rows of %zu do not make up %zu numbers", row, n);
	if (n / row > MAX_ROWS - o->rows.n)
		OQZ_FAIL(err, OQZ_E_LIMIT,
		         "calibrator isotone keeps at most %d rows of a tensor: calibrate with fewer images, or use it "
		         "for the outputs of classifiers only",
		         MAX_ROWS);
	for (size_t i = 0; i < n; i += row) {
		if (!top2(x + i, row, &t))
			continue;
		if (!oqz_vec_push(&o->rows, t))
			return oqz_err_nomem(err, "rows", o->rows.n * sizeof t);
		if (image >= o->last_image) {
			o->last_image = image;
			o->last_top = t.first;
		}
	}
	return OQZ_OK;
}

enum oqz_status oqz_rows_merge(struct oqz_observer *o, const struct oqz_observer *from, struct oqz_err *err)
{
	if (from->rows.n > MAX_ROWS - o->rows.n)
		OQZ_FAIL(err, OQZ_E_LIMIT, "calibrator isotone keeps at most %d rows of a tensor", MAX_ROWS);
	for (size_t i = 0; i < from->rows.n; i++)
		if (!oqz_vec_push(&o->rows, from->rows.v[i]))
			return oqz_err_nomem(err, "rows", from->rows.n * sizeof *from->rows.v);
	if (from->rows.n && from->last_image >= o->last_image) {
		o->last_image = from->last_image;
		o->last_top = from->last_top;
	}
	return OQZ_OK;
}
