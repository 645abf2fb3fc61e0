/* SPDX-License-Identifier: Apache-2.0
 *
 * Typed parameter sets: what a manifest or a command line says, checked against a table (struct oqz_param in
 * oqz/plugin.h). Plugins, preprocessing steps and data sets all get their parameters this way.
 *
 * How a value is written: booleans true/false (yes/no, on/off, 1/0), numbers in decimal, lists as YAML lists or, flat,
 * a:b:c; a single value stands for a list of one. In flat text a backslash takes the meaning from `,` `:` and itself.
 * An empty default ("") is an empty string or list; numbers and booleans have a default or are required.
 */
#ifndef OQZ_BASE_PARAMS_H
#define OQZ_BASE_PARAMS_H

#include "core/base/err.h"
#include <oqz/plugin.h>

struct oqz_str;

/* One value as it was written. A scalar has one item and is_list false. Nested maps are flattened before (see
 * oqz_params_flat_key). Strings are borrowed for the duration of the call. */
struct oqz_param_value {
	const char *key;
	const char *const *items;
	size_t n;
	bool is_list;
	const char *where; /* "zoo.yaml:12:7" for messages, or NULL */
};

/* Checks every value against the table (unknown key with a near match, type, range, choices), fills in defaults, and
 * complains of required ones that are absent. The table (NULL: no parameters) must outlive the set. Errors start with
 * `where` and name the key and `owner` ("scheme int8-channel"). */
enum oqz_status oqz_params_new(const struct oqz_param *table, const struct oqz_param_value *values, size_t n,
                               const char *owner, struct oqz_params **ret, struct oqz_err *err);
/* From "key=value,key=a:b:c" (':' separates list items); "" gives the defaults. */
enum oqz_status oqz_params_parse(const struct oqz_param *table, const char *text, const char *owner,
                                 struct oqz_params **ret, struct oqz_err *err);
void oqz_params_free(struct oqz_params *p);
OQZ_DEFINE_CLEANUP(struct oqz_params, oqz_params_free)

/* Whether a table itself makes sense: names, types, ranges, choices, every default acceptable to its own row, a help
 * line. NULL is the empty table. Errors are OQZ_E_PLUGIN and name the row. */
enum oqz_status oqz_params_check_table(const struct oqz_param *table, struct oqz_err *err);

/* "bool", "int", "float", "string", "path", "ints", "floats", "strings"; NULL for a number that is no type. */
const char *oqz_param_type_name(enum oqz_param_type type);

/* The parameter that a nested key `outer: {inner: ...}` means: "outer_inner" if the table has it; `outer` itself when
 * inner is "method" or "value"; else `inner` if the table has it; NULL if none. */
const char *oqz_params_flat_key(const struct oqz_param *table, const char *outer, const char *inner);

/* Typed access; asking for what the table does not declare aborts (a programming error in the caller). */
bool oqz_params_bool(const struct oqz_params *p, const char *name);
int64_t oqz_params_int(const struct oqz_params *p, const char *name);
double oqz_params_float(const struct oqz_params *p, const char *name);
const char *oqz_params_string(const struct oqz_params *p, const char *name);
size_t oqz_params_ints(const struct oqz_params *p, const char *name, const int64_t **ret);
size_t oqz_params_floats(const struct oqz_params *p, const char *name, const double **ret);
size_t oqz_params_strings(const struct oqz_params *p, const char *name, const char *const **ret);

/* "a=1,b=x:y" with every parameter, defaults included, sorted by name: identity of a parameter set. oqz_params_parse()
 * reads it back to an equal set. */
void oqz_params_canonical(const struct oqz_params *p, struct oqz_str *out);
/* The same with every PATH as `path` writes it (what it returns must last until its next call); NULL: as it is. */
typedef const char *oqz_params_path_fn(void *ctx, const char *path);
void oqz_params_text(const struct oqz_params *p, oqz_params_path_fn *path, void *ctx, struct oqz_str *out);

#endif
