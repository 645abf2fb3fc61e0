/* SPDX-License-Identifier: Apache-2.0
 *
 * Task detection, its sources built in: the original's figures and match ids (pycocotools), heads (mmyolo's coders),
 * suppression (torchvision, YOLOv5, ONNX), boxes back in the image (YOLOv5), and generated cases that need no golden
 * numbers: layouts of one head, repeated records, damaged annotation files.
 */
#include "core/base/file.h"
#include "core/base/params.h"
#include "core/base/rng.h"
#include "core/base/str.h"
#include "core/tensor/npy.h"
#include "plugins/host.h"
#include "tasks/detection/detection.h"
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* -------------------------------------------------------------------------------------------------- an instance */

struct bench {
	struct oqz_plugin_host host;
	struct oqz_task_host task_host;
	const struct oqz_task *plugin;
	struct oqz_params *params, *dataset;
	void *self;
	struct oqz_err why;
	struct oqz_failure f;
	double figures[16];
	size_t n_items;
};

const struct oqz_plugin *oqz_plugin_entry(const struct oqz_host *host);

static enum oqz_status keep_item(void *sink, const struct oqz_item *item, struct oqz_failure *f)
{
	((struct bench *)sink)->n_items++;
	return OQZ_OK;
}

static enum oqz_status keep_record(void *sink, const void *data, size_t size, struct oqz_failure *f)
{
	oqz_str_addn(sink, data, size);
	return OQZ_OK;
}

static enum oqz_status keep_metric(void *sink, const char *name, double value, struct oqz_failure *f)
{
	struct bench *b = sink;

	for (size_t i = 0; b->plugin->metrics[i].name; i++)
		if (strcmp(b->plugin->metrics[i].name, name) == 0)
			b->figures[i] = value;
	return OQZ_OK;
}

static enum oqz_status bench_open(struct bench *b, const char *params, const char *dataset, struct oqz_err *err)
{
	memset(b, 0, sizeof *b);
	oqz_plugin_host_init(&b->host, NULL, NULL);
	b->task_host = (struct oqz_task_host) { .struct_size = sizeof b->task_host,
		                                .base = &b->host.table,
		                                .add_item = keep_item,
		                                .add_record = keep_record,
		                                .set_metric = keep_metric };
	b->plugin = (const struct oqz_task *)oqz_plugin_entry(NULL);
	b->f.err = err;
	OQZ_TRY(oqz_params_parse(b->plugin->base.params, params, "task", &b->params, err));
	OQZ_TRY(oqz_params_parse(b->plugin->dataset_params, dataset, "data set", &b->dataset, err));
	enum oqz_status st = b->plugin->open(&b->task_host, b->params, b->dataset, &b->self, &b->f);
	b->f.err = &b->why;
	return st;
}

static void bench_close(struct bench *b)
{
	if (b->self)
		b->plugin->close(b->self);
	oqz_params_free(b->params);
	oqz_params_free(b->dataset);
}

static const char *annotations(const char *text)
{
	static char params[1200];
	char path[600];

	snprintf(path, sizeof path, "%s/a.json", test_tmpdir("detection"));
	ck_ok(oqz_file_write(path, text, strlen(text), err));
	snprintf(params, sizeof params, "root=/,annotations=%s", path);
	return params;
}

#define FOUR                                                                                                  \
	"\"categories\": [{\"id\": 9, \"name\": \"d\"}, {\"id\": 1, \"name\": \"a\"}, {\"id\": 3, \"name\": " \
	"\"b\"}, {\"id\": 5, \"name\": \"c\"}]"
#define ONE_IMAGE "{\"images\": [{\"id\": 7, \"file_name\": \"x.jpg\", \"width\": 100, \"height\": 80}], " FOUR ", "
#define NO_TRUTH ONE_IMAGE "\"annotations\": []}"

static json_t *load(const char *relative)
{
	const char *path = shared_path("golden/metrics/%s", relative);

	if (!path)
		exit(77);
	json_error_t why;
	json_t *j = json_load_file(path, 0, &why);
	ck_assert_msg(j != NULL, "%s: %s", relative, why.text);
	return j;
}

static double num(const json_t *list, size_t i) { return json_number_value(json_array_get(list, i)); }

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
			c->entries[c->n++] = (struct coco_entry) { r[i].score, rank[d[i].class]++, 0, hits[i] };
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
	e.work = calloc(n + 1, sizeof *e.work);
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
		coco_sort(e.classes[k].entries, e.classes[k].n);
	free(r);
	return e;
}

