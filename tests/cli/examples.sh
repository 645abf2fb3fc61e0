#!/bin/bash
# Every example of the README, the tutorial and the manual pages is run: on stand-ins for the files that they name, with an
# oqz installed into a folder, as a reader would have it.
. "${top_srcdir:-.}/tests/cli/functions.sh"
requires make pkg-config cc
top_srcdir=$(cd "${top_srcdir:-.}" && pwd) top_builddir=$(cd "${top_builddir:-.}" && pwd)
data=$(cd "$tiny" && pwd)
(unset MAKEFLAGS MAKELEVEL MFLAGS; make -s -C "$top_builddir" install DESTDIR="$tmp/root") >"$tmp/install" 2>&1 || fail "make install: $(tail -3 "$tmp/install")"
PATH=$(dirname "$(find "$tmp/root" -path '*/bin/oqz')"):$PATH
# oqz.pc names folders of the system; here they lie below $tmp/root (some pkg-config put that in front, some do not)
pkg_config=$(command -v pkg-config)
mkdir "$tmp/bin"
cat >"$tmp/bin/pkg-config" <<END
#!/bin/sh
answer=\$($pkg_config "\$@") || exit
case \$1\$answer in
--variable=*$tmp/root*) ;;
--variable=*) answer=$tmp/root\$answer ;;
esac
echo "\$answer"
END
chmod +x "$tmp/bin/pkg-config"
PATH=$tmp/bin:$PATH
PKG_CONFIG_PATH=$(dirname "$(find "$tmp/root" -name oqz.pc)") PKG_CONFIG_SYSROOT_DIR=$tmp/root TINY=$data
export PATH PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR TINY
unset OQZ

# runs FILE: the commands of a file, one a line, in one shell; the first that fails is named
run_count=0
runs() {
	what=$1
	while IFS= read -r command; do
		run_count=$((run_count + 1))
		echo "$what: $command"
		eval "$command" >"$tmp/output" 2>&1 </dev/null || fail "$what: exit $?: $command: $(tail -5 "$tmp/output")"
	done <"$2"
}

