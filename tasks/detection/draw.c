/* SPDX-License-Identifier: Apache-2.0
 *
 * An image's boxes over its picture: the truth in green; detections from a score of 0.3 up in blue where they are right
 * at IoU 0.5, in red where they are not.
 */
#include "detection.h"

#include <stdio.h>

enum { GREEN = 0x43d17c, BLUE = 0x4aa8ff, RED = 0xff5a4d, MAX_BOXES = 60 };

static enum oqz_status add(const struct task *t, const double xywh[4], uint32_t colour, const char *label, void *canvas,
                           struct oqz_failure *f)
{
	const double box[4] = { xywh[0], xywh[1], xywh[0] + xywh[2], xywh[1] + xywh[3] };

	return t->task_host->draw_box(canvas, box, colour, label, f);
}

enum oqz_status detection_draw(void *self, const struct oqz_item *item, const struct oqz_record *record,
                               const struct oqz_output *outputs, size_t n_outputs, const struct oqz_geometry *geometry,
                               void *canvas, struct oqz_failure *f)
{
	const struct task *t = self;
	struct found_box boxes[MAX_BOXES];
	size_t n = 0;

	(void)outputs, (void)n_outputs, (void)geometry;
	if (!record) {
		const struct coco_image *i = &t->data.images[(uint32_t)item->tag];
		for (size_t k = 0; k < i->n && k < MAX_BOXES; k++) {
			const struct coco_annotation *a = &t->data.annotations[i->first + k];
			TRY(add(t, a->box, GREEN, t->data.categories[a->category].name, canvas, f));
		}
		return OQZ_OK;
	}
	TRY(record_boxes(t, record, 0.3f, boxes, MAX_BOXES, &n, f));
	for (size_t i = n; i-- > 0;) { /* the best on top */
		const char *whole = t->data.categories[boxes[i].category].name;
		char name[64], label[80];
		common_fit(name, sizeof name, whole, strlen(whole));
		snprintf(label, sizeof label, "%s %.2f", name, boxes[i].score);
		TRY(add(t, boxes[i].box, boxes[i].right ? BLUE : RED, label, canvas, f));
	}
	return OQZ_OK;
}
