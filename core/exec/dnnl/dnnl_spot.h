/* SPDX-License-Identifier: Apache-2.0
 *
 * Spot checks: a few outputs of a convolution, transposed convolution or matrix product, computed once more as plain
 * sums in double. A kernel that is wrong on a CPU, a damaged copy of the weights or a bit that has fallen over in
 * memory gives numbers like any other; only other arithmetic can tell. Primitives are looked at in their runs 1, 2, 4,
 * 8, ..., at other places each time, which costs some microseconds a look.
 */
#ifndef OQZ_EXEC_DNNL_SPOT_H
#define OQZ_EXEC_DNNL_SPOT_H

#include "core/exec/dnnl/dnnl_util.h"

enum { OQZ_DNNL_SPOTS = 4 };

/* What the checked outputs of a primitive need of its constant arguments: of the weights, two output channels. */
struct oqz_dnnl_spot;

void oqz_dnnl_spot_free(struct oqz_dnnl_spot *s);
OQZ_DEFINE_CLEANUP(struct oqz_dnnl_spot, oqz_dnnl_spot_free)
/* *ret is NULL for a primitive that is not checked: another operation, another order of memory than plain strides, a
 * post-operation without a formula here. `pd` must outlive it. */
enum oqz_status oqz_dnnl_spot_new(const_dnnl_primitive_desc_t pd, struct oqz_dnnl_spot **ret, struct oqz_err *err);
/* Copies what is needed of the constant argument `arg` (DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, a post-operation's), which
 * lies at data as `have` says, before anything has been packed. s may be NULL here and below: nothing is done. */
enum oqz_status oqz_dnnl_spot_keep(struct oqz_dnnl_spot *s, int arg, const dnnl_memory_desc_t *have, const void *data,
                                   struct oqz_err *err);
/* Takes over what another primitive with the same weights keeps; `from` must outlive s. */
void oqz_dnnl_spot_borrow(struct oqz_dnnl_spot *s, const struct oqz_dnnl_spot *from);

/* One look. */
struct oqz_dnnl_look {
	const void *dst;
	float before[OQZ_DNNL_SPOTS]; /* what the outputs' memory held, as some primitives add to it */
	unsigned turn;                /* chooses the places; before and behind the run the same */
};
/* To be called before the run that is checked. */
void oqz_dnnl_spot_begin(const struct oqz_dnnl_spot *s, struct oqz_dnnl_look *look);
/* And behind it; weights: NULL when they are constant. OQZ_E_INTERNAL, naming the kernel, the place and both numbers,
 * when they differ by more than rounding explains: float32 sums 1e-4 of the sum of magnitudes, integer sums 1e-6. */
enum oqz_status oqz_dnnl_spot_end(const struct oqz_dnnl_spot *s, const struct oqz_dnnl_look *look, const void *src,
                                  const void *weights, struct oqz_err *err);

#endif
