/* SPDX-License-Identifier: Apache-2.0
 *
 * What every built task must keep: its life cycle, memory given back, one instance not disturbing another, the same
 * record for the same outputs (also from several threads), figures from records alone, no trust in damaged records. A
 * task needs a data set, so each one has a row in `fixtures`.
 */
#include "core/base/file.h"
#include "core/base/params.h"
#include "core/base/rng.h"
#include "plugins/host.h"
#include "plugins/task_instance.h"
#include "tests/contract/fake.h"
#include "tests/support/task_bench.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* -------------------------------------------------------------------------------------------------- fixtures */

enum { MAX_OUTPUTS = 4, MAX_VALUES = 4096 };

struct outputs {
	struct oqz_output v[MAX_OUTPUTS];
	size_t n;
	float values[MAX_OUTPUTS][MAX_VALUES];
};

struct fixture {
	const char *task;
	/* Writes a data set into `dir` and gives the data set's parameters. */
	const char *(*dataset)(const char *dir);
	/* Outputs of a pretended model for the item with this number. */
	void (*outputs)(uint64_t number, struct outputs *ret);
	/* How the pretended model saw the images; NULL: 640 x 480 squeezed into 224 x 224. */
	const struct oqz_geometry *geometry;
};

static void write_text(const char *dir, const char *name, const char *text)
{
	char path[900];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	ck_ok(oqz_file_write(path, text, strlen(text), err));
}

static const char *classification_dataset(const char *dir)
{
	static char params[2000];

	write_text(dir, "list.txt", "a.png 0\nb.png 3\nc.png 9\nd.png 3\n");
	snprintf(params, sizeof params, "reader=list,root=%s,list=%s/list.txt", dir, dir);
	return params;
}

static void classification_outputs(uint64_t number, struct outputs *ret)
{
	struct oqz_rng rng;

	oqz_rng_init(&rng, number);
	for (int i = 0; i < 10; i++)
		ret->values[0][i] = (float)oqz_rng_normal(&rng);
	ret->v[0] = (struct oqz_output) { "scores", { OQZ_DT_F32, { 2, { 1, 10 } }, ret->values[0] } };
	ret->n = 1;
}

static const char *detection_dataset(const char *dir)
{
	static char params[2000];

	write_text(dir, "instances.json",
	           "{\"images\": [{\"id\": 2, \"file_name\": \"b.jpg\"}, {\"id\": 1, \"file_name\": \"a.jpg\"}],"
	           " \"categories\": [{\"id\": 1, \"name\": \"x\"}, {\"id\": 7, \"name\": \"y\"}], \"annotations\": ["
	           "{\"id\": 1, \"image_id\": 1, \"category_id\": 1, \"bbox\": [100, 100, 200, 200], \"area\": 4e4},"
	           "{\"id\": 2, \"image_id\": 2, \"category_id\": 7, \"bbox\": [1, 1, 9, 9], \"area\": 80}]}");
	snprintf(params, sizeof params, "root=%s,annotations=%s/instances.json", dir, dir);
	return params;
}

/* Rows of centre, size, objectness, two classes. */
static void detection_outputs(uint64_t number, struct outputs *ret)
{
	struct oqz_rng rng;

	oqz_rng_init(&rng, number);
	for (int i = 0; i < 20 * 7; i++)
		ret->values[0][i] = (float)(oqz_rng_f64(&rng) * (i % 7 < 4 ? 200 : 1));
	ret->v[0] = (struct oqz_output) { "rows", { OQZ_DT_F32, { 3, { 1, 20, 7 } }, ret->values[0] } };
	ret->n = 1;
}

/* Two images of 16 x 12 pixels, enlarged to 32 x 24. */
static const struct oqz_geometry superres_geometry = { 16, 12, 16, 12, 1, 1, 0, 0 };

