#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whatever is kept in the repository is in the release tarball: a header that no local.mk names builds here and not there. And
# every document that is installed belongs to a package, of Debian's and of rpm's: rpmbuild refuses one that does not.
top=${top_srcdir:-.}
[ -e "$top/.git" ] && command -v git >/dev/null || { echo "skipped: no git checkout"; exit 77; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
# shellcheck disable=SC2016
printf 'print-distfiles:\n\t@for f in $(DISTFILES); do echo "$$f"; done\nprint-docs:\n\t@for f in $(dist_doc_DATA) $(nodist_doc_DATA); do echo "$${f##*/}"; done\n' >"$tmp/print.mk"
unset MAKEFLAGS MAKELEVEL MFLAGS
make -s -C "${top_builddir:-.}" -f Makefile -f "$tmp/print.mk" print-distfiles | sed "s,^$(cd "$top" && pwd)/,,; s,^\(\.\./\)*,," |
	LC_ALL=C sort -u >"$tmp/distributed"
n=$(wc -l <"$tmp/distributed")
[ "$n" -gt 500 ] || { echo "FAIL: make names only $n files"; exit 1; }
# Folders that are distributed whole stand there themselves. git's own files and Debian's packaging stay behind.
(cd "$top" && git ls-files) | grep -v -x -e '\.gitignore' -e '\.gitattributes' -e 'debian/.*' |
	awk -v list="$tmp/distributed" '
	BEGIN { while ((getline f < list) > 0) known[f] = 1 }
	{ n = split($0, part, "/"); path = part[1]; ok = path in known
	  for (i = 2; i <= n && !ok; i++) { path = path "/" part[i]; ok = path in known }
	  if (!ok) print "FAIL: not in the tarball: " $0 }' >"$tmp/missing"
docs=$(make -s -C "${top_builddir:-.}" -f Makefile -f "$tmp/print.mk" print-docs)
[ "$(echo "$docs" | wc -l)" -ge 5 ] || { echo "FAIL: make names no documents: $docs"; exit 1; }
for f in $docs; do
	grep -q "/$f\$" "$top/packaging/oqz.spec" || echo "FAIL: packaging/oqz.spec lacks $f"
	cat "$top"/debian/*.install "$top"/debian/not-installed | grep -q "\(/\|^\)$f\$" || echo "FAIL: debian/ lacks $f"
done >>"$tmp/missing"
cat "$tmp/missing"
[ ! -s "$tmp/missing" ]
