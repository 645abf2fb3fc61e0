/* SPDX-License-Identifier: Apache-2.0
 *
 * What the operator families share: the heads of their rows (from ops.def, so that no fact stands twice), shape rules,
 * access to tensors as double, and checks whose messages name the input. Private to core/ops.
 */
#ifndef OQZ_OPS_OPS_UTIL_H
#define OQZ_OPS_OPS_UTIL_H

#ifndef OQZ_CORE_BUILD
#error "private to the oqz core"
#endif

#include "core/base/checked.h"
#include "core/ops/op.h"
#include <math.h>
#include <string.h>

/* The newest operator set that resolved nodes of ai.onnx are translated to (a model's own number, if larger, stays). */
enum { OQZ_OPSET_NEWEST = 21 };
/* Most inputs and outputs of one node. */
enum { OQZ_NODE_MAX_IO = 4096 };

/* Facts of ops.def as constants, so that a row begins with { OQZ_ROW(CONV), ... }. */
#define OQZ_OP(id, nm, dom, since, min_in, max_in, min_out, max_out, family) \
	static const char oqz_name_##id[] __attribute__((unused)) = nm;      \
	static const char oqz_domain_##id[] __attribute__((unused)) = dom;   \
	enum {                                                               \
		oqz_since_##id = since,                                      \
		oqz_min_in_##id = min_in,                                    \
		oqz_max_in_##id = max_in,                                    \
		oqz_min_out_##id = min_out,                                  \
		oqz_max_out_##id = max_out                                   \
	};
#include "core/ops/ops.def"
#undef OQZ_OP

#define OQZ_ROW(ID)                                                                                   \
	.id = OQZ_OP_##ID, .name = oqz_name_##ID, .domain = oqz_domain_##ID, .since = oqz_since_##ID, \
	.min_in = oqz_min_in_##ID, .max_in = oqz_max_in_##ID, .min_out = oqz_min_out_##ID, .max_out = oqz_max_out_##ID

/* Attributes of a row: .params_size and .attrs in one; roles in one. */
#define OQZ_ROW_PARAMS(S, table) .params_size = sizeof(S), .attrs = (table)
#define OQZ_ROW_ROLES(...)                                \
	.roles = (const unsigned char[]) { __VA_ARGS__ }, \
	.n_roles = (int)sizeof((const unsigned char[]) { __VA_ARGS__ })

/* The families' rows, each declared as often as it has operators. */
#define OQZ_OP(id, nm, dom, since, min_in, max_in, min_out, max_out, family) \
	extern const struct oqz_op oqz_ops_##family[];
#include "core/ops/ops.def"
#undef OQZ_OP

/*
 * In infer and run, `in` (and `constant`, `out`) always have at least max_in (max_out) entries, padded with NULL
 * (unknown outputs), and op_run gives infer every input's value as constant[i].
 */

/* ---- type rules (infer.c) ---- */

/* Shape of known rank and unknown dims; rank -1: nothing known. */
struct oqz_shape oqz_shape_unknown(int rank);
/* All dims known. */
bool oqz_shape_concrete(const struct oqz_shape *s);
/* Type of input i, or the unknown type when left out. */
struct oqz_type oqz_in_type(const struct oqz_infer *c, int i);
/* Rank of input i or OQZ_RANK_UNKNOWN. */
int oqz_in_rank(const struct oqz_infer *c, int i);

/* Numpy broadcasting with unknown dims: *acc becomes the broadcast of *acc and *b. Unknown against 1 or unknown is
 * unknown; unknown against n > 1 is n. Unknown ranks make everything unknown. */
enum oqz_status oqz_shape_broadcast(struct oqz_shape *acc, const struct oqz_shape *b, struct oqz_err *err);

/* The operator's type rule, behind the checks that hold for all: inputs are tensors of numbers unless its row says that
 * it takes lists or strings, outputs are no strings either, and their shapes are within the limits. */
