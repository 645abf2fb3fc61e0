/* SPDX-License-Identifier: Apache-2.0
 *
 * String buffer that grows, and the few string helpers the core shares. An all-zero oqz_str is empty; `s` is always
 * NUL-terminated once something was added. A failed allocation is remembered: check oqz_str_ok() once at the end.
 */
#ifndef OQZ_BASE_STR_H
#define OQZ_BASE_STR_H

#include "core/base/compiler.h"
#include <stdbool.h>
#include <stddef.h>

struct oqz_str {
	char *s;
	size_t len, cap;
	bool failed;
};

/* Text at the end: a string, n bytes, printf's. */
void oqz_str_add(struct oqz_str *b, const char *s);
void oqz_str_addn(struct oqz_str *b, const void *s, size_t n);
void oqz_str_addf(struct oqz_str *b, const char *fmt, ...) OQZ_PRINTF(2, 3);
/* The shortest decimal that reads back to the same double ("inf", "-inf", "nan" for the others). Locale-free. */
void oqz_str_add_double(struct oqz_str *b, double x);
/* A JSON string literal with quotes; bytes that are not valid UTF-8 become U+FFFD. */
void oqz_str_add_json(struct oqz_str *b, const char *s);
/* Text for HTML and XML content or a quoted attribute: markup characters escaped, what is not valid UTF-8 and what XML
 * does not allow becomes U+FFFD. */
void oqz_str_add_html(struct oqz_str *b, const char *s);
/* A CSV field: quoted when it has a comma, quote or line break (RFC 4180). */
void oqz_str_add_csv(struct oqz_str *b, const char *s);
/* The contents, or "" when empty. */
const char *oqz_str_get(const struct oqz_str *b);
static inline bool oqz_str_ok(const struct oqz_str *b) { return !b->failed; }
void oqz_str_clear(struct oqz_str *b);
void oqz_str_release(struct oqz_str *b);

/* Shell-like glob over the whole of `s`: `*` any run (slashes too), `?` one character, `[a-z]` and `[!a]` sets. */
bool oqz_glob_match(const char *pattern, const char *s);

/* Levenshtein distance in bytes, at most `limit` + 1; used for "did you mean". */
size_t oqz_str_distance(const char *a, const char *b, size_t limit);

/* The candidate nearest to `word` if it is near enough to be a likely typing error, else NULL. */
const char *oqz_str_nearest(const char *word, const char *const *candidates, size_t n);
/* Behind a message that a word is none of `candidates`: " (did you mean `x`?)" when there are near ones, " or " between
 * two that are equally near, else " (LABEL: a, b, c)". `quote` stands around names; nothing when n is 0. */
void oqz_str_add_hint(struct oqz_str *b, const char *word, const char *label, char quote, const char *const *candidates,
                      size_t n);

/* Strict number parsing: the whole string must be used, no leading blanks, finite unless written as inf/nan. */
bool oqz_parse_i64(const char *s, long long *ret);
bool oqz_parse_f64(const char *s, double *ret);
/* A size: a whole number that is not negative, with K, M, G or T behind it in powers of 1024. */
bool oqz_parse_bytes(const char *s, int64_t *ret);

#endif
