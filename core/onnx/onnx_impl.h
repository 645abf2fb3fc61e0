/* SPDX-License-Identifier: Apache-2.0
 *
 * What the sources of core/onnx share: the generated messages, and the pieces of the loader.
 */
#ifndef OQZ_ONNX_ONNX_IMPL_H
#define OQZ_ONNX_ONNX_IMPL_H

#include "core/graph/graph.h"
#include "core/onnx/onnx.pb-c.h"
#include "core/onnx/onnx.h"

#include <string.h>

/* A message's wire form is walked before it is unpacked: libprotobuf-c unpacks by recursion without a limit and
 * allocates as it goes. Refuses damaged framing, nesting beyond a limit, and messages that would unpack to absurd
 * sizes. */
enum oqz_status oqz_wire_check(const ProtobufCMessageDescriptor *d, const void *data, size_t size, struct oqz_err *err);
/* Check and unpack; free with protobuf_c_message_free_unpacked(). */
enum oqz_status oqz_wire_unpack(const ProtobufCMessageDescriptor *d, const void *data, size_t size,
                                ProtobufCMessage **ret, struct oqz_err *err);
/* The same, and *data (from malloc) is freed and NULL, whatever happens: large fields' pages as soon as they are
 * copied. */
enum oqz_status oqz_wire_consume(const ProtobufCMessageDescriptor *d, char **data, size_t size, ProtobufCMessage **ret,
                                 struct oqz_err *err);

/* Files that external data came from, each once. */
struct oqz_onnx_paths {
	struct oqz_arena *arena;
	OQZ_VEC(const char *) v;
};

/* Where a tensor's bytes may come from. */
struct oqz_onnx_file {
	const char *dir;               /* folder of external data, NULL: none allowed */
	struct oqz_onnx_paths *opened; /* grows by what is read there; NULL: nobody asks */
};

/* A tensor of a file, in a new buffer. Errors name the tensor; the entry points put the file's name in front. */
enum oqz_status oqz_onnx_tensor(const Onnx__TensorProto *p, const struct oqz_onnx_file *f, struct oqz_tensor *ret,
                                struct oqz_err *err);
/* A sparse tensor, made dense. */
enum oqz_status oqz_onnx_sparse(const Onnx__SparseTensorProto *p, const struct oqz_onnx_file *f, struct oqz_tensor *ret,
                                struct oqz_err *err);
/* Bytes of a tensor in files: types below a byte are packed. */
bool oqz_onnx_packed_size(enum oqz_dtype t, int64_t n, size_t *ret);
/* Between one element per byte and the packed form, n elements, lowest bits first. */
void oqz_onnx_unpack_bits(enum oqz_dtype t, const unsigned char *packed, size_t n, unsigned char *out);
void oqz_onnx_pack_bits(enum oqz_dtype t, const unsigned char *in, size_t n, unsigned char *packed);

/* Opens an external file below f->dir and checks that `length` bytes lie at `offset`. The caller closes *ret_fd. */
struct oqz_external {
	const char *location;
	int64_t offset, length; /* length -1: not given */
};
enum oqz_status oqz_external_parse(const Onnx__TensorProto *p, struct oqz_external *ret, struct oqz_err *err);
enum oqz_status oqz_external_open(const struct oqz_onnx_file *f, const struct oqz_external *x, size_t need, int *ret_fd,
                                  struct oqz_err *err);
enum oqz_status oqz_external_read(int fd, int64_t offset, void *out, size_t n, struct oqz_err *err);

/* Fills kind, type and symbolic names of a value from its declaration. */
enum oqz_status oqz_onnx_type(const Onnx__TypeProto *p, struct oqz_value *v, struct oqz_err *err);

/* ---- the loader ---- */

/* Names that nodes can see: those of a graph or of a function's body, then those of the scope around it (a function has
 * none). Keys are borrowed from the message. */
