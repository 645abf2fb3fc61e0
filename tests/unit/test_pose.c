/* SPDX-License-Identifier: Apache-2.0
 *
 * Task pose, its sources built in: OKS, figures and match ids of pycocotools, decoding and suppression and distances of
 * mmpose, the figures of a real model; small sets with known answers.
 */
#include "core/tensor/npy.h"
#include "tasks/pose/pose.h"
#include "tests/unit/task_inside.h"

static const struct frame one_to_one = { .area = 1, .scale = { 1, 1 }, .box = { 1, 1 } };

static bool have(const char *relative) { return shared_path("golden/metrics/%s", relative) != NULL; }

static void coordinates(const json_t *list, double ret[COCO_KEYPOINTS][2])
{
	for (size_t k = 0; k < COCO_KEYPOINTS; k++)
		for (size_t c = 0; c < 2; c++) /* [[x, y, ...], ...] or flat x, y, score */
			ret[k][c] = json_is_array(json_array_get(list, 0)) ? num(json_array_get(list, k), c)
			                                                   : num(list, 3 * k + c);
}

/* -------------------------------------------------------------------------------------------------- evaluation */

static void ck_oks(const struct task *t, size_t image, const struct person *p, size_t n, const json_t *list)
{
	const json_t *o;
	size_t i;

	json_array_foreach(list, i, o)
	{
		if (json_integer_value(json_object_get(o, "image_id")) != t->data.images[image].id)
			continue;
		const json_t *rows = json_object_get(o, "oks");
		ck_assert_uint_eq(json_array_size(rows), n);
		for (size_t d = 0; d < n; d++)
			for (size_t g = 0; g < t->data.images[image].n; g++)
				ck_close("oks",
				         oks(&t->data.annotations[t->data.images[image].first + g], p[d].keypoints),
				         num(json_array_get(rows, d), g), 1e-12);
	}
}

static size_t ck_matches(const struct task *t, size_t image, const struct person *p, size_t n, const int32_t *matches,
                         const struct coco_hits *hits, const json_t *list)
{
	static const char *const at[] = { "0", "5", "9" };
	const json_t *o;
	size_t i, checked = 0;

	json_array_foreach(list, i, o)
	{
		if (json_integer_value(json_object_get(o, "image_id")) != t->data.images[image].id)
			continue;
		for (size_t d = 0; d < n; d++)
			for (size_t k = 0; k < 3; k++, checked++) {
				size_t th = (size_t)atoi(at[k]);
				int32_t m = matches[th * n + d];
				int64_t id =
				    m < 0 ? 0 : t->data.annotations[t->data.images[image].first + (size_t)m].id;
				ck_assert_int_eq((int64_t)num(json_object_get(o, "dtIds"), d), p[d].annotation);
				ck_assert_int_eq(
				    id, (int64_t)num(json_object_get(json_object_get(o, "dtMatches"), at[k]), d));
				ck_assert_int_eq(hits[d].ignored[0] >> th & 1,
				                 (int)num(json_object_get(json_object_get(o, "dtIgnore"), at[k]), d));
			}
	}
	return checked;
}

/* Score of the detection at which a recall is reached; 0 where it never is. */
static double score_at(const struct coco_entry *e, size_t n, size_t area, int t, double recall, uint64_t truths)
{
	uint64_t hits = 0;

	for (size_t i = 0; i < n; i++) {
		hits += (e[i].hits.matched[area] & ~e[i].hits.ignored[area]) >> t & 1;
		if ((double)hits / (double)truths >= recall)
			return e[i].score;
	}
	return 0;
}

static void ck_arrays(const struct coco_entry *e, size_t n, const uint64_t truths[POSE_AREAS], double *work)
{
	struct oqz_tensor precision = { 0 }, recall = { 0 }, scores = { 0 };
	struct coco_curve c;

	ck_ok(oqz_npy_read(shared_path("golden/metrics/pose/kp_precision_TRKAM.npy"), &precision, err));
	ck_ok(oqz_npy_read(shared_path("golden/metrics/pose/kp_recall_TKAM.npy"), &recall, err));
	ck_ok(oqz_npy_read(shared_path("golden/metrics/pose/kp_scores_TRKAM.npy"), &scores, err));
	for (size_t a = 0; a < POSE_AREAS; a++) {
		coco_curve(e, n, a, POSE_MAX_DET, truths[a], work, &c);
		for (size_t t = 0; t < COCO_THRESHOLDS; t++) {
			ck_close("recall", c.recall[t], ((double *)recall.data)[t * POSE_AREAS + a], 1e-12);
			for (size_t r = 0; r < COCO_RECALLS; r++) {
				size_t at = (t * COCO_RECALLS + r) * POSE_AREAS + a;
				ck_close("precision", c.precision[t][r], ((double *)precision.data)[at], 1e-12);
				ck_close("score", score_at(e, n, a, (int)t, (double)r * 0.01, truths[a]),
				         ((double *)scores.data)[at], 1e-12);
			}
		}
	}
	oqz_tensor_release(&precision);
	oqz_tensor_release(&recall);
	oqz_tensor_release(&scores);
}

