/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tasks draw for the report's sample pictures: a case per task whose truth and answer are known, on a canvas
 * that keeps the calls as they come. What becomes of them is test_drawing's.
 */
#include "tests/support/task_bench.h"

#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------------------------------------------- the canvas */

enum { MAX_MARKS = 64, MAX_PIXELS = 128 * 128 * 4 };
enum kind { BOX, PATH, PICTURE, VIEW };

struct mark {
	enum kind kind;
	double box[4]; /* PATH: its first and its last point */
	size_t n;      /* points of a PATH */
	uint32_t colour;
	char label[100];
	int32_t width, height, channels;
	uint8_t *pixels;
};

struct paper {
	struct oqz_canvas canvas; /* first, so that its callbacks find the rest */
	struct mark marks[MAX_MARKS];
	size_t n;
};

static struct mark *next_mark(struct oqz_canvas *c, enum kind kind, const double box[4])
{
	struct paper *p = (struct paper *)c;

	ck_assert_uint_lt(p->n, MAX_MARKS);
	struct mark *m = &p->marks[p->n++];
	*m = (struct mark) { .kind = kind };
	if (box)
		memcpy(m->box, box, sizeof m->box);
	return m;
}

static enum oqz_status on_box(struct oqz_canvas *c, const double box[4], uint32_t colour, const char *label,
                              struct oqz_err *err)
{
	struct mark *m = next_mark(c, BOX, box);

	m->colour = colour;
	snprintf(m->label, sizeof m->label, "%s", label);
	return OQZ_OK;
}

static enum oqz_status on_path(struct oqz_canvas *c, const double (*points)[2], size_t n, uint32_t colour,
                               struct oqz_err *err)
{
	struct mark *m =
	    next_mark(c, PATH, (double[]) { points[0][0], points[0][1], points[n - 1][0], points[n - 1][1] });

	m->n = n;
	m->colour = colour;
	return OQZ_OK;
}

static enum oqz_status on_picture(struct oqz_canvas *c, const struct oqz_picture *p, const double box[4],
                                  struct oqz_err *err)
{
	struct mark *m = next_mark(c, PICTURE, box);
	size_t size = (size_t)p->width * (size_t)p->height * (size_t)p->channels;

	ck_assert_uint_le(size, MAX_PIXELS);
	m->width = p->width;
	m->height = p->height;
	m->channels = p->channels;
	m->pixels = malloc(size);
	ck_assert_ptr_nonnull(m->pixels);
	memcpy(m->pixels, p->data, size);
	return OQZ_OK;
}

static enum oqz_status on_view(struct oqz_canvas *c, const double box[4], struct oqz_err *err)
{
	next_mark(c, VIEW, box);
	return OQZ_OK;
}

static void wipe(struct paper *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->marks[i].pixels);
	*p = (struct paper) { .canvas = { on_box, on_path, on_picture, on_view } };
}

static size_t item_of(const struct task_bench *b, const char *id)
{
	for (size_t i = 0; i < b->items.items.n; i++)
		if (strcmp(b->items.items.v[i].id, id) == 0)
			return i;
	ck_abort_msg("no item '%s'; the first is '%s'", id, b->items.items.v[0].id);
	return 0;
}

/* Draws the truth (o NULL), or what the outputs say. */
static void draw(struct task_bench *b, size_t i, const struct oqz_output *o, size_t n, const struct oqz_geometry *g,
                 struct paper *p)
{
	const struct oqz_item *item = &b->items.items.v[i];
	struct oqz_record record = { 0 };

	wipe(p);
	if (o) {
		ck_ok(task_bench_score(b, i, o, n, g, err));
		record = (struct oqz_record) { b->records[i].s, b->records[i].len, item->tag };
	}
	ck_ok(oqz_task_draw(b->task, item, o ? &record : NULL, o, n, g, &p->canvas, err));
}

static void ck_mark(const struct mark *m, enum kind kind, double x0, double y0, double x1, double y1)
{
	ck_assert_int_eq(m->kind, kind);
	ck_assert_double_eq_tol(m->box[0], x0, 1e-4);
	ck_assert_double_eq_tol(m->box[1], y0, 1e-4);
	ck_assert_double_eq_tol(m->box[2], x1, 1e-4);
	ck_assert_double_eq_tol(m->box[3], y1, 1e-4);
}

