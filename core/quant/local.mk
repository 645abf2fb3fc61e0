# Grids, plans, calibration statistics, graph + plan -> graph.
core_quant_liboqz_quant_a_SOURCES = \
	core/quant/format.c \
	core/quant/format.h \
	core/quant/observe.h \
	core/quant/qplan.h \
	$(NULL)
core_quant_liboqz_quant_a_CFLAGS = $(HOT_CFLAGS)
