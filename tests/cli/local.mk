# The program as its users run it: shell scripts over $OQZ, one behaviour each.
cli_tests = \
	tests/cli/broken_images.sh \
	tests/cli/broken_model.sh \
	tests/cli/calibrate.sh \
	tests/cli/calibrate_weights.sh \
	tests/cli/calibrators.sh \
	tests/cli/changed_images.sh \
	tests/cli/check_onnx.sh \
	tests/cli/closed_output.sh \
	tests/cli/compare.sh \
	tests/cli/crashing_plugin.sh \
	tests/cli/crashing_task.sh \
	tests/cli/damaged_ledger.sh \
	tests/cli/demo.sh \
	tests/cli/engines.sh \
	tests/cli/examples.sh \
	tests/cli/exit_codes.sh \
	tests/cli/export.sh \
	tests/cli/full_disk.sh \
	tests/cli/gates.sh \
	tests/cli/improve.sh \
	tests/cli/infer.sh \
	tests/cli/installed.sh \
	tests/cli/lanes.sh \
	tests/cli/lock.sh \
	tests/cli/memory_limit.sh \
	tests/cli/near_matches.sh \
	tests/cli/open_shapes.sh \
	tests/cli/outputs.sh \
	tests/cli/overrides.sh \
	tests/cli/plan.sh \
	tests/cli/prepare.sh \
	tests/cli/prepared.sh \
	tests/cli/profile.sh \
	tests/cli/qdq.sh \
	tests/cli/quantzoo.sh \
	tests/cli/rebuilt_plugin.sh \
	tests/cli/refusals.sh \
	tests/cli/report.sh \
	tests/cli/report_access.sh \
	tests/cli/report_browser.sh \
	tests/cli/report_html.sh \
	tests/cli/rewire.sh \
	tests/cli/run_interrupted.sh \
	tests/cli/run_locked.sh \
	tests/cli/run_threads.sh \
	tests/cli/run_twice.sh \
	tests/cli/score.sh \
	tests/cli/selection.sh \
	tests/cli/selftest.sh \
	tests/cli/show.sh \
	tests/cli/split.sh \
	tests/cli/table.sh \
	tests/cli/unwritable.sh \
	tests/cli/validate.sh \
	$(NULL)
dist_check_SCRIPTS += $(cli_tests)
EXTRA_DIST += tests/cli/functions.sh tests/cli/html_functions.sh
TESTS += $(cli_tests)

# Models from text, for scripts.
check_PROGRAMS += tests/cli/write_model
tests_cli_write_model_SOURCES = tests/cli/write_model.c
tests_cli_write_model_CPPFLAGS = $(unit_cppflags)
tests_cli_write_model_LDADD = $(unit_ldadd)
