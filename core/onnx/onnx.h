/* SPDX-License-Identifier: Apache-2.0
 *
 * ONNX files in and out. The only users of the generated protobuf code are the sources beside this header.
 */
#ifndef OQZ_ONNX_ONNX_H
#define OQZ_ONNX_ONNX_H

#include "core/graph/pass.h"

/* Reads a model: protobuf -> graph, all tensor forms (typed fields, raw, external files beside the model), nothing
 * resolved, folded or inferred yet. Opset imports, names and metadata are kept. Damaged or truncated files, sizes that
 * do not match the data, external paths that leave the model's folder: errors that name file and tensor. */
enum oqz_status oqz_onnx_load(const char *path, struct oqz_graph **ret, struct oqz_err *err);
/* The same from memory. `dir` is where external data may lie (NULL: refused); `name` is for messages. */
enum oqz_status oqz_onnx_parse(const void *data, size_t size, const char *name, const char *dir, struct oqz_graph **ret,
                               struct oqz_err *err);

/* A TensorProto, SequenceProto or OptionalProto file (.pb): nothing in the file says which, the value's kind does. */
enum oqz_status oqz_onnx_load_value(const char *path, enum oqz_value_kind kind, struct oqz_tensor *ret,
                                    struct oqz_err *err);
/* A TensorProto file (.pb). `name`, if wanted, is malloc'ed. Sequences and optionals are OQZ_E_UNSUPPORTED here. */
enum oqz_status oqz_onnx_load_tensor(const char *path, struct oqz_tensor *ret, char **ret_name, struct oqz_err *err);

/* Load, resolve, default passes, folding, type inference: the float graph that everything starts from. `passes` is a
 * NULL-terminated list of pass names, or NULL for the default pipeline; names that all begin with + or - edit the
 * default pipeline ("+fuse-layernorm"). (core/onnx/prepare.c) */
enum oqz_status oqz_model_open(const char *path, const char *const *passes, struct oqz_graph **ret,
                               struct oqz_err *err);

/* Everything behind the load of oqz_model_open(), for a graph that comes from elsewhere. */
enum oqz_status oqz_model_prepare(struct oqz_graph *g, const char *const *passes, struct oqz_err *err);

/* Whether a list of passes, as above, is one: all exist, and all are edits or none is. OQZ_E_USAGE with a near name. */
enum oqz_status oqz_model_check_passes(const char *const *passes, struct oqz_err *err);

/* The passes that a manifest can name, constant folding and then oqz_passes, in the order of the default pipeline; NULL
 * behind the last. */
const struct oqz_pass *oqz_model_pass(size_t i);

/* Says in other words with the same result what ONNX Runtime would refuse: matrix products (and operators with
 * quantized outputs) all of whose inputs are dequantized 8-bit floats. For a resolved graph that is to be saved. */
enum oqz_status oqz_onnx_for_readers(struct oqz_graph *g, struct oqz_err *err);
/* The inverse, for such a model as a lane: QuantizeLinear and DequantizeLinear, that layers can be grouped with. */
enum oqz_status oqz_onnx_from_readers(struct oqz_graph *g, struct oqz_err *err);
/* Lets the nodes of a resolved graph be of the oldest operator set, from 13, that says the same. Only for saving: the
 * graph must not be resolved again. */
enum oqz_status oqz_onnx_lower_opset(struct oqz_graph *g, struct oqz_err *err);
/* Writes a graph as an ONNX model (ir_version by opset); weights inside the file, or in `<path>.data` beyond 1 GiB. */
enum oqz_status oqz_onnx_save(const struct oqz_graph *g, const char *path, struct oqz_err *err);

#endif
