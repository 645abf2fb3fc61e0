/* SPDX-License-Identifier: Apache-2.0
 *
 * Putting one YAML tree on top of another (include, extends, --set), and writing a tree back as text (oqz show).
 */
#include "core/base/str.h"
#include "core/manifest/yaml.h"

#include <string.h>

/* A list such as [+LayerNormalization, -Gemm] edits what is below it. */
static bool is_edit(const struct oqz_yaml *y)
{
	if (y->kind != OQZ_YAML_SEQ || y->n == 0)
		return false;
	for (size_t i = 0; i < y->n; i++)
		if (y->items[i]->kind != OQZ_YAML_SCALAR || !strchr("+-", y->items[i]->scalar[0]) ||
		    !y->items[i]->scalar[1])
			return false;
	return true;
}

static struct oqz_yaml *edit_list(struct oqz_arena *a, const struct oqz_yaml *base, const struct oqz_yaml *edit)
{
	struct oqz_yaml *r = oqz_yaml_new(a, OQZ_YAML_SEQ, edit);

	for (size_t i = 0; r && i < base->n; i++) {
		bool dropped = false;
		for (size_t j = 0; j < edit->n; j++)
			dropped |= base->items[i]->kind == OQZ_YAML_SCALAR &&
			           strcmp(edit->items[j]->scalar + 1, base->items[i]->scalar) == 0;
		if (!dropped && !oqz_yaml_append(a, r, base->items[i]))
			return NULL;
	}
	for (size_t j = 0; r && j < edit->n; j++) {
		if (edit->items[j]->scalar[0] != '+')
			continue;
		struct oqz_yaml *s = oqz_yaml_scalar(a, edit->items[j]->scalar + 1, edit->items[j]);
		if (!s || !oqz_yaml_append(a, r, s))
			return NULL;
	}
	return r;
}

struct oqz_yaml *oqz_yaml_merge(struct oqz_arena *a, const struct oqz_yaml *base, const struct oqz_yaml *over)
{
	if (base && base->kind == OQZ_YAML_SEQ && is_edit(over))
		return edit_list(a, base, over);
	if (!base || base->kind != OQZ_YAML_MAP || over->kind != OQZ_YAML_MAP)
		return (struct oqz_yaml *)over;
	struct oqz_yaml *r = oqz_yaml_new(a, OQZ_YAML_MAP, over);
	for (size_t i = 0; r && i < base->n; i++)
		if (!oqz_yaml_set(a, r, base->pairs[i].key, base->pairs[i].value))
			return NULL;
	for (size_t i = 0; r && i < over->n; i++) {
		const struct oqz_yaml *below = oqz_yaml_get(r, over->pairs[i].key);
		struct oqz_yaml *m =
		    oqz_yaml_merge(a, below, over->pairs[i].value); /* depth is bounded by the parser */
		if (!m || !oqz_yaml_set(a, r, over->pairs[i].key, m))
			return NULL;
	}
	return r;
}

/* Plain scalars that every YAML reader takes for the same text. */
static bool plain_ok(const char *s)
{
	size_t n = strlen(s);
	bool negative = s[0] == '-' && s[1] >= '0' && s[1] <= '9';

	if (!n || (strchr("-?:,[]{}#&*!|>'\"%@` ", s[0]) && !negative) || s[n - 1] == ' ' || s[n - 1] == ':' ||
	    strstr(s, ": ") || strstr(s, " #") || strcmp(s, "~") == 0 || strcmp(s, "null") == 0 ||
	    strncmp(s, "...", 3) == 0)
		return false;
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f || strchr(",[]{}", *p))
			return false;
	return true;
}

static void dump_scalar(const struct oqz_yaml *y, struct oqz_str *out)
{
	if (y->kind == OQZ_YAML_NULL)
		oqz_str_add(out, "~");
	else if (plain_ok(y->scalar))
		oqz_str_add(out, y->scalar);
	else
		oqz_str_add_json(out, y->scalar);
}

static bool is_leaf(const struct oqz_yaml *y)
{
	return y->kind == OQZ_YAML_NULL || y->kind == OQZ_YAML_SCALAR || y->n == 0;
}

static void dump_leaf(const struct oqz_yaml *y, struct oqz_str *out)
{
	if (y->kind == OQZ_YAML_SEQ || y->kind == OQZ_YAML_MAP)
		oqz_str_add(out, y->kind == OQZ_YAML_SEQ ? "[]" : "{}");
	else
		dump_scalar(y, out);
}

static bool all_leaves(const struct oqz_yaml *y)
{
	for (size_t i = 0; i < y->n; i++)
		if (!is_leaf(y->kind == OQZ_YAML_MAP ? y->pairs[i].value : y->items[i]))
			return false;
	return true;
}

/* Keys in front of a colon have at most 1024 characters (YAML 1.1), escapes counted; longer ones are announced. */
static void dump_key(const char *name, int indent, struct oqz_str *out)
{
	enum { MOST = 1000, ESCAPE = 6 };
	struct oqz_yaml key = { .kind = OQZ_YAML_SCALAR, .scalar = name };
	bool wide = strlen(name) * ESCAPE > MOST;

	oqz_str_add(out, wide ? "? " : "");
	dump_scalar(&key, out);
	if (wide)
		oqz_str_addf(out, "\n%*s", indent, "");
	oqz_str_add(out, ":");
}

static void dump(const struct oqz_yaml *y, int indent, struct oqz_str *out)
{
	for (size_t i = 0; i < y->n; i++) {
		const struct oqz_yaml *v = y->kind == OQZ_YAML_MAP ? y->pairs[i].value : y->items[i];
		oqz_str_addf(out, "%*s", indent, "");
		if (y->kind == OQZ_YAML_MAP)
			dump_key(y->pairs[i].key, indent, out);
		else
			oqz_str_add(out, "-");
		if (is_leaf(v)) {
			oqz_str_add(out, " ");
			dump_leaf(v, out);
			oqz_str_add(out, "\n");
		} else if (v->kind == OQZ_YAML_SEQ && all_leaves(v)) {
			oqz_str_add(out, " [");
			for (size_t j = 0; j < v->n; j++) {
				oqz_str_add(out, j ? ", " : "");
				dump_leaf(v->items[j], out);
			}
			oqz_str_add(out, "]\n");
		} else {
			oqz_str_add(out, "\n");
			dump(v, indent + 2, out);
		}
	}
}

void oqz_yaml_dump(const struct oqz_yaml *y, struct oqz_str *out)
{
	if (is_leaf(y)) {
		dump_leaf(y, out);
		oqz_str_add(out, "\n");
	} else {
		dump(y, 0, out);
	}
}
