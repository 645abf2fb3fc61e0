/* SPDX-License-Identifier: Apache-2.0
 *
 * See json.h. jansson checks syntax, UTF-8 and depth; numbers go through strtod() with correct rounding.
 */
#include "json.h"

#include <math.h>
#include <string.h>

enum oqz_status coco_json_read(const struct coco_place *p, json_t **ret)
{
	json_error_t why;
	char *text;
	size_t size;

	TRY(p->h->read_file(p->path, &text, &size, p->f));
	*ret = json_loadb(text, size, 0, &why);
	p->h->free_mem(text);
	if (!*ret && !why.text[0]) /* Jansson says nothing when it is memory that it lacks */
		return p->h->fail(p->f, OQZ_E_NOMEM, "%s: out of memory for the values of %zu bytes of JSON", p->path,
		                  size);
	if (!*ret)
		return p->h->fail(p->f, OQZ_E_DATA, "%s:%d:%d: %s", p->path, why.line, why.column, why.text);
	return OQZ_OK;
}

enum oqz_status coco_get_id(const struct coco_place *p, const json_t *o, const char *key, int64_t *ret)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v))
		return FAIL(p, "'%s' is not an integer", key);
	*ret = json_integer_value(v);
	return OQZ_OK;
}

enum oqz_status coco_get_text(const struct coco_place *p, const json_t *o, const char *key, char **ret)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_string(v) || !json_string_length(v))
		return FAIL(p, "'%s' is not a text", key);
	*ret = p->h->alloc(json_string_length(v) + 1);
	if (!*ret)
		return p->h->fail(p->f, OQZ_E_NOMEM, "out of memory");
	memcpy(*ret, json_string_value(v), json_string_length(v));
	return OQZ_OK;
}

enum oqz_status coco_get_numbers(const struct coco_place *p, const json_t *o, const char *key, size_t n, double *ret)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_array(v) || json_array_size(v) != n)
		return FAIL(p, "'%s' is not a list of %zu numbers", key, n);
	for (size_t i = 0; i < n; i++) {
		const json_t *x = json_array_get(v, i);
		if (!json_is_number(x) || !isfinite(ret[i] = json_number_value(x)))
			return FAIL(p, "'%s' is not a list of %zu numbers", key, n);
	}
	return OQZ_OK;
}

int32_t coco_get_side(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_integer(v) && json_integer_value(v) > 0 && json_integer_value(v) < INT32_MAX
	           ? (int32_t)json_integer_value(v)
	           : 0;
}
