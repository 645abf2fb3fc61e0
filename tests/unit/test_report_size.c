/* SPDX-License-Identifier: Apache-2.0
 *
 * report.html of zoos that are large in one way or another: the page keeps to a size that browsers open, leaves out the
 * details of those models that lost least, and says so; pictures full of boxes.
 */
#include "tests/support/support.h"
#include "core/base/str.h"
#include "core/base/unicode.h"
#include "core/result/results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A cell that loses `loss` of its one metric. */
static struct oqz_cell_result *add_cell(struct oqz_results *r, const char *model, double loss)
{
	const struct oqz_metric_result m = { .name = "top1",
		                             .unit = OQZ_UNIT_RATIO,
		                             .higher_is_better = true,
		                             .value_float = 0.5,
		                             .value_quantized = 0.5 - loss,
		                             .delta = -loss,
		                             .ci_lo = NAN,
		                             .ci_hi = NAN,
		                             .p = NAN,
		                             .p_holm = NAN,
		                             .detectable = NAN,
		                             .lost = -1,
		                             .gained = -1 };
	struct oqz_cell_result *c = oqz_results_add_cell(r);

	ck_assert_ptr_nonnull(c);
	c->model = model;
	c->scheme = "int8";
	c->task = "classify";
	ck_assert(oqz_vec_push(&c->metrics, m));
	return c;
}

static void add_layers(struct oqz_cell_result *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct oqz_layer_result l = { .node = oqz_arena_printf(c->owner->arena, "layer_%zu", i),
			                            .op = "Conv",
			                            .engine = "int8",
			                            .cumulative = { .pooled = 0.01 },
			                            .input_scale = NAN,
			                            .weight_error = NAN };
		ck_assert(l.node && oqz_vec_push(&c->layers, l));
	}
}

static struct oqz_results *zoo(size_t models, size_t layers)
{
	struct oqz_results *r = oqz_results_new();

	ck_assert_ptr_nonnull(r);
	r->version = r->manifest_sha256 = "1";
	for (size_t i = 0; i < models; i++) {
		const char *name = oqz_arena_printf(r->arena, "net_%02zu", i);
		ck_assert_ptr_nonnull(name);
		/* the later ones lose more */
		add_layers(add_cell(r, name, 0.001 * (double)i), layers);
	}
	return r;
}

static size_t occurrences(const char *text, const char *of)
{
	size_t n = 0;

	for (; (text = strstr(text, of)); text += strlen(of))
		n++;
	return n;
}

/* The model's section has the table of all its layers. */
static bool detailed(const char *page, size_t model)
{
	char id[40];

	snprintf(id, sizeof id, "id=\"model-%zu\"", model);
	const char *from = strstr(page, id), *table = strstr(from, "class=\"plain layers\""),
	           *next = strstr(from, "<details class=\"model\"");
	return table && (!next || table < next);
}

/* Of 40 models with 1,000 layers each some keep their details: those that lost most. All have their charts. */
START_TEST(layers_are_bounded)
{
	struct oqz_results *r = zoo(40, 1000);
	struct oqz_str s = { 0 };

	oqz_results_html(r, &s);
	const char *page = oqz_str_get(&s);
	ck_assert(oqz_str_ok(&s));
	size_t n = occurrences(page, "class=\"plain layers\"");
	ck_assert_uint_gt(n, 5);
	ck_assert_uint_lt(n, 30);
	for (size_t i = 0; i < 40; i++)
		ck_assert_int_eq(detailed(page, i), i >= 40 - n);
	char said[60];
	snprintf(said, sizeof said, "for the %zu models that lost most only", n);
	ck_assert_ptr_nonnull(strstr(page, said));
	ck_assert_uint_eq(occurrences(page, "{&#34;kind&#34;:&#34;profile&#34;"), 40);
	ck_assert_uint_eq(occurrences(page, "All 1000 layers stand in layers.csv."), 40 - n);
	ck_assert_uint_eq(occurrences(page, "<h4>The layers that add most error</h4>"), 40);
	ck_assert_uint_lt(occurrences(page, "<"), 450000);
	oqz_str_release(&s);
	oqz_results_free(r);
}
END_TEST

