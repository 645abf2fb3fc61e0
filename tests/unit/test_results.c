/* SPDX-License-Identifier: Apache-2.0
 *
 * Renderings of constructed results: the text of results.json, fields of the CSV files, widths of the table; the stored
 * form reads back exactly and survives damage.
 */
#include "tests/support/support.h"
#include "core/base/rng.h"
#include "core/base/str.h"
#include "core/base/unicode.h"
#include "core/result/figures.h"
#include "core/result/results.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct oqz_metric_result metric_top1(void)
{
	return (struct oqz_metric_result) { .name = "top1",
		                            .unit = OQZ_UNIT_RATIO,
		                            .test = OQZ_TEST_MCNEMAR,
		                            .higher_is_better = true,
		                            .value_float = 0.6976,
		                            .value_quantized = 0.6951,
		                            .delta = -0.0025,
		                            .ci_lo = -0.0049,
		                            .ci_hi = -0.0001,
		                            .p = 0.041,
		                            .p_mid = 0.0325,
		                            .p_holm = 0.082,
		                            .detectable = 0.003,
		                            .lost = 30,
		                            .gained = 18 };
}

static void add_ok(struct oqz_results *r, const char *model, const char *scheme)
{
	static const char *const tags[] = { "cnn", "small" };
	struct oqz_cell_result *c = oqz_results_add_cell(r);
	const struct oqz_metric_result psnr = { .name = "psnr",
		                                .unit = OQZ_UNIT_DECIBEL,
		                                .test = OQZ_TEST_NONE,
		                                .higher_is_better = true,
		                                .value_float = INFINITY,
		                                .value_quantized = 1.0 / 3,
		                                .delta = -INFINITY,
		                                .ci_lo = NAN,
		                                .ci_hi = NAN,
		                                .p = NAN,
		                                .p_mid = NAN,
		                                .p_holm = NAN,
		                                .detectable = NAN,
		                                .lost = -1,
		                                .gained = -1 };
	const struct oqz_layer_result l0 = { "conv1, the \"first\"",
		                             "Conv",
		                             "int8 dnnl",
		                             { 0.02, 0.025, 0.1, 9, 1, 0 },
		                             { 0.01, 0.01, 0.02, 3, 0, 0 },
		                             true,
		                             0.004,
		                             0.0078125,
		                             118013952,
		                             -0.75,
		                             0.5,
		                             -1,
		                             0.9921875 },
	                              l1 = { "fc",   "Gemm", "f32", { INFINITY, NAN, NAN, 9, 9, 2 },
		                             { 0 },  false,  NAN,   NAN,
		                             512000, NAN,    NAN,   NAN,
		                             NAN };

	c->model = model;
	c->scheme = scheme;
	c->task = "classify";
	c->tags = tags;
	c->n_tags = 2;
	c->images = 5000;
	c->failed_images = 2;
	c->aqe = 0.02, c->mqe = INFINITY, c->oqe = 0.052;
	c->mean_aqe = 0.025, c->mean_mqe = 0.025, c->mean_oqe = NAN;
	c->undefined = 1;
	c->provenance = (struct oqz_provenance) { "aa",
		                                  "bb",
		                                  "cc",
		                                  "int8(bits=8)",
		                                  "classification(k=1:5)",
		                                  "int8 1.0",
		                                  "classification 1.0",
		                                  "auto",
		                                  "oneDNN 2.6.3, AVX512_VNNI",
		                                  false };
	ck_assert(oqz_vec_push(&c->metrics, metric_top1()) && oqz_vec_push(&c->metrics, psnr));
	ck_assert(oqz_vec_push(&c->layers, l0) && oqz_vec_push(&c->layers, l1));
}

static void add_other(struct oqz_results *r, const char *model, enum oqz_cell_status status, const char *message)
{
	struct oqz_cell_result *c = oqz_results_add_cell(r);

	c->model = model;
	c->scheme = "fp8";
	c->task = "classify";
	c->status = status;
	c->code = status == OQZ_CELL_FAILED ? "unsupported" : "limit";
	c->message = message;
	c->aqe = c->mqe = c->oqe = c->mean_aqe = c->mean_mqe = c->mean_oqe = NAN;
}

