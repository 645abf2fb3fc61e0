/* SPDX-License-Identifier: Apache-2.0
 *
 * Data sets of the segmentation task: Cityscapes in its own layout, and folders of images beside
 * folders of label maps (VOC, ADE20K). Label maps are 8-bit PNG: gray levels or palette indices are the codes.
 */
#include "segmentation.h"
#include "tasks/common/items.h"

#include <stdio.h>
#include <stdlib.h>

const char *const cityscapes_names[CITYSCAPES_CLASSES] = { "road",       "sidewalk",   "building",      "wall",
	                                                   "fence",      "pole",       "traffic_light", "traffic_sign",
	                                                   "vegetation", "terrain",    "sky",           "person",
	                                                   "rider",      "car",        "truck",         "bus",
	                                                   "train",      "motorcycle", "bicycle" };
/* flat, construction, object, nature, sky, human, vehicle */
const unsigned char cityscapes_category[CITYSCAPES_CLASSES] = {
	0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 5, 6, 6, 6, 6, 6, 6
};

/* labelIds of the 19 classes, in the order of their trainIds. */
static const unsigned char cityscapes_ids[CITYSCAPES_CLASSES] = { 7,  8,  11, 12, 13, 17, 19, 20, 21, 22,
	                                                          23, 24, 25, 26, 27, 28, 31, 32, 33 };

static bool ends_in(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && strcmp(s + n - m, suffix) == 0;
}

enum oqz_status segmentation_code_table(const struct task *t, const char *word, struct code_table *ret,
                                        struct oqz_failure *f)
{
	bool automatic = strcmp(word, "auto") == 0 && t->classes == CITYSCAPES_CLASSES;
	bool cityscapes = strcmp(word, "cityscapes") == 0 || automatic;
	int first = strcmp(word, "from-one") == 0;
	const int64_t *ignore;
	size_t n = t->host->param_ints(t->dataset, "ignore", &ignore);

	if (cityscapes && t->classes != CITYSCAPES_CLASSES)
		return t->host->fail(f, OQZ_E_USAGE, "codes 'cityscapes' have 19 classes, not %d (classes)",
		                     t->classes);
	for (int i = 0; i < 256; i++) {
		ret->class_of[i] = NO_CLASS;
		ret->known[i] = cityscapes; /* every other byte is ignored by Cityscapes' own table */
	}
	for (int k = 0; k < t->classes && k + first < 256; k++) {
		int code = cityscapes ? cityscapes_ids[k] : k + first;
		ret->class_of[code] = (uint16_t)k;
		ret->known[code] = true;
	}
	if (first)
		ret->known[0] = true;
	for (size_t i = 0; i < n; i++) {
		ret->class_of[ignore[i]] = NO_CLASS;
		ret->known[ignore[i]] = true;
	}
	return OQZ_OK;
}

const char *segmentation_codes_by_name(const struct task *t, const char *path, const char *word)
{
	if (t->classes != CITYSCAPES_CLASSES)
		return word;
	return ends_in(path, "_labelTrainIds.png") ? "train-ids" : ends_in(path, "_labelIds.png") ? "cityscapes" : word;
}

enum oqz_status segmentation_map_labels(struct task *t, struct oqz_failure *f)
{
	const char *codes = t->host->param_string(t->dataset, "codes");

	if (strcmp(codes, "auto") == 0)
		codes = segmentation_codes_by_name(t, t->host->param_string(t->dataset, "label_suffix"), codes);
	t->cityscapes =
	    t->classes == CITYSCAPES_CLASSES &&
	    (strcmp(codes, "cityscapes") == 0 || strcmp(codes, "auto") == 0 || strcmp(codes, "train-ids") == 0);
	return segmentation_code_table(t, codes, &t->codes, f);
}

enum oqz_status segmentation_check_dataset(void *self, const struct oqz_params *params, struct oqz_failure *f)
{
	const struct task *t = self;
	const struct oqz_host *h = t->host;
	const char *reader = h->param_string(t->dataset, "reader");
	bool pairs = strcmp(reader, "pairs") == 0, cityscapes = strncmp(reader, "cityscapes", 10) == 0;

