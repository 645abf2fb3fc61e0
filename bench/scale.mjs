// SPDX-License-Identifier: Apache-2.0
//
// How the cost of an evaluation grows: with the number of images (a small set, repeated) and with the number of schemes.
// Time per image and peak memory should not depend on the first; each scheme of a kind should add the same.
//
//   node scale.mjs [--images 100,1000,10000] [--photographs DIR] [MODEL.onnx]
//
// The model is a classifier; without one, a generated stand-in. Environment as for bench.mjs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeData, writeManifest } from './data.mjs';
import { evaluate, fixed, run } from './measure.mjs';
import { makeStandIns } from './standin.mjs';

const { values: opt, positionals } = parseArgs({
  allowPositionals: true,
  options: { images: { type: 'string', default: '100,1000,10000' }, photographs: { type: 'string', default: '' } },
});
const CALIB = 8;
const work = mkdtempSync(join(tmpdir(), 'oqz-scale-'));
const model = positionals[0] ?? makeStandIns(work)[0];
const shape = JSON.parse(run('node', [join(dirname(fileURLToPath(import.meta.url)), 'peer.mjs'), 'shape', model]).stdout);

// 1 to 8 schemes of one kind, which differ in what calibration finds.
const quantiles = [0.9999, 0.9998, 0.9997, 0.9996, 0.9995, 0.9994, 0.9993, 0.9992];
const schemesOf = (n) =>
  Object.fromEntries(quantiles.slice(0, n).map((q, i) => [`s${i}`, `{plugin: int8, calibrate: {method: percentile, q: ${q}}}`]));

let count = 0;
function measure(images, schemes) {
  const dir = join(work, `${count++}`);
  const manifest = join(dir, 'scale.yaml');
  const data = makeData(dir, 'classification', shape.input[2], shape.input[3], images, CALIB, opt.photographs);
  writeManifest(manifest, model, 'classification', shape, data, 'local_images: 0', schemesOf(schemes));
  const result = evaluate(manifest, join(dir, 'out'), 'run', ['model=model']);
  rmSync(dir, { recursive: true });
  return result;
}

try {
  console.log(`${basename(model, '.onnx')}\n\n| images | schemes | ms per image | ms per scheme and image | MiB |\n|--:|--:|--:|--:|--:|`);
  const one = measure(100, 1);
  const row = (images, schemes, r) => {
    const each = schemes > 1 ? (r.perImage - one.perImage) / (schemes - 1) : NaN;
    console.log(`| ${images} | ${schemes} | ${fixed(1000 * r.perImage, 2)} | ${fixed(1000 * each, 2)} | ${fixed(r.mib, 0)} |`);
  };
  for (const images of opt.images.split(',').map(Number)) row(images, 1, images === 100 ? one : measure(images, 1));
  for (const schemes of [2, 4, 8]) row(100, schemes, measure(100, schemes));
} finally {
  rmSync(work, { recursive: true, force: true });
}
