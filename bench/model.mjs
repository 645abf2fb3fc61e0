// SPDX-License-Identifier: Apache-2.0
//
// Models written as ONNX with the few protobuf messages that this takes: nodes, weights drawn at random, float32 inputs.
import { writeFileSync } from 'node:fs';

const varint = (n) => {
  const out = [];
  for (let v = BigInt.asUintN(64, BigInt(n)); ; v >>= 7n) {
    if (v < 128n) return Buffer.from([...out, Number(v)]);
    out.push(Number(v & 127n) | 128);
  }
};
const int = (field, n) => Buffer.concat([varint(field << 3), varint(n)]);
const bytes = (field, b) => Buffer.concat([varint((field << 3) | 2), varint(b.length), b]);
const text = (field, s) => bytes(field, Buffer.from(s));
const fixed32 = (field, x) => Buffer.concat([varint((field << 3) | 5), Buffer.from(new Float32Array([x]).buffer)]);

// Numbers are integers; a float is written { f: 1 }.
const value = (v) => {
  if (Array.isArray(v)) return [...v.map((x) => int(8, x)), int(20, 7)];
  if (typeof v === 'string') return [text(4, v), int(20, 3)];
  return typeof v === 'object' ? [fixed32(2, v.f), int(20, 1)] : [int(3, v), int(20, 2)];
};
const attribute = ([name, v]) => bytes(5, Buffer.concat([text(1, name), ...value(v)]));
const valueInfo = (name, dims) => {
  const shape = dims ? [bytes(2, Buffer.concat(dims.map((d) => bytes(1, int(1, d)))))] : [];
  return Buffer.concat([text(1, name), bytes(2, bytes(1, Buffer.concat([int(1, 1), ...shape])))]);
};
const TYPE = { Float32Array: 1, Uint8Array: 2, BigInt64Array: 7 };

export class Model {
  constructor(input, opset = 13) {
    this.parts = [];
    this.count = 0;
    this.seed = 1;
    this.input = input;
    this.opset = opset;
  }

  uniform() {
    return (this.seed = (Math.imul(this.seed, 1664525) + 1013904223) >>> 0) / 4294967296;
  }

  normal() {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += this.uniform();
    return sum;
  }

  constant(dims, data) {
    const name = `w${this.count++}`;
    const type = int(2, TYPE[data.constructor.name]);
    this.parts.push(bytes(5, Buffer.concat([...dims.map((d) => int(1, d)), type, text(8, name), bytes(9, Buffer.from(data.buffer))])));
    return name;
  }

  weights(dims, deviation) {
    return this.constant(dims, new Float32Array(dims.reduce((a, b) => a * b, 1)).map(() => deviation * this.normal()));
  }

  ints(...v) {
    return this.constant([v.length], BigInt64Array.from(v, BigInt));
  }

  // The node's output, or the first of `outputs`. An input that is left out is ''.
  op(type, inputs, attributes = {}, outputs = 1) {
    const names = Array.from({ length: outputs }, () => `v${this.count++}`);
    const body = [...inputs.map((i) => text(1, i)), ...names.map((n) => text(2, n)), text(3, `${type}_${names[0]}`), text(4, type)];
    this.parts.push(bytes(1, Buffer.concat([...body, ...Object.entries(attributes).map(attribute)])));
    return names[0];
  }

  // `dims` of the output may be left out.
  write(path, output, dims) {
    const graph = [...this.parts, text(2, 'g'), bytes(11, valueInfo('x', this.input)), bytes(12, valueInfo(output, dims))];
    writeFileSync(path, Buffer.concat([int(1, 8), bytes(8, Buffer.concat([text(1, ''), int(2, this.opset)])), bytes(7, Buffer.concat(graph))]));
    return path;
  }
}
