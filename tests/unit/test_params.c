/* SPDX-License-Identifier: Apache-2.0
 *
 * core/base/params: reading, ranges, choices, suggestions, flat text, the canonical string, checks of tables.
 */
#include "tests/support/support.h"
#include "tests/support/param_rows.h"
#include "core/base/params.h"
#include "core/base/str.h"

#include <math.h>
#include <string.h>

static const struct oqz_param required[] = {
	{ "root", OQZ_P_PATH, NULL, 0, 0, NULL, NULL, "folder of the images" },
	{ 0 },
};

static enum oqz_status parse_free(const struct oqz_param *t, const char *text, struct oqz_err *err)
{
	struct oqz_params *p = NULL;
	enum oqz_status st = oqz_params_parse(t, text, "scheme x", &p, err);

	ck_assert((st == OQZ_OK) == (p != NULL));
	oqz_params_free(p);
	return st;
}

START_TEST(defaults_fill_what_is_not_given)
{
	OQZ_CLEANUP(oqz_params_free_cleanup) struct oqz_params *p = NULL;
	const int64_t *ks;
	const double *scales;
	const char *const *globs;

	ck_ok(oqz_params_parse(param_rows, "", NULL, &p, err));
	ck_assert_int_eq(oqz_params_int(p, "bits"), 8);
	ck_assert(oqz_params_bool(p, "symmetric"));
	ck_assert_str_eq(oqz_params_string(p, "calibrate"), "minmax");
	ck_assert_str_eq(oqz_params_string(p, "weight_calibrate"), "");
	ck_assert_str_eq(oqz_params_string(p, "root"), "");
	ck_assert(oqz_params_float(p, "calibrate_q") == 0.9999);
	ck_assert_uint_eq(oqz_params_ints(p, "k", &ks), 2);
	ck_assert(ks[0] == 1 && ks[1] == 5);
	ck_assert_uint_eq(oqz_params_floats(p, "scales", &scales), 0);
	ck_assert_uint_eq(oqz_params_strings(p, "include", &globs), 0);
}
END_TEST

START_TEST(flat_text_sets_every_type)
{
	OQZ_CLEANUP(oqz_params_free_cleanup) struct oqz_params *p = NULL;
	const double *scales;
	const char *const *globs;

	ck_ok(oqz_params_parse(param_rows,
	                       "bits=4,symmetric=no,calibrate=mse,scales=0.5:1e-3:-2,include=a\\:b:c\\,d,root=/x:y",
	                       NULL, &p, err));
	ck_assert_int_eq(oqz_params_int(p, "bits"), 4);
	ck_assert(!oqz_params_bool(p, "symmetric"));
	ck_assert_str_eq(oqz_params_string(p, "calibrate"), "mse");
	ck_assert_uint_eq(oqz_params_floats(p, "scales", &scales), 3);
	ck_assert(scales[0] == 0.5 && scales[1] == 1e-3 && scales[2] == -2);
	ck_assert_uint_eq(oqz_params_strings(p, "include", &globs), 2);
	ck_assert_str_eq(globs[0], "a:b");
	ck_assert_str_eq(globs[1], "c,d");
	ck_assert_str_eq(oqz_params_string(p, "root"), "/x:y");
}
END_TEST

START_TEST(wrong_values_are_refused_with_a_reason)
{
	ck_fails(parse_free(param_rows, "bits=eight", err), OQZ_E_USAGE,
	         "scheme x: bits: 'eight' is not a whole number");
	ck_fails(parse_free(param_rows, "bits=8.5", err), OQZ_E_USAGE, "whole number");
	ck_fails(parse_free(param_rows, "bits=1", err), OQZ_E_USAGE, "range 2 to 16 bits");
	ck_fails(parse_free(param_rows, "bits=17", err), OQZ_E_USAGE, "range");
	ck_fails(parse_free(param_rows, "bits=99999999999999999999", err), OQZ_E_USAGE, "whole number");
	ck_fails(parse_free(param_rows, "bits=", err), OQZ_E_USAGE, "whole number");
	ck_fails(parse_free(param_rows, "calibrate_q=nan", err), OQZ_E_USAGE, "not a number");
	ck_fails(parse_free(param_rows, "scales=1:nan", err), OQZ_E_USAGE, "not a number");
	ck_fails(parse_free(param_rows, "calibrate_q=1.5", err), OQZ_E_USAGE, "range");
	ck_fails(parse_free(param_rows, "symmetric=maybe", err), OQZ_E_USAGE, "true or false");
	ck_fails(parse_free(param_rows, "k=1:0", err), OQZ_E_USAGE, "range");
	ck_fails(parse_free(param_rows, "k=1::5", err), OQZ_E_USAGE, "whole number");
	ck_fails(parse_free(param_rows, "include=a:", err), OQZ_E_USAGE, "empty");
	ck_fails(parse_free(param_rows, "bits", err), OQZ_E_USAGE, "not key=value");
	ck_fails(parse_free(param_rows, "bits=4,bits=5", err), OQZ_E_USAGE, "given twice");
	ck_fails(parse_free(required, "", err), OQZ_E_USAGE, "scheme x: root: required");
	ck_fails(parse_free(NULL, "a=1", err), OQZ_E_USAGE, "unknown parameter 'a' (it has none)");
}
END_TEST

