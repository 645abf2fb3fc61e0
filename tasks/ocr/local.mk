# Task OCR: accuracy, edit distance.
plugin_LTLIBRARIES += tasks/ocr/ocr.la
tasks_ocr_ocr_la_SOURCES = \
	$(task_common_sources) \
	tasks/ocr/compare.c \
	tasks/ocr/dataset.c \
	tasks/ocr/decode.c \
	tasks/ocr/judge.c \
	tasks/ocr/records.c \
	tasks/ocr/text.c \
	tasks/ocr/ocr.c \
	tasks/ocr/ocr.h \
	$(NULL)
tasks_ocr_ocr_la_CPPFLAGS = $(TASK_INCLUDES)
tasks_ocr_ocr_la_CFLAGS = $(PLUGIN_COMPILE)
tasks_ocr_ocr_la_LDFLAGS = $(PLUGIN_LINK)
tasks_ocr_ocr_la_LIBADD = -lm
EXTRA_DIST += tasks/ocr/ocr.md
