# OQZ_CHECK_COMPILER: what the sources require of the compiler, and the flag sets of the two kinds of objects.
#   OQZ_CFLAGS     everything: C11, warnings, no contraction (numbers must not depend on what the compiler fuses)
#   KERNEL_CFLAGS  inner loops on top of that: -O3, never fast-math
AC_DEFUN([OQZ_CHECK_COMPILER], [
  AC_CACHE_CHECK([for the cleanup attribute], [oqz_cv_cleanup],
    [AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[static void f(int *p) { (void)p; }]],
       [[__attribute__((cleanup(f))) int x = 0; (void)x;]])], [oqz_cv_cleanup=yes], [oqz_cv_cleanup=no])])
  AS_IF([test $oqz_cv_cleanup = no], [AC_MSG_ERROR([a compiler with __attribute__((cleanup)) is required])])
  AX_APPEND_COMPILE_FLAGS([-std=gnu11 -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-unused-parameter -Wno-missing-field-initializers -ffp-contract=off -fno-math-errno -fno-trapping-math -O2], [OQZ_CFLAGS], [-Werror])
  AX_APPEND_COMPILE_FLAGS([-O3 -ftree-vectorize -fvect-cost-model=dynamic], [KERNEL_CFLAGS], [-Werror])
  AC_SUBST([OQZ_CFLAGS])
  AC_SUBST([KERNEL_CFLAGS])
  dnl Called by its symbol, as other files do: clang 14 calls that `f.ifunc' and finds it in its own file only.
  AC_CACHE_CHECK([for function clones per instruction set], [oqz_cv_target_clones],
    [AC_LINK_IFELSE([AC_LANG_PROGRAM([[__attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
       int f(int x) { return x + 1; }
       extern int from_elsewhere(int) __asm__("f");]], [[return from_elsewhere(1);]])],
      [oqz_cv_target_clones=yes], [oqz_cv_target_clones=no])])
  AC_CACHE_CHECK([for tile instructions], [oqz_cv_tiles],
    [AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <immintrin.h>
       __attribute__((target("arch=x86-64-v4,amx-tile,amx-int8,amx-bf16"))) static void f(void *p) {
         _tile_loadconfig(p); _tile_loadd(0, p, 64); _tile_dpbssd(0, 1, 2); _tile_dpbf16ps(0, 1, 2); _tile_stored(0, p, 64);
         _tile_release(); }]],
       [[f(0);]])], [oqz_cv_tiles=yes], [oqz_cv_tiles=no])])
  AS_IF([test $oqz_cv_tiles = yes], [AC_DEFINE([OQZ_TILES], [1], [Define to 1 to build kernels on Intel's tile instructions])])
])
