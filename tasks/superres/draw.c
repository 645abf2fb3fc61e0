/* SPDX-License-Identifier: Apache-2.0
 *
 * The enlarged image, cut to where differences can be seen: the window of the reference with the most texture, which is
 * the same for every lane. Beneath lies the small image.
 */
#include "superres.h"

enum { WINDOW = 3, BLOCK = 16 }; /* a view is WINDOW x WINDOW blocks of BLOCK x BLOCK pixels of the small image */

/* Sum of the steps in green from pixel to pixel in a block of the reference. */
static uint64_t texture(const struct oqz_picture *p, int64_t x0, int64_t y0, int64_t side)
{
	uint64_t sum = 0;

	for (int64_t y = y0; y < y0 + side && y + 1 < p->height; y++)
		for (int64_t x = x0; x < x0 + side && x + 1 < p->width; x++) {
			const uint8_t *v = p->data + 3 * (y * p->width + x) + 1;
			int dx = v[3] - v[0], dy = v[3 * p->width] - v[0];
			sum += (uint64_t)((dx < 0 ? -dx : dx) + (dy < 0 ? -dy : dy));
		}
	return sum;
}

/* Finds the window by its sum over blocks, `scale` pixels of the reference to one of the image. */
static void find_window(const struct oqz_picture *hr, int64_t scale, double view[4])
{
	int64_t step = BLOCK * scale, nx = hr->width / step, ny = hr->height / step;
	int64_t wx = nx < WINDOW ? nx : WINDOW, wy = ny < WINDOW ? ny : WINDOW, best_x = 0, best_y = 0;
	uint64_t best = 0;

	for (int64_t y = 0; y + wy <= ny; y++)
		for (int64_t x = 0; x + wx <= nx; x++) {
			uint64_t sum = 0;
			for (int64_t i = 0; i < wx * wy; i++)
				sum += texture(hr, (x + i % wx) * step, (y + i / wx) * step, step);
			if (sum <= best)
				continue;
			best = sum;
			best_x = x;
			best_y = y;
		}
	view[0] = (double)(best_x * BLOCK);
	view[1] = (double)(best_y * BLOCK);
	view[2] = view[0] + BLOCK * WINDOW;
	view[3] = view[1] + BLOCK * WINDOW;
}

static enum oqz_status draw_reference(const struct task *t, const struct oqz_item *item, const struct oqz_geometry *g,
                                      void *canvas, struct oqz_failure *f)
{
	struct oqz_picture hr;
	double view[4];
	enum oqz_status st = t->host->load_image(t->hr.v[item->tag], OQZ_PICTURE_RGB, &hr, f);

	if (st != OQZ_OK)
		return st;
	int64_t scale = hr.width / g->image_width;
	if (scale >= 1) {
		const double box[4] = { 0, 0, (double)hr.width / (double)scale, (double)hr.height / (double)scale };
		find_window(&hr, scale, view);
		st = t->task_host->draw_view(canvas, view, f);
		if (st == OQZ_OK)
			st = t->task_host->draw_picture(canvas, &hr, box, f);
	}
	t->host->free_mem(hr.data);
	return st;
}

enum oqz_status superres_draw(void *self, const struct oqz_item *item, const struct oqz_record *record,
                              const struct oqz_output *outputs, size_t n_outputs, const struct oqz_geometry *geometry,
                              void *canvas, struct oqz_failure *f)
{
	const struct task *t = self;
	const double box[4] = { 0, 0, geometry->image_width, geometry->image_height };
	struct oqz_picture p = { 0 };

	if (!record)
		return item->tag < t->hr.n ? draw_reference(t, item, geometry, canvas, f) : OQZ_OK;
	enum oqz_status st = superres_pixels(t, outputs, n_outputs, geometry, &p, f);
	if (st == OQZ_OK)
		st = t->task_host->draw_picture(canvas, &p, box, f);
	t->host->free_mem(p.data);
	return st;
}
