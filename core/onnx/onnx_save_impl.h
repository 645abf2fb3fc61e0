/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to the files that save: onnx_save.c (models, graphs, files), onnx_save_node.c (nodes, attributes),
 * onnx_save_value.c (tensors, types).
 */
#ifndef OQZ_ONNX_ONNX_SAVE_IMPL_H
#define OQZ_ONNX_ONNX_SAVE_IMPL_H

#include "core/onnx/onnx_impl.h"

enum { OQZ_ONNX_DATA_ALIGN = 64 }; /* of weights in a file of their own */

/* Bytes that go into the file beside the model. */
struct oqz_onnx_outside {
	const void *data;
	size_t size, offset;
};

struct oqz_onnx_saver {
	struct oqz_arena *arena;
	const char *location; /* of external data, NULL: everything inside */
	size_t offset;
	OQZ_VEC(struct oqz_onnx_outside) external;
	OQZ_VEC(struct oqz_opset) opsets;
};

static inline enum oqz_status oqz_onnx_nomem(struct oqz_err *err) { return oqz_err_nomem(err, "an ONNX model", 0); }

/* New message M of a generated type; NULL when out of memory. */
#define ONNX_NEW(s, T, init)                          \
	({                                            \
		T *m_ = OQZ_ARENA_NEW((s)->arena, T); \
		if (m_)                               \
			init(m_);                     \
		m_;                                   \
	})
#define ONNX_LIST(s, T, n) OQZ_ARENA_NEW_N((s)->arena, T, (n))

/* onnx_save_value.c. `name` may be NULL. */
enum oqz_status oqz_onnx_save_tensor(struct oqz_onnx_saver *s, const struct oqz_tensor *t, const char *name,
                                     Onnx__TensorProto **ret, struct oqz_err *err);
/* Appends what is known of a value to a list. */
enum oqz_status oqz_onnx_save_info(struct oqz_onnx_saver *s, const struct oqz_value *v, Onnx__ValueInfoProto **list,
                                   size_t *n, struct oqz_err *err);

/* onnx_save_node.c. Notes the operator set that the node needs. */
enum oqz_status oqz_onnx_save_node(struct oqz_onnx_saver *s, const struct oqz_node *n, Onnx__NodeProto **ret,
                                   struct oqz_err *err);
/* Imported domains that no node uses stay imported. */
enum oqz_status oqz_onnx_keep_imports(struct oqz_onnx_saver *s, const struct oqz_graph *g, struct oqz_err *err);

/* onnx_save.c, called for bodies by nodes: these nest at most OQZ_MAX_NESTING deep. */
enum oqz_status oqz_onnx_save_graph(struct oqz_onnx_saver *s, const struct oqz_graph *g, Onnx__GraphProto **ret,
                                    struct oqz_err *err);

#endif
