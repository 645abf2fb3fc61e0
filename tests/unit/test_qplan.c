/* SPDX-License-Identifier: Apache-2.0
 *
 * core/quant/qplan and qplan_json: canonical text and back, hashes, refusal of damaged files by name and place.
 */
#include "core/base/str.h"
#include "core/quant/qplan_diff.h"
#include "core/tensor/fakequant.h"
#include "tests/support/support.h"

#include <string.h>

static struct oqz_grid affine(int bits, int qmin, int qmax)
{
	return (struct oqz_grid) { .kind = OQZ_GRID_AFFINE, .bits = bits, .qmin = qmin, .qmax = qmax };
}

/* One site of every kind that can be written. */
static struct oqz_qplan *example(void)
{
	static const float scales[] = { 0.1f, 1.1754944e-38f, 3.4028235e38f, 0.033287305384874344f };
	static const int32_t zeros[] = { 0, 3, -7, 128 };
	static const double values[] = { -1, -0.6961928009986877, 0, 0.3, 1 };
	struct oqz_qplan *p = oqz_qplan_new();
	struct oqz_qplan_site s = {
		.node = "/conv \"1\"/Conv",
		.input = 1,
		.tensor = "w\xc3\xa4",
		.role = OQZ_INPUT_WEIGHT,
		.rule = "minmax",
	};

	ck_ok(oqz_qplan_set_scheme(p, "int8:bits=8", err));
	s.spec = (struct oqz_qspec) { .grid = affine(8, -128, 127), .axis = 0, .n_scale = 4, .scale = scales };
	ck_ok(oqz_qplan_add(p, &s, err));
	s.input = 0;
	s.role = OQZ_INPUT_ACTIVATION;
	s.rule = "percentile q=0.9999 scope=batch";
	s.spec = (struct oqz_qspec) {
		.grid = affine(8, 0, 255), .axis = -1, .n_scale = 1, .scale = scales, .zero = zeros + 1
	};
	ck_ok(oqz_qplan_add(p, &s, err));
	s.spec = (struct oqz_qspec) { .axis = 1, .block = 32, .n_scale = 4, .scale = scales };
	s.spec.grid = (struct oqz_grid) { .kind = OQZ_GRID_MINIFLOAT,
		                          .rounding = 3,
		                          .bits = 8,
		                          .exp_bits = 4,
		                          .man_bits = 3,
		                          .bias = 7,
		                          .special = 1,
		                          .max = 448 };
	ck_ok(oqz_qplan_add(p, &s, err));
	s.spec.grid = (struct oqz_grid) { .kind = OQZ_GRID_CODEBOOK, .bits = 3, .n_values = 5, .values = values };
	ck_ok(oqz_qplan_add(p, &s, err));
	return p;
}

START_TEST(json_is_canonical)
{
	struct oqz_qplan *p = example(), *r = NULL;
	struct oqz_str a = { 0 }, b = { 0 };
	char ha[65], hb[65];

	ck_ok(oqz_qplan_to_json(p, &a, err));
	ck_ok(oqz_qplan_from_json(a.s, a.len, "plan.json", &r, err));
	ck_ok(oqz_qplan_to_json(r, &b, err));
	ck_assert_str_eq(a.s, b.s);
	ck_ok(oqz_qplan_hash(p, ha, err));
	ck_ok(oqz_qplan_hash(r, hb, err));
	ck_assert_str_eq(ha, hb);
	ck_assert_int_eq((int)r->sites.n, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct oqz_qspec *x = &p->sites.v[i].spec, *y = &r->sites.v[i].spec;
		ck_assert(x->n_scale == y->n_scale && !memcmp(x->scale, y->scale, x->n_scale * sizeof *x->scale));
		ck_assert(!x->zero == !y->zero && (!x->zero || x->zero[0] == y->zero[0]));
		ck_assert(x->axis == y->axis && x->block == y->block && x->grid.kind == y->grid.kind);
	}
	ck_assert_str_eq(r->sites.v[0].node, "/conv \"1\"/Conv");
	ck_assert(strstr(a.s, "\"scale\": [0.1, ") != NULL);
	oqz_qplan_free(p);
	oqz_qplan_free(r);
	oqz_qplan_free(NULL);
	oqz_str_release(&a);
	oqz_str_release(&b);
}
END_TEST

