/* SPDX-License-Identifier: Apache-2.0
 *
 * PCRE2 set up to mean what RE2 means: UTF-8, classes like \w of ASCII, $ at the very end only. It backtracks where RE2
 * does not, so the number of steps is limited and exceeding it is an error, not an endless run.
 */
#include "config.h"
#include "core/ops/regex.h"

#ifdef HAVE_PCRE2

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

enum { MOST_STEPS = 1000000, MOST_KIB = 65536 };

struct oqz_regex {
	pcre2_code *code;
	pcre2_match_context *limits;
	pcre2_match_data *match;
};

enum oqz_status oqz_regex_new(const char *pattern, struct oqz_regex **ret, struct oqz_err *err)
{
	struct oqz_regex *r = calloc(1, sizeof *r);
	unsigned char why[120] = "";
	PCRE2_SIZE at;
	int code;

	if (!r)
		return oqz_err_nomem(err, "a regular expression", sizeof *r);
	r->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
	                        PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED |
	                            PCRE2_DOLLAR_ENDONLY,
	                        &code, &at, NULL);
	if (!r->code) {
		pcre2_get_error_message(code, why, sizeof why);
		oqz_regex_free(r);
		OQZ_FAIL(err, OQZ_E_DATA, "pattern '%.60s': %s at %zu", pattern, (const char *)why, (size_t)at);
	}
	r->limits = pcre2_match_context_create(NULL);
	r->match = pcre2_match_data_create(1, NULL);
	if (!r->limits || !r->match) {
		oqz_regex_free(r);
		return oqz_err_nomem(err, "a regular expression", 0);
	}
	pcre2_set_match_limit(r->limits, MOST_STEPS);
	pcre2_set_heap_limit(r->limits, MOST_KIB);
	*ret = r;
	return OQZ_OK;
}

void oqz_regex_free(struct oqz_regex *r)
{
	if (!r)
		return;
	pcre2_code_free(r->code);
	pcre2_match_context_free(r->limits);
	pcre2_match_data_free(r->match);
	free(r);
}

enum oqz_status oqz_regex_full_match(const struct oqz_regex *r, const char *text, size_t n, bool *ret,
                                     struct oqz_err *err)
{
	unsigned char why[120] = "";
	int found = pcre2_match(r->code, (PCRE2_SPTR)text, n, 0, 0, r->match, r->limits);

	if (found < 0 && found != PCRE2_ERROR_NOMATCH) {
		pcre2_get_error_message(found, why, sizeof why);
		OQZ_FAIL(err, OQZ_E_LIMIT, "matching \"%.40s\": %s", text, (const char *)why);
	}
	*ret = found >= 0;
	return OQZ_OK;
}

#else

enum oqz_status oqz_regex_new(const char *pattern, struct oqz_regex **ret, struct oqz_err *err)
{
	(void)ret;
	OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "pattern '%.60s': oqz was built without PCRE2", pattern);
}

void oqz_regex_free(struct oqz_regex *r) { (void)r; }

enum oqz_status oqz_regex_full_match(const struct oqz_regex *r, const char *text, size_t n, bool *ret,
                                     struct oqz_err *err)
{
	(void)r, (void)text, (void)n, (void)ret;
	OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "oqz was built without PCRE2");
}

#endif