static const char *superres_dataset(const char *dir)
{
	static char params[2000];
	uint8_t pixels[24 * 32 * 3];
	struct oqz_rng rng;

	oqz_rng_init(&rng, 5);
	for (size_t i = 0; i < sizeof pixels; i++)
		pixels[i] = (uint8_t)(oqz_rng_u64(&rng) >> 56);
	test_write_png(dir, "hr/a.png", pixels, 32, 24, 3);
	test_write_png(dir, "hr/b.png", pixels, 32, 24, 3);
	test_write_text(dir, "lr/ax4.png", "never read by the task");
	test_write_text(dir, "lr/bx4.png", "never read by the task");
	snprintf(params, sizeof params, "lr=%s/lr,hr=%s/hr", dir, dir);
	return params;
}

static void superres_outputs(uint64_t number, struct outputs *ret)
{
	struct oqz_rng rng;

	oqz_rng_init(&rng, number);
	for (int i = 0; i < 3 * 24 * 32; i++)
		ret->values[0][i] = (float)(0.5 + 0.3 * oqz_rng_normal(&rng));
	ret->v[0] = (struct oqz_output) { "image", { OQZ_DT_F32, { 4, { 1, 3, 24, 32 } }, ret->values[0] } };
	ret->n = 1;
}

/* Logits of half the size of 16 x 12 labels. */
static const char *segmentation_dataset(const char *dir)
{
	static char params[2000];
	uint8_t codes[16 * 12];

	for (int i = 0; i < 16 * 12; i++)
		codes[i] = i % 11 == 0 ? 0 : i % 2 ? 7 : 26;
	test_write_png(dir, "gtFine/val/x/a_gtFine_labelIds.png", codes, 16, 12, 1);
	test_write_png(dir, "gtFine/val/x/b_gtFine_labelIds.png", codes, 16, 12, 1);
	test_write_text(dir, "leftImg8bit/val/x/a_leftImg8bit.png", "never read by the task");
	test_write_text(dir, "leftImg8bit/val/x/b_leftImg8bit.png", "never read by the task");
	snprintf(params, sizeof params, "root=%s", dir);
	return params;
}

static void segmentation_outputs(uint64_t number, struct outputs *ret)
{
	struct oqz_rng rng;

	oqz_rng_init(&rng, number);
	for (int i = 0; i < 19 * 6 * 8; i++)
		ret->values[0][i] = (float)oqz_rng_normal(&rng);
	ret->v[0] = (struct oqz_output) { "logits", { OQZ_DT_F32, { 4, { 1, 19, 6, 8 } }, ret->values[0] } };
	ret->n = 1;
}

#define NOSE(x, y)                                                                                               \
	"[" #x "," #y ",2, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, " \
	"0,0,0, 0,0,0, 0,0,0, 0,0,0]"
#define PERSON(id, x, y, w)                                                                                         \
	"{\"id\": " #id ", \"image_id\": " #id ", \"category_id\": 1, \"bbox\": [" #x ", " #y ", " #w ", " #w "], " \
	"\"area\": 8000, \"keypoints\": " NOSE(x, y) "}"

static const char *pose_dataset(const char *dir)
{
	static char params[2000];

	write_text(dir, "persons.json",
	           "{\"images\": [{\"id\": 2, \"file_name\": \"b.jpg\"}, {\"id\": 1, \"file_name\": \"a.jpg\"}],"
	           " \"categories\": [{\"id\": 1, \"name\": \"person\"}], \"annotations\": [" PERSON(
	               1, 150, 100, 200) "," PERSON(2, 20, 10, 90) "]}");
	snprintf(params, sizeof params, "root=%s,annotations=%s/persons.json", dir, dir);
	return params;
}

static void pose_outputs(uint64_t number, struct outputs *ret)
{
	struct oqz_rng rng;

	oqz_rng_init(&rng, number);
	for (int i = 0; i < 17 * 16 * 12; i++)
		ret->values[0][i] = (float)oqz_rng_normal(&rng);
	ret->v[0] = (struct oqz_output) { "heatmaps", { OQZ_DT_F32, { 4, { 1, 17, 16, 12 } }, ret->values[0] } };
	ret->n = 1;
}

