# oqz.m4 - build oqz plugins outside of the oqz source tree. Installed for `autoreconf`; an example that uses it is in
# $(datadir)/oqz/template.
# SPDX-License-Identifier: Apache-2.0

# OQZ_PLUGIN([MINIMUM-VERSION])
# -----------------------------
# Finds oqz with pkg-config and sets
#   OQZ_CFLAGS          where the headers are
#   OQZ_PLUGINDIR       where oqz looks for plugins (a value given to configure goes first)
#   OQZ_ABI             what a plugin and its host agree on; a change means: build again
#   OQZ_PLUGIN_CFLAGS   compile the sources of a plugin with these, too
#   OQZ_PLUGIN_LDFLAGS  link a libtool module with these: one exported symbol, no undefined ones
AC_DEFUN([OQZ_PLUGIN], [
  AC_REQUIRE([PKG_PROG_PKG_CONFIG])
  PKG_CHECK_MODULES([OQZ], [oqz m4_ifval([$1], [>= $1])])
  PKG_CHECK_VAR([OQZ_PLUGINDIR], [oqz], [plugindir], [],
    [AC_MSG_ERROR([oqz.pc does not say where plugins belong; set OQZ_PLUGINDIR])])
  PKG_CHECK_VAR([OQZ_ABI], [oqz], [abi], [], [AC_MSG_ERROR([oqz.pc does not name its abi])])
  OQZ_PLUGIN_CFLAGS='-fvisibility=hidden -ffp-contract=off'
  OQZ_PLUGIN_LDFLAGS="-module -avoid-version -shared -no-undefined -Wl,-z,defs -export-symbols-regex '^oqz_plugin_entry\$\$'"
  AC_SUBST([OQZ_PLUGIN_CFLAGS])
  AC_SUBST([OQZ_PLUGIN_LDFLAGS])
])
