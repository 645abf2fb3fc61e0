#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# results.sh FOLDER: demo/RESULTS.md from the folder that a run of demo/zoo.yaml has written. $OQZ is the program.
set -eu
library=$(sed -n 's/.*"library": *"\([^"]*\)".*/\1/p' "$1/results.json" | head -1)
cat <<END
# What the demo zoo gives

\`oqz-run demo/zoo.yaml\` gives these figures. \`tests/cli/demo.sh\` compares: on a CPU with the same instructions every digit,
elsewhere nearly. Layers in whole numbers are exact anywhere, but those that run in float32 between them are summed in another
order on other CPUs, which can move a value across a rounding step and now and then change a decision.

Made with: $library

END
"${OQZ:-oqz}" report --format md "$1" |
	awk -v columns='model,scheme,metric,float,quant.,diff,AQE,MQE,OQE,images' -f "$(dirname "$0")/../doc/results.awk"
