/* SPDX-License-Identifier: Apache-2.0
 *
 * Calibration with one image: the float program runs up to each value that is observed, and its statistics are taken
 * while it is in the cache, band by band where the step that makes it can (exec.h).
 */
#include "core/run/calibration.h"

static int by_step(const void *a, const void *b)
{
	long x = ((const struct tap_at *)a)->step, y = ((const struct tap_at *)b)->step;

	return x < y ? -1 : x > y;
}

void oqz_calibration_destroy(void *thing)
{
	struct planned *p = thing;

	if (!p)
		return;
	oqz_program_free(p->program);
	free(p->taps);
	free(p);
}

enum oqz_status oqz_calibration_make(void *ctx, const struct oqz_shape *shape, void **ret, struct oqz_err *err)
{
	struct calibration *c = ctx;
	struct oqz_exec_options opt = { .engine = c->job->engine, .taps = c->taps.v, .n_taps = c->taps.n };
	struct planned *p = calloc(1, sizeof *p);

	if (!p || !(p->taps = calloc(c->taps.n + 1, sizeof *p->taps))) {
		oqz_calibration_destroy(p);
		return oqz_err_nomem(err, "taps", c->taps.n);
	}
	enum oqz_status st = oqz_program_new(c->graph, &opt, shape, &p->program, err);
	for (size_t i = 0; i < c->taps.n && st == OQZ_OK; i++) {
		int tap = oqz_program_tap(p->program, c->taps.v[i]);
		if (tap < 0)
			st = oqz_err_set(err, OQZ_E_INTERNAL, "value '%s' cannot be observed", c->taps.v[i]);
		else
			p->taps[i] =
			    (struct tap_at) { .step = oqz_program_tap_step(p->program, tap), .tap = tap, .index = i };
	}
	if (st != OQZ_OK) {
		oqz_calibration_destroy(p);
		return st;
	}
	qsort(p->taps, c->taps.n, sizeof *p->taps, by_step);
	*ret = p;
	return OQZ_OK;
}

static enum oqz_status enter_shape(struct calibration *c, struct cal_worker *w, const struct oqz_shape *shape,
                                   struct oqz_err *err)
{
	if (w->entry && oqz_shape_equal(&w->entry->shape, shape))
		return OQZ_OK;
	oqz_context_free(w->context);
	w->context = NULL;
	oqz_shape_cache_leave(&c->shapes, w->entry);
	w->entry = NULL;
	OQZ_TRY(oqz_shape_cache_enter(&c->shapes, shape, &w->entry, err));
	return oqz_context_new(((struct planned *)w->entry->thing)->program, &w->context, err);
}

/* ------------------------------------------------------------------------------------------------ one value */

/* A tap of one image on its way into the observers. */
struct observed {
	const struct calibration *c;
	const struct cal_worker *w;
	size_t tap, image;
	const struct oqz_tensor *t;
};

static struct oqz_observer *observer_of(const struct observed *v, size_t statistic)
{
	return v->c->second ? v->w->second[statistic] : v->w->observers[statistic];
}

static bool wants_rows(const struct observed *v, size_t statistic)
{
	return !v->c->second && (v->c->statistics.v[statistic].needs & OQZ_OBS_ROWS);
}

/* How many values at either end of all images' a statistic needs, as far as one image tells: they are of one size. */
static int64_t tail_ranks(const struct calibration *c, const struct statistic *s, size_t n)
{
	return (int64_t)((double)n * (double)c->job->calib.n * s->tails) + 2;
}

static enum oqz_status open_value(const struct observed *v, struct oqz_err *err)
{
	const struct calibration *c = v->c;
	size_t n = (size_t)oqz_tensor_nelem(v->t);

	if (v->t->dtype != OQZ_DT_F32)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "value '%s' is %s and cannot be calibrated", c->taps.v[v->tap],
		         oqz_dtype_name(v->t->dtype));
	for (size_t i = c->first_of.v[v->tap]; i != SIZE_MAX; i = c->statistics.v[i].next) {
		struct oqz_observer *o = observer_of(v, i);
		if (!o || wants_rows(v, i))
			continue;
		if (c->statistics.v[i].tails > 0)
			oqz_observer_tails(o, tail_ranks(c, &c->statistics.v[i], n));
		OQZ_TRY(oqz_observer_open(o, (int64_t)v->image, n, err));
	}
	return OQZ_OK;
}

