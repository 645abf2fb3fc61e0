// SPDX-License-Identifier: Apache-2.0
//
// The peer of the benchmarks: ONNX Runtime on the CPU through its Node binding (npm package onnxruntime-node).
//   node peer.mjs MODEL.onnx RUNS THREADS
// fills the inputs with numbers in [-1, 1], warms up, runs, and prints images per second.
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';

const require = createRequire(process.env.OQZ_BENCH_NODE_PATH ? process.env.OQZ_BENCH_NODE_PATH + '/x.js' : import.meta.url);
const ort = require('onnxruntime-node');
const [model, runs, threads] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];

const session = await ort.InferenceSession.create(model, {
  executionProviders: ['cpu'],
  graphOptimizationLevel: 'all',
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
});
const feeds = {};
for (const meta of session.inputMetadata) {
  const dims = meta.shape.map((d, i) => (typeof d === 'number' && d > 0 ? d : i < 2 ? 1 : 224));
  const n = dims.reduce((a, b) => a * b, 1);
  const data = new Float32Array(n);
  for (let i = 0, x = 12345; i < n; i++) {
    x = (x * 1103515245 + 12345) % 2147483648;
    data[i] = x / 1073741824 - 1;
  }
  feeds[meta.name] = new ort.Tensor('float32', data, dims);
}
for (let i = 0; i < 3; i++) await session.run(feeds);
const start = performance.now();
for (let i = 0; i < runs; i++) await session.run(feeds);
console.log(((1000 * runs) / (performance.now() - start)).toFixed(3));