static struct oqz_results *example(void)
{
	static const struct oqz_metric rows[] = { { "top1", OQZ_UNIT_RATIO, OQZ_TEST_MCNEMAR, true, 0, 1, "h" },
		                                  { "psnr", OQZ_UNIT_DECIBEL, OQZ_TEST_NONE, true, 0, 0, "h" } };
	static const double values[] = { 0.6976, INFINITY };
	struct oqz_results *r = oqz_results_new();
	const struct oqz_float_result f = { "resnet18", "classify", 5000, 2, 2, rows, values },
	                              g = { "lonely", "classify", 7, 0, 1, rows, values };
	const struct oqz_failed_image img = { "resnet18", "a/b,c.jpg", "a/b,c.jpg: the JPEG file is truncated" };
	const struct oqz_gate_result gate = { "resnet18 int8: drop 0.0025 > 0.001", true };

	r->version = "0.1.0";
	r->manifest_sha256 = "ff";
	add_ok(r, "resnet18", "int8-channel");
	add_other(r, "resnet18", OQZ_CELL_FAILED, "node /a, \"b\": operator Foo is unknown\nsecond line");
	add_other(r, "vit", OQZ_CELL_SKIPPED, "excluded | by the matrix");
	ck_assert(oqz_vec_push(&r->floats, f) && oqz_vec_push(&r->floats, g) && oqz_vec_push(&r->failed_images, img) &&
	          oqz_vec_push(&r->gates, gate));
	return r;
}

/* Keys of an object in the order of the text. */
static void check_keys(const json_t *o, const char *want)
{
	struct oqz_str s = { 0 };
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)o, name, v) oqz_str_addf(&s, "%s ", name);
	ck_assert_str_eq(oqz_str_get(&s), want);
	oqz_str_release(&s);
}

static json_t *at(json_t *o, const char *list, size_t i) { return json_array_get(json_object_get(o, list), i); }

START_TEST(json_has_the_documented_form)
{
	struct oqz_results *r = example();
	struct oqz_str s = { 0 };

	oqz_results_json(r, &s);
	ck_assert(oqz_str_ok(&s));
	json_t *o = json_loads(oqz_str_get(&s), JSON_REJECT_DUPLICATES, NULL);
	ck_assert_msg(o != NULL, "not JSON: %s", oqz_str_get(&s));
	check_keys(o, "schema oqz manifest_sha256 complete cells float error_and_loss failed_images gates ");
	json_t *c = at(o, "cells", 0), *m = json_object_get(json_object_get(c, "metrics"), "top1");
	check_keys(c, "model scheme task tags status images failed_images metrics aqe mqe oqe error provenance ");
	check_keys(m, "float quantized delta ci95 p p_mid p_holm detectable test lost gained unit better ");
	check_keys(json_object_get(c, "error"), "definition layers undefined mean_of_ratios ");
	check_keys(json_object_get(c, "provenance"),
	           "model_sha256 plan_sha256 dataset_sha256 plugins scheme task engine limited ");
	ck_assert(json_real_value(json_object_get(m, "delta")) == -0.0025);
	ck_assert(json_real_value(json_array_get(json_object_get(m, "ci95"), 1)) == -0.0001);
	ck_assert_str_eq(json_string_value(json_object_get(m, "better")), "higher");
	ck_assert(json_is_null(json_object_get(c, "mqe")));
	m = json_object_get(json_object_get(c, "metrics"), "psnr");
	ck_assert(json_is_null(json_object_get(m, "float")));
	ck_assert(json_real_value(json_object_get(m, "quantized")) == 1.0 / 3);
	ck_assert_ptr_null(json_object_get(m, "p"));
	check_keys(at(o, "cells", 1), "model scheme task tags status code message ");
	ck_assert_str_eq(json_string_value(json_object_get(at(o, "cells", 2), "status")), "skipped");
	check_keys(at(o, "float", 0), "model task images failed_images metrics ");
	ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), "\"float\": 0.6976, \"quantized\": 0.6951"));
	json_decref(o);
	oqz_str_release(&s);
	oqz_results_free(r);
}
END_TEST

static void render_all(const struct oqz_results *r, struct oqz_str *s)
{
	oqz_results_json(r, s);
	oqz_results_store(r, s);
	oqz_results_csv(r, s);
	oqz_results_layers_csv(r, s);
	oqz_results_table(r, 100, true, s);
	oqz_results_markdown(r, s);
	oqz_results_html(r, s);
}

