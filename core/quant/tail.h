/* SPDX-License-Identifier: Apache-2.0
 *
 * The largest values of a stream: what is needed of a batch of images to know its high quantile exactly without keeping
 * the batch (32 images of a wide layer are 100 MB; a ten-thousandth of them is nothing). Order-free: what is kept
 * depends on the values only, so the parts of a batch can be collected apart and merged. For the low quantile feed -x.
 */
#ifndef OQZ_QUANT_TAIL_H
#define OQZ_QUANT_TAIL_H

#include "core/base/err.h"
#include <stddef.h>
#include <stdint.h>

struct oqz_tail {
	float *v; /* unordered */
	size_t n, cap;
	size_t keep; /* how many of the largest are wanted */
	size_t sure; /* the largest `sure` of all values seen are certainly here; SIZE_MAX: nothing was dropped */
	float floor; /* values not above it can be skipped; -infinity at first */
};

/* Empty, wanting nothing. */
void oqz_tail_init(struct oqz_tail *t);
void oqz_tail_release(struct oqz_tail *t);
/* Raises `keep`. What was dropped before stays dropped: see `sure`. */
void oqz_tail_want(struct oqz_tail *t, size_t keep);
/* Adds the finite ones of sign * x[0..n), sign being 1 or -1. */
enum oqz_status oqz_tail_add(struct oqz_tail *t, float sign, const float *x, size_t n, struct oqz_err *err);
enum oqz_status oqz_tail_merge(struct oqz_tail *t, const struct oqz_tail *from, struct oqz_err *err);
/* The value of rank k from the top (0: the largest). False when it is not here: k >= n or k >= sure. */
bool oqz_tail_rank(struct oqz_tail *t, size_t k, float *ret);
/* Cuts down to `keep` and sorts downwards, so that equal statistics look equal. */
void oqz_tail_normalise(struct oqz_tail *t);

/* Rearranges v so that v[k] is what sorting downwards would put there, larger ones before it, smaller ones behind. */
void oqz_select_descending(float *v, size_t n, size_t k);

#endif
