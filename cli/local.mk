# The command line: one file per verb. bin/oqz, and bin/oqz-run as a link to it.
bin_PROGRAMS += cli/oqz
cli_oqz_SOURCES = \
	cli/args.c \
	cli/cli.h \
	cli/cmd_check_onnx.c \
	cli/cmd_compare.c \
	cli/cmd_describe.c \
	cli/cmd_export.c \
	cli/cmd_infer.c \
	cli/cmd_list.c \
	cli/cmd_plan.c \
	cli/cmd_prepare.c \
	cli/cmd_profile.c \
	cli/cmd_qdq.c \
	cli/cmd_report.c \
	cli/cmd_run.c \
	cli/cmd_score.c \
	cli/cmd_selftest.c \
	cli/cmd_show.c \
	cli/cmd_split.c \
	cli/cmd_validate.c \
	cli/list_ops.c \
	cli/list_ops.h \
	cli/main.c \
	cli/manifest_args.c \
	cli/manifest_args.h \
	cli/progress.c \
	cli/progress.h \
	$(NULL)
cli_oqz_LDADD = $(OQZ_LIBS) $(OQZ_SYSLIBS)

all-local: cli/oqz-run$(EXEEXT)
cli/oqz-run$(EXEEXT): cli/oqz$(EXEEXT)
	$(AM_V_GEN)rm -f $@ && $(LN_S) oqz$(EXEEXT) $@
CLEANFILES += cli/oqz-run$(EXEEXT)
install-exec-hook: install-oqz-run
install-oqz-run:
	rm -f $(DESTDIR)$(bindir)/oqz-run$(EXEEXT)
	cd $(DESTDIR)$(bindir) && $(LN_S) oqz$(EXEEXT) oqz-run$(EXEEXT)
uninstall-hook: uninstall-oqz-run
uninstall-oqz-run:
	rm -f $(DESTDIR)$(bindir)/oqz-run$(EXEEXT)
.PHONY: install-oqz-run uninstall-oqz-run
