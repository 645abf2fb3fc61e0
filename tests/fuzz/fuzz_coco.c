/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO annotation files, as the tasks detection and pose read them. What was read is consistent: ids rise, each image's
 * annotations are its own.
 */
#include "plugins/host.h"
#include "tasks/coco/data.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_target[] = "coco";

static void check(const struct coco_data *d)
{
	size_t at = 0;

	for (size_t i = 0; i < d->n_images; i++) {
		FUZZ_CHECK(i == 0 || d->images[i - 1].id < d->images[i].id);
		FUZZ_CHECK(d->images[i].first == at && d->images[i].file[0]);
		for (size_t k = 0; k < d->images[i].n; k++, at++) {
			const struct coco_annotation *a = &d->annotations[at];
			FUZZ_CHECK(a->image == i && a->category < d->n_categories && a->box[2] >= 0 && a->area >= 0);
		}
		fuzz_sink += coco_image_hash(d, i);
	}
	FUZZ_CHECK(at == d->n_annotations);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file("a.json", data, size);
	struct oqz_plugin_host host;
	bool read = true;

	oqz_plugin_host_init(&host, NULL, NULL);
	for (int flags = 0; flags <= COCO_READ_KEYPOINTS; flags++) {
		struct coco_data d = { 0 };
		struct oqz_err err = { 0 };
		struct oqz_failure f = { &err };
		if (coco_data_read(&d, &host.table, path, flags, &f) == OQZ_OK) {
			check(&d);
		} else {
			fuzz_refused(&err);
			read = false;
		}
		coco_data_release(&d);
	}
	fuzz_accepted += read;
	return 0;
}