/* -------------------------------------------------------------------------------------------------- the tasks */

/* six Chinese characters of three bytes */
#define SIX "\xe5\xad\x97\xe5\xad\x97\xe5\xad\x97\xe5\xad\x97\xe5\xad\x97\xe5\xad\x97"

/* The second category has a name of which a label's 60 bytes would end within a character. */
START_TEST(detection_draws_boxes)
{
	/* A hit, a false alarm, and one too unsure to be shown; the network sees half the image's size. */
	static const float rows[3][7] = { { 100, 100, 100, 100, 1, 0.9F, 0 },
		                          { 250, 200, 20, 40, 1, 0, 0.6F },
		                          { 20, 20, 20, 20, 1, 0.2F, 0 } };
	const struct oqz_geometry g = { 640, 480, 320, 240, 0.5, 0.5, 0, 0 };
	const struct oqz_output o = { "rows", { OQZ_DT_F32, { 3, { 1, 3, 7 } }, rows } };
	const char *dir = test_tmpdir("draw-detection");
	struct task_bench b;
	struct paper p = { 0 };

	test_write_text(dir, "instances.json",
	                "{\"images\": [{\"id\": 1, \"file_name\": \"a.jpg\", \"width\": 640, \"height\": 480}],"
	                " \"categories\": [{\"id\": 1, \"name\": \"cat\"}, {\"id\": 7, \"name\": \"do" SIX SIX SIX SIX "\"}], "
	                "\"annotations\": [{\"id\": 1, \"image_id\": 1, \"category_id\": 1, \"iscrowd\": 0, "
	                "\"bbox\": [100, 100, 200, 200], \"area\": 4e4}]}");
	ck_ok(task_bench_open(&b, "detection", dir, "", "root=@,annotations=@/instances.json", err));
	draw(&b, 0, NULL, 0, &g, &p);
	ck_assert_uint_eq(p.n, 1);
	ck_mark(&p.marks[0], BOX, 100, 100, 300, 300);
	ck_assert_str_eq(p.marks[0].label, "cat");
	uint32_t truth = p.marks[0].colour;
	draw(&b, 0, &o, 1, &g, &p);
	ck_assert_uint_eq(p.n, 2); /* the best last, on top */
	ck_mark(&p.marks[0], BOX, 480, 360, 520, 440);
	ck_assert_str_eq(p.marks[0].label, "do" SIX SIX SIX "\xe5\xad\x97\xe2\x80\xa6 0.60");
	ck_mark(&p.marks[1], BOX, 100, 100, 300, 300);
	ck_assert_str_eq(p.marks[1].label, "cat 0.90");
	ck_assert(p.marks[0].colour != p.marks[1].colour && p.marks[1].colour != truth);
	wipe(&p);
	task_bench_close(&b);
}
END_TEST

START_TEST(segmentation_draws_classes)
{
	/* Road to the left of column 8, cars behind it, column 3 nothing that counts. The lane takes all for road. */
	enum { W = 16, H = 12, VOID = 3 };
	static float logits[19][H][W];
	uint8_t codes[H][W];
	const struct oqz_geometry g = { W, H, W, H, 1, 1, 0, 0 };
	const struct oqz_output o = { "logits", { OQZ_DT_F32, { 4, { 1, 19, H, W } }, logits } };
	const char *dir = test_tmpdir("draw-segmentation");
	struct task_bench b;
	struct paper p = { 0 };

	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++) {
			codes[y][x] = x == VOID ? 0 : x < 8 ? 7 : 26;
			logits[0][y][x] = 1;
		}
	test_write_png(dir, "gtFine/val/x/a_gtFine_labelIds.png", codes[0], W, H, 1);
	test_write_text(dir, "leftImg8bit/val/x/a_leftImg8bit.png", "never read by the task");
	ck_ok(task_bench_open(&b, "segmentation", dir, "", "root=@", err));
	draw(&b, 0, NULL, 0, &g, &p);
	ck_assert_uint_eq(p.n, 1);
	ck_mark(&p.marks[0], PICTURE, 0, 0, W, H);
	const struct mark *m = &p.marks[0];
	ck_assert(m->width == W && m->height == H && m->channels == 4);
	uint8_t road[4];
	memcpy(road, m->pixels, 4);
	for (int i = 0; i < W * H; i++) {
		const uint8_t *v = m->pixels + 4 * i;
		if (i % W == VOID)
			ck_assert_uint_eq(v[3], 0);
		else
			ck_assert(v[3] == road[3] && v[3] > 0 && (memcmp(v, road, 3) == 0) == (i % W < 8));
	}
	draw(&b, 0, &o, 1, &g, &p);
	ck_assert_uint_eq(p.n, 1);
	ck_mark(&p.marks[0], PICTURE, 0, 0, W, H);
	for (int i = 0; i < W * H; i++) { /* all is said to be road: black where it is not, as far as that is known */
		const uint8_t *v = p.marks[0].pixels + 4 * i;
		if (i % W < 8 || i % W == VOID)
			ck_assert_int_eq(memcmp(v, road, 4), 0);
		else
			ck_assert(v[0] == 0 && v[1] == 0 && v[2] == 0 && v[3] > road[3]);
	}
	wipe(&p);
	task_bench_close(&b);
}
END_TEST

