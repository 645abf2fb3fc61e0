/* SPDX-License-Identifier: Apache-2.0
 *
 * Resize and the grid operators. Expected values are those of the definition worked out by hand for short signals, or
 * properties: an affine ramp stays a ramp, a constant stays constant under every mode.
 */
#include "tests/support/op_text.h"
#include <math.h>

#define SCALES(s) "; -; float32[1]: " s

START_TEST(coordinates_by_hand)
{
	static const struct op_row rows[] = {
		{ "Resize", "", "float32[2]: 1 2" SCALES("2"), "float32[4]: 1 1 2 2" },
		{ "Resize", "coordinate_transformation_mode=asymmetric nearest_mode=floor",
		  "float32[3]: 1 2 3; -; -; int64[1]: 5", "float32[5]: 1 1 2 2 3" },
		{ "Resize", "coordinate_transformation_mode=asymmetric nearest_mode=ceil",
		  "float32[3]: 1 2 3" SCALES("2"), "float32[6]: 1 2 2 3 3 3" },
		{ "Resize", "nearest_mode=round_prefer_ceil coordinate_transformation_mode=asymmetric",
		  "float32[2]: 1 2" SCALES("2"), "float32[4]: 1 2 2 2" },
		{ "Resize", "mode=linear", "float32[2]: 0 4" SCALES("2"), "float32[4]: 0 1 3 4" },
		{ "Resize", "mode=linear coordinate_transformation_mode=align_corners",
		  "float32[2]: 0 3; -; -; int64[1]: 4", "float32[4]: 0 1 2 3", 1e-6 },
		{ "Resize", "mode=linear coordinate_transformation_mode=asymmetric", "float32[2]: 0 4" SCALES("2"),
		  "float32[4]: 0 2 4 4" },
		{ "Resize", "mode=linear coordinate_transformation_mode=pytorch_half_pixel",
		  "float32[3]: 5 6 7; -; -; int64[1]: 1", "float32[1]: 5" },
		{ "Resize", "mode=linear", "float32[3]: 5 6 7; -; -; int64[1]: 1", "float32[1]: 6" },
		{ "Resize", "mode=cubic coordinate_transformation_mode=pytorch_half_pixel",
		  "float32[4]: 5 6 9 7; -; -; int64[1]: 1", "float32[1]: 5" },
		/* Shrinking by two: taps -2..1 around 0.5 with weights 1/8 3/8 3/8 1/8. */
		{ "Resize", "mode=linear antialias=1", "float32[4]: 8 0 0 8" SCALES("0.5"), "float32[2]: 4 4" },
		{ "Resize", "mode=linear antialias=1 exclude_outside=1", "float32[4]: 7 0 0 7" SCALES("0.5"),
		  "float32[2]: 3 3" },
		/* Cubic at distance 0.25 with a = -0.75. */
		{ "Resize", "mode=cubic", "float32[4]: 0 0 1 0" SCALES("2"),
		  "float32[8]: 0 -0.03515625 -0.10546875 0.26171875 0.87890625 0.87890625 0.26171875 -0.10546875",
		  1e-6 },
		{ "Resize", "mode=linear coordinate_transformation_mode=tf_crop_and_resize extrapolation_value=9.0",
		  "float32[3]: 0 1 2; float32[2]: 0.5 1.5; -; int64[1]: 3", "float32[3]: 1 2 9" },
		/* The region does not count for the length. */
		{ "Resize", "mode=linear coordinate_transformation_mode=tf_crop_and_resize",
		  "float32[4]: 0 1 2 3; float32[2]: 0 0.5; float32[1]: 1", "float32[4]: 0 0.5 1 1.5" },
		{ "Resize", "keep_aspect_ratio_policy=not_larger", "float32[2,4]: 1; -; -; int64[2]: 4 4",
		  "float32[2,4]: 1" },
		{ "Resize", "keep_aspect_ratio_policy=not_smaller", "float32[2,4]: 1; -; -; int64[2]: 4 4",
		  "float32[4,8]: 1" },
		{ "Resize", "coordinate_transformation_mode=tf_half_pixel_for_nn nearest_mode=floor",
		  "float32[2]: 1 2; float32[0]:; float32[1]: 2", "float32[4]: 1 1 2 2", 0, 11 },
		{ "Resize", "axes=[1]", "float32[1,2]: 1 2" SCALES("2"), "float32[1,4]: 1 1 2 2" },
		{ "Resize", "", "uint8[2]: 1 2" SCALES("2"), "uint8[4]: 1 1 2 2" },
		{ "Resize", "", "float32[10]: 1; -; float32[1]: 0.7", "float32[7]: 1" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_check(&(struct op_row) { "Upsample", "mode=linear", "float32[1,2]: 0 4; float32[2]: 1 2",
	                            "float32[1,4]: 0 2 4 4", 0, 9 });
	op_refuses(&(struct op_row) { "Resize", "", "float32[2]: 1" }, OQZ_E_DATA, "either");
	op_refuses(&(struct op_row) { "Resize", "", "float32[2]: 1; -; float32[2]: 1 1" }, OQZ_E_DATA, "scales");
	op_refuses(&(struct op_row) { "Resize", "", "float32[2]: 1; -; float32[1]: -1" }, OQZ_E_DATA, "positive");
}
END_TEST

START_TEST(constants_stay_constant)
{
	static const char *const modes[] = { "nearest", "linear", "cubic" };
	static const char *const transforms[] = { "half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric",
		                                  "half_pixel_symmetric" };
	static const double scales[] = { 0.3, 0.5, 0.9, 1, 1.7, 2, 3.25 };

	for (size_t m = 0; m < OQZ_COUNTOF(modes); m++)
		for (size_t t = 0; t < OQZ_COUNTOF(transforms); t++)
			for (size_t s = 0; s < OQZ_COUNTOF(scales); s++)
				for (int anti = 0; anti < (m ? 2 : 1); anti++) {
					char attrs[200], in[100], out[100];
					int h = (int)floorf((float)scales[s] * 7),
					    w = (int)floorf((float)scales[s] * 9);

					snprintf(
					    attrs, sizeof attrs,
					    "mode=%s coordinate_transformation_mode=%s antialias=%d exclude_outside=%d",
					    modes[m], transforms[t], anti, (int)s % 2);
					snprintf(in, sizeof in, "float32[1,2,7,9]: 2.5; -; float32[4]: 1 1 %g %g",
					         scales[s], scales[s]);
					snprintf(out, sizeof out, "float32[1,2,%d,%d]: 2.5", h, w);
					op_check(&(struct op_row) { "Resize", attrs, in, out, 1e-6 });
				}
}
END_TEST

START_TEST(grids_by_hand)
{
	static const struct op_row rows[] = {
		{ "GridSample", "", "float32[1,1,1,2]: 2 4; float32[1,1,3,2]: 0 0 -0.5 0 3 0",
		  "float32[1,1,1,3]: 3 2 0" },
		{ "GridSample", "align_corners=1 padding_mode=border",
		  "float32[1,1,1,3]: 2 4 6; float32[1,1,3,2]: -1 0 0.5 0 9 0", "float32[1,1,1,3]: 2 5 6" },
		{ "GridSample", "mode=nearest", "float32[1,1,2,2]: 1 2 3 4; float32[1,1,2,2]: -0.5 0.5 0.5 -0.5",
		  "float32[1,1,1,2]: 3 2" },
		{ "GridSample", "mode=bilinear padding_mode=reflection align_corners=1",
		  "float32[1,1,1,3]: 2 4 6; float32[1,1,1,2]: 1.5 0", "float32[1,1,1,1]: 5", 0, 16 },
		{ "GridSample", "mode=cubic align_corners=1 padding_mode=border",
		  "float32[1,1,3,3]: 3; float32[1,1,1,2]: 0.3 0.2", "float32[1,1,1,1]: 3", 1e-6 },
		{ "AffineGrid", "align_corners=1", "float32[1,2,3]: 1 0 0 0 2 0.5; int64[4]: 1 1 2 2",
		  "float32[1,2,2,2]: -1 -1.5 1 -1.5 -1 2.5 1 2.5" },
		{ "AffineGrid", "", "float32[1,2,3]: 1 0 0 0 1 0; int64[4]: 1 1 1 2",
		  "float32[1,1,2,2]: -0.5 0 0.5 0" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
}
END_TEST

OQZ_TEST_MAIN("op_resize", coordinates_by_hand, constants_stay_constant, grids_by_hand)