static void evaluated_free(struct evaluated *e)
{
	free(e->classes);
	free(e->entries);
	free(e->work);
}

static void ck_close(const char *what, double got, double want, double most)
{
	ck_assert_msg(fabs(got - want) <= most, "%s: %.17g, expected %.17g", what, got, want);
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

/* -------------------------------------------------------------------------------------------------- heads */

static struct candidates decode(struct bench *b, const struct oqz_output *outputs, size_t n, int net_w, int net_h)
{
	const struct oqz_geometry g = { net_w, net_h, net_w, net_h, 1, 1, 0, 0 };
	struct candidates c = { 0 };
	struct oqz_failure f = { &b->why };

	enum oqz_status st = head_decode(b->self, outputs, n, &g, &c, &f);
	ck_assert_msg(st == OQZ_OK, "%s", b->why.msg);
	return c;
}

static void ck_family(const char *name, const json_t *want)
{
	struct bench b;
	char params[100];
	struct oqz_tensor levels[3] = { 0 };
	struct oqz_output outputs[3];
	const json_t *boxes = json_object_get(want, "boxes_xywh_topleft"), *scores = json_object_get(want, "scores");
	const json_t *labels = json_object_get(want, "labels");

	snprintf(params, sizeof params, "head=%s,score=0.3,multi_label=false", name);
	ck_ok(bench_open(&b, params, annotations(NO_TRUTH), err));
	for (size_t i = 0; i < 3; i++) {
		const char *file = json_string_value(json_array_get(json_object_get(want, "levels"), i));
		ck_ok(oqz_npy_read(shared_path("golden/metrics/%s", file), &levels[i], err));
		/* The order of levels does not matter. */
		outputs[2 - i] = (struct oqz_output) { file, { OQZ_DT_F32, levels[i].shape, levels[i].data } };
	}
	struct candidates c = decode(&b, outputs, 3, 64, 64);
	ck_assert_uint_eq(c.n, json_array_size(boxes));
	for (size_t i = 0; i < c.n; i++) {
		double nearest = INFINITY;
		const float *o = c.boxes[c.v[i].cell];
		for (size_t k = 0; k < json_array_size(boxes); k++) {
			const json_t *w = json_array_get(boxes, k);
			if (num(labels, k) != c.v[i].class || fabs(num(scores, k) - c.v[i].score) > 1e-6)
				continue;
			double d = fabs(o[0] - num(w, 0)) + fabs(o[1] - num(w, 1)) + fabs(o[2] - o[0] - num(w, 2)) +
			           fabs(o[3] - o[1] - num(w, 3));
			nearest = fmin(nearest, d);
		}
		ck_assert_msg(nearest < 2e-4, "%s: candidate %zu is off by %g", name, i, nearest);
	}
	candidates_release(b.self, &c);
	for (size_t i = 0; i < 3; i++)
		oqz_tensor_release(&levels[i]);
	bench_close(&b);
}

START_TEST(heads_are_mmyolo)
{
	const char *name;
	json_t *want;

	if (!shared_path("golden/metrics/detection/decode.json"))
		return;
	json_t *j = load("detection/decode.json");
	json_object_foreach(json_object_get(j, "cases"), name, want) ck_family(name, want);
	json_decref(j);
}
END_TEST

static void random_floats(float *x, size_t n, uint64_t seed)
{
	struct oqz_rng rng;

	oqz_rng_init(&rng, seed);
	for (size_t i = 0; i < n; i++)
		x[i] = (float)oqz_rng_normal(&rng);
}

static void ck_same(const struct candidates *a, const struct candidates *b)
{
	ck_assert_uint_eq(a->n, b->n);
	ck_assert_uint_gt(a->n, 10);
	for (size_t i = 0; i < a->n; i++) {
		ck_assert(a->v[i].score == b->v[i].score && a->v[i].class == b->v[i].class &&
		          a->v[i].cell == b->v[i].cell);
		ck_assert(memcmp(a->boxes[a->v[i].cell], b->boxes[b->v[i].cell], sizeof *a->boxes) == 0);
	}
}

/* One head's numbers as maps, as rows with parts apart, as columns, and as one joined tensor of rows. */
START_TEST(layouts_of_a_head_agree)
{
	enum { K = 4, C = K + 32, N0 = 48, N1 = 12, N2 = 4, N3 = 1, N = N0 + N1 + N2 + N3 };
	static const int64_t dims[4][2] = { { 6, 8 }, { 3, 4 }, { 2, 2 }, { 1, 1 } };
	static float map[N * C], class[N * K], box[N * 32], box_t[N * 32], joined[N * C];
	struct oqz_output maps[4], parts[8], one;
	struct bench b;
	size_t at = 0;

	random_floats(map, N * C, 5);
	ck_ok(bench_open(&b, "head=picodet,score=0.5", annotations(NO_TRUTH), err));
	for (size_t l = 0; l < 4; l++) {
		const size_t n = (size_t)(dims[l][0] * dims[l][1]);
		for (size_t i = 0; i < n; i++)
			for (size_t c = 0; c < C; c++) {
				float x = map[at * C + c * n + i];
				joined[(at + i) * C + c] = x;
				if (c < K)
					class[at * K + i * K + c] = x;
				else
					box[at * 32 + i * 32 + c - K] = box_t[at * 32 + (c - K) * n + i] = x;
			}
		maps[l] =
		    (struct oqz_output) { "m", { OQZ_DT_F32, { 4, { 1, C, dims[l][0], dims[l][1] } }, map + at * C } };
		parts[l] = (struct oqz_output) { "c", { OQZ_DT_F32, { 3, { 1, (int64_t)n, K } }, class + at * K } };
		parts[4 + l] = (struct oqz_output) { "b",
			                             { OQZ_DT_F32,
			                               { 3, { 1, l % 2 ? 32 : (int64_t)n, l % 2 ? (int64_t)n : 32 } },
			                               (l % 2 ? box_t : box) + at * 32 } };
		at += n;
	}
	one = (struct oqz_output) { "j", { OQZ_DT_F32, { 3, { 1, N, C } }, joined } };
	struct candidates x = decode(&b, maps, 4, 64, 48), y = decode(&b, parts, 8, 64, 48),
	                  z = decode(&b, &one, 1, 64, 48);
	ck_same(&x, &y);
	ck_same(&x, &z);
	candidates_release(b.self, &x);
	candidates_release(b.self, &y);
	candidates_release(b.self, &z);
	struct candidates none = { 0 };
	const struct oqz_geometry g = { 64, 64, 64, 64, 1, 1, 0, 0 };
	ck_fails(head_decode(b.self, maps, 4, &g, &none, &(struct oqz_failure) { err }), OQZ_E_MISMATCH, "stride 8");
	candidates_release(b.self, &none);
	none = (struct candidates) { 0 };
	ck_fails(head_decode(b.self, maps, 3, &g, &none, &(struct oqz_failure) { err }), OQZ_E_MISMATCH, "3 levels");
	ck_fails(head_decode(b.self, parts, 7, &g, &none, &(struct oqz_failure) { err }), OQZ_E_MISMATCH, "4, 3 and 0");
	one.view.shape.dim[2] = 35;
	ck_fails(head_decode(b.self, &one, 1, &g, &none, &(struct oqz_failure) { err }), OQZ_E_MISMATCH, "36 channels");
	bench_close(&b);
}
END_TEST

START_TEST(graphs_with_their_own_suppression)
{
	const float boxes[] = { 0, 0, 10, 10, 5, 5, 20, 20, 0, 0, 9, 9, 1, 1, 2, 2 }, scores[] = { .9f, .8f, .7f, 0 };
	const int32_t labels[] = { 2, 0, 2, -1 }, number[] = { 3 };
	struct oqz_output o[] = { { "labels", { OQZ_DT_I32, { 2, { 1, 4 } }, labels } },
		                  { "/Split_output_1", { OQZ_DT_F32, { 3, { 1, 4, 1 } }, scores } },
		                  { "boxes", { OQZ_DT_F32, { 3, { 1, 4, 4 } }, boxes } },
		                  { "num_dets", { OQZ_DT_I32, { 2, { 1, 1 } }, number } } };
	struct bench b;
	struct detection d[300];

	ck_ok(bench_open(&b, "head=final", annotations(NO_TRUTH), err));
	for (size_t n = 3; n <= 4; n++) {
		struct candidates c = decode(&b, o, n, 64, 64);
		ck_assert_uint_eq(nms(b.self, &c, d), 3); /* overlapping boxes of one class stay */
		ck_assert(d[0].class == 2 && d[1].class == 0 && d[2].class == 2 && d[2].box[2] == 9);
		candidates_release(b.self, &c);
	}
	struct candidates none = { 0 };
	const struct oqz_geometry g = { 64, 64, 64, 64, 1, 1, 0, 0 };
	ck_fails(head_decode(b.self, o, 2, &g, &none, &(struct oqz_failure) { err }), OQZ_E_MISMATCH, "'boxes'");
	bench_close(&b);
}
END_TEST

/* -------------------------------------------------------------------------------------------------- suppression */

static void fill(struct task *t, struct candidates *c, const json_t *boxes, const json_t *scores, const json_t *labels)
{
	size_t n = json_array_size(boxes);

	ck_ok(candidates_reserve(t, c, n, &(struct oqz_failure) { err }));
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < 4; k++)
			c->boxes[i][k] = (float)num(json_array_get(boxes, i), k);
		ck_ok(candidates_add(t, c, (float)num(scores, i), labels ? (uint32_t)num(labels, i) : 0, (uint32_t)i,
		                     &(struct oqz_failure) { err }));
	}
}