static const char *ocr_dataset(const char *dir)
{
	static char params[2000];

	write_text(dir, "labels.txt", "a.png\tabc\nb.png\tx y\nc.png\tQ\n");
	snprintf(params, sizeof params, "root=%s,list=%s/labels.txt", dir, dir);
	return params;
}

static void ocr_outputs(uint64_t number, struct outputs *ret)
{
	struct oqz_rng rng;

	oqz_rng_init(&rng, number);
	for (int i = 0; i < 10 * 37; i++)
		ret->values[0][i] = (float)oqz_rng_f64(&rng);
	ret->v[0] = (struct oqz_output) { "scores", { OQZ_DT_F32, { 3, { 1, 10, 37 } }, ret->values[0] } };
	ret->n = 1;
}

static const struct fixture fixtures[] = {
	{ "ocr", ocr_dataset, ocr_outputs, NULL },
	{ "classification", classification_dataset, classification_outputs, NULL },
	{ "detection", detection_dataset, detection_outputs, NULL },
	{ "pose", pose_dataset, pose_outputs, NULL },
	{ "segmentation", segmentation_dataset, segmentation_outputs, &superres_geometry },
	{ "superres", superres_dataset, superres_outputs, &superres_geometry },
};

static const struct fixture *fixture_of(const char *task)
{
	for (size_t i = 0; i < OQZ_COUNTOF(fixtures); i++)
		if (strcmp(fixtures[i].task, task) == 0)
			return &fixtures[i];
	ck_abort_msg("task %s has no row in tests/contract/test_task_contract.c", task);
	return NULL;
}

/* -------------------------------------------------------------------------------------------------- an instance */

struct instance {
	const struct oqz_module *m;
	const struct fixture *fix;
	struct oqz_params *params, *dataset;
	struct oqz_task_instance *t;
	struct oqz_item_list items;
};

static const char *dataset_of(const struct fixture *fix)
{
	char name[100];

	snprintf(name, sizeof name, "contract-%s", fix->task);
	return fix->dataset(test_tmpdir(name));
}

static bool open_instance(struct instance *in, const struct oqz_module *m, const char *params)
{
	struct oqz_err why = { 0 };
	const struct oqz_task *task = &m->desc.task;

	memset(in, 0, sizeof *in);
	in->m = m;
	in->fix = fixture_of(task->base.name);
	ck_ok(oqz_params_parse(task->base.params, params, "task", &in->params, err));
	ck_ok(oqz_params_parse(task->dataset_params, dataset_of(in->fix), "data set", &in->dataset, err));
	/* The fake host checks that messages go to itself, so it is handed over as it is. */
	enum oqz_status st =
	    oqz_task_open(m, (const struct oqz_plugin_host *)&fake_host, in->params, in->dataset, &in->t, &why);
	if (st == OQZ_OK) {
		ck_ok(oqz_task_items(in->t, &in->items, err));
		return true;
	}
	ck_assert_msg(!strstr(why.msg, "without saying why"), "%s", why.msg);
	oqz_params_free(in->params);
	oqz_params_free(in->dataset);
	return false;
}

static void close_instance(struct instance *in)
{
	oqz_item_list_release(&in->items);
	oqz_task_close(in->t);
	oqz_params_free(in->params);
	oqz_params_free(in->dataset);
}

/* All records of the data set; `records` and `bytes` have room for its items. False when the task refuses, with a
 * reason. */
enum { MAX_ITEMS = 16 };
struct results {
	struct oqz_record records[MAX_ITEMS];
	struct oqz_str bytes[MAX_ITEMS];
	double values[64];
	size_t n, n_values;
};

static bool score_one(struct instance *in, size_t i, struct oqz_str *bytes)
{
	struct outputs out;
	struct oqz_err why = { 0 };
	const struct oqz_geometry geometry = { 640, 480, 224, 224, 0.35, 224.0 / 480, 0, 0 };

	in->fix->outputs(i, &out);
	const struct oqz_geometry *g = in->fix->geometry ? in->fix->geometry : &geometry;
	enum oqz_status st = oqz_task_score(in->t, &in->items.items.v[i], out.v, out.n, g, bytes, &why);
	ck_assert_msg(st == OQZ_OK || !strstr(why.msg, "without saying why"), "%s", why.msg);
	return st == OQZ_OK;
}

