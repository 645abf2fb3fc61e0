# Task pose: keypoints of persons. coco_sources are named in tasks/detection/local.mk.
plugin_LTLIBRARIES += tasks/pose/pose.la
tasks_pose_pose_la_SOURCES = \
	$(task_common_sources) \
	$(coco_sources) \
	tasks/pose/dataset.c \
	tasks/pose/decode.c \
	tasks/pose/decode_movenet.c \
	tasks/pose/judge.c \
	tasks/pose/oks.c \
	tasks/pose/pose.c \
	tasks/pose/draw.c \
	tasks/pose/pose.h \
	tasks/pose/records.c \
	tasks/pose/resample.c \
	$(NULL)
tasks_pose_pose_la_CPPFLAGS = $(TASK_INCLUDES)
tasks_pose_pose_la_CFLAGS = $(PLUGIN_COMPILE) $(JANSSON_CFLAGS)
tasks_pose_pose_la_LDFLAGS = $(PLUGIN_LINK)
tasks_pose_pose_la_LIBADD = $(JANSSON_LIBS) -lm
EXTRA_DIST += tasks/pose/pose.md
