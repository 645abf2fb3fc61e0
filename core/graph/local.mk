# The graph and its passes.
core_graph_liboqz_graph_a_SOURCES = \
	core/graph/graph.h \
	core/graph/pass.h \
	$(NULL)
