/* SPDX-License-Identifier: Apache-2.0
 *
 * libyaml events -> tree. The composer keeps its own stack, so that nesting in the file cannot exhaust ours.
 */
#include "core/manifest/yaml.h"
#include "core/base/file.h"
#include "core/base/map.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

enum { MAX_DEPTH = 64, MAX_NODES = 100000, MAX_BYTES = 16 << 20 };

enum oqz_status oqz_yaml_fail(const struct oqz_yaml *at, struct oqz_err *err, enum oqz_status code, const char *fmt,
                              ...)
{
	va_list ap;

	va_start(ap, fmt);
	oqz_err_vset(err, code, fmt, ap);
	va_end(ap);
	if (at && at->file)
		oqz_err_prefix(err, "%s:%d:%d", at->file, at->line, at->column);
	return code;
}

const char *oqz_yaml_where(struct oqz_arena *a, const struct oqz_yaml *at)
{
	return oqz_arena_printf(a, "%s:%d:%d", at->file, at->line, at->column);
}

struct oqz_yaml *oqz_yaml_get(const struct oqz_yaml *map, const char *key)
{
	if (!map || map->kind != OQZ_YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i++)
		if (strcmp(map->pairs[i].key, key) == 0)
			return map->pairs[i].value;
	return NULL;
}

struct oqz_yaml *oqz_yaml_new(struct oqz_arena *a, enum oqz_yaml_kind kind, const struct oqz_yaml *at)
{
	struct oqz_yaml *y = OQZ_ARENA_NEW(a, struct oqz_yaml);

	if (y) {
		y->kind = kind;
		y->file = at ? at->file : NULL;
		y->line = at ? at->line : 0;
		y->column = at ? at->column : 0;
	}
	return y;
}

struct oqz_yaml *oqz_yaml_scalar(struct oqz_arena *a, const char *text, const struct oqz_yaml *at)
{
	struct oqz_yaml *y = oqz_yaml_new(a, OQZ_YAML_SCALAR, at);

	if (y && !(y->scalar = oqz_arena_strdup(a, text)))
		return NULL;
	return y;
}

/* Arrays in the arena double when n is a power of two; n alone tells when. */
static void *grow(struct oqz_arena *a, void *old, size_t n, size_t size)
{
	if (n == 0)
		return oqz_arena_calloc(a, 4, size);
	if (n < 4 || (n & (n - 1)))
		return old;
	void *p = oqz_arena_calloc(a, n * 2, size);
	return p ? memcpy(p, old, n * size) : NULL;
}

static bool add_pair(struct oqz_arena *a, struct oqz_yaml *map, const char *key, int line, int column,
                     struct oqz_yaml *value)
{
	struct oqz_yaml_pair *p = grow(a, map->pairs, map->n, sizeof *p);

	if (!p)
		return false;
	map->pairs = p;
	p[map->n++] = (struct oqz_yaml_pair) { .key = key, .line = line, .column = column, .value = value };
	return true;
}

bool oqz_yaml_append(struct oqz_arena *a, struct oqz_yaml *seq, struct oqz_yaml *item)
{
	struct oqz_yaml **p = grow(a, seq->items, seq->n, sizeof *p);

	if (!p)
		return false;
	seq->items = p;
	p[seq->n++] = item;
	return true;
}

bool oqz_yaml_set(struct oqz_arena *a, struct oqz_yaml *map, const char *key, struct oqz_yaml *value)
{
	for (size_t i = 0; i < map->n; i++)
		if (strcmp(map->pairs[i].key, key) == 0) {
			map->pairs[i].value = value;
			return true;
		}
	char *copy = oqz_arena_strdup(a, key);
	return copy && add_pair(a, map, copy, value->line, value->column, value);
}

