/* SPDX-License-Identifier: Apache-2.0
 *
 * Data sets of the detection task: a COCO annotation file with its folder of images, and plain images for calibration.
 */
#include "detection.h"
#include "tasks/common/items.h"

enum oqz_status detection_items(void *self, void *sink, struct oqz_failure *f)
{
	const struct task *t = self;
	struct common_items to = common_items_of(t->task_host, t->dataset, "root", sink, f);

	if (t->data.n_images == 0)
		return common_items_walk(&to, coco_image_suffixes, UINT32_MAX);
	for (size_t i = 0; i < t->data.n_images; i++) {
		const char *file = t->data.images[i].file;
		struct oqz_item item = { .id = file, .tag = (uint64_t)coco_image_hash(&t->data, i) << 32 | i };
		TRY(common_items_add(&to, file, &item));
	}
	return OQZ_OK;
}