# ---------------------------------------------------------------------------------------------- the tutorial
# In order: a yaml or c block that begins with "# file: NAME" or "// file: NAME" is saved, lines of console blocks that begin with
# "$ " are run.
mkdir "$tmp/tutorial"
awk -v dir="$tmp/tutorial" '
	/^```(yaml|c)$/ { save = 1; file = ""; next }
	/^```console/ { console = 1; next }
	/^```/ { save = console = 0; next }
	save && /^(#|\/\/) file: / { file = $3; n++; printf "cp \"%s/block%d\" %s\n", dir, n, file; next }
	save && file { print > (dir "/block" n) }
	console && /^\$ / { print substr($0, 3) }' "$top_srcdir/doc/TUTORIAL.md" >"$tmp/tutorial/commands"
test "$(wc -l <"$tmp/tutorial/commands")" -ge 20 || fail "the tutorial reads otherwise than this test thinks"
# Nothing is passed over: a block of another language, code without a file, console lines that are no command.
passed_over=$(awk '
	/^```/ { on = !on; language = substr($0, 4); first = on; if (on && language !~ /^(yaml|c|console)$/) print; next }
	!on { next }
	language == "console" ? !/^\$ / : first && !/^(#|\/\/) file: / { print } { first = 0 }' "$top_srcdir/doc/TUTORIAL.md")
test -z "$passed_over" || fail "the tutorial has examples that are not run: $passed_over"
run_count=$(wc -l <"$tmp/tutorial/commands") # in a shell of its own
(cd "$tmp/tutorial" && runs TUTORIAL.md "$tmp/tutorial/commands" && test -s zoo.oqz/report.html -a -s number.oqz/report.html) ||
	fail "the tutorial"
test "$(wc -l <"$tmp/tutorial/mine/log4.c")" -lt 100 || fail "the tutorial's plugin has grown to 100 lines"
for scheme in int8 pow2 log4 log4-mixed fp8 int4; do
	grep -q "^flowers,$scheme,classify,ok," "$tmp/tutorial/mine/zoo.oqz/results.csv" || fail "no figures for $scheme in the tutorial's table"
done

# ---------------------------------------------------------------------------------------------- manual pages
# Stand-ins for what the examples name.
mkdir "$tmp/pages" && cd "$tmp/pages"
cp -r "$data"/. .
for name in model resnet18 resnet50; do cp tiny.onnx $name.onnx; done
cp "test/$(sed -n '1s/ .*//p' test.txt)" cat.jpg
sed -e 's/id: tiny/id: resnet18/; s/models: \[tiny\]/models: [resnet18]/; s/^  channel:/  int8-channel: {extends: channel}\n&/' tiny.yaml >zoo.yaml
sed -i 's/^schemes:/&\n  int8: {plugin: int8}/; s/^    task: classify/&\n    tags: [resnet]/' zoo.yaml
mkdir -p ILSVRC2012/val SegmentationClass out_seg HR SR val
seq -f 'ILSVRC2012/val/ILSVRC2012_val_%08g.JPEG' 1 10000 | xargs touch
cp test/* val && cp test.txt val.txt
n=0
for f in test/*.png; do n=$((n + 1)); test $n -gt 3 || { cp "$f" HR; cp "$f" SR; }; done
printf '%s\n' '{"images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}], "categories": [{"id": 1, "name": "cat"}],' \
	'"annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 40, 30], "area": 1200, "iscrowd": 0}]}' >instances_val2017.json
echo '[{"image_id": 1, "category_id": 1, "bbox": [11, 10, 40, 30], "score": 0.9}]' >detections.json
# an 8-bit gray image of 2 x 2 zeros
gray='iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAAC0lEQVR4nGNgAAEAAAYAAf6MZ8gAAAAASUVORK5CYII='
echo "$gray" | base64 -d >SegmentationClass/a.png
printf 'steps:\n  - normalize: {scale: 127.5, mean: 1}\n' >prepare.yaml
oqz prepare -o image.npy --steps prepare.yaml cat.jpg >/dev/null || fail "an input for the model"
cp image.npy w.npy
pages=$(echo "$top_srcdir"/doc/oqz-*.[135] "$top_srcdir/doc/oqz.1")
# shellcheck disable=SC2086
elsewhere=$(awk '/^\.SH/ { examples = $2 ~ /EXAMPLE/ } /^\.nf/ && !examples { print FILENAME }' $pages | sort -u)
test "${elsewhere##*/}" = oqz-plugin.3 || fail "examples outside of EXAMPLES, which are not run: $elsewhere"
for page in $pages; do
	awk '/^\.SH/ { examples = $2 ~ /EXAMPLE/ } /^\.nf/ { on = 1; next } /^\.fi/ { on = 0 }
		on && examples { gsub(/\\-/, "-"); gsub(/\\e/, "\\"); print }' "$page" >"$tmp/commands"
	case $page in
	*/oqz-manifest.5) # its example is a manifest
		cp "$tmp/commands" example.yaml
		echo "oqz validate example.yaml" >"$tmp/commands" ;;
	*/oqz-report.1) echo "oqz run zoo.yaml" | cat - "$tmp/commands" >"$tmp/both" && mv "$tmp/both" "$tmp/commands" ;;
	*/oqz-compare.1) # two runs that agree, and two of one's plans
		printf '%s\n' 'oqz run zoo.yaml' 'cp -r zoo.oqz zoo-1.0.oqz' 'cp -r zoo.oqz zoo-1.1.oqz' \
			'cp zoo.oqz/plans/resnet18.int8.json zoo.oqz/plans/resnet18.a.json' \
			'cp zoo.oqz/plans/resnet18.int8.json zoo.oqz/plans/resnet18.b.json' |
			cat - "$tmp/commands" >"$tmp/both" && mv "$tmp/both" "$tmp/commands" ;;
	*/oqz-check-onnx.1) test -d /usr/share/libonnx-testdata/data/node || { echo "skipped: $page: no libonnx-testdata"; continue; } ;;
	*/oqz-score.1) rm -rf out && mkdir out && cp SegmentationClass/a.png out ;;
	*) ;;
	esac
	runs "${page##*/}" "$tmp/commands"
