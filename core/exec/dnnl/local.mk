# The only folder that includes dnnl.h.
core_exec_dnnl_liboqz_dnnl_a_SOURCES = \
	$(NULL)
core_exec_dnnl_liboqz_dnnl_a_CFLAGS = $(HOT_CFLAGS)
