/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of a matrix of codes with constant weights on tile instructions (Intel AMX):
 *
 *	y[m][n] = clamp(((sum over k of (x[m][k] - zero) * w[n][k]) + bias[n]) * scale[n])
 *
 * 1x1 convolutions and fully connected layers are this and nothing else. Sums of integers are exact. Those of bfloat16
 * numbers are float32, in blocks of k: an instruction sums the products of even k and of odd k of its block and adds
 * these to what there is.
 */
#ifndef OQZ_TENSOR_TILE_PRODUCT_H
#define OQZ_TENSOR_TILE_PRODUCT_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum oqz_tile_type { OQZ_TILE_U8, OQZ_TILE_S8, OQZ_TILE_BF16 }; /* of x; integer weights are int8_t */

/* Rows that a product must have at least. */
enum { OQZ_TILE_ROWS = 16 };

/* One product's weights and what is done to its sums. */
struct oqz_tile_spec {
	enum oqz_tile_type type;
	int64_t k, n;
	const void *weights;        /* element (n, k) is the (n * stride_n + k * stride_k)-th */
	int64_t stride_n, stride_k; /* in elements */
	int32_t zero;               /* of x; integers only. Weights have none */
	const float *bias, *scale;  /* n of each; NULL: none */
	float lo, hi;               /* infinities: no bound. NaN passes */
};

struct oqz_tile_product;

/* Whether the CPU has these instructions for bytes and bfloat16, and the system lets this process use them. */
bool oqz_tile_usable(void);
/* Whether rows of k elements divide into blocks that are worth it. */
bool oqz_tile_takes(enum oqz_tile_type type, int64_t k);
/* Packs a copy of the weights. OQZ_E_UNSUPPORTED: not oqz_tile_usable() or oqz_tile_takes(); OQZ_E_NOMEM. The caller
 * sees to it that no sum leaves int32_t. */
enum oqz_status oqz_tile_product_new(const struct oqz_tile_spec *s, struct oqz_tile_product **ret, struct oqz_err *err);
void oqz_tile_product_free(struct oqz_tile_product *p);
/* Bytes of packed weights. */
size_t oqz_tile_product_bytes(const struct oqz_tile_product *p);
/* x: m >= OQZ_TILE_ROWS rows of k elements, dense; y: m rows of n. Any number of threads may run one product. */
void oqz_tile_product_run(const struct oqz_tile_product *p, const void *x, int64_t m, float *y);

#endif
