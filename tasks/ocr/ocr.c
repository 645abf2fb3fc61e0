/* SPDX-License-Identifier: Apache-2.0
 *
 * Task OCR: text recognition by CTC, as PaddleOCR evaluates it. Outputs -> text (decode.c, text.c) -> compared with the
 * label (compare.c) -> record; figures from records alone (records.c).
 */
#include "ocr.h"
#include "tasks/common/items.h"

/* -------------------------------------------------------------------------------------------------- life */

static void task_release(void *self)
{
	struct task *t = self;

	common_list_release(t->host, &t->dictionary);
	common_list_release(t->host, &t->labels);
}

static enum oqz_status task_configure(void *self, const struct oqz_params *params, struct oqz_failure *f)
{
	struct task *t = self;

	t->output = t->host->param_string(params, "output");
	t->ignore_space = t->host->param_bool(params, "ignore_space");
	t->is_filter = t->host->param_bool(params, "is_filter");
	return OQZ_OK;
}

/* The dictionary belongs to a model's outputs: judge() has texts and none. */
static enum oqz_status open_dataset(void *self, const struct oqz_params *params, struct oqz_failure *f)
{
	struct task *t = self;
	const char *reader = t->host->param_string(t->dataset, "reader");
	bool images = strcmp(reader, "images") == 0, list = *t->host->param_string(t->dataset, "list");

	if (!images && !list)
		return t->host->fail(f, OQZ_E_USAGE, "the reader '%s' needs the parameter 'list'", reader);
	if (images && list)
		return t->host->fail(f, OQZ_E_USAGE, "the parameter 'list' is not for the reader 'images'");
	return ocr_read_dictionary(t, t->host->param_string(params, "dictionary"), f);
}

const struct common_life common_life = {
	.size = sizeof(struct task),
	.configure = task_configure,
	.open_dataset = open_dataset,
	.judge = ocr_judge,
	.release = task_release,
};

/* -------------------------------------------------------------------------------------------------- declaration */

static const char *const readers[] = { "paddle", "icdar", "images", NULL };

static const struct oqz_param params[] = {
	{ .name = "dictionary",
	  .type = OQZ_P_PATH,
	  .dflt = "",
	  .help = "file with the text of one class a line, from class 1; empty: 0 to 9, a to z" },
	{ .name = "ignore_space",
	  .type = OQZ_P_BOOL,
	  .dflt = "true",
	  .help = "compare labels and texts without their spaces" },
	{ .name = "is_filter",
	  .type = OQZ_P_BOOL,
	  .dflt = "false",
	  .help = "compare only 0-9, A-Z and a-z, letter case ignored" },
	COMMON_OUTPUT_PARAM("the scores"),
	{ 0 },
};

static const struct oqz_param dataset_params[] = {
	{ .name = "reader",
	  .type = OQZ_P_STRING,
	  .dflt = "paddle",
	  .choices = readers,
	  .help = "label file of PaddleOCR or of ICDAR, or images without labels (calibration only)" },
	{ .name = "root", .type = OQZ_P_PATH, .help = "folder of the images" },
	{ .name = "list", .type = OQZ_P_PATH, .dflt = "", .help = "the label file; its paths are relative to root" },
	COMMON_SUBSET_PARAMS,
	{ 0 },
};

static const struct oqz_metric metrics[] = {
	{ "accuracy", OQZ_UNIT_RATIO, OQZ_TEST_MCNEMAR, true, 0, 1,
	  "share of texts that are right to the last character" },
	{ "norm_edit_distance", OQZ_UNIT_RATIO, OQZ_TEST_BOOTSTRAP, true, 0, 1,
	  "1 - mean of the edit distance by the longer text's length" },
	{ "confidence", OQZ_UNIT_SCALAR, OQZ_TEST_NONE, true, 0, 0, "mean score of the characters, mean over images" },
	{ "foreign_labels", OQZ_UNIT_COUNT, OQZ_TEST_NONE, false, 0, 1e18,
	  "labels with characters that the dictionary lacks" },
	{ 0 },
};

static const struct oqz_task task = {
	.base = { OQZ_PLUGIN_HEAD(OQZ_KIND_TASK, struct oqz_task), .name = "ocr", .version = "1.0",
	          .licence = "Apache-2.0", .summary = "text recognition: accuracy and edit distance",
	          .params = params },
	.metrics = metrics,
	.dataset_params = dataset_params,
	.open = common_open,
	.close = common_close,
	.items = ocr_items,
	.score = ocr_score,
	.finish = ocr_finish,
	.explain = ocr_explain,
	.judge = common_judge,
};

OQZ_PLUGIN_EXPORT(task)
