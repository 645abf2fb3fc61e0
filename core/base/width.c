/* SPDX-License-Identifier: Apache-2.0
 *
 * The C library knows the widths, but only in a locale with UTF-8: C.UTF-8, which every Debian has, is switched on for
 * the calling thread meanwhile. Without it a character counts as one column.
 */
#include "core/base/width.h"

#include <locale.h>
#include <string.h>
#include <wchar.h>

struct utf8 {
	locale_t mine, before;
};

static struct utf8 enter(void)
{
	struct utf8 u = { newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), (locale_t)0 };

	if (u.mine)
		u.before = uselocale(u.mine);
	return u;
}

static void leave(struct utf8 u)
{
	if (!u.mine)
		return;
	uselocale(u.before);
	freelocale(u.mine);
}

/* Bytes of the character at s, and its columns. */
static size_t step(const char *s, int *columns)
{
	mbstate_t state = { 0 };
	wchar_t c;
	size_t n = mbrtowc(&c, s, strlen(s), &state);

	*columns = 1;
	if (n == (size_t)-1 || n == (size_t)-2 || n == 0)
		return 1;
	int w = wcwidth(c);
	*columns = w < 0 ? 1 : w;
	return n;
}

/* Bytes and columns of the longest beginning that fits. */
static size_t measure(const char *s, int columns, int *ret_used)
{
	size_t at = 0;
	int used = 0, w;

	while (s[at]) {
		size_t n = step(s + at, &w);
		if (used + w > columns)
			break;
		used += w;
		at += n;
	}
	*ret_used = used;
	return at;
}

int oqz_width(const char *s)
{
	struct utf8 u = enter();
	int used;

	measure(s, 1 << 30, &used);
	leave(u);
	return used;
}

size_t oqz_width_cut(const char *s, int columns)
{
	struct utf8 u = enter();
	int used;
	size_t n = measure(s, columns, &used);

	leave(u);
	return n;
}

void oqz_str_add_fitted(struct oqz_str *out, const char *s, int columns)
{
	int total = oqz_width(s);

	if (total <= columns) {
		oqz_str_add(out, s);
		return;
	}
	/* The beginning gets the odd column; the end begins where the rest fits. */
	size_t head = oqz_width_cut(s, columns / 2), tail = head;
	while (oqz_width(s + tail) > columns - 1 - columns / 2)
		tail += oqz_width_cut(s + tail, 1) ? oqz_width_cut(s + tail, 1) : oqz_width_cut(s + tail, 2);
	oqz_str_addn(out, s, head);
	oqz_str_add(out, "\xe2\x80\xa6");
	oqz_str_add(out, s + tail);
}
