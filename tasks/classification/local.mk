# Task classification: top-k accuracy.
plugin_LTLIBRARIES += tasks/classification/classification.la
tasks_classification_classification_la_SOURCES = \
	$(task_common_sources) \
	tasks/classification/classification.c \
	tasks/classification/classification.h \
	tasks/classification/dataset.c \
	tasks/classification/judge.c \
	tasks/classification/records.c \
	tasks/classification/scores.c \
	$(NULL)
tasks_classification_classification_la_CPPFLAGS = $(TASK_INCLUDES)
tasks_classification_classification_la_CFLAGS = $(PLUGIN_COMPILE)
tasks_classification_classification_la_LDFLAGS = $(PLUGIN_LINK)
EXTRA_DIST += tasks/classification/classification.md
