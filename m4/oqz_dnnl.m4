# OQZ_CHECK_DNNL: oneDNN. Its C API changed between 2.x and 3.x; core/exec/dnnl is the only folder that sees it.
AC_DEFUN([OQZ_CHECK_DNNL], [
  AC_CHECK_HEADER([oneapi/dnnl/dnnl.h], [], [AC_MSG_ERROR([oneDNN headers not found; Debian: libdnnl-dev])])
  oqz_save_LIBS=$LIBS
  AC_CHECK_LIB([dnnl], [dnnl_engine_create], [DNNL_LIBS=-ldnnl], [AC_MSG_ERROR([libdnnl not found; Debian: libdnnl-dev])])
  LIBS=$oqz_save_LIBS
  AC_SUBST([DNNL_LIBS])
  AC_CACHE_CHECK([for the oneDNN version], [oqz_cv_dnnl_major],
    [AC_COMPUTE_INT([oqz_cv_dnnl_major], [DNNL_VERSION_MAJOR], [#include <oneapi/dnnl/dnnl_version.h>], [oqz_cv_dnnl_major=0])])
  AC_COMPUTE_INT([oqz_dnnl_minor], [DNNL_VERSION_MINOR], [#include <oneapi/dnnl/dnnl_version.h>], [oqz_dnnl_minor=0])
  oqz_dnnl_version=$oqz_cv_dnnl_major.$oqz_dnnl_minor
  AS_IF([test $oqz_cv_dnnl_major -ne 2], [AC_MSG_ERROR([oneDNN $oqz_dnnl_version: the lowering in core/exec/dnnl is written for the 2.x C API])])
])
