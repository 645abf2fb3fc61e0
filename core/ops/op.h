/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator is: its attributes as data, its type rule, the roles of its inputs, its reference kernel. Each
 * operator stands once in ops.def and as one row in its family's file op_<family>.c. Older operator sets are translated
 * to the newest meaning when a model is resolved (upgrade.c), so there is one kernel per operator, not per version.
 */
#ifndef OQZ_OPS_OP_H
#define OQZ_OPS_OP_H

#include "core/graph/graph.h"

/* Every operator: OQZ_OP_CONV, ... */
enum oqz_op_id {
	OQZ_OP_NONE = 0,
#define OQZ_OP(id, name, domain, since, min_in, max_in, min_out, max_out, family) OQZ_OP_##id,
#include "core/ops/ops.def"
#undef OQZ_OP
	OQZ_OP_COUNT
};

/* One attribute: where its value goes in the operator's parameter struct.
 *   INT -> int64_t, FLOAT -> float, STRING -> const char *, TENSOR -> const struct oqz_tensor *, GRAPH -> struct
 * oqz_graph * INTS -> struct oqz_ints, FLOATS -> struct oqz_floats, STRINGS -> struct oqz_strings */
struct oqz_attr_spec {
	const char *name;
	enum oqz_attr_type type;
	size_t offset;
	bool required;
	int64_t int_default;
	float float_default;
	const char *string_default;
	const char *const *choices; /* STRING: NULL-terminated list of allowed words, or NULL */
};

struct oqz_ints {
	size_t n;
	const int64_t *v; /* NULL when the attribute is absent */
};
struct oqz_floats {
	size_t n;
	const float *v;
};
struct oqz_strings {
	size_t n;
	const char *const *v;
};

/* OQZ_ATTR_ROW_INT(struct conv, group, 1) and friends keep the rows readable: the attribute's name is the member's
 * name. */
#define OQZ_A_INT(S, m, d)                                                                     \
	{                                                                                      \
		.name = #m, .type = OQZ_ATTR_INT, .offset = offsetof(S, m), .int_default = (d) \
	}
#define OQZ_A_FLOAT(S, m, d)                                                                       \
	{                                                                                          \
		.name = #m, .type = OQZ_ATTR_FLOAT, .offset = offsetof(S, m), .float_default = (d) \
	}
#define OQZ_A_STRING(S, m, d, ch)                                                                                     \
	{                                                                                                             \
		.name = #m, .type = OQZ_ATTR_STRING, .offset = offsetof(S, m), .string_default = (d), .choices = (ch) \
	}
/* An attribute that a node must have, of any type. */
#define OQZ_A_REQUIRED(S, m, t)                                                     \
	{                                                                           \
		.name = #m, .type = (t), .offset = offsetof(S, m), .required = true \
	}
/* The same for one of the words `ch`. */
#define OQZ_A_REQUIRED_WORD(S, m, ch)                                                                            \
	{                                                                                                        \
		.name = #m, .type = OQZ_ATTR_STRING, .offset = offsetof(S, m), .required = true, .choices = (ch) \
	}
#define OQZ_A_INTS(S, m)                                                    \
	{                                                                   \
		.name = #m, .type = OQZ_ATTR_INTS, .offset = offsetof(S, m) \
	}
#define OQZ_A_FLOATS(S, m)                                                    \
	{                                                                     \
		.name = #m, .type = OQZ_ATTR_FLOATS, .offset = offsetof(S, m) \
	}
#define OQZ_A_STRINGS(S, m)                                                    \
	{                                                                      \
		.name = #m, .type = OQZ_ATTR_STRINGS, .offset = offsetof(S, m) \
	}
#define OQZ_A_TENSOR(S, m)                                                    \
	{                                                                     \
		.name = #m, .type = OQZ_ATTR_TENSOR, .offset = offsetof(S, m) \
	}
#define OQZ_A_GRAPH(S, m)                                                    \
	{                                                                    \
		.name = #m, .type = OQZ_ATTR_GRAPH, .offset = offsetof(S, m) \
	}

/* What a quantizer may ask of an input. */
enum oqz_role { OQZ_ROLE_ACTIVATION = 0, OQZ_ROLE_WEIGHT, OQZ_ROLE_BIAS, OQZ_ROLE_INDEX /* shapes, axes, indices */ };

/* Type rule. in[i] is NULL for an input left out; constant[i] is the input's value where known, else NULL. Writes out[]
 * (preset to unknown). Unknown input ranks or dims give unknown output dims, never an error; contradictions are errors.
 */
struct oqz_infer {
	const struct oqz_node *node;
	int n_in, n_out;
	const struct oqz_type *const *in;
	const struct oqz_tensor *const *constant;
	struct oqz_type *out;
};

