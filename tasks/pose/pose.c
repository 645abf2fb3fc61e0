/* SPDX-License-Identifier: Apache-2.0
 *
 * Task pose: keypoints of persons, one item per person (top-down). Outputs -> keypoints (decode.c) -> the image ->
 * record (records.c); COCO's average precision by object keypoint similarity, and plain distances, from records.
 */
#include "pose.h"
#include "tasks/common/items.h"

#include <math.h>
#include <string.h>

static enum oqz_status task_score(void *self, const struct oqz_item *item, const struct oqz_output *outputs,
                                  size_t n_outputs, const struct oqz_geometry *g, void *record_sink,
                                  struct oqz_failure *f)
{
	const struct task *t = self;
	struct keypoints k;
	uint32_t annotation = (uint32_t)item->tag;

	if (t->n_items ? annotation >= t->data.n_annotations : annotation != NO_PERSON)
		return t->host->fail(f, OQZ_E_DATA, "'%s' is not a person of this data set", item->id);
	TRY(pose_decode(t, outputs, n_outputs, g, &k, f));
	for (int i = 0; i < COCO_KEYPOINTS; i++) {
		k.v[i][0] = (float)((k.v[i][0] - g->offset_x) / g->scale_x);
		k.v[i][1] = (float)((k.v[i][1] - g->offset_y) / g->scale_y);
		if (!isfinite(k.v[i][0]) || !isfinite(k.v[i][1]) || !isfinite(k.v[i][2]))
			return t->host->fail(f, OQZ_E_DATA, "'%s': keypoint %d is not finite", item->id, i);
	}
	const struct frame frame = {
		.area = (float)(g->net_width / g->scale_x * (g->net_height / g->scale_y)),
		.scale = { (float)g->scale_x, (float)g->scale_y },
		.box = { item->has_box ? (float)(item->box[2] - item->box[0]) : (float)g->image_width,
		         item->has_box ? (float)(item->box[3] - item->box[1]) : (float)g->image_height }
	};
	return record_add(t, annotation, &k, &frame, record_sink, f);
}

/* -------------------------------------------------------------------------------------------------- life */

/* In the order of enum pose_head. */
static const char *const head_names[] = { "heatmap", "simcc", "regression", "heatmap-offset", "movenet", NULL };

static void task_release(void *self)
{
	struct task *t = self;

	coco_data_release(&t->data);
	t->host->free_mem(t->items);
	t->host->free_mem(t->is_item);
}

static enum oqz_status task_configure(void *self, const struct oqz_params *params, struct oqz_failure *f)
{
	struct task *t = self;
	const struct oqz_host *h = t->host;
	const char *head = h->param_string(params, "head");

	while (strcmp(head_names[t->head], head) != 0)
		t->head++;
	t->n_output_names = h->param_strings(params, "outputs", &t->output_names);
	t->shift = h->param_bool(params, "shift");
	t->reject = h->param_bool(params, "reject");
	t->split = h->param_float(params, "split");
	t->keypoint_threshold = h->param_float(params, "keypoint_score");
	t->oks_nms = h->param_float(params, "oks_nms");
	return OQZ_OK;
}

const struct common_life common_life = {
	.size = sizeof(struct task),
	.configure = task_configure,
	.open_dataset = pose_open_dataset,
	.judge = pose_judge,
	.release = task_release,
};

/* -------------------------------------------------------------------------------------------------- declaration */

static const char *const readers[] = { "coco", "images", NULL };

static const struct oqz_param params[] = {
	{ "head", OQZ_P_STRING, "heatmap", 0, 0, head_names, NULL,
	  "what the model gives: (1, 17, H, W); two of (1, 17, bins); 17 pairs from 0 to 1; MoveNet's four maps; "
	  "MoveNet's "
	  "17 rows of y, x, score" },
	{ "outputs", OQZ_P_STRINGS, "", 0, 0, NULL, NULL, "which outputs to use; empty: all" },
	{ "shift", OQZ_P_BOOL, "true", 0, 0, NULL, NULL,
	  "head heatmap: move a quarter cell towards the larger neighbour" },
	{ "reject", OQZ_P_BOOL, "true", 0, 0, NULL, NULL,
	  "a keypoint whose maximum is not above 0 has no place (-1, -1)" },
	{ "split", OQZ_P_FLOAT, "2", 0.01, 100, NULL, NULL, "head simcc: bins per pixel" },
	{ "keypoint_score", OQZ_P_FLOAT, "-1", -1e9, 1e9, NULL, NULL,
	  "a person's score is the mean of its keypoint scores above this (mmpose: 0.2)" },
	{ "oks_nms", OQZ_P_FLOAT, "0", 0, 1, NULL, NULL,
	  "drop persons more similar than this to better ones (mmpose: 0.9); 0: keep all" },
	{ 0 },
};

