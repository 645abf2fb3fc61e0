/* SPDX-License-Identifier: Apache-2.0
 *
 * See results.h.
 */
#include "results.h"
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int best_first(const void *a, const void *b)
{
	const struct coco_result *x = a, *y = b;

	if (x->image != y->image)
		return x->image < y->image ? -1 : 1;
	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static bool has_box(const json_t *o) { return json_array_size(json_object_get(o, "bbox")) > 0; }

static enum oqz_status read_result(struct coco_results *r, const struct coco_data *d, const struct coco_place *p,
                                   const json_t *o, bool *known)
{
	struct coco_result *to = &r->v[r->n];
	int64_t image, category;

	if (!json_is_object(o))
		return FAIL(p, "not an object");
	TRY(coco_get_id(p, o, "image_id", &image));
	TRY(coco_get_id(p, o, "category_id", &category));
	if (!coco_find_image(d, image, &to->image))
		return FAIL(p, "the annotations have no image %" PRId64, image);
	const json_t *score = json_object_get(o, "score");
	if (!json_is_number(score) || !isfinite(json_number_value(score)))
		return FAIL(p, "'score' is not a number");
	to->score = json_number_value(score);
	to->order = (uint32_t)p->index;
	if (r->have_boxes)
		TRY(coco_get_numbers(p, o, "bbox", 4, to->box));
	if (r->keypoints) {
		double *at = r->keypoints + p->index * COCO_KEYPOINTS * 3;
		TRY(coco_get_numbers(p, o, "keypoints", COCO_KEYPOINTS * 3, at));
		to->keypoints = at;
	}
	*known = coco_find_category(d, category, &to->category);
	r->n += *known;
	return OQZ_OK;
}

static enum oqz_status read_all(struct coco_results *r, const struct coco_data *d, struct coco_place *p,
                                const json_t *root, int flags)
{
	size_t n = json_array_size(root), foreign = 0;

	if (!json_is_array(root))
		return p->h->fail(p->f, OQZ_E_DATA, "%s: not a list: not a file of COCO results", p->path);
	if (n >= UINT32_MAX)
		return p->h->fail(p->f, OQZ_E_LIMIT, "%s: %zu results", p->path, n);
	r->v = p->h->alloc((n + 1) * sizeof *r->v);
	if (flags & COCO_READ_KEYPOINTS)
		r->keypoints = p->h->alloc((n + 1) * COCO_KEYPOINTS * 3 * sizeof *r->keypoints);
	if (!r->v || (!r->keypoints && flags & COCO_READ_KEYPOINTS))
		return p->h->fail(p->f, OQZ_E_NOMEM, "out of memory");
	r->have_boxes = !r->keypoints || has_box(json_array_get(root, 0));
	for (p->index = 0; p->index < n; p->index++) {
		bool known = false;
		TRY(read_result(r, d, p, json_array_get(root, p->index), &known));
		foreign += !known;
	}
	if (foreign)
		p->h->log(p->h, OQZ_LOG_WARN, "%s: %zu results are of categories that the annotations do not list",
		          p->path, foreign);
	if (r->n)
		qsort(r->v, r->n, sizeof *r->v, best_first);
	return OQZ_OK;
}

enum oqz_status coco_results_read(struct coco_results *r, const struct coco_data *d, const char *path, int flags,
                                  struct oqz_failure *f)
{
	struct coco_place p = { .h = d->host, .f = f, .path = path, .list = "results" };
	json_t *root = NULL;

	r->host = d->host;
	TRY(coco_json_read(&p, &root));
	enum oqz_status st = read_all(r, d, &p, root, flags);
	json_decref(root);
	return st;
}

enum oqz_status coco_results_by_image(const struct coco_results *r, const struct coco_data *d,
                                      enum oqz_status (*each)(void *ctx, size_t image, const struct coco_result *v,
                                                              size_t n, struct oqz_failure *f),
                                      void *ctx, struct oqz_failure *f)
{
	size_t at = 0;

	for (size_t i = 0; i < d->n_images; i++) {
		size_t end = at;
		while (end < r->n && r->v[end].image == i)
			end++;
		enum oqz_status st = each(ctx, i, r->v + at, end - at, f);
		if (st != OQZ_OK)
			return st;
		at = end;
	}
	return OQZ_OK;
}

void coco_results_release(struct coco_results *r)
{
	if (!r->host)
		return;
	r->host->free_mem(r->v);
	r->host->free_mem(r->keypoints);
	memset(r, 0, sizeof *r);
}