START_TEST(hash_sees_every_number)
{
	struct oqz_qplan *p = example();
	char before[65], after[65];

	ck_ok(oqz_qplan_hash(p, before, err));
	((float *)(uintptr_t)p->sites.v[0].spec.scale)[1] *= 1.0000002f;
	ck_ok(oqz_qplan_hash(p, after, err));
	ck_assert_str_ne(before, after);
	oqz_qplan_free(p);
}
END_TEST

START_TEST(zero_points_of_zero_are_left_out)
{
	const float scale = 1;
	const int32_t zero = 0;
	struct oqz_qplan *p = oqz_qplan_new();
	struct oqz_qplan_site s = { .node = "n", .tensor = "t" };

	s.spec = (struct oqz_qspec) {
		.grid = affine(8, -128, 127), .axis = -1, .n_scale = 1, .scale = &scale, .zero = &zero
	};
	ck_ok(oqz_qplan_add(p, &s, err));
	ck_assert(p->sites.v[0].spec.zero == NULL);
	s.spec.n_scale = 0;
	ck_fails(oqz_qplan_add(p, &s, err), OQZ_E_DATA, "node 'n'");
	oqz_qplan_free(p);
}
END_TEST

/* Nine digits are needed, and enough, for any float32. */
START_TEST(every_scale_is_read_back)
{
	enum { N = 3000 };
	float scales[N];
	uint32_t seed = 3, bits;
	struct oqz_qplan *p = oqz_qplan_new(), *r = NULL;
	struct oqz_str json = { 0 };
	struct oqz_qplan_site s = { .node = "n", .tensor = "t", .rule = "" };

	for (int i = 0; i < N; i++) {
		seed = seed * 1664525u + 1013904223u;
		bits = (seed >> 1) % 0x7f7fffffu + 1; /* positive and finite */
		memcpy(&scales[i], &bits, sizeof bits);
	}
	s.spec = (struct oqz_qspec) { .grid = affine(8, -128, 127), .axis = 0, .n_scale = N, .scale = scales };
	ck_ok(oqz_qplan_add(p, &s, err));
	ck_ok(oqz_qplan_to_json(p, &json, err));
	ck_ok(oqz_qplan_from_json(json.s, json.len, "plan.json", &r, err));
	for (int i = 0; i < N; i++)
		ck_assert_msg(r->sites.v[0].spec.scale[i] == scales[i], "%a became %a", (double)scales[i],
		              (double)r->sites.v[0].spec.scale[i]);
	oqz_str_release(&json);
	oqz_qplan_free(p);
	oqz_qplan_free(r);
}
END_TEST

static const struct {
	const char *from, *to, *message;
	enum oqz_status code;
} damages[] = {
	{ "\"oqz-plan\": 1", "\"oqz-plan\": 2", "oqz-plan", OQZ_E_DATA },
	{ "\"input\": 0", "\"input\": -1", "site 1: \"input\"", OQZ_E_DATA },
	{ "\"role\": \"weight\"", "\"role\": \"wait\"", "site 0: \"role\"", OQZ_E_DATA },
	{ "\"rule\": \"minmax\", ", "", "has no \"rule\"", OQZ_E_DATA },
	{ "\"scale\": [0.1, ", "\"scale\": [-0.1, ", "scale 0", OQZ_E_DATA },
	{ "\"scale\": [0.1, ", "\"scale\": [\"a\", ", "no number", OQZ_E_DATA },
	{ "\"scale\": [0.1, ", "\"scale\": [1e99, ", "scale 0", OQZ_E_DATA },
	{ "\"zero\": [3]", "\"zero\": [3.5]", "zero point 0", OQZ_E_DATA },
	{ "\"zero\": [3]", "\"zero\": [3, 4]", "2 zero points", OQZ_E_DATA },
	{ "\"kind\": \"affine\"", "\"kind\": \"custom\"", "custom", OQZ_E_UNSUPPORTED },
	{ "\"max\": 127", "\"max\": -128", "code range", OQZ_E_DATA },
	{ "half-toward-zero", "half-odd", "no rounding", OQZ_E_DATA },
	{ "[-1, -0.69", "[1, -0.69", "increase", OQZ_E_DATA },
	{ "\"axis\": 0", "\"axis\": 9", "\"axis\"", OQZ_E_DATA },
	{ "\"axis\": 0", "\"axis\": 0, \"extra\": 1", "not known", OQZ_E_DATA },
	{ "\"axis\": 0", "\"axis\": 0, \"axis\": 0", "duplicate", OQZ_E_DATA },
	{ "\"role\": \"weight\"", "\"role\": \"output\"", "contradict", OQZ_E_DATA },
	{ "\"input\": 1", "\"output\": 1", "contradict", OQZ_E_DATA },
	{ "]}\n", "]", "plan.json:", OQZ_E_DATA },
};

