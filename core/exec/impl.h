/* SPDX-License-Identifier: Apache-2.0
 *
 * Implementations of operators, as the planner sees them. For each node the planner walks an ordered list (impl_list.c)
 * and takes the first that accepts; the plain reference is last. An implementation says which layouts it wants,
 * prepares what it can once (primitives, packed weights) and then only runs.
 *
 * Besides single nodes there are groups: `Q -> DQ -> op` (a quantized layer) is planned as one step whose
 * implementations take the float tensor and do the quantization themselves, so that a layer can be run alone on other
 * inputs (local error) and integers never leave the step. Activation functions that follow an operator and are its only
 * consumer (Relu, Clip, HardSwish, Sigmoid, ... with constant parameters) may be fused, unless the operator's own
 * output is a tap.
 */
#ifndef OQZ_EXEC_IMPL_H
#define OQZ_EXEC_IMPL_H

#include "core/exec/eltwise_rows.h"
#include "core/exec/exec.h"
#include "core/ops/op.h"
#include "core/tensor/quantize8.h"

enum { OQZ_STEP_MAX_IN = 64, OQZ_STEP_MAX_OUT = 16, OQZ_EXEC_ALIGN = 64 };

/* A quantizer on one input of a group, with constants resolved. */
struct oqz_step_quant {
	bool present;
	bool from_float;      /* the step's input is the float tensor (Q was absorbed); else it is the codes */
	enum oqz_dtype dtype; /* of the codes: I8, U8, I16, ..., F8E4M3FN, ... */
	int axis;             /* -1: one scale */
	int64_t block;
	const struct oqz_tensor *scale, *zero; /* constant; zero may be NULL */
	const struct oqz_tensor *codes;        /* constant input (weights): its codes; else NULL */
	const struct oqz_node *fake;           /* FakeQuant node instead of a Q/DQ pair, else NULL */
	int32_t qmin, qmax;                    /* range after clamping (the dtype's unless the grid is narrower) */
	bool nonnegative;                      /* the quantized numbers are known to be >= 0 (behind Relu, ...) */
	/* Elementwise operator between the step's input and the quantizer, which the step applies; NULL: none. */
	const struct oqz_node *pre;
	oqz_row1_fn *pre_row;
	struct oqz_row_params pre_params;
	bool pre_clamps; /* it only clamps, to [pre_lo, pre_hi] (infinities: no bound), NaN passing */
	float pre_lo, pre_hi;
};

/* A fused activation: y = max-min/formula applied to the operator's output. */
enum oqz_act_kind { OQZ_ACT_NONE = 0, OQZ_ACT_NODE };

/* What the planner asks an implementation about. Lives as long as the program. */
struct oqz_step_desc {
	const struct oqz_node *node; /* the operator */
	int n_in, n_out;
	struct oqz_type in_type[OQZ_STEP_MAX_IN],
	    out_type[OQZ_STEP_MAX_OUT]; /* concrete; logical types of the step's inputs (float tensor for
	                                 * an absorbed Q); inputs left out have dtype UNDEFINED */
	const struct oqz_tensor *constant[OQZ_STEP_MAX_IN]; /* inputs known now (PLAIN), else NULL */
	struct oqz_step_quant quant[3]; /* of inputs 0 and 1, for groups (a quantized bias has become float32: the third
	                                 * is never present). Custom FakeQuant: scale is NULL */
	const struct oqz_node *add;     /* Add to be done to output 0, whose other operand is input `add_in`; or NULL */
	int add_in;                     /* the last of n_in: Conv 3, of the output's shape; MatMul 2, one per column */
	const struct oqz_node *act;     /* activation to apply to output 0, behind `add`; or NULL */
	enum oqz_layout in_layout[OQZ_STEP_MAX_IN]; /* how the producers will leave the inputs (proposal) */
	enum oqz_engine engine;
	bool group; /* any quant[].present */
};

/* Whether input i is there: constant, a value, or a group's tensor. */
static inline bool oqz_step_has(const struct oqz_step_desc *d, int i)
{
	return i < d->n_in && d->in_type[i].dtype != OQZ_DT_UNDEFINED;
}

/* What an accepting implementation answers. */
struct oqz_step_choice {
	enum oqz_layout
	    in_layout[OQZ_STEP_MAX_IN]; /* what it wants; the planner inserts reorders (constants: done once) */
	enum oqz_layout out_layout[OQZ_STEP_MAX_OUT];
	size_t scratch_bytes; /* per context */
	int inplace_input;    /* output 0 may share this input's memory if nobody needs it later; -1: no */
	bool inplace_either;  /* of inputs 0 and 1, then: the other one's as well */
	char name[64];        /* e.g. "dnnl.conv.brgconv:avx512_core" */
	void *state;          /* prepared once; freed with destroy */
	size_t state_bytes;   /* packed weights */
	bool uses_constant[OQZ_STEP_MAX_IN]; /* inputs that run() will still read (else the planner may drop the
	                                        constant) */
	bool ahead[2];    /* input 0 or 1, when it comes in pieces, can be given to `ahead` piece by piece */
	bool ahead_makes; /* `ahead` leaves those elements of output 0 that are the input's: run() has nothing left */
	size_t band;      /* elements of output 0, in memory order, that `band` makes at a time; 0: it cannot */
};

