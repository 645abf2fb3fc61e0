// SPDX-License-Identifier: Apache-2.0
//
// The peer of the benchmarks: ONNX Runtime on the CPU through its Node binding (npm package onnxruntime-node).
//
//   node peer.mjs speed MODEL.onnx RUNS THREADS    warms up, runs, prints images per second of wall time, of processor
//                                                  time, and the peak memory of the process in MiB
//   node peer.mjs shape MODEL.onnx                 dimensions of the first input and output, as JSON, and whether the
//                                                  model leaves some open
//   node peer.mjs input MODEL.onnx FILE.npy        writes the first input that it is given
//   node peer.mjs load MODEL.onnx                  exit status 1 with the reason where the peer refuses the model
//   node peer.mjs agree OQZ MODEL.onnx...          runs OQZ (the program) and the peer on the same random input and says
//                                                  for each model whether every output agrees:
//                                                  |ours - peer| <= 1e-3 |peer| + 1e-4 max |peer|
//                                                  (OQZ_PEER_RTOL and OQZ_PEER_ATOL say otherwise)
// OQZ_PEER_LEVEL is the peer's level of optimization: all, extended, basic or disabled. OQZ_PEER_SHAPE (1x3x48x320): of
// inputs with dynamic dimensions; else those are 224, the first two 1.
import { createRequire } from 'node:module';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { performance } from 'node:perf_hooks';

const require = createRequire(process.env.OQZ_BENCH_NODE_PATH ? process.env.OQZ_BENCH_NODE_PATH + '/x.js' : import.meta.url);
const ort = require('onnxruntime-node');
const RTOL = Number(process.env.OQZ_PEER_RTOL ?? 1e-3);
const ATOL = Number(process.env.OQZ_PEER_ATOL ?? 1e-4);
const ONE_NUMBER = 'the peer gives one number only, which says nothing';
const LONG_RUN = 1 << 16; // bytes

async function open(model, threads) {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: process.env.OQZ_PEER_LEVEL ?? 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  const feeds = {};
  for (const meta of session.inputMetadata) {
    const given = process.env.OQZ_PEER_SHAPE?.split('x').map(Number);
    const dims = meta.shape.map((d, i) => (typeof d === 'number' && d > 0 ? d : (given?.[i] ?? (i < 2 ? 1 : 224))));
    feeds[meta.name] = new ort.Tensor('float32', numbers(dims.reduce((a, b) => a * b, 1)), dims);
  }
  return { session, feeds };
}

// Uniform in [-2, 2], the same on every machine.
function numbers(n) {
  const data = new Float32Array(n);
  for (let i = 0, x = 12345; i < n; i++) {
    x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff;
    data[i] = x / 536870912 - 2;
  }
  return data;
}

async function speed(model, runs, threads) {
  const { session, feeds } = await open(model, threads);
  for (let i = 0; i < 3; i++) await session.run(feeds);
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let i = 0; i < runs; i++) await session.run(feeds);
  const wall = performance.now() - start;
  const used = process.cpuUsage(cpu);
  const mib = process.resourceUsage().maxRSS / 1024;
  console.log(`${((1e3 * runs) / wall).toFixed(3)} ${((1e6 * runs) / (used.user + used.system)).toFixed(3)} ${mib.toFixed(0)}`);
}