static enum oqz_status add_piece(const struct observed *v, const float *x, size_t n, struct oqz_err *err)
{
	for (size_t i = v->c->first_of.v[v->tap]; i != SIZE_MAX; i = v->c->statistics.v[i].next)
		if (observer_of(v, i) && !wants_rows(v, i))
			OQZ_TRY(oqz_observer_piece(observer_of(v, i), x, n, err));
	return OQZ_OK;
}

/* Rows exist in plain order only, and whole. */
static enum oqz_status add_rows(const struct observed *v, struct oqz_observer *o, struct oqz_err *err)
{
	const struct oqz_tensor *t = v->t;
	size_t n = (size_t)oqz_tensor_nelem(t), row = t->shape.rank ? (size_t)t->shape.dim[t->shape.rank - 1] : n;
	struct oqz_tensor plain = { 0 };

	OQZ_TRY(oqz_tensor_alloc(&plain, t->dtype, &t->shape, err));
	oqz_tensor_relayout(&plain, t);
	enum oqz_status st = oqz_observer_add(o, (int64_t)v->image, plain.data, n, row, err);
	oqz_tensor_release(&plain);
	return st;
}

static enum oqz_status close_value(const struct observed *v, struct oqz_err *err)
{
	for (size_t i = v->c->first_of.v[v->tap]; i != SIZE_MAX; i = v->c->statistics.v[i].next) {
		struct oqz_observer *o = observer_of(v, i);
		if (o)
			OQZ_TRY(wants_rows(v, i) ? add_rows(v, o, err) : oqz_observer_close(o, err));
	}
	return OQZ_OK;
}

/* ------------------------------------------------------------------------------------------------ one image */

/* Makes the value, all of it if its step can do no better, and observes it. */
static enum oqz_status run_to(const struct observed *v, const struct tap_at *tap, size_t *at, struct oqz_err *err)
{
	struct oqz_context *ctx = v->w->context;
	size_t step = (size_t)tap->step, n = (size_t)oqz_tensor_nelem(v->t), band = 0;

	if (tap->step >= 0 && *at <= step) {
		band = v->t->dtype == OQZ_DT_F32 ? oqz_context_band_size(ctx, tap->tap) : 0;
		size_t to = step + !band;
		if (to > *at)
			OQZ_TRY(oqz_context_run(ctx, *at, to, err));
		*at = step + 1;
	}
	OQZ_TRY(open_value(v, err));
	const float *x = v->t->data;
	if (!band)
		OQZ_TRY(add_piece(v, x, n, err));
	for (size_t i = 0; band && i * band < n; i++) {
		OQZ_TRY(oqz_context_band(ctx, tap->tap, i, NULL, err));
		OQZ_TRY(add_piece(v, x + i * band, n - i * band < band ? n - i * band : band, err));
	}
	return close_value(v, err);
}

enum oqz_status oqz_calibrate_image(struct calibration *c, struct cal_worker *w, size_t image, struct oqz_err *err)
{
	const struct oqz_item *item = &c->job->calib.items.items.v[image];
	struct oqz_geometry geometry;
	struct oqz_shape shape;
	struct oqz_view view;
	size_t at = 0;

	OQZ_TRY(oqz_prepared_run(c->job->prepared, c->job->calib.prepare, w->preparer, c->job->digests, item->image,
	                         oqz_item_box(item), &w->held, &view, &geometry, err));
	OQZ_TRY(oqz_job_input_shape(c->graph, &view, &shape, err));
	OQZ_TRY(enter_shape(c, w, &shape, err));
	const struct planned *p = w->entry->thing;
	struct oqz_tensor t = { .dtype = view.dtype, .shape = view.shape, .data = (void *)view.data };
	oqz_tensor_relayout(oqz_context_input(w->context, 0), &t);
	for (size_t i = 0; i < c->taps.n; i++) {
		const struct tap_at *tap = &p->taps[i];
		struct observed v = { c, w, tap->index, image, oqz_context_tap(w->context, tap->tap) };
		OQZ_TRY(run_to(&v, tap, &at, err));
	}
	return OQZ_OK;
}