void oqz_yaml_unset(struct oqz_yaml *map, const char *key)
{
	for (size_t i = 0; i < map->n; i++)
		if (strcmp(map->pairs[i].key, key) == 0) {
			memmove(map->pairs + i, map->pairs + i + 1, (map->n - i - 1) * sizeof *map->pairs);
			map->n--;
			return;
		}
}

/* ------------------------------------------------------------------------------------------------ composing */

struct level {
	struct oqz_yaml *node;
	const char *key; /* MAP: the key whose value comes next, else NULL */
	int key_line, key_column;
};

struct composer {
	struct oqz_arena *a;
	const char *file;
	struct level stack[MAX_DEPTH];
	int depth;
	size_t nodes;
	struct oqz_map anchors; /* anchor -> node */
	struct oqz_yaml *root;
};

static enum oqz_status fail_at(struct composer *c, const yaml_mark_t *m, struct oqz_err *err, const char *what)
{
	OQZ_FAIL(err, OQZ_E_USAGE, "%s:%d:%d: %s", c->file, (int)m->line + 1, (int)m->column + 1, what);
}

static size_t count_nodes(const struct oqz_yaml *y, size_t limit, int depth)
{
	size_t n = 1;

	if (depth > MAX_DEPTH)
		return limit;
	for (size_t i = 0; i < y->n && n < limit; i++)
		n += count_nodes(y->kind == OQZ_YAML_MAP ? y->pairs[i].value : y->items[i], limit - n, depth + 1);
	return n;
}

/* `<<: node` or `<<: [nodes]`: keys that the map does not have (yet) are taken over; earlier sources win. */
static enum oqz_status merge_key(struct composer *c, struct oqz_yaml *map, struct oqz_yaml *from, const yaml_mark_t *m,
                                 struct oqz_err *err)
{
	if (from->kind == OQZ_YAML_SEQ) {
		for (size_t i = 0; i < from->n; i++) {
			if (from->items[i]->kind != OQZ_YAML_MAP)
				return fail_at(c, m, err, "`<<` takes a mapping or a list of mappings");
			OQZ_TRY(merge_key(c, map, from->items[i], m, err));
		}
		return OQZ_OK;
	}
	if (from->kind != OQZ_YAML_MAP)
		return fail_at(c, m, err, "`<<` takes a mapping or a list of mappings");
	for (size_t i = 0; i < from->n; i++)
		if (!oqz_yaml_get(map, from->pairs[i].key) &&
		    !add_pair(c->a, map, from->pairs[i].key, -1, 0,
		              from->pairs[i].value)) /* line -1: merged, may be overridden */
			return oqz_err_nomem(err, c->file, sizeof *from);
	return OQZ_OK;
}

static enum oqz_status put_value(struct composer *c, struct level *l, struct oqz_yaml *y, const yaml_mark_t *m,
                                 struct oqz_err *err)
{
	const char *key = l->key;

	l->key = NULL;
	if (strcmp(key, "<<") == 0)
		return merge_key(c, l->node, y, m, err);
	for (size_t i = 0; i < l->node->n; i++) {
		struct oqz_yaml_pair *p = &l->node->pairs[i];
		if (strcmp(p->key, key) != 0)
			continue;
		if (p->line >= 0)
			OQZ_FAIL(err, OQZ_E_USAGE, "%s:%d:%d: key `%s` occurs twice (first in line %d)", c->file,
			         l->key_line, l->key_column, key, p->line);
		*p = (struct oqz_yaml_pair) { .key = key, .line = l->key_line, .column = l->key_column, .value = y };
		return OQZ_OK;
	}
	if (!add_pair(c->a, l->node, key, l->key_line, l->key_column, y))
		return oqz_err_nomem(err, c->file, sizeof *y);
	return OQZ_OK;
}