static void ck_kept(const char *params, const json_t *j, const json_t *want, const char *iou)
{
	struct bench b;
	char text[100];
	struct detection d[300];
	struct candidates c = { 0 };

	snprintf(text, sizeof text, "%s,iou=%s", params, iou);
	ck_ok(bench_open(&b, text, annotations(NO_TRUTH), err));
	fill(b.self, &c, json_object_get(j, "boxes"), json_object_get(j, "scores"),
	     strstr(params, "nms=class") ? json_object_get(j, "labels") : NULL);
	size_t n = nms(b.self, &c, d);
	ck_assert_uint_eq(n, json_array_size(want));
	for (size_t i = 0; i < n; i++) {
		const json_t *box = json_array_get(json_object_get(j, "boxes"), (size_t)num(want, i));
		for (size_t k = 0; k < 4; k++)
			ck_assert_msg(d[i].box[k] == (float)num(box, k), "%s: place %zu", text, i);
	}
	candidates_release(b.self, &c);
	bench_close(&b);
}

START_TEST(suppression_is_torchvision)
{
	const char *iou;
	json_t *want;

	if (!shared_path("golden/metrics/detection/nms.json"))
		return;
	json_t *j = load("detection/nms.json");
	const json_t *tv = json_object_get(j, "torchvision");
	json_object_foreach(json_object_get(tv, "nms"), iou, want) ck_kept("nms=all", tv, want, iou);
	json_object_foreach(json_object_get(tv, "batched_nms"), iou, want) ck_kept("nms=class", tv, want, iou);
	const json_t *ties = json_object_get(j, "ties");
	ck_kept("nms=all", ties, json_object_get(ties, "torchvision_nms_05"), "0.5");
	json_decref(j);
}
END_TEST