/* Pictures of 8 MB each: two models' are there, and all layers of these. */
START_TEST(pictures_are_bounded)
{
	struct oqz_results *r = zoo(7, 3);
	struct oqz_str s = { 0 };
	const size_t size = 8 << 20;
	char *picture = malloc(size);
	const struct oqz_sample_lane lane = { .name = "float", .caption = "", .value = 1 };

	ck_assert_ptr_nonnull(picture);
	memset(picture, 'A', size);
	picture[size - 1] = 0;
	for (size_t i = 0; i < 7; i++) {
		const struct oqz_sample sample = { .model = r->cells.v[i]->model,
			                           .item = "an image",
			                           .metric = "top1",
			                           .width = 8,
			                           .height = 8,
			                           .picture = picture,
			                           .n_lanes = 1,
			                           .lanes = &lane };
		ck_assert(oqz_vec_push(&r->samples, sample));
	}
	oqz_results_html(r, &s);
	ck_assert(oqz_str_ok(&s));
	ck_assert_uint_lt(s.len, 3 * size);
	ck_assert_uint_eq(occurrences(oqz_str_get(&s), "class=\"sample\""), 2);
	for (size_t i = 0; i < 7; i++)
		ck_assert_int_eq(detailed(oqz_str_get(&s), i), i >= 5);
	oqz_str_release(&s);
	oqz_results_free(r);
	free(picture);
}
END_TEST

/* Base lines of the labels, in their order; how many there are. */
static size_t label_lines(const char *page, double *ret, size_t most)
{
	size_t n = 0;

	while ((page = strstr(page, "<text class=\"label\"")) && n < most) {
		page = strstr(page, " y=\"") + 4;
		ret[n++] = strtod(page, NULL);
	}
	return n;
}

/* Four boxes in one place: each label has a place of its own; that of a small box does not hide what is in it. */
START_TEST(labels_keep_clear_of_each_other)
{
	static const double box[2][2] = { { 50, 60 }, { 200, 150 } }, small[2][2] = { { 250, 100 }, { 262, 108 } };
	struct oqz_mark marks[5];
	struct oqz_results *r = zoo(1, 1);
	struct oqz_str s = { 0 };
	double at[6];

	for (size_t i = 0; i < 5; i++)
		marks[i] = (struct oqz_mark) { OQZ_MARK_BOX, 0xff0000, 2, i < 4 ? box : small, "kite 0.84" };
	const struct oqz_sample_lane lane = { "float", "", 1, 5, marks };
	const struct oqz_sample sample = { .model = r->cells.v[0]->model,
		                           .item = "an image",
		                           .metric = "ap",
		                           .width = 300,
		                           .height = 200,
		                           .picture = "data:,",
		                           .n_lanes = 1,
		                           .lanes = &lane };
	ck_assert(oqz_vec_push(&r->samples, sample));
	oqz_results_html(r, &s);
	ck_assert_uint_eq(label_lines(oqz_str_get(&s), at, 6), 5);
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < i; k++)
			ck_assert_msg(fabs(at[i] - at[k]) >= 11, "labels at %g and %g", at[i], at[k]);
	ck_assert(at[4] < 100);
	oqz_str_release(&s);
	oqz_results_free(r);
}
END_TEST

/* A label is never wider than its picture, counted in columns rather than bytes, and keeps its score; a task's line has the
 * page's minus before numbers, but not in what was read. */