static bool run(struct instance *in, struct results *r)
{
	memset(r, 0, sizeof *r);
	r->n = in->items.items.n;
	ck_assert(r->n <= MAX_ITEMS);
	for (size_t i = 0; i < r->n; i++) {
		if (!score_one(in, i, &r->bytes[i]))
			return false;
		r->records[i] = (struct oqz_record) { r->bytes[i].s, r->bytes[i].len, in->items.items.v[i].tag };
	}
	oqz_task_metrics(in->t, &r->n_values);
	ck_assert(r->n_values <= OQZ_COUNTOF(r->values));
	ck_ok(oqz_task_finish(in->t, r->records, r->n, r->values, err));
	return true;
}

static void release(struct results *r)
{
	for (size_t i = 0; i < r->n; i++)
		oqz_str_release(&r->bytes[i]);
}

static void ck_equal(const char *name, const struct results *a, const struct results *b)
{
	ck_assert_msg(a->n == b->n && a->n_values == b->n_values, "%s: other counts", name);
	for (size_t i = 0; i < a->n; i++)
		ck_assert_msg(a->bytes[i].len == b->bytes[i].len &&
		                  memcmp(a->bytes[i].s, b->bytes[i].s, a->bytes[i].len) == 0,
		              "%s: record %zu differs", name, i);
	ck_assert_msg(memcmp(a->values, b->values, sizeof a->values) == 0, "%s: figures differ", name);
}

/* -------------------------------------------------------------------------------------------------- rules */

START_TEST(every_parameter_set_scores_or_says_why)
{
	fake_modules_t all = fake_open_all(OQZ_KIND_TASK);
	const char *params;

	for (size_t m = 0; m < all.n; m++) {
		for (size_t i = 0; (params = fake_params(all.v[m]->desc.base.params, "", i)) != NULL; i++) {
			struct instance in;
			struct results r;
			fake_reset();
			bool opened = open_instance(&in, all.v[m], params);
			ck_assert_msg(opened || i > 0, "%s: the defaults are refused: %s", all.v[m]->desc.base.name,
			              fake.message);
			if (!opened)
				continue;
			bool scored = run(&in, &r);
			ck_assert_msg(scored || i > 0, "%s: the fixture is refused: %s", all.v[m]->desc.base.name,
			              fake.message);
			release(&r);
			close_instance(&in);
		}
	}
	fake_reset();
	fake_close_all(&all);
}
END_TEST

START_TEST(same_outputs_same_record)
{
	fake_modules_t all = fake_open_all(OQZ_KIND_TASK);

	ck_assert_uint_gt(all.n, 0);
	for (size_t m = 0; m < all.n; m++) {
		const char *name = all.v[m]->desc.base.name, *params;
		struct instance a, b;
		struct results once, again, beside;
		ck_assert(open_instance(&a, all.v[m], ""));
		ck_assert(run(&a, &once) && run(&a, &again));
		ck_equal(name, &once, &again);
		release(&again);
		for (size_t i = 1; (params = fake_params(all.v[m]->desc.base.params, "", i)) != NULL; i++) {
			if (!open_instance(&b, all.v[m], params))
				continue;
			run(&b, &beside);
			ck_assert(run(&a, &again));
			ck_equal(name, &once, &again);
			release(&beside);
			release(&again);
			close_instance(&b);
		}
		release(&once);
		close_instance(&a);
		fake_reset();
	}
	fake_close_all(&all);
}
END_TEST