static void ck_yolov5(const json_t *want, const struct oqz_tensor *pred)
{
	static const char five[] =
	    "{\"images\": [{\"id\": 7, \"file_name\": \"x.jpg\"}], \"annotations\": [], "
	    "\"categories\": [{\"id\": 1, \"name\": \"a\"}, {\"id\": 2, \"name\": \"b\"}, {\"id\": 3, "
	    "\"name\": \"c\"}, {\"id\": 4, \"name\": \"d\"}, {\"id\": 5, \"name\": \"e\"}]}";
	char params[200];
	struct bench b;
	struct detection d[300];

	snprintf(params, sizeof params, "score=%g,iou=%g,multi_label=%s,max_detections=%d",
	         json_number_value(json_object_get(want, "conf")), json_number_value(json_object_get(want, "iou")),
	         json_is_true(json_object_get(want, "multi_label")) ? "true" : "false",
	         (int)json_number_value(json_object_get(want, "max_det")));
	ck_ok(bench_open(&b, params, annotations(five), err));
	for (size_t i = 0; i < 2; i++) {
		const json_t *rows = json_array_get(json_object_get(want, "out"), i);
		const struct oqz_output o = { "y",
			                      { OQZ_DT_F32, { 3, { 1, 200, 10 } }, (float *)pred->data + i * 2000 } };
		struct candidates c = decode(&b, &o, 1, 640, 640);
		size_t n = nms(b.self, &c, d);
		ck_assert_msg(n == json_array_size(rows), "%s: %zu boxes, expected %zu", params, n,
		              json_array_size(rows));
		for (size_t k = 0; k < n; k++) {
			const json_t *row = json_array_get(rows, k);
			ck_assert_uint_eq(d[k].class, (uint32_t)num(row, 5));
			ck_close(params, d[k].score, num(row, 4), 1e-6);
			for (size_t m = 0; m < 4; m++)
				ck_close(params, d[k].box[m], num(row, m), 1e-4);
		}
		candidates_release(b.self, &c);
	}
	bench_close(&b);
}

