# SPDX-License-Identifier: Apache-2.0
# From layers.csv: the layers of `model` whose own error is largest under scheme `plain`, and what they are under `improved`.
# Numbers: own relative error, and the scale of the input's grid.
BEGIN { FS = "," }
NR == 1 {
	for (i = 1; i <= NF; i++)
		at[$i] = i
	next
}
$at["model"] == model && ($at["scheme"] == plain || $at["scheme"] == improved) {
	key = $at["scheme"] SUBSEP $at["node"]
	own[key] = $at["local"]
	scale[key] = $at["input_scale"]
	op[$at["node"]] = $at["op"]
	if ($at["scheme"] == plain && own[key] != "")
		layers[n++] = $at["node"]
}
function figure(x, digits) { return x == "" ? "" : sprintf("%." digits "g", x) }
END {
	if (n == 0) {
		print "results_layers.awk: no layers of " model ", " plain > "/dev/stderr"
		exit 1
	}
	for (k = 0; k < count && k < n; k++) {
		best = -1
		for (i = 0; i < n; i++)
			if (!(layers[i] in shown) && (best < 0 || own[plain, layers[i]] + 0 > own[plain, layers[best]] + 0))
				best = i
		node = layers[best]
		shown[node] = 1
		printf "| %s | %s | %s | %s | %s | %s | %s | %s |\n", model, node, plain, improved, figure(own[plain, node], 3),
			figure(own[improved, node], 3), figure(scale[plain, node], 3), figure(scale[improved, node], 3)
	}
}
