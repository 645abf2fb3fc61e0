/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to tasks/coco: values of a COCO file with messages that say where they stand.
 */
#ifndef COCO_JSON_H
#define COCO_JSON_H

#include "data.h"
#include "tasks/common/common.h"

#include <jansson.h>

/* Where reading stands: "path: annotations[3]". */
struct coco_place {
	const struct oqz_host *h;
	struct oqz_failure *f;
	const char *path, *list;
	size_t index;
};

#define FAIL(p, fmt, ...)                                                           \
	(p)->h->fail((p)->f, OQZ_E_DATA, "%s: %s[%zu]: " fmt, (p)->path, (p)->list, \
	             (p)->index __VA_OPT__(, ) __VA_ARGS__)

/* The whole file; *ret is the caller's to json_decref(). */
enum oqz_status coco_json_read(const struct coco_place *p, json_t **ret);
enum oqz_status coco_get_id(const struct coco_place *p, const json_t *o, const char *key, int64_t *ret);
/* A text that is not empty, from host->alloc. */
enum oqz_status coco_get_text(const struct coco_place *p, const json_t *o, const char *key, char **ret);
/* A list of exactly n finite numbers. */
enum oqz_status coco_get_numbers(const struct coco_place *p, const json_t *o, const char *key, size_t n, double *ret);
/* Width or height; 0 when it is absent or no size. */
int32_t coco_get_side(const json_t *o, const char *key);

#endif