enum oqz_status oqz_infer_call(struct oqz_infer *c, struct oqz_err *err);

/* out[0] has the type of in[0]. */
enum oqz_status oqz_infer_same(struct oqz_infer *c, struct oqz_err *err);
/* out[0]: broadcast of all inputs, dtype of the first known one. */
enum oqz_status oqz_infer_broadcast(struct oqz_infer *c, struct oqz_err *err);

/* Inputs listed in [from, to) that are present have one dtype; *ret is it (UNDEFINED when none is known). */
enum oqz_status oqz_same_dtype(const struct oqz_infer *c, int from, int to, enum oqz_dtype *ret, struct oqz_err *err);
/* Input i, if its dtype is known, is a float / has rank in [lo, hi]. */
enum oqz_status oqz_need_float(const struct oqz_infer *c, int i, struct oqz_err *err);
enum oqz_status oqz_need_rank(const struct oqz_infer *c, int i, int lo, int hi, struct oqz_err *err);
/* One dim given, must equal: `what` names it ("channels of W"). Unknown dims pass. */
enum oqz_status oqz_need_dim(int64_t have, int64_t want, const char *what, struct oqz_err *err);
/* Input i, if its shape is known, has this rank and these dims (-1: any). */
enum oqz_status oqz_need_shape(const struct oqz_infer *c, int i, int rank, const int64_t *want, struct oqz_err *err);

/* Values of a constant integer input (1-D or scalar). *ret_known false when the value is not known or the input is left
 * out; n is then 0. */
enum oqz_status oqz_const_ints(const struct oqz_infer *c, int i, int64_t *out, size_t max, size_t *ret_n,
                               bool *ret_known, struct oqz_err *err);

/* ---- kernels (run.c) ---- */

/* A tensor's elements as double in new memory (free()), exact for every float type and integers below 2^53. */
enum oqz_status oqz_read_f64(const struct oqz_tensor *t, double **ret, struct oqz_err *err);
/* The same for n elements from `first` on, and back. */
void oqz_load_row(enum oqz_dtype t, const void *p, size_t first, size_t n, double *out);
void oqz_store_row(enum oqz_dtype t, const double *v, size_t n, void *p, size_t first);
/* n doubles of zeroed memory. */
enum oqz_status oqz_new_f64(int64_t n, double **ret, struct oqz_err *err);
/* All elements, rounded (or truncated) to the tensor's type. */
void oqz_write_f64(struct oqz_tensor *t, const double *v);
/* y += w x, of n numbers. */
void oqz_add_f64(double w, const double *restrict x, double *restrict y, int64_t n);
/* Integers of a tensor of rank 0 or 1. */
enum oqz_status oqz_read_ints(const struct oqz_tensor *t, int64_t *out, size_t max, size_t *ret_n, struct oqz_err *err);
/* Row-major strides of a shape, in elements. */
void oqz_shape_strides(const struct oqz_shape *s, int64_t stride[OQZ_MAX_RANK]);

/* ---- resolve (op.c, upgrade.c) ---- */

/* Translates one node of an older operator set in place (see upgrade.c); may add nodes and constants. Does nothing when
 * the node has the newest form. */
enum oqz_status oqz_upgrade_node(struct oqz_node *n, struct oqz_err *err);
/* The rule for Scan of operator set 8. (upgrade_scan.c) */
enum oqz_status oqz_upgrade_scan(struct oqz_node *n, struct oqz_err *err);
/* Writes out an operator of com.microsoft; other nodes stay as they are. (upgrade_contrib.c) */
enum oqz_status oqz_upgrade_contrib(struct oqz_node *n, struct oqz_err *err);
bool oqz_upgrade_contrib_known(const struct oqz_node *n);
/* The name of operator i of com.microsoft that is written out; NULL beyond the last. */
const char *oqz_upgrade_contrib_name(size_t i);
/* The node's operator has no row any more, but a rule that turns it into one that has. */
bool oqz_upgrade_known(const struct oqz_node *n);

#endif
