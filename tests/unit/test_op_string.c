/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings: what moves them, what reads and writes them, and that operators of numbers refuse them. Expected values are
 * by hand from the operators' texts.
 */
#include "tests/support/op_text.h"
#include "config.h"
#include "core/tensor/text.h"

START_TEST(movers)
{
	static const struct op_row rows[] = {
		{ "Identity", "", "string[2]: 'a b' ''", "string[2]: 'a b' ''" },
		{ "Reshape", "", "string[2]: 'a' 'b'; int64[2]: 2 1", "string[2,1]: 'a' 'b'" },
		{ "Transpose", "", "string[2,2]: 'a' 'b' 'c' 'd'", "string[2,2]: 'a' 'c' 'b' 'd'" },
		{ "Concat", "axis=0", "string[1]: 'x'; string[2]: 'y' 'z'", "string[3]: 'x' 'y' 'z'" },
		{ "Gather", "", "string[3]: 'p' 'q' 'r'; int64[2]: 2 0", "string[2]: 'r' 'p'" },
		{ "ScatterElements", "", "string[3]: 'p' 'q' 'r'; int64[1]: 1; string[1]: 'new'",
		  "string[3]: 'p' 'new' 'r'" },
		{ "Where", "", "bool[2]: 1 0; string[2]: 'a' 'b'; string[1]: 'no'", "string[2]: 'a' 'no'" },
		{ "Tile", "", "string[1]: 'ab'; int64[1]: 3", "string[3]: 'ab' 'ab' 'ab'" },
		{ "Pad", "", "string[1]: 'm'; int64[2]: 1 1; string[]: '.'", "string[3]: '.' 'm' '.'" },
		{ "Compress", "", "string[3]: 'a' 'b' 'c'; bool[3]: 1 0 1", "string[2]: 'a' 'c'" },
		{ "Constant", "value_strings=[one,two]", "", "string[2]: 'one' 'two'" },
		{ "Constant", "value_string=one", "", "string[]: 'one'" },
		{ "Shape", "", "string[3,1]: 'a' 'b' 'c'", "int64[2]: 3 1" },
		{ "Equal", "", "string[2]: 'a' 'b'; string[1]: 'b'", "bool[2]: 0 1" },
		{ "Unique", "", "string[4]: 'b' 'a' 'b' 'ab'",
		  "string[3]: 'a' 'ab' 'b'; int64[3]: 1 3 0; int64[4]: 2 0 2 1; int64[3]: 1 1 2" },
		{ "OneHot", "", "int64[2]: 1 0; int64[]: 2; string[2]: 'off' 'on'",
		  "string[2,2]: 'off' 'on' 'on' 'off'" },
		{ "ReverseSequence", "", "string[2,1]: 'a' 'b'; int64[1]: 2", "string[2,1]: 'b' 'a'" },
		{ "TfIdfVectorizer",
		  "max_gram_length=2 max_skip_count=0 min_gram_length=1 mode=TF ngram_counts=[0,2] "
		  "ngram_indexes=[0,1,2] "
		  "pool_strings=[a,b,a,b]",
		  "string[4]: 'a' 'b' 'a' 'c'", "float32[3]: 2 1 1" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
}
END_TEST

START_TEST(refusals)
{
	static const struct op_row rows[] = {
		{ "Add", "", "string[1]: 'a'; string[1]: 'b'" },
		{ "Relu", "", "string[1]: 'a'" },
		{ "ReduceSum", "", "string[1]: 'a'" },
		{ "Less", "", "string[1]: 'a'; string[1]: 'b'" },
		{ "Gather", "", "float32[1]: 1; string[1]: 'a'" },
		{ "MatMul", "", "string[1]: 'a'; string[1]: 'b'" },
		{ "EyeLike", "dtype=8", "float32[1,1]: 0" },
		{ "RandomUniform", "dtype=8 shape=[2]", "" },
		{ "ScatterND", "reduction=add", "string[1]: 'a'; int64[1,1]: 0; string[1]: 'b'" },
	};

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++)
		op_refuses(&rows[i], OQZ_E_UNSUPPORTED, "string");
}
END_TEST

START_TEST(casts)
{
	static const struct op_row rows[] = {
		{ "Cast", "to=8", "float32[6]: 0.1 3 -2.5 1e-5 1e16 123456.789",
		  "string[6]: '0.1' '3.0' '-2.5' '1e-05' '1e+16' '123456.79'" },
		{ "Cast", "to=8", "float64[3]: 0.1 nan -inf", "string[3]: '0.1' 'NaN' '-INF'" },
		{ "Cast", "to=8", "float16[3]: 0.1 65504 0.0999755859375", "string[3]: '0.1' '65500.0' '0.1'" },
		{ "Cast", "to=8", "bfloat16[1]: 3.140625", "string[1]: '3.14'" },
		{ "Cast", "to=8", "int64[2]: -5 9007199254740993", "string[2]: '-5' '9007199254740993'" },
		{ "Cast", "to=8", "bool[2]: 1 0", "string[2]: 'True' 'False'" },
		{ "Cast", "to=1", "string[7]: '3.14' '1e-5' '1E8' '+INF' '-inf' 'iNf' 'NaN'",
		  "float32[7]: 3.14 1e-5 1e8 inf -inf inf nan" },
		{ "Cast", "to=7", "string[3]: '9007199254740993' '-7' '2.9'", "int64[3]: 9007199254740993 -7 2" },
		{ "Cast", "to=10", "string[1]: '65504'", "float16[1]: 65504" },
		{ "Cast", "to=17", "string[2]: '1.06' '1000'", "float8e4m3fn[2]: 1.0 448" },
		{ "CastLike", "", "string[1]: '2'; float64[1]: 0", "float64[1]: 2" },
		{ "CastLike", "", "int32[1]: 2; string[1]: ''", "string[1]: '2'" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "Cast", "to=1", "string[1]: 'Hello'" }, OQZ_E_DATA, "\"Hello\" is not a number");
	op_refuses(&(struct op_row) { "Cast", "to=1", "string[1]: ''" }, OQZ_E_DATA, "not a number");
	op_refuses(&(struct op_row) { "Cast", "to=1", "string[1]: '0x10'" }, OQZ_E_DATA, "not a number");
	op_refuses(&(struct op_row) { "Cast", "to=14", "string[1]: '1'" }, OQZ_E_UNSUPPORTED, "complex64");
}
END_TEST

START_TEST(concat_and_split)
{
	static const struct op_row rows[] = {
		{ "StringConcat", "", "string[2]: 'ab' ''; string[2]: 'c' 'd'", "string[2]: 'abc' 'd'" },
		{ "StringConcat", "", "string[2,1]: 'a' 'b'; string[2]: 'x' 'y'", "string[2,2]: 'ax' 'ay' 'bx' 'by'" },
		{ "StringConcat", "", "string[]: 'a'; string[]: 'é'", "string[]: 'aé'" },
		{ "StringConcat", "", "string[0]:; string[1]: 'a'", "string[0]:" },
		{ "StringSplit", "delimiter='a.'", "string[2]: 'xa.y' 'q'",
		  "string[2,2]: 'x' 'y' 'q' ''; int64[2]: 2 1" },
		/* every occurrence separates */
		{ "StringSplit", "delimiter='-'", "string[2]: 'o-n-n--x-' 'a'",
		  "string[2,6]: 'o' 'n' 'n' '' 'x' '' 'a' '' '' '' '' ''; int64[2]: 6 1" },
		{ "StringSplit", "delimiter='-'", "string[1]: ''", "string[1,1]: ''; int64[1]: 1" },
		{ "StringSplit", "delimiter='-' maxsplit=1", "string[1]: 'a-b-c'",
		  "string[1,2]: 'a' 'b-c'; int64[1]: 2" },
		/* runs of blanks separate, those at the ends do not count */
		{ "StringSplit", "", "string[2]: '  the  quick fox ' ''",
		  "string[2,3]: 'the' 'quick' 'fox' '' '' ''; int64[2]: 3 0" },
		{ "StringSplit", "maxsplit=1", "string[1,1]: ' the  quick fox'",
		  "string[1,1,2]: 'the' 'quick fox'; int64[1,1]: 2" },
		{ "StringSplit", "maxsplit=0", "string[1]: ' a b'", "string[1,1]: 'a b'; int64[1]: 1" },
		{ "StringSplit", "", "string[0]:", "string[0,0]:; int64[0]:" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "StringConcat", "", "string[2]: 'a' 'b'; string[3]: 'a' 'b' 'c'" }, OQZ_E_DATA,
	           "broadcast");
	op_refuses(&(struct op_row) { "StringSplit", "", "float32[1]: 1" }, OQZ_E_DATA, "should be string");
}
END_TEST

START_TEST(normalizer)
{
	static const struct op_row rows[] = {
		{ "StringNormalizer", "", "string[2]: 'Ab' 'c'", "string[2]: 'Ab' 'c'" },
		{ "StringNormalizer", "case_change_action=UPPER", "string[2]: 'Ab' 'größe'",
		  "string[2]: 'AB' 'GRÖßE'" },
		{ "StringNormalizer", "case_change_action=LOWER", "string[1,2]: 'ÀB' 'Ж'", "string[1,2]: 'àb' 'ж'" },
		{ "StringNormalizer", "is_case_sensitive=1 stopwords=[monday]", "string[3]: 'monday' 'Monday' 'x'",
		  "string[2]: 'Monday' 'x'" },
		{ "StringNormalizer", "stopwords=[Monday] case_change_action=UPPER",
		  "string[1,3]: 'monday' 'MONDAY' 'x'", "string[1,1]: 'X'" },
		{ "StringNormalizer", "is_case_sensitive=1 stopwords=[a]", "string[2]: 'a' 'a'", "string[1]: ''" },
		{ "StringNormalizer", "is_case_sensitive=1 stopwords=[a]", "string[1,1]: 'a'", "string[1,1]: ''" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "StringNormalizer", "", "string[2,1]: 'a' 'b'" }, OQZ_E_DATA, "rows");
	op_refuses(&(struct op_row) { "StringNormalizer", "case_change_action=title", "string[1]: 'a'" },
	           OQZ_E_UNSUPPORTED, "title");
}
END_TEST

START_TEST(bytes_that_are_no_utf8)
{
	struct oqz_tensor x = { 0 }, y = { 0 };
	struct oqz_shape one = { .rank = 1, .dim = { 1 } };

	ck_ok(oqz_tensor_alloc(&x, OQZ_DT_STRING, &one, err));
	ck_ok(oqz_text_set(&x, 0, "a\xff\0b\xc3", 5, err));
	op_run_text("StringNormalizer", "case_change_action=UPPER", (const struct oqz_tensor *[]) { &x }, 1, &y, 1);
	const struct oqz_text *t = oqz_text_at(&y, 0);
	ck_assert_uint_eq(oqz_text_len(t), 5);
	ck_assert_mem_eq(oqz_text_bytes(t), "A\xff\0B\xc3", 5);
	oqz_tensor_release(&x);
	oqz_tensor_release(&y);
}
END_TEST

START_TEST(regular_expressions)
{
#ifdef HAVE_PCRE2
	static const struct op_row rows[] = {
		{ "RegexFullMatch", "pattern=a+b?", "string[2,2]: 'aaab' 'b' 'aac' 'a'", "bool[2,2]: 1 0 0 1" },
		{ "RegexFullMatch", "pattern='www\\.[\\w.-]+\\.\\bcom\\b'", "string[2]: 'www.a-b.com' 'www.a.com.'",
		  "bool[2]: 1 0" },
		{ "RegexFullMatch", "pattern='(?i)x(?:y|z){2}'", "string[2]: 'XyZ' 'xy'", "bool[2]: 1 0" },
		{ "RegexFullMatch", "pattern=a$", "string[1]: 'a\n'", "bool[1]: 0" },
		{ "RegexFullMatch", "pattern='..'", "string[2]: 'éü' 'é'", "bool[2]: 1 0" },
		{ "RegexFullMatch", "pattern='.*'", "string[0,2]:", "bool[0,2]:" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "RegexFullMatch", "pattern=a(b", "string[1]: 'a'" }, OQZ_E_DATA, "'a(b'");
	op_refuses(&(struct op_row) { "RegexFullMatch", "pattern='(a+)+b|(a|aa)+$c'",
	                              "string[1]: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac'" },
	           OQZ_E_LIMIT, "match limit");
#else
	op_refuses(&(struct op_row) { "RegexFullMatch", "pattern=a", "string[1]: 'a'" }, OQZ_E_UNSUPPORTED, "PCRE2");
#endif
}
END_TEST

START_TEST(texts_stand_once)
{
	const struct oqz_text *a, *b, *none;
	char name[16];

	ck_ok(oqz_text_of("abc", 3, &a, err));
	for (int i = 0; i < 5000; i++) { /* the table grows */
		snprintf(name, sizeof name, "text %d", i);
		ck_ok(oqz_text_of(name, strlen(name), &b, err));
		ck_assert_str_eq(oqz_text_bytes(b), name);
	}
	ck_ok(oqz_text_of("abcd", 3, &b, err));
	ck_assert_ptr_eq(a, b);
	ck_ok(oqz_text_of("", 0, &none, err));
	ck_assert_ptr_null(none);
	ck_assert_int_lt(oqz_text_compare(none, a), 0);
	ck_ok(oqz_text_of("abd", 3, &b, err));
	ck_assert_int_lt(oqz_text_compare(a, b), 0);
	ck_ok(oqz_text_of("ab", 2, &b, err));
	ck_assert_int_gt(oqz_text_compare(a, b), 0);
}
END_TEST

OQZ_TEST_MAIN("op_string", movers, refusals, casts, concat_and_split, normalizer, bytes_that_are_no_utf8,
              regular_expressions, texts_stand_once)
