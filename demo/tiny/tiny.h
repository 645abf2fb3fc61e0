/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the generator of the tiny example: pictures, and the network.
 */
#ifndef OQZ_DEMO_TINY_H
#define OQZ_DEMO_TINY_H

#include "core/base/rng.h"
#include "core/graph/graph.h"

enum { TINY_SIZE = 48, TINY_CHANNELS = 3, TINY_PIXELS = TINY_SIZE * TINY_SIZE * TINY_CHANNELS, TINY_CLASSES = 10 };

extern const char *const tiny_class_names[TINY_CLASSES];

/* One picture of a class, interleaved RGB (TINY_SIZE, TINY_SIZE, 3). */
void tiny_draw(int class, struct oqz_rng *rng, unsigned char *rgb);

/* The network up to its features, (1,3,48,48) -> (1,F): filter banks, a depthwise layer, a residual sum, pooling;
 * output `features`. Weights are fixed by the seed. */
enum oqz_status tiny_net_new(uint64_t seed, struct oqz_graph **ret, struct oqz_err *err);
/* Puts a Gemm behind it: weight (classes, F), bias (classes); the output becomes `scores`. */
enum oqz_status tiny_net_add_readout(struct oqz_graph *g, const struct oqz_tensor *weight,
                                     const struct oqz_tensor *bias, struct oqz_err *err);

/* Solves (A + lambda I) X = B for a symmetric positive A (n,n) and B (n,m), in place: B becomes X, A is overwritten. */
enum oqz_status tiny_ridge(double *a, double *b, size_t n, size_t m, double lambda, struct oqz_err *err);

#endif
