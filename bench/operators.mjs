// SPDX-License-Identifier: Apache-2.0
//
// One operator at a time, on tensors as large as vision models have them: ours beside ONNX Runtime, one thread each. The tensor
// is made inside the model, from one number, and one element of the result leaves it, so that nobody's copies at the edge are
// counted; the time of the same model without the operator is taken off. Row-major tensors: reorders to and from the layout that
// an implementation wants are counted, which in a model they seldom are. Medians of alternating rounds.
//
//   node operators.mjs [--rounds N] [--repeat N] [NAME...]      only the operators whose names contain a NAME
//
// Environment as for bench.mjs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fixed, median, OQZ, run } from './measure.mjs';
import { Model } from './model.mjs';

const peer = join(dirname(fileURLToPath(import.meta.url)), 'peer.mjs');
const { values: opt, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, repeat: { type: 'string', default: '20' } },
});

const MAP = [1, 64, 128, 128]; // 4 MiB, of a backbone
const SCORES = [1, 19, 256, 512]; // of a segmentation head
const TOKENS = [1, 1024, 768]; // of a transformer
const BOXES = [1, 8400, 4];

const unary = (op, dims = MAP, attributes = {}, opset = 21) => [op, dims, (m, x) => m.op(op, [x], attributes), opset];
const named = (name, dims, build, opset = 21) => [name, dims, build, opset];
const recurrent = (op, gates, attributes) =>
  named(`${op}, both directions`, [80, 4, 256], (m, x) =>
    m.op(op, [x, m.weights([2, gates * 256, 256], 0.05), m.weights([2, gates * 256, 256], 0.05), m.weights([2, 2 * gates * 256], 0.1)], {
      hidden_size: 256,
      direction: 'bidirectional',
      ...attributes,
    }),
  );
const resize = (name, scale, attributes) =>
  named(`Resize ${name}`, MAP, (m, x) => m.op('Resize', [x, '', m.constant([4], new Float32Array([1, 1, scale, scale]))], attributes));
const per = (m, n) => [m.weights([n], 1), m.weights([n], 1)];
const positive = (m, n) => m.constant([n], new Float32Array(n).map(() => 0.5 + m.uniform()));
const constantLike = (m, x, dims, data) => m.op('Add', [m.op('Mul', [x, m.constant([1], new Float32Array([0]))]), m.constant(dims, data)]);

function boxes(m, x) {
  const b = new Float32Array(4 * BOXES[1]);
  for (let i = 0; i < b.length; i += 4) {
    const [x, y, w, h] = [m.uniform() * 600, m.uniform() * 600, 8 + m.uniform() * 120, 8 + m.uniform() * 120];
    b.set([y, x, y + h, x + w], i);
  }
  return constantLike(m, x, BOXES, b);
}

