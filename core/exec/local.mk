# Planning and running graphs.
core_exec_liboqz_exec_a_SOURCES = \
	core/exec/absorb.c \
	core/exec/choose.c \
	core/exec/concat_norm.c \
	core/exec/context.c \
	core/exec/machine.c \
	core/exec/eltwise_rows.c \
	core/exec/eltwise_rows.h \
	core/exec/exec.h \
	core/exec/fuse.c \
	core/exec/gridder.c \
	core/exec/gridder.h \
	core/exec/group.c \
	core/exec/impl.h \
	core/exec/impl_deconv.c \
	core/exec/impl_dft.c \
	core/exec/impl_eltwise.c \
	core/exec/impl_grid.c \
	core/exec/impl_list.c \
	core/exec/impl_move.c \
	core/exec/impl_norm.c \
	core/exec/impl_pool.c \
	core/exec/impl_qdq.c \
	core/exec/impl_reference.c \
	core/exec/impl_resize.c \
	core/exec/impl_sim.c \
	core/exec/impl_softmax.c \
	core/exec/layout.c \
	core/exec/layout.h \
	core/exec/memplan.c \
	core/exec/move.h \
	core/exec/permute.c \
	core/exec/program.c \
	core/exec/program.h \
	core/exec/rewrite.c \
	core/exec/slots.c \
	core/exec/softmax_rows.c \
	core/exec/softmax_rows.h \
	core/exec/steps.c \
	core/exec/vmath.h \
	$(NULL)
core_exec_liboqz_exec_a_CFLAGS = $(HOT_CFLAGS)
