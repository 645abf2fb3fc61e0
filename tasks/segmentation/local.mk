# Task segmentation: mIoU.
plugin_LTLIBRARIES += tasks/segmentation/segmentation.la
tasks_segmentation_segmentation_la_SOURCES = \
	$(task_common_sources) \
	$(task_pairs_sources) \
	tasks/segmentation/dataset.c \
	tasks/segmentation/judge.c \
	tasks/segmentation/logits.c \
	tasks/segmentation/confusion.c \
	tasks/segmentation/predictions.c \
	tasks/segmentation/records.c \
	tasks/segmentation/segmentation.c \
	tasks/segmentation/draw.c \
	tasks/segmentation/segmentation.h \
	$(NULL)
tasks_segmentation_segmentation_la_CPPFLAGS = $(TASK_INCLUDES)
tasks_segmentation_segmentation_la_CFLAGS = $(PLUGIN_COMPILE) $(KERNEL_CFLAGS)
tasks_segmentation_segmentation_la_LDFLAGS = $(PLUGIN_LINK)
tasks_segmentation_segmentation_la_LIBADD = -lm
EXTRA_DIST += tasks/segmentation/segmentation.md
