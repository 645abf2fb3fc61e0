# The graph and its passes.
core_graph_liboqz_graph_a_SOURCES = \
	core/graph/graph.c \
	core/graph/graph.h \
	core/graph/graph_attr.c \
	core/graph/graph_clone.c \
	core/graph/graph_dump.c \
	core/graph/graph_edges.c \
	core/graph/graph_edit.c \
	core/graph/graph_finish.c \
	core/graph/graph_impl.h \
	core/graph/graph_insert.c \
	core/graph/pass.c \
	core/graph/pass.h \
	core/graph/pass_batchnorm.c \
	core/graph/pass_batchnorm_conv.c \
	core/graph/pass_bias.c \
	core/graph/pass_dead.c \
	core/graph/pass_gelu.c \
	core/graph/pass_identity.c \
	core/graph/pass_impl.h \
	core/graph/pass_layernorm.c \
	core/graph/pass_matmul_add.c \
	$(NULL)
