// SPDX-License-Identifier: Apache-2.0
//
// The models of a manifest, with the data, tasks and schemes it names: float inference beside the peer's, and what the
// whole evaluation of an image costs, in units of the peer's float inference and of an evaluation of the float model alone.
//
//   node zoo.mjs [--rounds N] [--seconds S] [--images N] [--local N] [--select GLOB] [--shape GLOB=1x3x48x320]... MANIFEST
//
// Environment as for bench.mjs, and what the manifest itself asks for. Float inference is measured on random input; where
// the model leaves dimensions open, on one of the shape that --shape says, and the evaluation, of images of many shapes,
// is not held against that.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { evaluate, fixed, median, OQZ, run } from './measure.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const { values: opt, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' }, // of float inference per measurement
    images: { type: 'string', default: '20' }, // of an evaluation, at most
    local: { type: 'string', default: '0' }, // of these, how many with local errors
    select: { type: 'string', default: '*' }, // of the models
    shape: { type: 'string', multiple: true, default: [] },
  },
});
if (positionals.length !== 1) throw new Error('usage: node zoo.mjs [options] MANIFEST');
const manifest = resolve(positionals[0]);
const work = mkdtempSync(join(tmpdir(), 'oqz-bench-zoo-'));

// Models and their files, in the order of the expanded manifest.
function files() {
  const text = run(OQZ, ['show', manifest]).stdout;
  return new Map([...text.slice(text.indexOf('\nmodels:')).matchAll(/^ +id: (.*)\n +file: (.*)$/gm)].map((m) => [m[1], m[2]]));
}

// The manifest with one model, evaluated under all its schemes (a trial says how many there are) or under none.
function alone(id, full) {
  if (full) return { path: manifest, select: [`model=${id}`] };
  const path = join(work, `float-${id}.yaml`);
  writeFileSync(path, `oqz: 1\ninclude: [${JSON.stringify(manifest)}]\nmatrix:\n  - {models: [${JSON.stringify(id)}], schemes: []}\n`);
  return { path, select: [] };
}

function milliseconds(id, full) {
  const dir = join(work, 'out');
  const { path, select } = alone(id, full);
  rmSync(dir, { recursive: true, force: true });
  return 1000 * evaluate(path, dir, 'run', select, ['--limit', opt.images, '--set', `limits.local_images=${opt.local}`]).perImage;
}

const globOf = (text) => new RegExp(`^${text.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.')}$`);

function rates(id, file) {
  const given = opt.shape.map((s) => s.split('=')).find(([glob]) => globOf(glob).test(id));
  if (given) process.env.OQZ_PEER_SHAPE = given[1];
  else delete process.env.OQZ_PEER_SHAPE;
  const peer = (...args) => run('node', [join(here, 'peer.mjs'), ...args]).stdout;
  const { dynamic, input } = JSON.parse(peer('shape', file));
  if (dynamic && !given) throw new Error('open dimensions: --shape says which to measure');
  const npy = join(work, 'input.npy');
  peer('input', file, npy);
  const speed = (n) => Number(peer('speed', file, String(n), '1').split(' ')[1]);
  const runs = Math.max(3, Math.round(Number(opt.seconds) * speed(3)));
  const infer = () => run(OQZ, ['infer', '--input', npy, '--random', '1', '--repeat', String(runs), file]).stderr;
  const ours = () => Number(/^([0-9.]+) images per second of processor time$/m.exec(infer())[1]);
  return { name: dynamic ? `${id}, ${input.join('x')}` : id, dynamic, ours, peer: () => speed(runs) };
}

function measure(id, file) {
  const { name, dynamic, ours, peer } = rates(id, file);
  const rounds = [];
  for (let i = 0; i < Number(opt.rounds); i++) {
    const before = peer();
    const r = { ours: ours(), float: milliseconds(id, false), full: milliseconds(id, true) };
    rounds.push({ ...r, peer: (before + peer()) / 2 });
  }
  const of = (f) => median(rounds.map(f));
  const spread = (f) => {
    const x = rounds.map(f);
    return `${fixed(Math.min(...x), 2)} .. ${fixed(Math.max(...x), 2)}`;
  };
  const ratio = (r) => (r.full * r.peer) / 1000;
  return [name, fixed(of((r) => r.ours), 1), fixed(of((r) => r.peer), 1), fixed(of((r) => r.ours / r.peer), 2),
    fixed(of((r) => r.float), 1), fixed(of((r) => r.full), 1), dynamic ? '-' : fixed(of(ratio), 2), dynamic ? '-' : spread(ratio),
    fixed(of((r) => r.full / r.float), 2)];
}

const glob = globOf(opt.select);
const columns = ['model', 'ours', 'peer', 'ratio', 'float evaluation ms', 'full evaluation ms', 'full / peer float', 'rounds', 'full / float evaluation'];
try {
  console.log(`| ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length)}`);
  for (const [id, file] of files()) {
    if (!glob.test(id)) continue;
    try {
      console.log(`| ${measure(id, file).join(' | ')} |`);
    } catch (e) {
      console.log(`| ${id} | failed: ${e.message} |`);
      process.exitCode = 1;
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
