/* SPDX-License-Identifier: Apache-2.0
 *
 * Task detection, from boxes to figures: pycocotools' arrays, figures and match ids, also for the boxes of real models;
 * small sets with known answers, repeated records, damaged annotation files.
 */
#include "core/base/rng.h"
#include "core/tensor/npy.h"
#include "tasks/detection/detection.h"
#include "tests/unit/task_inside.h"

/* -------------------------------------------------------------------------------------------------- COCOeval */

struct result {
	int64_t image, category, id;
	double score, box[4];
};

static int best_first(const void *a, const void *b)
{
	const struct result *x = a, *y = b;

	if (x->image != y->image)
		return x->image < y->image ? -1 : 1;
	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static struct result *load_results(const char *path, size_t *n)
{
	json_t *j = json_load_file(path, 0, NULL);
	ck_assert(json_is_array(j));
	struct result *r = calloc(json_array_size(j) + 1, sizeof *r);

	*n = json_array_size(j);
	for (size_t i = 0; i < *n; i++) {
		const json_t *o = json_array_get(j, i);
		r[i] = (struct result) { json_integer_value(json_object_get(o, "image_id")),
			                 json_integer_value(json_object_get(o, "category_id")),
			                 (int64_t)i + 1,
			                 json_number_value(json_object_get(o, "score")),
			                 { 0 } };
		for (size_t k = 0; k < 4; k++)
			r[i].box[k] = num(json_object_get(o, "bbox"), k);
	}
	json_decref(j);
	qsort(r, *n, sizeof *r, best_first);
	return r;
}

/* All detections of a results file, matched: classes with sorted entries. */
struct evaluated {
	struct coco_class *classes;
	struct coco_entry *entries;
	double *work;
	size_t n_classes;
};

static uint32_t category_at(const struct task *t, int64_t id)
{
	for (size_t k = 0; k < t->data.n_categories; k++)
		if (t->data.categories[k].id == id)
			return (uint32_t)k;
	return NO_CATEGORY;
}

typedef void seen_fn(const struct task *t, size_t image, const struct result *r, const struct detection *d, size_t n,
                     const int32_t *matches, const struct coco_hits *hits, void *ctx);

static void add_image(struct bench *b, size_t image, const struct result *r, size_t n, struct evaluated *e,
                      seen_fn *seen, void *ctx)
{
	struct task *t = b->self;
	struct detection *d = calloc(n + 1, sizeof *d);
	double(*boxes)[4] = calloc(n + 1, sizeof *boxes);
	struct coco_hits *hits = calloc(n + 1, sizeof *hits);
	int32_t *matches = calloc(n * COCO_THRESHOLDS + 1, sizeof *matches);
	uint32_t rank[100] = { 0 };

	for (size_t i = 0; i < n; i++) {
		d[i].class = category_at(t, r[i].category);
		memcpy(boxes[i], r[i].box, sizeof *boxes);
	}
	ck_ok(match_image(t, image, d, (const double(*)[4])boxes, n, hits, matches, &(struct oqz_failure) { err }));
	if (seen)
		seen(t, image, r, d, n, matches, hits, ctx);
	for (size_t i = 0; i < n; i++) {
		struct coco_class *c = &e->classes[d[i].class];
		if (rank[d[i].class] < 100)
			c->entries[c->n++] =
			    (struct coco_entry) { .score = r[i].score, .rank = rank[d[i].class]++, .hits = hits[i] };
	}
	for (size_t k = 0; k < t->data.images[image].n; k++) {
		const struct coco_annotation *a = &t->data.annotations[t->data.images[image].first + k];
		const struct coco_truth gt = { a->area, a->crowd, a->crowd, false };
		for (int area = 0; area < 4; area++)
			e->classes[a->category].truths[area] += coco_count(&coco_box_areas[area], &gt, 1);
	}
	free(d);
	free(boxes);
	free(hits);
	free(matches);
}

static struct evaluated evaluate(struct bench *b, const char *results, seen_fn *seen, void *ctx)
{
	struct task *t = b->self;
	size_t n, at = 0;
	struct result *r = load_results(results, &n);
	struct evaluated e = { .n_classes = t->data.n_categories };

	e.classes = calloc(e.n_classes + 1, sizeof *e.classes);
	e.entries = calloc(e.n_classes * n + 1, sizeof *e.entries);
	e.work = calloc(coco_work(n), sizeof *e.work);
	for (size_t k = 0; k < e.n_classes; k++)
		e.classes[k].entries = e.entries + k * n;
	for (size_t i = 0; i < t->data.n_images; i++) {
		size_t end = at;
		while (end < n && r[end].image == t->data.images[i].id)
			end++;
		add_image(b, i, r + at, end - at, &e, seen, ctx);
		at = end;
	}
	ck_assert_uint_eq(at, n);
	for (size_t k = 0; k < e.n_classes; k++)
		ck_assert(coco_sort(e.classes[k].entries, e.classes[k].n));
	free(r);
	return e;
}

static void evaluated_free(struct evaluated *e)
{
	free(e->classes);
	free(e->entries);
	free(e->work);
}
static void ck_figures(const char *name, struct evaluated *e, const json_t *stats)
{
	double figures[N_FIGURES];

	summarize(e->classes, e->n_classes, e->work, figures);
	for (size_t i = 0; i < N_FIGURES; i++)
		ck_close(name, figures[i], num(stats, i), 1e-12);
}

/* (T, K, A, M) arrays of AP and recall. */
static void ck_arrays(struct evaluated *e, const char *name)
{
	static const uint32_t limits[] = { 1, 10, 100 };
	struct oqz_tensor ap = { 0 }, recall = { 0 };
	struct coco_curve c;

	ck_ok(oqz_npy_read(shared_path("golden/metrics/detection/%s_ap_TKAM.npy", name), &ap, err));
	ck_ok(oqz_npy_read(shared_path("golden/metrics/detection/%s_recall_TKAM.npy", name), &recall, err));
	for (size_t k = 0; k < e->n_classes; k++)
		for (size_t a = 0; a < 4; a++)
			for (size_t m = 0; m < 3; m++) {
				const struct coco_class *g = &e->classes[k];
				if (g->truths[a])
					coco_curve(g->entries, g->n, a, limits[m], g->truths[a], e->work, &c);
				for (size_t t = 0; t < COCO_THRESHOLDS; t++) {
					size_t at = ((t * e->n_classes + k) * 4 + a) * 3 + m;
					struct coco_mean mean = { 0, 0 };
					coco_add_precision(&c, (int)t, (int)t, &mean);
					ck_close("ap", g->truths[a] ? coco_mean(mean) : -1, ((double *)ap.data)[at],
					         1e-12);
					ck_close("recall", g->truths[a] ? c.recall[t] : -1, ((double *)recall.data)[at],
					         1e-12);
				}
			}
	oqz_tensor_release(&ap);
	oqz_tensor_release(&recall);
}

static const json_t *find_matches(const json_t *list, int64_t image, int64_t category)
{
	const json_t *o;
	size_t i;

	json_array_foreach(list, i, o) if (json_integer_value(json_object_get(o, "image_id")) == image &&
	                                   json_integer_value(json_object_get(o, "category_id")) == category) return o;
	return NULL;
}

/* Ids matched by the detections of each class of the image, at thresholds 0, 5 and 9. */
static void ck_matches(const struct task *t, size_t image, const struct result *r, const struct detection *d, size_t n,
                       const int32_t *matches, const struct coco_hits *hits, void *ctx)
{
	static const char *const at[] = { "0", "5", "9" };
	size_t *checked = ((void **)ctx)[1], nth[100] = { 0 };

	for (size_t i = 0; i < n; i++) {
		const json_t *o = find_matches(((void **)ctx)[0], t->data.images[image].id, r[i].category);
		size_t place = nth[d[i].class]++;
		if (!o || place >= 100)
			continue;
		ck_assert_int_eq(json_integer_value(json_array_get(json_object_get(o, "dtIds"), place)), r[i].id);
		for (size_t k = 0; k < 3; k++) {
			size_t th = (size_t)atoi(at[k]);
			int32_t m = matches[th * n + i];
			int64_t id = m < 0 ? 0 : t->data.annotations[t->data.images[image].first + (size_t)m].id;
			const json_t *want = json_object_get(json_object_get(o, "dtMatches"), at[k]);
			ck_assert_int_eq(id, (int64_t)num(want, place));
			want = json_object_get(json_object_get(o, "dtIgnore"), at[k]);
			ck_assert_int_eq(hits[i].ignored[0] >> th & 1, (int)num(want, place));
			(*checked)++;
		}
	}
}

START_TEST(pycocotools_figures_and_matches)
{
	static const char *const names[] = { "real", "perfect" };
	char params[1000];
	struct bench b;

	if (!shared_path("golden/metrics/detection/real_gt.json"))
		return;
	snprintf(params, sizeof params, "root=/,annotations=%s", shared_path("golden/metrics/detection/real_gt.json"));
	ck_ok(bench_open(&b, "", params, err));
	json_t *matches = load("detection/real_matches.json");
	for (size_t i = 0; i < OQZ_COUNTOF(names); i++) {
		char file[100];
		size_t checked = 0;
		void *ctx[] = { matches, &checked };
		snprintf(file, sizeof file, "detection/%s_expected.json", names[i]);
		json_t *want = load(file);
		struct evaluated e = evaluate(&b, shared_path("golden/metrics/detection/%s_dt.json", names[i]),
		                              i == 0 ? ck_matches : NULL, ctx);
		ck_figures(names[i], &e, json_object_get(want, "stats"));
		ck_arrays(&e, names[i]);
		ck_assert(i || checked > 500);
		evaluated_free(&e);
		json_decref(want);
	}
	json_decref(matches);
	bench_close(&b);
}
END_TEST

/* Boxes that real models gave, and the figures of pycocotools for them. */
START_TEST(figures_of_real_models)
{
	static const char *const models[] = { "yolox_nano_kazuhito", "picodet_s_320", "yolov5n_320" };
	static const char *const keys[] = { "AP",   "AP50",  "AP75",   "AP_small", "AP_medium", "AP_large",
		                            "AR_1", "AR_10", "AR_100", "AR_small", "AR_medium", "AR_large" };
	const char *truth = shared_path("zoo/data/coco/instances.json");
	char params[1000];
	struct bench b;

	if (!truth)
		return;
	snprintf(params, sizeof params, "root=/,annotations=%s", truth);
	ck_ok(bench_open(&b, "", params, err));
	for (size_t i = 0; i < OQZ_COUNTOF(models); i++) {
		double figures[N_FIGURES];
		json_t *want = json_load_file(shared_path("zoo/expected/%s.json", models[i]), 0, NULL);
		ck_assert(want != NULL);
		struct evaluated e =
		    evaluate(&b, shared_path("zoo/expected/%s.detections.json", models[i]), NULL, NULL);
		summarize(e.classes, e.n_classes, e.work, figures);
		for (size_t k = 0; k < N_FIGURES; k++)
			ck_close(models[i], figures[k],
			         json_number_value(json_object_get(json_object_get(want, "score"), keys[k])), 1e-12);
		evaluated_free(&e);
		json_decref(want);
	}
	bench_close(&b);
}
END_TEST

START_TEST(overlaps_are_pycocotools)
{
	if (!shared_path("golden/metrics/detection/iou.json"))
		return;
	json_t *j = load("detection/iou.json");
	const json_t *dt = json_object_get(j, "dt"), *gt = json_object_get(j, "gt"),
	             *crowd = json_object_get(j, "iscrowd");
	const json_t *want = json_object_get(j, "iou_dxg");
	double worst = 0;

	ck_assert(json_array_size(dt) > 5 && json_array_size(want) == json_array_size(dt));
	for (size_t d = 0; d < json_array_size(dt); d++)
		for (size_t g = 0; g < json_array_size(gt); g++) {
			double a[4], b[4];
			for (size_t k = 0; k < 4; k++) {
				a[k] = num(json_array_get(dt, d), k);
				b[k] = num(json_array_get(gt, g), k);
			}
			worst =
			    fmax(worst, fabs(coco_box_iou(a, b, num(crowd, g) != 0) - num(json_array_get(want, d), g)));
		}
	ck_assert_msg(worst < 1e-12, "%g", worst);
	json_decref(j);
}
END_TEST

START_TEST(thresholds_are_linspace)
{
	static const double want[] = {
		0x1p-1,   0x1.199999999999ap-1, 0x1.3333333333333p-1, 0x1.4cccccccccccdp-1, 0x1.6666666666666p-1,
		0x1.8p-1, 0x1.999999999999ap-1, 0x1.b333333333333p-1, 0x1.cccccccccccccp-1, 0x1.e666666666666p-1
	};

	for (int i = 0; i < COCO_THRESHOLDS; i++)
		ck_assert(coco_threshold(i) == want[i]);
}
END_TEST
/* -------------------------------------------------------------------------------------------------- records */

#define TRUTHS                                                                                                         \
	"\"annotations\": [{\"id\": 1, \"image_id\": 7, \"category_id\": 3, \"bbox\": [10, 10, 40, 40], \"area\": "    \
	"1600, "                                                                                                       \
	"\"iscrowd\": 0}, {\"id\": 2, \"image_id\": 7, \"category_id\": 9, \"bbox\": [60, 5, 10, 10], \"area\": 100, " \
	"\"iscrowd\": 0}]}"

static struct oqz_str score_boxes(struct bench *b, const float rows[][9], size_t n)
{
	const struct oqz_output o = { "y", { OQZ_DT_F32, { 3, { 1, (int64_t)n, 9 } }, rows } };
	const struct oqz_geometry g = { 100, 80, 100, 80, 1, 1, 0, 0 };
	const struct oqz_item item = { .id = "x.jpg", .image = "x.jpg", .tag = 0 };
	struct oqz_str record = { 0 };

	ck_ok(b->plugin->score(b->self, &item, &o, 1, &g, &record, &(struct oqz_failure) { err }));
	return record;
}

/* Class 1 is category 3, class 3 category 9. A right box, one that is a bit off, a false one and a miss. */
START_TEST(figures_of_a_small_set)
{
	static const float rows[][9] = { { 30, 30, 40, 40, 1, 0, .9f, 0, 0 },
		                         { 66, 10, 10, 10, 1, 0, 0, 0, .6f },
		                         { 20, 70, 5, 5, 1, .5f, 0, 0, 0 } };
	struct bench b;
	char text[200];

	ck_ok(bench_open(&b, "", annotations(ONE_IMAGE TRUTHS), err));
	struct oqz_str s = score_boxes(&b, rows, 3);
	const struct oqz_record r[] = { { s.s, s.len, 0 }, { s.s, s.len, 0 }, { NULL, 0, 0 } };
	for (size_t n = 1; n <= 3; n++) {
		ck_ok(b.plugin->finish(b.self, r, n, &b, &(struct oqz_failure) { err }));
		/* Class 9 overlaps 90/110 = .818: right up to .80, 7 of 10 thresholds. */
		ck_close("ap", b.figures[0], (1 + .7) / 2, 1e-12);
		ck_close("ap50", b.figures[1], 1, 1e-12);
		ck_close("small", b.figures[3], .7, 1e-12);
		ck_close("medium", b.figures[4], 1, 1e-12);
		ck_close("large", b.figures[5], -1, 0);
		ck_close("boxes", b.figures[12], n == 1 ? 3 : 6, 0);
	}
	ck_ok(b.plugin->explain(b.self, &r[0], text, sizeof text, &(struct oqz_failure) { err }));
	ck_assert_msg(strstr(text, "3 boxes, best b 0.9; 3 from 0.3 up, 2 of them right at IoU 0.5; 2 to be found"),
	              "%s", text);
	struct oqz_str none = score_boxes(&b, rows, 0);
	const struct oqz_record empty = { none.s, none.len, 0 };
	ck_ok(b.plugin->finish(b.self, &empty, 1, &b, &(struct oqz_failure) { err }));
	ck_close("ap", b.figures[0], 0, 0);
	oqz_str_release(&s);
	oqz_str_release(&none);
	bench_close(&b);
}
END_TEST

START_TEST(id_zero_quirk_is_optional)
{
	static const float rows[][9] = { { 30, 30, 40, 40, 1, 0, .9f, 0, 0 } };
	static const char zero[] =
	    ONE_IMAGE "\"annotations\": [{\"id\": 0, \"image_id\": 7, \"category_id\": 3, \"bbox\": "
	              "[10, 10, 40, 40], \"area\": 1600, \"iscrowd\": 0}]}";

	for (int compat = 0; compat < 2; compat++) {
		struct bench b;
		ck_ok(bench_open(&b, compat ? "pycocotools_ids=true" : "", annotations(zero), err));
		struct oqz_str s = score_boxes(&b, rows, 1);
		const struct oqz_record r = { s.s, s.len, 0 };
		ck_ok(b.plugin->finish(b.self, &r, 1, &b, &(struct oqz_failure) { err }));
		ck_close("ap", b.figures[0], !compat, 1e-12);
		oqz_str_release(&s);
		bench_close(&b);
	}
}
END_TEST

/* -------------------------------------------------------------------------------------------------- files */

START_TEST(damaged_annotations_are_named)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "a.json:1:" },
		{ "[1, 2", "a.json:1:5" },
		{ "[]", "no list 'images'" },
		{ "{\"images\": 3}", "no list 'images'" },
		{ "{\"images\": [3]}", "images[0]: not an object" },
		{ "{\"images\": [{\"id\": 1.5, \"file_name\": \"a\"}]}", "images[0]: 'id' is not an integer" },
		{ "{\"images\": [{\"id\": 1}]}", "images[0]: 'file_name'" },
		{ "{\"images\": [{\"id\": 1, \"file_name\": \"\xff\"}]}", "unable to decode byte 0xff" },
		{ "{\"images\": [{\"id\": 1, \"file_name\": \"a\"}, {\"id\": 1, \"file_name\": \"b\"}]}",
		  "the id 1 is there twice" },
		{ "{\"images\": [{\"id\": 1, \"file_name\": \"a\"}], \"categories\": []}", "0 categories" },
		{ "{\"images\": [], " FOUR ", \"annotations\": []}", "no images" },
		{ ONE_IMAGE "\"annotations\": [{\"id\": 1, \"image_id\": 7, \"category_id\": 2, \"bbox\": [1, 1, 2, "
		            "2], \"area\": 1}]}",
		  "annotations[0]: there is no category 2" },
		{ ONE_IMAGE "\"annotations\": [{\"id\": 1, \"image_id\": 7, \"category_id\": 3, \"bbox\": [1, 1, 2], "
		            "\"area\": 1}]}",
		  "'bbox' is not a list of 4 numbers" },
		{ ONE_IMAGE "\"annotations\": [{\"id\": 1, \"image_id\": 7, \"category_id\": 3, \"bbox\": [1, 1, -2, "
		            "2], \"area\": 1}]}",
		  "negative side" },
		{ ONE_IMAGE
		  "\"annotations\": [{\"id\": 1, \"image_id\": 7, \"category_id\": 3, \"bbox\": [1, 1, 2, 2]}]}",
		  "no 'area'" },
		{ ONE_IMAGE "\"annotations\": [{\"id\": 1, \"image_id\": 7, \"category_id\": 3, \"bbox\": [1, 1, 2, "
		            "2], \"area\": 1}, "
		            "{\"id\": 1, \"image_id\": 7, \"category_id\": 3, \"bbox\": [1, 1, 2, 2], \"area\": 1}]}",
		  "the id 1 is there twice" },
	};

	for (size_t i = 0; i < OQZ_COUNTOF(cases); i++) {
		struct bench b;
		ck_fails(bench_open(&b, "", annotations(cases[i].text), err), OQZ_E_DATA, cases[i].why);
		bench_close(&b);
	}
}
END_TEST

