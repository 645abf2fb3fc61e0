/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of steps: checking it, and running it with one worker's buffers. What the steps do is in image_steps.c.
 */
#include "core/image/image_steps.h"
#include "core/base/str.h"
#include "core/base/vec.h"

#include <stdio.h>
#include <string.h>

struct oqz_prepare {
	struct oqz_step *steps;
	size_t n;
	struct oqz_step_dims dims; /* of the result */
};

struct oqz_preparer {
	const struct oqz_prepare *list;
	struct oqz_image_limits limits;
	struct oqz_image_file file;
	struct oqz_step_state state;
};

const struct oqz_step_kind *const *oqz_steps(size_t *ret_n)
{
	/* `info` is the first member, so the table of definitions is a table of infos. */
	_Static_assert(offsetof(struct oqz_step_def, info) == 0, "info must come first");
	*ret_n = oqz_step_defs_n;
	return (const struct oqz_step_kind *const *)oqz_step_defs;
}

static const struct oqz_step_def *find(const char *name)
{
	for (size_t i = 0; i < oqz_step_defs_n; i++)
		if (strcmp(oqz_step_defs[i]->info.name, name) == 0)
			return oqz_step_defs[i];
	return NULL;
}

const struct oqz_step_kind *oqz_step_find(const char *name)
{
	const struct oqz_step_def *def = find(name);

	return def ? &def->info : NULL;
}

static enum oqz_status unknown(const char *name, const char *owner, struct oqz_err *err)
{
	const char *names[32];
	size_t n = 0;

	for (; n < oqz_step_defs_n && n < OQZ_COUNTOF(names); n++)
		names[n] = oqz_step_defs[n]->info.name;
	const char *near = oqz_str_nearest(name, names, n);
	OQZ_FAIL(err, OQZ_E_USAGE, "%s: no preprocessing step is called \"%s\"%s%s%s", owner, name,
	         near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static enum oqz_status add_step(struct oqz_prepare *p, const struct oqz_step_spec *spec, const char *owner,
                                struct oqz_err *err)
{
	const struct oqz_step_def *def = find(spec->name);
	struct oqz_step *s = &p->steps[p->n];
	char who[200];

	if (!def)
		return unknown(spec->name, owner, err);
	snprintf(who, sizeof who, "%s: step %s", owner, spec->name);
	if (p->dims.is_float ? !def->on_floats : !def->on_bytes)
		OQZ_FAIL(err, OQZ_E_USAGE, "%s works on the 8-bit image and must stand before normalize", who);
	s->def = def;
	p->n++; /* from here on oqz_prepare_free() releases it */
	OQZ_TRY(oqz_params_new(def->info.params, spec->values, spec->n, who, &s->params, err));
	enum oqz_status st = def->parse(s->params, &p->dims, s, err);
	if (st != OQZ_OK)
		return oqz_err_prefix(err, "%s", who);
	def->dims(s, &p->dims);
	p->dims.touched = true;
	return OQZ_OK;
}

enum oqz_status oqz_prepare_new(const struct oqz_step_spec *steps, size_t n, const char *owner,
                                struct oqz_prepare **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_prepare_free_cleanup) struct oqz_prepare *p = calloc(1, sizeof *p);

	if (!p || !(p->steps = calloc(n ? n : 1, sizeof *p->steps)))
		return oqz_err_nomem(err, "preprocessing steps", n * sizeof *p->steps);
	p->dims = (struct oqz_step_dims) { -1, -1, 3, false };
	for (size_t i = 0; i < n; i++) {
		struct oqz_err local;
		struct oqz_err *e = err ? err : &local;
		enum oqz_status st = add_step(p, &steps[i], owner, e);
		if (st == OQZ_OK)
			continue;
		/* Parameter errors carry their own, finer place. */
		if (steps[i].where && strncmp(e->msg, steps[i].where, strcspn(steps[i].where, ":")) != 0)
			oqz_err_prefix(e, "%s", steps[i].where);
		return st;
	}
	*ret = oqz_steal(p);
	return OQZ_OK;
}

void oqz_prepare_free(struct oqz_prepare *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		oqz_params_free(p->steps[i].params);
	free(p->steps);
	free(p);
}

void oqz_prepare_canonical(const struct oqz_prepare *p, struct oqz_str *out)
{
	for (size_t i = 0; i < p->n; i++) {
		oqz_str_addf(out, "%s%s(", i ? " " : "", p->steps[i].def->info.name);
		oqz_params_canonical(p->steps[i].params, out);
		oqz_str_add(out, ")");
	}
}

struct oqz_shape oqz_prepare_shape(const struct oqz_prepare *p)
{
	return (struct oqz_shape) { 4, { 1, p->dims.channels, p->dims.height, p->dims.width } };
}

struct oqz_preparer *oqz_preparer_new(const struct oqz_prepare *p, const struct oqz_image_limits *limits)
{
	struct oqz_preparer *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->list = p;
	if (limits)
		w->limits = *limits;
	return w;
}

void oqz_preparer_free(struct oqz_preparer *w)
{
	if (!w)
		return;
	oqz_image_file_release(&w->file);
	oqz_image_release(&w->state.img);
	oqz_image_release(&w->state.spare);
	oqz_resize_work_release(&w->state.work);
	free(w->state.planes);
	free(w->state.spare_planes);
	free(w);
}

/* Runs the list on state.img. */
static enum oqz_status run(struct oqz_preparer *w, const char *name, const double *box, struct oqz_view *ret,
                           struct oqz_geometry *ret_geometry, struct oqz_err *err)
{
	struct oqz_step_state *st = &w->state;
	const struct oqz_prepare *list = w->list;
	enum oqz_status code = OQZ_OK;

