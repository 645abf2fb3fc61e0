/* SPDX-License-Identifier: Apache-2.0
 *
 * The graph: an ONNX model as nodes and values, in our own form. Nodes are kept in topological order; values are single
 * assignment, each with at most one producer. A graph owns everything in it through one arena (constants' memory is
 * counted and shared between clones). Nothing here knows about files, execution or quantization schemes.
 *
 * Graphs change by passes (pass.h) that edit in place; after a series of edits oqz_graph_finish() restores the
 * invariants (use lists, topological order, no dangling values).
 *
 * A control-flow body is a graph of its own whose nodes may read values of the graphs around it: such a use stands in
 * the outer value's use list, and the node that holds the body depends on it. Bodies nest at most OQZ_MAX_NESTING deep.
 */
#ifndef OQZ_GRAPH_GRAPH_H
#define OQZ_GRAPH_GRAPH_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/map.h"
#include "core/base/vec.h"
#include "core/tensor/tensor.h"

struct oqz_graph;
struct oqz_storage; /* what outlives a graph while clones need it: names, attributes, parsed parameters */
struct oqz_op;      /* core/ops/op.h: the operator's description; NULL until oqz_ops_resolve() */

enum { OQZ_DIM_UNKNOWN = -1, OQZ_RANK_UNKNOWN = -1, OQZ_MAX_NESTING = 16 };

/* What is known of a tensor before it exists. dtype UNDEFINED and rank -1 mean unknown; a dim of -1 means unknown. */
struct oqz_type {
	enum oqz_dtype dtype;
	struct oqz_shape shape;
};

/* For sequences and optionals `type` is that of the tensors inside. */
enum oqz_value_kind {
	OQZ_VALUE_TENSOR = 0,
	OQZ_VALUE_SEQUENCE,
	OQZ_VALUE_OPTIONAL,          /* of a tensor */
	OQZ_VALUE_OPTIONAL_SEQUENCE, /* of a sequence of tensors */
};

struct oqz_node;

struct oqz_value {
	int id;           /* index in graph->values */
	const char *name; /* unique in the graph */
	enum oqz_value_kind kind;
	struct oqz_type type;
	const char *dim_name[OQZ_MAX_RANK]; /* symbolic names of unknown dims (inputs), or NULL */
	struct oqz_tensor *constant;        /* the value itself when known (initializer, folded); else NULL */
	struct oqz_node *producer;          /* NULL for inputs and constants */
	int producer_output;
	OQZ_VEC(struct oqz_node *) uses; /* consumers in node order, one entry per use; owned by the graph */
	bool is_input, is_output;
	struct oqz_graph *graph; /* owner */
};

enum oqz_attr_type {
	OQZ_ATTR_NONE = 0,
	OQZ_ATTR_FLOAT,
	OQZ_ATTR_INT,
	OQZ_ATTR_STRING,
	OQZ_ATTR_TENSOR,
	OQZ_ATTR_GRAPH,
	OQZ_ATTR_FLOATS,
	OQZ_ATTR_INTS,
	OQZ_ATTR_STRINGS,
};

struct oqz_attr {
	const char *name;
	enum oqz_attr_type type;
	float f;
	int64_t i;
	const char *s; /* STRING: may hold any byte; NUL-terminated as well */
	size_t n;      /* FLOATS, INTS, STRINGS: count; STRING: length */
	const float *floats;
	const int64_t *ints;
	const char *const *strings;
	struct oqz_tensor *tensor;
	struct oqz_graph *graph;
};

struct oqz_node {
	int index;          /* position in topological order after oqz_graph_finish() */
	const char *name;   /* never NULL; made from op and first output when the file has none; unique */
	const char *domain; /* "" is ai.onnx */
	const char *op_type;
	int opset; /* version of the domain that the node's meaning is defined by */
	int n_in, n_out;
	struct oqz_value **in;  /* NULL entries: optional input left out */
	struct oqz_value **out; /* NULL entries: output not wanted */
	size_t n_attr;
	struct oqz_attr *attr;
	const struct oqz_op *op; /* set by oqz_ops_resolve */
	void *params;            /* typed attributes, layout by op->attrs; set by oqz_ops_resolve */
	bool dead;               /* marked by a pass; removed by oqz_graph_finish */
	struct oqz_graph *graph; /* owner */
};

/* Input or output i; NULL where it is left out or there are fewer. */
static inline struct oqz_value *oqz_node_in(const struct oqz_node *n, int i) { return i < n->n_in ? n->in[i] : NULL; }
static inline struct oqz_value *oqz_node_out(const struct oqz_node *n, int i)
{
	return i < n->n_out ? n->out[i] : NULL;
}

