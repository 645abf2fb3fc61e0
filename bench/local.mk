# Benchmarks: ours and a peer in one run.
