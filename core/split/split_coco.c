/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO annotation files as a source of splits, and their parts as annotation files of their own. For persons whole
 * images are drawn, with all their persons, until there are enough: of single persons an image can be in both parts.
 * Single persons can be drawn all the same, for sets that are.
 */
#include "core/base/file.h"
#include "core/base/map.h"
#include "core/base/vec.h"
#include "core/split/split.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

static enum oqz_status load(const char *path, json_t **ret, struct oqz_err *err)
{
	json_error_t e;
	json_t *o = json_load_file(path, 0, &e);

	if (!o && !e.text[0]) /* Jansson says nothing when it is memory that it lacks */
		return oqz_err_nomem(err, path, 0);
	if (!o)
		OQZ_FAIL(err, e.line < 0 ? OQZ_E_NOENT : OQZ_E_DATA, "%s:%d: %s", path, e.line, e.text);
	if (!json_is_array(json_object_get(o, "images")) || !json_is_array(json_object_get(o, "annotations"))) {
		json_decref(o);
		OQZ_FAIL(err, OQZ_E_DATA, "%s: not a COCO annotation file (no lists `images` and `annotations`)", path);
	}
	*ret = o;
	return OQZ_OK;
}

/* A person that the keypoint evaluation can use, by mmpose's rule: no crowd, a keypoint, and something of the box
 * inside the image (whose size a file need not say). */
static bool is_candidate(const json_t *annotation, const json_t *image)
{
	const json_t *box = json_object_get(annotation, "bbox");
	double width = json_number_value(json_object_get(image, "width")),
	       height = json_number_value(json_object_get(image, "height"));
	double x = json_number_value(json_array_get(box, 0)), y = json_number_value(json_array_get(box, 1));
	double right = x + json_number_value(json_array_get(box, 2)),
	       bottom = y + json_number_value(json_array_get(box, 3));

	if (width > 0 && height > 0) {
		right = fmin(right, width - 1);
		bottom = fmin(bottom, height - 1);
	}
	return json_integer_value(json_object_get(annotation, "iscrowd")) == 0 &&
	       json_integer_value(json_object_get(annotation, "num_keypoints")) > 0 && right > fmax(x, 0) &&
	       bottom > fmax(y, 0);
}

static const char *id_text(struct oqz_arena *a, const json_t *id)
{
	return json_is_integer(id) ? oqz_arena_printf(a, "%" JSON_INTEGER_FORMAT, json_integer_value(id)) : NULL;
}

/* Image id (as text) -> item. */
static enum oqz_status index_images(const json_t *root, const char *path, struct oqz_arena *a, struct oqz_map *by_id,
                                    struct oqz_split_item *items, size_t *ret_n, struct oqz_err *err)
{
	const json_t *images = json_object_get(root, "images");

	for (size_t i = 0; i < json_array_size(images); i++) {
		const json_t *image = json_array_get(images, i);
		const char *id = id_text(a, json_object_get(image, "id")),
		           *file = json_string_value(json_object_get(image, "file_name"));
		if (!id || !file)
			OQZ_FAIL(err, OQZ_E_DATA, "%s: image %zu has no integer `id` or no `file_name`", path, i);
		if (oqz_map_has(by_id, id))
			OQZ_FAIL(err, OQZ_E_DATA, "%s: two images have id %s", path, id);
		items[i].line = oqz_arena_strdup(a, file);
		items[i].name = items[i].line ? oqz_path_base(items[i].line) : NULL;
		items[i].weight = 1;
		if (!items[i].name || !oqz_map_set(by_id, id, &items[i]))
			return oqz_err_nomem(err, path, 1);
	}
	*ret_n = json_array_size(images);
	return OQZ_OK;
}

/* The annotations' images: number of annotation i's image in the file, in ret[i]. */
static enum oqz_status image_numbers(const json_t *root, const char *path, struct oqz_arena *a,
                                     const struct oqz_map *by_id, const struct oqz_split_item *items, size_t *ret,
                                     struct oqz_err *err)
{
	const json_t *annotations = json_object_get(root, "annotations");

	for (size_t i = 0; i < json_array_size(annotations); i++) {
		const char *id = id_text(a, json_object_get(json_array_get(annotations, i), "image_id"));
		const struct oqz_split_item *item = id ? oqz_map_get(by_id, id) : NULL;
		if (!item)
			OQZ_FAIL(err, OQZ_E_DATA, "%s: annotation %zu belongs to no image of the file", path, i);
		ret[i] = (size_t)(item - items);
	}
	return OQZ_OK;
}

