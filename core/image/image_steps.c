/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of the preprocessing steps, and what they share. A step has its own file, step_<name>.c: its parameter
 * table, how parameters become numbers, and the work. Roundings are those of the programs that the published models
 * were trained and measured with; they differ on purpose (see each file). Geometry: position in the net's input =
 * position in the image * scale + offset.
 */
#include "core/image/image_steps.h"

#include <string.h>

enum oqz_status oqz_step_floats(float **v, size_t *cap, size_t n, struct oqz_err *err)
{
	if (n <= *cap)
		return OQZ_OK;
	float *p = n <= SIZE_MAX / sizeof *p / 2 ? aligned_alloc(64, (n * sizeof *p + 63) / 64 * 64) : NULL;
	if (!p)
		return oqz_err_nomem(err, "prepared image", n * sizeof *p);
	free(*v);
	*v = p;
	*cap = n;
	return OQZ_OK;
}

enum oqz_status oqz_step_to_floats(struct oqz_step_state *st, const float (*table)[256], struct oqz_err *err)
{
	const size_t ch = (size_t)st->img.channels, n = (size_t)st->img.width * (size_t)st->img.height;
	const uint8_t *in = st->img.data;

	OQZ_TRY(oqz_step_floats(&st->planes, &st->planes_cap, n * ch, err));
	float *out = st->planes;
	if (ch == 3 && table) {
		const float *t0 = table[0], *t1 = table[1], *t2 = table[2];
		float *p1 = out + n, *p2 = out + 2 * n;
		for (size_t i = 0; i < n; i++, in += 3) {
			out[i] = t0[in[0]];
			p1[i] = t1[in[1]];
			p2[i] = t2[in[2]];
		}
	} else {
		for (size_t c = 0; c < ch; c++)
			for (size_t i = 0; i < n; i++)
				out[c * n + i] = table ? table[c][in[i * ch + c]] : (float)in[i * ch + c];
	}
	st->is_float = true;
	st->width = st->img.width;
	st->height = st->img.height;
	st->channels = st->img.channels;
	return OQZ_OK;
}

void oqz_step_swap(struct oqz_step_state *st)
{
	struct oqz_image t = st->img;

	st->img = st->spare;
	st->spare = t;
}

enum oqz_status oqz_step_size(const struct oqz_params *p, const char *name, int32_t *w, int32_t *h, struct oqz_err *err)
{
	const int64_t *v;
	size_t n = oqz_params_ints(p, name, &v);

	if (n > 2)
		OQZ_FAIL(err, OQZ_E_USAGE, "%s is one number or width:height", name);
	*w = n > 0 ? (int32_t)v[0] : 0;
	*h = n > 0 ? (int32_t)v[n - 1] : 0;
	return OQZ_OK;
}

void oqz_step_dims_size(const struct oqz_step *s, struct oqz_step_dims *d)
{
	d->width = s->width;
	d->height = s->height;
}

enum oqz_status oqz_step_resample(struct oqz_step_state *st, int32_t w, int32_t h, enum oqz_filter f,
                                  const struct oqz_window *win, struct oqz_err *err)
{
	if (!win && w == st->img.width && h == st->img.height)
		return OQZ_OK; /* all of them copy then */
	OQZ_TRY(oqz_resize(&st->img, w, h, f, win, &st->work, &st->spare, err));
	oqz_step_swap(st);
	return OQZ_OK;
}

void oqz_step_scale(struct oqz_geometry *g, double sx, double sy)
{
	g->scale_x *= sx;
	g->scale_y *= sy;
	g->offset_x *= sx;
	g->offset_y *= sy;
}

enum oqz_status oqz_step_place(struct oqz_step_state *st, int32_t w, int32_t h, int32_t left, int32_t top, uint8_t fill,
                               struct oqz_err *err)
{
	const struct oqz_image *src = &st->img;
	const size_t ch = (size_t)src->channels, row = (size_t)src->width * ch;

	OQZ_TRY(oqz_image_reserve(&st->spare, w, h, src->channels, err));
	memset(st->spare.data, fill, oqz_image_bytes(&st->spare));
	for (int32_t i = 0; i < src->height; i++)
		memcpy(st->spare.data + ((size_t)(top + i) * (size_t)w + (size_t)left) * ch,
		       src->data + (size_t)i * row, row);
	oqz_step_swap(st);
	st->geometry.offset_x += left;
	st->geometry.offset_y += top;
	return OQZ_OK;
}

/* A net input beyond this is a mistake in the manifest or an image of 1 x 60000 pixels; refuse before allocating. */
enum oqz_status oqz_step_check(double w, double h, struct oqz_err *err)
{
	if (!(w >= 1 && h >= 1))
		OQZ_FAIL(err, OQZ_E_DATA, "resizing leaves no pixels (%g x %g)", w, h);
	if (w > 65500 || h > 65500 || w * h > 178956970)
		OQZ_FAIL(err, OQZ_E_LIMIT, "resizing gives %.0f x %.0f pixels", w, h);
	return OQZ_OK;
}

const struct oqz_step_def *const oqz_step_defs[] = { &oqz_step_affine,    &oqz_step_center_crop, &oqz_step_color,
	                                             &oqz_step_letterbox, &oqz_step_normalize,   &oqz_step_orient,
	                                             &oqz_step_pad,       &oqz_step_resize };
const size_t oqz_step_defs_n = OQZ_COUNTOF(oqz_step_defs);
