/* SPDX-License-Identifier: Apache-2.0
 *
 * Task segmentation: mean intersection over union. Outputs and the label map -> confusion matrix (predictions.c) ->
 * record; figures from records alone (records.c).
 */
#include "segmentation.h"
#include "tasks/common/items.h"

#include <stdio.h>

enum oqz_status segmentation_no_memory(const struct task *t, struct oqz_failure *f)
{
	return t->host->fail(f, OQZ_E_NOMEM, "out of memory");
}

/* -------------------------------------------------------------------------------------------------- life */

static const struct oqz_metric metrics[] = {
	{ "miou", OQZ_UNIT_RATIO, OQZ_TEST_BOOTSTRAP, true, 0, 1,
	  "intersection over union, mean over the classes that occur" },
	{ "pixel_accuracy", OQZ_UNIT_RATIO, OQZ_TEST_BOOTSTRAP, true, 0, 1, "share of labelled pixels that are right" },
	{ "mean_accuracy", OQZ_UNIT_RATIO, OQZ_TEST_NONE, true, 0, 1, "recall, mean over the classes that occur" },
	{ "nan_values", OQZ_UNIT_COUNT, OQZ_TEST_NONE, false, 0, 1e18, "logits that are not a number" },
	{ 0 },
};

enum { FIXED_METRICS = 4 };

static enum oqz_status make_metrics(struct task *t, struct oqz_failure *f)
{
	size_t n = FIXED_METRICS, classes = (size_t)t->classes;

	t->metrics = t->host->alloc((FIXED_METRICS + 2 + classes) * sizeof *t->metrics);
	t->names = t->host->alloc(classes * sizeof *t->names);
	if (!t->metrics || !t->names)
		return segmentation_no_memory(t, f);
	memcpy(t->metrics, metrics, FIXED_METRICS * sizeof *metrics);
	if (t->cityscapes)
		t->metrics[n++] = (struct oqz_metric) { "category_miou",
			                                OQZ_UNIT_RATIO,
			                                OQZ_TEST_NONE,
			                                true,
			                                -1,
			                                1,
			                                "intersection over union, mean over the seven categories" };
	for (size_t k = 0; k < classes && t->per_class; k++) {
		if (t->cityscapes)
			snprintf(t->names[k], sizeof t->names[k], "iou_%s", cityscapes_names[k]);
		else
			snprintf(t->names[k], sizeof t->names[k], "iou_%zu", k);
		t->metrics[n++] = (struct oqz_metric) { t->names[k],
			                                OQZ_UNIT_RATIO,
			                                OQZ_TEST_NONE,
			                                true,
			                                -1,
			                                1,
			                                "intersection over union of the class; -1: it does not occur" };
	}
	return OQZ_OK;
}

static const struct oqz_metric *task_instance_metrics(void *self) { return ((struct task *)self)->metrics; }

static void task_release(void *self)
{
	struct task *t = self;

	common_list_release(t->host, &t->labels);
	t->host->free_mem(t->metrics);
	t->host->free_mem(t->names);
}

static enum oqz_status task_configure(void *self, const struct oqz_params *params, struct oqz_failure *f)
{
	struct task *t = self;
	const struct oqz_host *h = t->host;

	t->output = h->param_string(params, "output");
	t->classes = (int32_t)h->param_int(params, "classes");
	t->drop_extra = h->param_bool(params, "drop_extra");
	t->align_corners = h->param_bool(params, "align_corners");
	t->per_class = h->param_bool(params, "per_class");
	TRY(segmentation_map_labels(t, f));
	return make_metrics(t, f);
}

const struct common_life common_life = {
	.size = sizeof(struct task),
	.configure = task_configure,
	.open_dataset = segmentation_check_dataset,
	.judge = segmentation_judge,
	.release = task_release,
};

/* -------------------------------------------------------------------------------------------------- declaration */