static struct coco_entry drawn_entry(struct oqz_rng *r, uint32_t i)
{
	static const double scores[] = { 0, -0.0, 0.5, 0.25, -1, INFINITY, -INFINITY, NAN };
	struct coco_entry e = { .score = oqz_rng_below(r, 4) ? (double)(float)oqz_rng_below(r, 300) / 299
		                                             : scores[oqz_rng_below(r, 8)],
		                .rank = i };

	for (int a = 0; a < COCO_MAX_AREAS; a++) {
		e.hits.matched[a] = oqz_rng_below(r, 3) ? 0 : (uint16_t)oqz_rng_below(r, 1024);
		e.hits.ignored[a] = oqz_rng_below(r, 3) ? 0 : (uint16_t)oqz_rng_below(r, 1024);
	}
	return e;
}

/* Lists around the length at which another way of sorting begins. */
START_TEST(entries_are_sorted_and_equal_ones_stay_in_order)
{
	struct coco_entry e[400];
	struct oqz_rng r;

	oqz_rng_init(&r, 5);
	for (size_t n = 0; n < 400; n += n < 60 ? 1 : 37) {
		for (uint32_t i = 0; i < n; i++)
			e[i] = drawn_entry(&r, i);
		ck_assert(coco_sort(e, n));
		uint64_t all = n ? e[0].rank : 0;
		for (size_t i = 1; i < n; i++) {
			double a = e[i - 1].score, b = e[i].score;
			all += e[i].rank;
			ck_assert(a > b || isnan(b) || a == b);
			if (a == b || (isnan(a) && isnan(b)))
				ck_assert_uint_lt(e[i - 1].rank, e[i].rank);
		}
		ck_assert_uint_eq(all, n ? n * (n - 1) / 2 : 0);
	}
}
END_TEST