START_TEST(pycocotools_figures_and_matches)
{
	char params[1000];
	struct bench b;
	size_t n_entries = 0, checked = 0;
	uint64_t truths[POSE_AREAS] = { 0 };
	double figures[POSE_FIGURES];

	if (!have("pose/kp_gt.json"))
		return;
	snprintf(params, sizeof params, "root=/,annotations=%s", shared_path("golden/metrics/pose/kp_gt.json"));
	ck_ok(bench_open(&b, "", params, err));
	struct task *t = b.self;
	json_t *dt = load("pose/kp_dt.json"), *want = load("pose/kp_expected.json");
	json_t *matrices = load("pose/kp_oks_matrices.json"), *matched = load("pose/kp_matches.json");
	struct coco_entry *e = calloc(json_array_size(dt), sizeof *e);
	struct person *p = calloc(json_array_size(dt), sizeof *p);
	double *work = calloc(coco_work(json_array_size(dt)), sizeof *work);
	bool *all = calloc(t->data.n_annotations + 1, sizeof *all);
	memset(all, true, t->data.n_annotations);
	for (size_t i = 0; i < t->data.n_images; i++) {
		struct coco_hits hits[POSE_MAX_DET];
		int32_t matches[POSE_AREAS * COCO_THRESHOLDS * POSE_MAX_DET];
		size_t n = 0;
		for (size_t k = 0; k < json_array_size(dt); k++) {
			const json_t *o = json_array_get(dt, k);
			if (json_integer_value(json_object_get(o, "image_id")) != t->data.images[i].id)
				continue;
			p[n] = (struct person) { .score = json_number_value(json_object_get(o, "score")),
				                 .annotation = (uint32_t)k + 1 }; /* its id as a result */
			coordinates(json_object_get(o, "keypoints"), p[n++].keypoints);
		}
		sort_persons(p, n);
		n = n < POSE_MAX_DET ? n : POSE_MAX_DET;
		ck_oks(t, i, p, n, matrices);
		ck_ok(match_persons(t, i, all, p, NULL, n, hits, truths, matches, &(struct oqz_failure) { err }));
		checked += ck_matches(t, i, p, n, matches, hits, matched);
		for (size_t k = 0; k < n; k++)
			e[n_entries++] =
			    (struct coco_entry) { .score = p[k].score, .rank = (uint32_t)k, .hits = hits[k] };
	}
	ck_assert_uint_gt(checked, 100);
	ck_assert(coco_sort(e, n_entries));
	pose_summarize(e, n_entries, truths, work, figures);
	for (size_t i = 0; i < POSE_FIGURES; i++)
		ck_close("figure", figures[i], num(json_object_get(want, "stats"), i), 1e-12);
	ck_arrays(e, n_entries, truths, work);
	json_decref(dt);
	json_decref(want);
	json_decref(matrices);
	json_decref(matched);
	free(e);
	free(p);
	free(work);
	free(all);
	bench_close(&b);
}
END_TEST

/* What a real model found (in image coordinates) through records, to the figures of pycocotools. */
START_TEST(figures_of_a_real_model)
{
	static const char *const keys[] = { "AP", "AP50", "AP75", "AP_medium", "AP_large",
		                            "AR", "AR50", "AR75", "AR_medium", "AR_large" };
	const char *truth = shared_path("zoo/data/coco/person_keypoints.json");
	char params[1000];
	struct bench b;
	struct oqz_record records[100];
	struct oqz_str bytes[100] = { 0 };

	if (!truth)
		return;
	snprintf(params, sizeof params, "root=/,annotations=%s", truth);
	ck_ok(bench_open(&b, "", params, err));
	struct task *t = b.self;
	json_t *j = json_load_file(shared_path("zoo/expected/simplepose_nano.json"), 0, NULL);
	const json_t *results = json_object_get(j, "results");
	size_t n = t->n_items;
	ck_assert_uint_eq(n, json_array_size(results));
	for (size_t i = 0; i < n; i++) {
		struct keypoints k;
		const json_t *o = json_array_get(results, i), *list = json_object_get(o, "keypoints");
		for (size_t c = 0; c < COCO_KEYPOINTS * 3; c++)
			k.v[c / 3][c % 3] = (float)num(list, c);
		ck_ok(record_add(t, t->items[i], &k, &one_to_one, &bytes[i], &(struct oqz_failure) { err }));
		records[i] = (struct oqz_record) { bytes[i].s, bytes[i].len, 0 };
	}
	ck_ok(b.plugin->finish(b.self, records, n, &b, &(struct oqz_failure) { err }));
	for (size_t i = 0; i < POSE_FIGURES; i++)
		ck_close(keys[i], b.figures[i],
		         json_number_value(json_object_get(json_object_get(j, "score"), keys[i])), 1e-6);
	ck_close("oks", b.figures[10], json_number_value(json_object_get(j, "mean_own_oks")), 1e-6);
	for (size_t i = 0; i < n; i++)
		oqz_str_release(&bytes[i]);
	json_decref(j);
	bench_close(&b);
}
END_TEST