static const char *const readers[] = { "cityscapes", "cityscapes-files", "pairs", "images", NULL };
static const char *const codes[] = { "auto", "cityscapes", "train-ids", "from-zero", "from-one", NULL };

static const struct oqz_param params[] = {
	{ .name = "classes",
	  .type = OQZ_P_INT,
	  .dflt = "19",
	  .min = 1,
	  .max = MAX_CLASSES,
	  .help = "number of classes" },
	{ .name = "drop_extra",
	  .type = OQZ_P_BOOL,
	  .dflt = "false",
	  .help = "leave out channels of the logits behind the classes (a void class)" },
	{ .name = "align_corners",
	  .type = OQZ_P_BOOL,
	  .dflt = "false",
	  .help = "how smaller logits are resized: as torch's interpolate with align_corners" },
	{ .name = "per_class", .type = OQZ_P_BOOL, .dflt = "true", .help = "a figure for each class too" },
	COMMON_OUTPUT_PARAM("logits or classes"),
	{ 0 },
};

static const struct oqz_param dataset_params[] = {
	{ .name = "reader",
	  .type = OQZ_P_STRING,
	  .dflt = "cityscapes",
	  .choices = readers,
	  .help = "Cityscapes' layout, its files in any folders, two folders, or images without labels (calibration "
	          "only)" },
	{ .name = "root",
	  .type = OQZ_P_PATH,
	  .help = "folder of leftImg8bit and gtFine (reader cityscapes), else of the images" },
	{ .name = "split",
	  .type = OQZ_P_STRING,
	  .dflt = "val",
	  .help = "reader cityscapes: train, val, train/aachen, ..." },
	{ .name = "labels", .type = OQZ_P_PATH, .dflt = "", .help = "reader pairs: folder of the label maps" },
	{ .name = "list",
	  .type = OQZ_P_PATH,
	  .dflt = "",
	  .help = "reader pairs: file of names, one a line, without extension; empty: all images" },
	{ .name = "image_suffix",
	  .type = OQZ_P_STRING,
	  .dflt = "",
	  .help = "end of an image's name: without the extension, or with it where a list is read" },
	{ .name = "label_suffix",
	  .type = OQZ_P_STRING,
	  .dflt = ".png",
	  .help = "end of a label map's name, in place of the image's suffix and extension" },
	{ .name = "codes",
	  .type = OQZ_P_STRING,
	  .dflt = "auto",
	  .choices = codes,
	  .help = "what label maps hold: Cityscapes' labelIds or trainIds, classes from 0, or from 1 with 0 ignored; "
	          "auto: with 19 classes labelIds, or what their names say (_labelTrainIds), else from 0" },
	{ .name = "prediction_codes",
	  .type = OQZ_P_STRING,
	  .dflt = "auto",
	  .choices = codes,
	  .help =
	      "oqz score: what the predicted label maps hold; auto: what their names say (_labelIds, _labelTrainIds), "
	      "else what the true ones hold" },
	{ .name = "ignore",
	  .type = OQZ_P_INTS,
	  .dflt = "255",
	  .min = 0,
	  .max = 255,
	  .help = "codes of pixels that do not count" },
	COMMON_SUBSET_PARAMS,
	{ 0 },
};

static const struct oqz_task task = {
	.base = { OQZ_PLUGIN_HEAD(OQZ_KIND_TASK, struct oqz_task), .name = "segmentation", .version = "1.0",
	          .licence = "Apache-2.0", .summary = "semantic segmentation: mean intersection over union",
	          .params = params },
	.metrics = metrics,
	.dataset_params = dataset_params,
	.open = common_open,
	.close = common_close,
	.items = segmentation_items,
	.score = segmentation_score,
	.finish = segmentation_finish,
	.explain = segmentation_explain,
	.instance_metrics = task_instance_metrics,
	.judge = common_judge,
	.draw = segmentation_draw,
	.marks = "a colour for each class; black where a lane is wrong",
};

OQZ_PLUGIN_EXPORT(task)
