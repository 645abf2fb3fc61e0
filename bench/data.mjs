// SPDX-License-Identifier: Apache-2.0
//
// Data for the benchmarks: generated pictures (smooth shapes with noise, so that decoding and quantization have something
// to do), the label maps or large pictures that go with them, and a manifest that evaluates one model on them. Nothing is
// downloaded; where a folder of photographs is given, classifiers take those.
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { deflateSync } from 'node:zlib';

const crcTable = new Uint32Array(256).map((_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function crc32(buffer) {
  let c = 0xffffffff;
  for (const b of buffer) c = crcTable[(c ^ b) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

function chunk(type, data) {
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, 'latin1');
  data.copy(out, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}

// pixel(x, y, channel) -> 0..255; 3 channels or 1.
function png(width, height, channels, pixel) {
  const row = 1 + width * channels;
  const raw = Buffer.alloc(height * row);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++) raw[y * row + 1 + x * channels + c] = pixel(x, y, c);
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, channels === 3 ? 2 : 0, 0, 0, 0]);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', deflateSync(raw, { level: 1 })), chunk('IEND', Buffer.alloc(0))]);
}

function picture(width, height, seed) {
  let noise = seed * 2654435761;
  const wave = (x, y, c) => Math.sin((x * (3 + c) + seed * 40) / 37) + Math.cos((y * (4 - c) - seed * 17) / 29);
  return png(width, height, 3, (x, y, c) => {
    noise = (Math.imul(noise, 1103515245) + 12345) & 0x7fffffff;
    return Math.max(0, Math.min(255, 128 + 55 * wave(x, y, c) + ((noise >> 16) & 31) - 16));
  });
}

const COUNT = 8; // different pictures; lists repeat them

// n names for a few pictures: photographs where there are some, else generated ones of a photograph's size.
function linkPictures(dir, n, photographs) {
  const found = photographs ? readdirSync(photographs).filter((f) => /\.jpe?g$/i.test(f)).sort() : [];
  const sources = found.map((f) => resolve(photographs, f));
  for (let i = 0; !found.length && i < COUNT; i++) {
    sources.push(join(dir, `source${i}.png`));
    writeFileSync(sources[i], picture(500, 375, i + 1));
  }
  return Array.from({ length: n }, (_, i) => {
    const name = `${String(i).padStart(5, '0')}${extname(sources[i % sources.length])}`;
    symlinkSync(sources[i % sources.length], join(dir, name));
    return name;
  });
}

// Files in `dir` for a model of this kind, height and width; returns the datasets of a manifest.
export function makeData(dir, kind, height, width, images, calib, photographs) {
  mkdirSync(join(dir, 'in'), { recursive: true });
  mkdirSync(join(dir, 'ref'), { recursive: true });
  if (kind === 'classification') {
    const n = images + calib;
    const files = linkPictures(join(dir, 'in'), n, photographs);
    writeFileSync(join(dir, 'test.txt'), files.slice(0, images).map((f) => `${f} 0\n`).join(''));
    writeFileSync(join(dir, 'calib.txt'), files.slice(images).map((f) => `${f} 0\n`).join(''));
    const set = (name) => `{reader: list, root: "${join(dir, 'in')}", list: "${join(dir, name)}.txt"}`;
    return { test: set('test'), calib: set('calib') };
  }
  for (let i = 0; i < images; i++) {
    const name = String(i).padStart(5, '0');
    if (kind === 'superres') {
      writeFileSync(join(dir, 'in', `${name}x4.png`), picture(width, height, (i % COUNT) + 1));
      writeFileSync(join(dir, 'ref', `${name}.png`), picture(4 * width, 4 * height, (i % COUNT) + 1));
    } else {
      writeFileSync(join(dir, 'in', `${name}.png`), picture(width, height, (i % COUNT) + 1));
      writeFileSync(join(dir, 'ref', `${name}.png`), png(width, height, 1, (x, y) => (x ^ y) & 1));
    }
  }
  if (kind === 'superres')
    return {
      test: `{lr: "${join(dir, 'in')}", hr: "${join(dir, 'ref')}"}`,
      calib: `{reader: images, lr: "${join(dir, 'in')}", take_first: ${calib}}`,
    };
  return {
    test: `{reader: pairs, root: "${join(dir, 'in')}", labels: "${join(dir, 'ref')}", codes: from-zero}`,
    calib: `{reader: images, root: "${join(dir, 'in')}", take_first: ${calib}}`,
  };
}

export const SCHEMES = {
  channel: '{plugin: int8, granularity: channel}',
  pow2: '{plugin: int8, granularity: tensor, scale: pow2}',
  fp8: '{plugin: fp8}',
};

// What a model does, by its output; null: nothing that data are made for.
export function kindOf(shape) {
  if (shape.output.length === 2) return 'classification';
  if (shape.output.length === 4 && shape.output[1] === 3 && shape.output[2] === 4 * shape.input[2]) return 'superres';
  if (shape.output.length === 4 && shape.output[2] === shape.input[2]) return 'segmentation';
  return null;
}

function preparation(kind, height, width) {
  if (kind === 'superres') return '[{normalize: {scale: 255}}]';
  const normalize = '{normalize: {scale: 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}}';
  if (kind === 'segmentation') return `[${normalize}]`;
  return `[{resize: {short: ${Math.round((height * 256) / 224)}, filter: pil-bilinear}}, {center-crop: ${height}}, ${normalize}]`;
}

// A manifest for one model; `limits`: its limits.
export function writeManifest(path, model, kind, shape, data, limits, among = SCHEMES) {
  const [, , height, width] = shape.input;
  const task = {
    classification: '{plugin: classification, k: [1], test: test, calib: calib}',
    segmentation: `{plugin: segmentation, classes: ${shape.output[1]}, test: test, calib: calib}`,
    superres: '{plugin: superres, test: test, calib: calib}',
  }[kind];
  const schemes = Object.entries(among).map(([name, spec]) => `  ${name}: ${spec}\n`);
  writeFileSync(
    path,
    `oqz: 1
datasets:
  test: ${data.test}
  calib: ${data.calib}
schemes:
${schemes.join('')}tasks:
  task: ${task}
models:
  - {id: model, file: "${resolve(model)}", task: task, prepare: ${preparation(kind, height, width)}}
  - {id: float, file: "${resolve(model)}", task: task, prepare: ${preparation(kind, height, width)}}
matrix:
  - {models: [model], schemes: ["*"]}
  - {models: [float], schemes: []}
limits: {${limits}}
`,
  );
}
