# Planning and running graphs.
core_exec_liboqz_exec_a_SOURCES = \
	core/exec/exec.h \
	$(NULL)
core_exec_liboqz_exec_a_CFLAGS = $(HOT_CFLAGS)