static const struct oqz_param dataset_params[] = {
	{ "reader", OQZ_P_STRING, "coco", 0, 0, readers, NULL,
	  "persons of a COCO keypoint file, or images of one person each, without annotations" },
	{ "root", OQZ_P_PATH, NULL, 0, 0, NULL, NULL, "folder of the images" },
	{ "annotations", OQZ_P_PATH, "", 0, 0, NULL, NULL,
	  "reader coco: the annotation file (person_keypoints_val2017.json)" },
	COMMON_SUBSET_PARAMS_OF("persons"),
	{ 0 },
};

#define FIGURE(name, test, help)                              \
	{                                                     \
		name, OQZ_UNIT_RATIO, test, true, -1, 1, help \
	}
#define CONFIDENCE                                                             \
	{                                                                      \
		"confidence", OQZ_UNIT_SCALAR, OQZ_TEST_NONE, true, 0, 0,      \
		    "mean of all keypoint scores, as far as the head has them" \
	}
#define MOVEMENT                                                                                            \
	{ "displacement",                                                                                   \
	  OQZ_UNIT_PIXELS,                                                                                  \
	  OQZ_TEST_BOOTSTRAP,                                                                               \
	  false,                                                                                            \
	  0,                                                                                                \
	  1e18,                                                                                             \
	  "mean distance of keypoints from the float model's, in pixels of the network's input" },          \
	    { "pck05_float",                                                                                \
	      OQZ_UNIT_RATIO,                                                                               \
	      OQZ_TEST_NONE,                                                                                \
	      true,                                                                                         \
	      0,                                                                                            \
	      1,                                                                                            \
	      "share of keypoints nearer to the float model's than 0.05 of the box, mean over keypoints" }, \
	{                                                                                                   \
		"pck10_float", OQZ_UNIT_RATIO, OQZ_TEST_NONE, true, 0, 1, "the same with 0.1"               \
	}
static const struct oqz_metric metrics[] = {
	FIGURE("ap", OQZ_TEST_BOOTSTRAP, "average precision, mean over OKS 0.50 to 0.95; -1: no person"),
	FIGURE("ap50", OQZ_TEST_NONE, "average precision at OKS 0.50"),
	FIGURE("ap75", OQZ_TEST_NONE, "average precision at OKS 0.75"),
	FIGURE("ap_medium", OQZ_TEST_NONE, "ap of persons from 32 x 32 to 96 x 96 pixels; -1: there are none"),
	FIGURE("ap_large", OQZ_TEST_NONE, "ap of persons from 96 x 96 pixels"),
	FIGURE("ar", OQZ_TEST_NONE, "recall with twenty persons per image, mean over OKS 0.50 to 0.95"),
	FIGURE("ar50", OQZ_TEST_NONE, "recall at OKS 0.50"),
	FIGURE("ar75", OQZ_TEST_NONE, "recall at OKS 0.75"),
	FIGURE("ar_medium", OQZ_TEST_NONE, "ar of medium persons"),
	FIGURE("ar_large", OQZ_TEST_NONE, "ar of large persons"),
	{ "oks", OQZ_UNIT_RATIO, OQZ_TEST_BOOTSTRAP, true, 0, 1,
	  "mean similarity of a person with its own annotation" },
	{ "pck05", OQZ_UNIT_RATIO, OQZ_TEST_NONE, true, 0, 1,
	  "share of keypoints nearer than 0.05 of the box, mean over keypoints" },
	{ "pck10", OQZ_UNIT_RATIO, OQZ_TEST_NONE, true, 0, 1, "the same with 0.1" },
	{ "epe", OQZ_UNIT_PIXELS, OQZ_TEST_NONE, false, 0, 1e18, "mean distance of a keypoint, in the image" },
	MOVEMENT,
	CONFIDENCE,
	{ 0 },
};
static const struct oqz_metric bare_metrics[] = { MOVEMENT, CONFIDENCE, { 0 } };

static const struct oqz_metric *task_metrics(void *self)
{
	const struct task *t = self;

	return t->n_items ? metrics : bare_metrics;
}

static const struct oqz_task pose = {
	.base = { OQZ_PLUGIN_HEAD(OQZ_KIND_TASK, struct oqz_task), .name = "pose", .version = "1.1",
	          .licence = "Apache-2.0", .summary = "keypoints of persons: OKS average precision, PCK, distances",
	          .params = params },
	.metrics = metrics,
	.dataset_params = dataset_params,
	.open = common_open,
	.close = common_close,
	.items = pose_items,
	.score = task_score,
	.finish = pose_finish,
	.explain = pose_explain,
	.draw = pose_draw,
	.marks = "blue: the person's left side; orange: the right",
	.instance_metrics = task_metrics,
	.judge = common_judge,
	.finish_beside = pose_finish_beside,
	.resample_open = pose_resample_open,
	.resample = pose_resample,
	.resample_close = pose_resample_close,
};

OQZ_PLUGIN_EXPORT(pose)
