/* SPDX-License-Identifier: Apache-2.0
 *
 * A person's joints and bones over the part of the picture that shows the person; left blue, right orange, as seen from
 * the person. The truth has the joints that are annotated, a lane those whose score counts.
 */
#include "pose.h"

enum { LEFT = 0x4aa8ff, RIGHT = 0xffa53d, MIDDLE = 0x55dd77 };

/* COCO's skeleton, positions from 0. */
static const unsigned char bones[][2] = { { 15, 13 }, { 13, 11 }, { 16, 14 }, { 14, 12 }, { 11, 12 },
	                                  { 5, 11 },  { 6, 12 },  { 5, 6 },   { 5, 7 },   { 6, 8 },
	                                  { 7, 9 },   { 8, 10 },  { 1, 2 },   { 0, 1 },   { 0, 2 },
	                                  { 1, 3 },   { 2, 4 },   { 3, 5 },   { 4, 6 } };

/* Odd joints are the left ones, the nose is neither. */
static uint32_t colour_of(int joint) { return joint == 0 ? MIDDLE : joint % 2 ? LEFT : RIGHT; }

static enum oqz_status draw_person(const struct task *t, const double at[COCO_KEYPOINTS][2], const bool *seen,
                                   void *canvas, struct oqz_failure *f)
{
	for (size_t i = 0; i < sizeof bones / sizeof *bones; i++) {
		int a = bones[i][0], b = bones[i][1];
		const double line[2][2] = { { at[a][0], at[a][1] }, { at[b][0], at[b][1] } };
		uint32_t colour = colour_of(a) == colour_of(b) ? colour_of(a) : MIDDLE;
		if (seen[a] && seen[b])
			TRY(t->task_host->draw_path(canvas, line, 2, colour, f));
	}
	for (int k = 0; k < COCO_KEYPOINTS; k++)
		if (seen[k])
			TRY(t->task_host->draw_path(canvas, &at[k], 1, colour_of(k), f));
	return OQZ_OK;
}

static enum oqz_status draw_truth(const struct task *t, const struct oqz_item *item, void *canvas,
                                  struct oqz_failure *f)
{
	double at[COCO_KEYPOINTS][2];
	bool seen[COCO_KEYPOINTS];

	if (item->has_box) {
		double mx = (item->box[2] - item->box[0]) / 6, my = (item->box[3] - item->box[1]) / 6;
		const double view[4] = { item->box[0] - mx, item->box[1] - my, item->box[2] + mx, item->box[3] + my };
		TRY(t->task_host->draw_view(canvas, view, f));
	}
	if (!t->n_items || !t->data.annotations[(uint32_t)item->tag].keypoints)
		return OQZ_OK;
	const double *k = t->data.annotations[(uint32_t)item->tag].keypoints;
	for (int i = 0; i < COCO_KEYPOINTS; i++) {
		at[i][0] = k[3 * i];
		at[i][1] = k[3 * i + 1];
		seen[i] = k[3 * i + 2] > 0;
	}
	return draw_person(t, at, seen, canvas, f);
}

enum oqz_status pose_draw(void *self, const struct oqz_item *item, const struct oqz_record *record,
                          const struct oqz_output *outputs, size_t n_outputs, const struct oqz_geometry *geometry,
                          void *canvas, struct oqz_failure *f)
{
	const struct task *t = self;
	double at[COCO_KEYPOINTS][2];
	bool seen[COCO_KEYPOINTS];
	struct keypoints k;

	(void)outputs, (void)n_outputs, (void)geometry;
	if (!record)
		return draw_truth(t, item, canvas, f);
	TRY(record_keypoints(t, record, &k, f));
	for (int i = 0; i < COCO_KEYPOINTS; i++) {
		at[i][0] = k.v[i][0];
		at[i][1] = k.v[i][1];
		/* what was rejected has no place */
		seen[i] = k.v[i][2] > t->keypoint_threshold && (!t->reject || k.v[i][2] > 0);
	}
	return draw_person(t, at, seen, canvas, f);
}
