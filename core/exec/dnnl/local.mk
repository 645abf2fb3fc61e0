# The only folder that includes dnnl.h.
core_exec_dnnl_liboqz_dnnl_a_SOURCES = \
	core/exec/dnnl/dnnl_attention.c \
	core/exec/dnnl/dnnl_bands.c \
	core/exec/dnnl/dnnl_bands.h \
	core/exec/dnnl/dnnl_conv.c \
	core/exec/dnnl/dnnl_conv.h \
	core/exec/dnnl/dnnl_deconv.c \
	core/exec/dnnl/dnnl_deconv_tiles.c \
	core/exec/dnnl/dnnl_deform.c \
	core/exec/dnnl/dnnl_einsum.c \
	core/exec/dnnl/dnnl_engine.c \
	core/exec/dnnl/dnnl_grid.c \
	core/exec/dnnl/dnnl_grid.h \
	core/exec/dnnl/dnnl_integer.c \
	core/exec/dnnl/dnnl_layer_norm.c \
	core/exec/dnnl/dnnl_lrn.c \
	core/exec/dnnl/dnnl_matmul.c \
	core/exec/dnnl/dnnl_matmul.h \
	core/exec/dnnl/dnnl_md.c \
	core/exec/dnnl/dnnl_node.c \
	core/exec/dnnl/dnnl_pack.c \
	core/exec/dnnl/dnnl_peak.c \
	core/exec/dnnl/dnnl_pool.c \
	core/exec/dnnl/dnnl_prim.c \
	core/exec/dnnl/dnnl_prim_impl.h \
	core/exec/dnnl/dnnl_qconv.c \
	core/exec/dnnl/dnnl_qdepthwise.c \
	core/exec/dnnl/dnnl_qmatmul.c \
	core/exec/dnnl/dnnl_qtiles.c \
	core/exec/dnnl/dnnl_recurrent.c \
	core/exec/dnnl/dnnl_reduce.c \
	core/exec/dnnl/dnnl_reduce.h \
	core/exec/dnnl/dnnl_select.c \
	core/exec/dnnl/dnnl_spot.c \
	core/exec/dnnl/dnnl_spot.h \
	core/exec/dnnl/dnnl_util.h \
	$(NULL)
core_exec_dnnl_liboqz_dnnl_a_CFLAGS = $(HOT_CFLAGS)
