/* SPDX-License-Identifier: Apache-2.0
 *
 * Marks are kept as geometry rather than painted: lines and words stay sharp at any zoom, one photograph serves all
 * lanes, and no font has to be drawn. Only what is an image by nature (label maps, enlarged images) is encoded.
 */
#include "core/run/canvas.h"
#include "core/base/base64.h"
#include "core/base/str.h"
#include "core/image/encode.h"
#include "core/image/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST_SIDE = 192, JPEG_PHOTO = 85, JPEG_DETAIL = 92 };

/* Shown at 384 pixels at most; small views are enlarged so that there is something to see. */
static void set_view(struct oqz_drawing *d, const double view[4])
{
	memcpy(d->view, view, sizeof d->view);
	double w = view[2] - view[0], h = view[3] - view[1], longest = fmax(w, h);
	d->scale = longest > OQZ_CANVAS_SIDE ? OQZ_CANVAS_SIDE / longest
	           : longest < SMALLEST_SIDE ? SMALLEST_SIDE / longest
	                                     : 1;
	d->width = (int32_t)fmax(1, rint(w * d->scale));
	d->height = (int32_t)fmax(1, rint(h * d->scale));
}

/* Shown pixels to a hundredth: more is not seen, and every digit is stored. */
static void place(const struct oqz_drawing *d, double x, double y, double ret[2])
{
	ret[0] = rint((x - d->view[0]) * d->scale * 100) / 100;
	ret[1] = rint((y - d->view[1]) * d->scale * 100) / 100;
}

static enum oqz_status add(struct oqz_drawing *d, uint32_t kind, uint32_t colour, const double (*points)[2], size_t n,
                           const char *text, struct oqz_err *err)
{
	d->view_open = false;
	if (d->marks.n >= OQZ_CANVAS_MARKS || n > OQZ_CANVAS_POINTS - d->n_points)
		OQZ_FAIL(err, OQZ_E_LIMIT, "more than %d marks or %d points on one picture", OQZ_CANVAS_MARKS,
		         OQZ_CANVAS_POINTS);
	double(*copy)[2] = oqz_arena_alloc(d->arena, n * sizeof *copy);
	struct oqz_mark m = { kind, colour, n, copy, oqz_arena_strdup(d->arena, text) };
	if (!copy || !m.text || !oqz_vec_push(&d->marks, m))
		return oqz_err_nomem(err, "a drawing", n * sizeof *copy);
	for (size_t i = 0; i < n; i++)
		place(d, points[i][0], points[i][1], copy[i]);
	d->n_points += n;
	return OQZ_OK;
}

static enum oqz_status canvas_box(struct oqz_canvas *c, const double box[4], uint32_t colour, const char *label,
                                  struct oqz_err *err)
{
	const double corners[2][2] = { { fmin(box[0], box[2]), fmin(box[1], box[3]) },
		                       { fmax(box[0], box[2]), fmax(box[1], box[3]) } };

	return add((struct oqz_drawing *)c, OQZ_MARK_BOX, colour, corners, 2, label, err);
}

static enum oqz_status canvas_path(struct oqz_canvas *c, const double (*points)[2], size_t n, uint32_t colour,
                                   struct oqz_err *err)
{
	return add((struct oqz_drawing *)c, OQZ_MARK_PATH, colour, points, n, "", err);
}

static enum oqz_status canvas_view(struct oqz_canvas *c, const double box[4], struct oqz_err *err)
{
	struct oqz_drawing *d = (struct oqz_drawing *)c;
	double view[4] = { fmax(floor(box[0]), 0), fmax(floor(box[1]), 0), fmin(ceil(box[2]), d->image_width),
		           fmin(ceil(box[3]), d->image_height) };

	if (!d->view_open)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "draw_view() after something was drawn, or for a lane");
	if (!(view[2] - view[0] >= 1 && view[3] - view[1] >= 1))
		OQZ_FAIL(err, OQZ_E_PLUGIN, "a view outside of the image");
	set_view(d, view);
	return OQZ_OK;
}

