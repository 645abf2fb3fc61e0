/* SPDX-License-Identifier: Apache-2.0
 *
 * The calibrators' own parameters, as int8 and fp8 have them: rows for a parameter table.
 */
#ifndef OQZ_QUANTIZERS_CALIBRATE_PARAMS_H
#define OQZ_QUANTIZERS_CALIBRATE_PARAMS_H

#include <oqz/quantizer.h>

static const char *const calibrate_scopes[] = { "dataset", "batch", NULL };

#define CALIBRATE_PARAMS                                                                                         \
	{ .name = "q",                                                                                           \
	  .type = OQZ_P_FLOAT,                                                                                   \
	  .dflt = "0.9999",                                                                                      \
	  .min = 0.501,                                                                                          \
	  .max = 1,                                                                                              \
	  .unit = "ratio",                                                                                       \
	  .help = "quantile of percentile" },                                                                    \
	    { .name = "scope",                                                                                   \
	      .type = OQZ_P_STRING,                                                                              \
	      .dflt = "dataset",                                                                                 \
	      .choices = calibrate_scopes,                                                                       \
	      .help = "percentile of all images, or of each batch and then averaged" },                          \
	{                                                                                                        \
		.name = "momentum", .type = OQZ_P_FLOAT, .dflt = "0.1", .min = 0.001, .max = 1, .unit = "ratio", \
		.help = "weight of a new batch in ema"                                                           \
	}

#endif
