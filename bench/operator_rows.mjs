// SPDX-License-Identifier: Apache-2.0
//
// The operators of operators.mjs: [name, dimensions of the tensor, what is built on it, opset].
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

export const rows = [
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
  unary('HardSigmoid'),
  unary('Tanh'),
  unary('Exp'),
  unary('Softplus'),
  unary('Mish'),
  unary('Tan'),
  unary('Sign'),
  unary('IsNaN'),
  named('Clip', MAP, (m, x) => m.op('Clip', [x, m.weights([], 0), m.constant([], new Float32Array([6]))])),
  named('PRelu', MAP, (m, x) => m.op('PRelu', [x, m.weights([64, 1, 1], 1)])),
  named('Pow', MAP, (m, x) => m.op('Pow', [m.op('Abs', [x]), m.constant([], new Float32Array([1.7]))])),
  named('Mod', MAP, (m, x) => m.op('Mod', [x, m.constant([], new Float32Array([0.7]))], { fmod: 1 })),
  named('Max of two', MAP, (m, x) => m.op('Max', [x, m.weights([64, 1, 1], 1)])),
  named('Mean of two', MAP, (m, x) => m.op('Mean', [x, m.weights([64, 1, 1], 1)])),
  named('Equal', MAP, (m, x) => m.op('Equal', [x, m.weights([1], 1)])),
  named('And', MAP, (m, x) => m.op('And', [m.op('Greater', [x, m.weights([1], 1)]), m.op('Less', [x, m.weights([1], 1)])])),
  named('Where of tensors', MAP, (m, x) => m.op('Where', [m.op('Greater', [x, m.weights([64, 1, 1], 1)]), x, m.op('Neg', [x])])),
  named('Add of int64', [8400, 80], (m, x) => {
    const i = m.op('Cast', [x], { to: 7 });
    return m.op('Add', [i, i]);
  }),
  named('DynamicQuantizeLinear', MAP, (m, x) => m.op('DynamicQuantizeLinear', [x], {}, 3)),
  named('QuantizeLinear of channels', MAP, (m, x) =>
    m.op('QuantizeLinear', [x, positive(m, 64), m.constant([64], new Uint8Array(64))], { axis: 1 }),
  ),
  unary('LogSoftmax', TOKENS),
  named('Softmax of 1000', [256, 1000], (m, x) => m.op('Softmax', [x])),
  named('Softmax of 16', [8400, 4, 16], (m, x) => m.op('Softmax', [x])),
  unary('Hardmax', TOKENS),
  named('ArgMax of a row', [8400, 80], (m, x) => m.op('ArgMax', [x], { axis: 1 })),
  named('ReduceMax of a row', [8400, 80], (m, x) => m.op('ReduceMax', [x, m.ints(1)])),
  named('ReduceSum of columns', [8400, 80], (m, x) => m.op('ReduceSum', [x, m.ints(0)])),
  named('ReduceMean of channels', MAP, (m, x) => m.op('ReduceMean', [x, m.ints(1)])),
  named('ReduceL2 of everything', MAP, (m, x) => m.op('ReduceL2', [x], { keepdims: 0 })),
  named('TopK, 100 of 80000', [1, 80000], (m, x) => m.op('TopK', [x, m.ints(100)], {}, 2)),
  unary('MeanVarianceNormalization', MAP),
  named('Transpose to channels-first', [1, 128, 128, 64], (m, x) => m.op('Transpose', [x], { perm: [0, 3, 1, 2] })),
  named('Transpose of an image', [1, 512, 512, 3], (m, x) => m.op('Transpose', [x], { perm: [0, 3, 1, 2] })),
  named('Transpose of windows', [1, 8, 7, 8, 7, 96], (m, x) => m.op('Transpose', [x], { perm: [0, 1, 3, 2, 4, 5] })),
  named('Split', MAP, (m, x) => m.op('Split', [x], { axis: 1, num_outputs: 2 }, 2)),
  named('Concat of the last', [1, 8400, 40], (m, x) => m.op('Concat', [x, x], { axis: 2 })),
  named('Slice of channels', MAP, (m, x) => m.op('Slice', [x, m.ints(16), m.ints(48), m.ints(1)])),
  named('Pad, constant', MAP, (m, x) => m.op('Pad', [x, m.ints(0, 0, 1, 1, 0, 0, 1, 1)])),
  named('Pad, edge', MAP, (m, x) => m.op('Pad', [x, m.ints(0, 0, 1, 1, 0, 0, 1, 1)], { mode: 'edge' })),
  named('CenterCropPad', MAP, (m, x) => m.op('CenterCropPad', [x, m.ints(120, 136)], { axes: [2, 3] })),
  named('Gather of columns', [8400, 80], (m, x) => m.op('Gather', [x, m.ints(0, 3, 7, 2, 9, 40, 41, 42)], { axis: 1 })),
  named('GatherND', [8400, 80], (m, x) =>
    m.op('GatherND', [x, m.constant([4000, 2], BigInt64Array.from({ length: 8000 }, (_, i) => BigInt(i & 1 ? i % 80 : (i * 37) % 8400)))]),
  ),
  named('ScatterElements', [1, 8400, 80], (m, x) =>
    m.op('ScatterElements', [x, m.constant([1, 2000, 80], BigInt64Array.from({ length: 160000 }, (_, i) => BigInt((i * 37) % 8400))), m.weights([1, 2000, 80], 1)], { axis: 1 }),
  ),
  named('NonZero', [8400, 80], (m, x) => m.op('NonZero', [m.op('Relu', [x])])),
  named('Compress', [8400, 80], (m, x) =>
    m.op('Compress', [x, m.op('Greater', [m.op('Reshape', [m.op('ReduceMax', [x, m.ints(1)]), m.ints(-1)]), m.weights([1], 1)])], { axis: 0 }),
  ),
  unary('Trilu', [12, 197, 197]),
  named('ReverseSequence', [80, 4, 256], (m, x) => m.op('ReverseSequence', [x, m.ints(80, 70, 60, 50)])),
  resize('nearest, x1.5', 1.5, { mode: 'nearest' }),
  resize('linear, x2, corners', 2, { mode: 'linear', coordinate_transformation_mode: 'align_corners' }),
  resize('linear, x1/2', 0.5, { mode: 'linear' }),
  named('GridSample, an affine map', [1, 32, 128, 128], (m, x) =>
    m.op('GridSample', [x, m.op('AffineGrid', [m.constant([1, 2, 3], new Float32Array([0.9, 0.2, 0, -0.2, 0.9, 0])), m.ints(1, 32, 128, 128)])], { mode: 'linear' }),
  ),
  named('MaxPool, indices unread', MAP, (m, x) => m.op('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] }, 2)),
  named('MaxPool with indices, MaxUnpool', MAP, (m, x) => {
    const n = m.count;
    const y = m.op('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] }, 2);
    return m.op('MaxUnpool', [y, `v${n + 1}`], { kernel_shape: [2, 2], strides: [2, 2] });
  }),
  unary('LpPool', MAP, { kernel_shape: [2, 2], strides: [2, 2] }),
  unary('GlobalMaxPool'),
  named('MatMulInteger', [197, 768], (m, x) => {
    const q = m.op('Cast', [m.op('Abs', [x])], { to: 2 });
    return m.op('MatMulInteger', [q, m.constant([768, 768], new Uint8Array(768 * 768).map((_, i) => i * 7))]);
  }),
  named('ConvInteger', [1, 32, 64, 64], (m, x) => {
    const q = m.op('Cast', [m.op('Abs', [x])], { to: 2 });
    return m.op('ConvInteger', [q, m.constant([32, 32, 3, 3], new Uint8Array(9216).map((_, i) => i * 7))]);
  }),
  named('DeformConv', [1, 32, 64, 64], (m, x) =>
    m.op('DeformConv', [x, m.weights([32, 32, 3, 3], 0.1), m.weights([1, 18, 62, 62], 1)], { kernel_shape: [3, 3] }),
  ),
  named('Col2Im', [1, 576, 4096], (m, x) => m.op('Col2Im', [x, m.ints(66, 66), m.ints(3, 3)])),
  named('RotaryEmbedding', [1, 12, 197, 64], (m, x) => m.op('RotaryEmbedding', [x, m.weights([1, 197, 32], 1), m.weights([1, 197, 32], 1)]), 23),
  named('DFT', [1, 256, 256, 1], (m, x) => m.op('DFT', [x, '', m.constant([], BigInt64Array.of(2n))], {}), 20),
];
