// SPDX-License-Identifier: Apache-2.0
//
// Stand-ins for the benchmark where no model is at hand: three networks of the kinds that matter (residual with dense
// convolutions, inverted bottlenecks with depthwise ones, an encoder and decoder on large pictures), random weights.
import { join } from 'node:path';
import { Model } from './model.mjs';

class Network extends Model {
  conv(x, from, to, k, stride = 1, group = 1) {
    const w = this.weights([to, from / group, k, k], Math.sqrt(2 / ((from / group) * k * k)));
    const p = k >> 1;
    return this.op('Conv', [x, w, this.weights([to], 0.1)], { kernel_shape: [k, k], strides: [stride, stride], pads: [p, p, p, p], group });
  }

  relu(x) {
    return this.op('Relu', [x]);
  }

  classifier(x, channels, classes) {
    const flat = this.op('Flatten', [this.op('GlobalAveragePool', [x])], { axis: 1 });
    return this.op('Gemm', [flat, this.weights([classes, channels], 0.03), this.weights([classes], 0.1)], { transB: 1 });
  }
}

function residual(path) {
  const n = new Network([1, 3, 224, 224]);
  let c = 64;
  let x = n.op('MaxPool', [n.relu(n.conv('x', 3, c, 7, 2))], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  for (const [stage, blocks] of [3, 4, 6, 3].entries())
    for (let b = 0; b < blocks; b++) {
      const mid = 64 << stage;
      const stride = stage && !b ? 2 : 1;
      let y = n.relu(n.conv(x, c, mid, 1));
      y = n.conv(n.relu(n.conv(y, mid, mid, 3, stride)), mid, 4 * mid, 1);
      x = n.relu(n.op('Add', [y, b ? x : n.conv(x, c, 4 * mid, 1, stride)]));
      c = 4 * mid;
    }
  return n.write(path, n.classifier(x, c, 1000), [1, 1000]);
}

function depthwise(path) {
  const n = new Network([1, 3, 224, 224]);
  let c = 32;
  let x = n.relu(n.conv('x', 3, c, 3, 2));
  for (const [t, to, blocks, first] of [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]])
    for (let b = 0; b < blocks; b++) {
      const mid = c * t;
      let y = t > 1 ? n.relu(n.conv(x, c, mid, 1)) : x;
      y = n.conv(n.relu(n.conv(y, mid, mid, 3, b ? 1 : first, mid)), mid, to, 1);
      x = b ? n.op('Add', [y, x]) : y;
      c = to;
    }
  return n.write(path, n.classifier(n.relu(n.conv(x, c, 1280, 1)), 1280, 1000), [1, 1000]);
}

function encoderDecoder(path) {
  const n = new Network([1, 3, 512, 1024]);
  const twice = (x, from, to) => n.relu(n.conv(n.relu(n.conv(x, from, to, 3)), to, to, 3));
  const half = (x) => n.op('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
  const up = (x, from, to) => n.op('ConvTranspose', [x, n.weights([from, to, 2, 2], 0.1)], { kernel_shape: [2, 2], strides: [2, 2] });
  const skips = [];
  let x = 'x';
  let c = 3;
  for (const to of [16, 32, 64]) {
    x = twice(x, c, to);
    skips.push(x);
    x = half(x);
    c = to;
  }
  x = twice(x, 64, 128);
  for (const [from, to] of [[128, 64], [64, 32], [32, 16]]) x = twice(n.op('Concat', [up(x, from, to), skips.pop()], { axis: 1 }), 2 * to, to);
  return n.write(path, n.conv(x, 16, 19, 1), [1, 19, 512, 1024]);
}

// Writes the stand-ins into a folder; returns their paths.
export function makeStandIns(dir) {
  return [
    residual(join(dir, 'standin-residual.onnx')),
    depthwise(join(dir, 'standin-depthwise.onnx')),
    encoderDecoder(join(dir, 'standin-unet.onnx')),
  ];
}