	if (cityscapes && t->classes != CITYSCAPES_CLASSES && strcmp(h->param_string(t->dataset, "codes"), "auto") == 0)
		return h->fail(f, OQZ_E_USAGE, "codes 'cityscapes' have 19 classes, not %d (classes)", t->classes);
	if (pairs && !*h->param_string(t->dataset, "labels"))
		return h->fail(f, OQZ_E_USAGE, "the reader 'pairs' needs the parameter 'labels'");
	if (!pairs && *h->param_string(t->dataset, "labels"))
		return h->fail(f, OQZ_E_USAGE, "the parameter 'labels' is for the reader 'pairs', not '%s'", reader);
	if (!pairs && *h->param_string(t->dataset, "list"))
		return h->fail(f, OQZ_E_USAGE, "the parameter 'list' is for the reader 'pairs', not '%s'", reader);
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- items */

struct reader {
	struct task *t;
	struct common_items to;
	const char *labels;       /* folder of the label maps; NULL: none */
	const char *image_suffix; /* with the extension where `list` is read, else without */
	const char *label_suffix; /* with the extension */
};

static char *join3(const struct reader *r, const char *dir, const char *name, size_t n, const char *suffix)
{
	size_t size = strlen(dir) + n + strlen(suffix) + 2;
	char *s = r->t->host->alloc(size);

	if (s)
		snprintf(s, size, "%s/%.*s%s", dir, (int)n, name, suffix);
	else
		r->t->host->fail(r->to.f, OQZ_E_NOMEM, "out of memory");
	return s;
}

/* An image whose path below root is `id`; its first `stem` characters name the label map. */
static enum oqz_status add(struct reader *r, const char *id, size_t stem)
{
	const struct oqz_host *h = r->t->host;

	if (!common_subset_takes(&r->to.part))
		return OQZ_OK;
	if (r->labels)
		TRY(common_list_add(h, &r->t->labels, join3(r, r->labels, id, stem, r->label_suffix), r->to.f));
	struct oqz_item item = { .id = id, .tag = r->labels ? r->t->labels.n - 1 : UINT64_MAX };
	return common_items_put(&r->to, id, &item);
}

static enum oqz_status read_walked(struct reader *r)
{
	const struct oqz_host *h = r->t->host;
	struct common_list all = { 0 };
	size_t m = strlen(r->image_suffix);
	enum oqz_status st = common_walk(h, r->to.root, common_image_suffixes, &all, r->to.f);

	for (size_t i = 0; i < all.n && st == OQZ_OK; i++) {
		size_t n = (size_t)(strrchr(all.v[i], '.') - all.v[i]);
		if (n > m && memcmp(all.v[i] + n - m, r->image_suffix, m) == 0)
			st = add(r, all.v[i], n - m);
	}
	common_list_release(h, &all);
	if (st == OQZ_OK && r->to.part.seen == 0)
		st = h->fail(r->to.f, OQZ_E_DATA, "%s: no images whose names end in '%s'", r->to.root, r->image_suffix);
	return st;
}

/* One name without an extension a line (VOC's ImageSets). */
static enum oqz_status list_line(void *ctx, int number, char *line)
{
	struct reader *r = ctx;
	const struct oqz_host *h = r->t->host;

	line[strcspn(line, " \t\r")] = 0;
	if (!*line)
		return OQZ_OK;
	size_t n = strlen(line), size = n + strlen(r->image_suffix) + 1;
	char *id = h->alloc(size);
	if (!id)
		return h->fail(r->to.f, OQZ_E_NOMEM, "out of memory");
	snprintf(id, size, "%s%s", line, r->image_suffix);
	enum oqz_status st = add(r, id, n);
	h->free_mem(id);
	return st;
}

static enum oqz_status read_cityscapes(struct reader *r)
{
	const struct oqz_host *h = r->t->host;
	const char *split = h->param_string(r->t->dataset, "split"), *root = r->to.root;
	bool train_ids = strcmp(h->param_string(r->t->dataset, "codes"), "train-ids") == 0;
	char *images = join3(r, root, "leftImg8bit/", 12, split);
	char *labels = images ? join3(r, root, "gtFine/", 7, split) : NULL;
	enum oqz_status st = OQZ_E_NOMEM;

