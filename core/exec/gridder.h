/* SPDX-License-Identifier: Apache-2.0
 *
 * How the numbers of one tensor are put on their grid, or come back from codes, in one run: a quantizer of a step with
 * its constants resolved. For QuantizeLinear, DequantizeLinear and FakeQuant as steps of their own (impl_qdq.c) and for
 * the simulation of quantized layers (impl_sim.c). The arithmetic is core/tensor/fakequant.h's, with its vectorised
 * special case for one scale and half-even integers.
 */
#ifndef OQZ_EXEC_GRIDDER_H
#define OQZ_EXEC_GRIDDER_H

#include "core/exec/impl.h"
#include "core/tensor/fakequant.h"

/* How numbers of one tensor are put on their grid. */
struct oqz_gridder {
	enum { GRID_FAST = 1, GRID_GENERAL, GRID_NODE, GRID_DECODE, GRID_DECODE_NODE } how;
	struct oqz_fq fq; /* GENERAL: shape is the memory's, not the logical one */
	struct oqz_shape shape;
	float scale; /* FAST, DECODE */
	int32_t zero, qmin, qmax;
	const struct oqz_node *node; /* NODE (custom FakeQuant), DECODE_NODE: its kernel, row-major */
	enum oqz_dtype dtype;
	float *scales; /* owned copies that fq points to */
	int32_t *zeros;
};

/* Frees what the constants took; all-zero is fine. */
void oqz_gridder_release(struct oqz_gridder *g);
/* float32 in, float32 on the grid out; *g is zero before. `shape` is the tensor's, which lies in memory as `layout`
 * says. */
enum oqz_status oqz_gridder_float(struct oqz_gridder *g, const struct oqz_step_quant *q, const struct oqz_shape *shape,
                                  enum oqz_layout layout, struct oqz_err *err);
/* Codes in, float32 out: what `dq` does. */
enum oqz_status oqz_gridder_codes(struct oqz_gridder *g, const struct oqz_step_quant *q, const struct oqz_node *dq,
                                  struct oqz_err *err);
/* Whether it runs a node's own kernel, which wants row-major tensors. */
bool oqz_gridder_plain(const struct oqz_gridder *g);
/* x == y is fine but for kernels of nodes. */
enum oqz_status oqz_gridder_run(const struct oqz_gridder *g, const struct oqz_tensor *x, struct oqz_tensor *y,
                                struct oqz_err *err);

#endif