/* Puts a complete node (or an opened collection) where the innermost collection expects it. */
static enum oqz_status place(struct composer *c, struct oqz_yaml *y, const yaml_mark_t *m, struct oqz_err *err)
{
	if (c->depth == 0) {
		c->root = y;
		return OQZ_OK;
	}
	struct level *l = &c->stack[c->depth - 1];
	if (l->node->kind == OQZ_YAML_SEQ)
		return oqz_yaml_append(c->a, l->node, y) ? OQZ_OK : oqz_err_nomem(err, c->file, sizeof *y);
	if (l->key)
		return put_value(c, l, y, m, err);
	if (y->kind != OQZ_YAML_SCALAR)
		return fail_at(c, m, err, "a key must be plain text");
	l->key = y->scalar;
	l->key_line = y->line;
	l->key_column = y->column;
	return OQZ_OK;
}

static bool is_null(const yaml_event_t *e)
{
	const char *v = (const char *)e->data.scalar.value;

	return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && (!*v || !strcmp(v, "~") || !strcmp(v, "null"));
}

/* n more nodes, those that an alias stands for as well: a file of a few lines could stand for billions. */
static enum oqz_status count(struct composer *c, size_t n, const yaml_event_t *e, struct oqz_err *err)
{
	c->nodes += n;
	if (c->nodes <= MAX_NODES)
		return OQZ_OK;
	OQZ_FAIL(err, OQZ_E_USAGE, "%s:%d:%d: too many nodes (more than %d after expanding aliases)", c->file,
	         (int)e->start_mark.line + 1, (int)e->start_mark.column + 1, MAX_NODES);
}

static enum oqz_status open_node(struct composer *c, const yaml_event_t *e, const char *anchor, const char *tag,
                                 enum oqz_yaml_kind kind, struct oqz_yaml **ret, struct oqz_err *err)
{
	const struct oqz_yaml at = { .file = c->file,
		                     .line = (int)e->start_mark.line + 1,
		                     .column = (int)e->start_mark.column + 1 };

	if (tag)
		return fail_at(c, &e->start_mark, err, "tags (`!...`) are not used here");
	OQZ_TRY(count(c, 1, e, err));
	struct oqz_yaml *y = oqz_yaml_new(c->a, kind, &at);
	char *name = anchor ? oqz_arena_strdup(c->a, anchor) : NULL;
	if (!y || (anchor && (!name || !oqz_map_set(&c->anchors, name, y))))
		return oqz_err_nomem(err, c->file, sizeof *y);
	*ret = y;
	return OQZ_OK;
}

static enum oqz_status handle_alias(struct composer *c, const yaml_event_t *e, struct oqz_err *err)
{
	struct oqz_yaml *y = oqz_map_get(&c->anchors, (const char *)e->data.alias.anchor);

	if (!y)
		OQZ_FAIL(err, OQZ_E_USAGE, "%s:%d:%d: unknown alias `*%s`", c->file, (int)e->start_mark.line + 1,
		         (int)e->start_mark.column + 1, (const char *)e->data.alias.anchor);
	for (int i = 0; i < c->depth; i++)
		if (c->stack[i].node == y)
			return fail_at(c, &e->start_mark, err, "an alias inside of what it stands for");
	OQZ_TRY(count(c, count_nodes(y, MAX_NODES, 0), e, err));
	return place(c, y, &e->start_mark, err);
}

/* Is a value expected here, rather than a key? Only then does `null` mean nothing. */
static bool at_value(const struct composer *c)
{
	const struct level *l = c->depth ? &c->stack[c->depth - 1] : NULL;

	return !l || l->node->kind == OQZ_YAML_SEQ || l->key;
}

static enum oqz_status handle_scalar(struct composer *c, const yaml_event_t *e, struct oqz_err *err)
{
	const char *text = (const char *)e->data.scalar.value;
	size_t size = e->data.scalar.length;
	struct oqz_yaml *y;