/* Precision and recall by their definition, threshold by threshold. */
START_TEST(curves_equal_their_definition)
{
	enum { N = 300 };
	static double work[COCO_THRESHOLDS * N + 1];
	struct coco_entry e[N];
	struct oqz_rng r;

	oqz_rng_init(&r, 6);
	for (int round = 0; round < 300; round++) {
		size_t n = oqz_rng_below(&r, N + 1), area = oqz_rng_below(&r, COCO_MAX_AREAS);
		uint32_t most = oqz_rng_below(&r, 2) ? 100 : (uint32_t)oqz_rng_below(&r, N);
		uint64_t truths = 1 + oqz_rng_below(&r, round % 2 ? 12 : 2000);
		struct coco_curve c;
		for (uint32_t i = 0; i < n; i++)
			e[i] = drawn_entry(&r, i);
		coco_curve(e, n, area, most, truths, work, &c);
		for (int t = 0; t < COCO_THRESHOLDS; t++) {
			double precision[N], recall[N];
			size_t tp = 0, fp = 0, points = 0;
			for (size_t i = 0; i < n; i++) {
				if (e[i].rank >= most || e[i].hits.ignored[area] >> t & 1)
					continue;
				(e[i].hits.matched[area] >> t & 1) ? tp++ : fp++;
				precision[points] = (double)tp / ((double)(tp + fp) + 2.220446049250313e-16);
				recall[points++] = (double)tp / (double)truths;
			}
			ck_assert(c.recall[t] == (points ? recall[points - 1] : 0));
			for (int k = 0; k < COCO_RECALLS; k++) {
				size_t at = 0;
				double best = 0;
				while (at < points && recall[at] < k * 0.01)
					at++;
				for (size_t i = at; i < points; i++)
					best = fmax(best, precision[i]);
				ck_assert_msg(c.precision[t][k] == best,
				              "round %d, threshold %d, recall %d: %.17g, not %.17g", round, t, k,
				              c.precision[t][k], best);
			}
		}
	}
}
END_TEST

