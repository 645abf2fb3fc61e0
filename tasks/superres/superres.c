/* SPDX-License-Identifier: Apache-2.0
 *
 * Task super-resolution: how near is the enlarged image to the large original? Outputs -> image -> errors
 * (prediction.c, metric.c) -> record; figures from records alone (records.c).
 */
#include "superres.h"
#include "tasks/common/items.h"

/* -------------------------------------------------------------------------------------------------- life */

static const struct oqz_metric metrics[] = {
	{ "psnr", OQZ_UNIT_DECIBEL, OQZ_TEST_BOOTSTRAP, true, 0, 0, "peak signal-to-noise ratio, mean over images" },
	{ "ssim", OQZ_UNIT_RATIO, OQZ_TEST_BOOTSTRAP, true, -1, 1, "structural similarity, mean over images" },
	{ "identical", OQZ_UNIT_COUNT, OQZ_TEST_NONE, true, 0, 1e18,
	  "images without any error (infinite PSNR), left out of psnr" },
	{ "out_of_range", OQZ_UNIT_COUNT, OQZ_TEST_NONE, false, 0, 1e18,
	  "values that the model gave below 0 or above 255 levels" },
	{ "cropped", OQZ_UNIT_COUNT, OQZ_TEST_NONE, false, 0, 1e18,
	  "references cut at their right and lower edge to fit the prediction" },
	{ 0 },
};

static const struct oqz_metric *task_instance_metrics(void *self) { return ((struct task *)self)->metrics; }

static void task_release(void *self)
{
	struct task *t = self;

	common_list_release(t->host, &t->hr);
}

static enum oqz_status check_dataset(void *self, const struct oqz_params *params, struct oqz_failure *f)
{
	const struct task *t = self;
	bool pairs = strcmp(t->host->param_string(t->dataset, "reader"), "pairs") == 0;

	if (pairs && !*t->host->param_string(t->dataset, "hr"))
		return t->host->fail(f, OQZ_E_USAGE, "the reader 'pairs' needs the parameter 'hr'");
	return OQZ_OK;
}

static enum oqz_status task_configure(void *self, const struct oqz_params *params, struct oqz_failure *f)
{
	struct task *t = self;
	const struct oqz_host *h = t->host;
	const char *channel = h->param_string(params, "channel");
	size_t n = 0;

	t->output = h->param_string(params, "output");
	t->channel = strcmp(channel, "rgb") == 0 ? CHANNEL_RGB : strcmp(channel, "y") == 0 ? CHANNEL_Y : CHANNEL_Y_FULL;
	t->bgr = strcmp(h->param_string(params, "order"), "bgr") == 0;
	t->clamp = h->param_bool(params, "clamp");
	t->ssim = h->param_bool(params, "ssim");
	t->crop = (int32_t)h->param_int(params, "crop");
	t->scale = (int32_t)h->param_int(params, "scale");
	t->output_scale = (float)h->param_float(params, "output_scale");
	for (const struct oqz_metric *m = metrics; m->name; m++)
		if (t->ssim || strcmp(m->name, "ssim") != 0)
			t->metrics[n++] = *m;
	return OQZ_OK;
}

const struct common_life common_life = {
	.size = sizeof(struct task),
	.configure = task_configure,
	.open_dataset = check_dataset,
	.judge = superres_judge,
	.release = task_release,
};

/* -------------------------------------------------------------------------------------------------- declaration */

static const char *const channels[] = { "rgb", "y", "y-full", NULL };
static const char *const orders[] = { "rgb", "bgr", NULL };
static const char *const readers[] = { "pairs", "images", NULL };

static const struct oqz_param params[] = {
	{ .name = "channel",
	  .type = OQZ_P_STRING,
	  .dflt = "rgb",
	  .choices = channels,
	  .help =
	      "what is compared: all three channels, luma as MATLAB's rgb2ycbcr has it, or full-range luma (OpenCV)" },
	{ .name = "clamp",
	  .type = OQZ_P_BOOL,
	  .dflt = "true",
	  .help = "limit predictions to 0..255 before comparing; some published figures were made without" },
	{ .name = "crop",
	  .type = OQZ_P_INT,
	  .dflt = "0",
	  .min = -1,
	  .max = 1000,
	  .unit = "pixels",
	  .help = "leave out that many pixels on every side; -1: as many as the scale" },
	{ .name = "ssim", .type = OQZ_P_BOOL, .dflt = "true", .help = "measure the structural similarity too" },
	{ .name = "scale",
	  .type = OQZ_P_INT,
	  .dflt = "0",
	  .min = 0,
	  .max = 64,
	  .help = "how many times larger the model makes the image; 0: what it does" },
	{ .name = "output_scale",
	  .type = OQZ_P_FLOAT,
	  .dflt = "255",
	  .min = 1e-6,
	  .max = 1e6,
	  .help = "float outputs times this are levels of 0..255" },
	{ .name = "order",
	  .type = OQZ_P_STRING,
	  .dflt = "rgb",
	  .choices = orders,
	  .help = "order of the output's channels" },
	COMMON_OUTPUT_PARAM("the image"),
	{ 0 },
};

static const struct oqz_param dataset_params[] = {
	{ .name = "reader",
	  .type = OQZ_P_STRING,
	  .dflt = "pairs",
	  .choices = readers,
	  .help = "small images with references, or images alone (calibration only)" },
	{ .name = "lr", .type = OQZ_P_PATH, .help = "folder of the small images" },
	{ .name = "hr", .type = OQZ_P_PATH, .dflt = "", .help = "reader pairs: folder of the references" },
	{ .name = "lr_suffix",
	  .type = OQZ_P_STRING,
	  .dflt = "x4",
	  .help = "end of a small image's name, before the extension; others in the folder are left alone" },
	{ .name = "hr_suffix", .type = OQZ_P_STRING, .dflt = "", .help = "the same for references" },
	COMMON_SUBSET_PARAMS,
	{ 0 },
};

static const struct oqz_task task = {
	.base = { OQZ_PLUGIN_HEAD(OQZ_KIND_TASK, struct oqz_task), .name = "superres", .version = "1.0.0",
	          .licence = "Apache-2.0", .summary = "super-resolution: PSNR and SSIM of enlarged images",
	          .params = params },
	.metrics = metrics,
	.dataset_params = dataset_params,
	.open = common_open,
	.close = common_close,
	.items = superres_items,
	.score = superres_score,
	.finish = superres_finish,
	.explain = superres_explain,
	.instance_metrics = task_instance_metrics,
	.judge = common_judge,
	.draw = superres_draw,
	.marks = "where the reference has most texture",
};

OQZ_PLUGIN_EXPORT(task)
