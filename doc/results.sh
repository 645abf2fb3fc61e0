#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# results.sh ZOO [IMPROVED]: doc/results.md from the folders that runs of tests/golden/zoo.yaml and zoo-improve.yaml have
# written (`make zoo-results`). $OQZ is the program.
set -eu
here=$(dirname "$0")
table() { "${OQZ:-oqz}" report --format md "$1" | awk -v columns="$2" -f "$here/results.awk"; }
library=$(sed -n 's/.*"library": *"\([^"]*\)".*/\1/p' "$1/results.json" | head -1)
cat <<END
# What real models give

Models that others have trained, on few real images: ImageNet pictures, COCO, Cityscapes, words, Set5. \`make zoo-results
OQZ_ZOO=FOLDER\` evaluates them where they are at hand (\`tests/golden/zoo.yaml\` says what the folder holds) and writes this page.
In float they give what the original evaluation code says of another runtime's outputs (\`tests/long/zoo.sh\` compares). So few
images say little about accuracies as such, and less about small differences: see the interval and p.

Made with: $library

## The three schemes of QuantZoo

int8 per channel and per tensor with power-of-two scales, activations by percentile; FP8 with one of seven scales. As the zoo has
it: one image a batch, weights scaled along their first axis.

END
table "$1" 'model,scheme,metric,float,quant.,diff,95 % interval,p,AQE,MQE,OQE,images'
cat <<END

Some of these models lose nearly everything in eight bits like that: PicoDet, the CRNN, MobileNetV2 with one scale per tensor. That
is what the schemes give, not a fault in how they are run: the exports of plans of these kinds give it in ONNX Runtime, too, layer by
layer (\`tests/golden/export_ort.sh\`).
END
test $# -ge 2 || exit 0
cat <<END

## What improvement passes give back

The same with passes of \`improve\`, on a model that loses much. Here they give back little of the accuracy, while biases lower the
layers' errors; equalization finds nothing that it could rescale, for SiLU stands between the layers.

END
table "$2" 'model,scheme,metric,float,quant.,diff,AQE,MQE,OQE,images'