	OQZ_TRY(open_node(c, e, (const char *)e->data.scalar.anchor, (const char *)e->data.scalar.tag, OQZ_YAML_SCALAR,
	                  &y, err));
	if (memchr(text, 0, size))
		return fail_at(c, &e->start_mark, err, "a NUL character");
	y->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (at_value(c) && is_null(e))
		y->kind = OQZ_YAML_NULL;
	else if (!(y->scalar = oqz_arena_strndup(c->a, text, size)))
		return oqz_err_nomem(err, c->file, size);
	return place(c, y, &e->start_mark, err);
}

static enum oqz_status handle_start(struct composer *c, const yaml_event_t *e, struct oqz_err *err)
{
	bool list = e->type == YAML_SEQUENCE_START_EVENT;
	const unsigned char *anchor = list ? e->data.sequence_start.anchor : e->data.mapping_start.anchor;
	const unsigned char *tag = list ? e->data.sequence_start.tag : e->data.mapping_start.tag;
	struct oqz_yaml *y;

	if (c->depth == MAX_DEPTH)
		OQZ_FAIL(err, OQZ_E_USAGE, "%s:%d:%d: nested too deeply (more than %d levels)", c->file,
		         (int)e->start_mark.line + 1, (int)e->start_mark.column + 1, MAX_DEPTH);
	OQZ_TRY(open_node(c, e, (const char *)anchor, (const char *)tag, list ? OQZ_YAML_SEQ : OQZ_YAML_MAP, &y, err));
	c->stack[c->depth++] = (struct level) { .node = y };
	return OQZ_OK;
}

static enum oqz_status handle(struct composer *c, const yaml_event_t *e, struct oqz_err *err)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT: return handle_scalar(c, e, err);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT: return handle_start(c, e, err);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: c->depth--; return place(c, c->stack[c->depth].node, &e->start_mark, err);
	case YAML_ALIAS_EVENT: return handle_alias(c, e, err);
	case YAML_DOCUMENT_START_EVENT:
		return c->root ? fail_at(c, &e->start_mark, err, "a second document in the file") : OQZ_OK;
	default: return OQZ_OK;
	}
}

enum oqz_status oqz_yaml_parse(struct oqz_arena *a, const char *text, size_t size, const char *file,
                               struct oqz_yaml **ret, struct oqz_err *err)
{
	struct composer c = { .a = a, .file = oqz_arena_strdup(a, file) };
	yaml_parser_t parser;
	enum oqz_status st = OQZ_OK;
	bool done = false;

	if (size > MAX_BYTES)
		OQZ_FAIL(err, OQZ_E_LIMIT, "%s: %zu bytes, more than 16 MiB of YAML", file, size);
	if (!c.file || !yaml_parser_initialize(&parser))
		return oqz_err_nomem(err, file, size);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
	while (!done && st == OQZ_OK) {
		yaml_event_t e;
		if (!yaml_parser_parse(&parser, &e)) {
			st = oqz_err_set(err, OQZ_E_USAGE, "%s:%d:%d: %s%s%s", file, (int)parser.problem_mark.line + 1,
			                 (int)parser.problem_mark.column + 1,
			                 parser.problem ? parser.problem : "not YAML", parser.context ? ", " : "",
			                 parser.context ? parser.context : "");
			break;
		}
		st = handle(&c, &e, err);
		done = e.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&parser);
	oqz_map_release(&c.anchors);
	if (st != OQZ_OK)
		return st;
	if (!c.root) {
		const struct oqz_yaml at = { .file = c.file, .line = 1, .column = 1 };
		if (!(c.root = oqz_yaml_new(a, OQZ_YAML_NULL, &at)))
			return oqz_err_nomem(err, file, sizeof *c.root);
	}
	*ret = c.root;
	return OQZ_OK;
}

enum oqz_status oqz_yaml_load(struct oqz_arena *a, const char *path, struct oqz_yaml **ret, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE char *text = NULL;
	size_t size;

	OQZ_TRY(oqz_file_read(path, MAX_BYTES, &text, &size, err));
	return oqz_yaml_parse(a, text, size, path, ret, err);
}
