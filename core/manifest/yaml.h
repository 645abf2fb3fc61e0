/* SPDX-License-Identifier: Apache-2.0
 *
 * YAML as a tree that remembers where everything stood. Built on libyaml's events rather than its documents, because
 * duplicate keys, merge keys, anchors' cost and positions are ours to define: duplicate keys are errors, `<<` merges
 * shallowly, aliases share their node, tags are refused, scalars stay text (types come from the schema).
 */
#ifndef OQZ_MANIFEST_YAML_H
#define OQZ_MANIFEST_YAML_H

#include "core/base/arena.h"
#include "core/base/err.h"

enum oqz_yaml_kind { OQZ_YAML_NULL, OQZ_YAML_SCALAR, OQZ_YAML_SEQ, OQZ_YAML_MAP };

struct oqz_yaml;

struct oqz_yaml_pair {
	const char *key;
	int line, column; /* of the key, 1-based */
	struct oqz_yaml *value;
};

struct oqz_yaml {
	enum oqz_yaml_kind kind;
	const char *file;
	int line, column;   /* 1-based */
	const char *scalar; /* SCALAR: text; others NULL */
	bool quoted;        /* SCALAR: written in quotes or as a block */
	size_t n;
	struct oqz_yaml **items;     /* SEQ */
	struct oqz_yaml_pair *pairs; /* MAP, in file order */
};

/* Parses one document; an empty file gives a NULL node. Limits: depth 64, 100,000 nodes (aliases counted each time they
 * are used), 16 MiB. Errors are "file:line:column: what". Everything lives in the arena. */
enum oqz_status oqz_yaml_parse(struct oqz_arena *a, const char *text, size_t size, const char *file,
                               struct oqz_yaml **ret, struct oqz_err *err);
enum oqz_status oqz_yaml_load(struct oqz_arena *a, const char *path, struct oqz_yaml **ret, struct oqz_err *err);

/* The value of a key, or NULL. */
struct oqz_yaml *oqz_yaml_get(const struct oqz_yaml *map, const char *key);
/* Fails with "file:line:column: <text>" at the node (or pair). */
enum oqz_status oqz_yaml_fail(const struct oqz_yaml *at, struct oqz_err *err, enum oqz_status code, const char *fmt,
                              ...) OQZ_PRINTF(4, 5);
/* "file:line:column" of a node, in the arena. */
const char *oqz_yaml_where(struct oqz_arena *a, const struct oqz_yaml *at);

/* New nodes that take their position from `at`. NULL when out of memory. */
struct oqz_yaml *oqz_yaml_new(struct oqz_arena *a, enum oqz_yaml_kind kind, const struct oqz_yaml *at);
struct oqz_yaml *oqz_yaml_scalar(struct oqz_arena *a, const char *text, const struct oqz_yaml *at);
bool oqz_yaml_set(struct oqz_arena *a, struct oqz_yaml *map, const char *key, struct oqz_yaml *value);
bool oqz_yaml_append(struct oqz_arena *a, struct oqz_yaml *seq, struct oqz_yaml *item);
/* Drops a key if present. */
void oqz_yaml_unset(struct oqz_yaml *map, const char *key);

/* `over` on top of `base`: maps merge key by key, everything else is replaced; a list whose entries all begin with + or
 * - edits the base's list instead. Returns a new tree (sharing unchanged parts); NULL when out of memory. */
struct oqz_yaml *oqz_yaml_merge(struct oqz_arena *a, const struct oqz_yaml *base, const struct oqz_yaml *over);

struct oqz_str;
/* Writes the tree as YAML (block style, quoting where a plain scalar would not read back). */
void oqz_yaml_dump(const struct oqz_yaml *y, struct oqz_str *out);

#endif
