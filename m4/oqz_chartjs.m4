dnl OQZ_CHECK_CHARTJS: where Chart.js lies (Debian: libjs-chart.js), which reports carry to draw their charts. CHARTJS is
dnl empty without it: reports then have their static drawings alone.
AC_DEFUN([OQZ_CHECK_CHARTJS], [
AC_ARG_WITH([chartjs],
	[AS_HELP_STRING([--with-chartjs=FILE], [minified Chart.js of version 3 or 4 for the charts of reports; "no": static drawings only])],
	[], [with_chartjs=yes])
AC_MSG_CHECKING([for Chart.js])
CHARTJS=
AS_CASE([$with_chartjs],
	[no], [],
	[yes], [for f in /usr/share/javascript/chart.js/chart.min.js /usr/share/javascript/chart.js/chart.umd.js \
			/usr/share/javascript/chartjs/chart.min.js /usr/share/nodejs/chart.js/dist/chart.min.js; do
		AS_IF([test -z "$CHARTJS" && test -f "$f"], [CHARTJS=$f])
	done],
	[AS_IF([test -f "$with_chartjs"], [CHARTJS=$with_chartjs], [AC_MSG_ERROR([$with_chartjs: no such file])])])
AS_IF([test -n "$CHARTJS" && ! grep -q 'Chart.js v@<:@34@:>@' "$CHARTJS"],
	[AC_MSG_ERROR([$CHARTJS does not say that it is Chart.js 3 or 4 (--with-chartjs)])])
AC_MSG_RESULT([${CHARTJS:-no}])
AC_SUBST([CHARTJS])
])