	if (labels) {
		r->to.root = images;
		r->labels = labels;
		r->image_suffix = "_leftImg8bit";
		r->label_suffix = train_ids ? "_gtFine_labelTrainIds.png" : "_gtFine_labelIds.png";
		st = read_walked(r);
	}
	h->free_mem(images);
	h->free_mem(labels);
	return st;
}

/* -------------------------------------------------------------------------------------------------- loose files */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int by_base(const void *a, const void *b)
{
	return strcmp(base_name(*(const char *const *)a), base_name(*(const char *const *)b));
}

/* The label map of an image; `labels` is sorted by base names. */
static enum oqz_status add_loose(struct reader *r, const char *image, const struct common_list *labels)
{
	const struct oqz_host *h = r->t->host;
	const char *base = base_name(image);
	enum oqz_status st = OQZ_OK;

	if (!common_subset_takes(&r->to.part))
		return OQZ_OK;
	size_t n = strlen(base) - strlen(r->image_suffix), size = n + strlen(r->label_suffix) + 1;
	char *want = h->alloc(size);
	if (!want)
		return h->fail(r->to.f, OQZ_E_NOMEM, "out of memory");
	snprintf(want, size, "%.*s%s", (int)n, base, r->label_suffix);
	char **hit = labels->n ? bsearch(&want, labels->v, labels->n, sizeof *labels->v, by_base) : NULL;
	if (hit)
		st = common_list_add(h, &r->t->labels, common_join(h, r->to.root, *hit, r->to.f), r->to.f);
	else
		st = h->fail(r->to.f, OQZ_E_NOENT, "%s: no label map '%s' below it", r->to.root, want);
	h->free_mem(want);
	if (st != OQZ_OK)
		return st;
	struct oqz_item item = { .id = base, .tag = r->t->labels.n - 1 };
	return common_items_put(&r->to, image, &item);
}

static enum oqz_status read_files(struct reader *r)
{
	static const char *const png[] = { ".png", NULL };
	const struct oqz_host *h = r->t->host;
	bool train_ids = strcmp(h->param_string(r->t->dataset, "codes"), "train-ids") == 0;
	struct common_list all = { 0 }, labels = { 0 };
	enum oqz_status st = common_walk(h, r->to.root, png, &all, r->to.f);

	r->image_suffix = "_leftImg8bit.png";
	r->label_suffix = train_ids ? "_gtFine_labelTrainIds.png" : "_gtFine_labelIds.png";
	for (size_t i = 0; i < all.n && st == OQZ_OK; i++)
		if (ends_in(all.v[i], r->label_suffix))
			st = common_list_add(h, &labels, common_copy(h, all.v[i], strlen(all.v[i]), r->to.f), r->to.f);
	if (labels.n)
		qsort(labels.v, labels.n, sizeof *labels.v, by_base);
	for (size_t i = 0; i < all.n && st == OQZ_OK; i++)
		if (ends_in(all.v[i], r->image_suffix))
			st = add_loose(r, all.v[i], &labels);
	common_list_release(h, &all);
	common_list_release(h, &labels);
	if (st == OQZ_OK && r->to.part.seen == 0)
		st = h->fail(r->to.f, OQZ_E_DATA, "%s: no images whose names end in '%s'", r->to.root, r->image_suffix);
	return st;
}

enum oqz_status segmentation_items(void *self, void *sink, struct oqz_failure *f)
{
	struct task *t = self;
	const struct oqz_host *h = t->host;
	const char *reader = h->param_string(t->dataset, "reader"), *list = h->param_string(t->dataset, "list");
	struct reader r = { .t = t,
		            .to = common_items_of(t->task_host, t->dataset, "root", sink, f),
		            .image_suffix = h->param_string(t->dataset, "image_suffix"),
		            .label_suffix = h->param_string(t->dataset, "label_suffix") };

	common_list_release(h, &t->labels);
	if (strcmp(reader, "cityscapes") == 0)
		return read_cityscapes(&r);
	if (strcmp(reader, "cityscapes-files") == 0)
		return read_files(&r);
	if (strcmp(reader, "pairs") == 0)
		r.labels = h->param_string(t->dataset, "labels");
	return *list ? common_each_line(h, list, list_line, &r, f) : read_walked(&r);
}