/* The value of input i where it is a constant, else NULL. */
static inline const struct oqz_tensor *oqz_node_constant(const struct oqz_node *n, int i)
{
	const struct oqz_value *v = oqz_node_in(n, i);

	return v ? v->constant : NULL;
}

struct oqz_opset {
	const char *domain;
	int version;
};

/* A key and its text as the model's author put them into the file (metadata_props). */
struct oqz_metadata {
	const char *key, *value;
};

struct oqz_graph {
	struct oqz_arena *arena;
	struct oqz_storage *storage;
	const char *name;                 /* of the graph */
	const char *source;               /* file it came from, for messages */
	OQZ_VEC(const char *) data_files; /* others that its constants came from, absolute paths, each once */
	OQZ_VEC(struct oqz_node *) nodes;
	OQZ_VEC(struct oqz_value *) values;
	OQZ_VEC(struct oqz_value *) inputs; /* without initializers */
	OQZ_VEC(struct oqz_value *) outputs;
	OQZ_VEC(struct oqz_opset) opsets;
	OQZ_VEC(struct oqz_metadata) metadata;
	struct oqz_map by_name; /* value name -> struct oqz_value * */
	struct oqz_map node_by_name;
	unsigned fresh;           /* last number given by oqz_graph_fresh_name() */
	struct oqz_graph *parent; /* enclosing graph of a control-flow body, whose values it may use; else NULL */
};

/* A new, empty graph; NULL when out of memory. */
struct oqz_graph *oqz_graph_new(void);
/* Frees the graph, its bodies and its shares of constants. NULL is fine. */
void oqz_graph_free(struct oqz_graph *g);
OQZ_DEFINE_CLEANUP(struct oqz_graph, oqz_graph_free)

/* A copy that can be changed and freed independently. What never changes is shared and stays alive: constants' memory,
 * names, attributes, `op` and `params` (whoever wants other parameters resolves the node again). A node that holds
 * bodies comes out unresolved, because its parameters name the bodies. A body is cloned with the graph around it, not
 * alone. */
enum oqz_status oqz_graph_clone(const struct oqz_graph *g, struct oqz_graph **ret, struct oqz_err *err);

/* Adds a value; the name is copied; OQZ_E_DATA when it exists already. */
enum oqz_status oqz_graph_add_value(struct oqz_graph *g, const char *name, struct oqz_value **ret, struct oqz_err *err);
/* A name that no value (node) of the graph has yet: `base`, or base with a number behind it. */
const char *oqz_graph_fresh_name(struct oqz_graph *g, const char *base);
/* A value by name, here or in an enclosing graph; NULL if none. */
struct oqz_value *oqz_graph_value(const struct oqz_graph *g, const char *name);
/* The same of this graph alone, for a name that a person wrote: OQZ_E_USAGE with a near match when there is none. */
enum oqz_status oqz_graph_need_value(const struct oqz_graph *g, const char *name, struct oqz_value **ret,
                                     struct oqz_err *err);
struct oqz_node *oqz_graph_node(const struct oqz_graph *g, const char *name);

/* Makes a value constant: takes a share of the tensor (or copies one that owns no buffer) and sets the type. The
 * value has no producer then; oqz_graph_finish() takes it out of the node's out[] (or the node goes, when it is dead).
 */
enum oqz_status oqz_value_set_constant(struct oqz_graph *g, struct oqz_value *v, const struct oqz_tensor *t,
                                       struct oqz_err *err);
/* A new constant value. */
enum oqz_status oqz_graph_add_constant(struct oqz_graph *g, const char *name, const struct oqz_tensor *t,
                                       struct oqz_value **ret, struct oqz_err *err);

/* The type as type rules and kernels see it: sequences and optionals are lists of unknown length (core/tensor/dtype.h).
 */
struct oqz_type oqz_value_type(const struct oqz_value *v);

/* Adds a node before `before` (NULL: at the end). Arrays are copied. Use lists are updated at once. */
enum oqz_status oqz_graph_add_node(struct oqz_graph *g, const char *name, const char *domain, const char *op_type,
                                   int opset, struct oqz_value *const *in, int n_in, struct oqz_value *const *out,
                                   int n_out, struct oqz_node *before, struct oqz_node **ret, struct oqz_err *err);
/* graph_insert.c: the same under a name of its own, the format's text, with a number behind it if that is taken. */
enum oqz_status oqz_graph_insert_constant(struct oqz_graph *g, const struct oqz_tensor *t, struct oqz_value **ret,
                                          struct oqz_err *err, const char *fmt, ...) OQZ_PRINTF(5, 6);
