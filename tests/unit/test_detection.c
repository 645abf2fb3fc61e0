/* SPDX-License-Identifier: Apache-2.0
 *
 * Task detection, from outputs to boxes: heads (mmyolo's coders), suppression (torchvision, YOLOv5), boxes back in the
 * image (YOLOv5), and the layouts of one head against each other.
 */
#include "core/base/rng.h"
#include "core/tensor/npy.h"
#include "tasks/detection/detection.h"
#include "tests/unit/task_inside.h"

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

/* What a head makes of one cell whose box numbers are v, as centre and size or as corners. */
static void one_cell(const char *params, int stride, const float v[4], double ret[4], bool corners)
{
	struct bench b;
	float map[9] = { v[0], v[1], v[2], v[3], 30, 30, 30, 30, 30 }; /* objectness and classes: sure */

	ck_ok(bench_open(&b, params, annotations(NO_TRUTH), err));
	const int64_t channels = strstr(params, "rtmdet") ? 8 : 9;
	if (!strstr(params, "yolov5")) { /* classes first */
		for (int k = 0; k < 4; k++)
			map[k] = 30;
		memcpy(map + 4, v, 4 * sizeof *v);
	}
	struct oqz_output o = { "m", { OQZ_DT_F32, { 4, { 1, channels, 1, 1 } }, map } };
	struct candidates c = decode(&b, &o, 1, stride, stride);
	ck_assert_uint_eq(c.n, 1);
	const float *box = c.boxes[0];
	for (int k = 0; k < 4; k++)
		ret[k] = corners ? box[k] : k < 2 ? (box[k] + box[k + 2]) / 2 : box[k] - box[k - 2];
	candidates_release(b.self, &c);
	bench_close(&b);
}

/* mmyolo's coders at points and anchors of no grid: boxes move with their point, so the cell at the origin tells. */
START_TEST(coders_are_mmyolo)
{
	size_t compared = 0;

	if (!shared_path("golden/metrics/detection/bbox_coder.json"))
		return;
	json_t *j = load("detection/bbox_coder.json");
	for (size_t i = 0; i < json_array_size(json_object_get(j, "pred")); i++) {
		const json_t *prior = json_array_get(json_object_get(j, "priors_xyxy"), i),
		             *point = json_array_get(json_object_get(j, "points"), i),
		             *v5 = json_array_get(json_object_get(j, "yolov5_cxcywh"), i),
		             *x = json_array_get(json_object_get(j, "yolox_cxcywh"), i),
		             *rtm = json_array_get(json_object_get(j, "rtmdet_xyxy"), i);
		const double s = num(json_object_get(j, "stride"), i);
		float v[4];
		double got[4];
		char params[120];
		for (int k = 0; k < 4; k++)
			v[k] = (float)num(json_array_get(json_object_get(j, "pred"), i), (size_t)k);
		snprintf(params, sizeof params, "head=yolox,strides=%g,score=0.3,multi_label=false", s);
		one_cell(params, (int)s, v, got, false);
		for (size_t k = 0; k < 4; k++)
			ck_close("yolox", got[k] + (k < 2 ? num(point, k) : 0), num(x, k), 1e-4);
		snprintf(params, sizeof params, "head=rtmdet,strides=%g,score=0.3,multi_label=false", s);
		one_cell(params, (int)s, v, got, true);
		for (size_t k = 0; k < 4; k++)
			ck_close("rtmdet", got[k] + num(point, k % 2), num(rtm, k), 1e-4);
		snprintf(params, sizeof params, "head=yolov5,strides=%g,anchors=%.9g:%.9g,score=0.3,multi_label=false",
		         s, num(prior, 2) - num(prior, 0), num(prior, 3) - num(prior, 1));
		one_cell(params, (int)s, v, got, false);
		for (size_t k = 0; k < 4; k++) {
			double centre = k < 2 ? (num(prior, k) + num(prior, k + 2)) / 2 - s / 2 : 0;
			ck_close("yolov5", got[k] + centre, num(v5, k), 2e-4);
			compared++;
		}
	}
	ck_assert_uint_eq(compared, 24);
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

OQZ_TEST_MAIN("detection", heads_are_mmyolo, coders_are_mmyolo, layouts_of_a_head_agree,
              graphs_with_their_own_suppression, suppression_is_torchvision, suppression_is_yolov5,
              heap_takes_the_best_first, boxes_go_back_as_yolov5_scales_them)