START_TEST(strays_are_left_out_and_order_is_by_id)
{
	static const char text[] =
	    "{\"images\": [{\"id\": 9, \"file_name\": \"n.jpg\"}, {\"id\": -4, \"file_name\": \"m.jpg\"}], " FOUR
	    ", \"annotations\": [{\"id\": 5, \"image_id\": 8, \"category_id\": 3, \"bbox\": [1, 1, 2, 2], \"area\": 1},"
	    "{\"id\": 3, \"image_id\": 9, \"category_id\": 3, \"bbox\": [1, 1, 2, 2], \"area\": 1},"
	    "{\"id\": 2, \"image_id\": 9, \"category_id\": 1, \"bbox\": [1, 1, 2, 2], \"area\": 1}]}";
	struct bench b;

	ck_ok(bench_open(&b, "", annotations(text), err));
	const struct task *t = b.self;
	ck_assert(t->data.n_strays == 1 && t->data.n_annotations == 2);
	ck_assert(t->data.images[0].id == -4 && t->data.images[0].n == 0 && t->data.images[1].n == 2);
	ck_assert(t->data.annotations[0].id == 3 && t->data.annotations[0].category == 1);
	ck_assert(coco_image_hash(&t->data, 0) != coco_image_hash(&t->data, 1));
	ck_ok(b.plugin->items(b.self, &b, &(struct oqz_failure) { err }));
	ck_assert_uint_eq(b.n_items, 2);
	bench_close(&b);
	ck_fails(bench_open(&b, "class_ids=3:2", annotations(text), err), OQZ_E_USAGE, "no category 2");
	bench_close(&b);
	ck_fails(bench_open(&b, "head=yolov5,anchors=1:2:3", annotations(text), err), OQZ_E_USAGE, "anchors");
	bench_close(&b);
	ck_fails(bench_open(&b, "", "root=/", err), OQZ_E_USAGE, "needs the parameter 'annotations'");
	bench_close(&b);
}
END_TEST

OQZ_TEST_MAIN("detection evaluation", pycocotools_figures_and_matches, figures_of_real_models, overlaps_are_pycocotools,
              thresholds_are_linspace, figures_of_a_small_set, id_zero_quirk_is_optional, damaged_annotations_are_named,
              strays_are_left_out_and_order_is_by_id, entries_are_sorted_and_equal_ones_stay_in_order,
              curves_equal_their_definition)
