/* SPDX-License-Identifier: Apache-2.0
 *
 * Sample pictures: the images that lost most, each with what every lane says about it, as marks over one picture. Part
 * of the results (stored and read back with them), hence plain data of bounded size; report.html draws it.
 */
#ifndef OQZ_RESULT_SAMPLE_H
#define OQZ_RESULT_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

/* DIFFERENCE: a picture to be seen beside the others, the absolute difference of the lane's PICTURE from the float
 * model's in every channel, times OQZ_DIFFERENCE_GAIN. */
enum oqz_mark_kind { OQZ_MARK_BOX, OQZ_MARK_PATH, OQZ_MARK_PICTURE, OQZ_MARK_DIFFERENCE };

/* One of 256 levels is just seen on black; a difference of 16 is white. */
enum { OQZ_DIFFERENCE_GAIN = 16 };

/* Coordinates are pixels of the picture as shown, 0, 0 its upper left corner. */
struct oqz_mark {
	uint32_t kind;   /* enum oqz_mark_kind */
	uint32_t colour; /* 0xRRGGBB */
	size_t n;        /* points: PATH any number, 1 is a dot; the others 2 (corners) */
	const double (*points)[2];
	const char *text; /* BOX: label or ""; PICTURE, DIFFERENCE: "data:image/...;base64,..." */
};

struct oqz_sample_lane {
	const char *name;    /* "truth", "float", or the scheme's */
	const char *caption; /* what the task says in words; "" */
	double value;        /* the primary metric of this image alone; NaN for the truth */
	size_t n_marks;
	const struct oqz_mark *marks;
};

struct oqz_sample {
	const char *model, *item;
	const char *metric; /* the primary one, in `unit` */
	uint32_t unit;
	int32_t width, height; /* of the picture as shown */
	const char *picture;   /* "data:image/jpeg;base64,..." */
	size_t n_lanes;
	const struct oqz_sample_lane *lanes;
};

#endif
