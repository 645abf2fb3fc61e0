/* SPDX-License-Identifier: Apache-2.0
 *
 * Enlarged images made elsewhere against the originals: two folders of images, paired by the stems of their names
 * ("_HR", "_SR", "x4" and the like at their ends do not count).
 */
#include "superres.h"
#include "tasks/common/pairs.h"

static const char *const endings[] = { "_HR", "_SR", "_pred", "x2", "x3", "x4", "x8", NULL };

struct judge {
	const struct task *t;
	struct totals totals;
	struct oqz_failure *f;
};

/* Interleaved samples as the planes that a model gives. */
static uint8_t *to_planes(const struct oqz_host *h, const struct oqz_picture *p, struct oqz_failure *f)
{
	size_t n = (size_t)p->width * (size_t)p->height;
	uint8_t *planes = h->alloc(3 * n);

	if (!planes)
		h->fail(f, OQZ_E_NOMEM, "out of memory");
	for (size_t i = 0; planes && i < n; i++)
		for (size_t c = 0; c < 3; c++)
			planes[c * n + i] = p->data[3 * i + c];
	return planes;
}

static enum oqz_status judge_planes(struct judge *j, const char *truth, const struct oqz_picture *hr,
                                    const struct oqz_picture *sr, const uint8_t *planes)
{
	struct oqz_view view = { OQZ_DT_U8, { 3, { 3, sr->height, sr->width } }, planes };
	struct area a = { .view = &view,
		          .channels = 3,
		          .width = sr->width,
		          .height = sr->height,
		          .kept_w = sr->width,
		          .kept_h = sr->height,
		          .scale = j->t->scale };
	struct record r = { 0 };
	enum oqz_status st = superres_crop(j->t, &a, j->f);

	if (st == OQZ_OK)
		st = superres_compare(j->t, &a, truth, hr, &r, j->f);
	if (st == OQZ_OK)
		superres_add(&j->totals, &r);
	return st;
}

static enum oqz_status judge_pair(void *ctx, const char *truth, const char *found)
{
	struct judge *j = ctx;
	const struct oqz_host *h = j->t->host;
	struct oqz_picture hr = { 0 }, sr = { 0 };

	enum oqz_status st = h->load_image(truth, OQZ_PICTURE_RGB, &hr, j->f);
	if (st == OQZ_OK)
		st = h->load_image(found, OQZ_PICTURE_RGB, &sr, j->f);
	if (st == OQZ_OK) {
		uint8_t *planes = to_planes(h, &sr, j->f);
		st = planes ? judge_planes(j, truth, &hr, &sr, planes) : OQZ_E_NOMEM;
		h->free_mem(planes);
	}
	h->free_mem(hr.data);
	h->free_mem(sr.data);
	return st;
}

enum oqz_status superres_judge(void *self, const char *annotations, const char *predictions, void *sink,
                               struct oqz_failure *f)
{
	const struct task *t = self;
	struct judge j = { .t = t, .f = f };
	size_t n = 0;

	if (t->crop < 0 && !t->scale)
		return t->host->fail(f, OQZ_E_USAGE, "crop: -1 needs the parameter 'scale' here");
	enum oqz_status st =
	    common_pairs(t->host, annotations, predictions, common_image_suffixes, endings, judge_pair, &j, &n, f);
	if (st == OQZ_OK)
		st = superres_figures(t, &j.totals, sink, f);
	if (st == OQZ_OK)
		st = t->task_host->set_metric(sink, "images", (double)n, f);
	return st;
}
