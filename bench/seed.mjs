// SPDX-License-Identifier: Apache-2.0
//
// An evaluation with three schemes held against the same done the way of scripts around PyTorch (seed.py), both in turn on one
// core; and what a second scheme of a kind costs. Time is processor time per image. Ours decodes, prepares and scores, too.
//
//   node seed.mjs [--rounds N] [--seconds S] [--photographs DIR] MODEL.onnx...
//
// A model's name says which constructor of torchvision is its twin. Environment as for bench.mjs; OQZ_PYTHON: a Python with torch
// and torchvision (python3).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { kindOf, makeData, writeManifest } from './data.mjs';
import { evaluate, fixed, median, run } from './measure.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const { values: opt, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' }, // of one measurement of ours
    photographs: { type: 'string', default: '' },
  },
});
const rounds = Number(opt.rounds);
const CALIB = 4;
const twins = {
  lraspp: 'segmentation.lraspp_mobilenet_v3_large',
  deeplabv3_resnet50: 'segmentation.deeplabv3_resnet50',
  fcn_resnet50: 'segmentation.fcn_resnet50',
};

// Schemes of one kind, which differ in what calibration finds.
const kin = (n) => Object.fromEntries([0.9999, 0.999, 0.99].slice(0, n).map((q, i) => [`s${i}`, `{plugin: int8, q: ${q}}`]));

function seedSeconds(name, shape, images) {
  const [, , height, width] = shape.input;
  const args = [join(here, 'seed.py'), twins[name] ?? name, '--images', String(images), '--size', `${height}x${width}`];
  if (shape.output.length === 4) args.push('--classes', String(shape.output[1]));
  return Number(/^total ([0-9.]+)$/m.exec(run(process.env.OQZ_PYTHON ?? 'python3', args).stdout)[1]);
}

function measure(model) {
  const work = mkdtempSync(join(tmpdir(), 'oqz-seed-'));
  const name = basename(model, '.onnx');
  const shape = JSON.parse(run('node', [join(here, 'peer.mjs'), 'shape', model]).stdout);
  const kind = kindOf(shape);
  const [, , height, width] = shape.input;
  let count = 0;
  const ours = (images, verb, select, schemes) => {
    const dir = join(work, `${count++}`);
    const manifest = join(dir, 'seed.yaml');
    const data = makeData(dir, kind, height, width, images, CALIB, opt.photographs);
    writeManifest(manifest, model, kind, shape, data, 'local_images: 0', schemes);
    const { perImage } = evaluate(manifest, join(dir, 'out'), verb, [select]);
    rmSync(dir, { recursive: true });
    return perImage;
  };
  try {
    const each = ours(6, 'run', 'model=model');
    const images = Math.max(6, Math.min(100, Math.round(Number(opt.seconds) / each)));
    const runs = { full: [], seed: [], float: [], one: [], two: [], three: [], calibOne: [], calibTwo: [] };
    for (let i = 0; i < rounds; i++) {
      runs.full.push(ours(images, 'run', 'model=model'));
      runs.seed.push(seedSeconds(name, shape, Math.max(2, images >> 3)));
      runs.float.push(ours(images, 'run', 'model=float'));
      runs.one.push(ours(images, 'run', 'model=model', kin(1)));
      runs.two.push(ours(images, 'run', 'model=model', kin(2)));
      runs.three.push(ours(images, 'run', 'model=model', kin(3)));
      runs.calibOne.push(ours(images, 'calibrate', 'model=model', kin(1)));
      runs.calibTwo.push(ours(images, 'calibrate', 'model=model', kin(2)));
    }
    const ratios = runs.seed.map((s, i) => s / runs.full[i]).sort((a, b) => a - b);
    const ms = Object.fromEntries(Object.entries(runs).map(([k, v]) => [k, 1000 * median(v)]));
    const added = (a, b) => fixed(1000 * median(runs[b].map((x, i) => x - runs[a][i])), 1);
    return {
      seed: [name, fixed(ms.full, 1), fixed(ms.seed, 1), fixed(median(ratios), 2), `${fixed(ratios[0], 2)} .. ${fixed(ratios.at(-1), 2)}`, images],
      second: [name, fixed(ms.float, 1), added('float', 'one'), added('one', 'two'), added('two', 'three'), fixed(ms.calibOne, 1), fixed(ms.calibTwo, 1)],
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const table = (columns, rows) => {
  console.log(`| ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length)}`);
  for (const r of rows) console.log(`| ${r.join(' | ')} |`);
  console.log();
};
if (!positionals.length) throw new Error('no model was named');
const all = positionals.map(measure);
table(['model', 'ours ms', 'seed.py ms', 'ratio', 'pairs', 'images'], all.map((m) => m.seed));
table(['model', 'float ms', '+ first int8', '+ second', '+ third', 'calibration, one', 'calibration, two'], all.map((m) => m.second));
