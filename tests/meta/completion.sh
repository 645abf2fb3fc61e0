#!/bin/bash
# The completion offers what the program has: every verb, every option of every verb, the words that an option takes, files
# by the names that the help gives to operands.
[ -e /dev/fd/0 ] || { echo "skipped: no /dev/fd (a bare chroot), which completion reads from"; exit 77; }
set -u
command -v bash >/dev/null || { echo "skipped: no bash"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/oqz-completion.XXXXXX")
trap 'rm -rf "$work"' EXIT
status=0
complain() { echo "FAIL: $*"; status=1; }

mkdir "$work/bin" "$work/files" "$work/files/folder"
ln -s "$OQZ" "$work/bin/oqz"
PATH=$work/bin:$PATH
touch "$work/files/"{zoo.yaml,zoo.yml,net.onnx,a.npy,plan.json,mine.so,picture.jpg}
completions=$(cd "$top_srcdir/completions" && pwd)
cd "$work/files" || exit 1
compopt() { :; } # readline's own, absent in a script
# shellcheck disable=SC1091
. "$completions/oqz-run"
complete -p oqz oqz-run >/dev/null || complain "no completion is registered"

# offers WORD...: the candidates when the last word is being typed, one a line
offers() {
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	_oqz
	printf '%s\n' "${COMPREPLY[@]}"
}
# expect "CANDIDATES" WORD...: exactly these, in any order
expect() {
	local want got
	want=$(tr ' ' '\n' <<<"$1" | sort)
	shift
	got=$(offers "$@" | sort)
	[ "$got" = "$want" ] || complain "$* <tab>: '${got//$'\n'/ }', not '${want//$'\n'/ }'"
}
# among "CANDIDATE" WORD...
among() {
	offers "${@:2}" | grep -qxF -- "$1" || complain "${*:2} <tab> does not offer $1"
}

verbs=$("$OQZ" --help | sed -n '/^verbs:/,/^$/s/^  \([a-z-]*\) .*/\1/p')
[ "$(wc -w <<<"$verbs")" -ge 10 ] || complain "verbs in --help: $verbs"
for v in $verbs; do
	among "$v" oqz "${v:0:2}"
	for o in $("$OQZ" "$v" --help | sed -n 's/^  [-, a-z]\{0,4\}\(--[a-z-]*\).*/\1/p'); do
		among "$o" oqz "$v" "${o:0:4}"
	done
	# A value's name begins with a capital, a flag's text does not: the two are told apart by it.
	"$OQZ" "$v" --help | grep -- '^ .*--[a-z-]*  ' | sed 's/.*--[a-z-]* *//' | grep '^[A-Z]' &&
		complain "oqz $v --help: the text of a flag begins with a capital"
done
expect "run" oqz ru
expect "--engine" oqz run --eng
expect "auto sim reference" oqz run --engine ""
expect "sim" oqz run --engine s
expect "sim" oqz run --engine = s
expect "auto sim reference" oqz run --engine =
expect "activation weight" oqz qdq --role ""
expect "plain" oqz-run --progress p
expect "--limit" oqz-run --li
among csv oqz report --format ""
expect "folder zoo.yaml zoo.yml" oqz run ""
expect "folder zoo.yaml zoo.yml" oqz-run --progress none ""
expect "zoo.yaml" oqz validate --data zoo.ya
expect "folder net.onnx" oqz infer ""
expect "folder a.npy" oqz qdq ""
expect "folder plan.json" oqz qdq --plan ""
expect "a.npy" oqz qdq -o a
expect "folder" oqz run -o ""
expect "picture.jpg" oqz prepare pi
expect "quantizers" oqz list q
among int8 oqz qdq --scheme i
among int8 oqz describe i
among mine.so oqz describe m
among detection oqz score --task det
expect "" oqz score --task int
among +fuse-layernorm oqz describe --pass +fuse
among -fuse-bias oqz export --plan p.json --pass -f
among net.onnx oqz describe ne
among zoo.yaml oqz export z
among net.onnx oqz export n
expect "folder plan.json" oqz compare ""
expect "imagenet" oqz split i
among persons oqz split --seed 1 pe
among picture.jpg oqz split coco pi
expect "folder" oqz prepare fo
expect "" oqz run --limit ""
expect "" oqz nosuchverb ""
exit $status
