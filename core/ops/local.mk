# Operators: table, type rules, reference kernels.
core_ops_liboqz_ops_a_SOURCES = \
	core/ops/fold.h \
	core/ops/op_fakequant.h \
	core/ops/op.h \
	$(NULL)
core_ops_liboqz_ops_a_CFLAGS = $(HOT_CFLAGS)