/* ---------------------------------------------------------------------------------------------------- pictures */

static enum oqz_status data_uri(struct oqz_arena *a, const char *type, const struct oqz_str *bytes, const char **ret,
                                struct oqz_err *err)
{
	struct oqz_str uri = { 0 };

	oqz_str_addf(&uri, "data:image/%s;base64,", type);
	oqz_base64_add(&uri, bytes->s, bytes->len);
	*ret = oqz_str_ok(&uri) ? oqz_arena_strdup(a, oqz_str_get(&uri)) : NULL;
	oqz_str_release(&uri);
	return *ret ? OQZ_OK : oqz_err_nomem(err, "a picture", bytes->len);
}

static enum oqz_status encode(struct oqz_arena *a, const struct oqz_image *img, int quality, const char **ret,
                              struct oqz_err *err)
{
	struct oqz_str bytes = { 0 };
	bool png = img->channels == 4;
	enum oqz_status st = png ? oqz_png_encode(img, &bytes, err) : oqz_jpeg_encode(img, quality, &bytes, err);

	if (st == OQZ_OK)
		st = data_uri(a, png ? "png" : "jpeg", &bytes, ret, err);
	oqz_str_release(&bytes);
	return st;
}

/* The part `from` (x0, y0, x1, y1 in pixels of src) at width x height. */
static enum oqz_status cut(const struct oqz_image *src, const double from[4], int32_t width, int32_t height,
                           struct oqz_image *dst, struct oqz_err *err)
{
	const float box[4] = { (float)from[0], (float)from[1], (float)from[2], (float)from[3] };

	if (src->channels == 3) {
		struct oqz_resize_work work = { 0 };
		enum oqz_status st =
		    oqz_resize_pillow(src, box, width, height, OQZ_FILTER_PIL_BICUBIC, NULL, &work, dst, err);
		oqz_resize_work_release(&work);
		return st;
	}
	OQZ_TRY(oqz_image_reserve(dst, width, height, src->channels, err));
	size_t ch = (size_t)src->channels;
	for (int32_t y = 0; y < height; y++)
		for (int32_t x = 0; x < width; x++) {
			int32_t sx = (int32_t)(from[0] + (x + 0.5) * (from[2] - from[0]) / width),
			        sy = (int32_t)(from[1] + (y + 0.5) * (from[3] - from[1]) / height);
			sx = sx < src->width ? sx : src->width - 1;
			sy = sy < src->height ? sy : src->height - 1;
			memcpy(dst->data + ((size_t)y * (size_t)width + (size_t)x) * ch,
			       src->data + ((size_t)sy * (size_t)src->width + (size_t)sx) * ch, ch);
		}
	return OQZ_OK;
}

/* Adds what differs between the picture and the one that was kept, where both show the same part. */
static enum oqz_status add_difference(struct oqz_drawing *d, const struct oqz_image *now, const double (*at)[2],
                                      struct oqz_err *err)
{
	const struct oqz_image *before = &d->before;
	struct oqz_image diff = { 0 };
	const char *uri = NULL;

	if (!before->data || before->width != now->width || before->height != now->height ||
	    memcmp(at, d->before_at, sizeof d->before_at) != 0)
		return OQZ_OK;
	OQZ_TRY(oqz_image_reserve(&diff, now->width, now->height, now->channels, err));
	for (size_t i = 0; i < oqz_image_bytes(now); i++) {
		int x = OQZ_DIFFERENCE_GAIN * abs(now->data[i] - before->data[i]);
		diff.data[i] = (uint8_t)(x < 255 ? x : 255);
	}
	enum oqz_status st = encode(d->arena, &diff, JPEG_DETAIL, &uri, err);
	oqz_image_release(&diff);
	return st == OQZ_OK ? add(d, OQZ_MARK_DIFFERENCE, 0, at, 2, uri, err) : st;
}

