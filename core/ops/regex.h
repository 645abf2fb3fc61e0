/* SPDX-License-Identifier: Apache-2.0
 *
 * Regular expressions for RegexFullMatch. The operator's syntax is RE2's; PCRE2 reads all of it. The only place that
 * knows of the library, which configure may not have found.
 */
#ifndef OQZ_OPS_REGEX_H
#define OQZ_OPS_REGEX_H

#include "core/base/err.h"
#include <stddef.h>

struct oqz_regex;

/* Compiles; OQZ_E_DATA names what is wrong with the pattern and where, OQZ_E_UNSUPPORTED in a build without PCRE2. */
enum oqz_status oqz_regex_new(const char *pattern, struct oqz_regex **ret, struct oqz_err *err);
void oqz_regex_free(struct oqz_regex *r);
OQZ_DEFINE_CLEANUP(struct oqz_regex, oqz_regex_free)
/* Whether the whole text matches. OQZ_E_LIMIT when the search takes more steps than any sane pattern needs. */
enum oqz_status oqz_regex_full_match(const struct oqz_regex *r, const char *text, size_t n, bool *ret,
                                     struct oqz_err *err);

#endif
