# Grids, plans, calibration statistics, graph + plan -> graph.
core_quant_liboqz_quant_a_SOURCES = \
	core/quant/apply.c \
	core/quant/calibrate_constant.c \
	core/quant/calibrate_ema.c \
	core/quant/calibrate_floating.c \
	core/quant/calibrate_hist.h \
	core/quant/calibrate_isotone.c \
	core/quant/calibrate_kl.c \
	core/quant/calibrate_minmax.c \
	core/quant/calibrate_mse.c \
	core/quant/calibrate_percentile.c \
	core/quant/calibrators.c \
	core/quant/format.c \
	core/quant/format.h \
	core/quant/graph_api.c \
	core/quant/graph_api.h \
	core/quant/improve.c \
	core/quant/improve.h \
	core/quant/improve_adaround.c \
	core/quant/improve_bias.c \
	core/quant/improve_equalize.c \
	core/quant/improve_groups.c \
	core/quant/improve_groups.h \
	core/quant/improve_migrate.c \
	core/quant/match.c \
	core/quant/match.h \
	core/quant/observe.c \
	core/quant/observe.h \
	core/quant/observe_batch.c \
	core/quant/observe_bins.c \
	core/quant/observe_count.c \
	core/quant/observe_io.c \
	core/quant/observe_rows.c \
	core/quant/observe_tails.c \
	core/quant/observe_values.c \
	core/quant/observer.h \
	core/quant/qdq_tensor.c \
	core/quant/qdq_tensor.h \
	core/quant/qplan.c \
	core/quant/qplan.h \
	core/quant/qplan_diff.c \
	core/quant/qplan_diff.h \
	core/quant/qplan_diff_numbers.c \
	core/quant/qplan_diff_scheme.c \
	core/quant/qplan_extras.c \
	core/quant/qplan_json.c \
	core/quant/quantize.c \
	core/quant/quantize.h \
	core/quant/tail.c \
	core/quant/tail.h \
	core/quant/torch_sum.c \
	core/quant/torch_sum.h \
	$(NULL)
core_quant_liboqz_quant_a_CFLAGS = $(HOT_CFLAGS)
core_quant_liboqz_quant_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