/* Reference kernel. All tensors are PLAIN and dense; in[i] is NULL for an input left out. out[i] is NULL for an output
 * not wanted (out[0] is always there), has memory when its shape follows from the inputs' shapes and values, and has
 * data == NULL when the type rule cannot tell: then the kernel calls oqz_tensor_alloc(). Sums are taken in double. No
 * kernel keeps state between calls. */
struct oqz_call {
	const struct oqz_node *node;
	int n_in, n_out;
	const struct oqz_tensor *const *in;
	struct oqz_tensor *const *out;
};

typedef enum oqz_status oqz_infer_fn(struct oqz_infer *c, struct oqz_err *err);
typedef enum oqz_status oqz_kernel_fn(const struct oqz_call *c, struct oqz_err *err);

struct oqz_op {
	enum oqz_op_id id;
	const char *name, *domain;
	int since;                            /* first operator set that has it */
	int min_in, max_in, min_out, max_out; /* max_in -1: any number */
	size_t params_size;
	const struct oqz_attr_spec *attrs; /* ends with a row whose name is NULL; NULL: no attributes */
	oqz_infer_fn *infer;
	oqz_kernel_fn *run;
	const unsigned char *roles; /* role of input i for i < n_roles; later ones are activations */
	int n_roles;
	const void *formula; /* elementwise families: the row's scalar function(s), see op_elementwise.c */
	bool lists;          /* takes sequences and optionals: its inputs may be lists (tensor.h) */
	bool texts;          /* takes and makes strings: its inputs and outputs may be of OQZ_DT_STRING */
	bool random;         /* results are not a function of the inputs: never folded */
};

/* The row of an operator, or NULL. */
const struct oqz_op *oqz_op_find(const char *domain, const char *name);
const struct oqz_op *oqz_op_row(enum oqz_op_id id);

/* The newest operator set of a domain whose text the rows follow: 27 of ai.onnx (""), 5 of ai.onnx.ml, else 1. */
int oqz_domain_newest(const char *domain);
/* Operators that have no row but are written out as others when a model is resolved: number i of them, and the one that
 * takes its place (NULL: several). False beyond the last. */
bool oqz_upgrade_name(size_t i, const char **ret_domain, const char **ret_name, const char **ret_to);

/* Finds every node's operator, translates old forms, parses attributes into node->params, and checks input counts. The
 * first operator that is not supported, unknown attribute or wrong attribute type fails, naming file, node, operator
 * and opset. Bodies of control flow are resolved too. */
enum oqz_status oqz_ops_resolve(struct oqz_graph *g, struct oqz_err *err);
/* One node (made by a pass): same rules. */
enum oqz_status oqz_node_resolve(struct oqz_node *n, struct oqz_err *err);

/* All unsupported operators at once, one "domain::op-opset: node" per line (validate). Returns their number. */
int oqz_ops_unsupported(const struct oqz_graph *g, struct oqz_str *out);

/* The parsed attributes of a node. */
#define OQZ_PARAMS(node, T) ((const T *)(node)->params)

/* Runs type inference over the whole graph with what is known of its inputs; constants of shape computations are not
 * evaluated here (fold.h does that when shapes are bound). */
enum oqz_status oqz_infer_types(struct oqz_graph *g, struct oqz_err *err);
/* One node; writes the types of its outputs. */
enum oqz_status oqz_infer_node(struct oqz_node *n, struct oqz_err *err);
/* Refines *acc by *b, which describes the same tensor: unknown parts are taken over; a contradiction is OQZ_E_DATA. */
enum oqz_status oqz_shape_merge(struct oqz_shape *acc, const struct oqz_shape *b, struct oqz_err *err);

/* What an input is to a quantizer: data, weight, bias or index. */
enum oqz_role oqz_op_role(const struct oqz_node *n, int input);
/* Axis of the output channel in a weight input: Conv 0; ConvTranspose 1; Gemm 0 or 1 by transB; MatMul last; -1: none.
 */
int oqz_op_channel_axis(const struct oqz_node *n, int input);
/* Multiply-accumulates of a node with concrete types; 0 for operators without products. */
int64_t oqz_op_macs(const struct oqz_node *n);

/* Runs the reference kernel on outputs that have their place, or are left to it. Where all that is wanted is empty it
 * is spared: of dimensions whose product is 0 one may be very large, and kernels walk them. */
enum oqz_status oqz_op_call(const struct oqz_call *c, struct oqz_err *err);
/* Runs the reference kernel: checks types, infers and allocates outputs (out[] all zero on entry; PLAIN buffers). */
enum oqz_status oqz_op_run(const struct oqz_node *n, const struct oqz_tensor *const *in, struct oqz_tensor *out,
                           struct oqz_err *err);

#endif