const rows = [
  unary('Relu'),
  unary('Sigmoid'),
  unary('HardSwish'),
  unary('Gelu', TOKENS),
  unary('Erf', TOKENS),
  unary('Sqrt'),
  unary('Log'),
  unary('Sin'),
  named('Add', MAP, (m, x) => m.op('Add', [x, x])),
  named('Add of one per channel', MAP, (m, x) => m.op('Add', [x, m.weights([64, 1, 1], 1)])),
  named('Greater', MAP, (m, x) => m.op('Greater', [x, m.weights([1], 1)])),
  named('Where', MAP, (m, x) => m.op('Where', [m.op('Greater', [x, m.weights([1], 1)]), x, m.weights([1], 1)])),
  named('Cast to int64', MAP, (m, x) => m.op('Cast', [x], { to: 7 })),
  named('Cast to uint8', MAP, (m, x) => m.op('Cast', [x], { to: 2 })),
  named('Cast to float16 and back', MAP, (m, x) => m.op('Cast', [m.op('Cast', [x], { to: 10 })], { to: 1 })),
  named('QuantizeLinear, DequantizeLinear', MAP, (m, x) => {
    const grid = [m.constant([], new Float32Array([0.1])), m.constant([], new Uint8Array([128]))];
    return m.op('DequantizeLinear', [m.op('QuantizeLinear', [x, ...grid]), ...grid]);
  }),
  unary('Softmax', SCORES, { axis: 1 }),
  named('Softmax of the last', [12, 197, 197], (m, x) => m.op('Softmax', [x])),
  unary('ArgMax', SCORES, { axis: 1 }),
  named('ReduceMean of pixels', MAP, (m, x) => m.op('ReduceMean', [x, m.ints(2, 3)])),
  named('ReduceMax of channels', MAP, (m, x) => m.op('ReduceMax', [x, m.ints(1)])),
  named('CumSum of channels', MAP, (m, x) => m.op('CumSum', [x, m.constant([], BigInt64Array.of(1n))])),
  named('CumSum of a row', MAP, (m, x) => m.op('CumSum', [x, m.constant([], BigInt64Array.of(3n))])),
  named('TopK, 300 of 8400', [1, 80, 8400], (m, x) => m.op('TopK', [x, m.ints(300)], {}, 2)),
  named('BatchNormalization', MAP, (m, x) => m.op('BatchNormalization', [x, ...per(m, 64), m.weights([64], 1), positive(m, 64)])),
  named('InstanceNormalization', MAP, (m, x) => m.op('InstanceNormalization', [x, ...per(m, 64)])),
  named('GroupNormalization', MAP, (m, x) => m.op('GroupNormalization', [x, ...per(m, 64)], { num_groups: 32 })),
  named('LayerNormalization', TOKENS, (m, x) => m.op('LayerNormalization', [x, ...per(m, 768)])),
  named('RMSNormalization', TOKENS, (m, x) => m.op('RMSNormalization', [x, m.weights([768], 1)]), 23),
  named('LpNormalization', TOKENS, (m, x) => m.op('LpNormalization', [x])),
  unary('LRN', MAP, { size: 5 }),
  recurrent('LSTM', 4, {}),
  recurrent('GRU', 3, { linear_before_reset: 1 }),
  recurrent('RNN', 1, {}),
  named('Transpose to channels-last', MAP, (m, x) => m.op('Transpose', [x], { perm: [0, 2, 3, 1] })),
  named('Transpose of heads', [1, 1024, 12, 64], (m, x) => m.op('Transpose', [x], { perm: [0, 2, 1, 3] })),
  named('Transpose of a matrix', [1024, 1024], (m, x) => m.op('Transpose', [x], { perm: [1, 0] })),
  unary('DepthToSpace', MAP, { blocksize: 2 }),
  unary('SpaceToDepth', MAP, { blocksize: 2 }),
  named('Concat', MAP, (m, x) => m.op('Concat', [x, x], { axis: 1 })),
  named('Slice', MAP, (m, x) => m.op('Slice', [x, m.ints(0, 0), m.ints(128, 128), m.ints(2, 3), m.ints(2, 2)])),
  named('Pad, reflected', MAP, (m, x) => m.op('Pad', [x, m.ints(0, 0, 2, 2, 0, 0, 2, 2)], { mode: 'reflect' })),
  named('Tile', MAP, (m, x) => m.op('Tile', [x, m.ints(1, 2, 1, 1)])),
  named('Expand', [1, 64, 1, 128], (m, x) => m.op('Expand', [x, m.ints(1, 64, 128, 128)])),
  named('Gather of rows', [8400, 128], (m, x) => m.op('Gather', [x, m.constant([4200], BigInt64Array.from({ length: 4200 }, (_, i) => BigInt((i * 37) % 8400)))])),
  named('GatherElements', [1, 8400, 80], (m, x) =>
    m.op('GatherElements', [x, m.constant([1, 2000, 80], BigInt64Array.from({ length: 160000 }, (_, i) => BigInt((i * 37) % 8400)))], { axis: 1 }),
  ),
  named('ScatterND', [8400, 80], (m, x) =>
    m.op('ScatterND', [x, m.constant([2000, 1], BigInt64Array.from({ length: 2000 }, (_, i) => BigInt(i * 4))), m.weights([2000, 80], 1)]),
  ),
  resize('nearest, x2', 2, { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }),
  resize('linear, x2', 2, { mode: 'linear' }),
  resize('cubic, x2', 2, { mode: 'cubic' }),
  resize('linear, x1/2, antialias', 0.5, { mode: 'linear', antialias: 1 }),
  named('GridSample', [1, 32, 128, 128], (m, x) =>
    m.op('GridSample', [x, m.constant([1, 128, 128, 2], new Float32Array(2 * 128 * 128).map(() => 2 * m.uniform() - 1))], { mode: 'linear' }),
  ),
  unary('MaxPool', MAP, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  unary('AveragePool', MAP, { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] }),
  unary('GlobalAveragePool'),
  named('MatMul', [12, 197, 64], (m, x) => m.op('MatMul', [x, m.op('Transpose', [x], { perm: [0, 2, 1] })])),
  named('Einsum', [12, 197, 64], (m, x) => m.op('Einsum', [x, x], { equation: 'bid,bjd->bij' })),
  named('Attention', [1, 12, 197, 64], (m, x) => m.op('Attention', [x, x, x]), 23),
  named('NonMaxSuppression', BOXES, (m, x) =>
    m.op('NonMaxSuppression', [
      boxes(m, x),
      m.constant([1, 1, 8400], new Float32Array(8400).map(() => m.uniform())),
      m.ints(300),
      m.constant([1], new Float32Array([0.5])),
      m.constant([1], new Float32Array([0.25])),
    ]),
  ),
  named('RoiAlign', [1, 256, 50, 50], (m, x) =>
    m.op('RoiAlign', [
      x,
      m.constant([100, 4], new Float32Array(400).map((_, i) => (i & 2 ? 25 + 25 * m.uniform() : 25 * m.uniform()))),
      m.constant([100], new BigInt64Array(100)),
    ], { output_height: 7, output_width: 7, sampling_ratio: 2 }),
  ),
  named('OneHot', [1, 256, 256], (m, x) => m.op('OneHot', [m.op('Cast', [x], { to: 7 }), m.ints(19), m.constant([2], new Float32Array([0, 1]))], { axis: 1 })),
];

