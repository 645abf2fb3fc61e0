/* SPDX-License-Identifier: Apache-2.0
 *
 * Task segmentation: mean intersection over union.
 *
 * A record is one image's confusion matrix, so the figures of a data set are sums of whole numbers and one division.
 * The model gives logits of any size, which are resized to the label map's size, or a map of classes of exactly that
 * size.
 */
#include "segmentation.h"
#include "tasks/common/bytes.h"
#include "tasks/common/items.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* -------------------------------------------------------------------------------------------------- records */

/* u8 version, 3 zeros, u32 classes, u32 pixels with NaN, u32 bytes that follow: the packed matrix. */
enum { RECORD_VERSION = 1, RECORD_HEAD = 16 };

static enum oqz_status no_memory(const struct task *t, struct oqz_failure *f)
{
	return t->host->fail(f, OQZ_E_NOMEM, "out of memory");
}

enum oqz_status segmentation_matrix(const struct task *t, struct confusion *ret, struct oqz_failure *f)
{
	ret->classes = t->classes;
	ret->n = t->host->alloc((size_t)t->classes * ((size_t)t->classes + 1) * sizeof *ret->n);
	return ret->n ? OQZ_OK : no_memory(t, f);
}

static enum oqz_status record_write(const struct task *t, const struct confusion *c, uint64_t nan, void *sink,
                                    struct oqz_failure *f)
{
	size_t n = confusion_pack(c, NULL);
	unsigned char *bytes = t->host->alloc(RECORD_HEAD + n);

	if (!bytes)
		return no_memory(t, f);
	bytes[0] = RECORD_VERSION;
	put_u32(bytes + 4, (uint32_t)c->classes);
	put_u32(bytes + 8, (uint32_t)nan);
	put_u32(bytes + 12, (uint32_t)n);
	confusion_pack(c, bytes + RECORD_HEAD);
	enum oqz_status st = t->task_host->add_record(sink, bytes, RECORD_HEAD + n, f);
	t->host->free_mem(bytes);
	return st;
}