START_TEST(damaged_files_are_refused_by_name)
{
	struct oqz_qplan *p = example();
	struct oqz_str json = { 0 }, bad = { 0 };
	char *at;

	ck_ok(oqz_qplan_to_json(p, &json, err));
	for (size_t i = 0; i < OQZ_COUNTOF(damages); i++) {
		struct oqz_qplan *r = NULL;
		at = strstr(json.s, damages[i].from);
		if (i + 1 == OQZ_COUNTOF(damages))
			at = json.s + json.len - strlen(damages[i].from);
		ck_assert_msg(at != NULL, "%s", damages[i].from);
		oqz_str_clear(&bad);
		oqz_str_addn(&bad, json.s, (size_t)(at - json.s));
		oqz_str_add(&bad, damages[i].to);
		oqz_str_add(&bad, at + strlen(damages[i].from));
		ck_fails(oqz_qplan_from_json(bad.s, bad.len, "plan.json", &r, err), damages[i].code,
		         damages[i].message);
		ck_fails(oqz_qplan_from_json(bad.s, bad.len, "plan.json", &r, err), damages[i].code, "plan.json");
	}
	for (size_t n = 0; n < json.len - 1; n += 7) {
		struct oqz_qplan *r = NULL;
		ck_fails(oqz_qplan_from_json(json.s, n, "plan.json", &r, err), OQZ_E_DATA, "plan.json");
	}
	oqz_str_release(&json);
	oqz_str_release(&bad);
	oqz_qplan_free(p);
}
END_TEST

/* Every kind of difference, with its measure. */
START_TEST(differences_are_measured)
{
	static const float halves[] = { 0.05f, 1.1754944e-38f, 3.4028235e38f, 0.033287305384874344f };
	static const int32_t zeros[] = { 0, 3, -7, 120 };
	struct oqz_qplan *a = example(), *b = oqz_qplan_new();
	struct oqz_qplan_diff d = { 0 };

	for (size_t i = 0; i < a->sites.n; i++)
		((char *)(uintptr_t)a->sites.v[i].node)[1] = (char)('a' + i); /* names of their own */
	for (size_t i = 0; i < 3; i++) {
		struct oqz_qplan_site s = a->sites.v[i];
		if (i == 0)
			s.spec.scale = halves;
		if (i == 1)
			s.spec.zero = zeros;
		if (i == 2)
			s.spec.grid.rounding = 0;
		ck_ok(oqz_qplan_add(b, &s, err));
	}
	struct oqz_qplan_site more = a->sites.v[0];
	more.input = 7;
	ck_ok(oqz_qplan_add(b, &more, err));
	ck_ok(oqz_qplan_diff(a, b, &d, err));
	ck_assert_int_eq((int)d.common, 3);
	ck_assert_int_eq((int)d.same, 0);
	ck_assert_int_eq((int)d.changes.n, 5);
	ck_assert_int_eq(d.changes.v[0].what, OQZ_QPLAN_SCALE);
	ck_assert_int_eq((int)d.changes.v[0].n_scale, 1);
	ck_assert_double_eq_tol(d.changes.v[0].ratio_lo, 0.5, 1e-6);
	ck_assert_double_eq_tol(d.changes.v[0].ratio_hi, 1, 1e-6);
	ck_assert_int_eq(d.changes.v[1].what, OQZ_QPLAN_ZERO);
	ck_assert_int_eq(d.changes.v[1].zero, 3);
	ck_assert_int_eq(d.changes.v[2].what, OQZ_QPLAN_GRID);
	ck_assert(d.changes.v[3].what == OQZ_QPLAN_ONLY && d.changes.v[3].a && !d.changes.v[3].b);
	ck_assert(d.changes.v[4].what == OQZ_QPLAN_ONLY && !d.changes.v[4].a && d.changes.v[4].b->input == 7);
	oqz_qplan_diff_release(&d);
	d = (struct oqz_qplan_diff) { 0 };
	ck_ok(oqz_qplan_diff(a, a, &d, err));
	ck_assert_int_eq((int)d.rules, 0);
	ck_assert(d.changes.n == 0 && d.same == 4 && d.common == 4);
	oqz_qplan_diff_release(&d);
	oqz_qplan_free(a);
	oqz_qplan_free(b);
}
END_TEST