const attempt = (f) => {
  try {
    return f();
  } catch {
    return NaN; // the peer does not have it
  }
};
// The operator between a tensor of these dimensions and one number; without `build`, the rest alone.
function write(path, dims, opset, build) {
  const m = new Model([1], opset);
  const x = m.op('Add', ['x', m.weights(dims, 1)]);
  const flat = m.op('Reshape', [build ? build(m, x) : x, m.ints(-1)]);
  return m.write(path, m.op('Cast', [m.op('Slice', [flat, m.ints(0), m.ints(1)])], { to: 1 }), [1]);
}

const milliseconds = (model) => Number(/^([0-9.]+) ms per run/.exec(run(OQZ, ['profile', '--repeat', opt.repeat, model]).stdout)[1]);
const peerMilliseconds = (model) => 1000 / Number(run('node', [peer, 'speed', model, opt.repeat, '1']).stdout.split(' ')[1]);

const work = mkdtempSync(join(tmpdir(), 'oqz-operators-'));
try {
  console.log('| operator | input | ours ms | peer ms | peer / ours | pairs |\n|---|---|--:|--:|--:|---|');
  for (const [name, dims, build, opset] of rows) {
    if (positionals.length && !positionals.some((p) => name.includes(p))) continue;
    const model = write(join(work, 'operator.onnx'), dims, opset, build);
    const rest = write(join(work, 'rest.onnx'), dims, opset);
    const pairs = Array.from({ length: Number(opt.rounds) }, () => ({
      a: milliseconds(model) - milliseconds(rest),
      b: attempt(() => peerMilliseconds(model) - peerMilliseconds(rest)),
    }));
    const ratios = pairs.map((p) => p.b / p.a).sort((x, y) => x - y);
    const spread = Number.isNaN(ratios[0]) ? '-' : `${fixed(ratios[0], 2)} .. ${fixed(ratios[ratios.length - 1], 2)}`;
    console.log(
      `| ${name} | ${dims.join('x')} | ${fixed(median(pairs.map((p) => p.a)), 3)} | ${fixed(median(pairs.map((p) => p.b)), 3)} | ${fixed(median(ratios), 2)} | ${spread} |`,
    );
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