START_TEST(stored_form_reads_back_exactly)
{
	struct oqz_results *r = example(), *back = NULL;
	struct oqz_str stored = { 0 }, a = { 0 }, b = { 0 };

	oqz_results_store(r, &stored);
	ck_ok(oqz_results_restore(oqz_str_get(&stored), stored.len, &back, err));
	render_all(r, &a);
	render_all(back, &b);
	ck_assert_str_eq(oqz_str_get(&a), oqz_str_get(&b));
	oqz_results_free(back);
	oqz_results_free(r);
	oqz_str_release(&stored);
	oqz_str_release(&a);
	oqz_str_release(&b);
}
END_TEST

START_TEST(damaged_stores_are_refused)
{
	struct oqz_results *r = example(), *back = NULL;
	struct oqz_str stored = { 0 };
	struct oqz_rng rng;

	oqz_results_store(r, &stored);
	for (size_t n = 0; n < stored.len - 2; n += 7) { /* the last bytes are white space */
		struct oqz_err e;
		ck_assert_int_eq(oqz_results_restore(stored.s, n, &back, &e), OQZ_E_DATA);
	}
	ck_assert_ptr_null(back);
	oqz_rng_init(&rng, 5);
	for (int i = 0; i < 3000; i++) {
		struct oqz_err e = { 0 };
		size_t where = oqz_rng_below(&rng, stored.len);
		char old = stored.s[where];
		stored.s[where] ^= (char)(1 << oqz_rng_below(&rng, 7));
		enum oqz_status st = oqz_results_restore(stored.s, stored.len, &back, &e);
		ck_assert(st == OQZ_OK || st == OQZ_E_DATA);
		if (st == OQZ_OK) { /* a changed digit or letter: still a set of results */
			struct oqz_str s = { 0 };
			render_all(back, &s);
			oqz_str_release(&s);
			oqz_results_free(back);
			back = NULL;
		}
		stored.s[where] = old;
	}
	oqz_results_free(r);
	oqz_str_release(&stored);
}
END_TEST

/* Fields of each record of a CSV text, quotes respected; returns the number of records. */
static size_t check_csv(const char *s, size_t fields)
{
	size_t n = 1, records = 0;
	bool quoted = false;

	for (; *s; s++) {
		quoted ^= *s == '"';
		n += *s == ',' && !quoted;
		if (*s != '\n' || quoted)
			continue;
		ck_assert_msg(n == fields, "record %zu has %zu fields, not %zu", records, n, fields);
		n = 1;
		records++;
	}
	ck_assert(!quoted);
	return records;
}

START_TEST(csv_files_are_rectangular)
{
	struct oqz_results *r = example();
	struct oqz_str s = { 0 };

	oqz_results_csv(r, &s);
	ck_assert_uint_eq(check_csv(oqz_str_get(&s), 22), 1 + 2 + 1 + 1);
	ck_assert_ptr_nonnull(
	    strstr(oqz_str_get(&s), ",top1,0.6976,0.6951,-0.0025,-0.0049,-0.0001,0.041,mcnemar,5000,2,"));
	oqz_str_clear(&s);
	oqz_results_layers_csv(r, &s);
	ck_assert_uint_eq(check_csv(oqz_str_get(&s), 13), 3);
	const char *head = "model,scheme,index,node,op,cumulative,local,cumulative_mean,cumulative_max,weight_error,"
	                   "input_scale,macs,engine\n";
	ck_assert_int_eq(strncmp(oqz_str_get(&s), head, strlen(head)), 0);
	ck_assert_ptr_nonnull(strstr(oqz_str_get(&s),
	                             "resnet18,int8-channel,0,\"conv1, the "
	                             "\"\"first\"\"\",Conv,0.02,0.01,0.025,0.1,0.004,0.0078125,118013952,int8 dnnl\n"));
	ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), ",1,fc,Gemm,inf,,,,,,512000,f32\n"));
	oqz_str_release(&s);
	oqz_results_free(r);
}
END_TEST

START_TEST(table_fits_and_names_failures)
{
	struct oqz_results *r = example();
	struct oqz_str s = { 0 };

	for (int columns = 60; columns <= 200; columns += 5) {
		oqz_str_clear(&s);
		oqz_results_table(r, columns, false, &s);
		const char *line = oqz_str_get(&s);
		for (const char *end; (end = strchr(line, '\n')); line = end + 1)
			if (!memmem(line, (size_t)(end - line), "failed: ", 8) &&
			    !memmem(line, (size_t)(end - line), "skipped: ", 9))
				ck_assert_msg(end - line <= columns, "%d columns: %.*s", columns, (int)(end - line),
				              line);
		ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), "-0.25"));
		ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), "failed: node /a"));
		ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), "skipped: excluded"));
		ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), "(float)"));
		ck_assert_ptr_null(strchr(oqz_str_get(&s), '\033'));
	}
	ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), "-0.49 .. -0.01"));
	oqz_str_clear(&s);
	oqz_results_table(r, 0, true, &s);
	ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), "\033[31m"));
	oqz_str_release(&s);
	oqz_results_free(r);
}
END_TEST