struct oqz_onnx_scope {
	struct oqz_map names;
	const struct oqz_onnx_scope *outer;
};

/* A node's surroundings when it is a part of an inlined function. */
struct oqz_onnx_call {
	const Onnx__NodeProto *node; /* the call, its attributes already resolved */
	const Onnx__FunctionProto *func;
	const char *prefix; /* of the names made for its nodes and values */
	const struct oqz_onnx_call *outer;
	int depth;
};

struct oqz_onnx_loader {
	struct oqz_onnx_file file;
	const Onnx__ModelProto *model;
	struct oqz_map functions; /* "domain:name:overload" -> FunctionProto */
	struct oqz_arena *arena;  /* keys, scratch */
	size_t inlined;           /* nodes that came from functions so far */
};

/* A text of the message that may be missing, and a domain, "" for ONNX's own. */
static inline const char *oqz_onnx_text(const char *s) { return s ? s : ""; }
static inline const char *oqz_onnx_domain(const char *d) { return !d || strcmp(d, "ai.onnx") == 0 ? "" : d; }

/* A graph, or with `parent` a body of one of its nodes. */
enum oqz_status oqz_onnx_load_graph(struct oqz_onnx_loader *l, const Onnx__GraphProto *p, struct oqz_graph *parent,
                                    const struct oqz_onnx_scope *outer, const struct oqz_onnx_call *call,
                                    struct oqz_graph **ret, struct oqz_err *err);
/* onnx_load_node.c: the two halves of that for one node, first its values, for all nodes, then itself. */
enum oqz_status oqz_onnx_make_outputs(struct oqz_onnx_loader *l, struct oqz_graph *g, struct oqz_onnx_scope *scope,
                                      const struct oqz_onnx_call *call, const Onnx__NodeProto *p, struct oqz_err *err);
enum oqz_status oqz_onnx_load_node(struct oqz_onnx_loader *l, struct oqz_graph *g, const struct oqz_onnx_scope *scope,
                                   const struct oqz_onnx_call *call, const Onnx__NodeProto *p, struct oqz_err *err);
/* Loads a list of nodes into g. */
enum oqz_status oqz_onnx_nodes(struct oqz_onnx_loader *l, struct oqz_graph *g, struct oqz_onnx_scope *scope,
                               const struct oqz_onnx_call *call, Onnx__NodeProto *const *nodes, size_t n,
                               struct oqz_err *err);
struct oqz_value *oqz_onnx_lookup(const struct oqz_onnx_scope *s, const char *name);

/* The function that a node calls, or NULL. */
const Onnx__FunctionProto *oqz_onnx_function(const struct oqz_onnx_loader *l, const Onnx__NodeProto *n);
enum oqz_status oqz_onnx_functions_index(struct oqz_onnx_loader *l, struct oqz_err *err);
/* Puts a function's body in place of a call. `out` are the values that the call makes. */
enum oqz_status oqz_onnx_inline(struct oqz_onnx_loader *l, struct oqz_graph *g, const struct oqz_onnx_scope *scope,
                                const struct oqz_onnx_call *outer, const Onnx__NodeProto *n,
                                const Onnx__FunctionProto *func, struct oqz_err *err);
/* What an attribute means inside a call: itself, or what the call gives for ref_attr_name, or the function's default,
 * or NULL when none is given. */
const Onnx__AttributeProto *oqz_onnx_attr_resolve(const struct oqz_onnx_call *call, const Onnx__AttributeProto *a);

/* oqz_onnx_save() with weights outside the file from `limit` bytes on. */
enum oqz_status oqz_onnx_save_limit(const struct oqz_graph *g, const char *path, size_t limit, struct oqz_err *err);

/* onnx_older.c: whether a node can be said in words of set 13, and saying it in those where the version wants them. */
bool oqz_onnx_has_older_form(const struct oqz_node *n);
enum oqz_status oqz_onnx_write_older_forms(struct oqz_graph *g, int version, struct oqz_err *err);

#endif
