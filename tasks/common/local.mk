# Source that every task compiles into itself.
task_common_sources = \
	tasks/common/bytes.h \
	tasks/common/common.c \
	tasks/common/common.h \
	tasks/common/items.c \
	tasks/common/items.h \
	tasks/common/kernel.h \
	tasks/common/life.c \
	tasks/common/life.h \
	$(NULL)
task_pairs_sources = \
	tasks/common/pairs.c \
	tasks/common/pairs.h \
	$(NULL)
TASK_INCLUDES = $(PLUGIN_INCLUDES) -I$(top_srcdir)
