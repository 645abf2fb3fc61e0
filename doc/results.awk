# SPDX-License-Identifier: Apache-2.0
# The table of `oqz report --format md` with the columns that a page of results shows: names of columns in `columns`,
# by commas; numbers stand right of the third.
BEGIN {
	FS = " *[|] *"
	n = split(columns, want, ",")
}
NF < 3 { next }
!head {
	for (i = 2; i < NF; i++)
		at[$i] = i
	for (i = 1; i <= n; i++)
		if (!(want[i] in at)) {
			print "results.awk: no column " want[i] > "/dev/stderr"
			exit 1
		}
	head = 1
	line = "|"
	rule = "|"
	for (i = 1; i <= n; i++) {
		line = line " " want[i] " |"
		rule = rule (i < 4 ? ":--|" : "--:|")
	}
	print line
	print rule
	next
}
/^[|][:-]/ { next }
{
	line = "|"
	for (i = 1; i <= n; i++)
		line = line " " $at[want[i]] " |"
	print line
}
