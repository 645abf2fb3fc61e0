# Error sums, paired statistics, statistics over a zoo.
core_metric_liboqz_metric_a_SOURCES = \
	core/metric/error_sums.c \
	core/metric/error_sums.h \
	core/metric/rank.c \
	core/metric/rank.h \
	core/metric/stats.c \
	core/metric/stats.h \
	core/metric/student.c \
	core/metric/student.h \
	$(NULL)
core_metric_liboqz_metric_a_CFLAGS = $(HOT_CFLAGS)
