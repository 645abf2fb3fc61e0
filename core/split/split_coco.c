/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO annotation files as a source of splits, and their parts as annotation files of their own. For persons whole
 * images are drawn, with all their persons, until there are enough: with single persons, an image's other persons would
 * count as missed in the evaluation.
 */
#include "core/base/file.h"
#include "core/base/map.h"
#include "core/base/vec.h"
#include "core/split/split.h"

#include <inttypes.h>
#include <jansson.h>
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

/* A person that the keypoint evaluation can use. */
static bool is_candidate(const json_t *annotation)
{
	const json_t *box = json_object_get(annotation, "bbox");

	return json_integer_value(json_object_get(annotation, "iscrowd")) == 0 &&
	       json_integer_value(json_object_get(annotation, "num_keypoints")) > 0 &&
	       json_number_value(json_array_get(box, 2)) > 0 && json_number_value(json_array_get(box, 3)) > 0;
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

static enum oqz_status weigh_persons(const json_t *root, const char *path, struct oqz_arena *a,
                                     const struct oqz_map *by_id, struct oqz_split_item *items, size_t *n,
                                     struct oqz_err *err)
{
	const json_t *annotations = json_object_get(root, "annotations");
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++)
		items[i].weight = 0;
	for (size_t i = 0; i < json_array_size(annotations); i++) {
		const json_t *an = json_array_get(annotations, i);
		const char *id = id_text(a, json_object_get(an, "image_id"));
		struct oqz_split_item *item = id ? oqz_map_get(by_id, id) : NULL;
		if (!item)
			OQZ_FAIL(err, OQZ_E_DATA, "%s: annotation %zu belongs to no image of the file", path, i);
		item->weight += is_candidate(an);
	}
	for (size_t i = 0; i < *n; i++)
		if (items[i].weight)
			items[kept++] = items[i];
	*n = kept;
	return OQZ_OK;
}

enum oqz_status oqz_split_coco(const char *json, bool persons, struct oqz_arena *a, struct oqz_split_item **ret,
                               size_t *ret_n, struct oqz_err *err)
{
	struct oqz_map by_id = { 0 };
	json_t *root;
	size_t n = 0;

	OQZ_TRY(load(json, &root, err));
	struct oqz_split_item *items =
	    OQZ_ARENA_NEW_N(a, struct oqz_split_item, json_array_size(json_object_get(root, "images")) + 1);
	enum oqz_status st = items ? index_images(root, json, a, &by_id, items, &n, err) : oqz_err_nomem(err, json, 1);
	if (st == OQZ_OK && persons)
		st = weigh_persons(root, json, a, &by_id, items, &n, err);
	oqz_map_release(&by_id);
	json_decref(root);
	OQZ_TRY(st);
	*ret = items;
	*ret_n = n;
	return OQZ_OK;
}

/* The file's other members (info, licenses, categories) with the part's images and their annotations. */
static enum oqz_status write_part(const json_t *root, bool persons, const struct oqz_map *part_of, int part,
                                  const char *path, struct oqz_arena *a, struct oqz_err *err)
{
	json_t *out = json_copy((json_t *)root), *images = json_array(), *annotations = json_array();
	const json_t *all = json_object_get(root, "images");
	struct oqz_map ids = { 0 };
	bool ok = out && images && annotations;

	for (size_t i = 0; ok && i < json_array_size(all); i++) {
		json_t *image = json_array_get(all, i);
		const struct oqz_split_item *item =
		    oqz_map_get(part_of, json_string_value(json_object_get(image, "file_name")));
		if (!item || item->part != part)
			continue;
		ok = json_array_append(images, image) == 0 &&
		     oqz_map_set(&ids, id_text(a, json_object_get(image, "id")), image);
	}
	all = json_object_get(root, "annotations");
	for (size_t i = 0; ok && i < json_array_size(all); i++) {
		json_t *an = json_array_get(all, i);
		const char *id = id_text(a, json_object_get(an, "image_id"));
		if (id && oqz_map_has(&ids, id) && (!persons || is_candidate(an)))
			ok = json_array_append(annotations, an) == 0;
	}
	ok = ok && json_object_set(out, "images", images) == 0 && json_object_set(out, "annotations", annotations) == 0;
	char *text = ok ? json_dumps(out, JSON_COMPACT) : NULL;
	enum oqz_status st = text ? oqz_file_write(path, text, strlen(text), err) : oqz_err_nomem(err, path, 1);
	free(text);
	oqz_map_release(&ids);
	json_decref(annotations);
	json_decref(images);
	json_decref(out);
	return st;
}

enum oqz_status oqz_split_coco_write(const char *json, bool persons, const struct oqz_split_item *items, size_t n,
                                     const char *dir, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *a = oqz_arena_new();
	const char *name = persons ? "PersonAnnotation.json" : "DetectionAnnotation.json";
	struct oqz_map part_of = { 0 };
	enum oqz_status st = OQZ_OK;
	json_t *root;

	if (!a)
		return oqz_err_nomem(err, dir, 1);
	OQZ_TRY(load(json, &root, err));
	for (size_t i = 0; i < n && st == OQZ_OK; i++)
		if (!oqz_map_set(&part_of, items[i].line, (void *)&items[i]))
			st = oqz_err_nomem(err, dir, n);
	for (int part = 1; part <= 2 && st == OQZ_OK; part++) {
		const char *folder = oqz_path_join(a, dir, part == 1 ? "calib" : "test");
		st = oqz_mkdirs(folder, err);
		if (st == OQZ_OK)
			st = write_part(root, persons, &part_of, part, oqz_path_join(a, folder, name), a, err);
	}
	oqz_map_release(&part_of);
	json_decref(root);
	return st;
}
