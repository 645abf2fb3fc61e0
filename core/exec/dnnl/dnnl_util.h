/* SPDX-License-Identifier: Apache-2.0
 *
 * What the families of this folder share: the engine, memory descriptors from our types and layouts, a primitive that
 * any number of threads may run at once, weight packing, the activation functions that oneDNN can apply on the way out,
 * and the sliding window of convolutions and pooling. No other folder includes oneDNN's headers; its C API changed in
 * version 3.
 *
 * Threads. oneDNN (OpenMP build) takes its team size from the calling thread: when a primitive is created and again
 * when it runs. Our workers are threads of our own, so every entry from here into oneDNN first sets that thread's team
 * to one (oqz_dnnl_enter). OpenMP keeps this setting per thread and it is a store to thread-local memory, so no worker
 * can be missed and no team is ever started.
 */
#ifndef OQZ_EXEC_DNNL_UTIL_H
#define OQZ_EXEC_DNNL_UTIL_H

#include "core/exec/impl.h"
#include "core/ops/window.h"
#include <oneapi/dnnl/dnnl.h>

/* ---- dnnl_engine.c -------------------------------------------------------------------------------------------------
 */

/* Makes the calling thread run oneDNN without a team. */
void oqz_dnnl_enter(void);
/* The process's CPU engine, made on first use; NULL when that failed. */
dnnl_engine_t oqz_dnnl_engine(void);
/* OQZ_E_NOMEM or OQZ_E_INTERNAL with oneDNN's reason; `what` names the step that failed. */
enum oqz_status oqz_dnnl_err(struct oqz_err *err, const char *what, dnnl_status_t s);
/* Writes the reason of a refusal and returns OQZ_E_UNSUPPORTED. */
enum oqz_status oqz_dnnl_decline(char *why, size_t size, const char *fmt, ...) OQZ_PRINTF(3, 4);

