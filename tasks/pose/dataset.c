/* SPDX-License-Identifier: Apache-2.0
 *
 * Data sets of the pose task: persons of a COCO keypoint file, one item per person with its box, in the order of
 * annotation ids; or images that are persons already.
 */
#include "pose.h"
#include "tasks/common/items.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum oqz_status dataset_find_person(struct task *t, const char *path, struct oqz_failure *f)
{
	if (t->data.n_categories == 1)
		return OQZ_OK;
	for (uint32_t k = 0; k < t->data.n_categories; k++)
		if (strcmp(t->data.categories[k].name, "person") == 0) {
			t->person = k;
			return OQZ_OK;
		}
	return t->host->fail(f, OQZ_E_DATA, "%s: no category is called 'person'", path);
}

/* mmpose's rule: no crowd, a keypoint, and something of the box inside the image. */
static bool is_item(const struct task *t, const struct coco_annotation *a)
{
	const struct coco_image *i = &t->data.images[a->image];
	double x1 = a->box[0] + a->box[2], y1 = a->box[1] + a->box[3];

	if (a->category != t->person || a->crowd || a->n_keypoints == 0)
		return false;
	if (i->width && i->height) {
		x1 = fmin(x1, i->width - 1);
		y1 = fmin(y1, i->height - 1);
	}
	return x1 > fmax(a->box[0], 0) && y1 > fmax(a->box[1], 0);
}

struct ranked {
	int64_t id;
	uint32_t at;
};

static int by_id(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static enum oqz_status list_persons(struct task *t, const char *path, struct oqz_failure *f)
{
	const struct oqz_host *h = t->host;
	struct ranked *r = h->alloc((t->data.n_annotations + 1) * sizeof *r);

	t->items = h->alloc((t->data.n_annotations + 1) * sizeof *t->items);
	t->is_item = h->alloc((t->data.n_annotations + 1) * sizeof *t->is_item);
	if (!r || !t->items || !t->is_item) {
		h->free_mem(r);
		return h->fail(f, OQZ_E_NOMEM, "out of memory");
	}
	for (uint32_t i = 0; i < t->data.n_annotations; i++)
		if ((t->is_item[i] = is_item(t, &t->data.annotations[i])))
			r[t->n_items++] = (struct ranked) { t->data.annotations[i].id, i };
	if (t->n_items)
		qsort(r, t->n_items, sizeof *r, by_id);
	for (size_t i = 0; i < t->n_items; i++)
		t->items[i] = r[i].at;
	h->free_mem(r);
	return t->n_items ? OQZ_OK : h->fail(f, OQZ_E_DATA, "%s: no person with keypoints in it", path);
}

enum oqz_status pose_open_dataset(void *self, const struct oqz_params *params, struct oqz_failure *f)
{
	struct task *t = self;
	const char *annotations = t->host->param_string(t->dataset, "annotations");

	TRY(coco_data_open(&t->data, t->host, t->dataset, COCO_READ_KEYPOINTS, f));
	if (t->data.n_images == 0)
		return OQZ_OK;
	TRY(dataset_find_person(t, annotations, f));
	return list_persons(t, annotations, f);
}

enum oqz_status pose_items(void *self, void *sink, struct oqz_failure *f)
{
	const struct task *t = self;
	struct common_items to = common_items_of(t->task_host, t->dataset, "root", sink, f);
	char id[32];

	if (t->n_items == 0)
		return common_items_walk(&to, coco_image_suffixes, NO_PERSON);
	for (size_t i = 0; i < t->n_items; i++) {
		const struct coco_annotation *a = &t->data.annotations[t->items[i]];
		snprintf(id, sizeof id, "%" PRId64, a->id);
		struct oqz_item item = {
			.id = id,
			.tag = (uint64_t)coco_image_hash(&t->data, a->image) << 32 | t->items[i],
			.has_box = true,
			.box = { a->box[0], a->box[1], a->box[0] + a->box[2], a->box[1] + a->box[3] },
		};
		TRY(common_items_add(&to, t->data.images[a->image].file, &item));
	}
	return OQZ_OK;
}
