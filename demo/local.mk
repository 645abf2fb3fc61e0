# The demo zoo: small trained models of all six tasks with their data, as demo/make made them. `make demo` evaluates it in
# demo/zoo.oqz below the build folder; it is installed beside the other examples.
demo_parts = demo/README.md demo/RESULTS.md demo/zoo.yaml demo/models demo/data
demo_scripts = \
	demo/results.sh \
	demo/make/all \
	demo/make/classification.py \
	demo/make/common.py \
	demo/make/detection.py \
	demo/make/draw.py \
	demo/make/figures.py \
	demo/make/ocr.py \
	demo/make/pose.py \
	demo/make/segmentation.py \
	demo/make/shapes.py \
	demo/make/sky.py \
	demo/make/streets.py \
	demo/make/superres.py \
	demo/make/textures.py \
	demo/make/words.py \
	$(NULL)
EXTRA_DIST += $(demo_parts) $(demo_scripts) tests/long/demo_make.sh
long_tests += tests/long/demo_make.sh

# What `oqz-run` needs to find plugins and presets in a build folder.
built_oqz = OQZ_PLUGIN_PATH="`for la in $(plugin_LTLIBRARIES); do printf '%s:' "$(abs_top_builddir)/$${la%/*}/.libs"; done`" \
	OQZ_PRESET_PATH="$(abs_top_srcdir)/etc/presets" cli/oqz$(EXEEXT)
demo: all
	@$(built_oqz) run -o demo/zoo.oqz "$(srcdir)/demo/zoo.yaml" && \
	echo "The report, layer by layer: $(abs_top_builddir)/demo/zoo.oqz/report.html"
# After the models or the data have changed, or figures on purpose.
demo-results: demo
	OQZ=cli/oqz$(EXEEXT) "$(srcdir)/demo/results.sh" demo/zoo.oqz >"$(srcdir)/demo/RESULTS.md"

demo_installed = $(examplesdir)/demo
install-data-local: install-demo
install-demo:
	@$(MKDIR_P) "$(DESTDIR)$(demo_installed)"
	for p in $(demo_parts); do cp -R "$(srcdir)/$$p" "$(DESTDIR)$(demo_installed)" || exit 1; done
	chmod -R u=rwX,go=rX "$(DESTDIR)$(demo_installed)"
uninstall-local: uninstall-demo
uninstall-demo:
	rm -rf "$(DESTDIR)$(demo_installed)"

clean-local: clean-demo
clean-demo:
	rm -rf demo/zoo.oqz
.PHONY: demo demo-results install-demo uninstall-demo clean-demo
