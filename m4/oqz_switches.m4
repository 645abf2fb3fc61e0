# OQZ_SWITCHES: the build switches for developers: werror, asan, ubsan, coverage, valgrind, fuzzing.
AC_DEFUN([OQZ_SWITCHES], [
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [warnings are errors])], [], [enable_werror=no])
  AS_IF([test x$enable_werror = xyes], [AX_APPEND_COMPILE_FLAGS([-Werror], [OQZ_CFLAGS])])

  AC_ARG_ENABLE([asan], [AS_HELP_STRING([--enable-asan], [address sanitizer])], [], [enable_asan=no])
  AS_IF([test x$enable_asan = xyes], [
    AX_APPEND_COMPILE_FLAGS([-fsanitize=address -fno-omit-frame-pointer], [SANITIZER_CFLAGS])
    AX_APPEND_LINK_FLAGS([-fsanitize=address], [SANITIZER_LDFLAGS])])
  AC_ARG_ENABLE([ubsan], [AS_HELP_STRING([--enable-ubsan], [undefined behaviour sanitizer; a finding ends the program])], [], [enable_ubsan=no])
  AS_IF([test x$enable_ubsan = xyes], [
    AX_APPEND_COMPILE_FLAGS([-fsanitize=undefined,float-cast-overflow -fno-sanitize-recover=undefined,float-cast-overflow], [SANITIZER_CFLAGS])
    AX_APPEND_LINK_FLAGS([-fsanitize=undefined], [SANITIZER_LDFLAGS])])
  AM_CONDITIONAL([SANITIZING], [test x$enable_asan = xyes || test x$enable_ubsan = xyes])
  dnl An ifunc resolver runs before the sanitizer runtime is up, so clones and sanitizers exclude each other.
  AS_IF([test $oqz_cv_target_clones = yes && test x$enable_asan = xno && test x$enable_ubsan = xno],
    [AC_DEFINE([OQZ_TARGET_CLONES], [1], [Define to 1 to build inner loops once per x86-64 level])])

  AC_ARG_ENABLE([coverage], [AS_HELP_STRING([--enable-coverage], [gcov instrumentation, for `make check-coverage'])], [], [enable_coverage=no])
  AS_IF([test x$enable_coverage = xyes], [
    AC_DEFINE([OQZ_COVERAGE], [1], [Define to 1 to keep the counters of gcov in forked processes])
    AX_APPEND_COMPILE_FLAGS([--coverage], [SANITIZER_CFLAGS])
    AX_APPEND_LINK_FLAGS([--coverage], [SANITIZER_LDFLAGS])])

  AC_ARG_ENABLE([valgrind], [AS_HELP_STRING([--enable-valgrind], [let `make check-valgrind' run the unit tests under memcheck])], [], [enable_valgrind=no])
  AS_IF([test x$enable_valgrind = xyes], [AC_PATH_PROG([VALGRIND], [valgrind], [no])
    AS_IF([test "x$VALGRIND" = xno], [AC_MSG_ERROR([valgrind not found])])])
  AM_CONDITIONAL([ENABLE_VALGRIND], [test x$enable_valgrind = xyes])

  AC_ARG_ENABLE([fuzzing], [AS_HELP_STRING([--enable-fuzzing], [build the fuzz targets with libFuzzer (needs CC=clang); otherwise they replay their corpus])], [], [enable_fuzzing=no])
  AM_CONDITIONAL([ENABLE_FUZZING], [test x$enable_fuzzing = xyes])
  AS_IF([test x$enable_fuzzing = xyes], [
    AX_APPEND_COMPILE_FLAGS([-fsanitize=fuzzer-no-link], [SANITIZER_CFLAGS])
    FUZZ_LDFLAGS=-fsanitize=fuzzer])
  AC_SUBST([FUZZ_LDFLAGS])
  AC_SUBST([SANITIZER_CFLAGS])
  AC_SUBST([SANITIZER_LDFLAGS])
])