START_TEST(typing_errors_get_a_suggestion)
{
	ck_fails(parse_free(param_rows, "calibate=mse", err), OQZ_E_USAGE, "did you mean 'calibrate'");
	ck_fails(parse_free(param_rows, "calibrate=percentle", err), OQZ_E_USAGE, "did you mean 'percentile'");
	ck_fails(parse_free(param_rows, "calibrate=zzzz", err), OQZ_E_USAGE, "choices: minmax, percentile, mse");
	ck_fails(parse_free(param_rows, "granularity=x", err), OQZ_E_USAGE, "it has: bits, symmetric");
}
END_TEST

START_TEST(manifest_values_carry_their_place)
{
	OQZ_CLEANUP(oqz_params_free_cleanup) struct oqz_params *p = NULL;
	const char *const one[] = { "7" }, *const two[] = { "3", "4" }, *const blank[] = { "" };
	const struct oqz_param_value good[] = { { "bits", one, 1, false, "z.yaml:1:1" },
		                                { "k", two, 2, true, "z.yaml:2:1" },
		                                { "include", blank, 1, false, NULL } };
	const struct oqz_param_value list[] = { { "bits", one, 1, true, "z.yaml:3:9" } };
	const struct oqz_param_value scalar[] = { { "k", one, 1, false, NULL } };
	const struct oqz_param_value unknown[] = { { "bit", one, 1, false, "z.yaml:4:2" } };
	const int64_t *ks;

	ck_ok(oqz_params_new(param_rows, good, 3, "scheme a", &p, err));
	ck_assert_int_eq(oqz_params_int(p, "bits"), 7);
	ck_assert_uint_eq(oqz_params_ints(p, "k", &ks), 2);
	ck_assert(ks[0] == 3 && ks[1] == 4);
	oqz_params_free(oqz_steal(p));
	ck_ok(oqz_params_new(param_rows, scalar, 1, NULL, &p, err));
	ck_assert_uint_eq(oqz_params_ints(p, "k", &ks), 1);
	struct oqz_params *none = NULL;
	ck_fails(oqz_params_new(param_rows, list, 1, "scheme a", &none, err), OQZ_E_USAGE,
	         "z.yaml:3:9: scheme a: bits: takes one value, not a list");
	ck_fails(oqz_params_new(param_rows, unknown, 1, "scheme a", &none, err), OQZ_E_USAGE,
	         "z.yaml:4:2: scheme a: unknown parameter 'bit' (did you mean 'bits'?)");
	ck_assert_ptr_null(none);
}
END_TEST

START_TEST(canonical_text_is_sorted_complete_and_reads_back)
{
	OQZ_CLEANUP(oqz_params_free_cleanup) struct oqz_params *p = NULL, *q = NULL;
	struct oqz_str a = { 0 }, b = { 0 };

	ck_ok(oqz_params_parse(param_rows, "include=a\\:b:c\\,d:e\\\\,scales=0.1:1e300,k=7", NULL, &p, err));
	oqz_params_canonical(p, &a);
	ck_assert_str_eq(oqz_str_get(&a),
	                 "bits=8,calibrate=minmax,calibrate_q=0.9999,include=a\\:b:c\\,d:e\\\\,k=7,root=,"
	                 "scales=0.1:1e+300,symmetric=true,weight_calibrate=");
	ck_ok(oqz_params_parse(param_rows, oqz_str_get(&a), NULL, &q, err));
	oqz_params_canonical(q, &b);
	ck_assert_str_eq(oqz_str_get(&a), oqz_str_get(&b));
	oqz_str_release(&a);
	oqz_str_release(&b);
}
END_TEST