done
# oqz-plugin(3): its descriptor around the functions of the template's scheme, built as it says.
part() { # of that page: what stands verbatim in a section, commands on one line each
	awk -v part="$1" '/^\.SH/ { here = $2 == part } /^\.nf/ { on = 1; next } /^\.fi/ { on = 0 }
		on && here { gsub(/\\f[A-Z]/, ""); gsub(/\\-/, "-"); gsub(/\\e/, "\\"); print }' "$top_srcdir/doc/oqz-plugin.3" |
		sed ':more; /\\$/ { N; s/\\\n//; b more; }'
}
{
	part SYNOPSIS | sed -n '/^#include/p'
	sed '/^#include <oqz/d; /^static const struct oqz_quantizer example/,$d; s/example_/mine_/g' "$top_srcdir/plugins/template/example.c"
	part SYNOPSIS | sed '/^#include/d'
} >mine.c
part BUILDING >"$tmp/commands"
test "$(wc -l <"$tmp/commands")" -eq 2 || fail "oqz-plugin(3) reads otherwise than this test thinks"
runs "oqz-plugin.3, BUILDING" "$tmp/commands"

# ---------------------------------------------------------------------------------------------- pages of plugins
# Manifests without schemes and mostly without models, on data that is not there: everything else about them must be right.
for page in "$top_srcdir"/tasks/*/*.md; do
	awk '/^## / { on = $2 == "Example" } on && /^    / { print substr($0, 5) }' "$page" >"$tmp/block"
	test -s "$tmp/block" || fail "$page has no example"
	{
		printf 'oqz: 1\nschemes: {int8: {plugin: int8}}\n'
		cat "$tmp/block"
		grep -q '^models:' "$tmp/block" ||
			echo "models: [{id: tiny, file: tiny.onnx, task: $(sed -n '/^tasks:/{n;s/^ *\([a-z]*\):.*/\1/p;}' "$tmp/block")}]"
	} >plugin.yaml
	oqz validate plugin.yaml >"$tmp/output" 2>&1 || fail "${page##*/}: $(cat "$tmp/output")"
	run_count=$((run_count + 1))
done

# Specifications of schemes that the quantizers' pages name.
grep -oh '`[a-z0-9]*:[a-z]*=[^`]*`' "$top_srcdir"/quantizers/*/*.md | tr -d '`' | sed 's/.*/oqz qdq --scheme & -o out.npy w.npy/' >"$tmp/commands"
test "$(wc -l <"$tmp/commands")" -ge 3 || fail "the quantizers' pages read otherwise than this test thinks"
runs "pages of quantizers" "$tmp/commands"

# ---------------------------------------------------------------------------------------------- the README
# Commands of oqz, with and without a prompt, on the demo zoo too; its manifest is validated.
awk '/^    oqz: 1/ { on = 1 } on && !/^    / && !/^$/ { exit } on { print substr($0, 5) }' "$top_srcdir/README.md" >readme.yaml
mkdir -p imagenet/val imagenet/calib && cp val.txt imagenet && cp val/* imagenet/val && cp calib/* imagenet/calib
sed 's/prepare: imagenet-256-224-bilinear/prepare: [{normalize: {scale: 127.5, mean: 1}}]/' readme.yaml >imagenet.yaml
test -s readme.yaml || fail "the README has no manifest any more"
# Blocks that begin otherwise than with a manifest, a command of oqz, a map of the tree or ./quickstart (tests/long) are not run.
passed_over=$(awk '/^    / && !before && !/^    (oqz: 1|\$ oqz|core\/|\.\/quickstart)/ { print } { before = /^    / || (before && !NF) }' \
	"$top_srcdir/README.md")
test -z "$passed_over" || fail "the README has examples that are not run: $passed_over"
echo "oqz validate readme.yaml" >"$tmp/commands"
ln -s "$top_srcdir/demo" demo
{
	sed -n 's/^    \$ \(oqz.*\)/\1/p' "$top_srcdir/README.md"
	grep -o '`oqz [a-z][^`]*`' "$top_srcdir/README.md" | tr -d '`'
} >>"$tmp/commands"
test "$(wc -l <"$tmp/commands")" -ge 3 || fail "the README reads otherwise than this test thinks"
runs README.md "$tmp/commands"
echo "PASS: $run_count commands"
