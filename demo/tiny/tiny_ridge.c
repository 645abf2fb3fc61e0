/* SPDX-License-Identifier: Apache-2.0
 *
 * Ridge regression by its normal equations: Cholesky (A = L L^T), forward and backward substitution. A few hundred
 * unknowns.
 */
#include "demo/tiny/tiny.h"

#include <math.h>

static enum oqz_status factor(double *a, size_t n, struct oqz_err *err)
{
	for (size_t j = 0; j < n; j++)
		for (size_t i = j; i < n; i++) {
			double s = a[i * n + j];
			for (size_t k = 0; k < j; k++)
				s -= a[i * n + k] * a[j * n + k];
			if (i == j && !(s > 0))
				OQZ_FAIL(err, OQZ_E_DATA, "the normal equations are singular in row %zu", i);
			a[i * n + j] = i == j ? sqrt(s) : s / a[j * n + j];
		}
	return OQZ_OK;
}

enum oqz_status tiny_ridge(double *a, double *b, size_t n, size_t m, double lambda, struct oqz_err *err)
{
	for (size_t i = 0; i < n; i++)
		a[i * n + i] += lambda;
	OQZ_TRY(factor(a, n, err));
	for (size_t c = 0; c < m; c++) {
		for (size_t i = 0; i < n; i++) {
			for (size_t k = 0; k < i; k++)
				b[i * m + c] -= a[i * n + k] * b[k * m + c];
			b[i * m + c] /= a[i * n + i];
		}
		for (size_t i = n; i-- > 0;) {
			for (size_t k = i + 1; k < n; k++)
				b[i * m + c] -= a[k * n + i] * b[k * m + c];
			b[i * m + c] /= a[i * n + i];
		}
	}
	return OQZ_OK;
}