/* Of several zero points the largest difference is told, wherever it stands. */
START_TEST(zero_points_differ_by_the_largest)
{
	static const float scale[] = { 1, 1, 1 };
	static const int32_t zeros[2][3] = { { 0, -5, 2 }, { 1, 4, 2 } };
	struct oqz_qplan *p[2];
	struct oqz_qplan_diff d = { 0 };

	for (int i = 0; i < 2; i++) {
		const struct oqz_qplan_site s = { .node = "n",
			                          .input = 1,
			                          .tensor = "w",
			                          .rule = "minmax",
			                          .spec = { .grid = affine(8, -128, 127),
			                                    .axis = 0,
			                                    .n_scale = 3,
			                                    .scale = scale,
			                                    .zero = zeros[i] } };
		p[i] = oqz_qplan_new();
		ck_ok(oqz_qplan_add(p[i], &s, err));
	}
	ck_ok(oqz_qplan_diff(p[0], p[1], &d, err));
	ck_assert_int_eq((int)d.changes.n, 1);
	ck_assert_int_eq(d.changes.v[0].zero, 9);
	oqz_qplan_diff_release(&d);
	oqz_qplan_free(p[0]);
	oqz_qplan_free(p[1]);
}
END_TEST

/* One difference at a time, on a site that is otherwise the same. */
START_TEST(each_difference_is_named)
{
	static const float x[] = { 1, 2, 4 }, y[] = { 1, 6, 4 };
	const struct oqz_qplan_site base = { .node = "n",
		                             .input = 1,
		                             .tensor = "t",
		                             .role = OQZ_INPUT_WEIGHT,
		                             .rule = "minmax",
		                             .spec = {
		                                 .grid = affine(8, -128, 127), .axis = 1, .n_scale = 3, .scale = x } };
	struct oqz_qplan_site s[8];
	static const unsigned what[8] = { OQZ_QPLAN_TENSOR, 0,
		                          OQZ_QPLAN_PLACE,  OQZ_QPLAN_PLACE,
		                          OQZ_QPLAN_PLACE,  OQZ_QPLAN_SCALE,
		                          OQZ_QPLAN_GRID,   OQZ_QPLAN_GRID };

	for (int i = 0; i < 8; i++)
		s[i] = base;
	s[0].tensor = "u";
	s[1].rule = "percentile q=0.99 scope=dataset";
	s[2].spec.axis = 0;
	s[3].spec.block = 16;
	s[4].spec.n_scale = 2;
	s[5].spec.scale = y;
	s[6].spec.grid.qmin = -127;
	s[7].spec.grid.rounding = 1;
	for (int i = 0; i < 9; i++) {
		struct oqz_qplan *a = oqz_qplan_new(), *b = oqz_qplan_new();
		struct oqz_qplan_diff d = { 0 };
		struct oqz_qplan_site first = base, second = i < 8 ? s[i] : base;
		if (i == 8) { /* how block scales are made */
			first.spec.block = second.spec.block = 32;
			first.spec.n_scale = second.spec.n_scale = 1;
			first.spec.dynamic = OQZ_SCALE_E8M0;
			second.spec.dynamic = OQZ_SCALE_E4M3;
		}
		ck_ok(oqz_qplan_add(a, &first, err));
		ck_ok(oqz_qplan_add(b, &second, err));
		ck_ok(oqz_qplan_diff(a, b, &d, err));
		unsigned want = i < 8 ? what[i] : OQZ_QPLAN_PLACE;
		ck_assert_msg(d.changes.n == (want != 0) && (!want || d.changes.v[0].what == want), "case %d: %x", i,
		              d.changes.n ? d.changes.v[0].what : 0);
		ck_assert_int_eq((int)d.rules, i == 1);
		if (i == 5) /* the largest ratio is not the last one's */
			ck_assert(d.changes.v[0].n_scale == 1 && d.changes.v[0].ratio_lo == 1 &&
			          d.changes.v[0].ratio_hi == 3);
		oqz_qplan_diff_release(&d);
		oqz_qplan_free(a);
		oqz_qplan_free(b);
	}
	/* ratios that all lie on one side of 1 */
	static const float factors[2][3] = { { 2, 4, 3 }, { 0.5f, 0.125f, 0.25f } };
	for (int i = 0; i < 2; i++) {
		struct oqz_qplan *a = oqz_qplan_new(), *b = oqz_qplan_new();
		struct oqz_qplan_diff d = { 0 };
		float z[3];
		for (int k = 0; k < 3; k++)
			z[k] = x[k] * factors[i][k];
		struct oqz_qplan_site other = base;
		other.spec.scale = z;
		ck_ok(oqz_qplan_add(a, &base, err));
		ck_ok(oqz_qplan_add(b, &other, err));
		ck_ok(oqz_qplan_diff(a, b, &d, err));
		ck_assert(d.changes.v[0].n_scale == 3 && d.changes.v[0].ratio_lo == (i ? 0.125 : 2) &&
		          d.changes.v[0].ratio_hi == (i ? 0.5 : 4));
		oqz_qplan_diff_release(&d);
		oqz_qplan_free(a);
		oqz_qplan_free(b);
	}
}
END_TEST

