/* SPDX-License-Identifier: Apache-2.0
 *
 * Task OCR: text recognition by CTC, as PaddleOCR evaluates it.
 *
 * A record holds an image's outcome under the task's options (right or not, edit distance) and both texts for people.
 */
#include "ocr.h"
#include "tasks/common/bytes.h"
#include "tasks/common/items.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* -------------------------------------------------------------------------------------------------- records */

enum { RECORD_VERSION = 1, RECORD_HEAD = 28, FLAG_CORRECT = 1, FLAG_FOREIGN = 2 };

/* Stored little-endian in this order, behind: u8 version, u8 flags, u16 zero; then the texts, normalised. */
struct record {
	uint32_t distance, longest; /* in code points */
	double confidence;
	uint32_t label_size, text_size;
	const char *label, *text;
	bool correct, foreign; /* foreign: the label has characters that the dictionary lacks */
};

static enum oqz_status record_write(const struct task *t, const struct record *r, void *sink, struct oqz_failure *f)
{
	size_t size = RECORD_HEAD + (size_t)r->label_size + r->text_size;
	unsigned char *p = t->host->alloc(size);

	if (!p)
		return t->host->fail(f, OQZ_E_NOMEM, "out of memory");
	p[0] = RECORD_VERSION;
	p[1] = (unsigned char)((r->correct ? FLAG_CORRECT : 0) | (r->foreign ? FLAG_FOREIGN : 0));
	put_u32(p + 4, r->distance);
	put_u32(p + 8, r->longest);
	put_f64(p + 12, r->confidence);
	put_u32(p + 20, r->label_size);
	put_u32(p + 24, r->text_size);
	memcpy(p + RECORD_HEAD, r->label, r->label_size);
	memcpy(p + RECORD_HEAD + r->label_size, r->text, r->text_size);
	enum oqz_status st = t->task_host->add_record(sink, p, size, f);
	t->host->free_mem(p);
	return st;
}

static enum oqz_status record_read(const struct task *t, const struct oqz_record *from, struct record *ret,
                                   struct oqz_failure *f)
{
	const unsigned char *p = from->data;

	if (from->size < RECORD_HEAD || p[0] != RECORD_VERSION)
		return t->host->fail(f, OQZ_E_DATA, "a record of %zu bytes, version %d, where %d is known", from->size,
		                     from->size ? p[0] : 0, RECORD_VERSION);
	*ret = (struct record) { .distance = get_u32(p + 4),
		                 .longest = get_u32(p + 8),
		                 .confidence = get_f64(p + 12),
		                 .label_size = get_u32(p + 20),
		                 .text_size = get_u32(p + 24),
		                 .label = (const char *)p + RECORD_HEAD,
		                 .correct = p[1] & FLAG_CORRECT,
		                 .foreign = p[1] & FLAG_FOREIGN };
	if ((uint64_t)ret->label_size + ret->text_size != from->size - RECORD_HEAD || ret->distance > ret->longest ||
	    !isfinite(ret->confidence))
		return t->host->fail(f, OQZ_E_DATA, "a record that contradicts itself");
	ret->text = ret->label + ret->label_size;
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- decoding */

static const char *class_text(const struct task *t, int64_t k)
{
	return (size_t)k <= t->dictionary.n ? t->dictionary.v[k - 1] : " ";
}

/* Steps and classes of the output; the class count decides whether a space was added to the dictionary. */
static enum oqz_status open_output(const struct task *t, const struct oqz_output *o, int64_t *steps, int64_t *classes,
                                   struct oqz_failure *f)
{
	const struct oqz_shape *s = &o->view.shape;
	int64_t n = (int64_t)t->dictionary.n;

