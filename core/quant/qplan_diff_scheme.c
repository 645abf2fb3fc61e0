/* SPDX-License-Identifier: Apache-2.0
 *
 * What two schemes' texts differ in, parameter by parameter. A text is sections, "int8:bits=8,...;ops=Conv;override
 * nodes=a bits=4,...;improve equalize:iterations=10,...": a head, and behind it parameters by name. Sections of one
 * head are compared parameter by parameter, others are told as a whole.
 */
#include "core/base/str.h"
#include "core/quant/qplan_diff.h"

#include <string.h>

enum { MAX_SECTIONS = 256 }; /* more are compared as far */

struct section {
	const char *text;   /* whole, NUL-terminated */
	const char *head;   /* "int8", "ops", "override nodes=a", "improve equalize" */
	const char *params; /* behind the head; "" when there are none */
	bool met;
};

/* Where the head of a section ends: behind it stands one character, then the parameters. */
static size_t head_length(const char *text, bool first)
{
	const char *last = strrchr(text, ' ');

	if (first || strncmp(text, "improve ", 8) == 0)
		return strcspn(text, ":");
	if (strncmp(text, "override", 8) == 0 && last)
		return (size_t)(last - text);
	return strcspn(text, "=");
}

static size_t sections_of(struct oqz_arena *a, const char *text, struct section *s)
{
	size_t n = 0;

	while (*text && n < MAX_SECTIONS) {
		size_t len = strcspn(text, ";");
		char *copy = oqz_arena_strndup(a, text, len);
		size_t head = copy ? head_length(copy, n == 0) : 0;
		char *name = copy ? oqz_arena_strndup(a, copy, head) : NULL;
		if (!name)
			return SIZE_MAX;
		s[n++] = (struct section) { copy, name, copy[head] ? copy + head + 1 : "", false };
		text += len + (text[len] == ';');
	}
	return n;
}

static enum oqz_status add(struct oqz_qplan_diff *d, const char *a, const char *b, struct oqz_err *err)
{
	const struct oqz_qplan_param p = { a, b };

	return oqz_vec_push(&d->params, p) ? OQZ_OK : oqz_err_nomem(err, "differences", d->params.n);
}

/* The parameter `name`, of the given length, in a list "x=1,y=2"; NULL when it has none. */
static const char *find_param(const char *list, const char *name, size_t length)
{
	for (; *list; list += strcspn(list, ",")) {
		list += *list == ',';
		if (strncmp(list, name, length) == 0 && list[length] == '=')
			return list;
	}
	return NULL;
}

static char *param_text(struct oqz_arena *arena, const struct section *s, const char *at)
{
	return oqz_arena_printf(arena, "%s %.*s", s->head, (int)strcspn(at, ","), at);
}

/* Two sections of one head. `turned`: x is B's; then only what the other lacks is told. */
static enum oqz_status compare_sections(struct oqz_arena *arena, const struct section *x, const struct section *y,
                                        bool turned, struct oqz_qplan_diff *d, struct oqz_err *err)
{
	if (!strchr(x->params, '=') && !strchr(y->params, '=')) /* a list of names */
		return turned || strcmp(x->params, y->params) == 0 ? OQZ_OK : add(d, x->text, y->text, err);
	for (const char *at = x->params; *at; at += strcspn(at, ",")) {
		at += *at == ',';
		size_t name = strcspn(at, "=,"), length = strcspn(at, ",");
		const char *other = find_param(y->params, at, name);
		if (other && (turned || (strcspn(other, ",") == length && strncmp(other, at, length) == 0)))
			continue;
		char *a = param_text(arena, x, at), *b = other ? param_text(arena, y, other) : NULL;
		if (!a || (other && !b))
			return oqz_err_nomem(err, "differences", length);
		OQZ_TRY(turned ? add(d, b, a, err) : add(d, a, b, err));
	}
	return OQZ_OK;
}

enum oqz_status oqz_scheme_diff(struct oqz_arena *arena, const char *a, const char *b, struct oqz_qplan_diff *d,
                                struct oqz_err *err)
{
	struct section x[MAX_SECTIONS], y[MAX_SECTIONS];
	size_t nx = sections_of(arena, a, x), ny = sections_of(arena, b, y);

	if (nx == SIZE_MAX || ny == SIZE_MAX)
		return oqz_err_nomem(err, "a scheme", strlen(a) + strlen(b));
	for (size_t i = 0; i < nx; i++) {
		size_t k = 0;
		while (k < ny && (y[k].met || strcmp(y[k].head, x[i].head) != 0))
			k++;
		if (k == ny) {
			OQZ_TRY(add(d, x[i].text, NULL, err));
			continue;
		}
		y[k].met = true;
		OQZ_TRY(compare_sections(arena, &x[i], &y[k], false, d, err));
		OQZ_TRY(compare_sections(arena, &y[k], &x[i], true, d, err));
	}
	for (size_t k = 0; k < ny; k++)
		if (!y[k].met)
			OQZ_TRY(add(d, NULL, y[k].text, err));
	return OQZ_OK;
}
