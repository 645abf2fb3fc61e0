/* SPDX-License-Identifier: Apache-2.0
 *
 * Task classification: is the label among the k best scores?
 *
 * One image gives one record of 20 bytes that holds the label's rank, so every k is answered later without the scores.
 * Ties are broken by index (rank = scores above + equal scores at lower indices), which makes the figure a function of
 * the scores alone; torch.topk leaves it open. Data sets are read in dataset.c.
 */
#include "classification.h"
#include "tasks/common/bytes.h"
#include "tasks/common/items.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* -------------------------------------------------------------------------------------------------- records */

enum { RECORD_VERSION = 1, RECORD_SIZE = 20, FLAG_NAN = 1 };

static void record_write(const struct record *r, unsigned char out[RECORD_SIZE])
{
	uint32_t bits;

	memcpy(&bits, &r->best_score, sizeof bits);
	out[0] = RECORD_VERSION;
	out[1] = r->nan ? FLAG_NAN : 0;
	out[2] = out[3] = 0;
	put_u32(out + 4, r->label);
	put_u32(out + 8, r->rank);
	put_u32(out + 12, r->best);
	put_u32(out + 16, bits);
}

static enum oqz_status record_read(const struct task *t, const struct oqz_record *from, struct record *ret,
                                   struct oqz_failure *f)
{
	const unsigned char *p = from->data;
	uint32_t bits;

	if (from->size != RECORD_SIZE || p[0] != RECORD_VERSION)
		return t->host->fail(f, OQZ_E_DATA, "a record of %zu bytes, version %d, where %d and %d are known",
		                     from->size, from->size ? p[0] : 0, RECORD_SIZE, RECORD_VERSION);
	ret->nan = p[1] & FLAG_NAN;
	ret->label = get_u32(p + 4);
	ret->rank = get_u32(p + 8);
	ret->best = get_u32(p + 12);
	bits = get_u32(p + 16);
	memcpy(&ret->best_score, &bits, sizeof bits);
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- scores */

/* Scores of one image as doubles, whatever the model gives: all dimensions but one are 1. */
struct scores {
	const struct oqz_view *view;
	int64_t first, n; /* without a background class */
};

static double score_at(const struct scores *s, int64_t i)
{
	const void *data = s->view->data;

	i += s->first;
	switch (s->view->dtype) {
	case OQZ_DT_F32: return ((const float *)data)[i];
	case OQZ_DT_F64: return ((const double *)data)[i];
	case OQZ_DT_U8: return ((const uint8_t *)data)[i];
	case OQZ_DT_I8: return ((const int8_t *)data)[i];
	case OQZ_DT_I32: return ((const int32_t *)data)[i];
	default: return (double)((const int64_t *)data)[i];
	}
}

static enum oqz_status open_scores(const struct task *t, const struct oqz_output *o, struct scores *ret,
                                   struct oqz_failure *f)
{
	int64_t n = 1, wide = 0;

	for (int i = 0; i < o->view.shape.rank; i++) {
		int64_t d = o->view.shape.dim[i];
		wide += d != 1;
		if (d != 1)
			n = d;
	}
	switch (o->view.dtype) {
	case OQZ_DT_F32:
	case OQZ_DT_F64:
	case OQZ_DT_U8:
	case OQZ_DT_I8:
	case OQZ_DT_I32:
	case OQZ_DT_I64: break;
	default:
		return t->host->fail(f, OQZ_E_UNSUPPORTED,
		                     "output '%s' has element type %d, scores are f32, f64 or integers", o->name,
		                     (int)o->view.dtype);
	}
	if (wide > 1 || n < 1 || n >= UINT32_MAX)
		return t->host->fail(f, OQZ_E_MISMATCH,
		                     "output '%s' is not one score per class: it has %" PRId64
		                     " dimensions larger than 1",
		                     o->name, wide);
	bool drop = t->background == BACKGROUND_DROP || (t->background == BACKGROUND_AUTO && n == 1001);
	if (drop && n < 2)
		return t->host->fail(f, OQZ_E_MISMATCH, "output '%s' has one score: no background class to drop",
		                     o->name);
	*ret = (struct scores) { &o->view, drop, n - drop };
	return OQZ_OK;
}

/* Rank of the label and the best class; NaN counts as -inf (metrics.md 1.6). */
static void rank_scores(const struct scores *s, uint32_t label, struct record *ret)
{
	double y = score_at(s, label), best = -INFINITY;
	bool label_nan = isnan(y);
	uint32_t above = 0;

	*ret = (struct record) { .label = label, .nan = label_nan };
	if (label_nan)
		y = -INFINITY;
	for (int64_t j = 0; j < s->n; j++) {
		double x = score_at(s, j);
		if (isnan(x)) {
			ret->nan = true;
			x = -INFINITY;
		}
		above += x > y || (x == y && j < label);
		if (x > best) {
			best = x;
			ret->best = (uint32_t)j;
		}
	}
	ret->rank = label_nan ? RANK_MISS : above;
	ret->best_score = (float)best;
}

enum oqz_status classification_rank(struct task *t, const char *id, const struct oqz_output *o, uint64_t label,
                                    struct record *ret, struct oqz_failure *f)
{
	struct scores s = { 0 };
	enum oqz_status st = open_scores(t, o, &s, f);

