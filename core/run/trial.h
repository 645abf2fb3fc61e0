/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run will cost, by trying: every job with all its schemes on a few images, one per worker, in a folder that is
 * thrown away. A model of memory would have to know every library's habits; a trial has them.
 */
#ifndef OQZ_RUN_TRIAL_H
#define OQZ_RUN_TRIAL_H

#include "core/run/runner.h"

struct oqz_job_cost {
	enum oqz_status status; /* not OQZ_OK: the job failed, the rest is what was known by then */
	char message[512];
	int64_t items;        /* test images */
	int64_t macs;         /* of one image in float */
	int64_t peak_bytes;   /* of the job's process, with the workers that were asked for */
	int64_t worker_bytes; /* of these, what each worker's activations take */
	char note[300];       /* what it had to say: that lanes do not fit into memory together, ... */
};

/* costs[m->jobs.n]. Sets the limits of images in the manifest. */
enum oqz_status oqz_trial(struct oqz_manifest *m, const struct oqz_registry *reg, int workers,
                          struct oqz_job_cost *costs, struct oqz_err *err);

#endif