START_TEST(table_fits_names_of_any_script)
{
	static const char *const names[] = { "efficientnet_lite4_224_imagenet_tflite_converted_opset13_v2b",
		                             "中文文本识别模型通用场景轻量版中文文本识别模型通用场景", "e\xcc\x81" };
	struct oqz_results *r = oqz_results_new();
	struct oqz_str s = { 0 };

	r->version = "0.1.0";
	for (size_t i = 0; i < OQZ_COUNTOF(names); i++)
		add_ok(r, names[i], i == 1 ? "通道量化" : "int8-channel");
	for (int columns = 40; columns <= 240; columns += 7) {
		oqz_str_clear(&s);
		oqz_results_table(r, columns, false, &s);
		char *line = s.s, *end;
		int head = 0;
		for (; (end = strchr(line, '\n')); line = end + 1) {
			*end = 0;
			ck_assert_msg(oqz_width(line) <= (columns < 60 ? 60 : columns), "%d columns: %s", columns,
			              line);
			/* the last column is flush right in every line */
			head = head ? head : oqz_width(line);
			ck_assert_msg(oqz_width(line) == head, "%d columns, not aligned: %s", columns, line);
		}
	}
	oqz_str_clear(&s);
	oqz_results_table(r, 0, false, &s); /* no terminal: nothing is cut */
	for (size_t i = 0; i < OQZ_COUNTOF(names); i++)
		ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), names[i]));
	oqz_str_clear(&s);
	oqz_results_table(r, 200, false, &s);
	ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), names[1])); /* 54 columns fit */
	ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), "-0.49 .. -0.01"));
	oqz_str_clear(&s);
	oqz_results_table(r, 80, false, &s);
	ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), "\xe2\x80\xa6")); /* both ends of a long name */
	ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), "_v2b "));
	ck_assert_int_eq(oqz_width("a中e\xcc\x81\xff"), 5);
	ck_assert_uint_eq(oqz_width_cut("a中b", 2), 1);
	oqz_str_release(&s);
	oqz_results_free(r);
}
END_TEST

START_TEST(cells_are_related)
{
	/* AQE orders the losses of four cells; MQE is against them; OQE has one value for all. */
	static const double aqe[] = { 0.1, 0.02, 0.3, 0.05 }, loss[] = { 0.04, 0.01, 0.2, 0.02 },
	                    p[] = { 0.02, 0.9, 0.001, 0.03 }, holm[] = { 0.06, 0.9, 0.004, 0.06 };
	static const char *const names[] = { "a", "b", "c", "d" };
	struct oqz_results *r = oqz_results_new();

	for (size_t i = 0; i < 4; i++) {
		add_ok(r, names[i], "int8");
		struct oqz_cell_result *c = r->cells.v[i];
		c->aqe = aqe[i];
		c->mqe = 1 - loss[i];
		c->oqe = 0.5;
		c->metrics.v[0].delta = -loss[i];
		c->metrics.v[0].p = p[i];
		c->metrics.v[0].p_holm = NAN;
	}
	add_other(r, "e", OQZ_CELL_FAILED, "no");
	ck_ok(oqz_results_relate(r, err));
	for (size_t i = 0; i < 4; i++) {
		ck_assert_double_eq_tol(r->cells.v[i]->metrics.v[0].p_holm, holm[i], 1e-15);
		ck_assert(isnan(r->cells.v[i]->metrics.v[1].p_holm));
	}
	ck_assert_uint_eq(r->links.n, 1);
	ck_assert_str_eq(r->links.v[0].task, "classification");
	ck_assert_str_eq(r->links.v[0].metric, "top1");
	ck_assert_int_eq((int)r->links.v[0].cells, 4);
	ck_assert(r->links.v[0].aqe.rho == 1 && r->links.v[0].mqe.rho == -1 && isnan(r->links.v[0].oqe.rho));
	ck_assert_double_eq_tol(r->links.v[0].aqe.p, 2.0 / 24, 1e-15);
	ck_assert(isnan(r->links.v[0].oqe.p));
	oqz_results_free(r);
}
END_TEST

