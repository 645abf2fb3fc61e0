# Task detection: COCO average precision.
coco_sources = \
	tasks/coco/data.c \
	tasks/coco/data.h \
	tasks/coco/eval.c \
	tasks/coco/sort.c \
	tasks/coco/eval.h \
	tasks/coco/json.c \
	tasks/coco/json.h \
	tasks/coco/results.c \
	tasks/coco/results.h \
	$(NULL)
plugin_LTLIBRARIES += tasks/detection/detection.la
tasks_detection_detection_la_SOURCES = \
	$(task_common_sources) \
	$(coco_sources) \
	tasks/detection/dataset.c \
	tasks/detection/detection.c \
	tasks/detection/draw.c \
	tasks/detection/detection.h \
	tasks/detection/heads.c \
	tasks/detection/heads.h \
	tasks/detection/heads_final.c \
	tasks/detection/heads_grid.c \
	tasks/detection/judge.c \
	tasks/detection/match.c \
	tasks/detection/nms.c \
	tasks/detection/records.c \
	tasks/detection/resample.c \
	$(NULL)
tasks_detection_detection_la_CPPFLAGS = $(TASK_INCLUDES)
tasks_detection_detection_la_CFLAGS = $(PLUGIN_COMPILE) $(JANSSON_CFLAGS)
tasks_detection_detection_la_LDFLAGS = $(PLUGIN_LINK)
tasks_detection_detection_la_LIBADD = $(JANSSON_LIBS) -lm
EXTRA_DIST += tasks/detection/detection.md
