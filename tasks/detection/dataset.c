/* SPDX-License-Identifier: Apache-2.0
 *
 * Data sets of the detection task: a COCO annotation file with its folder of images, and plain images for calibration.
 */
#include "detection.h"

#include <stdio.h>
#include <string.h>

static const char *const image_suffixes[] = { ".jpg", ".jpeg", ".png", NULL };

/* The chosen part of the data set. */
struct reader {
	const struct task *t;
	void *sink;
	struct oqz_failure *f;
	const char *root;
	int64_t skip, stride, take, seen, taken;
};

static enum oqz_status add(struct reader *r, const char *file, uint64_t tag)
{
	const struct oqz_host *h = r->t->host;
	int64_t at = r->seen++ - r->skip;

	if (at < 0 || at % r->stride != 0 || (r->take && r->taken >= r->take))
		return OQZ_OK;
	r->taken++;
	size_t n = strlen(r->root) + strlen(file) + 2;
	char *path = h->alloc(n);
	if (!path)
		return h->fail(r->f, OQZ_E_NOMEM, "out of memory");
	snprintf(path, n, "%s/%s", r->root, file);
	struct oqz_item item = { .id = file, .image = file[0] == '/' ? file : path, .tag = tag };
	enum oqz_status st = r->t->task_host->add_item(r->sink, &item, r->f);
	h->free_mem(path);
	return st;
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
		            .skip = h->param_int(t->dataset, "skip"),
		            .stride = h->param_int(t->dataset, "stride"),
		            .take = h->param_int(t->dataset, "take_first") };

	if (t->data.n_images == 0)
		return h->walk(r.root, image_suffixes, add_walked, &r, f);
	for (size_t i = 0; i < t->data.n_images; i++)
		TRY(add(&r, t->data.images[i].file, (uint64_t)coco_image_hash(&t->data, i) << 32 | i));
	return OQZ_OK;
}
