/* SPDX-License-Identifier: Apache-2.0
 *
 * Splitting a data set into calibration and test parts: disjoint, seeded, the same everywhere. Every name gets a key by
 * hashing it with the seed; names are sorted by key, the first n_calib are for calibration, the next n_test for
 * testing. So the split depends on no library's random numbers and no folder order, and adding or removing files
 * changes only their own membership and the cut.
 */
#ifndef OQZ_SPLIT_SPLIT_H
#define OQZ_SPLIT_SPLIT_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include <stdint.h>

/* key(name) = mix64(fnv1a64(name) XOR mix64(seed)); mix64 is the output function of SplitMix64. */
uint64_t oqz_split_mix(uint64_t x);
uint64_t oqz_split_fnv(const char *name);
uint64_t oqz_split_key(const char *name, uint64_t seed);

/* One thing to be drawn. */
struct oqz_split_item {
	const char *name;  /* what is hashed and sorted by: a file's base name */
	const char *line;  /* what is written into the list: a relative path */
	const char *group; /* class, for stratified draws; may be NULL */
	int64_t weight;    /* how much it counts (1; persons in an image) */
	uint64_t key;
	int part; /* result: 0 neither, 1 calibration, 2 test */
};

struct oqz_split_options {
	int64_t n_calib, n_test; /* wanted weight of each part */
	uint64_t seed;
	bool stratified; /* the same share of every group */
};

/* Sets key and part of every item and orders them by name. Fewer items than wanted: OQZ_E_DATA saying how many there
 * are. Two items of one name: OQZ_E_DATA. */
enum oqz_status oqz_split_draw(struct oqz_split_item *items, size_t n, const struct oqz_split_options *opt,
                               struct oqz_err *err);

/* Writes DIR/calib.txt, DIR/test.txt and DIR/split.json (seed, counts, SHA-256 of the lists and of the source's
 * listing). */
enum oqz_status oqz_split_write(const struct oqz_split_item *items, size_t n, const struct oqz_split_options *opt,
                                const char *kind, const char *source, const char *dir, struct oqz_err *err);

/* ---- COCO annotation files. Items live in the arena. */

/* What is drawn of a COCO annotation file. */
enum oqz_split_by {
	OQZ_SPLIT_IMAGES,        /* images, by the base names of their files */
	OQZ_SPLIT_PERSON_IMAGES, /* images with persons that can be evaluated (no crowd, a keypoint, a box that is not
	                            empty inside the image), weighted by their number */
	OQZ_SPLIT_PERSONS,       /* such persons, by the ids of their annotations: the parts may share images */
};

/* What can be drawn of the file, with the annotation's id or the file's base name as an item's name. */
enum oqz_status oqz_split_coco(const char *json, enum oqz_split_by by, struct oqz_arena *a, struct oqz_split_item **ret,
                               size_t *ret_n, struct oqz_err *err);
/* Writes DIR/<part>/<name>.json for both parts: images of the part and their annotations (of persons, only those that
 * can be evaluated; drawn singly: these and their images), all categories, ids unchanged. */
enum oqz_status oqz_split_coco_write(const char *json, enum oqz_split_by by, const struct oqz_split_item *items,
                                     size_t n, const char *dir, struct oqz_err *err);

#endif
