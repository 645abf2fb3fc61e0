/* SPDX-License-Identifier: Apache-2.0
 *
 * Step normalize: bytes to float32.
 */
#include "core/image/image_steps.h"

static const struct oqz_param normalize_params[] = {
	{ "scale", OQZ_P_FLOAT, "255", 0, 1e6, NULL, NULL, "first divide by this" },
	{ "mean", OQZ_P_FLOATS, "", -1e6, 1e6, NULL, NULL, "then subtract: one number, or one per channel" },
	{ "std", OQZ_P_FLOATS, "", 0, 1e6, NULL, NULL, "then divide: one number, or one per channel" },
	{ 0 },
};

/* Three float32 operations in this order, each rounded, as torch and numpy do them; a byte has 256 values, so they are
 * done 256 times per channel and looked up. */
static enum oqz_status normalize_parse(const struct oqz_params *p, const struct oqz_step_dims *dims, struct oqz_step *s,
                                       struct oqz_err *err)
{
	const double *mean, *std;
	size_t nm = oqz_params_floats(p, "mean", &mean), ns = oqz_params_floats(p, "std", &std);
	const size_t channels = (size_t)dims->channels;
	float scale = (float)oqz_params_float(p, "scale");

	if (!(scale > 0))
		OQZ_FAIL(err, OQZ_E_USAGE, "scale must be greater than 0");
	if ((nm > 1 && nm != channels) || (ns > 1 && ns != channels))
		OQZ_FAIL(err, OQZ_E_USAGE, "mean and std are one number or %zu, one per channel", channels);
	for (size_t i = 0; i < ns; i++)
		if (!((float)std[i] > 0))
			OQZ_FAIL(err, OQZ_E_USAGE, "std must be greater than 0");
	for (size_t c = 0; c < channels; c++) {
		float m = nm ? (float)mean[nm > 1 ? c : 0] : 0, d = ns ? (float)std[ns > 1 ? c : 0] : 1;
		for (int v = 0; v < 256; v++) {
			float x = (float)v / scale;
			x = x - m;
			s->u.table[c][v] = x / d;
		}
	}
	return OQZ_OK;
}

static enum oqz_status normalize_run(const struct oqz_step *s, struct oqz_step_state *st, struct oqz_err *err)
{
	return oqz_step_to_floats(st, s->u.table, err);
}

static void normalize_dims(const struct oqz_step *s, struct oqz_step_dims *d) { d->is_float = true; }

const struct oqz_step_def oqz_step_normalize = { { "normalize", "to float32: (v / scale - mean) / std", "scale",
	                                           normalize_params },
	                                         true,
	                                         false,
	                                         normalize_parse,
	                                         normalize_run,
	                                         normalize_dims };
