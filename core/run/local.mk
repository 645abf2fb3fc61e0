# Jobs: set-up, calibration, evaluation in lanes, conclusion; processes and threads. Knows every other part.
core_run_liboqz_run_a_SOURCES = \
	core/run/calibrate.c \
	core/run/cells.c \
	core/run/cells.h \
	core/run/child.c \
	core/run/child.h \
	core/run/conclude.c \
	core/run/conclude.h \
	core/run/digests.c \
	core/run/digests.h \
	core/run/evaluate.c \
	core/run/facts.c \
	core/run/facts.h \
	core/run/gates.c \
	core/run/gates.h \
	core/run/job.h \
	core/run/lanes.c \
	core/run/lanes.h \
	core/run/memory_limit.c \
	core/run/memory_limit.h \
	core/run/overrides.c \
	core/run/overrides.h \
	core/run/pool.c \
	core/run/pool.h \
	core/run/prepare_spec.c \
	core/run/prepare_spec.h \
	core/run/runner.c \
	core/run/runner.h \
	core/run/selection.c \
	core/run/selection.h \
	core/run/setup.c \
	core/run/shape_cache.c \
	core/run/shape_cache.h \
	core/run/validate.c \
	core/run/validate.h \
	$(NULL)
