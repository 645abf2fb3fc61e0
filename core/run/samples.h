/* SPDX-License-Identifier: Apache-2.0
 *
 * Sample pictures for the report: the images on which a scheme loses most, shown as every lane sees them.
 */
#ifndef OQZ_RUN_SAMPLES_H
#define OQZ_RUN_SAMPLES_H

#include "core/run/job.h"

enum { OQZ_SAMPLES = 4 }; /* of one model */

/* An image on which a scheme loses something. */
struct oqz_loss {
	size_t item;
	double loss;  /* of the primary metric on this image alone; > 0 */
	double error; /* relative error of the outputs, which orders images that lose the same */
};

/* A scheme's worst images, the worst first. */
struct oqz_worst {
	struct oqz_loss v[OQZ_SAMPLES];
	size_t n;
};

/* Puts an image in its place if it is one of the worst. A task that cannot score it alone leaves it out. */
void oqz_worst_consider(struct oqz_worst *w, struct oqz_task_instance *task, size_t item,
                        const struct oqz_record *float_record, const struct oqz_record *quantized, double error);

/* Appends at most OQZ_SAMPLES samples to *r; worst[i] belongs to schemes[i]. Their pictures are made by running these
 * few images once more, or come from the ledger. What goes wrong costs pictures, no results: a warning says what. */
void oqz_job_samples(struct oqz_job *j, const struct oqz_worst *worst, struct oqz_results *r);

#endif
