/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading COCO annotation files through jansson, which checks syntax, UTF-8 and depth; this file checks shape and
 * sense. Ids are any 64-bit integers in any order, so everything is sorted and looked up by bisection.
 */
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------------------------------------------- look-up */

static int by_id(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Images and categories both begin with their id. */
_Static_assert(offsetof(struct coco_image, id) == 0 && offsetof(struct coco_category, id) == 0, "id comes first");

static bool find_id(const void *list, size_t n, size_t size, int64_t id, uint32_t *ret)
{
	const char *hit = n ? bsearch(&id, list, n, size, by_id) : NULL;

	if (hit)
		*ret = (uint32_t)((size_t)(hit - (const char *)list) / size);
	return hit;
}

bool coco_find_image(const struct coco_data *d, int64_t id, uint32_t *ret)
{
	return find_id(d->images, d->n_images, sizeof *d->images, id, ret);
}

bool coco_find_category(const struct coco_data *d, int64_t id, uint32_t *ret)
{
	return find_id(d->categories, d->n_categories, sizeof *d->categories, id, ret);
}

static enum oqz_status sort_ids(const struct coco_place *p, void *list, size_t n, size_t size)
{
	if (n)
		qsort(list, n, size, by_id);
	for (size_t i = 1; i < n; i++) {
		int64_t id = *(const int64_t *)((const char *)list + i * size);
		if (id == *(const int64_t *)((const char *)list + (i - 1) * size))
			return p->h->fail(p->f, OQZ_E_DATA, "%s: %s: the id %" PRId64 " is there twice", p->path,
			                  p->list, id);
	}
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- the three lists */

/* The list called `name`, and zeroed room for its elements. */
static enum oqz_status open_list(struct coco_place *p, const json_t *root, const char *name, size_t size,
                                 const json_t **ret, size_t *ret_n, void **room)
{
	const json_t *v = json_object_get(root, name);

	p->list = name;
	if (!json_is_array(v))
		return p->h->fail(p->f, OQZ_E_DATA, "%s: no list '%s': not a COCO annotation file", p->path, name);
	if (json_array_size(v) >= UINT32_MAX)
		return p->h->fail(p->f, OQZ_E_LIMIT, "%s: '%s' has too many elements", p->path, name);
	for (p->index = 0; p->index < json_array_size(v); p->index++)
		if (!json_is_object(json_array_get(v, p->index)))
			return FAIL(p, "not an object");
	*room = p->h->alloc((json_array_size(v) + 1) * size);
	if (!*room)
		return p->h->fail(p->f, OQZ_E_NOMEM, "out of memory");
	*ret = v;
	*ret_n = json_array_size(v);
	return OQZ_OK;
}

static enum oqz_status read_images(struct coco_data *d, struct coco_place *p, const json_t *root)
{
	const json_t *list;
	size_t n;

	TRY(open_list(p, root, "images", sizeof *d->images, &list, &n, (void **)&d->images));
	for (p->index = 0; p->index < n; p->index++) {
		const json_t *o = json_array_get(list, p->index);
		struct coco_image *i = &d->images[d->n_images++];
		TRY(coco_get_id(p, o, "id", &i->id));
		TRY(coco_get_text(p, o, "file_name", &i->file));
		i->width = coco_get_side(o, "width");
		i->height = coco_get_side(o, "height");
	}
	return sort_ids(p, d->images, d->n_images, sizeof *d->images);
}

static enum oqz_status read_categories(struct coco_data *d, struct coco_place *p, const json_t *root)
{
	const json_t *list;
	size_t n;

	TRY(open_list(p, root, "categories", sizeof *d->categories, &list, &n, (void **)&d->categories));
	for (p->index = 0; p->index < n; p->index++) {
		const json_t *o = json_array_get(list, p->index);
		struct coco_category *c = &d->categories[d->n_categories++];
		TRY(coco_get_id(p, o, "id", &c->id));
		TRY(coco_get_text(p, o, "name", &c->name));
	}
	if (n == 0 || n > 65535)
		return p->h->fail(p->f, OQZ_E_DATA, "%s: %zu categories", p->path, n);
	return sort_ids(p, d->categories, d->n_categories, sizeof *d->categories);
}

static enum oqz_status read_keypoints(const struct coco_place *p, const json_t *o, double *room,
                                      struct coco_annotation *a)
{
	a->keypoints = room;
	if (!json_object_get(o, "keypoints"))
		return OQZ_OK; /* a person without any, mostly a crowd */
	TRY(coco_get_numbers(p, o, "keypoints", COCO_KEYPOINTS * 3, room));
	for (int k = 0; k < COCO_KEYPOINTS; k++)
		a->n_keypoints += a->keypoints[3 * k + 2] > 0;
	const json_t *said = json_object_get(o, "num_keypoints");
	if (json_is_integer(said) && json_integer_value(said) >= 0 && json_integer_value(said) <= COCO_KEYPOINTS)
		a->n_keypoints = (int)json_integer_value(said); /* what pycocotools goes by */
	return OQZ_OK;
}

static enum oqz_status read_annotation(struct coco_data *d, const struct coco_place *p, const json_t *o, int flags,
                                       struct coco_annotation *a)
{
	int64_t category;
	const json_t *area = json_object_get(o, "area"), *crowd = json_object_get(o, "iscrowd");

	TRY(coco_get_id(p, o, "id", &a->id));
	TRY(coco_get_id(p, o, "category_id", &category));
	TRY(coco_get_numbers(p, o, "bbox", 4, a->box));
	if (a->box[2] < 0 || a->box[3] < 0)
		return FAIL(p, "'bbox' has a negative side");
	if (!find_id(d->categories, d->n_categories, sizeof *d->categories, category, &a->category))
		return FAIL(p, "there is no category %" PRId64, category);
	a->area = flags & COCO_AREA_FROM_BOX ? a->box[2] * a->box[3] : json_number_value(area);
	if (!(flags & COCO_AREA_FROM_BOX) && !json_is_number(area))
		return FAIL(p, "no 'area', the size of the segmentation; set `area: box` to take the box instead");
	if (!isfinite(a->area) || a->area < 0)
		return FAIL(p, "'area' is %g", a->area);
	if (crowd && !json_is_integer(crowd) && !json_is_boolean(crowd))
		return FAIL(p, "'iscrowd' is not 0 or 1");
	a->crowd = json_is_true(crowd) || json_integer_value(crowd) != 0;
	return d->keypoints ? read_keypoints(p, o, d->keypoints + p->index * COCO_KEYPOINTS * 3, a) : OQZ_OK;
}

/* Groups by image and keeps the file's order inside, which decides between equal overlaps. */
static enum oqz_status group(struct coco_data *d, const struct coco_place *p, uint32_t *position)
{
	struct coco_annotation *sorted = p->h->alloc((d->n_annotations + 1) * sizeof *sorted);

	if (!sorted)
		return p->h->fail(p->f, OQZ_E_NOMEM, "out of memory");
	for (size_t i = 0; i < d->n_annotations; i++)
		d->images[d->annotations[i].image].n++;
	size_t at = 0;
	for (size_t i = 0; i < d->n_images; i++) {
		d->images[i].first = at;
		position[i] = (uint32_t)at;
		at += d->images[i].n;
	}
	for (size_t i = 0; i < d->n_annotations; i++)
		sorted[position[d->annotations[i].image]++] = d->annotations[i];
	p->h->free_mem(d->annotations);
	d->annotations = sorted;
	return OQZ_OK;
}

static enum oqz_status read_annotations(struct coco_data *d, struct coco_place *p, const json_t *root, int flags)
{
	const json_t *list;
	size_t n;

	TRY(open_list(p, root, "annotations", sizeof *d->annotations, &list, &n, (void **)&d->annotations));
	int64_t *ids = p->h->alloc((n + d->n_images + 1) * sizeof *ids);
	if (flags & COCO_READ_KEYPOINTS)
		d->keypoints = p->h->alloc((n + 1) * COCO_KEYPOINTS * 3 * sizeof *d->keypoints);
	bool room = ids && (d->keypoints || !(flags & COCO_READ_KEYPOINTS));
	enum oqz_status st = room ? OQZ_OK : p->h->fail(p->f, OQZ_E_NOMEM, "out of memory");
	for (p->index = 0; p->index < n && st == OQZ_OK; p->index++) {
		const json_t *o = json_array_get(list, p->index);
		struct coco_annotation *a = &d->annotations[d->n_annotations];
		int64_t image;
		memset(a, 0, sizeof *a);
		st = read_annotation(d, p, o, flags, a);
		if (st == OQZ_OK)
			st = coco_get_id(p, o, "image_id", &image);
		if (st != OQZ_OK)
			break;
		ids[p->index] = a->id;
		d->has_id_0 |= a->id == 0;
		if (find_id(d->images, d->n_images, sizeof *d->images, image, &a->image))
			d->n_annotations++;
		else
			d->n_strays++;
	}
	if (st == OQZ_OK)
		st = sort_ids(p, ids, n, sizeof *ids);
	if (st == OQZ_OK)
		st = group(d, p, (uint32_t *)ids);
	p->h->free_mem(ids);
	return st;
}

enum oqz_status coco_data_read(struct coco_data *d, const struct oqz_host *host, const char *path, int flags,
                               struct oqz_failure *f)
{
	struct coco_place p = { .h = host, .f = f, .path = path };
	json_t *root = NULL;

	d->host = host;
	TRY(coco_json_read(&p, &root));
	enum oqz_status st = read_images(d, &p, root);
	if (st == OQZ_OK)
		st = read_categories(d, &p, root);
	if (st == OQZ_OK)
		st = read_annotations(d, &p, root, flags);
	json_decref(root);
	if (st == OQZ_OK && d->n_images == 0)
		st = host->fail(f, OQZ_E_DATA, "%s: no images in it", path);
	if (st == OQZ_OK && d->n_strays)
		host->log(host, OQZ_LOG_WARN, "%s: %zu annotations are for images that it does not list", path,
		          d->n_strays);
	if (st == OQZ_OK && d->has_id_0)
		host->log(host, OQZ_LOG_WARN,
		          "%s: an annotation has the id 0: pycocotools takes a match of it for none (parameter "
		          "`pycocotools_ids`)",
		          path);
	return st;
}

const char *const coco_image_suffixes[] = { ".jpg", ".jpeg", ".png", NULL };

enum oqz_status coco_data_open(struct coco_data *d, const struct oqz_host *host, const struct oqz_params *dataset,
                               int flags, struct oqz_failure *f)
{
	const char *annotations = host->param_string(dataset, "annotations");
	bool images = strcmp(host->param_string(dataset, "reader"), "images") == 0;

	if (images && *annotations)
		return host->fail(f, OQZ_E_USAGE, "the parameter 'annotations' is for the reader 'coco'");
	if (!images && !*annotations)
		return host->fail(f, OQZ_E_USAGE, "the reader 'coco' needs the parameter 'annotations'");
	return images ? OQZ_OK : coco_data_read(d, host, annotations, flags, f);
}

void coco_data_release(struct coco_data *d)
{
	if (!d->host)
		return;
	for (size_t i = 0; i < d->n_images; i++)
		d->host->free_mem(d->images[i].file);
	for (size_t i = 0; i < d->n_categories; i++)
		d->host->free_mem(d->categories[i].name);
	d->host->free_mem(d->images);
	d->host->free_mem(d->annotations);
	d->host->free_mem(d->categories);
	d->host->free_mem(d->keypoints);
	memset(d, 0, sizeof *d);
}

static uint64_t fnv(uint64_t h, const void *data, size_t n)
{
	for (const unsigned char *p = data; n--; p++)
		h = (h ^ *p) * UINT64_C(0x100000001b3);
	return h;
}

uint32_t coco_image_hash(const struct coco_data *d, size_t image)
{
	const struct coco_image *i = &d->images[image];
	uint64_t h = fnv(UINT64_C(0xcbf29ce484222325), &i->id, sizeof i->id);

	for (size_t k = 0; k < i->n; k++) {
		const struct coco_annotation *a = &d->annotations[i->first + k];
		h = fnv(h, &a->id, sizeof a->id);
		h = fnv(h, a->box, sizeof a->box);
		h = fnv(h, &a->area, sizeof a->area);
		h = fnv(h, &d->categories[a->category].id, sizeof(int64_t));
		h = fnv(h, &a->crowd, sizeof a->crowd);
		if (a->keypoints)
			h = fnv(h, a->keypoints, COCO_KEYPOINTS * 3 * sizeof *a->keypoints);
		h = fnv(h, &a->n_keypoints, sizeof a->n_keypoints);
	}
	return (uint32_t)(h ^ h >> 32);
}
