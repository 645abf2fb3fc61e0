/* SPDX-License-Identifier: Apache-2.0
 *
 * String buffer and string helpers. Numbers are printed by trying 15, 16, 17 digits, which gives the shortest decimal
 * in all but rare cases and always one that reads back exactly.
 */
#include "core/base/str.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool reserve(struct oqz_str *b, size_t extra)
{
	if (b->failed)
		return false;
	if (extra < b->cap - b->len)
		return true;
	size_t want = b->cap ? b->cap : 64;
	while (want - b->len <= extra) {
		if (want > SIZE_MAX / 2) {
			b->failed = true;
			return false;
		}
		want *= 2;
	}
	char *p = realloc(b->s, want);
	if (!p) {
		b->failed = true;
		return false;
	}
	b->s = p;
	b->cap = want;
	return true;
}

void oqz_str_addn(struct oqz_str *b, const void *s, size_t n)
{
	if (!reserve(b, n))
		return;
	if (n)
		memcpy(b->s + b->len, s, n);
	b->len += n;
	b->s[b->len] = 0;
}

void oqz_str_add(struct oqz_str *b, const char *s) { oqz_str_addn(b, s, strlen(s)); }

void oqz_str_addf(struct oqz_str *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	if (!reserve(b, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(b->s + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void oqz_str_add_double(struct oqz_str *b, double x)
{
	char buf[40];

	if (isnan(x) || isinf(x)) {
		oqz_str_add(b, isnan(x) ? "nan" : x > 0 ? "inf" : "-inf");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(buf, sizeof buf, "%.*g", digits, x);
		if (strtod(buf, NULL) == x)
			break;
	}
	oqz_str_add(b, buf);
	if (x == 0 && signbit(x))
		oqz_str_add(b, ".0"); /* JSON readers take -0 for the integer 0 */
}

/* Length of the valid UTF-8 sequence at s (0 if invalid), per RFC 3629: no overlong forms, no surrogates. */
static size_t utf8_len(const unsigned char *s)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		return (s[1] & 0xc0) == 0x80 ? 2 : 0;
	if (s[0] >= 0xe0 && s[0] <= 0xef) {
		unsigned char lo = s[0] == 0xe0 ? 0xa0 : 0x80, hi = s[0] == 0xed ? 0x9f : 0xbf;
		return s[1] >= lo && s[1] <= hi && (s[2] & 0xc0) == 0x80 ? 3 : 0;
	}
	if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		unsigned char lo = s[0] == 0xf0 ? 0x90 : 0x80, hi = s[0] == 0xf4 ? 0x8f : 0xbf;
		return s[1] >= lo && s[1] <= hi && (s[2] & 0xc0) == 0x80 && (s[3] & 0xc0) == 0x80 ? 4 : 0;
	}
	return 0;
}

/* Of a sequence of two or three bytes. */
static unsigned code_point(const unsigned char *s, size_t n)
{
	return n == 2 ? (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu)
	              : (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
}

/* JSON would allow these as they are. YAML, which reads our JSON strings too, takes them for line breaks or refuses
 * them: C1 controls, line and paragraph separator, byte order mark, noncharacters. */
static bool must_escape(const unsigned char *s, size_t n)
{
	unsigned c = n == 2 || n == 3 ? code_point(s, n) : 0;

	return (c >= 0x80 && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffe || c == 0xffff;
}

void oqz_str_add_json(struct oqz_str *b, const char *s)
{
	oqz_str_add(b, "\"");
	for (const unsigned char *p = (const unsigned char *)s; *p;) {
		size_t n = utf8_len(p);
		if (n == 0) {
			oqz_str_add(b, "\\ufffd");
			p++;
		} else if (*p == '"' || *p == '\\') {
			oqz_str_addf(b, "\\%c", *p++);
		} else if (*p < 0x20 || *p == 0x7f) {
			oqz_str_addf(b, "\\u%04x", *p++);
		} else if (must_escape(p, n)) {
			oqz_str_addf(b, "\\u%04x", code_point(p, n));
			p += n;
		} else {
			oqz_str_addn(b, p, n);
			p += n;
		}
	}
	oqz_str_add(b, "\"");
}

/* U+FFFE and U+FFFF are no characters of XML. */
static bool is_noncharacter(const unsigned char *p, size_t n)
{
	return n == 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe;
}

void oqz_str_add_html(struct oqz_str *b, const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p;) {
		size_t n = utf8_len(p);
		if (n == 0 || (*p < 0x20 && !strchr("\t\n", *p)) || *p == 0x7f || is_noncharacter(p, n))
			oqz_str_add(b, "\xef\xbf\xbd");
		else if (strchr("&<>\"'", *p))
			oqz_str_addf(b, "&#%d;", *p);
		else
			oqz_str_addn(b, p, n);
		p += n ? n : 1;
	}
}

void oqz_str_add_csv(struct oqz_str *b, const char *s)
{
	if (!strpbrk(s, ",\"\r\n")) {
		oqz_str_add(b, s);
		return;
	}
	oqz_str_add(b, "\"");
	for (; *s; s++) {
		if (*s == '"')
			oqz_str_add(b, "\"");
		oqz_str_addn(b, s, 1);
	}
	oqz_str_add(b, "\"");
}

const char *oqz_str_get(const struct oqz_str *b) { return b->s ? b->s : ""; }

void oqz_str_clear(struct oqz_str *b)
{
	b->len = 0;
	b->failed = false;
	if (b->s)
		b->s[0] = 0;
}

void oqz_str_release(struct oqz_str *b)
{
	free(b->s);
	memset(b, 0, sizeof *b);
}

/* Matches one [set] at *p against c and advances *p behind it; an unterminated set matches the bracket itself. */
static bool set_match(const char **p, char c)
{
	const char *s = *p + 1;
	bool invert = *s == '!' || *s == '^', hit = false;

	if (invert)
		s++;
	const char *first = s;
	for (; *s && (*s != ']' || s == first); s++) {
		if (s[1] == '-' && s[2] && s[2] != ']') {
			hit |= c >= s[0] && c <= s[2];
			s += 2;
		} else {
			hit |= c == *s;
		}
	}
	if (!*s) {
		++*p;
		return c == '[';
	}
	*p = s + 1;
	return hit != invert;
}

bool oqz_glob_match(const char *p, const char *s)
{
	const char *star = NULL,
	           *star_s = NULL; /* where to resume after the last `*`: iterative, so linear in practice */

	while (*s) {
		if (*p == '*') {
			star = ++p;
			star_s = s;
			continue;
		}
		const char *next = p;
		bool ok = false;
		if (*p == '?') {
			ok = true;
			next = p + 1;
		} else if (*p == '[') {
			ok = set_match(&next, *s);
		} else if (*p) {
			ok = *p == *s;
			next = p + 1;
		}
		if (ok) {
			p = next;
			s++;
		} else if (star) {
			p = star;
			s = ++star_s;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return *p == 0;
}

size_t oqz_str_distance(const char *a, const char *b, size_t limit)
{
	size_t row[64], n = strlen(b), m = strlen(a);

	if (n >= OQZ_COUNTOF(row) || m >= OQZ_COUNTOF(row))
		return limit + 1;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; i <= m; i++) {
		size_t diag = row[0];
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t up = row[j], best = diag + (a[i - 1] != b[j - 1]);
			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diag = up;
			row[j] = best;
		}
	}
	return row[n] > limit ? limit + 1 : row[n];
}

const char *oqz_str_nearest(const char *word, const char *const *candidates, size_t n)
{
	size_t limit = strlen(word) / 3 + 1, best = limit + 1;
	const char *hit = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t d = oqz_str_distance(word, candidates[i], limit);
		if (d < best) {
			best = d;
			hit = candidates[i];
		}
	}
	return hit;
}

void oqz_str_add_hint(struct oqz_str *b, const char *word, const char *label, char quote, const char *const *candidates,
                      size_t n)
{
	const char *near = oqz_str_nearest(word, candidates, n);
	size_t limit = near ? oqz_str_distance(word, near, strlen(word)) : 0;

	if (!n)
		return;
	if (!near) {
		oqz_str_addf(b, " (%s: ", label);
		for (size_t i = 0; i < n; i++)
			oqz_str_addf(b, "%s%s", i ? ", " : "", candidates[i]);
		oqz_str_add(b, ")");
		return;
	}
	oqz_str_addf(b, " (did you mean %c%s%c", quote, near, quote);
	for (size_t i = 0; i < n; i++)
		if (strcmp(candidates[i], near) != 0 && oqz_str_distance(word, candidates[i], limit) == limit)
			oqz_str_addf(b, " or %c%s%c", quote, candidates[i], quote);
	oqz_str_add(b, "?)");
}

bool oqz_parse_i64(const char *s, long long *ret)
{
	char *end;

	if (!(*s == '-' || *s == '+' || (*s >= '0' && *s <= '9')))
		return false;
	errno = 0;
	long long v = strtoll(s, &end, 10);
	if (errno || *end || end == s)
		return false;
	*ret = v;
	return true;
}

bool oqz_parse_f64(const char *s, double *ret)
{
	char *end;

	if (*s == 0 || *s == ' ' || *s == '\t' || *s == '\n')
		return false;
	errno = 0;
	double v = strtod(s, &end);
	if (*end || end == s || (errno == ERANGE && isinf(v)))
		return false;
	*ret = v;
	return true;
}

bool oqz_parse_bytes(const char *s, int64_t *ret)
{
	static const char units[] = "KMGT";
	char digits[24];
	size_t n = strlen(s);
	const char *unit = n ? strchr(units, s[n - 1]) : NULL;
	int shift = unit ? 10 * (int)(unit - units + 1) : 0;
	long long v;

	n -= unit != NULL;
	if (n == 0 || n >= sizeof digits)
		return false;
	memcpy(digits, s, n);
	digits[n] = 0;
	if (!oqz_parse_i64(digits, &v) || v < 0 || v > INT64_MAX >> shift)
		return false;
	*ret = (int64_t)v << shift;
	return true;
}