static bool has_param(const struct oqz_qplan_diff *d, const char *a, const char *b)
{
	for (size_t i = 0; i < d->params.n; i++) {
		const struct oqz_qplan_param *p = &d->params.v[i];
		if ((a ? p->a && strcmp(p->a, a) == 0 : !p->a) && (b ? p->b && strcmp(p->b, b) == 0 : !p->b))
			return true;
	}
	return false;
}

/* Parameters of schemes, part by part. */
START_TEST(parameters_are_told_apart)
{
	static const char x[] = "int8:bits=8,q=0.99,scale=free;ops=Conv:Gemm;exclude=a;override nodes=a:b bits=4,q=0.9;"
	                        "improve equalize:images=8,iterations=10;improve correct-bias:images=32",
	                  y[] = "int8:bits=4,q=0.99,more=1;ops=Conv;below=t;override nodes=a:b bits=4,q=0.8;"
	                        "improve equalize:images=8,iterations=5";
	struct oqz_qplan *a = oqz_qplan_new(), *b = oqz_qplan_new();
	struct oqz_qplan_diff d = { 0 };

	ck_ok(oqz_qplan_set_scheme(a, x, err));
	ck_ok(oqz_qplan_set_scheme(b, y, err));
	ck_ok(oqz_qplan_set_calibration(a, "calibration:images=32,batch=1", err));
	ck_ok(oqz_qplan_set_calibration(b, "calibration:images=16,batch=1", err));
	ck_ok(oqz_qplan_diff(a, b, &d, err));
	ck_assert(has_param(&d, "int8 bits=8", "int8 bits=4"));
	ck_assert(has_param(&d, "int8 scale=free", NULL));
	ck_assert(has_param(&d, NULL, "int8 more=1"));
	ck_assert(has_param(&d, "ops=Conv:Gemm", "ops=Conv"));
	ck_assert(has_param(&d, "exclude=a", NULL));
	ck_assert(has_param(&d, NULL, "below=t"));
	ck_assert(has_param(&d, "override nodes=a:b q=0.9", "override nodes=a:b q=0.8"));
	ck_assert(has_param(&d, "improve equalize iterations=10", "improve equalize iterations=5"));
	ck_assert(has_param(&d, "improve correct-bias:images=32", NULL));
	ck_assert(has_param(&d, "calibration images=32", "calibration images=16"));
	ck_assert_int_eq((int)d.params.n, 10);
	oqz_qplan_diff_release(&d);
	oqz_qplan_free(a);
	oqz_qplan_free(b);
}
END_TEST

