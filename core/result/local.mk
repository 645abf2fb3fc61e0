# Ledger (SQLite), typed results and their renderings.
core_result_liboqz_result_a_SOURCES = \
	core/result/columns.c \
	core/result/columns.h \
	core/result/compare.c \
	core/result/compare.h \
	core/result/figures.c \
	core/result/figures.h \
	core/result/ledger.c \
	core/result/ledger.h \
	core/result/ledger_impl.h \
	core/result/ledger_merge.c \
	core/result/ledger_read.c \
	core/result/ledger_write.c \
	core/result/relate.c \
	core/result/report_html.c \
	core/result/report_html.h \
	core/result/report_html_chart.c \
	core/result/report_html_data.c \
	core/result/report_html_findings.c \
	core/result/report_html_layers.c \
	core/result/report_html_notes.c \
	core/result/report_html_samples.c \
	core/result/report_html_size.c \
	core/result/report_html_table.c \
	core/result/results.c \
	core/result/results.h \
	core/result/results_csv.c \
	core/result/results_json.c \
	core/result/results_restore.c \
	core/result/results_table.c \
	core/result/sample.h \
	core/result/words.h \
	$(NULL)
core_result_liboqz_result_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(SQLITE_CFLAGS)

# The page's style and scripts, embedded: a report needs no installed files to be written. Chart.js is the distribution's
# (configure: CHARTJS), in a wrapper that lets the page be XML, too; without it there is an empty text.
nodist_core_result_liboqz_result_a_SOURCES = core/result/report_assets.c
report_assets = core/result/html/report.css core/result/html/report.js core/result/html/charts.js
EXTRA_DIST += core/result/html/embed.awk $(report_assets)
CLEANFILES += core/result/report_assets.c core/result/chart.js
core/result/chart.js: Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
		if test -n '$(CHARTJS)'; then echo '//<![CDATA[' && sed '/^\/\/# sourceMappingURL/d' '$(CHARTJS)' && echo '//]]>'; \
		else echo; fi >$@.part && mv $@.part $@
core/result/report_assets.c: core/result/html/embed.awk $(report_assets) core/result/chart.js
	$(AM_V_GEN)$(MKDIR_P) $(@D) && here=`pwd` && cd $(srcdir) && \
		LC_ALL=C $(AWK) -f core/result/html/embed.awk $(report_assets) "$$here/core/result/chart.js" >"$$here/$@.part" && \
		mv "$$here/$@.part" "$$here/$@"