/* A float32 scalar. */
enum oqz_status oqz_graph_insert_number(struct oqz_graph *g, float x, struct oqz_value **ret, struct oqz_err *err,
                                        const char *fmt, ...) OQZ_PRINTF(5, 6);
/* A node with one output, which has the node's name. */
enum oqz_status oqz_graph_insert_node(struct oqz_graph *g, struct oqz_node *before, const char *domain, const char *op,
                                      int opset, struct oqz_value *const *in, int n_in, struct oqz_node **ret,
                                      struct oqz_err *err, const char *fmt, ...) OQZ_PRINTF(10, 11);
/* Adds or replaces an attribute. Name and payload are copied, a tensor is shared, a graph is taken over on success. */
enum oqz_status oqz_node_set_attr(struct oqz_node *n, const struct oqz_attr *a, struct oqz_err *err);
enum oqz_status oqz_node_set_int(struct oqz_node *n, const char *name, int64_t v, struct oqz_err *err);
enum oqz_status oqz_node_set_float(struct oqz_node *n, const char *name, float v, struct oqz_err *err);
enum oqz_status oqz_node_set_string(struct oqz_node *n, const char *name, const char *v, struct oqz_err *err);
enum oqz_status oqz_node_set_ints(struct oqz_node *n, const char *name, const int64_t *v, size_t count,
                                  struct oqz_err *err);
enum oqz_status oqz_node_set_tensor(struct oqz_node *n, const char *name, const struct oqz_tensor *t,
                                    struct oqz_err *err);
/* NULL when the node has no such attribute. */
const struct oqz_attr *oqz_node_attr(const struct oqz_node *n, const char *name);
/* An attribute's number or text, or `missing` where there is none of that name and type. */
int64_t oqz_node_int(const struct oqz_node *n, const char *name, int64_t missing);
float oqz_node_float(const struct oqz_node *n, const char *name, float missing);
const char *oqz_node_string(const struct oqz_node *n, const char *name, const char *missing);
void oqz_node_remove_attr(struct oqz_node *n, const char *name);

/* Rewires one input (extending the list when i >= n_in), keeping use lists right. v may be NULL (left out). */
enum oqz_status oqz_node_set_input(struct oqz_node *n, int i, struct oqz_value *v, struct oqz_err *err);
/* Every consumer of `from` (and the graph's output list) reads `to` instead. A graph output keeps its name: the two
 * values swap names when `from` is an output. That cannot be done when `to` has a name to keep as well (it is an input,
 * another output or of another graph): oqz_graph_can_replace() says so beforehand, the call fails with OQZ_E_INTERNAL.
 */
bool oqz_graph_can_replace(const struct oqz_value *from, const struct oqz_value *to);
enum oqz_status oqz_graph_replace(struct oqz_graph *g, struct oqz_value *from, struct oqz_value *to,
                                  struct oqz_err *err);

/* Chooses the graph's outputs by name: a list of values, or edits that all begin with + (make it an output) or - (it is
 * none any more). For a graph as it was loaded: what no output needs goes with the next passes. A name that does not
 * exist is OQZ_E_USAGE, as is a graph without outputs. */
enum oqz_status oqz_graph_set_outputs(struct oqz_graph *g, const char *const *names, size_t n, struct oqz_err *err);
/* Gives sizes to an input's dimensions that the file leaves open (a dim of -1 stays open). Another size than one that
 * the file fixes is OQZ_E_USAGE. */
enum oqz_status oqz_graph_set_input(struct oqz_graph *g, const char *name, const struct oqz_shape *shape,
                                    struct oqz_err *err);

/* Removes dead nodes and values nobody uses (a node's out[] entry becomes NULL then), orders nodes topologically (file
 * order where that is legal), renumbers, brings use lists into node order; bodies first. A cycle, or a value that is
 * used but neither given nor made, is OQZ_E_DATA; the graph can then only be freed. */
enum oqz_status oqz_graph_finish(struct oqz_graph *g, struct oqz_err *err);

/* Version of a domain's operator set ("" = ai.onnx), 0 when not imported. */
int oqz_graph_opset(const struct oqz_graph *g, const char *domain);

/* Puts "node 'x' (Conv-11): " in front of an error. Returns err->code. */
enum oqz_status oqz_node_err(const struct oqz_node *n, struct oqz_err *err);

/* The sole consumer (one use) of a value that is no graph output, in the same graph; else NULL. */
struct oqz_node *oqz_value_sole_use(const struct oqz_value *v);

struct oqz_str;
/* A readable listing: one line a node with names, types and attributes. */
void oqz_graph_dump(const struct oqz_graph *g, struct oqz_str *out);

#endif
