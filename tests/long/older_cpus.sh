#!/bin/sh
# What the vector kernels compute on CPUs older than this one: each is compiled for several levels of x86-64, and a machine runs
# only the highest that it has. Here the tests of our own kernels run on CPUs that QEMU imitates: one of the first level, and one
# with AVX2 and without AVX-512. Slow (minutes per test), and none of oneDNN's code is of interest here.
. "${top_srcdir:-..}/tests/long/functions.sh"
requires qemu-x86_64 make
[ "$(uname -m)" = x86_64 ] || { echo "skipped: not an x86-64"; exit 0; }
tests="test_quantize8 test_quantize_minifloat test_fakequant test_error_sums test_observe test_calibrators test_exec_eltwise
	test_resize_pillow test_resize_opencv test_resize_matlab test_preprocess"
for t in $tests; do
	quietly "building $t" make -s "tests/unit/$t"
	program=tests/unit/$t
	[ ! -x "tests/unit/.libs/$t" ] || program=tests/unit/.libs/$t # libtool's own wrapper would run in QEMU's stead
	for cpu in qemu64 Haswell; do
		quietly "$t on $cpu" env CK_FORK=no CK_DEFAULT_TIMEOUT=0 top_srcdir="$top_srcdir" srcdir="$top_srcdir" top_builddir=. \
			qemu-x86_64 -cpu "$cpu" "$program"
	done
done
echo "PASS"