/* Texts that are nearly alike: heads, names and values of which one begins like the other, parts that occur twice. */
START_TEST(texts_are_told_apart_exactly)
{
	static const struct {
		const char *a, *b, *in_a, *in_b; /* the one difference; both NULL: none */
	} rows[] = {
		{ "int8:q=1", "int8:aq=2,q=1", NULL, "int8 aq=2" },
		{ "int8:q=1", "int8:qq=2,q=1", NULL, "int8 qq=2" },
		{ "int8:bits=8", "int8:bits=88", "int8 bits=8", "int8 bits=88" },
		{ "int8:bits=88", "int8:bits=8", "int8 bits=88", "int8 bits=8" },
		{ "int8:", "int8:bits=4", NULL, "int8 bits=4" },
		{ "int8:bits=4", "int8:", "int8 bits=4", NULL },
		{ "float", "float", NULL, NULL },
		{ "int8:;ops=Conv:Gemm", "int8:;ops=Conv:Gemm", NULL, NULL },
		{ "int8:;include=a y", "int8:;include=b y", "include=a y", "include=b y" },
		{ "int8:;below=t;ops=Conv", "int8:;ops=Conv;below=u", "below=t", "below=u" },
		{ "int8:;improve e:i=1;improve e:i=2", "int8:;improve e:i=1;improve e:i=2", NULL, NULL },
		{ "int8:;improve e:i=1;improve e:i=2", "int8:;improve e:i=1", "improve e:i=2", NULL },
	};
	char many[3 * 300 + 8] = "int8:";

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++) {
		struct oqz_qplan_diff d = { .arena = oqz_arena_new() };
		bool any = rows[i].in_a || rows[i].in_b;
		ck_ok(oqz_scheme_diff(d.arena, rows[i].a, rows[i].b, &d, err));
		ck_assert_msg(d.params.n == any, "row %zu: %zu differences", i, d.params.n);
		ck_assert_msg(!any || has_param(&d, rows[i].in_a, rows[i].in_b), "row %zu", i);
		oqz_qplan_diff_release(&d);
	}
	/* more parts than are compared */
	struct oqz_qplan_diff d = { .arena = oqz_arena_new() };
	for (int i = 0; i < 300; i++)
		strcat(many, ";a=");
	ck_ok(oqz_scheme_diff(d.arena, many, many, &d, err));
	ck_assert(d.params.n == 0);
	oqz_qplan_diff_release(&d);
}
END_TEST

/* Distances that are no quotients: zeros, other shapes, other numbers of factors; of several the largest. */
START_TEST(distances_have_corners)
{
	static float zeros[4], one[4] = { 1, 2, 3, 4 }, near[4] = { 1, 3, 3, 4 };
	const struct oqz_tensor z = { .dtype = OQZ_DT_F32, .shape = { .rank = 1, .dim = { 4 } }, .data = zeros };
	struct oqz_tensor x = z, wide = z;
	struct oqz_qplan *a = oqz_qplan_new(), *b = oqz_qplan_new();
	struct oqz_qplan_diff d = { 0 };

	x.data = wide.data = one;
	wide.shape = (struct oqz_shape) { .rank = 2, .dim = { 2, 2 } };
	ck_ok(oqz_qplan_set_constant(a, "zero", 1, &z, err));
	ck_ok(oqz_qplan_set_constant(b, "zero", 1, &z, err));
	ck_ok(oqz_qplan_set_constant(a, "from zero", 1, &z, err));
	ck_ok(oqz_qplan_set_constant(b, "from zero", 1, &x, err));
	ck_ok(oqz_qplan_set_constant(a, "shape", 1, &x, err));
	ck_ok(oqz_qplan_set_constant(b, "shape", 1, &wide, err));
	ck_ok(oqz_qplan_set_constant(a, "alone", 3, &x, err));
	ck_ok(oqz_qplan_add_gain(a, "fewer", 1, 4, one, err));
	ck_ok(oqz_qplan_add_gain(b, "fewer", 1, 3, one, err));
	ck_ok(oqz_qplan_add_gain(a, "one of four", 1, 4, one, err));
	ck_ok(oqz_qplan_add_gain(b, "one of four", 1, 4, near, err));
	ck_ok(oqz_qplan_diff(a, b, &d, err));
	ck_assert_int_eq((int)d.numbers.n, 5);
	const struct oqz_qplan_numbers *n = d.numbers.v;
	ck_assert(strcmp(n[0].name, "from zero") == 0 && isinf(n[0].apart));
	ck_assert(strcmp(n[1].name, "shape") == 0 && isinf(n[1].apart));
	ck_assert(strcmp(n[2].name, "alone") == 0 && n[2].in_a && !n[2].in_b && n[2].input == 3);
	ck_assert(strcmp(n[3].name, "fewer") == 0 && isinf(n[3].apart));
	ck_assert(strcmp(n[4].name, "one of four") == 0 && n[4].apart == 0.5);
	oqz_qplan_diff_release(&d);
	oqz_qplan_free(a);
	oqz_qplan_free(b);
}
END_TEST