static enum oqz_status record_add(const struct task *t, const struct oqz_record *from, struct confusion *c,
                                  uint64_t *nan, struct oqz_failure *f)
{
	const unsigned char *p = from->data;

	if (from->size < RECORD_HEAD || p[0] != RECORD_VERSION || get_u32(p + 4) != (uint32_t)t->classes ||
	    get_u32(p + 12) != from->size - RECORD_HEAD ||
	    !confusion_add_packed(c, p + RECORD_HEAD, from->size - RECORD_HEAD))
		return t->host->fail(f, OQZ_E_DATA, "a record that is damaged or not of %d classes", t->classes);
	*nan += get_u32(p + 8);
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- predictions */

/* What the model gives: logits (float) or classes (integers). */
struct prediction {
	const struct oqz_view *view;
	int64_t channels, width, height; /* channels 0: a map of classes */
};

static enum oqz_status open_output(const struct task *t, const struct oqz_output *o, struct prediction *ret,
                                   struct oqz_failure *f)
{
	const struct oqz_shape *s = &o->view.shape;
	enum oqz_dtype d = o->view.dtype;
	bool map = d == OQZ_DT_U8 || d == OQZ_DT_I32 || d == OQZ_DT_I64;
	int32_t r = s->rank;

	if (!map && d != OQZ_DT_F32)
		return t->host->fail(f, OQZ_E_UNSUPPORTED,
		                     "output '%s' has element type %d, logits are f32, classes u8, i32 or i64", o->name,
		                     (int)d);
	if (r < 2 + !map || r > 4 || (r == 4 && s->dim[0] != 1) || (map && r == 4 && s->dim[1] != 1) ||
	    (map && r == 3 && s->dim[0] != 1))
		return t->host->fail(f, OQZ_E_MISMATCH, "output '%s' is neither logits (1,C,H,W) nor classes (1,H,W)",
		                     o->name);
	*ret = (struct prediction) { &o->view, map ? 0 : s->dim[r - 3], s->dim[r - 1], s->dim[r - 2] };
	if (ret->width < 1 || ret->height < 1)
		return t->host->fail(f, OQZ_E_MISMATCH, "output '%s' is empty", o->name);
	if (!map && (ret->channels < t->classes || (ret->channels > t->classes && !t->drop_extra)))
		return t->host->fail(f, OQZ_E_MISMATCH,
		                     "output '%s' has %" PRId64 " channels for %d classes (classes, drop_extra)",
		                     o->name, ret->channels, t->classes);
	return OQZ_OK;
}

static uint16_t class_at(const struct prediction *p, int64_t i, int32_t classes)
{
	int64_t k;

	switch (p->view->dtype) {
	case OQZ_DT_U8: k = ((const uint8_t *)p->view->data)[i]; break;
	case OQZ_DT_I32: k = ((const int32_t *)p->view->data)[i]; break;
	default: k = ((const int64_t *)p->view->data)[i]; break;
	}
	return k >= 0 && k < classes ? (uint16_t)k : NO_CLASS;
}

/* -------------------------------------------------------------------------------------------------- counting */

enum oqz_status segmentation_count_row(const struct task *t, const struct code_table *table, const char *path,
                                       const uint8_t *codes, const uint16_t *found, int64_t n, struct confusion *c,
                                       struct oqz_failure *f)
{
	for (int64_t x = 0; x < n; x++) {
		uint16_t k = table->class_of[codes[x]];
		if (k == NO_CLASS) {
			if (!table->known[codes[x]])
				return t->host->fail(f, OQZ_E_DATA, "%s: the label %d is neither a class nor ignored",
				                     path, codes[x]);
			continue;
		}
		uint16_t p = found[x] == NO_CLASS ? (uint16_t)t->classes : found[x];
		c->n[(int64_t)k * (t->classes + 1) + p]++;
	}
	return OQZ_OK;
}

static enum oqz_status count_map(const struct task *t, const struct prediction *p, const char *path,
                                 const struct oqz_picture *truth, uint16_t *row, struct confusion *c,
                                 struct oqz_failure *f)
{
	enum oqz_status st = OQZ_OK;

	if (p->width != truth->width || p->height != truth->height)
		return t->host->fail(f, OQZ_E_MISMATCH,
		                     "the model's classes are %" PRId64 " x %" PRId64 ", the labels %d x %d", p->width,
		                     p->height, truth->width, truth->height);
	for (int64_t y = 0; y < p->height && st == OQZ_OK; y++) {
		for (int64_t x = 0; x < p->width; x++)
			row[x] = class_at(p, y * p->width + x, t->classes);
		st = segmentation_count_row(t, &t->codes, path, truth->data + y * p->width, row, p->width, c, f);
	}
	return st;
}

static enum oqz_status count_logits(const struct task *t, const struct prediction *p, const char *path,
                                    const struct oqz_picture *truth, uint16_t *row, struct confusion *c, uint64_t *nan,
                                    struct oqz_failure *f)
{
	struct upsampler u = { .logits = p->view->data,
		               .channels = t->classes,
		               .width = p->width,
		               .height = p->height,
		               .out_width = truth->width,
		               .out_height = truth->height,
		               .align_corners = t->align_corners };
	void *memory = t->host->alloc(upsampler_bytes(&u));
	enum oqz_status st = OQZ_OK;

	if (!memory)
		return no_memory(t, f);
	upsampler_init(&u, memory);
	for (int64_t y = 0; y < truth->height && st == OQZ_OK; y++) {
		*nan += (uint64_t)upsampler_classes(&u, y, row);
		st =
		    segmentation_count_row(t, &t->codes, path, truth->data + y * truth->width, row, truth->width, c, f);
	}
	t->host->free_mem(memory);
	return st;
}

enum oqz_status segmentation_classes(const struct task *t, const struct oqz_output *o, int32_t width, int32_t height,
                                     uint16_t *ret, struct oqz_failure *f)
{
	struct prediction p;
	enum oqz_status st = open_output(t, o, &p, f);

	if (st != OQZ_OK)
		return st;
	if (!p.channels && (p.width != width || p.height != height))
		return t->host->fail(f, OQZ_E_MISMATCH, "the model's classes are not of the image's size");
	for (int64_t i = 0; !p.channels && i < p.width * p.height; i++)
		ret[i] = class_at(&p, i, t->classes);
	if (!p.channels)
		return OQZ_OK;
	struct upsampler u = { .logits = p.view->data,
		               .channels = t->classes,
		               .width = p.width,
		               .height = p.height,
		               .out_width = width,
		               .out_height = height,
		               .align_corners = t->align_corners };
	void *memory = t->host->alloc(upsampler_bytes(&u));
	if (!memory)
		return no_memory(t, f);
	upsampler_init(&u, memory);
	for (int64_t y = 0; y < height; y++)
		upsampler_classes(&u, y, ret + y * width);
	t->host->free_mem(memory);
	return OQZ_OK;
}

static enum oqz_status check_truth(const struct task *t, const char *path, const struct oqz_picture *truth,
                                   const struct oqz_geometry *g, struct oqz_failure *f)
{
	if (truth->width != g->image_width || truth->height != g->image_height)
		return t->host->fail(f, OQZ_E_DATA, "%s: the labels are %d x %d, the image %d x %d", path, truth->width,
		                     truth->height, g->image_width, g->image_height);
	if (g->offset_x != 0 || g->offset_y != 0 || fabs(g->image_width * g->scale_x - g->net_width) > 1 ||
	    fabs(g->image_height * g->scale_y - g->net_height) > 1)
		return t->host->fail(
		    f, OQZ_E_UNSUPPORTED,
		    "the image was padded or cut on its way in; resize it to the model's input instead");
	return OQZ_OK;
}

static enum oqz_status count(const struct task *t, const struct prediction *p, const char *path,
                             const struct oqz_picture *truth, void *sink, struct oqz_failure *f)
{
	uint16_t *row = t->host->alloc((size_t)truth->width * sizeof *row);
	struct confusion c = { 0 };
	uint64_t nan = 0;

	enum oqz_status st = row ? segmentation_matrix(t, &c, f) : no_memory(t, f);
	if (st == OQZ_OK)
		st = p->channels ? count_logits(t, p, path, truth, row, &c, &nan, f)
		                 : count_map(t, p, path, truth, row, &c, f);
	if (st == OQZ_OK)
		st = record_write(t, &c, nan > UINT32_MAX ? UINT32_MAX : nan, sink, f);
	t->host->free_mem(c.n);
	t->host->free_mem(row);
	return st;
}

static enum oqz_status task_score(void *self, const struct oqz_item *item, const struct oqz_output *outputs,
                                  size_t n_outputs, const struct oqz_geometry *geometry, void *record_sink,
                                  struct oqz_failure *f)
{
	const struct task *t = self;
	struct oqz_picture truth;
	struct prediction p = { 0 };

	const struct oqz_output *o = common_output(t->host, t->output, "classes", outputs, n_outputs, f);
	if (!o)
		return OQZ_E_MISMATCH;
	if (item->tag >= t->labels.n)
		return t->host->fail(f, OQZ_E_DATA, "'%s' has no labels: the reader 'images' is for calibration",
		                     item->id);
	const char *path = t->labels.v[item->tag];
	enum oqz_status st = open_output(t, o, &p, f);
	if (st == OQZ_OK)
		st = t->host->load_image(path, OQZ_PICTURE_CODES, &truth, f);
	if (st != OQZ_OK)
		return st;
	st = check_truth(t, path, &truth, geometry, f);
	if (st == OQZ_OK)
		st = count(t, &p, path, &truth, record_sink, f);
	t->host->free_mem(truth.data);
	return st;
}

/* -------------------------------------------------------------------------------------------------- figures */

/* Mean of the values that are not -1; -1 when there is none. */
struct mean {
	double sum;
	int32_t n;
};

static void mean_add(struct mean *m, double x)
{
	m->sum += x >= 0 ? x : 0;
	m->n += x >= 0;
}

static double mean_of(const struct mean *m) { return m->n ? m->sum / m->n : -1; }

/* By name, since which figures there are depends on the classes. */
double segmentation_figure(const struct task *t, const struct confusion *c, size_t i)
{
	struct mean m = { 0 };
	const char *name = t->metrics[i].name;
	bool category = strcmp(name, "category_miou") == 0, recall = strcmp(name, "mean_accuracy") == 0;

	if (strncmp(name, "iou_", 4) == 0)
		return confusion_iou(c, (int32_t)((name - t->names[0]) / (ptrdiff_t)sizeof *t->names));
	if (strcmp(name, "pixel_accuracy") == 0)
		return (double)confusion_correct(c) / (double)confusion_total(c);
	for (unsigned char g = 0; g < CITYSCAPES_CATEGORIES && category; g++)
		mean_add(&m, confusion_group_iou(c, cityscapes_category, g));
	for (int32_t k = 0; k < t->classes && !category; k++)
		mean_add(&m, recall ? confusion_recall(c, k) : confusion_iou(c, k));
	return mean_of(&m);
}

static enum oqz_status set_metrics(const struct task *t, const struct confusion *c, uint64_t nan, void *sink,
                                   struct oqz_failure *f)
{
	enum oqz_status st = OQZ_OK;

	for (size_t i = 0; t->metrics[i].name && st == OQZ_OK; i++) {
		const char *name = t->metrics[i].name;
		double v = strcmp(name, "nan_values") == 0 ? (double)nan : segmentation_figure(t, c, i);
		st = t->task_host->set_metric(sink, name, v, f);
	}
	return st;
}

static enum oqz_status task_finish(void *self, const struct oqz_record *records, size_t n, void *metric_sink,
                                   struct oqz_failure *f)
{
	const struct task *t = self;
	struct confusion c;
	uint64_t nan = 0;

	enum oqz_status st = segmentation_matrix(t, &c, f);
	for (size_t i = 0; i < n && st == OQZ_OK; i++)
		if (records[i].data)
			st = record_add(t, &records[i], &c, &nan, f);
	if (st == OQZ_OK && confusion_total(&c) == 0)
		st = t->host->fail(f, OQZ_E_DATA, "none of the %zu images was scored and has a labelled pixel", n);
	if (st == OQZ_OK)
		st = set_metrics(t, &c, nan, metric_sink, f);
	t->host->free_mem(c.n);
	return st;
}

static enum oqz_status task_explain(void *self, const struct oqz_record *record, char *text, size_t size,
                                    struct oqz_failure *f)
{
	const struct task *t = self;
	struct mean iou = { 0 };
	struct confusion c;
	uint64_t nan = 0;

	enum oqz_status st = segmentation_matrix(t, &c, f);
	if (st == OQZ_OK)
		st = record_add(t, record, &c, &nan, f);
	if (st == OQZ_OK) {
		for (int32_t k = 0; k < t->classes; k++)
			mean_add(&iou, confusion_iou(&c, k));
		snprintf(text, size, "mIoU %.4f over %d classes, %" PRIu64 " of %" PRIu64 " labelled pixels right",
		         mean_of(&iou), iou.n, confusion_correct(&c), confusion_total(&c));
	}
	t->host->free_mem(c.n);
	return st;
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
		return no_memory(t, f);
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
	{ .name = "output",
	  .type = OQZ_P_STRING,
	  .dflt = "",
	  .help = "the model's output that holds logits or classes; empty: its only one" },
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
	.score = task_score,
	.finish = task_finish,
	.explain = task_explain,
	.instance_metrics = task_instance_metrics,
	.judge = common_judge,
	.draw = segmentation_draw,
	.marks = "a colour for each class; black where a lane is wrong",
};

OQZ_PLUGIN_EXPORT(task)
