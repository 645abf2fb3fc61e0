/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the calibration phase, for calibrate.c (what is observed, and the plans that come of it) and
 * calibrate_image.c (one image).
 */
#ifndef OQZ_RUN_CALIBRATION_H
#define OQZ_RUN_CALIBRATION_H

#include "core/quant/observe.h"
#include "core/run/job.h"
#include "core/run/prepared.h"
#include "core/run/shape_cache.h"

#include <pthread.h>

/* One kind of statistics of one tensor. */
struct statistic {
	const char *tensor;
	unsigned needs;
	double q;
	double tails; /* the part of its values, at either end, that is looked at; 0: all are */
	size_t tap;   /* index in taps */
	size_t next;  /* another one of the same tap; SIZE_MAX: none */
};

struct planned {
	struct oqz_program *program;
	struct tap_at {
		long step;
		int tap;
		size_t index;
	} * taps; /* by step */
};

struct cal_worker {
	struct oqz_preparer *preparer;
	char *held; /* a prepared image from the disk */
	struct oqz_shape_entry *entry;
	struct oqz_context *context;
	struct oqz_observer **observers; /* [statistics] */
	struct oqz_observer **second;    /* [statistics]: for the second pass; NULL where none is wanted */
};

struct calibration {
	struct oqz_job *job;
	size_t first, end;             /* the schemes that this pass is for */
	const struct oqz_graph *graph; /* what is observed */
	struct oqz_graph *on_grid;     /* owned: the graph with a scheme's weights, when that is observed */
	OQZ_VEC(struct statistic) statistics;
	OQZ_VEC(const char *) taps;
	OQZ_VEC(size_t) first_of; /* [taps]: one of its statistics */
	size_t **of_site;         /* [schemes][sites] -> statistic */
	struct cal_worker *workers;
	bool second; /* the second pass is under way */
	struct oqz_shape_cache shapes;
	pthread_mutex_t progress_lock;
	struct oqz_progress progress;
};

/* For the shape cache: the program of c->graph for one shape of input (a struct planned), with its taps. */
enum oqz_status oqz_calibration_make(void *calibration, const struct oqz_shape *shape, void **ret, struct oqz_err *err);
void oqz_calibration_destroy(void *planned);
/* Runs image `image` of the calibration set and adds what it has at the taps to the worker's observers. */
enum oqz_status oqz_calibrate_image(struct calibration *c, struct cal_worker *w, size_t image, struct oqz_err *err);

#endif
