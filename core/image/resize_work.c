/* SPDX-License-Identifier: Apache-2.0
 *
 * What the families of resampling share: scratch memory, and cutting a part out of an image.
 */
#include "core/base/checked.h"
#include "core/image/resize.h"

#include <string.h>

void oqz_resize_work_release(struct oqz_resize_work *w)
{
	oqz_image_release(&w->tmp);
	free(w->table);
	memset(w, 0, sizeof *w);
}

void *oqz_resize_work_table(struct oqz_resize_work *w, size_t bytes)
{
	bytes = oqz_align_up(bytes, 64);
	if (bytes > w->table_cap) {
		void *p = aligned_alloc(64, bytes);
		if (!p)
			return NULL;
		free(w->table);
		w->table = p;
		w->table_cap = bytes;
	}
	return w->table;
}

enum oqz_status oqz_image_crop(const struct oqz_image *src, const struct oqz_window *win, struct oqz_image *dst,
                               struct oqz_err *err)
{
	size_t ch = (size_t)src->channels, n = (size_t)win->width * ch;

	OQZ_TRY(oqz_image_reserve(dst, win->width, win->height, src->channels, err));
	for (int32_t y = 0; y < win->height; y++)
		memcpy(dst->data + (size_t)y * n,
		       src->data + ((size_t)(win->y + y) * (size_t)src->width + (size_t)win->x) * ch, n);
	return OQZ_OK;
}
