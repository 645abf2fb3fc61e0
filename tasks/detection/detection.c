/* SPDX-License-Identifier: Apache-2.0
 *
 * Task detection: COCO's average precision of boxes. Outputs -> candidates (heads.c) -> suppression (nms.c) -> boxes in
 * the image -> matched with the image's annotations -> record (records.c); figures from records alone.
 */
#include "detection.h"
#include "tasks/common/items.h"

#include <inttypes.h>
#include <string.h>

static enum oqz_status task_score(void *self, const struct oqz_item *item, const struct oqz_output *outputs,
                                  size_t n_outputs, const struct oqz_geometry *geometry, void *record_sink,
                                  struct oqz_failure *f)
{
	const struct task *t = self;
	const struct oqz_host *h = t->host;
	struct candidates c = { 0 };
	uint32_t image = (uint32_t)item->tag;

	if (image >= t->data.n_images)
		return h->fail(f, OQZ_E_DATA, "'%s' has no annotations: the reader 'images' is for calibration",
		               item->id);
	struct detection *d = h->alloc((t->max_detections + 1) * sizeof *d);
	enum oqz_status st =
	    d ? head_decode(t, outputs, n_outputs, geometry, &c, f) : h->fail(f, OQZ_E_NOMEM, "out of memory");
	if (st == OQZ_OK) {
		size_t n = nms(t, &c, d);
		st = record_add(t, image, d, to_image(t, geometry, d, n), record_sink, f);
	}
	candidates_release(t, &c);
	h->free_mem(d);
	return st;
}

/* -------------------------------------------------------------------------------------------------- life */

static void task_release(void *self)
{
	struct task *t = self;

	coco_data_release(&t->data);
	t->host->free_mem(t->categories);
}

/* Class k of the model is the category with the k-th smallest id, unless class_ids says otherwise. */
static enum oqz_status map_classes(struct task *t, const struct oqz_params *params, struct oqz_failure *f)
{
	const struct oqz_host *h = t->host;
	size_t n = h->param_ints(params, "class_ids", &t->class_ids);

	t->n_classes = n ? n : t->data.n_categories;
	t->categories = h->alloc((t->n_classes + 1) * sizeof *t->categories);
	if (!t->categories)
		return h->fail(f, OQZ_E_NOMEM, "out of memory");
	for (size_t k = 0; k < t->n_classes; k++) {
		t->categories[k] = n ? NO_CATEGORY : (uint32_t)k;
		for (size_t i = 0; n && i < t->data.n_categories; i++)
			if (t->data.categories[i].id == t->class_ids[k])
				t->categories[k] = (uint32_t)i;
		if (n && t->data.n_categories && t->categories[k] == NO_CATEGORY && t->class_ids[k] >= 0)
			return h->fail(f, OQZ_E_USAGE, "class_ids: the annotations have no category %" PRId64,
			               t->class_ids[k]);
	}
	return OQZ_OK;
}

static enum oqz_status task_configure(void *self, const struct oqz_params *p, struct oqz_failure *f)
{
	struct task *t = self;
	const struct oqz_host *h = t->host;
	const char *kind = h->param_string(p, "nms");

	t->n_output_names = h->param_strings(p, "outputs", &t->output_names);
	if (!t->n_output_names)
		t->output_names = NULL;
	t->score_threshold = (float)h->param_float(p, "score");
	t->inclusive = h->param_bool(p, "score_inclusive");
	t->multi_label = h->param_bool(p, "multi_label");
	t->iou = (float)h->param_float(p, "iou");
	t->clip = h->param_bool(p, "clip");
	t->compat = h->param_bool(p, "pycocotools_ids");
	t->max_candidates = (size_t)h->param_int(p, "max_candidates");
	t->max_detections = (size_t)h->param_int(p, "max_detections");
	t->nms = strcmp(kind, "class") == 0 ? NMS_CLASS : strcmp(kind, "all") == 0 ? NMS_ALL : NMS_NONE;
	if (strcmp(h->param_string(p, "head"), "final") == 0)
		t->nms = NMS_NONE;
	t->data_flags = strcmp(h->param_string(t->dataset, "area"), "box") == 0 ? COCO_AREA_FROM_BOX : 0;
	return OQZ_OK;
}

/* The head belongs to a model's outputs: judge() has boxes and none. */
static enum oqz_status open_dataset(void *self, const struct oqz_params *params, struct oqz_failure *f)
{
	struct task *t = self;

	TRY(head_setup(t, params, f));
	TRY(coco_data_open(&t->data, t->host, t->dataset, t->data_flags, f));
	return map_classes(t, params, f);
}

const struct common_life common_life = {
	.size = sizeof(struct task),
	.configure = task_configure,
	.open_dataset = open_dataset,
	.judge = detection_judge,
	.release = task_release,
};

/* -------------------------------------------------------------------------------------------------- declaration */

static const char *const nms_kinds[] = { "class", "all", "none", NULL };
static const char *const readers[] = { "coco", "images", NULL };
static const char *const areas[] = { "file", "box", NULL };