	if (o->view.dtype != OQZ_DT_F32)
		return t->host->fail(f, OQZ_E_UNSUPPORTED, "output '%s' has element type %d, scores are f32", o->name,
		                     (int)o->view.dtype);
	if ((s->rank != 3 && s->rank != 2) || (s->rank == 3 && s->dim[0] != 1 && s->dim[1] != 1))
		return t->host->fail(f, OQZ_E_MISMATCH, "output '%s' is not one image's scores (1,T,C) or (T,1,C)",
		                     o->name);
	*classes = s->dim[s->rank - 1];
	*steps = s->rank == 2 || s->dim[0] != 1 ? s->dim[0] : s->dim[1];
	if (*classes != n + 1 && *classes != n + 2)
		return t->host->fail(f, OQZ_E_MISMATCH,
		                     "output '%s' has %" PRId64 " classes, but the dictionary has %" PRId64
		                     " lines: %" PRId64 " or, with a space, %" PRId64 " are right",
		                     o->name, *classes, n, n + 1, n + 2);
	return OQZ_OK;
}

/* The text, from host->alloc; NULL when out of memory. */
static char *decode(const struct task *t, const float *x, int64_t steps, int64_t classes, double *confidence)
{
	int64_t *kept = t->host->alloc((size_t)steps * sizeof *kept);
	size_t size = 1, at = 0;
	char *text = NULL;

	if (!kept)
		return NULL;
	size_t n = ocr_ctc(x, steps, classes, kept, confidence);
	for (size_t i = 0; i < n; i++)
		size += strlen(class_text(t, kept[i]));
	text = t->host->alloc(size);
	for (size_t i = 0; i < n && text; i++) {
		size_t m = strlen(class_text(t, kept[i]));
		memcpy(text + at, class_text(t, kept[i]), m);
		at += m;
	}
	t->host->free_mem(kept);
	return text;
}

/* Whether the dictionary can write the label at all. */
static bool readable(const struct task *t, const char *label, bool space)
{
	for (const char *s = label; *s;) {
		size_t n = 1;
		bool found = space && *s == ' ';
		while ((s[n] & 0xc0) == 0x80)
			n++;
		for (size_t k = 0; k < t->dictionary.n && !found; k++)
			found = strlen(t->dictionary.v[k]) == n && memcmp(t->dictionary.v[k], s, n) == 0;
		if (!found)
			return false;
		s += n;
	}
	return true;
}

/* -------------------------------------------------------------------------------------------------- scoring */

static enum oqz_status score_text(const struct task *t, const struct oqz_item *item, const char *text, struct record *r,
                                  void *sink, struct oqz_failure *f)
{
	struct ocr_outcome o;
	enum oqz_status st = ocr_compare(t, t->labels.v[item->tag], text, &o, f);

	if (st != OQZ_OK)
		return st;
	r->distance = o.distance;
	r->longest = o.longest;
	r->correct = o.correct;
	r->label = o.label;
	r->text = o.text;
	r->label_size = (uint32_t)strlen(o.label);
	r->text_size = (uint32_t)strlen(o.text);
	st = record_write(t, r, sink, f);
	ocr_outcome_release(t, &o);
	return st;
}

static enum oqz_status task_score(void *self, const struct oqz_item *item, const struct oqz_output *outputs,
                                  size_t n_outputs, const struct oqz_geometry *geometry, void *record_sink,
                                  struct oqz_failure *f)
{
	const struct task *t = self;
	int64_t steps = 0, classes = 0;
	struct record r = { 0 };

	const struct oqz_output *o = common_output(t->host, t->output, "scores", outputs, n_outputs, f);
	if (!o)
		return OQZ_E_MISMATCH;
	if (item->tag >= t->labels.n)
		return t->host->fail(f, OQZ_E_DATA, "'%s' has no label: the reader 'images' is for calibration",
		                     item->id);
	enum oqz_status st = open_output(t, o, &steps, &classes, f);
	if (st != OQZ_OK)
		return st;
	char *text = decode(t, o->view.data, steps, classes, &r.confidence);
	if (!text)
		return t->host->fail(f, OQZ_E_NOMEM, "out of memory");
	r.foreign = !readable(t, t->labels.v[item->tag], t->ignore_space || (size_t)classes == t->dictionary.n + 2);
	if (isfinite(r.confidence))
		st = score_text(t, item, text, &r, record_sink, f);
	else
		st = t->host->fail(f, OQZ_E_DATA, "the model gave scores that are not numbers");
	t->host->free_mem(text);
	return st;
}

/* -------------------------------------------------------------------------------------------------- figures */

static enum oqz_status task_finish(void *self, const struct oqz_record *records, size_t n, void *metric_sink,
                                   struct oqz_failure *f)
{
	const struct task *t = self;
	uint64_t scored = 0, correct = 0, foreign = 0;
	double edits = 0, confidence = 0;
	enum oqz_status st;

	for (size_t i = 0; i < n; i++) {
		struct record r;
		if (!records[i].data)
			continue;
		st = record_read(t, &records[i], &r, f);
		if (st != OQZ_OK)
			return st;
		scored++;
		correct += r.correct;
		foreign += r.foreign;
		edits += r.longest ? (double)r.distance / r.longest : 0;
		confidence += r.confidence;
	}
	if (!scored)
		return t->host->fail(f, OQZ_E_DATA, "none of the %zu images was scored", n);
	st = t->task_host->set_metric(metric_sink, "accuracy", (double)correct / (double)scored, f);
	if (st == OQZ_OK)
		st = t->task_host->set_metric(metric_sink, "norm_edit_distance", 1 - edits / (double)scored, f);
	if (st == OQZ_OK)
		st = t->task_host->set_metric(metric_sink, "confidence", confidence / (double)scored, f);
	if (st == OQZ_OK)
		st = t->task_host->set_metric(metric_sink, "foreign_labels", (double)foreign, f);
	return st;
}

static enum oqz_status task_explain(void *self, const struct oqz_record *record, char *text, size_t size,
                                    struct oqz_failure *f)
{
	struct record r;
	enum oqz_status st = record_read(self, record, &r, f);

	if (st == OQZ_OK)
		snprintf(text, size, "'%.*s' %.3f, label '%.*s'", (int)r.text_size, r.text, r.confidence,
		         (int)r.label_size, r.label);
	return st;
}

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
	{ .name = "output",
	  .type = OQZ_P_STRING,
	  .dflt = "",
	  .help = "the model's output that holds the scores; empty: its only one" },
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
	.score = task_score,
	.finish = task_finish,
	.explain = task_explain,
	.judge = common_judge,
};

OQZ_PLUGIN_EXPORT(task)
