# Mock plugins: each wrong in one way. Built only for `make check`; -rpath makes libtool build a shared object.
mock_ldflags = $(PLUGIN_LINK) -rpath /nowhere
mock_cppflags = $(PLUGIN_INCLUDES) -I$(top_srcdir)

check_LTLIBRARIES += tests/mock/mock-good.la
tests_mock_mock_good_la_SOURCES = tests/mock/mock-good.c tests/mock/mock.h
tests_mock_mock_good_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_good_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_good_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-twin.la
tests_mock_mock_twin_la_SOURCES = tests/mock/mock-twin.c tests/mock/mock.h
tests_mock_mock_twin_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_twin_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_twin_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-meet.la
tests_mock_mock_meet_la_SOURCES = tests/mock/mock-meet.c tests/mock/mock.h
tests_mock_mock_meet_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_meet_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_meet_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-magic.la
tests_mock_mock_magic_la_SOURCES = tests/mock/mock-magic.c tests/mock/mock.h
tests_mock_mock_magic_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_magic_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_magic_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-abi.la
tests_mock_mock_abi_la_SOURCES = tests/mock/mock-abi.c tests/mock/mock.h
tests_mock_mock_abi_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_abi_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_abi_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-major.la
tests_mock_mock_major_la_SOURCES = tests/mock/mock-major.c tests/mock/mock.h
tests_mock_mock_major_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_major_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_major_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-kind.la
tests_mock_mock_kind_la_SOURCES = tests/mock/mock-kind.c tests/mock/mock.h
tests_mock_mock_kind_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_kind_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_kind_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-tiny.la
tests_mock_mock_tiny_la_SOURCES = tests/mock/mock-tiny.c tests/mock/mock.h
tests_mock_mock_tiny_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_tiny_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_tiny_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-newer.la
tests_mock_mock_newer_la_SOURCES = tests/mock/mock-newer.c tests/mock/mock.h
tests_mock_mock_newer_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_newer_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_newer_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-older.la
tests_mock_mock_older_la_SOURCES = tests/mock/mock-older.c tests/mock/mock.h
tests_mock_mock_older_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_older_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_older_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-missing.la
tests_mock_mock_missing_la_SOURCES = tests/mock/mock-missing.c tests/mock/mock.h
tests_mock_mock_missing_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_missing_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_missing_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-cut.la
tests_mock_mock_cut_la_SOURCES = tests/mock/mock-cut.c tests/mock/mock.h
tests_mock_mock_cut_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_cut_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_cut_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-name.la
tests_mock_mock_name_la_SOURCES = tests/mock/mock-name.c tests/mock/mock.h
tests_mock_mock_name_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_name_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_name_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-wordless.la
tests_mock_mock_wordless_la_SOURCES = tests/mock/mock-wordless.c tests/mock/mock.h
tests_mock_mock_wordless_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_wordless_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_wordless_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-params.la
tests_mock_mock_params_la_SOURCES = tests/mock/mock-params.c tests/mock/mock.h
tests_mock_mock_params_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_params_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_params_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-metrics.la
tests_mock_mock_metrics_la_SOURCES = tests/mock/mock-metrics.c tests/mock/mock.h
tests_mock_mock_metrics_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_metrics_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_metrics_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-mean.la
tests_mock_mock_mean_la_SOURCES = tests/mock/mock-mean.c tests/mock/mock.h
tests_mock_mock_mean_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_mean_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_mean_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-null.la
tests_mock_mock_null_la_SOURCES = tests/mock/mock-null.c tests/mock/mock.h
tests_mock_mock_null_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_null_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_null_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-crash-entry.la
tests_mock_mock_crash_entry_la_SOURCES = tests/mock/mock-crash-entry.c tests/mock/mock.h
tests_mock_mock_crash_entry_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_crash_entry_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_crash_entry_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-crash-load.la
tests_mock_mock_crash_load_la_SOURCES = tests/mock/mock-crash-load.c tests/mock/mock.h
tests_mock_mock_crash_load_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_crash_load_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_crash_load_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-exit-entry.la
tests_mock_mock_exit_entry_la_SOURCES = tests/mock/mock-exit-entry.c tests/mock/mock.h
tests_mock_mock_exit_entry_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_exit_entry_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_exit_entry_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-hang-entry.la
tests_mock_mock_hang_entry_la_SOURCES = tests/mock/mock-hang-entry.c tests/mock/mock.h
tests_mock_mock_hang_entry_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_hang_entry_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_hang_entry_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-talkative.la
tests_mock_mock_talkative_la_SOURCES = tests/mock/mock-talkative.c tests/mock/mock.h
tests_mock_mock_talkative_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_talkative_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_talkative_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-symbolless.la
tests_mock_mock_symbolless_la_SOURCES = tests/mock/mock-symbolless.c tests/mock/mock.h
tests_mock_mock_symbolless_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_symbolless_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_symbolless_la_LDFLAGS = $(SANITIZER_LDFLAGS) -module -avoid-version -shared -rpath /nowhere

check_LTLIBRARIES += tests/mock/mock-crash-open.la
tests_mock_mock_crash_open_la_SOURCES = tests/mock/mock-crash-open.c tests/mock/mock.h
tests_mock_mock_crash_open_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_crash_open_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_crash_open_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-task.la
tests_mock_mock_task_la_SOURCES = tests/mock/mock-task.c tests/mock/mock.h
tests_mock_mock_task_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_task_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_task_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-crash-plan.la
tests_mock_mock_crash_plan_la_SOURCES = tests/mock/mock-crash-plan.c tests/mock/mock.h
tests_mock_mock_crash_plan_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_crash_plan_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_crash_plan_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-built.la
tests_mock_mock_built_la_SOURCES = tests/mock/mock-rebuilt.c tests/mock/mock.h
tests_mock_mock_built_la_CPPFLAGS = $(mock_cppflags) -DMOCK_REBUILT_BITS=8
tests_mock_mock_built_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_built_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-rebuilt.la
tests_mock_mock_rebuilt_la_SOURCES = tests/mock/mock-rebuilt.c tests/mock/mock.h
tests_mock_mock_rebuilt_la_CPPFLAGS = $(mock_cppflags) -DMOCK_REBUILT_BITS=4
tests_mock_mock_rebuilt_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_rebuilt_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-undrawn.la
tests_mock_mock_undrawn_la_SOURCES = tests/mock/mock-undrawn.c tests/mock/mock.h
tests_mock_mock_undrawn_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_undrawn_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_undrawn_la_LDFLAGS = $(mock_ldflags)

check_LTLIBRARIES += tests/mock/mock-draws.la
tests_mock_mock_draws_la_SOURCES = tests/mock/mock-draws.c tests/mock/mock.h
tests_mock_mock_draws_la_CPPFLAGS = $(mock_cppflags)
tests_mock_mock_draws_la_CFLAGS = $(PLUGIN_COMPILE)
tests_mock_mock_draws_la_LDFLAGS = $(mock_ldflags)
