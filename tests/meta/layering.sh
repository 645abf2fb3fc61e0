#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The layers of ARCHITECTURE.md: what each folder may include. A folder that is not in the table fails, so that a new one
# gets its place on purpose. Printing, exiting and aborting are the command line's business.
cd "${top_srcdir:-.}" || exit 1
status=0
fail() { echo "FAIL: $*"; status=1; }

# folder: folders it may include besides itself; "oqz" are the public plugin headers.
allowed() {
	case $1 in
	core/base) echo oqz ;;
	core/tensor) echo core/base oqz ;;
	core/graph) echo core/base core/tensor ;;
	core/ops) echo core/base core/tensor core/graph core/image ;; # images for ImageDecoder
	core/onnx) echo core/base core/tensor core/graph core/ops ;;
	core/exec) echo core/base core/tensor core/graph core/ops ;;
	core/exec/dnnl) echo core/base core/tensor core/graph core/ops core/exec oneapi/dnnl ;;
	core/quant) echo core/base core/tensor core/graph core/ops oqz ;;
	core/image) echo core/base oqz ;;
	core/metric) echo core/base core/tensor ;;
	core/manifest | core/split) echo core/base ;;
	core/result) echo core/base core/metric oqz ;;
	plugins) echo core/base core/tensor core/image oqz ;; # images and arrays for the tasks, through the host's table
	plugins/include/oqz | plugins/template) echo oqz ;;
	quantizers) echo oqz ;;
	quantizers/*) echo oqz quantizers ;;
	tasks/common) echo oqz ;; # what several tasks share is linked into each of them
	tasks/coco) echo oqz tasks/common ;;
	tasks/*) echo oqz tasks/common tasks/coco ;;
	core/run) echo core/base core/tensor core/graph core/ops core/onnx core/exec core/quant core/image core/metric \
		core/manifest core/result plugins oqz ;;
	cli) echo core/base core/tensor core/graph core/ops core/onnx core/exec core/quant core/image core/metric \
		core/manifest core/result core/run core/split plugins oqz ;;
	*) return 1 ;;
	esac
}

sources() { find core plugins quantizers tasks cli -name '*.[ch]' ! -name '*.pb-c.[ch]' | LC_ALL=C sort; }

n=0
for f in $(sources); do
	folder=${f%/*}
	if ! may=$(allowed "$folder"); then
		fail "$f: folder $folder has no place in the layers"
		continue
	fi
	for inc in $(sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]\([^>"]*\/[^>"]*\)[>"].*/\1/p' "$f"); do
		n=$((n + 1))
		to=${inc%/*}
		case $to in core* | plugins* | quantizers* | tasks* | cli* | tests* | bench* | oqz | oneapi*) ;; *) continue ;; esac
		case " $folder $may " in
		*" $to "*) ;;
		*) fail "$f includes $inc: $folder may include: $may" ;;
		esac
	done
done
[ $n -gt 300 ] || fail "only $n includes seen: this script no longer reads the tree"

# Headers of a private folder named without it, and libraries that only one folder may see.
only() {
	for f in $(sources | xargs grep -lE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($1)"); do
		case $f in $2) ;; *) fail "$f includes $1" ;; esac
	done
}
only 'oneapi/|dnnl' 'core/exec/dnnl/*'
only 'sqlite3' 'core/result/*'
only 'yaml\.h' 'core/manifest/*'
only 'jpeglib|png\.h|tiffio|webp/|openjpeg' 'core/image/*'
only 'pcre2' 'core/ops/regex.c'
only '(.*/)?onnx\.pb-c|protobuf-c' 'core/onnx/*'

# What prints or ends the process. Comments and strings do not count. _exit ends a child that was forked on the spot.
calls='(^|[^A-Za-z0-9_>."])(printf|vprintf|puts|putchar|perror|exit|abort|fputs|fprintf|err|errx|warn|warnx)[[:space:]]*\('
for f in $(sources); do
	case $f in cli/*) continue ;; esac
	hits=$(sed -e 's/"\([^"\\]\|\\.\)*"/""/g' -e 's@/\*.*\*/@@' -e '/^[[:space:]]*\/\?\*/d' -e 's@//.*@@' "$f" |
		grep -nE "$calls" | grep -vE '(fprintf|fputs)\((out|f|file|stream)\b')
	[ -z "$hits" ] && continue
	case $f in
	core/base/params.c) # a caller that asks for a parameter its own table lacks: documented in params.h
		[ "$(echo "$hits" | grep -cE '\<(fprintf|abort)\>')" -eq "$(echo "$hits" | wc -l)" ] || fail "$f: $hits" ;;
	*) fail "$f prints or exits: $hits" ;;
	esac
done
exit $status
