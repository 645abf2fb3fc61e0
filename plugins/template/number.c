/* SPDX-License-Identifier: Apache-2.0
 *
 * Example of an oqz task: a model that answers each image with one number (an age, a temperature, a count), judged by
 * how far it is off. Copy it, rename it, and change what items() reads, what score() keeps of an answer, and what
 * finish() makes of all that was kept.
 *
 * Labels are lines "file number" in the data set's list.
 */
#include <oqz/task.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One instance is one data set with one set of parameters; several live at once. */
struct number {
	const struct oqz_task_host *host;
	const char *root, *list;
	int64_t element;
	double *labels; /* by item; the item's tag counts them */
	size_t n;
};

/* What is kept of an image: the answer and the label, so that figures come from records alone. */
struct record {
	double answer, label;
};

static enum oqz_status number_open(const struct oqz_task_host *host, const struct oqz_params *params,
                                   const struct oqz_params *dataset, void **ret, struct oqz_failure *f)
{
	const struct oqz_host *base = host->base;
	struct number *t = base->alloc(sizeof *t);

	if (!t)
		return base->fail(f, OQZ_E_NOMEM, "out of memory");
	t->host = host;
	t->element = base->param_int(params, "element");
	t->root = base->param_string(dataset, "root"); /* borrowed: it lives as long as the instance */
	t->list = base->param_string(dataset, "list");
	*ret = t;
	return OQZ_OK;
}

static void number_close(void *self)
{
	struct number *t = self;

	t->host->base->free_mem(t->labels);
	t->host->base->free_mem(t);
}

static enum oqz_status add_line(struct number *t, const char *line, void *sink, struct oqz_failure *f)
{
	const struct oqz_host *base = t->host->base;
	char file[200], path[1000];
	double label;

	if (sscanf(line, "%199s %lf", file, &label) != 2 || !isfinite(label))
		return base->fail(f, OQZ_E_DATA, "%s: '%s' is not a file and a number", t->list, line);
	if (snprintf(path, sizeof path, "%s/%s", t->root, file) >= (int)sizeof path)
		return base->fail(f, OQZ_E_DATA, "%s: '%s' is too long a path", t->list, file);
	const struct oqz_item item = { .id = file, .image = path, .tag = t->n };
	t->labels[t->n++] = label;
	return t->host->add_item(sink, &item, f);
}

static enum oqz_status number_items(void *self, void *sink, struct oqz_failure *f)
{
	struct number *t = self;
	const struct oqz_host *base = t->host->base;
	enum oqz_status st;
	size_t size, lines = 1;
	char *text;

	st = base->read_file(t->list, &text, &size, f);
	if (st != OQZ_OK)
		return st;
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	base->free_mem(t->labels);
	t->n = 0;
	t->labels = base->alloc(lines * sizeof *t->labels);
	st = t->labels ? OQZ_OK : base->fail(f, OQZ_E_NOMEM, "out of memory");
	char *end = text;
	for (char *line = text; st == OQZ_OK && *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = 0;
		if (*line)
			st = add_line(t, line, sink, f);
	}
	base->free_mem(text);
	return st;
}

/* Called from several threads at once: reads the instance, writes nothing to it. */
static enum oqz_status number_score(void *self, const struct oqz_item *item, const struct oqz_output *outputs,
                                    size_t n_outputs, const struct oqz_geometry *geometry, void *record_sink,
                                    struct oqz_failure *f)
{
	const struct number *t = self;
	const struct oqz_view *v = &outputs[0].view;
	int64_t elements = 1;

	(void)geometry;
	for (int32_t i = 0; n_outputs && i < v->shape.rank; i++)
		elements *= v->shape.dim[i];
	if (!n_outputs || v->dtype != OQZ_DT_F32 || t->element >= elements)
		return t->host->base->fail(f, OQZ_E_MISMATCH, "the model's first output has no float element %lld",
		                           (long long)t->element);
	const struct record r = { ((const float *)v->data)[t->element], t->labels[item->tag] };
	return t->host->add_record(record_sink, &r, sizeof r, f);
}

static enum oqz_status read_record(const struct number *t, const struct oqz_record *from, struct record *ret,
                                   struct oqz_failure *f)
{
	if (from->size != sizeof *ret)
		return t->host->base->fail(f, OQZ_E_DATA, "a record of %zu bytes that is not of this task", from->size);
	memcpy(ret, from->data, sizeof *ret);
	if (!isfinite(ret->answer) || !isfinite(ret->label))
		return t->host->base->fail(f, OQZ_E_DATA, "the model's answer is not a number");
	return OQZ_OK;
}

/* Records may repeat (that is how the bootstrap resamples), and those of failed images have no data. */
static enum oqz_status number_finish(void *self, const struct oqz_record *records, size_t n, void *metric_sink,
                                     struct oqz_failure *f)
{
	const struct number *t = self;
	double sum = 0, largest = 0;
	size_t counted = 0;

	for (size_t i = 0; i < n; i++) {
		struct record r;
		if (!records[i].data)
			continue;
		enum oqz_status st = read_record(t, &records[i], &r, f);
		if (st != OQZ_OK)
			return st;
		double off = fabs(r.answer - r.label);
		sum += off;
		largest = off > largest ? off : largest;
		counted++;
	}
	if (!counted)
		return t->host->base->fail(f, OQZ_E_DATA, "none of the %zu images was scored", n);
	enum oqz_status st = t->host->set_metric(metric_sink, "off", sum / (double)counted, f);
	return st == OQZ_OK ? t->host->set_metric(metric_sink, "largest", largest, f) : st;
}

/* The words below a sample picture in the report. */
static enum oqz_status number_explain(void *self, const struct oqz_record *record, char *text, size_t size,
                                      struct oqz_failure *f)
{
	struct record r;
	enum oqz_status st = read_record(self, record, &r, f);

	if (st == OQZ_OK)
		snprintf(text, size, "%.4g, label %.4g", r.answer, r.label);
	return st;
}

static const struct oqz_param params[] = {
	{ .name = "element",
	  .type = OQZ_P_INT,
	  .dflt = "0",
	  .max = 1e9,
	  .help = "which element of the model's first output is the answer" },
	{ 0 },
};

static const struct oqz_param dataset_params[] = {
	{ .name = "root", .type = OQZ_P_PATH, .help = "folder of the images" },
	{ .name = "list", .type = OQZ_P_PATH, .help = "file of lines: image, number" },
	{ 0 },
};

/* The first one is the primary metric. Means over images are tested by the bootstrap. */
static const struct oqz_metric metrics[] = {
	{ "off", OQZ_UNIT_SCALAR, OQZ_TEST_BOOTSTRAP, false, 0, 0, "distance from the label, mean over images" },
	{ "largest", OQZ_UNIT_SCALAR, OQZ_TEST_NONE, false, 0, 0, "largest distance from a label" },
	{ 0 },
};

static const struct oqz_task number = {
	.base = { OQZ_PLUGIN_HEAD(OQZ_KIND_TASK, struct oqz_task), .name = "number", .version = "0.1",
	          .licence = "Apache-2.0", .summary = "one number per image, by its distance from the label",
	          .params = params },
	.metrics = metrics,
	.dataset_params = dataset_params,
	.open = number_open,
	.close = number_close,
	.items = number_items,
	.score = number_score,
	.finish = number_finish,
	.explain = number_explain,
};

OQZ_PLUGIN_EXPORT(number)
