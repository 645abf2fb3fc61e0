# Task super-resolution: PSNR, SSIM.
plugin_LTLIBRARIES += tasks/superres/superres.la
tasks_superres_superres_la_SOURCES = \
	$(task_common_sources) \
	$(task_pairs_sources) \
	tasks/superres/dataset.c \
	tasks/superres/judge.c \
	tasks/superres/metric.c \
	tasks/superres/prediction.c \
	tasks/superres/records.c \
	tasks/superres/superres.c \
	tasks/superres/draw.c \
	tasks/superres/superres.h \
	$(NULL)
tasks_superres_superres_la_CPPFLAGS = $(TASK_INCLUDES)
tasks_superres_superres_la_CFLAGS = $(PLUGIN_COMPILE)
tasks_superres_superres_la_LDFLAGS = $(PLUGIN_LINK)
tasks_superres_superres_la_LIBADD = -lm
EXTRA_DIST += tasks/superres/superres.md