// Format 1.0 of numpy's files: little-endian float32 in C order, which is what both sides use here.
function writeNpy(path, tensor) {
  const shape = tensor.dims.length === 1 ? `${tensor.dims[0]},` : tensor.dims.join(', ');
  let head = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`;
  head += ' '.repeat(63 - ((10 + head.length) % 64)) + '\n';
  const prefix = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, head.length & 255, head.length >> 8]);
  const d = tensor.data;
  writeFileSync(path, Buffer.concat([prefix, Buffer.from(head, 'latin1'), Buffer.from(d.buffer, d.byteOffset, d.byteLength)]));
}

function readNpy(path) {
  const file = readFileSync(path);
  const head = file.toString('latin1', 10, 10 + file.readUInt16LE(8));
  if (!head.includes("'<f4'") || !head.includes("'fortran_order': False")) throw new Error(`${path}: not float32 in C order`);
  return new Float32Array(file.buffer.slice(file.byteOffset + 10 + file.readUInt16LE(8), file.byteOffset + file.length));
}

// The largest |ours - peer| in units of what is allowed; NaN counts as infinite.
function excess(ours, peer) {
  let top = 0;
  let worst = 0;
  for (const v of peer) top = Math.max(top, Math.abs(v));
  for (let i = 0; i < peer.length; i++) {
    const e = Math.abs(ours[i] - peer[i]) / (RTOL * Math.abs(peer[i]) + ATOL * top);
    if (!(e <= worst)) worst = Number.isNaN(e) && ours[i] !== peer[i] ? Infinity : Math.max(worst, e || 0);
  }
  return worst;
}

async function agree(oqz, model, dir) {
  const { session, feeds } = await open(model, 1);
  const args = ['infer', '-o', dir];
  for (const name of Object.keys(feeds)) {
    const path = join(dir, `input${args.length}.npy`);
    writeNpy(path, feeds[name]);
    args.push('--input', `${name}=${path}`);
  }
  execFileSync(oqz, [...args, model], { stdio: ['ignore', 'ignore', 'inherit'] });
  const outputs = await session.run(feeds);
  let worst = 0;
  let constant = true;
  for (const name of session.outputNames) {
    const ours = readNpy(join(dir, `${name}.npy`));
    const peer = outputs[name].data;
    if (ours.length !== peer.length) throw new Error(`output ${name}: ${ours.length} numbers, the peer has ${peer.length}`);
    worst = Math.max(worst, excess(ours, peer));
    constant &&= peer.every((v) => v === peer[0]);
  }
  if (constant) throw new Error(ONE_NUMBER);
  return worst;
}

// A model whose last layer has not been trained may hold zeros only, and then its output says nothing about the rest.
// Gives such weights numbers; in the file they are the long runs of zeros. Returns the new file, or null.
function withoutZeros(model, dir) {
  const file = readFileSync(model);
  const run = Buffer.alloc(LONG_RUN);
  let found = false;
  for (let at = file.indexOf(run); at >= 0; at = file.indexOf(run, at)) {
    let end = at + LONG_RUN;
    while (end < file.length && file[end] === 0) end++;
    const bytes = (end - at) & ~3;
    Buffer.from(numbers(bytes / 4).map((x) => x / 16).buffer).copy(file, at);
    at += bytes;
    found = true;
  }
  const path = join(dir, 'model.onnx');
  if (found) writeFileSync(path, file);
  return found ? path : null;
}

async function agreeAnyway(oqz, model, dir) {
  try {
    return await agree(oqz, model, dir);
  } catch (e) {
    const other = e.message === ONE_NUMBER ? withoutZeros(model, dir) : null;
    if (!other) throw e;
    return agree(oqz, other, dir);
  }
}

async function agreeAll(oqz, models) {
  let failed = 0;
  for (const model of models) {
    const dir = mkdtempSync(join(tmpdir(), 'oqz-agree-'));
    let verdict;
    try {
      const worst = await agreeAnyway(oqz, model, dir);
      verdict = `${worst <= 1 ? 'ok' : 'DIFFERS'}, ${worst.toFixed(3)} of what is allowed`;
      failed += worst > 1;
    } catch (e) {
      verdict = `FAILED: ${e.message.split('\n')[0]}`;
      failed++;
    }
    rmSync(dir, { recursive: true, force: true });
    console.log(`${basename(model, '.onnx').padEnd(24)} ${verdict}`);
  }
  return failed;
}

const [verb, ...args] = process.argv.slice(2);
if (verb === 'shape' && args.length === 1) {
  const { session, feeds } = await open(args[0], 1);
  const outputs = await session.run(feeds);
  const dynamic = session.inputMetadata.some((m) => m.shape.some((d) => typeof d !== 'number' || d < 1));
  console.log(JSON.stringify({ input: Object.values(feeds)[0].dims, output: outputs[session.outputNames[0]].dims, dynamic }));
} else if (verb === 'input' && args.length === 2) {
  const { feeds } = await open(args[0], 1);
  writeNpy(args[1], Object.values(feeds)[0]);
} else if (verb === 'load' && args.length === 1) {
  await open(args[0], 1).catch((e) => {
    console.log(e.message.split('\n')[0]);
    process.exitCode = 1;
  });
} else if (verb === 'speed' && args.length === 3) await speed(args[0], Number(args[1]), Number(args[2]));
else if (verb === 'agree' && args.length >= 2) process.exitCode = (await agreeAll(args[0], args.slice(1))) ? 1 : 0;
else {
  console.error('usage: peer.mjs speed MODEL.onnx RUNS THREADS | peer.mjs shape MODEL.onnx | peer.mjs input MODEL.onnx FILE.npy | peer.mjs load MODEL.onnx | peer.mjs agree OQZ MODEL.onnx...');
  process.exitCode = 2;
}