	if (st != OQZ_OK)
		return st;
	if (label == NO_LABEL)
		return t->host->fail(f, OQZ_E_DATA, "'%s' has no label: the reader 'images' is for calibration", id);
	if (label >= (uint64_t)s.n)
		return t->host->fail(f, OQZ_E_DATA,
		                     "'%s' has the label %" PRIu64 ", but the model has %" PRId64 " classes", id, label,
		                     s.n);
	if (t->n_classes && (int64_t)t->n_classes != s.n && !atomic_exchange(&t->warned, true))
		t->host->log(t->host, OQZ_LOG_WARN,
		             "classification: %zu classes in the data set, %" PRId64 " in the model%s", t->n_classes,
		             s.n, t->class_names.n ? "" : ": labels are probably shifted; give 'synsets'");
	rank_scores(&s, (uint32_t)label, ret);
	return OQZ_OK;
}

bool classification_hit(const struct record *r, int64_t k) { return r->rank != RANK_MISS && (int64_t)r->rank < k; }

static enum oqz_status task_score(void *self, const struct oqz_item *item, const struct oqz_output *outputs,
                                  size_t n_outputs, const struct oqz_geometry *geometry, void *record_sink,
                                  struct oqz_failure *f)
{
	struct task *t = self;
	unsigned char bytes[RECORD_SIZE];
	struct record r;

	const struct oqz_output *o = common_output(t->host, t->output, "scores", outputs, n_outputs, f);
	if (!o)
		return OQZ_E_MISMATCH;
	enum oqz_status st = classification_rank(t, item->id, o, item->tag, &r, f);
	if (st != OQZ_OK)
		return st;
	record_write(&r, bytes);
	return t->task_host->add_record(record_sink, bytes, sizeof bytes, f);
}

/* -------------------------------------------------------------------------------------------------- figures */

static enum oqz_status task_finish(void *self, const struct oqz_record *records, size_t n, void *metric_sink,
                                   struct oqz_failure *f)
{
	struct task *t = self;
	uint64_t hits[MAX_K] = { 0 }, nan_rows = 0, scored = 0;
	enum oqz_status st;

	for (size_t i = 0; i < n; i++) {
		struct record r;
		if (!records[i].data)
			continue;
		st = record_read(t, &records[i], &r, f);
		if (st != OQZ_OK)
			return st;
		scored++;
		nan_rows += r.nan;
		for (size_t k = 0; k < t->n_k; k++)
			hits[k] += classification_hit(&r, t->k[k]);
	}
	if (!scored)
		return t->host->fail(f, OQZ_E_DATA, "none of the %zu images was scored", n);
	for (size_t k = 0; k < t->n_k; k++) {
		st = t->task_host->set_metric(metric_sink, t->metrics[k].name, (double)hits[k] / (double)scored, f);
		if (st != OQZ_OK)
			return st;
	}
	return t->task_host->set_metric(metric_sink, "nan_rows", (double)nan_rows, f);
}

static void class_text(const struct task *t, uint32_t index, char *text, size_t size)
{
	const struct common_list *names = t->class_names.n ? &t->class_names : &t->folder_names;

	if (index < names->n)
		snprintf(text, size, "%s", names->v[index]);
	else
		snprintf(text, size, "class %" PRIu32, index);
}

static enum oqz_status task_explain(void *self, const struct oqz_record *record, char *text, size_t size,
                                    struct oqz_failure *f)
{
	struct task *t = self;
	char best[100], label[100];
	struct record r;

	enum oqz_status st = record_read(t, record, &r, f);
	if (st != OQZ_OK)
		return st;
	class_text(t, r.best, best, sizeof best);
	class_text(t, r.label, label, sizeof label);
	if (r.rank == RANK_MISS)
		snprintf(text, size, "%s (%.4g); right is %s, whose score is no number", best, r.best_score, label);
	else if (r.rank == 0)
		snprintf(text, size, "%s (%.4g), which is right", best, r.best_score);
	else
		snprintf(text, size, "%s (%.4g); right is %s, on place %" PRIu32, best, r.best_score, label,
		         r.rank + 1);
	return OQZ_OK;
}

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
	{ .name = "output",
	  .type = OQZ_P_STRING,
	  .dflt = "",
	  .help = "the model's output that holds the scores; empty: its only one" },
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
	.score = task_score,
	.finish = task_finish,
	.explain = task_explain,
	.instance_metrics = task_instance_metrics,
	.judge = common_judge,
};

OQZ_PLUGIN_EXPORT(classification)