START_TEST(markdown_is_a_table)
{
	struct oqz_results *r = example();
	struct oqz_str s = { 0 };
	size_t bars = 0;

	oqz_results_markdown(r, &s);
	const char *line = oqz_str_get(&s);
	for (const char *end; (end = strchr(line, '\n')); line = end + 1) {
		size_t n = 0;
		for (const char *p = line; p < end; p++)
			n += *p == '|' && (p == line || p[-1] != '\\');
		bars = bars ? bars : n;
		ck_assert_uint_eq(n, bars);
		ck_assert_int_eq(line[0], '|');
	}
	ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), "| skipped: excluded"));
	ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), "| failed: node /a"));
	oqz_str_release(&s);
	oqz_results_free(r);
}
END_TEST

static size_t occurrences(const char *text, const char *of)
{
	size_t n = 0;

	for (; (text = strstr(text, of)); text += strlen(of))
		n++;
	return n;
}

/* Names come from other people's files: as text they stay, as markup they must not arrive. */
START_TEST(html_escapes_what_it_names)
{
	static const char evil[] = "</script><b x='\"&\x01\xff\xc3(\xf0\x9f\x98\x80",
	                  tamed[] = "&#60;/script&#62;&#60;b x=&#39;&#34;&#38;"
	                            "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd(\xf0\x9f\x98\x80";
	struct oqz_results *r = example();
	struct oqz_str plain = { 0 }, s = { 0 };
	const struct oqz_failed_image img = { evil, evil, evil };
	const struct oqz_gate_result gate = { evil, false };
	const char *const tags[] = { evil };

	oqz_results_html(r, &plain);
	r->version = r->manifest_sha256 = evil;
	struct oqz_cell_result *c = r->cells.v[0];
	c->model = c->scheme = c->task = evil;
	c->tags = tags, c->n_tags = 1;
	c->metrics.v[0].name = c->layers.v[0].node = c->layers.v[0].op = c->layers.v[0].engine = evil;
	c->provenance.scheme = c->provenance.task = c->provenance.library = c->provenance.model_sha256 = evil;
	r->cells.v[1]->message = r->cells.v[1]->code = evil;
	ck_assert(oqz_vec_push(&r->failed_images, img) && oqz_vec_push(&r->gates, gate));
	oqz_results_html(r, &s);
	ck_assert_uint_gt(occurrences(oqz_str_get(&s), tamed), 30);
	ck_assert_uint_eq(occurrences(oqz_str_get(&s), "</script>"), 3);
	ck_assert_ptr_null(strstr(oqz_str_get(&s), "<b x"));
	ck_assert_ptr_null(memchr(oqz_str_get(&s), 1, s.len));
	oqz_str_release(&plain);
	oqz_str_release(&s);
	oqz_results_free(r);
}
END_TEST

/* Infinite errors, numbers that do not exist and layers of one scheme only are drawn without numbers that are none. */
START_TEST(html_draws_only_finite_places)
{
	struct oqz_results *r = example();
	struct oqz_str s = { 0 };

	add_ok(r, "resnet18", "other");
	r->cells.v[3]->layers.v[0].node = "only here";
	r->cells.v[3]->layers.v[1].cumulative.pooled = NAN;
	oqz_results_html(r, &s);
	const char *page = oqz_str_get(&s);
	ck_assert_uint_eq(occurrences(page, "<g class=\"column\">"), 3);
	/* findings, data of the chart, label, hint, worst layers, table */
	ck_assert_uint_eq(occurrences(page, "only here"), 6);
	ck_assert_ptr_nonnull(strstr(page, "&#8734;"));
	for (const char *d = page; (d = strstr(d, " d=\"")); d++)
		ck_assert_uint_eq(strcspn(d + 4, "\""), strspn(d + 4, "MLHVh0123456789.,-"));
	oqz_str_release(&s);
	oqz_results_free(r);
}
END_TEST

