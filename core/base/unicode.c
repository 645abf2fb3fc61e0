/* SPDX-License-Identifier: Apache-2.0
 *
 * The C library knows characters, but only in a locale with UTF-8: C.UTF-8, which every Debian has, is switched on for
 * the calling thread meanwhile. Without it a character counts as one column, and only those of ASCII are letters.
 */
#include "core/base/unicode.h"

#include <locale.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

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

/* Bytes of the character at s, which is not at its end; *ret is WEOF when it is none. */
static size_t decode(const char *s, wint_t *ret)
{
	mbstate_t state = { 0 };
	wchar_t c;
	size_t n = mbrtowc(&c, s, strlen(s), &state);
	bool valid = n != (size_t)-1 && n != (size_t)-2;

	*ret = valid ? (wint_t)c : WEOF;
	return valid ? n : 1;
}

/* Bytes of the character at s, and its columns. */
static size_t step(const char *s, int *columns)
{
	wint_t c;
	size_t n = decode(s, &c);
	int w = c == WEOF ? -1 : wcwidth((wchar_t)c);

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

bool oqz_is_word(const char *s, const char *also)
{
	struct utf8 u = enter();
	bool word = true;
	wint_t c;

	while (*s && word) {
		size_t n = decode(s, &c);
		word = c != WEOF && (iswalnum(c) || (n == 1 && strchr(also, *s)));
		s += n;
	}
	leave(u);
	return word;
}