/* Images with persons, by their number. */
static size_t weigh_images(const json_t *root, const size_t *image_of, struct oqz_split_item *items, size_t n)
{
	const json_t *images = json_object_get(root, "images"), *annotations = json_object_get(root, "annotations");
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		items[i].weight = 0;
	for (size_t i = 0; i < json_array_size(annotations); i++)
		items[image_of[i]].weight +=
		    is_candidate(json_array_get(annotations, i), json_array_get(images, image_of[i]));
	for (size_t i = 0; i < n; i++)
		if (items[i].weight)
			items[kept++] = items[i];
	return kept;
}

/* Persons by the ids of their annotations. */
static enum oqz_status list_persons(const json_t *root, const char *path, struct oqz_arena *a, const size_t *image_of,
                                    struct oqz_split_item **ret, size_t *ret_n, struct oqz_err *err)
{
	const json_t *images = json_object_get(root, "images"), *annotations = json_object_get(root, "annotations");
	size_t n = 0;
	struct oqz_split_item *items = OQZ_ARENA_NEW_N(a, struct oqz_split_item, json_array_size(annotations) + 1);

	if (!items)
		return oqz_err_nomem(err, path, 1);
	for (size_t i = 0; i < json_array_size(annotations); i++) {
		const json_t *an = json_array_get(annotations, i), *id = json_object_get(an, "id");
		if (!is_candidate(an, json_array_get(images, image_of[i])))
			continue;
		if (!json_is_integer(id))
			OQZ_FAIL(err, OQZ_E_DATA, "%s: annotation %zu has no integer `id`", path, i);
		const char *text = id_text(a, id);
		if (!text)
			return oqz_err_nomem(err, path, 1);
		items[n++] = (struct oqz_split_item) { .name = text, .line = text, .weight = 1 };
	}
	*ret = items;
	*ret_n = n;
	return OQZ_OK;
}

static enum oqz_status list_items(const json_t *root, const char *path, enum oqz_split_by by, struct oqz_arena *a,
                                  struct oqz_split_item **ret, size_t *ret_n, struct oqz_err *err)
{
	const size_t n_images = json_array_size(json_object_get(root, "images")),
	             n_annotations = json_array_size(json_object_get(root, "annotations"));
	struct oqz_map by_id = { 0 };
	struct oqz_split_item *items = OQZ_ARENA_NEW_N(a, struct oqz_split_item, n_images + 1);
	size_t *image_of = OQZ_ARENA_NEW_N(a, size_t, n_annotations + 1), n = 0;
	enum oqz_status st =
	    items && image_of ? index_images(root, path, a, &by_id, items, &n, err) : oqz_err_nomem(err, path, 1);

	if (st == OQZ_OK && by != OQZ_SPLIT_IMAGES)
		st = image_numbers(root, path, a, &by_id, items, image_of, err);
	oqz_map_release(&by_id);
	OQZ_TRY(st);
	if (by == OQZ_SPLIT_PERSONS)
		return list_persons(root, path, a, image_of, ret, ret_n, err);
	*ret = items;
	*ret_n = by == OQZ_SPLIT_PERSON_IMAGES ? weigh_images(root, image_of, items, n) : n;
	return OQZ_OK;
}

enum oqz_status oqz_split_coco(const char *json, enum oqz_split_by by, struct oqz_arena *a, struct oqz_split_item **ret,
                               size_t *ret_n, struct oqz_err *err)
{
	json_t *root;

	OQZ_TRY(load(json, &root, err));
	enum oqz_status st = list_items(root, json, by, a, ret, ret_n, err);
	json_decref(root);
	return st;
}

/* ---------------------------------------------------------------------------------------------------- parts as files
 */

struct part {
	const struct oqz_map *items; /* by line */
	enum oqz_split_by by;
	int number;
	struct oqz_arena *a;
};

static bool drawn(const struct part *p, const char *line)
{
	const struct oqz_split_item *item = line ? oqz_map_get(p->items, line) : NULL;

	return item && item->part == p->number;
}