START_TEST(superres_draws_the_window_with_most_texture)
{
	/* The reference is twice as large as the image, flat but for its lower right corner. */
	enum { SMALL = 64, LARGE = 128 };
	static uint8_t hr[LARGE][LARGE][3];
	static float out[3][LARGE][LARGE];
	const struct oqz_geometry g = { SMALL, SMALL, SMALL, SMALL, 1, 1, 0, 0 };
	const struct oqz_output o = { "image", { OQZ_DT_F32, { 4, { 1, 3, LARGE, LARGE } }, out } };
	const char *dir = test_tmpdir("draw-superres");
	struct task_bench b;
	struct paper p = { 0 };

	for (int y = 0; y < LARGE; y++)
		for (int x = 0; x < LARGE; x++) {
			hr[y][x][0] = 50;
			hr[y][x][1] = y >= 96 && x >= 96 ? (uint8_t)((x + y) % 2 * 200) : 100;
			hr[y][x][2] = 150;
			out[0][y][x] = 0.2F;
			out[1][y][x] = 0.4F;
			out[2][y][x] = x == 5 && y == 7 ? 1.2F : 0;
		}
	test_write_png(dir, "hr/a.png", hr[0][0], LARGE, LARGE, 3);
	test_write_text(dir, "lr/ax4.png", "never read by the task");
	ck_ok(task_bench_open(&b, "superres", dir, "", "lr=@/lr,hr=@/hr", err));
	draw(&b, 0, NULL, 0, &g, &p);
	ck_assert_uint_eq(p.n, 2);
	ck_mark(&p.marks[0], VIEW, 16, 16, 64, 64);
	ck_mark(&p.marks[1], PICTURE, 0, 0, SMALL, SMALL);
	ck_assert(p.marks[1].width == LARGE && p.marks[1].height == LARGE && p.marks[1].channels == 3);
	ck_assert_int_eq(memcmp(p.marks[1].pixels, hr, sizeof hr), 0);
	draw(&b, 0, &o, 1, &g, &p);
	ck_assert_uint_eq(p.n, 1);
	ck_mark(&p.marks[0], PICTURE, 0, 0, SMALL, SMALL);
	for (int i = 0; i < LARGE * LARGE; i++) {
		const uint8_t want[3] = { 51, 102, i == 7 * LARGE + 5 ? 255 : 0 };
		ck_assert_int_eq(memcmp(p.marks[0].pixels + 3 * i, want, 3), 0);
	}
	wipe(&p);
	task_bench_close(&b);
}
END_TEST