static const struct oqz_param params[] = {
	{ "head", OQZ_P_STRING, "decoded", 0, 0, head_names, NULL, "what the model's outputs are; see below" },
	{ "outputs", OQZ_P_STRINGS, "", 0, 0, NULL, NULL,
	  "which outputs to use; empty: all (head final: those that are called boxes, scores, labels)" },
	{ "strides", OQZ_P_INTS, "", 1, 1024, NULL, "pixels", "of the levels, finest first; empty: the head's" },
	{ "anchors", OQZ_P_FLOATS, "", 0.01, 100000, NULL, "pixels",
	  "heads yolov5 and yolov7: width and height of every anchor, finest level first; empty: the family's" },
	{ "bins", OQZ_P_INT, "0", 0, MAX_BINS, NULL, NULL,
	  "heads with a distribution of distances: its values per side; 0: the head's" },
	{ "class_ids", OQZ_P_INTS, "", -1, 9e15, NULL, NULL,
	  "category id of each class of the model, -1 drops the class; empty: categories by rising id" },
	{ "score", OQZ_P_FLOAT, "0.001", 0, 1, NULL, NULL,
	  "candidates are (box, class) pairs with a score above this" },
	{ "score_inclusive", OQZ_P_BOOL, "false", 0, 0, NULL, NULL,
	  "a score equal to the threshold passes too (YOLOX)" },
	{ "multi_label", OQZ_P_BOOL, "true", 0, 0, NULL, NULL,
	  "a box may have several classes; false: its best one only" },
	{ "nms", OQZ_P_STRING, "class", 0, 0, nms_kinds, NULL,
	  "suppression within classes, over all classes, or none (always so for head final)" },
	{ "iou", OQZ_P_FLOAT, "0.65", 0, 1, NULL, NULL, "suppressed when the overlap with a better box is above this" },
	{ "max_candidates", OQZ_P_INT, "0", 0, 1e9, NULL, "boxes", "the best so many go into suppression; 0: all" },
	{ "max_detections", OQZ_P_INT, "300", 1, 100000, NULL, "boxes", "the best so many of an image are kept" },
	{ "clip", OQZ_P_BOOL, "true", 0, 0, NULL, NULL, "cut boxes at the image's edges" },
	{ "pycocotools_ids", OQZ_P_BOOL, "false", 0, 0, NULL, NULL,
	  "as pycocotools, take a match of the annotation with id 0 for none" },
	{ 0 },
};

static const struct oqz_param dataset_params[] = {
	{ "reader", OQZ_P_STRING, "coco", 0, 0, readers, NULL,
	  "a COCO annotation file, or images without annotations (calibration only)" },
	{ "root", OQZ_P_PATH, NULL, 0, 0, NULL, NULL, "folder of the images" },
	{ "annotations", OQZ_P_PATH, "", 0, 0, NULL, NULL,
	  "reader coco: the annotation file (instances_val2017.json)" },
	{ "area", OQZ_P_STRING, "file", 0, 0, areas, NULL,
	  "an object's size: 'area' of the file (of the segmentation), or that of its box" },
	COMMON_SUBSET_PARAMS,
	{ 0 },
};

#define FIGURE(name, test, help)                              \
	{                                                     \
		name, OQZ_UNIT_RATIO, test, true, -1, 1, help \
	}
static const struct oqz_metric metrics[] = {
	FIGURE("ap", OQZ_TEST_BOOTSTRAP, "average precision, mean over IoU 0.50 to 0.95; -1: no object"),
	FIGURE("ap50", OQZ_TEST_BOOTSTRAP, "average precision at IoU 0.50"),
	FIGURE("ap75", OQZ_TEST_BOOTSTRAP, "average precision at IoU 0.75"),
	FIGURE("ap_small", OQZ_TEST_NONE, "ap of objects up to 32 x 32 pixels; -1: there are none"),
	FIGURE("ap_medium", OQZ_TEST_NONE, "ap of objects from 32 x 32 to 96 x 96 pixels"),
	FIGURE("ap_large", OQZ_TEST_NONE, "ap of objects from 96 x 96 pixels"),
	FIGURE("ar_1", OQZ_TEST_NONE, "recall with one detection per image and class, mean over IoU 0.50 to 0.95"),
	FIGURE("ar_10", OQZ_TEST_NONE, "recall with ten"),
	FIGURE("ar_100", OQZ_TEST_NONE, "recall with a hundred"),
	FIGURE("ar_small", OQZ_TEST_NONE, "ar_100 of small objects"),
	FIGURE("ar_medium", OQZ_TEST_NONE, "ar_100 of medium objects"),
	FIGURE("ar_large", OQZ_TEST_NONE, "ar_100 of large objects"),
	{ "boxes", OQZ_UNIT_COUNT, OQZ_TEST_NONE, false, 0, 1e18, "detections in all images" },
	{ 0 },
};

static const struct oqz_task detection = {
	.base = { OQZ_PLUGIN_HEAD(OQZ_KIND_TASK, struct oqz_task), .name = "detection", .version = "1.0",
	          .licence = "Apache-2.0", .summary = "COCO average precision of detected boxes", .params = params },
	.metrics = metrics,
	.dataset_params = dataset_params,
	.open = common_open,
	.close = common_close,
	.items = detection_items,
	.score = task_score,
	.finish = detection_finish,
	.explain = detection_explain,
	.judge = common_judge,
	.marks = "green: annotated; blue: found, right at IoU 0.5; red: found, wrong",
	.draw = detection_draw,
	.resample_open = detection_resample_open,
	.resample = detection_resample,
	.resample_close = detection_resample_close,
};

OQZ_PLUGIN_EXPORT(detection)
