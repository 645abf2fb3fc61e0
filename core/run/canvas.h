/* SPDX-License-Identifier: Apache-2.0
 *
 * The paper that tasks draw on: collects marks over an item's picture, in the pixels that the report shows, and keeps
 * everything small: sides of OQZ_CANVAS_SIDE pixels, a few hundred marks, embedded pictures encoded.
 */
#ifndef OQZ_RUN_CANVAS_H
#define OQZ_RUN_CANVAS_H

#include "core/base/arena.h"
#include "core/base/vec.h"
#include "core/image/image.h"
#include "core/result/sample.h"
#include "plugins/task_instance.h"

enum { OQZ_CANVAS_SIDE = 384, OQZ_CANVAS_MARKS = 400, OQZ_CANVAS_POINTS = 2000 };

struct oqz_drawing {
	struct oqz_canvas canvas; /* what tasks get; first, so that its callbacks find the rest */
	struct oqz_arena *arena;  /* of everything in marks */
	double view[4];           /* x0, y0, x1, y1 in image pixels */
	double scale;             /* shown pixels per image pixel */
	int32_t width, height;    /* as shown */
	int32_t image_width, image_height;
	bool view_open; /* the truth is being drawn and nothing is drawn yet */
	size_t n_points;
	bool keep;               /* the lane that the others are compared with is being drawn */
	struct oqz_image before; /* its picture in shown pixels, at these corners */
	double before_at[2][2];
	OQZ_VEC(struct oqz_mark) marks;
};

/* A drawing over an image of that size, the whole of it in view until the task says otherwise. */
void oqz_drawing_init(struct oqz_drawing *d, struct oqz_arena *arena, int32_t image_width, int32_t image_height);
/* The picture without alpha that is drawn next (until the next oqz_drawing_take) is what those of later lanes at the
 * same place are compared with: each of them gets a mark OQZ_MARK_DIFFERENCE besides its own. */
void oqz_drawing_compare_with_next(struct oqz_drawing *d);
/* Moves the marks of a lane into the arena and is ready for the next lane. NULL when out of memory. */
const struct oqz_mark *oqz_drawing_take(struct oqz_drawing *d, size_t *ret_n);
void oqz_drawing_release(struct oqz_drawing *d);
/* The image's part in view as "data:image/jpeg;base64,...", in the arena. */
enum oqz_status oqz_drawing_picture(const struct oqz_drawing *d, const struct oqz_image *img, const char **ret,
                                    struct oqz_err *err);

#endif
