/* SPDX-License-Identifier: Apache-2.0
 *
 * Figures as text; see figures.h.
 */
#include "core/result/figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* -1 as a share is one of nothing: no such object or class. */
static bool exists(uint32_t unit, double x) { return !isnan(x) && !(unit == OQZ_UNIT_RATIO && x == -1); }

void oqz_format_delta(char *buf, size_t size, const struct oqz_metric_result *m)
{
	bool both = exists(m->unit, m->value_float) && exists(m->unit, m->value_quantized);

	oqz_format_value(buf, size, m->unit, both ? m->delta : NAN, true);
}

void oqz_format_value(char *buf, size_t size, uint32_t unit, double x, bool sign)
{
	if (isnan(x) || (!sign && !exists(unit, x)))
		snprintf(buf, size, "-");
	else if (unit == OQZ_UNIT_RATIO)
		snprintf(buf, size, sign ? "%+.2f" : "%.2f", 100 * x);
	else if (unit == OQZ_UNIT_DECIBEL)
		snprintf(buf, size, sign ? "%+.3f" : "%.3f", x);
	else
		snprintf(buf, size, sign ? "%+.4g" : "%.5g", x);
}

const char *oqz_unit_suffix(uint32_t unit)
{
	static const char *const suffixes[] = { [OQZ_UNIT_RATIO] = " %", [OQZ_UNIT_DECIBEL] = " dB",
		                                [OQZ_UNIT_PIXELS] = " px" };

	return unit < OQZ_COUNTOF(suffixes) && suffixes[unit] ? suffixes[unit] : "";
}

void oqz_format_error(char *buf, size_t size, double x)
{
	if (isnan(x))
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, "%.4f", x);
}

void oqz_format_interval(char *buf, size_t size, const struct oqz_metric_result *m)
{
	char lo[40], hi[40];

	if (isnan(m->ci_lo) || isnan(m->ci_hi)) {
		snprintf(buf, size, "-");
		return;
	}
	oqz_format_value(lo, sizeof lo, m->unit, m->ci_lo, true);
	oqz_format_value(hi, sizeof hi, m->unit, m->ci_hi, true);
	snprintf(buf, size, "%s .. %s", lo, hi);
}

void oqz_format_p(char *buf, size_t size, double p)
{
	if (isnan(p))
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, p < 0.001 ? "<0.001" : "%.3f", p);
}

int oqz_metric_tone(const struct oqz_metric_result *m)
{
	bool worse = m->higher_is_better ? m->delta < 0 : m->delta > 0;

	return (isnan(m->p_holm) ? m->p : m->p_holm) < 0.05 && m->delta != 0 ? (worse ? -1 : 1) : 0;
}

bool oqz_results_has_cells(const struct oqz_results *r, const char *model)
{
	for (size_t i = 0; i < r->cells.n; i++)
		if (strcmp(r->cells.v[i]->model, model) == 0)
			return true;
	return false;
}