/* Keeps the picture for comparisons, or compares it with the kept one. */
static enum oqz_status compare_picture(struct oqz_drawing *d, struct oqz_image *now, const double (*seen)[2],
                                       struct oqz_err *err)
{
	if (now->channels != 3)
		return OQZ_OK;
	if (!d->keep)
		return add_difference(d, now, seen, err);
	oqz_image_release(&d->before);
	d->before = *now;
	memcpy(d->before_at, seen, sizeof d->before_at);
	*now = (struct oqz_image) { 0 };
	return OQZ_OK;
}

/* What of the picture is in view, at the size at which it is shown. */
static enum oqz_status canvas_picture(struct oqz_canvas *c, const struct oqz_picture *p, const double box[4],
                                      struct oqz_err *err)
{
	struct oqz_drawing *d = (struct oqz_drawing *)c;
	const struct oqz_image src = { p->data, p->width, p->height, p->channels, 1, 0 };
	const double seen[2][2] = { { fmax(box[0], d->view[0]), fmax(box[1], d->view[1]) },
		                    { fmin(box[2], d->view[2]), fmin(box[3], d->view[3]) } };
	double sx = p->width / (box[2] - box[0]), sy = p->height / (box[3] - box[1]);
	struct oqz_image small = { 0 };
	const char *uri = NULL;

	if (!(seen[1][0] > seen[0][0] && seen[1][1] > seen[0][1]))
		return OQZ_OK; /* none of it */
	const double from[4] = { fmax((seen[0][0] - box[0]) * sx, 0), fmax((seen[0][1] - box[1]) * sy, 0),
		                 fmin((seen[1][0] - box[0]) * sx, p->width),
		                 fmin((seen[1][1] - box[1]) * sy, p->height) };
	int32_t w = (int32_t)fmax(1, rint((seen[1][0] - seen[0][0]) * d->scale)),
	        h = (int32_t)fmax(1, rint((seen[1][1] - seen[0][1]) * d->scale));
	enum oqz_status st = cut(&src, from, w, h, &small, err);
	if (st == OQZ_OK)
		st = encode(d->arena, &small, JPEG_DETAIL, &uri, err);
	if (st == OQZ_OK)
		st = add(d, OQZ_MARK_PICTURE, 0, seen, 2, uri, err);
	if (st == OQZ_OK)
		st = compare_picture(d, &small, seen, err);
	oqz_image_release(&small);
	return st;
}

enum oqz_status oqz_drawing_picture(const struct oqz_drawing *d, const struct oqz_image *img, const char **ret,
                                    struct oqz_err *err)
{
	struct oqz_image small = { 0 };
	enum oqz_status st = cut(img, d->view, d->width, d->height, &small, err);

	if (st == OQZ_OK)
		st = encode(d->arena, &small, JPEG_PHOTO, ret, err);
	oqz_image_release(&small);
	return st;
}

/* ---------------------------------------------------------------------------------------------------- life */

void oqz_drawing_init(struct oqz_drawing *d, struct oqz_arena *arena, int32_t image_width, int32_t image_height)
{
	*d = (struct oqz_drawing) { .canvas = { canvas_box, canvas_path, canvas_picture, canvas_view },
		                    .arena = arena,
		                    .image_width = image_width,
		                    .image_height = image_height,
		                    .view_open = true };
	set_view(d, (const double[]) { 0, 0, image_width, image_height });
}

const struct oqz_mark *oqz_drawing_take(struct oqz_drawing *d, size_t *ret_n)
{
	struct oqz_mark *copy = OQZ_ARENA_NEW_N(d->arena, struct oqz_mark, d->marks.n + 1);

	if (copy && d->marks.n)
		memcpy(copy, d->marks.v, d->marks.n * sizeof *copy);
	*ret_n = d->marks.n;
	d->marks.n = 0;
	d->n_points = 0;
	d->view_open = false;
	d->keep = false;
	return copy;
}

void oqz_drawing_compare_with_next(struct oqz_drawing *d) { d->keep = true; }

void oqz_drawing_release(struct oqz_drawing *d)
{
	oqz_vec_release(&d->marks);
	oqz_image_release(&d->before);
}