START_TEST(suppression_is_mmpose)
{
	struct person p[50], all[50];

	if (!have("pose/oks_nms.json"))
		return;
	json_t *j = load("pose/oks_nms.json");
	const json_t *list = json_object_get(j, "instances");
	size_t n = json_array_size(list);
	for (size_t i = 0; i < n; i++) {
		const json_t *o = json_array_get(list, i);
		all[i] = (struct person) { .score = json_number_value(json_object_get(o, "score")),
			                   .area = json_number_value(json_object_get(o, "area")),
			                   .annotation = (uint32_t)i };
		coordinates(json_object_get(o, "keypoints"), all[i].keypoints);
	}
	for (int half = 0; half < 2; half++) {
		const json_t *want = json_object_get(j, half ? "oks_nms_05" : "oks_nms_09");
		memcpy(p, all, sizeof p);
		ck_assert_uint_eq(oks_nms(p, n, half ? 0.5 : 0.9), json_array_size(want));
		for (size_t i = 0; i < json_array_size(want); i++)
			ck_assert_uint_eq(p[i].annotation, (uint32_t)num(want, i));
	}
	json_decref(j);
}
END_TEST

START_TEST(distances_are_mmpose)
{
	struct distances d = { 0 };

	if (!have("pose/pck_epe.json"))
		return;
	json_t *j = load("pose/pck_epe.json");
	const json_t *results = json_object_get(j, "results");
	for (size_t i = 0; i < json_array_size(json_object_get(j, "pred")); i++) {
		double pred[COCO_KEYPOINTS][2], gt[COCO_KEYPOINTS][2], norm[2];
		bool visible[COCO_KEYPOINTS];
		coordinates(json_array_get(json_object_get(j, "pred"), i), pred);
		coordinates(json_array_get(json_object_get(j, "gt"), i), gt);
		for (size_t k = 0; k < COCO_KEYPOINTS; k++)
			visible[k] = num(json_array_get(json_object_get(j, "mask"), i), k) != 0;
		for (size_t k = 0; k < 2; k++)
			norm[k] = num(json_array_get(json_object_get(j, "norm_factor"), i), k);
		distances_add(&d, pred, gt, visible, norm);
	}
	ck_close("pck05", distances_pck(d.near5, d.valid),
	         json_number_value(json_object_get(json_object_get(results, "pck@0.05"), "avg")), 1e-12);
	ck_close("pck10", distances_pck(d.near10, d.valid),
	         json_number_value(json_object_get(json_object_get(results, "pck@0.1"), "avg")), 1e-12);
	ck_close("epe", d.sum / (double)d.seen, json_number_value(json_object_get(results, "epe")), 1e-5);
	json_decref(j);
}
END_TEST

/* -------------------------------------------------------------------------------------------------- decoding */

static const struct oqz_geometry net = { 192, 256, 192, 256, 1, 1, 0, 0 };

static void ck_points(const char *what, const struct keypoints *k, const json_t *points, const json_t *values)
{
	for (size_t i = 0; i < COCO_KEYPOINTS; i++) {
		ck_close(what, k->v[i][0], num(json_array_get(points, i), 0), 1e-5);
		ck_close(what, k->v[i][1], num(json_array_get(points, i), 1), 1e-5);
		if (values)
			ck_close(what, k->v[i][2], num(values, i), 1e-7);
	}
}

