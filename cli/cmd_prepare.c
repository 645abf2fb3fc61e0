/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz prepare: an image -> the tensor that a model would get, and the geometry of how it came about.
 */
#include "cli/cli.h"
#include "core/base/str.h"
#include "core/run/prepare_spec.h"
#include "core/tensor/npy.h"

#include <string.h>

static const struct oqz_option options[] = {
	{ "steps", 0, "FILE|PRESET", "the list of steps (required)" },
	{ "output", 'o', "FILE",
	  "where the tensor goes: a .npy, or a .png if it is a picture of 8 bits (default: nowhere)" },
	{ 0 },
};

static void print_geometry(FILE *to, const struct oqz_geometry *g, const struct oqz_shape *shape)
{
	const struct {
		const char *name;
		double value;
	} rows[] = {
		{ "image_width", g->image_width }, { "image_height", g->image_height }, { "net_width", g->net_width },
		{ "net_height", g->net_height },   { "scale_x", g->scale_x },           { "scale_y", g->scale_y },
		{ "offset_x", g->offset_x },       { "offset_y", g->offset_y },
	};
	char text[OQZ_SHAPE_STR];
	struct oqz_str s = { 0 };

	oqz_str_add(&s, "{");
	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		oqz_str_addf(&s, "\"%s\": ", rows[i].name);
		oqz_str_add_double(&s, rows[i].value);
		oqz_str_add(&s, ", ");
	}
	fprintf(to, "%s\"shape\": %s}\n", oqz_str_get(&s), oqz_shape_str(shape, text, sizeof text));
	oqz_str_release(&s);
}

/* Planes of whole levels as a picture. */
static enum oqz_status write_png(const char *path, const struct oqz_view *v, struct oqz_err *err)
{
	const int64_t *d = v->shape.dim, n = d[2] * d[3];
	const float *planes = v->data;
	struct oqz_image img = { 0 };

	if (oqz_image_reserve(&img, (int32_t)d[3], (int32_t)d[2], (int32_t)d[1], err) != OQZ_OK)
		return err->code;
	enum oqz_status st = OQZ_OK;
	for (int64_t c = 0; c < d[1] && st == OQZ_OK; c++)
		for (int64_t i = 0; i < n && st == OQZ_OK; i++) {
			float x = planes[c * n + i];
			if (!(x >= 0 && x <= 255 && x == (float)(uint8_t)x))
				st = oqz_err_set(
				    err, OQZ_E_USAGE,
				    "%s: %g is no level of 0 to 255: leave out the step normalize, or write "
				    "a .npy",
				    path, (double)x);
			else
				img.data[i * d[1] + c] = (uint8_t)x;
		}
	if (st == OQZ_OK)
		st = oqz_image_write_png(path, &img, err);
	oqz_image_release(&img);
	return st;
}

static bool ends_in(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && strcmp(s + n - m, suffix) == 0;
}

static enum oqz_status prepare(const struct oqz_args *args, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_prepare_free_cleanup) struct oqz_prepare *p = NULL;
	OQZ_CLEANUP(oqz_preparer_free_cleanup) struct oqz_preparer *w = NULL;
	const char *steps = cli_option(args, "steps"), *out = cli_option(args, "output"), *image = args->operands.v[0];
	bool to_stdout = out && strcmp(out, "-") == 0; /* the geometry must not run into the tensor */
	struct oqz_geometry g;
	struct oqz_view view;

	if (!steps)
		OQZ_FAIL(err, OQZ_E_USAGE, "prepare: --steps FILE|PRESET is needed");
	OQZ_TRY(oqz_prepare_from_name(steps, &p, err));
	w = oqz_preparer_new(p, NULL);
	if (!w)
		return oqz_err_nomem(err, "a preparer", 1);
	OQZ_TRY(oqz_preparer_run(w, strcmp(image, "-") == 0 ? "/dev/stdin" : image, NULL, &view, &g, err));
	struct oqz_tensor t = { .dtype = view.dtype, .shape = view.shape, .data = (void *)view.data };
	if (out)
		OQZ_TRY(ends_in(out, ".png") ? write_png(out, &view, err) : oqz_npy_write(out, &t, err));
	print_geometry(to_stdout ? stderr : stdout, &g, &view.shape);
	return OQZ_OK;
}

static int run(const struct oqz_args *args)
{
	struct oqz_err err = { 0 };

	return prepare(args, &err) == OQZ_OK ? OQZ_EXIT_OK : cli_fail(&err);
}

const struct oqz_verb cmd_prepare = { "prepare", "IMAGE", "an image -> the tensor that a model would get", options, 1,
	                              1,         run };