	st->is_float = false;
	st->box = box;
	st->geometry = (struct oqz_geometry) {
		.image_width = st->img.width, .image_height = st->img.height, .scale_x = 1, .scale_y = 1
	};
	for (size_t i = 0; i < list->n && code == OQZ_OK; i++) {
		const struct oqz_step *s = &list->steps[i];
		st->next = i + 1 < list->n ? s + 1 : NULL;
		st->skip_next = false;
		code = s->def->run(s, st, err);
		i += st->skip_next;
	}
	if (code == OQZ_OK && !st->is_float)
		code = oqz_step_to_floats(st, NULL, err);
	if (code != OQZ_OK)
		return oqz_err_prefix(err, "%s", name), code;
	st->geometry.net_width = st->width;
	st->geometry.net_height = st->height;
	*ret_geometry = st->geometry;
	*ret = (struct oqz_view) { .dtype = OQZ_DT_F32,
		                   .shape = { 4, { 1, st->channels, st->height, st->width } },
		                   .data = st->planes };
	return OQZ_OK;
}

enum oqz_status oqz_preparer_run_data(struct oqz_preparer *w, const void *data, size_t size, const char *name,
                                      const double *box, struct oqz_view *ret, struct oqz_geometry *ret_geometry,
                                      struct oqz_err *err)
{
	OQZ_TRY(oqz_image_decode(data, size, name, OQZ_IMAGE_RGB, &w->limits, &w->state.img, err));
	return run(w, name, box, ret, ret_geometry, err);
}

enum oqz_status oqz_preparer_run(struct oqz_preparer *w, const char *path, const double *box, struct oqz_view *ret,
                                 struct oqz_geometry *ret_geometry, struct oqz_err *err)
{
	OQZ_TRY(oqz_image_file_read(&w->file, path, err));
	return oqz_preparer_run_data(w, w->file.data, w->file.size, path, box, ret, ret_geometry, err);
}

enum oqz_status oqz_preparer_run_image(struct oqz_preparer *w, const struct oqz_image *img, const char *name,
                                       const double *box, struct oqz_view *ret, struct oqz_geometry *ret_geometry,
                                       struct oqz_err *err)
{
	if (img->channels != 3)
		OQZ_FAIL(err, OQZ_E_USAGE, "%s: an image of %d channels, not RGB", name, img->channels);
	OQZ_TRY(oqz_image_copy(&w->state.img, img, err));
	return run(w, name, box, ret, ret_geometry, err);
}
