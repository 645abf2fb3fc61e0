#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# results.sh ZOO [IMPROVED]: doc/results.md from the folders that runs of tests/golden/zoo.yaml and zoo-improve.yaml have
# written (`make zoo-results`). $OQZ is the program.
set -eu
here=$(dirname "$0")
table() { "${OQZ:-oqz}" report --format md "$1" | awk -v columns="$2" -f "$here/results.awk"; }
library=$(sed -n 's/.*"library": *"\([^"]*\)".*/\1/p' "$1/results.json" | head -1)
numerics=$(sed -n 's/^numerics: *"\(.*\)"/\1/p' "$1/zoo.lock")
cat <<END
# What real models give

Models that others have trained, on few real images: ImageNet pictures, COCO, Cityscapes, words, Set5. \`make zoo-results
OQZ_ZOO=FOLDER\` evaluates them where they are at hand (\`tests/golden/zoo.yaml\` says what the folder holds) and writes this page.
In float they give what the original evaluation code says of another runtime's outputs (\`tests/long/zoo.sh\` compares). So few
images say little about accuracies as such, and less about small differences: see the interval and p.

Made with: $library; numerics $numerics

## The three schemes of QuantZoo

int8 per channel and per tensor with power-of-two scales, activations by percentile; FP8 with one of seven scales. As the zoo has
it: one image a batch, weights scaled along their first axis.

END
table "$1" 'model,scheme,metric,float,quant.,diff,95 % interval,p,AQE,MQE,OQE,images'
cat <<END

Some of these models lose nearly everything in eight bits like that: PicoDet, the CRNN, MobileNetV2 with one scale per tensor. That
is what the schemes give, not a fault in how they are run: the exports of plans of these kinds give it in ONNX Runtime, too, layer by
layer (\`tests/golden/export_ort.sh\`).

mIoU of five images is a coarse measure: a class that no label has counts as soon as one pixel is taken for it, as 0, and divides the
mean by one class more. ESPNet in int8 with powers of two gives 39.5 % over 17 classes and 37.3 % over 18; the last digit of a float32
sum ahead of a layer's grid decides which (AQE, MQE and OQE are equal to four digits). The interval, not the figure, is what it says.
END
test $# -ge 2 || exit 0
cat <<END

## What improvement passes give back

Passes of \`improve\` alone and together, on models that lose much (\`tests/golden/zoo-improve.yaml\`). \`equalize\` is cross-layer
equalization, \`bias\` correct-bias, \`migrate\` SmoothQuant with \`insert: true\`, which multiplies a layer's input where no layer before
can take the factors.

END
table "$2" 'model,scheme,metric,float,quant.,diff,95 % interval,p,AQE,MQE,OQE,images'
cat <<END

The layers whose own error (float inputs, this layer alone quantized) is largest without the pass, and what the pass makes of them:

| model | layer | scheme | improved | own error | improved | scale of input | improved |
|:--|:--|:--|:--|--:|--:|--:|--:|
END
# layers MODEL PLAIN IMPROVED COUNT
layers() { awk -v model="$1" -v plain="$2" -v improved="$3" -v count="$4" -f "$here/results_layers.awk" "$improved_run/layers.csv"; }
improved_run=$2
layers mobilenet_v2_1.0_224_tf2ptq_deq_f32 int8-tensor tensor+equalize 4
layers picodet_s_320 int8-channel channel+migrate 4
layers yolox_nano_kazuhito int8-channel channel+migrate 4
cat <<END

What helps, and why:

- **One scale per tensor: equalize, then correct biases.** Nagel et al. give 0.1 % for MobileNetV2 in int8 per tensor and 71.2 of 71.7 %
  with equalization, absorption of biases and their correction. The loss is that of a few depthwise layers: in the first one, channels
  that are never positive (training has left them without weights) read through kernels of up to 56 where the others' are around 1.6,
  and the scale is theirs. Equalizing alone by the published rule makes it worse, since it shrinks the others only; here such channels
  are brought to the level of the rest. Replacing ReLU6 by ReLU, as the publication does, costs this model 12 points before anything
  is quantized (\`float+relu\`): its activations reach the limit often. A limit per channel keeps the function.
- **Correcting biases helps where weights are rounded coarsely**, per tensor or to four bits: the error of a depthwise kernel of nine
  weights does not average out and shifts the whole channel. Where the activations lose all (PicoDet, YOLOX: \`weights8\` loses
  nothing) it gives no accuracy back; with powers of two behind \`migrate\` it helps one model and harms the other. Behind
  \`adaround\`, which has taken most of the shift out already, it is no use.
- **SiLU and HardSwish: migrate with inserted multiplications.** A few channels of some depthwise layers' inputs are a hundred times
  the others and take the whole range. Equalization and SmoothQuant proper stop at these activations, which do not pass factors; the
  multiplication in front of the layer does what a scale per input channel would. It costs a multiplication per element there. For
  MobileNetV2, which loses by its weights, it does nothing.
- **adaround is for few bits.** At eight bits it gives these models a point or two, within the interval; at four it is the best pass.
- **Powers of two** make every step up to twice as wide; what passes leave of that on activations, none takes away.
END