/* All images by id, and those of the part: the drawn ones. */
static bool find_images(const json_t *root, const struct part *p, struct oqz_map *by_id, struct oqz_map *kept)
{
	const json_t *images = json_object_get(root, "images");
	bool ok = true;

	for (size_t i = 0; ok && i < json_array_size(images); i++) {
		json_t *image = json_array_get(images, i);
		const char *id = id_text(p->a, json_object_get(image, "id"));
		ok = id && oqz_map_set(by_id, id, image);
		if (ok && drawn(p, json_string_value(json_object_get(image, "file_name"))))
			ok = oqz_map_set(kept, id, image);
	}
	return ok;
}

/* Annotations of the part: the drawn ones, whose images then belong to it, or the drawn images'. */
static bool keep_annotations(const json_t *root, const struct part *p, const struct oqz_map *by_id,
                             struct oqz_map *kept, json_t *to)
{
	const json_t *all = json_object_get(root, "annotations");
	bool ok = true;

	for (size_t i = 0; ok && i < json_array_size(all); i++) {
		json_t *an = json_array_get(all, i);
		const char *image = id_text(p->a, json_object_get(an, "image_id"));
		if (p->by == OQZ_SPLIT_PERSONS && image && drawn(p, id_text(p->a, json_object_get(an, "id"))))
			ok = oqz_map_set(kept, image, oqz_map_get(by_id, image)) && json_array_append(to, an) == 0;
		else if (p->by != OQZ_SPLIT_PERSONS && image && oqz_map_has(kept, image) &&
		         (p->by == OQZ_SPLIT_IMAGES || is_candidate(an, oqz_map_get(kept, image))))
			ok = json_array_append(to, an) == 0;
	}
	return ok;
}

static bool keep_images(const json_t *root, const struct part *p, const struct oqz_map *kept, json_t *to)
{
	const json_t *all = json_object_get(root, "images");
	bool ok = true;

	for (size_t i = 0; ok && i < json_array_size(all); i++) {
		const char *id = id_text(p->a, json_object_get(json_array_get(all, i), "id"));
		ok = id && (!oqz_map_has(kept, id) || json_array_append(to, json_array_get(all, i)) == 0);
	}
	return ok;
}

/* The file's other members (info, licenses, categories) with the part's images and their annotations. */
static enum oqz_status write_part(const json_t *root, const struct part *p, const char *path, struct oqz_err *err)
{
	json_t *out = json_copy((json_t *)root), *images = json_array(), *annotations = json_array();
	struct oqz_map by_id = { 0 }, kept = { 0 };
	bool ok = path && out && images && annotations && find_images(root, p, &by_id, &kept) &&
	          keep_annotations(root, p, &by_id, &kept, annotations) && keep_images(root, p, &kept, images) &&
	          json_object_set(out, "images", images) == 0 && json_object_set(out, "annotations", annotations) == 0;
	char *text = ok ? json_dumps(out, JSON_COMPACT) : NULL;
	enum oqz_status st = text ? oqz_file_write(path, text, strlen(text), err) : oqz_err_nomem(err, path, 1);

	free(text);
	oqz_map_release(&by_id);
	oqz_map_release(&kept);
	json_decref(annotations);
	json_decref(images);
	json_decref(out);
	return st;
}

enum oqz_status oqz_split_coco_write(const char *json, enum oqz_split_by by, const struct oqz_split_item *items,
                                     size_t n, const char *dir, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *a = oqz_arena_new();
	const char *name = by == OQZ_SPLIT_IMAGES ? "DetectionAnnotation.json" : "PersonAnnotation.json";
	struct oqz_map by_line = { 0 };
	enum oqz_status st = OQZ_OK;
	json_t *root;

	if (!a)
		return oqz_err_nomem(err, dir, 1);
	OQZ_TRY(load(json, &root, err));
	for (size_t i = 0; i < n && st == OQZ_OK; i++)
		if (!oqz_map_set(&by_line, items[i].line, (void *)&items[i]))
			st = oqz_err_nomem(err, dir, n);
	for (int number = 1; number <= 2 && st == OQZ_OK; number++) {
		const struct part p = { &by_line, by, number, a };
		const char *folder = oqz_path_join(a, dir, number == 1 ? "calib" : "test");
		st = oqz_mkdirs(folder, err);
		if (st == OQZ_OK)
			st = write_part(root, &p, oqz_path_join(a, folder, name), err);
	}
	oqz_map_release(&by_line);
	json_decref(root);
	return st;
}