START_TEST(figures_come_from_records_alone)
{
	fake_modules_t all = fake_open_all(OQZ_KIND_TASK);

	for (size_t m = 0; m < all.n; m++) {
		struct instance a, fresh;
		struct results r;
		double values[64] = { 0 }, doubled[64] = { 0 };
		struct oqz_record twice[2 * MAX_ITEMS];
		ck_assert(open_instance(&a, all.v[m], "") && run(&a, &r));
		close_instance(&a);
		/* Another instance, later, that has scored nothing. */
		ck_assert(open_instance(&fresh, all.v[m], ""));
		ck_ok(oqz_task_finish(fresh.t, r.records, r.n, values, err));
		ck_assert_msg(memcmp(values, r.values, sizeof values) == 0, "%s: figures depend on who scored",
		              fresh.fix->task);
		/* Records may repeat (bootstrap), and failed images have none. */
		for (size_t i = 0; i < r.n; i++)
			twice[2 * i] = twice[2 * i + 1] = r.records[i];
		ck_ok(oqz_task_finish(fresh.t, twice, 2 * r.n, doubled, err));
		twice[0].data = NULL;
		twice[0].size = 0;
		ck_ok(oqz_task_finish(fresh.t, twice, 2 * r.n, doubled, err));
		release(&r);
		close_instance(&fresh);
		fake_reset();
	}
	fake_close_all(&all);
}
END_TEST

START_TEST(damaged_records_are_survived)
{
	fake_modules_t all = fake_open_all(OQZ_KIND_TASK);

	for (size_t m = 0; m < all.n; m++) {
		struct instance in;
		struct results r;
		double values[64];
		char text[200];
		ck_assert(open_instance(&in, all.v[m], "") && run(&in, &r));
		for (size_t n = 1; n <= r.bytes[0].len; n++) {
			char *copy = malloc(n); /* exact size, so that a memory checker sees an overrun */
			struct oqz_err why = { 0 };
			memcpy(copy, r.bytes[0].s, n);
			for (int flip = 0; flip < 2; flip++) {
				const struct oqz_record damaged = { copy, n, 0 };
				enum oqz_status st = oqz_task_finish(in.t, &damaged, 1, values, &why);
				ck_assert_msg(st == OQZ_OK || !strstr(why.msg, "without saying why"), "%s", why.msg);
				ck_assert_msg(st != OQZ_OK || n == r.bytes[0].len,
				              "%s: %zu of %zu bytes are taken for a record", in.fix->task, n,
				              r.bytes[0].len);
				oqz_task_explain(in.t, &damaged, text, sizeof text, &why);
				copy[n / 2] ^= 0x55;
			}
			free(copy);
		}
		release(&r);
		close_instance(&in);
		fake_reset();
	}
	fake_close_all(&all);
}
END_TEST

struct worker {
	struct instance *in;
	const struct results *want;
	bool same;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	w->same = true;
	for (int round = 0; round < 200; round++) {
		struct oqz_str bytes = { 0 };
		size_t i = (size_t)round % w->want->n;
		w->same &= score_one(w->in, i, &bytes) && bytes.len == w->want->bytes[i].len &&
		           memcmp(bytes.s, w->want->bytes[i].s, bytes.len) == 0;
		oqz_str_release(&bytes);
	}
	return NULL;
}

START_TEST(score_is_thread_safe)
{
	fake_modules_t all = fake_open_all(OQZ_KIND_TASK);

	for (size_t m = 0; m < all.n; m++) {
		struct instance in;
		struct results r;
		struct worker w[4];
		pthread_t threads[4];
		ck_assert(open_instance(&in, all.v[m], "") && run(&in, &r));
		for (int i = 0; i < 4; i++) {
			w[i] = (struct worker) { &in, &r, false };
			ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &w[i]), 0);
		}
		for (int i = 0; i < 4; i++) {
			pthread_join(threads[i], NULL);
			ck_assert_msg(w[i].same, "%s: other records from threads", in.fix->task);
		}
		release(&r);
		close_instance(&in);
		fake_reset();
	}
	fake_close_all(&all);
}
END_TEST

OQZ_TEST_MAIN("task contract", every_parameter_set_scores_or_says_why, same_outputs_same_record,
              figures_come_from_records_alone, damaged_records_are_survived, score_is_thread_safe)
