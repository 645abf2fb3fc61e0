/* SPDX-License-Identifier: Apache-2.0
 *
 * Attention: parameters and geometry, shared by the type rule, the reference kernel and the lowered kernel.
 */
#ifndef OQZ_OPS_OP_ATTENTION_H
#define OQZ_OPS_OP_ATTENTION_H

#include "core/ops/op.h"

struct oqz_attention_params {
	int64_t is_causal, kv_num_heads, q_num_heads, qk_matmul_output_mode, softmax_precision;
	float scale, softcap;
};

/* One operand in either form, (B, heads, length, size) and (B, length, heads * size), as strides. */
struct oqz_attention_side {
	int64_t batch, heads, length, size;
	int64_t sb, sh, sl; /* strides in elements; along size it is 1 */
};

/* OQZ_E_DATA when the shape has neither form; `what` names the operand. */
enum oqz_status oqz_attention_side_of(const struct oqz_shape *s, int64_t heads, const char *what,
                                      struct oqz_attention_side *r, struct oqz_err *err);

/* Everything known of one call: Q, K, V; keys in the cache before K; all keys. */
struct oqz_attention {
	struct oqz_attention_side q, k, v;
	int64_t past, total;
	double scale; /* of the products, whether given or not */
};

/* From the shapes of the node's first six inputs (NULL: left out), all of them concrete. */
enum oqz_status oqz_attention_plan(const struct oqz_node *n, const struct oqz_shape *const *in,
                                   struct oqz_attention *ret, struct oqz_err *err);

/* The mask broadcasts to (B, heads, queries, keys); keys beyond its end (since operator set 24) take no part. */
struct oqz_attention_mask {
	int64_t stride[4], keys;
};
enum oqz_status oqz_attention_mask_of(const struct oqz_shape *mask, const struct oqz_attention *s,
                                      struct oqz_attention_mask *ret, struct oqz_err *err);

/* nonpad_kv_seqlen (NULL: left out) is one integer for each of the batch, or else OQZ_E_DATA. */
enum oqz_status oqz_attention_check_valid(const struct oqz_tensor *valid, const struct oqz_attention *s,
                                          struct oqz_err *err);
/* How many keys, from the first on, query i of batch b may see by cause and by length, at least 0. */
int64_t oqz_attention_visible(const struct oqz_attention *s, bool causal, const struct oqz_tensor *valid, int64_t b,
                              int64_t i);

#endif