/* A share of nothing (-1: no such class) is no number, nor is a difference of two of them. */
START_TEST(differences_of_nothing_are_none)
{
	struct oqz_metric_result m = { .unit = OQZ_UNIT_RATIO, .value_float = -1, .value_quantized = -1, .delta = 0 };
	char text[OQZ_FORMAT_SIZE];

	oqz_format_delta(text, sizeof text, &m);
	ck_assert_str_eq(text, "-");
	m.value_float = 0.5, m.delta = -1.5;
	oqz_format_delta(text, sizeof text, &m);
	ck_assert_str_eq(text, "-");
	m.value_quantized = 0, m.delta = -0.5;
	oqz_format_delta(text, sizeof text, &m);
	ck_assert_str_eq(text, "-50.00");
	m.unit = OQZ_UNIT_SCALAR, m.value_quantized = -1, m.delta = -1.5; /* -1 is a number here */
	oqz_format_delta(text, sizeof text, &m);
	ck_assert_str_eq(text, "-1.5");
}
END_TEST

static void set_top1(struct oqz_cell_result *c, double delta, double low, double p_holm)
{
	struct oqz_metric_result *m = &c->metrics.v[0];

	m->delta = delta, m->ci_lo = low, m->ci_hi = delta + 0.01, m->p_holm = p_holm;
}

/* The sentences above the table: per scheme what is proved, what is open, what has no result, and the worst layer. */
START_TEST(html_says_what_was_found)
{
	struct oqz_results *r = oqz_results_new();
	struct oqz_str s = { 0 };

	r->version = r->manifest_sha256 = "1";
	add_ok(r, "resnet18", "fp8");
	add_ok(r, "vit", "fp8");
	add_other(r, "broken", OQZ_CELL_FAILED, "no");
	add_ok(r, "resnet18", "int8");
	add_ok(r, "vit", "int8");
	set_top1(r->cells.v[0], -0.025, -0.03, 0.01);
	set_top1(r->cells.v[1], -0.001, -0.0081, 0.7);
	set_top1(r->cells.v[3], -0.001, -0.002, 0.05); /* not below */
	set_top1(r->cells.v[4], 0.02, 0.01, 0.001);
	add_ok(r, "resnet18", "mx");
	set_top1(r->cells.v[5], -0.04, -0.09, 0.3); /* much may be lost: no good news */
	r->cells.v[1]->layers.v[0].local.pooled = 0.125;
	oqz_results_html(r, &s);
	static const char *const says[] = {
		"<b class=\"bad\">loses on 1 of 2 models:</b> <a href=\"#model-0\">resnet18</a> \xe2\x88\x92" "2.50\xc2\xa0% top1.",
		" they could still lose, at worst <a href=\"#model-1\">vit</a> \xe2\x88\x92" "0.81\xc2\xa0%.",
		"<b class=\"bad\">1 model has no result.</b>",
		"</code> of <a href=\"#model-1\">vit</a>, by 12.5\xc2\xa0%.",
		"<b class=\"good\">no loss is proved</b> on any of 2 models. It gains on 1: <a "
		"href=\"#model-1\">vit</a> "
		"+2.00\xc2\xa0% top1.",
		" they could still lose, at worst <a href=\"#model-0\">resnet18</a> \xe2\x88\x92" "0.20\xc2\xa0%.",
		"</b>: <b>no loss is proved</b> on its only model. With so few images it could still lose, at worst",
	};
	for (size_t i = 0; i < OQZ_COUNTOF(says); i++)
		ck_assert_msg(strstr(oqz_str_get(&s), says[i]) != NULL, "the page does not say '%s'", says[i]);
	oqz_str_release(&s);
	oqz_results_free(r);
}
END_TEST

START_TEST(nothing_is_a_result_too)
{
	struct oqz_results *r = oqz_results_new();
	struct oqz_str s = { 0 };

	render_all(r, &s);
	ck_assert(oqz_str_ok(&s));
	oqz_str_clear(&s);
	oqz_results_json(r, &s);
	json_t *o = json_loads(oqz_str_get(&s), 0, NULL);
	ck_assert_ptr_nonnull(o);
	json_decref(o);
	oqz_str_release(&s);
	oqz_results_free(r);
	oqz_results_free(NULL);
}
END_TEST

OQZ_TEST_MAIN("results", table_fits_names_of_any_script, cells_are_related, json_has_the_documented_form,
              stored_form_reads_back_exactly, damaged_stores_are_refused, csv_files_are_rectangular,
              table_fits_and_names_failures, markdown_is_a_table, html_escapes_what_it_names,
              differences_of_nothing_are_none, html_draws_only_finite_places, html_says_what_was_found,
              nothing_is_a_result_too)