START_TEST(nested_keys_find_their_parameter)
{
	ck_assert_str_eq(oqz_params_flat_key(param_rows, "calibrate", "q"), "calibrate_q");
	ck_assert_str_eq(oqz_params_flat_key(param_rows, "calibrate", "method"), "calibrate");
	ck_assert_str_eq(oqz_params_flat_key(param_rows, "weight", "calibrate"), "weight_calibrate");
	ck_assert_str_eq(oqz_params_flat_key(param_rows, "anything", "bits"), "bits");
	ck_assert_ptr_null(oqz_params_flat_key(param_rows, "calibrate", "bins"));
	ck_assert_ptr_null(oqz_params_flat_key(param_rows, "nothing", "method"));
	ck_assert_ptr_null(oqz_params_flat_key(NULL, "a", "b"));
}
END_TEST

static enum oqz_status check_one(struct oqz_param row, struct oqz_err *err)
{
	const struct oqz_param t[] = { row, { 0 } };

	return oqz_params_check_table(t, err);
}

START_TEST(tables_are_checked)
{
	static const char *const none[] = { NULL };
	static const struct oqz_param twice[] = { { "a", OQZ_P_INT, "1", 0, 0, NULL, NULL, "h" },
		                                  { "a", OQZ_P_INT, "1", 0, 0, NULL, NULL, "h" },
		                                  { 0 } };
	static struct oqz_param endless[600];

	for (size_t i = 0; i < OQZ_COUNTOF(endless); i++)
		endless[i].name = "x";
	ck_ok(oqz_params_check_table(param_rows, err));
	ck_ok(oqz_params_check_table(NULL, err));
	ck_fails(check_one((struct oqz_param) { "Bits", OQZ_P_INT, "1", 0, 0, NULL, NULL, "h" }, err), OQZ_E_PLUGIN,
	         "name");
	ck_fails(check_one((struct oqz_param) { "a", 99, "1", 0, 0, NULL, NULL, "h" }, err), OQZ_E_PLUGIN, "type 99");
	ck_fails(check_one((struct oqz_param) { "a", OQZ_P_INT, "1", 0, 0, NULL, NULL, NULL }, err), OQZ_E_PLUGIN,
	         "help");
	ck_fails(check_one((struct oqz_param) { "a", OQZ_P_INT, "1", 2, 1, NULL, NULL, "h" }, err), OQZ_E_PLUGIN,
	         "empty");
	ck_fails(check_one((struct oqz_param) { "a", OQZ_P_INT, "1", NAN, 1, NULL, NULL, "h" }, err), OQZ_E_PLUGIN,
	         "empty");
	ck_fails(check_one((struct oqz_param) { "a", OQZ_P_INT, "9", 1, 2, NULL, NULL, "h" }, err), OQZ_E_PLUGIN,
	         "parameter 'a': default: 9 is outside");
	ck_fails(check_one((struct oqz_param) { "a", OQZ_P_FLOAT, "", 0, 0, NULL, NULL, "h" }, err), OQZ_E_PLUGIN,
	         "default");
	ck_fails(check_one((struct oqz_param) { "a", OQZ_P_STRING, "x", 0, 0, param_methods, NULL, "h" }, err),
	         OQZ_E_PLUGIN, "choices");
	ck_fails(check_one((struct oqz_param) { "a", OQZ_P_STRING, "x", 0, 0, none, NULL, "h" }, err), OQZ_E_PLUGIN,
	         "non-empty");
	ck_fails(check_one((struct oqz_param) { "a", OQZ_P_STRING, "x", 0, 1, NULL, NULL, "h" }, err), OQZ_E_PLUGIN,
	         "range");
	ck_fails(oqz_params_check_table(twice, err), OQZ_E_PLUGIN, "twice");
	ck_fails(oqz_params_check_table(endless, err), OQZ_E_PLUGIN, "no end");
}
END_TEST

OQZ_TEST_MAIN("params", defaults_fill_what_is_not_given, flat_text_sets_every_type,
              wrong_values_are_refused_with_a_reason, typing_errors_get_a_suggestion, manifest_values_carry_their_place,
              canonical_text_is_sorted_complete_and_reads_back, nested_keys_find_their_parameter, tables_are_checked)
