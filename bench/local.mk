# Benchmarks: ours and a peer in one run. BENCH_MODELS: models and folders of models (else the
# architectures of architectures.mjs, or generated stand-ins); BENCH_FLAGS.
dist_noinst_SCRIPTS += bench/seed.py
EXTRA_DIST += bench/architectures.mjs bench/bench.mjs bench/data.mjs bench/measure.mjs bench/model.mjs bench/operator_rows.mjs bench/operators.mjs bench/peer.mjs bench/scale.mjs bench/seed.mjs bench/standin.mjs bench/zoo.mjs bench/README.md \
	bench/RESULTS.md

bench_env = OQZ_SHARED="$${OQZ_SHARED-$(abs_top_srcdir)/../shared}" OQZ='$(abs_top_builddir)/cli/oqz' OQZ_PRESET_PATH='$(abs_top_srcdir)/etc/presets' \
	OQZ_PLUGIN_PATH="$$(ls -d '$(abs_top_builddir)'/quantizers/*/.libs '$(abs_top_builddir)'/tasks/*/.libs | paste -s -d :)"

bench: all
	$(bench_env) node $(srcdir)/bench/bench.mjs $(BENCH_FLAGS) $(BENCH_MODELS)

# The models of a manifest (BENCH_MODELS), on the data that it names.
bench-zoo: all
	$(bench_env) node $(srcdir)/bench/zoo.mjs $(BENCH_FLAGS) $(BENCH_MODELS)

bench-scale: all
	$(bench_env) node $(srcdir)/bench/scale.mjs $(BENCH_FLAGS) $(BENCH_MODELS)

# The same evaluation done by scripts around PyTorch, and what a second scheme costs.
bench-seed: all
	$(bench_env) node $(srcdir)/bench/seed.mjs $(BENCH_FLAGS) $(BENCH_MODELS)

# One operator at a time; BENCH_OPERATORS: parts of their names (else all).
bench-operators: all
	$(bench_env) node $(srcdir)/bench/operators.mjs $(BENCH_FLAGS) $(BENCH_OPERATORS)

.PHONY: bench bench-zoo bench-scale bench-seed bench-operators