START_TEST(words_beside_pictures)
{
	static const double box[2][2] = { { 5, 5 }, { 90, 90 } };
#define TEN "\xe9\xa3\x9e\xe6\x9c\xba\xe9\xa3\x9e\xe6\x9c\xba\xe9\xa3\x9e\xe6\x9c\xba\xe9\xa3\x9e\xe6\x9c\xba\xe9\xa3\x9e\xe6\x9c\xba"
	struct oqz_mark marks[] = { { OQZ_MARK_BOX, 0xff0000, 2, box, TEN TEN TEN " 0.84" },
		                    { OQZ_MARK_BOX, 0xff0000, 2, box, TEN } };
	const struct oqz_sample_lane lane = { "float", "'a -1' -0.5 (-2e-05), on-1 class-2 - x", 1, 2, marks };
	struct oqz_results *r = zoo(1, 1);
	struct oqz_str s = { 0 };
	const struct oqz_sample sample = { .model = r->cells.v[0]->model,
		                           .item = "an image",
		                           .metric = "ap",
		                           .width = 100,
		                           .height = 100,
		                           .picture = "data:,",
		                           .n_lanes = 1,
		                           .lanes = &lane };
	ck_assert(oqz_vec_push(&r->samples, sample));
	oqz_results_html(r, &s);
	/* letters of 6: 26 columns; 20 for ten characters, which stay whole at the left margin of the box */
	const char *label = strstr(oqz_str_get(&s), "<text class=\"label\""), *text = strchr(label, '>') + 1;
	struct oqz_str one = { 0 };
	oqz_str_addn(&one, text, (size_t)(strstr(text, "</text>") - text));
	ck_assert_int_le(oqz_width(oqz_str_get(&one)), 26);
	ck_assert_int_ge(oqz_width(oqz_str_get(&one)), 24);
	ck_assert_msg(strstr(oqz_str_get(&one), "\xe2\x80\xa6") && strstr(oqz_str_get(&one), " 0.84"), "%s",
	              oqz_str_get(&one));
	label = strstr(text, "<text class=\"label\"");
	ck_assert_ptr_nonnull(strstr(label, ">" TEN "</text>"));
	ck_assert_double_eq(strtod(strstr(label, " x=\"") + 4, NULL), 8);
	ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), ">&#39;a -1&#39; \xe2\x88\x92"
	                                              "0.5 (\xe2\x88\x92" "2e\xe2\x88\x92" "05), on-1 class-2 - x<"));
	oqz_str_release(&one);
	oqz_str_release(&s);
	oqz_results_free(r);
}
END_TEST

/* Metrics by class of many classes: the first of every cell, with the primary one always. */
START_TEST(metric_rows_are_bounded)
{
	struct oqz_results *r = zoo(3, 1);
	struct oqz_str s = { 0 };

	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 2000; k++) {
			struct oqz_metric_result m = r->cells.v[i]->metrics.v[0];
			m.name = "by class";
			ck_assert(oqz_vec_push(&r->cells.v[i]->metrics, m));
		}
	oqz_results_html(r, &s);
	ck_assert_uint_eq(occurrences(oqz_str_get(&s), "<tr class=\"primary\">"), 3);
	ck_assert_uint_eq(occurrences(oqz_str_get(&s), "<tr class=\"secondary\">"), 3 * 1332);
	ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), "metrics the first 1333 are here; results.csv has all"));
	oqz_str_release(&s);
	oqz_results_free(r);
}
END_TEST

/* A broken data set: not every image is a row. */
START_TEST(failed_images_are_bounded)
{
	struct oqz_results *r = zoo(1, 1);
	struct oqz_str s = { 0 };
	const struct oqz_failed_image f = { "net_00", "a.jpg", "no such file" };

	for (size_t i = 0; i < 1234; i++)
		ck_assert(oqz_vec_push(&r->failed_images, f));
	oqz_results_html(r, &s);
	ck_assert_uint_eq(occurrences(oqz_str_get(&s), "<td>a.jpg</td>"), 500);
	ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), "And 734 more, which results.json names."));
	ck_assert_ptr_nonnull(strstr(oqz_str_get(&s), "Images (1234)"));
	oqz_str_release(&s);
	oqz_results_free(r);
}
END_TEST

/* What is of usual size is there whole: 50 models of 100 layers, with all their metrics. */
START_TEST(usual_zoos_are_whole)
{
	struct oqz_results *r = zoo(50, 100);
	struct oqz_str s = { 0 };

	oqz_results_html(r, &s);
	ck_assert_uint_eq(occurrences(oqz_str_get(&s), "class=\"plain layers\""), 50);
	ck_assert_ptr_null(strstr(oqz_str_get(&s), "that lost most only"));
	ck_assert_ptr_null(strstr(oqz_str_get(&s), "are here; results.csv"));
	oqz_str_release(&s);
	oqz_results_free(r);
}
END_TEST

OQZ_TEST_MAIN("report_size", layers_are_bounded, pictures_are_bounded, labels_keep_clear_of_each_other,
              words_beside_pictures, metric_rows_are_bounded, failed_images_are_bounded, usual_zoos_are_whole)