START_TEST(pose_draws_joints_and_bones)
{
	/* Nose and left eye, which a bone joins, are found; all other maps say nothing. */
	enum { W = 12, H = 16 };
	static float maps[17][H][W];
	const struct oqz_geometry g = { 400, 400, 4 * W, 4 * H, 0.5, 0.5, 0, 0 };
	const struct oqz_output o = { "heatmaps", { OQZ_DT_F32, { 4, { 1, 17, H, W } }, maps } };
	const char *dir = test_tmpdir("draw-pose");
	struct task_bench b;
	struct paper p = { 0 };

	maps[0][4][5] = 0.9F;
	maps[1][3][6] = 0.8F;
	test_write_text(dir, "persons.json",
	                "{\"images\": [{\"id\": 1, \"file_name\": \"a.jpg\", \"width\": 400, \"height\": 400}],"
	                " \"categories\": [{\"id\": 1, \"name\": \"person\"}], \"annotations\": [{\"id\": 5, "
	                "\"image_id\": 1, \"category_id\": 1, \"iscrowd\": 0, \"num_keypoints\": 1, "
	                "\"bbox\": [0, 60, 120, 180], \"area\": 8000, \"keypoints\": [40,100,2, 0,0,0, 0,0,0, 0,0,0, "
	                "0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, 0,0,0, "
	                "0,0,0]}]}");
	ck_ok(task_bench_open(&b, "pose", dir, "", "root=@,annotations=@/persons.json", err));
	size_t i = item_of(&b, "5");
	draw(&b, i, NULL, 0, &g, &p);
	ck_assert_uint_eq(p.n, 2);
	ck_mark(&p.marks[0], VIEW, -20, 30, 140, 270); /* a sixth of the box around it */
	ck_mark(&p.marks[1], PATH, 40, 100, 40, 100);
	ck_assert_uint_eq(p.marks[1].n, 1);
	draw(&b, i, &o, 1, &g, &p);
	ck_assert_uint_eq(p.n, 3);
	ck_mark(&p.marks[0], PATH, 40, 32, 48, 24);
	ck_assert_uint_eq(p.marks[0].n, 2);
	ck_mark(&p.marks[1], PATH, 40, 32, 40, 32);
	ck_mark(&p.marks[2], PATH, 48, 24, 48, 24);
	ck_assert(p.marks[1].n == 1 && p.marks[2].n == 1 && p.marks[1].colour != p.marks[2].colour);
	wipe(&p);
	task_bench_close(&b);
}
END_TEST

/* A word or a class is said beside the picture, nothing is drawn over it. */
START_TEST(words_and_classes_are_said)
{
	static float scores[10], text[3][37];
	const struct oqz_geometry g = { 64, 64, 64, 64, 1, 1, 0, 0 };
	const struct oqz_output one = { "scores", { OQZ_DT_F32, { 2, { 1, 10 } }, scores } },
	                        line = { "scores", { OQZ_DT_F32, { 3, { 1, 3, 37 } }, text } };
	const char *dir = test_tmpdir("draw-words");
	struct task_bench b;
	struct paper p = { 0 };
	char words[400];

	scores[4] = 2;
	test_write_text(dir, "list.txt", "a.png 3\n");
	ck_ok(task_bench_open(&b, "classification", dir, "", "reader=list,root=@,list=@/list.txt", err));
	draw(&b, 0, NULL, 0, &g, &p);
	draw(&b, 0, &one, 1, &g, &p);
	ck_assert_uint_eq(p.n, 0);
	const struct oqz_record class = { b.records[0].s, b.records[0].len, b.items.items.v[0].tag };
	ck_ok(oqz_task_explain(b.task, &class, words, sizeof words, err));
	ck_assert_str_eq(words, "class 4 (2); right is class 3, on place 5");
	task_bench_close(&b);
	text[0][11] = text[1][0] = text[2][12] = 1; /* blank, 0 to 9, a to z */
	test_write_text(dir, "labels.txt", "a.png\tac\n");
	ck_ok(task_bench_open(&b, "ocr", dir, "", "root=@,list=@/labels.txt", err));
	draw(&b, 0, NULL, 0, &g, &p);
	draw(&b, 0, &line, 1, &g, &p);
	ck_assert_uint_eq(p.n, 0);
	const struct oqz_record read = { b.records[0].s, b.records[0].len, b.items.items.v[0].tag };
	ck_ok(oqz_task_explain(b.task, &read, words, sizeof words, err));
	ck_assert_str_eq(words, "'ab' 1.000, label 'ac'");
	task_bench_close(&b);
}
END_TEST

OQZ_TEST_MAIN("task_draw", detection_draws_boxes, segmentation_draws_classes,
              superres_draws_the_window_with_most_texture, pose_draws_joints_and_bones, words_and_classes_are_said)