START_TEST(suppression_is_yolov5)
{
	struct oqz_tensor pred = { 0 };
	size_t i;
	json_t *want;

	if (!shared_path("golden/metrics/detection/nms.json"))
		return;
	json_t *j = load("detection/nms.json");
	ck_ok(oqz_npy_read(shared_path("golden/metrics/detection/nms_yolov5_pred.npy"), &pred, err));
	json_array_foreach(json_object_get(json_object_get(j, "yolov5"), "cases"), i, want) ck_yolov5(want, &pred);
	oqz_tensor_release(&pred);
	json_decref(j);
}
END_TEST

/* The heap gives what sorting everything and keeping the first would. */
START_TEST(heap_takes_the_best_first)
{
	enum { N = 500 };
	struct bench b;
	struct candidates c = { 0 };
	struct detection d[300];
	struct oqz_rng rng;

	oqz_rng_init(&rng, 11);
	ck_ok(bench_open(&b, "nms=none,max_detections=300,max_candidates=200", annotations(NO_TRUTH), err));
	ck_ok(candidates_reserve(b.self, &c, N, &(struct oqz_failure) { err }));
	for (uint32_t i = 0; i < N; i++) {
		c.boxes[i][0] = (float)i;
		ck_ok(candidates_add(b.self, &c, (float)((int)(oqz_rng_normal(&rng) * 10)), i % 3, i,
		                     &(struct oqz_failure) { err }));
	}
	size_t n = nms(b.self, &c, d);
	ck_assert_uint_eq(n, 200);
	for (size_t i = 1; i < n; i++) {
		ck_assert(d[i - 1].score >= d[i].score);
		if (d[i - 1].score == d[i].score)
			ck_assert(d[i - 1].class < d[i].class ||
			          (d[i - 1].class == d[i].class && d[i - 1].box[0] < d[i].box[0]));
	}
	candidates_release(b.self, &c);
	bench_close(&b);
}
END_TEST

START_TEST(boxes_go_back_as_yolov5_scales_them)
{
	size_t i;
	json_t *o;

	if (!shared_path("golden/metrics/detection/scale_boxes.json"))
		return;
	json_t *j = load("detection/scale_boxes.json");
	json_array_foreach(j, i, o)
	{
		const json_t *img = json_object_get(o, "img0_hw"), *net = json_object_get(o, "net_hw");
		const json_t *boxes = json_object_get(o, "boxes_xyxy"), *want = json_object_get(o, "rescaled_default");
		double r = fmin(num(net, 0) / num(img, 0), num(net, 1) / num(img, 1));
		const struct oqz_geometry g = { (int)num(img, 1),
			                        (int)num(img, 0),
			                        (int)num(net, 1),
			                        (int)num(net, 0),
			                        r,
			                        r,
			                        (num(net, 1) - num(img, 1) * r) / 2,
			                        (num(net, 0) - num(img, 0) * r) / 2 };
		struct bench b;
		ck_ok(bench_open(&b, "", annotations(NO_TRUTH), err));
		for (size_t k = 0; k < json_array_size(boxes); k++) {
			struct detection d = { .score = 1 };
			for (size_t m = 0; m < 4; m++)
				d.box[m] = (float)num(json_array_get(boxes, k), m);
			ck_assert_uint_eq(to_image(b.self, &g, &d, 1), 1);
			for (size_t m = 0; m < 4; m++) {
				double w =
				    num(json_array_get(want, k), m) - (m < 2 ? 0 : num(json_array_get(want, k), m - 2));
				ck_close("box", d.box[m], w, 2e-4);
			}
		}
		bench_close(&b);
	}
	json_decref(j);
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

OQZ_TEST_MAIN("detection", pycocotools_figures_and_matches, figures_of_real_models, overlaps_are_pycocotools,
              thresholds_are_linspace, heads_are_mmyolo, layouts_of_a_head_agree, graphs_with_their_own_suppression,
              suppression_is_torchvision, suppression_is_yolov5, heap_takes_the_best_first,
              boxes_go_back_as_yolov5_scales_them, figures_of_a_small_set, id_zero_quirk_is_optional,
              damaged_annotations_are_named, strays_are_left_out_and_order_is_by_id)
