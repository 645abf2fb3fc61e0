# Benchmarks: ours and a peer in one run; `make bench` runs those whose models are named in BENCH_MODELS.
dist_noinst_SCRIPTS += bench/bench.sh
EXTRA_DIST += bench/peer.mjs bench/README.md bench/RESULTS.md

bench: all
	OQZ='$(abs_top_builddir)/cli/oqz' OQZ_PRESET_PATH='$(abs_top_srcdir)/etc/presets' $(srcdir)/bench/bench.sh throughput $(BENCH_MODELS)

.PHONY: bench
