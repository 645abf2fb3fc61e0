# Operators: table, type rules, reference kernels.
core_ops_liboqz_ops_a_SOURCES = \
	core/ops/fold.c \
	core/ops/fold.h \
	core/ops/op_fakequant.h \
	core/ops/infer.c \
	core/ops/op.c \
	core/ops/op.h \
	core/ops/op_cast.c \
	core/ops/op_conv.c \
	core/ops/op_detect.c \
	core/ops/op_einsum.c \
	core/ops/op_gather.c \
	core/ops/broadcast.c \
	core/ops/broadcast.h \
	core/ops/op_elementwise.c \
	core/ops/op_elementwise.h \
	core/ops/op_elementwise_binary.c \
	core/ops/op_elementwise_unary.c \
	core/ops/op_matmul.c \
	core/ops/op_matmul.h \
	core/ops/op_move.c \
	core/ops/op_order.c \
	core/ops/op_pad.c \
	core/ops/sort_key.h \
	core/ops/op_norm.c \
	core/ops/op_norm.h \
	core/ops/op_pool.c \
	core/ops/op_quantize.c \
	core/ops/op_recurrent.c \
	core/ops/op_reduce.c \
	core/ops/op_select.c \
	core/ops/op_resize.c \
	core/ops/op_shape.c \
	core/ops/op_softmax.c \
	core/ops/op_softmax.h \
	core/ops/ops.def \
	core/ops/ops_util.h \
	core/ops/roles.c \
	core/ops/run.c \
	core/ops/strided.c \
	core/ops/strided.h \
	core/ops/upgrade.c \
	core/ops/window.c \
	core/ops/window.h \
	$(NULL)
core_ops_liboqz_ops_a_CFLAGS = $(HOT_CFLAGS)