/* One run. in[i] NULL: left out, or a constant that the state has absorbed. */
struct oqz_step_call {
	const struct oqz_tensor *const *in;
	struct oqz_tensor *const *out;
	void *scratch; /* 64-byte aligned, private to the context */
	bool ahead;    /* the step's `ahead` has seen all elements: run() does the rest */
};

struct oqz_impl {
	const char *name;
	/* Decides and prepares. Returns OQZ_OK and fills *ret when accepting; OQZ_E_UNSUPPORTED with the reason in *why
	 * (a short phrase) when declining; any other status is a failure. */
	enum oqz_status (*create)(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
	                          size_t why_size, struct oqz_err *err);
	enum oqz_status (*run)(const void *state, const struct oqz_step_call *c, struct oqz_err *err);
	void (*destroy)(void *state);
	/* NULL, or what run() begins with (an activation's codes) or consists of (an elementwise operator), for the
	 * elements [first, first + n) of input k in memory order, which lie at x: the input's own memory may not have
	 * them. A caller that looks at the step's input anyway does it there, while the numbers are in the cache, and
	 * says so in c->ahead when run() is called. No step may begin between, as results may be in scratch memory. */
	void (*ahead)(const void *state, const struct oqz_step_call *c, int k, const float *x, size_t first, size_t n);
	/* NULL, or run() in pieces: writes elements [i * choice.band, (i + 1) * choice.band) of output 0 (the last
	 * piece may be shorter) to `out`, which need not be the output's memory. In order; c is the same each time. */
	enum oqz_status (*band)(const void *state, const struct oqz_step_call *c, size_t i, float *out,
	                        struct oqz_err *err);
};

/* Implementations for an operator in order of preference, ending with NULL; `group`: those that take quantized inputs.
 * The reference (which accepts everything without quantization or activation) is not in the list; the planner knows it.
 */
const struct oqz_impl *const *oqz_impl_list(enum oqz_op_id op, bool group);

/* For groups that delegate to a float implementation (choose.c): the first that accepts a step without quantization. No
 * act is dropped: the reference is taken only when there is none, and OQZ_E_UNSUPPORTED is the answer otherwise. */
enum oqz_status oqz_choose_float(const struct oqz_step_desc *d, const struct oqz_impl **ret_impl,
                                 struct oqz_step_choice *ret, struct oqz_err *err);
/* impl_reference.c: the float32 form of a quantized constant input, in a buffer of its own. */
enum oqz_status oqz_group_weight(const struct oqz_step_desc *d, int i, struct oqz_tensor *ret, struct oqz_err *err);

/* Families, one file each. core/exec: portable kernels of our own; core/exec/dnnl: oneDNN. */
extern const struct oqz_impl oqz_impl_eltwise;   /* own: elementwise and broadcasting float32 rows, layout-following */
extern const struct oqz_impl oqz_impl_move;      /* own: reshape-like, concat, slice, pad, transpose, depth-to-space */
extern const struct oqz_impl oqz_impl_qdq;       /* own: QuantizeLinear, DequantizeLinear, FakeQuant on their own */
extern const struct oqz_impl oqz_impl_resize;    /* own: Resize of the spatial dimensions */
extern const struct oqz_impl oqz_impl_deconv_dw; /* own: depthwise ConvTranspose, channels-last */
extern const struct oqz_impl oqz_impl_norm;      /* own: Batch-, Group-, Instance-, Lp-, RMSNormalization */
extern const struct oqz_impl oqz_impl_pool;      /* own: MaxPool, AveragePool, row-major */
extern const struct oqz_impl oqz_impl_grid;      /* own: GridSample */
extern const struct oqz_impl oqz_impl_softmax;   /* own: Softmax, LogSoftmax */
extern const struct oqz_impl oqz_impl_dft;       /* own: DFT */
extern const struct oqz_impl oqz_impl_sim;       /* own: group = fake-quantize inputs, then the float implementation */
extern const struct oqz_impl oqz_impl_dnnl_conv, oqz_impl_dnnl_deconv, oqz_impl_dnnl_matmul, oqz_impl_dnnl_pool,
    oqz_impl_dnnl_conv_add, oqz_impl_dnnl_deconv_tiles, oqz_impl_dnnl_reduce, oqz_impl_dnnl_layer_norm,
    oqz_impl_dnnl_lrn, oqz_impl_dnnl_attention, oqz_impl_dnnl_einsum, oqz_impl_dnnl_recurrent, oqz_impl_dnnl_integer,
    oqz_impl_dnnl_deform;
extern const struct oqz_impl oqz_impl_dnnl_qconv, oqz_impl_dnnl_qmatmul; /* groups on int8 and small-float grids */
extern const struct oqz_impl oqz_impl_qdepthwise;                        /* own: depthwise Conv on small-float grids */
extern const struct oqz_impl oqz_impl_qconv_tiles, oqz_impl_qmatmul_tiles; /* own: the same by tile instructions */

/* The last resort, of plain steps and of groups, and what changes a layout. */
extern const struct oqz_impl oqz_impl_reference, oqz_impl_reference_group, oqz_impl_reorder;

/* Facts about the CPU that the library's folder knows (see core/exec/dnnl/dnnl_util.h). */
bool oqz_dnnl_exact_int8(void);
bool oqz_dnnl_native_bf16(void), oqz_dnnl_tiles(void);
const char *oqz_dnnl_describe(char *buf, size_t size);
double oqz_dnnl_peak(enum oqz_dtype t);

#endif
