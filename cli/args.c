/* SPDX-License-Identifier: Apache-2.0
 *
 * Options by table. getopt_long would do, but it wants its own tables beside those that print the help and the man
 * pages.
 */
#include "cli/cli.h"
#include "core/base/str.h"

#include <string.h>

void cli_args_release(struct oqz_args *a)
{
	oqz_vec_release(&a->given);
	oqz_vec_release(&a->operands);
}

void cli_help(const struct oqz_verb *v, FILE *to)
{
	fprintf(to, "usage: oqz %s%s%s%s\n\n%s\n", v->name, v->options && v->options->name ? " [options]" : "",
	        v->operands[0] ? " " : "", v->operands, v->summary);
	if (v->options && v->options->name)
		fputs("\noptions:\n", to);
	for (const struct oqz_option *o = v->options; o && o->name; o++) {
		char left[64];
		int n =
		    o->letter ? snprintf(left, sizeof left, "-%c, ", o->letter) : snprintf(left, sizeof left, "    ");
		snprintf(left + n, sizeof left - (size_t)n, "--%s%s%s", o->name, o->value ? " " : "",
		         o->value ? o->value : "");
		fprintf(to, "  %-28s %s\n", left, o->help);
	}
	fprintf(to, "  %-28s %s\n", "    --help", "this text");
}

static bool usage_error(const struct oqz_verb *v, int *exit_code, const char *text, const char *arg, const char *hint)
{
	fprintf(stderr, "oqz %s: %s `%s`%s%s%s (see `oqz %s --help`)\n", v->name, text, arg,
	        hint ? "; did you mean `--" : "", hint ? hint : "", hint ? "`?" : "", v->name);
	*exit_code = OQZ_EXIT_USAGE;
	return false;
}

static const struct oqz_option *find_long(const struct oqz_verb *v, const char *name, size_t n)
{
	for (const struct oqz_option *o = v->options; o && o->name; o++)
		if (strlen(o->name) == n && strncmp(o->name, name, n) == 0)
			return o;
	return NULL;
}

static const struct oqz_option *find_letter(const struct oqz_verb *v, char c)
{
	for (const struct oqz_option *o = v->options; o && o->name; o++)
		if (o->letter == c)
			return o;
	return NULL;
}

static const char *near_option(const struct oqz_verb *v, const char *word)
{
	const char *names[64];
	size_t n = 0;

	for (const struct oqz_option *o = v->options; o && o->name && n < OQZ_COUNTOF(names); o++)
		names[n++] = o->name;
	return oqz_str_nearest(word, names, n);
}

/* argv[*at] and, where its value stands apart, the next one. */
static bool parse_option(const struct oqz_verb *v, int argc, char **argv, int *at, struct oqz_args *ret, int *exit_code)
{
	const char *a = argv[*at], *value;
	const struct oqz_option *o;

	if (a[1] == '-') {
		size_t n = strcspn(a + 2, "=");
		o = find_long(v, a + 2, n);
		value = a[2 + n] == '=' ? a + 3 + n : NULL;
	} else {
		o = find_letter(v, a[1]);
		value = a[2] ? a + 2 : NULL;
	}
	if (!o)
		return usage_error(v, exit_code, "unknown option", a, a[1] == '-' ? near_option(v, a + 2) : NULL);
	if (!o->value && value)
		return usage_error(v, exit_code, "no value belongs behind", a, NULL);
	if (o->value && !value) {
		if (++*at == argc)
			return usage_error(v, exit_code, "a value is missing behind", a, NULL);
		value = argv[*at];
	}
	if (!oqz_vec_grow_((void **)&ret->given.v, ret->given.n, &ret->given.cap, sizeof *ret->given.v))
		return usage_error(v, exit_code, "out of memory at", a, NULL);
	ret->given.v[ret->given.n].opt = o;
	ret->given.v[ret->given.n++].value = value ? value : "";
	return true;
}

bool cli_parse(const struct oqz_verb *v, int argc, char **argv, struct oqz_args *ret, int *exit_code)
{
	bool only_operands = false;

	for (int i = 0; i < argc; i++) {
		const char *a = argv[i];
		if (only_operands || a[0] != '-' || !a[1]) {
			if (!oqz_vec_push(&ret->operands, a))
				return usage_error(v, exit_code, "out of memory at", a, NULL);
		} else if (strcmp(a, "--") == 0) {
			only_operands = true;
		} else if (strcmp(a, "--help") == 0) {
			cli_help(v, stdout);
			*exit_code = OQZ_EXIT_OK;
			return false;
		} else if (!parse_option(v, argc, argv, &i, ret, exit_code)) {
			return false;
		}
	}
	int n = (int)ret->operands.n;
	if (n < v->min_operands || (v->max_operands >= 0 && n > v->max_operands)) {
		fprintf(stderr, "usage: oqz %s [options] %s (see `oqz %s --help`)\n", v->name, v->operands, v->name);
		*exit_code = OQZ_EXIT_USAGE;
		return false;
	}
	return true;
}

const char *cli_option(const struct oqz_args *a, const char *name)
{
	const char *v = NULL;

	for (size_t i = 0; i < a->given.n; i++)
		if (strcmp(a->given.v[i].opt->name, name) == 0)
			v = a->given.v[i].value;
	return v;
}

size_t cli_options(const struct oqz_args *a, const char *name, const char ***ret)
{
	size_t n = 0;
	const char **v = calloc(a->given.n + 1, sizeof *v);

	for (size_t i = 0; v && i < a->given.n; i++)
		if (strcmp(a->given.v[i].opt->name, name) == 0)
			v[n++] = a->given.v[i].value;
	*ret = v;
	return n;
}

enum oqz_status cli_integer(const struct oqz_args *a, const char *name, long long min, long long max, long long *ret,
                            struct oqz_err *err)
{
	const char *s = cli_option(a, name);
	long long v;

	if (!s)
		return OQZ_OK;
	if (!oqz_parse_i64(s, &v) || v < min || v > max)
		OQZ_FAIL(err, OQZ_E_USAGE, "--%s takes a whole number from %lld to %lld, not `%s`", name, min, max, s);
	*ret = v;
	return OQZ_OK;
}

enum oqz_status cli_engine(const struct oqz_args *a, enum oqz_engine *ret, struct oqz_err *err)
{
	const char *s = cli_option(a, "engine");

	if (s && !oqz_engine_parse(s, ret))
		OQZ_FAIL(err, OQZ_E_USAGE, "--engine is auto, sim or reference, not `%s`", s);
	return OQZ_OK;
}

enum oqz_status cli_memory_limit(const struct oqz_args *a, int64_t *ret, struct oqz_err *err)
{
	const char *s = cli_option(a, "memory-limit");
	int64_t v = 0;

	if (s && (!oqz_parse_bytes(s, &v) || v == 0))
		OQZ_FAIL(err, OQZ_E_USAGE, "--memory-limit takes a size like 500M or 4G, not `%s`", s);
	*ret = v;
	return OQZ_OK;
}
