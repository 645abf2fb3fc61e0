#!/bin/sh
# A run that is interrupted (INT, TERM, KILL) at several moments, then continued, ends with the bytes of an undisturbed one.
. "${top_srcdir:-.}/tests/cli/functions.sh"
slow="run --engine reference --limit 100 --progress json" # slow enough to be met
# shellcheck disable=SC2086
expect_exit 0 $slow -j2 -o "$tmp/whole" "$tiny/tiny.yaml"

# Images that the ledger had when the last run of evaluation began.
resumed() { sed -n 's/.*"event":"evaluate".*"resumed":\([0-9]*\).*/\1/p' "$tmp/stderr" | tail -1; }
# met PATTERN: waits until the run in the background has said so; false when it ended before
met() {
	while ! grep -q "$1" "$tmp/stderr"; do
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.02
	done
}
met_any=0
for signal in INT TERM KILL; do
	dir=$tmp/$signal
	for moment in '"event":"calibrate"' '"event":"evaluate","job":1,"jobs":1,"model":"tiny","done":[1-9]' '"done":[4-9][0-9],'; do
		: >"$tmp/stderr"
		"$OQZ" $slow -j1 -o "$dir" "$tiny/tiny.yaml" >"$tmp/stdout" 2>"$tmp/stderr" &
		pid=$!
		if met "$moment"; then
			kill -$signal $pid 2>/dev/null || :
		fi
		code=0
		wait $pid || code=$?
		case $signal,$code in
		INT,75 | TERM,75)
			says stderr 'interrupted; what was computed is kept'
			met_any=$((met_any + 1))
			;;
		KILL,137) met_any=$((met_any + 1)) ;;
		*,0) ;; # it was done before the signal came
		*) fail "SIG$signal: exit $code" ;;
		esac
	done
	# shellcheck disable=SC2086
	expect_exit 0 $slow -j2 -o "$dir" "$tiny/tiny.yaml"
	same_results "$tmp/whole" "$dir"
	test "$(resumed)" -gt 0 || fail "SIG$signal: nothing was kept"
done
test $met_any -gt 0 || fail "no run was interrupted"
echo "$met_any of 9 signals met a run"
