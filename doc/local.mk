# Manual pages. tests/meta/docs.sh holds them against the program's own help.
dist_man_MANS += \
	doc/oqz.1 \
	doc/oqz-calibrate.1 \
	doc/oqz-check-onnx.1 \
	doc/oqz-compare.1 \
	doc/oqz-describe.1 \
	doc/oqz-export.1 \
	doc/oqz-infer.1 \
	doc/oqz-list.1 \
	doc/oqz-manifest.5 \
	doc/oqz-plugin.3 \
	doc/oqz-plan.1 \
	doc/oqz-prepare.1 \
	doc/oqz-profile.1 \
	doc/oqz-qdq.1 \
	doc/oqz-report.1 \
	doc/oqz-run.1 \
	doc/oqz-score.1 \
	doc/oqz-selftest.1 \
	doc/oqz-show.1 \
	doc/oqz-split.1 \
	doc/oqz-validate.1 \
	$(NULL)

# A page for each plugin, oqz-NAME(7), made of its NAME.md.
plugin_pages = $(foreach la,$(plugin_LTLIBRARIES),doc/oqz-$(basename $(notdir $(la))).7)
pluginmandir = $(mandir)/man7
nodist_pluginman_DATA = $(plugin_pages)
EXTRA_DIST += doc/md2man.awk
CLEANFILES += $(plugin_pages) doc/plugin-pages.stamp
doc/plugin-pages.stamp: doc/md2man.awk $(plugin_LTLIBRARIES:.la=.md)
	$(AM_V_GEN)$(MKDIR_P) doc && for la in $(plugin_LTLIBRARIES); do \
		name=`basename "$$la" .la` && \
		LC_ALL=C $(AWK) -v name="$$name" -f $(srcdir)/doc/md2man.awk "$(srcdir)/$${la%.la}.md" >"doc/oqz-$$name.7" || exit 1; \
	done && touch $@
$(plugin_pages): doc/plugin-pages.stamp

# The tutorial, whose commands are run by tests/cli/examples.sh.
dist_doc_DATA += doc/TUTORIAL.md
EXTRA_DIST += doc/report.png
# The page of all operators is what the program says of itself, so it cannot say anything else.
if !CROSS_COMPILING
nodist_doc_DATA += doc/operators.md
doc/operators.md: cli/oqz$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) doc && ./cli/oqz$(EXEEXT) list ops --markdown > $@.new && mv $@.new $@
CLEANFILES += doc/operators.md doc/operators.md.new
endif

# What real models give, where they are at hand (OQZ_ZOO). After figures have changed on purpose.
dist_doc_DATA += doc/results.md
EXTRA_DIST += doc/results.awk doc/results_layers.awk doc/results.sh
zoo-results: all
	@test -n "$$OQZ_ZOO" || { echo "zoo-results: OQZ_ZOO names no folder of models and data"; exit 1; }
	$(built_oqz) run -o zoo-results.oqz "$(srcdir)/tests/golden/zoo.yaml"
	$(built_oqz) run -o zoo-improve.oqz "$(srcdir)/tests/golden/zoo-improve.yaml"
	OQZ=cli/oqz$(EXEEXT) "$(srcdir)/doc/results.sh" zoo-results.oqz zoo-improve.oqz >"$(srcdir)/doc/results.md"
clean-zoo-results:
	rm -rf zoo-results.oqz zoo-improve.oqz
clean-local: clean-zoo-results
.PHONY: zoo-results clean-zoo-results