/* What improvements leave: the same, other numbers, one plan alone. */
START_TEST(improvements_are_told_apart)
{
	static float one[] = { 3, 4 }, other[] = { 3, 4.5f };
	struct oqz_tensor t = { .dtype = OQZ_DT_F32, .shape = { .rank = 1, .dim = { 2 } }, .data = one }, u = t;
	struct oqz_qplan *a = oqz_qplan_new(), *b = oqz_qplan_new();
	struct oqz_qplan_diff d = { 0 };

	u.data = other;
	ck_ok(oqz_qplan_set_constant(a, "same", 1, &t, err));
	ck_ok(oqz_qplan_set_constant(b, "same", 1, &t, err));
	ck_ok(oqz_qplan_set_constant(a, "n", 2, &t, err));
	ck_ok(oqz_qplan_set_constant(b, "n", 2, &u, err));
	ck_ok(oqz_qplan_set_constant(b, "n", 1, &t, err));
	ck_ok(oqz_qplan_add_gain(a, "v", 1, 2, one, err));
	ck_ok(oqz_qplan_add_gain(b, "v", 1, 2, other, err));
	ck_ok(oqz_qplan_add_gain(a, "w", 1, 2, one, err));
	ck_ok(oqz_qplan_add_gain(a, "x", 1, 2, one, err));
	ck_ok(oqz_qplan_add_gain(b, "x", 0, 2, one, err));
	ck_ok(oqz_qplan_add_gain(b, "z", 0, 2, one, err));
	ck_ok(oqz_qplan_diff(a, b, &d, err));
	ck_assert_int_eq((int)d.numbers.n, 6);
	const struct oqz_qplan_numbers *n = d.numbers.v;
	ck_assert(!n[0].gain && n[0].input == 2 && n[0].in_a && n[0].in_b && fabs(n[0].apart - 0.1) < 1e-12);
	ck_assert(!n[1].gain && n[1].input == 1 && !n[1].in_a && n[1].in_b);
	ck_assert(n[2].gain && strcmp(n[2].name, "v") == 0 && fabs(n[2].apart - 0.125) < 1e-12);
	ck_assert(n[3].gain && strcmp(n[3].name, "w") == 0 && n[3].in_a && !n[3].in_b);
	ck_assert(n[4].gain && strcmp(n[4].name, "x") == 0 && isinf(n[4].apart));
	ck_assert(n[5].gain && strcmp(n[5].name, "z") == 0 && !n[5].in_a && n[5].in_b);
	oqz_qplan_diff_release(&d);
	oqz_qplan_free(a);
	oqz_qplan_free(b);
}
END_TEST

OQZ_TEST_MAIN("qplan", differences_are_measured, each_difference_is_named, every_scale_is_read_back,
              parameters_are_told_apart, texts_are_told_apart_exactly, distances_have_corners,
              improvements_are_told_apart, json_is_canonical, hash_sees_every_number, zero_points_of_zero_are_left_out,
              zero_points_differ_by_the_largest, damaged_files_are_refused_by_name)
