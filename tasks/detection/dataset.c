/* SPDX-License-Identifier: Apache-2.0
 *
 * Data sets of the detection task: a COCO annotation file with its folder of images, and plain images for calibration.
 */
#include "detection.h"

static const char *const image_suffixes[] = { ".jpg", ".jpeg", ".png", NULL };

/* The chosen part of the data set. */
struct reader {
	const struct task *t;
	void *sink;
	struct oqz_failure *f;
	const char *root;
	struct common_subset part;
};

static enum oqz_status add(struct reader *r, const char *file, uint64_t tag)
{
	struct oqz_item item = { .id = file, .tag = tag };

	return common_subset_takes(&r->part) ? common_add_item(r->t->task_host, r->sink, r->root, file, &item, r->f)
	                                     : OQZ_OK;
}

static enum oqz_status add_walked(void *ctx, const char *relative_path) { return add(ctx, relative_path, UINT32_MAX); }

enum oqz_status dataset_items(void *self, void *sink, struct oqz_failure *f)
{
	const struct task *t = self;
	const struct oqz_host *h = t->host;
	struct reader r = { .t = t,
		            .sink = sink,
		            .f = f,
		            .root = h->param_string(t->dataset, "root"),
		            .part = common_subset_of(h, t->dataset) };

	if (t->data.n_images == 0)
		return h->walk(r.root, image_suffixes, add_walked, &r, f);
	for (size_t i = 0; i < t->data.n_images; i++)
		TRY(add(&r, t->data.images[i].file, (uint64_t)coco_image_hash(&t->data, i) << 32 | i));
	return OQZ_OK;
}
