# Ledger, results, reports.
core_result_liboqz_result_a_SOURCES = \
	core/result/ledger.c \
	core/result/ledger.h \
	core/result/ledger_impl.h \
	core/result/ledger_read.c \
	core/result/ledger_write.c \
	$(NULL)
core_result_liboqz_result_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
