# Ledger (SQLite), typed results and their renderings.
core_result_liboqz_result_a_SOURCES = \
	core/result/ledger.c \
	core/result/ledger.h \
	core/result/ledger_impl.h \
	core/result/ledger_merge.c \
	core/result/ledger_read.c \
	core/result/ledger_write.c \
	core/result/results.c \
	core/result/results.h \
	core/result/results_csv.c \
	core/result/results_json.c \
	core/result/results_restore.c \
	core/result/results_table.c \
	core/result/words.h \
	$(NULL)
core_result_liboqz_result_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(SQLITE_CFLAGS)
