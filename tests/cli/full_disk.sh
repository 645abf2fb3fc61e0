#!/bin/sh
# No room: an error that names the file; what is there stays sound, and the run goes on from it when there is room again.
. "${top_srcdir:-.}/tests/cli/functions.sh"
expect_exit 0 run -o "$tmp/whole" "$tiny/tiny.yaml"
# A limit on the size of files is what a test can make of a full disk.
for blocks in 1 20 60 120; do
	got=0
	(ulimit -f $blocks && exec "$OQZ" run -j2 --progress none -o "$tmp/a" "$tiny/tiny.yaml") \
		>"$tmp/stdout" 2>"$tmp/stderr" || got=$?
	test $got -eq 4 || fail "ulimit -f $blocks: exit $got, not 4"
	says stderr "$tmp/a/"
done
expect_exit 0 run -o "$tmp/a" "$tiny/tiny.yaml"
same_results "$tmp/whole" "$tmp/a"
# A disk that is really full, where this user may have one of his own: at the first bytes of a run, while it goes, at its end.
cat >"$tmp/on_disk" <<'END'
kilobytes=$1 disk=$2 out=$3 manifest=$4
mount -t tmpfs -o "size=${kilobytes}k" tmpfs "$disk" || exit 77
got=0
"$OQZ" run -j2 --progress none -o "$disk/a" "$manifest" >/dev/null 2>"$out.said" || got=$?
test $got -eq 4 || { echo "$kilobytes KiB: exit $got, not 4"; exit 1; }
grep -qF "oqz: $disk/a/" "$out.said" && grep -qi 'full\|no space' "$out.said" || { echo "$kilobytes KiB: $(cat "$out.said")"; exit 1; }
mount -o remount,size=64m "$disk"
"$OQZ" run -j2 --progress none -o "$disk/a" "$manifest" >/dev/null 2>&1 && cp -r "$disk/a" "$out"
END
mkdir "$tmp/disk"
if unshare -rm mount -t tmpfs tmpfs "$tmp/disk" 2>/dev/null; then
	for kilobytes in 4 100 300 500; do
		unshare -rm sh "$tmp/on_disk" $kilobytes "$tmp/disk" "$tmp/disk-$kilobytes" "$tiny/tiny.yaml" >"$tmp/said" 2>&1 || fail "$(cat "$tmp/said")"
		same_results "$tmp/whole" "$tmp/disk-$kilobytes"
	done
else
	echo "without a disk of its own"
fi
# What other verbs write, with no room at all: an error that names the file, and the old one as it was.
npy "$tmp/x.npy" "(2,)" 1 2
image=$(find "$tiny/test" -name '*.png' | sort | head -n 1)
printf 'steps:\n  - normalize: {scale: 127.5, mean: 1}\n' >"$tmp/steps.yaml"
mkdir "$tmp/files"
no_room() { # FILE VERB...: FILE is what the verb writes
	file=$tmp/files/$1
	shift
	mkdir -p "${file%/*}"
	echo old >"$file"
	got=0
	said=$( (ulimit -f 0 && exec "$OQZ" "$@" >/dev/null) 2>&1) || got=$?
	test $got -eq 4 || fail "no room, oqz $*: exit $got, not 4: $said"
	echo "$said" | grep -qF "${file##*/}" || fail "no room, oqz $*: $said"
	test "$(cat "$file")" = old || fail "no room: the old $file is lost"
	test "$(find "${file%/*}" -type f | wc -l)" -eq 1 || fail "no room: files are left beside $file"
	rm -r "${file%/*}"
	mkdir -p "$tmp/files"
}
no_room q/y.npy qdq --scheme int8 -o "$tmp/files/q/y.npy" "$tmp/x.npy"
no_room q/plan.json qdq --scheme int8 --plan "$tmp/files/q/plan.json" "$tmp/x.npy"
no_room p/x.npy prepare --steps "$tmp/steps.yaml" -o "$tmp/files/p/x.npy" "$image"
no_room e/q.onnx export --scheme channel -o "$tmp/files/e/q.onnx" "$tiny/tiny.yaml"
no_room i/scores.out.npy infer --random 1 -o "$tmp/files/i" "$tiny/tiny.onnx"
no_room t/trace.json profile --repeat 1 --trace "$tmp/files/t/trace.json" "$tiny/tiny.onnx"
if [ -c /dev/full ]; then
	for verb in "list ops" "report $tmp/a" "show $tiny/tiny.yaml" "run -o $tmp/a $tiny/tiny.yaml" --help; do
		got=0
		# shellcheck disable=SC2086
		"$OQZ" $verb >/dev/full 2>"$tmp/stderr" || got=$?
		test $got -eq 4 || fail "oqz $verb >/dev/full: exit $got, not 4"
		says stderr 'standard output: No space left'
	done
fi
