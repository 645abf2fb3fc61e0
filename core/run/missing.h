/* SPDX-License-Identifier: Apache-2.0
 *
 * What a manifest names and the disk does not have: model files, and the files and folders of data sets and tasks.
 * Looked up before anything runs, so that one who has a part of a zoo sees at once which part.
 */
#ifndef OQZ_RUN_MISSING_H
#define OQZ_RUN_MISSING_H

#include "core/base/vec.h"
#include "core/manifest/manifest.h"
#include "plugins/registry.h"

struct oqz_missing_file {
	const char *path;
	const char *what; /* "model file", "data set `coco`: annotations" */
	size_t job;       /* the first that wants it */
	size_t n_jobs;    /* that want it */
	size_t last;      /* of these, plus one */
};

struct oqz_missing {
	struct oqz_arena *arena;
	OQZ_VEC(struct oqz_missing_file) files; /* each path once, in the order of the jobs */
	size_t *first;                          /* [jobs] index in files of the first that a job lacks, or SIZE_MAX */
	size_t n_jobs;                          /* that lack something */
};

/* *ret is all-zero before; release it after. Parameters that are wrong are left to oqz_validate_parameters(). */
enum oqz_status oqz_missing_find(const struct oqz_manifest *m, const struct oqz_registry *reg, struct oqz_missing *ret,
                                 struct oqz_err *err);
/* "PATH is missing (model file; resnet18 and 3 more)", in the arena. NULL when out of memory. */
const char *oqz_missing_text(const struct oqz_manifest *m, const struct oqz_missing *missing, size_t file);
void oqz_missing_release(struct oqz_missing *m);
static inline void oqz_missing_release_cleanup(struct oqz_missing *m) { oqz_missing_release(m); }

#endif