#define DNNL_TRY(call)                                            \
	do {                                                      \
		dnnl_status_t dnnl_s_ = (call);                   \
		if (dnnl_s_ != dnnl_success)                      \
			return oqz_dnnl_err(err, #call, dnnl_s_); \
	} while (0)

/* True when 8-bit products accumulate exactly (AVX512-VNNI). oneDNN's kernels for older CPUs add pairs of products in
 * 16 bits, which saturates. AVX2-VNNI is left out: not every family of oneDNN 2.6 uses it. */
bool oqz_dnnl_exact_int8(void);
/* True when bfloat16 products run on the CPU's own instructions. */
bool oqz_dnnl_native_bf16(void);
/* True when core/tensor/tile_product.h can be used, and oneDNN may use such instructions as well. */
bool oqz_dnnl_tiles(void);
/* "avx512_core_vnni; oneDNN 2.6.3" into buf; returns buf. */
const char *oqz_dnnl_describe(char *buf, size_t size);

/* ---- dnnl_md.c -----------------------------------------------------------------------------------------------------
 */

/* A dense descriptor; layout CHANNELS_LAST needs rank >= 3. False for shapes oneDNN cannot hold (rank 0, empty). */
bool oqz_dnnl_md(const struct oqz_shape *shape, dnnl_data_type_t type, enum oqz_layout layout, dnnl_memory_desc_t *ret);
/* The same dims and type with the order left to oneDNN. */
dnnl_memory_desc_t oqz_dnnl_md_any(const dnnl_memory_desc_t *md);
/* A dense row-major descriptor from dims. */
dnnl_memory_desc_t oqz_dnnl_md_dims(int n, const dnnl_dim_t *dims, dnnl_data_type_t type);

/* ---- dnnl_prim.c ---------------------------------------------------------------------------------------------------
 */

/* A primitive with its constant arguments. It is shared by threads: memory objects, which hold the addresses of one
 * run, come in sets; a run takes a free set and makes one only when all are in use, so steady running allocates
 * nothing. */
enum { OQZ_DNNL_ARGS = 6 };
struct oqz_dnnl_prim;

/* OQZ_E_UNSUPPORTED (message set) when oneDNN has no implementation. `attr` may be NULL and stays the caller's; its
 * scratchpad mode is set to "user" here. */
enum oqz_status oqz_dnnl_prim_new(const void *op_desc, dnnl_primitive_attr_t attr, struct oqz_dnnl_prim **ret,
                                  struct oqz_err *err);
/* The same, passing over implementations whose names contain `slow` as long as there are others. */
enum oqz_status oqz_dnnl_prim_new_but(const void *op_desc, dnnl_primitive_attr_t attr, const char *slow,
                                      struct oqz_dnnl_prim **ret, struct oqz_err *err);
void oqz_dnnl_prim_free(struct oqz_dnnl_prim *p);
OQZ_DEFINE_CLEANUP(struct oqz_dnnl_prim, oqz_dnnl_prim_free)
/* The descriptor the primitive wants or has for DNNL_ARG_SRC, _DST, _WEIGHTS, ... */
const dnnl_memory_desc_t *oqz_dnnl_prim_md(const struct oqz_dnnl_prim *p, dnnl_query_t what);
/* Declares the next argument that each run supplies. */
void oqz_dnnl_prim_arg(struct oqz_dnnl_prim *p, int arg, const dnnl_memory_desc_t *md);
/* data[i]: address of the i-th declared argument. scratch: oqz_dnnl_prim_scratch() bytes, 64-byte aligned. */
enum oqz_status oqz_dnnl_prim_run(const struct oqz_dnnl_prim *p, const void *const *data, void *scratch,
                                  struct oqz_err *err);
size_t oqz_dnnl_prim_scratch(const struct oqz_dnnl_prim *p);
/* Bytes of packed constants. */
size_t oqz_dnnl_prim_bytes(const struct oqz_dnnl_prim *p);
/* "<family>.<oneDNN's name>" into ret (64 bytes). */
void oqz_dnnl_prim_name(const struct oqz_dnnl_prim *p, const char *family, char *ret, size_t size);

/* Fills scratch, bytes and name of a choice from its one primitive. */
void oqz_dnnl_choice(struct oqz_step_choice *ret, const struct oqz_dnnl_prim *p, const char *family);
/* Room for so many floats behind `*bytes` of scratch memory, its place in *ret_at. False: more than there can be. */
bool oqz_dnnl_take(size_t *bytes, int64_t floats, size_t *ret_at);
/* run and destroy of implementations whose state is one primitive with the step's inputs[0] and output as arguments. */
enum oqz_status oqz_dnnl_run_unary(const void *state, const struct oqz_step_call *c, struct oqz_err *err);
void oqz_dnnl_destroy_prim(void *state);

/* ---- dnnl_pack.c ---------------------------------------------------------------------------------------------------
 */

/* Whether `packed`, laid out as `want`, has the bytes of `data`, laid out as `have`; OQZ_E_INTERNAL if not. Says
 * nothing about the order of elements, and nothing where they are converted on the way. */
enum oqz_status oqz_dnnl_check_packed(const dnnl_memory_desc_t *have, const void *data, const dnnl_memory_desc_t *want,
                                      const void *packed, struct oqz_err *err);
/* Binds a constant argument: a copy of `data` (laid out as `have`), reordered to `want` and checked. */
enum oqz_status oqz_dnnl_prim_pack(struct oqz_dnnl_prim *p, int arg, const dnnl_memory_desc_t *have, const void *data,
                                   const dnnl_memory_desc_t *want, struct oqz_err *err);
/* Binds all of `from`'s constant arguments, which must outlive p. OQZ_E_UNSUPPORTED: p is not the same kernel, or wants
 * its weights in another order. */
enum oqz_status oqz_dnnl_prim_borrow(struct oqz_dnnl_prim *p, const struct oqz_dnnl_prim *from, struct oqz_err *err);

/* ---- dnnl_node.c ---------------------------------------------------------------------------------------------------
 */

/* Attributes under construction: post-operations and the rest. */
struct oqz_dnnl_attr {
	dnnl_primitive_attr_t attr;
	dnnl_post_ops_t ops;
};
enum oqz_status oqz_dnnl_attr_init(struct oqz_dnnl_attr *a, struct oqz_err *err);
void oqz_dnnl_attr_release(struct oqz_dnnl_attr *a);
/* Appends an activation node (NULL: nothing). False: this node has no form as a post-operation. */
bool oqz_dnnl_attr_act(struct oqz_dnnl_attr *a, const struct oqz_node *act);
/* Whether an activation (NULL: none) only clamps, to [*ret_lo, *ret_hi] (infinities: no bound). */
bool oqz_dnnl_act_clamps(const struct oqz_node *act, float *ret_lo, float *ret_hi);
/* Hands the post-operations to the attributes; once, after the last append. */
enum oqz_status oqz_dnnl_attr_finish(struct oqz_dnnl_attr *a, struct oqz_err *err);

/* The window of Conv, ConvTranspose and pooling over nsp spatial dims, in oneDNN's terms. */
struct oqz_dnnl_window {
	int nsp;
	dnnl_dims_t kernel, stride, dilate /* 0: dense */, pad_l, pad_r;
	bool extra_end; /* pad_r is larger than the node says: ceil_mode needs it */
};
/* From the geometry that type rules and reference kernels use (core/ops/window.h). `transposed`: the window slides over
 * the output, and pad_r is what oneDNN's size formula needs (output_padding shortens it). */
void oqz_dnnl_window_init(struct oqz_dnnl_window *w, const struct oqz_window *g, bool transposed);

#endif
