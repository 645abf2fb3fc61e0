/* SPDX-License-Identifier: Apache-2.0
 *
 * Task classification: is the label among the k best scores? Outputs and label -> rank (scores.c) -> record; figures
 * from records alone (records.c). Data sets are read in dataset.c.
 */
#include "classification.h"
#include "tasks/common/items.h"

#include <inttypes.h>
#include <stdio.h>

/* -------------------------------------------------------------------------------------------------- life */

static void task_release(void *self)
{
	struct task *t = self;

	common_list_release(t->host, &t->class_names);
	common_list_release(t->host, &t->folder_names);
}

/* top<k> for each k, then nan_rows. */
static enum oqz_status make_metrics(struct task *t, struct oqz_failure *f)
{
	if (t->n_k == 0 || t->n_k > MAX_K)
		return t->host->fail(f, OQZ_E_USAGE, "k: %zu values, where 1 to %d are possible", t->n_k, MAX_K);
	for (size_t i = 0; i < t->n_k; i++) {
		for (size_t j = 0; j < i; j++)
			if (t->k[j] == t->k[i])
				return t->host->fail(f, OQZ_E_USAGE, "k: %" PRId64 " is there twice", t->k[i]);
		snprintf(t->metric_names[i], sizeof t->metric_names[i], "top%" PRId64, t->k[i]);
		t->metrics[i] = (struct oqz_metric) { t->metric_names[i],
			                              OQZ_UNIT_RATIO,
			                              OQZ_TEST_MCNEMAR,
			                              true,
			                              0,
			                              1,
			                              "share of images whose label is among the best scores" };
	}
	t->metrics[t->n_k] = classification_nan_rows;
	return OQZ_OK;
}

static const struct oqz_metric *task_instance_metrics(void *self) { return ((struct task *)self)->metrics; }

static enum oqz_status task_configure(void *self, const struct oqz_params *params, struct oqz_failure *f)
{
	static const char *const words[] = { "auto", "keep", "drop" };
	struct task *t = self;
	const struct oqz_host *h = t->host;

	t->output = h->param_string(params, "output");
	t->n_k = h->param_ints(params, "k", &t->k);
	for (int i = 0; i < 3; i++)
		if (strcmp(words[i], h->param_string(params, "background")) == 0)
			t->background = i;
	return make_metrics(t, f);
}

const struct common_life common_life = {
	.size = sizeof(struct task),
	.configure = task_configure,
	.open_dataset = classification_open_dataset,
	.judge = classification_judge,
	.release = task_release,
};

/* -------------------------------------------------------------------------------------------------- declaration */

static const char *const backgrounds[] = { "auto", "keep", "drop", NULL };
static const char *const readers[] = { "image-folder", "list", "images", NULL };

static const struct oqz_param params[] = {
	{ .name = "k",
	  .type = OQZ_P_INTS,
	  .dflt = "1:5",
	  .min = 1,
	  .max = 1000000,
	  .help = "how many of the best scores may hold the label; each gives a metric (top5), the first is the "
	          "primary one" },
	{ .name = "background",
	  .type = OQZ_P_STRING,
	  .dflt = "auto",
	  .choices = backgrounds,
	  .help = "whether class 0 of the model is a background class and left out; auto: if it has 1001 classes" },
	COMMON_OUTPUT_PARAM("the scores"),
	{ 0 },
};

static const struct oqz_param dataset_params[] = {
	{ .name = "reader",
	  .type = OQZ_P_STRING,
	  .dflt = "image-folder",
	  .choices = readers,
	  .help = "one folder per class, a list of files with labels, or images without labels (calibration only)" },
	{ .name = "root", .type = OQZ_P_PATH, .help = "folder of the images" },
	{ .name = "list",
	  .type = OQZ_P_PATH,
	  .dflt = "",
	  .help = "reader list: file of lines with a file (relative to root) and a label (from 0)" },
	{ .name = "synsets",
	  .type = OQZ_P_PATH,
	  .dflt = "",
	  .help = "file with one class per line, in label order: folder name, then optionally words for people" },
	COMMON_SUBSET_PARAMS,
	{ 0 },
};

const struct oqz_metric classification_nan_rows = {
	"nan_rows", OQZ_UNIT_COUNT, OQZ_TEST_NONE, false, 0, 1e18, "images with a score that is not a number"
};

static const struct oqz_metric metrics[] = {
	{ "top1", OQZ_UNIT_RATIO, OQZ_TEST_MCNEMAR, true, 0, 1, "share of images whose label has the best score" },
	{ "top5", OQZ_UNIT_RATIO, OQZ_TEST_MCNEMAR, true, 0, 1,
	  "share of images whose label is among the five best scores" },
	{ "nan_rows", OQZ_UNIT_COUNT, OQZ_TEST_NONE, false, 0, 1e18, "images with a score that is not a number" },
	{ 0 },
};

static const struct oqz_task classification = {
	.base = { OQZ_PLUGIN_HEAD(OQZ_KIND_TASK, struct oqz_task), .name = "classification", .version = "1.0",
	          .licence = "Apache-2.0", .summary = "top-k accuracy of image classifiers", .params = params },
	.metrics = metrics,
	.dataset_params = dataset_params,
	.open = common_open,
	.close = common_close,
	.items = classification_items,
	.score = classification_score,
	.finish = classification_finish,
	.explain = classification_explain,
	.instance_metrics = task_instance_metrics,
	.judge = common_judge,
};

OQZ_PLUGIN_EXPORT(classification)
