/* SPDX-License-Identifier: Apache-2.0
 *
 * Heads of detectors as a table. A row says in which order channels stand, how four numbers become a box and what
 * squashes scores; one driver walks over cells (heads_grid.c).
 */
#include "heads.h"

#include <string.h>

static const double anchors_v5[] = { 10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326 };
static const double anchors_v7[] = { 12, 16, 19, 36, 40, 28, 36, 75, 76, 55, 72, 146, 142, 110, 192, 243, 459, 401 };

#define S3                \
	{                 \
		8, 16, 32 \
	}
/* clang-format off */
static const struct head heads[] = {
	{ "decoded", "boc", BOX_CENTRE, 0, false, false, 0, { 0 }, NULL },
	{ "decoded-v8", "bc", BOX_CENTRE, 0, false, false, 0, { 0 }, NULL },
	{ "decoded-corners", "bc", BOX_CORNERS, 0, false, false, 0, { 0 }, NULL },
	{ "final", "", BOX_FINAL, 0, false, false, 0, { 0 }, NULL },
	{ "yolov5", "boc", BOX_ANCHOR, 0, true, false, 0, S3, anchors_v5 },
	{ "yolov7", "boc", BOX_ANCHOR, 0, true, false, 0, S3, anchors_v7 },
	{ "yolov6", "cb", BOX_SIDES, 0.5f, true, false, 0, S3, NULL },
	{ "yolov8", "cb", BOX_BINS, 0.5f, true, false, 16, S3, NULL },
	{ "yolov8-ultralytics", "bc", BOX_BINS, 0.5f, true, false, 16, S3, NULL },
	{ "ppyoloe", "cb", BOX_BINS, 0.5f, true, false, 17, S3, NULL },
	{ "yolox", "cbo", BOX_EXP, 0, true, false, 0, S3, NULL },
	{ "yolox-export", "boc", BOX_EXP, 0, false, false, 0, S3, NULL },
	{ "rtmdet", "cb", BOX_SIDES, 0, true, false, 0, S3, NULL },
	{ "picodet", "cb", BOX_BINS, 0.5f, false, false, 8, { 8, 16, 32, 64 }, NULL },
	{ "fastestdet", "obc", BOX_TANH, 0, false, true, 0, { 16 }, NULL },
};
/* clang-format on */
const char *const head_names[] = { "decoded", "decoded-v8", "decoded-corners",    "final",   "yolov5", "yolov7",
	                           "yolov6",  "yolov8",     "yolov8-ultralytics", "ppyoloe", "yolox",  "yolox-export",
	                           "rtmdet",  "picodet",    "fastestdet",         NULL };

const struct head *head_find(const char *name)
{
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		if (strcmp(heads[i].name, name) == 0)
			return &heads[i];
	return NULL;
}

enum oqz_status head_setup(struct task *t, const struct oqz_params *p, struct oqz_failure *f)
{
	const struct oqz_host *h = t->host;
	const int64_t *strides;
	const double *anchors;
	size_t n = h->param_ints(p, "strides", &strides), n_anchors = h->param_floats(p, "anchors", &anchors);

	t->head = head_find(h->param_string(p, "head"));
	t->bins = h->param_int(p, "bins") ? (int)h->param_int(p, "bins") : t->head->bins;
	if (n > MAX_STRIDES)
		return h->fail(f, OQZ_E_USAGE, "strides: more than %d", MAX_STRIDES);
	if (n && !t->head->strides[0])
		return h->fail(f, OQZ_E_USAGE, "strides: the head '%s' has none", t->head->name);
	memcpy(t->strides, n ? strides : t->head->strides, (n ? n : MAX_STRIDES) * sizeof *strides);
	while (t->n_strides < MAX_STRIDES && t->strides[t->n_strides])
		t->n_strides++;
	if (n_anchors && !t->head->anchors)
		return h->fail(f, OQZ_E_USAGE, "anchors: the head '%s' has none", t->head->name);
	t->anchors = n_anchors ? anchors : t->head->anchors;
	if (!n_anchors)
		n_anchors = sizeof anchors_v5 / sizeof *anchors_v5;
	if (t->anchors && n_anchors % (2 * t->n_strides))
		return h->fail(f, OQZ_E_USAGE, "anchors: %zu numbers are not width and height for each of %zu levels",
		               n_anchors, t->n_strides);
	t->n_anchors = t->anchors ? n_anchors / (2 * t->n_strides) : 1;
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- candidates */

void candidates_release(const struct task *t, struct candidates *c)
{
	t->host->free_mem(c->v);
	t->host->free_mem(c->boxes);
}

enum oqz_status candidates_reserve(const struct task *t, struct candidates *c, size_t cells, struct oqz_failure *f)
{
	c->boxes = t->host->alloc((cells + 1) * sizeof *c->boxes);
	c->n_cells = cells;
	return c->boxes ? OQZ_OK : t->host->fail(f, OQZ_E_NOMEM, "out of memory");
}

enum oqz_status candidates_add(const struct task *t, struct candidates *c, float score, uint32_t class, uint32_t cell,
                               struct oqz_failure *f)
{
	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 4096;
		struct candidate *more = t->host->alloc(cap * sizeof *more);
		if (!more)
			return t->host->fail(f, OQZ_E_NOMEM, "out of memory");
		if (c->n)
			memcpy(more, c->v, c->n * sizeof *more);
		t->host->free_mem(c->v);
		c->v = more;
		c->cap = cap;
	}
	c->v[c->n++] = (struct candidate) { score, class, cell };
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- entry */

enum { MAX_OUTPUTS = 32 };

enum oqz_status head_decode(const struct task *t, const struct oqz_output *outputs, size_t n,
                            const struct oqz_geometry *g, struct candidates *ret, struct oqz_failure *f)
{
	const struct oqz_output *used[MAX_OUTPUTS];
	size_t n_used = t->n_output_names ? t->n_output_names : n;

	if (n_used > MAX_OUTPUTS)
		return t->host->fail(f, OQZ_E_LIMIT, "more than %d outputs", MAX_OUTPUTS);
	for (size_t i = 0; i < n_used; i++) {
		used[i] = t->n_output_names ? NULL : &outputs[i];
		for (size_t k = 0; k < n && !used[i]; k++)
			if (strcmp(outputs[k].name, t->output_names[i]) == 0)
				used[i] = &outputs[k];
		if (!used[i])
			return common_no_output(t->host, t->output_names[i], outputs, n, f);
	}
	if (t->head->coding == BOX_FINAL)
		return decode_final(t, used, n_used, ret, f);
	return decode_grid(t, used, n_used, g, ret, f);
}