START_TEST(heads_are_mmpose)
{
	struct bench b;
	struct oqz_tensor x = { 0 }, y = { 0 };
	struct keypoints k;

	if (!have("pose/decode.json"))
		return;
	json_t *j = load("pose/decode.json");
	const json_t *h = json_object_get(j, "heatmap"), *s = json_object_get(j, "simcc"),
	             *r = json_object_get(j, "regression");
	ck_ok(oqz_npy_read(shared_path("golden/metrics/pose/heatmaps_17x64x48.npy"), &x, err));
	struct oqz_output one = { "h", { OQZ_DT_F32, { 4, { 1, 17, 64, 48 } }, x.data } };
	ck_ok(bench_open(&b, "", "root=/,reader=images", err));
	ck_ok(pose_decode(b.self, &one, 1, &net, &k, &(struct oqz_failure) { err }));
	ck_points("heatmap", &k, json_object_get(h, "keypoints_input_space"), json_object_get(h, "vals"));
	bench_close(&b);
	oqz_tensor_release(&x);

	ck_ok(oqz_npy_read(shared_path("golden/metrics/pose/simcc_x.npy"), &x, err));
	ck_ok(oqz_npy_read(shared_path("golden/metrics/pose/simcc_y.npy"), &y, err));
	ck_ok(bench_open(&b, "head=simcc", "root=/,reader=images", err));
	for (size_t i = 0; i < 3; i++) { /* the axes are told apart by their lengths */
		const struct oqz_output two[2] = {
			{ "y", { OQZ_DT_F32, { 3, { 1, 17, 512 } }, (float *)y.data + i * 17 * 512 } },
			{ "x", { OQZ_DT_F32, { 3, { 1, 17, 384 } }, (float *)x.data + i * 17 * 384 } }
		};
		ck_ok(pose_decode(b.self, two, 2, &net, &k, &(struct oqz_failure) { err }));
		ck_points("simcc", &k, json_array_get(json_object_get(s, "keypoints_input_space"), i),
		          json_array_get(json_object_get(s, "vals"), i));
	}
	bench_close(&b);
	oqz_tensor_release(&x);
	oqz_tensor_release(&y);

	ck_ok(bench_open(&b, "head=regression", "root=/,reader=images", err));
	float pairs[COCO_KEYPOINTS * 2];
	for (size_t i = 0; i < COCO_KEYPOINTS * 2; i++)
		pairs[i] = (float)num(json_array_get(json_array_get(json_object_get(r, "pred"), 0), i / 2), i % 2);
	one = (struct oqz_output) { "r", { OQZ_DT_F32, { 3, { 1, 17, 2 } }, pairs } };
	ck_ok(pose_decode(b.self, &one, 1, &net, &k, &(struct oqz_failure) { err }));
	ck_points("regression", &k, json_array_get(json_object_get(r, "keypoints"), 0), NULL);
	bench_close(&b);
	json_decref(j);
}
END_TEST

START_TEST(quarter_shift_and_its_bounds)
{
	float map[5 * 6] = { 0 }, p[3];

	map[2 * 6 + 3] = 2;
	map[2 * 6 + 4] = 1;
	map[1 * 6 + 3] = 1;
	heatmap_peak(map, 5, 6, true, true, p);
	ck_assert(p[0] == 3.25f && p[1] == 1.75f && p[2] == 2);
	heatmap_peak(map, 5, 6, false, true, p);
	ck_assert(p[0] == 3 && p[1] == 2);
	memset(map, 0, sizeof map);
	heatmap_peak(map, 5, 6, true, true, p);
	ck_assert(p[0] == -1 && p[1] == -1 && p[2] == 0);
	heatmap_peak(map, 5, 6, true, false, p);
	ck_assert(p[0] == 0 && p[1] == 0);
}
END_TEST

/* -------------------------------------------------------------------------------------------------- whole */

/* Two persons of one image with one keypoint each (the nose, at 10 10 and at 60 40), and a crowd. */
#define NOSE(x, y)                                                                                          \
	"[" #x ", " #y ", 2, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, " \
	"0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0]"
static const char two_persons[] =
    "{\"images\": [{\"id\": 7, \"file_name\": \"x.jpg\", \"width\": 100, \"height\": 80}], \"categories\": [{\"id\": "
    "1, "
    "\"name\": \"person\"}], \"annotations\": ["
    "{\"id\": 8, \"image_id\": 7, \"category_id\": 1, \"bbox\": [50, 30, 40, 60], \"area\": 2000, \"iscrowd\": 0, "
    "\"num_keypoints\": 1, \"keypoints\": " NOSE(
        60, 40) "},"
                "{\"id\": 3, \"image_id\": 7, \"category_id\": 1, \"bbox\": [0, 0, 40, 60], \"area\": 2000, "
                "\"iscrowd\": 0, "
                "\"num_keypoints\": 1, \"keypoints\": " NOSE(
                    10, 10) "},"
                            "{\"id\": 9, \"image_id\": 7, \"category_id\": 1, \"bbox\": [0, 0, 100, 80], \"area\": "
                            "2000, \"iscrowd\": 1}]}";

START_TEST(figures_of_a_small_set)
{
	struct bench b;
	struct oqz_str bytes[2] = { 0 };
	char text[100];

	ck_ok(bench_open(&b, "", annotations(two_persons), err));
	struct task *t = b.self;
	ck_ok(b.plugin->items(b.self, &b, &(struct oqz_failure) { err }));
	ck_assert_uint_eq(b.n_items, 2);
	ck_assert(b.last_item.has_box && b.last_item.box[0] == 50 && b.last_item.box[3] == 90); /* id 8 after id 3 */
	for (int i = 0; i < 2; i++) {
		struct keypoints k = { { { 0 } } };
		k.v[0][0] = i ? 60 : 10;
		k.v[0][1] = i ? 70 : 10; /* the second is 30 pixels off: 0 of every threshold */
		k.v[0][2] = 1;
		ck_ok(record_add(t, t->items[i], &k, &one_to_one, &bytes[i], &(struct oqz_failure) { err }));
	}
	const struct oqz_record one = { bytes[0].s, bytes[0].len, 0 }, two = { bytes[1].s, bytes[1].len, 0 };
	const struct oqz_record lists[][4] = {
		{ one, two }, { one, one }, { one, two, one, two }, { one, { NULL, 0, 0 } }
	};
	static const double want[][3] = { { 2, .5, 15 }, { 2, 1, 0 }, { 4, .5, 15 }, { 2, 1, 0 } };
	for (size_t i = 0; i < OQZ_COUNTOF(lists); i++) {
		ck_ok(b.plugin->finish(b.self, lists[i], (size_t)want[i][0], &b, &(struct oqz_failure) { err }));
		ck_close("ar", b.figures[5], want[i][1], 1e-12);
		ck_close("large", b.figures[4], -1, 0);
		ck_close("epe", b.figures[13], want[i][2], 1e-9);
	}
	ck_ok(b.plugin->explain(b.self, &one, text, sizeof text, &(struct oqz_failure) { err }));
	ck_assert_str_eq(text, "score 0.059, similarity with the annotation 1.000");
	const struct oqz_record cut = { bytes[0].s, 50, 0 };
	ck_fails(b.plugin->finish(b.self, &cut, 1, &b, &(struct oqz_failure) { err }), OQZ_E_DATA, "50 bytes");
	oqz_str_release(&bytes[0]);
	oqz_str_release(&bytes[1]);
	bench_close(&b);
}
END_TEST

START_TEST(images_without_annotations_have_figures_too)
{
	static float maps[17 * 4 * 3];
	const struct oqz_output o = { "h", { OQZ_DT_F32, { 4, { 1, 17, 4, 3 } }, maps } };
	const struct oqz_item item = { .id = "x.jpg", .image = "x.jpg", .tag = NO_PERSON };
	struct bench b;
	struct oqz_str bytes = { 0 };

	maps[5] = 17;
	ck_ok(bench_open(&b, "", "root=/,reader=images", err));
	const struct oqz_metric *m = b.plugin->instance_metrics(b.self);
	ck_assert_str_eq(m[0].name, "displacement");
	ck_assert_str_eq(m[3].name, "confidence");
	ck_assert(m[4].name == NULL);
	ck_ok(b.plugin->score(b.self, &item, &o, 1, &net, &bytes, &(struct oqz_failure) { err }));
	const struct oqz_record r = { bytes.s, bytes.len, 0 };
	ck_ok(b.plugin->finish(b.self, &r, 1, &b, &(struct oqz_failure) { err }));
	ck_close("confidence", b.figures[17], 1, 1e-12);
	maps[0] = NAN;
	ck_fails(b.plugin->score(b.self, &item, &o, 2, &net, &bytes, &(struct oqz_failure) { err }), OQZ_E_MISMATCH,
	         "2 outputs, the head takes 1");
	oqz_str_release(&bytes);
	bench_close(&b);
	ck_fails(bench_open(&b, "", annotations(NO_TRUTH), err), OQZ_E_DATA, "'person'");
	bench_close(&b);
}
END_TEST

OQZ_TEST_MAIN("pose", pycocotools_figures_and_matches, figures_of_a_real_model, suppression_is_mmpose,
              distances_are_mmpose, heads_are_mmpose, quarter_shift_and_its_bounds, figures_of_a_small_set,
              images_without_annotations_have_figures_too)
