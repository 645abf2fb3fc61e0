// SPDX-License-Identifier: Apache-2.0
//
// The benchmark: ours beside ONNX Runtime on one core, model by model, in one command. See README.md for what the columns
// are. All runs of one model alternate, so that a machine whose speed drifts slows every side; figures are medians, and
// spreads are given pair by pair. Time is processor time, which a busy neighbour changes less than the clock on the wall.
//
//   node bench.mjs [--rounds N] [--seconds S] [--images N] [--photographs DIR] [--local N] [--keep DIR]
//                  [--float | --full] MODEL.onnx|DIR...
//
// Environment: OQZ (the program), OQZ_BENCH_NODE_PATH (the node_modules folder with onnxruntime-node), and what OQZ itself
// needs (OQZ_PLUGIN_PATH, OQZ_PRESET_PATH when it is not installed).
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { architectures } from './architectures.mjs';
import { kindOf, makeData, SCHEMES, writeManifest } from './data.mjs';
import { evaluate, fixed, median, OQZ, run } from './measure.mjs';
import { makeStandIns } from './standin.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const { values: opt, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' }, // of float inference per measurement
    images: { type: 'string', default: '0' }, // of an evaluation; 0: as many as fit `seconds`
    local: { type: 'string', default: '0' },
    photographs: { type: 'string', default: '' },
    keep: { type: 'string', default: '' },
    float: { type: 'boolean', default: false }, // nothing but float inference
    full: { type: 'boolean', default: false }, // nothing but float inference and the full evaluation
  },
});
const rounds = Number(opt.rounds);
const seconds = Number(opt.seconds);

// Images per second of processor time and by the clock, and MiB at most.
function peer(model, runs, threads = 1) {
  const words = run('node', [join(here, 'peer.mjs'), 'speed', model, String(runs), String(threads)]).stdout.trim().split(' ');
  const [wall, rate, mib] = words.map(Number);
  return { rate, wall, mib };
}

function ours(model, runs) {
  const text = run(OQZ, ['infer', '--random', '1', '--repeat', String(runs), model]).stderr;
  return {
    rate: Number(/^([0-9.]+) images per second of processor time$/m.exec(text)[1]),
    mib: Number(/^([0-9.]+) MiB of memory at most$/m.exec(text)[1]),
  };
}

// Seconds by the clock from the command to the end of its first image, all lanes, plans at hand.
function startUp(manifest, plans, dir) {
  cpSync(plans, dir, { recursive: true });
  const words = ['run', '--progress', 'json', '--limit', '1', '-o', dir, '--select', 'model=model', manifest];
  const seen = `while read -r l; do
    case $l in *'"event":"evaluate"'*'"done":1,'*) date +%s.%N;; esac
    echo "$l" >&2
  done`;
  const begin = Date.now();
  const { stdout, stderr } = run('sh', ['-c', `"$0" "$@" 2>&1 >"${join(dir, 'table')}" | ${seen}`, OQZ, ...words]);
  if (!stdout || !/"event":"done".*"status":"ok"/.test(stderr)) throw new Error(stderr.trim().split('\n').pop());
  return Number(stdout) - begin / 1000;
}

function measureFloat(model, runs) {
  const pairs = [];
  for (let i = 0; i < rounds; i++) pairs.push({ a: ours(model, runs), b: peer(model, runs) });
  return {
    ours: median(pairs.map((p) => p.a.rate)),
    peer: median(pairs.map((p) => p.b.rate)),
    ratios: pairs.map((p) => p.a.rate / p.b.rate).sort((x, y) => x - y),
    oursMib: median(pairs.map((p) => p.a.mib)),
    peerMib: median(pairs.map((p) => p.b.mib)),
  };
}

// The whole evaluation between two measurements of the peer, in units of what they say of an image: on one processor by
// processor time, and on all by the clock.
function measureFull(model, runs, evaluateFull) {
  const around = (threads, what) => {
    const before = peer(model, runs, threads);
    const full = evaluateFull(threads);
    return { full, rate: (before[what] + peer(model, runs, threads)[what]) / 2 };
  };
  const one = around(1, 'rate');
  const all = availableParallelism() > 1 ? around(availableParallelism(), 'wall') : null;
  return { ...one.full, ratio: one.full.perImage * one.rate, ratioAll: all ? all.full.wallPerImage * all.rate : NaN };
}

// Calibration of images that lie there prepared, between two measurements of float inference, in units of what they say
// of an image: `filled` is the folder of a run that has prepared them.
function measureCalibration(model, runs, manifest, filled, dir) {
  const float = () => ours(model, runs).rate;
  cpSync(join(filled, 'prepared'), join(dir, 'prepared'), { recursive: true });
  const before = float();
  const { perImage } = evaluate(manifest, dir, 'calibrate', ['model=model']);
  rmSync(dir, { recursive: true, force: true });
  return (perImage * (before + float())) / 2;
}

// The evaluation in all its forms, `rounds` times.
function measureEvaluation(model, kind, shape, runs, work) {
  const images = Number(opt.images) || Math.max(4, Math.min(200, runs));
  const calib = Math.max(2, Math.min(64, images >> 1));
  const manifest = join(work, 'bench.yaml');
  const keeping = join(work, 'keeping.yaml');
  const data = makeData(work, kind, shape.input[2], shape.input[3], images, calib, opt.photographs);
  writeManifest(manifest, model, kind, shape, data, `local_images: ${opt.local}`);
  writeManifest(keeping, model, kind, shape, data, 'prepared: 8G');
  const out = { calibrate: [], ready: [], float: [], full: [], fullAll: [], start: [], lanes: {}, mib: [], images };
  for (const s of Object.keys(SCHEMES)) out.lanes[s] = [];
  const plans = join(work, 'plans');
  const filled = join(work, 'filled');
  evaluate(manifest, plans, 'calibrate', ['model=model']);
  evaluate(keeping, filled, 'calibrate', ['model=model']);
  for (let i = 0; i < rounds; i++) {
    const at = (name) => join(work, `${name}${i}`);
    const withPlans = (name, select, workers) => {
      rmSync(at(name), { recursive: true, force: true });
      cpSync(plans, at(name), { recursive: true });
      return evaluate(manifest, at(name), 'run', select, [], workers);
    };
    const full = measureFull(model, runs, (workers) => withPlans('full', ['model=model'], workers));
    out.full.push(full.ratio);
    out.fullAll.push(full.ratioAll);
    out.mib.push(full.mib);
    out.start.push(startUp(manifest, plans, at('start')));
    out.ready.push(measureCalibration(model, runs, keeping, filled, at('ready')));
    if (opt.full) continue;
    out.float.push(evaluate(manifest, at('float'), 'run', ['model=float']).perImage);
    for (const s of Object.keys(SCHEMES))
      out.lanes[s].push(withPlans(s, ['model=model', `scheme=${s}`]).perImage - out.float[i]);
    out.calibrate.push(evaluate(manifest, at('calibrate'), 'calibrate', ['model=model']).perImage);
    for (const name of ['float', 'full', 'calibrate', 'start', ...Object.keys(SCHEMES)]) rmSync(at(name), { recursive: true, force: true });
  }
  return out;
}

// Median and range.
const spread = (x) => `${fixed(median(x), 2)}${x.length > 1 ? ` (${fixed(Math.min(...x), 2)} .. ${fixed(Math.max(...x), 2)})` : ''}`;

function row(model, f, e) {
  const cells = [basename(model, '.onnx'), fixed(f.ours, 2), fixed(f.peer, 2), fixed(median(f.ratios), 2)];
  cells.push(`${fixed(f.ratios[0], 2)} .. ${fixed(f.ratios.at(-1), 2)}`, fixed(f.oursMib, 0), fixed(f.peerMib, 0));
  if (!e) return [...cells, ...columns.slice(cells.length).map(() => '-')];
  for (const s of Object.keys(SCHEMES)) cells.push(fixed(e.lanes[s].length ? 1 / median(e.lanes[s]) : NaN, 1));
  const around = median(e.float) - 1 / f.ours; // decoding, preparing, scoring
  cells.push(spread(e.full), spread(e.fullAll), fixed(median(e.calibrate) * f.ours, 2));
  cells.push(spread(e.ready), fixed(1000 * around, 1), fixed(median(e.start), 2), fixed(median(e.mib), 0));
  return cells;
}

const columns = ['model', 'ours', 'peer', 'ratio', 'pairs', 'MiB', 'peer MiB', ...Object.keys(SCHEMES).map((s) => `${s} lane`)];
columns.push('full / peer float', 'on all processors', 'calibration / float', 'the same, images prepared before', 'decode+prepare+score ms', 'start s', 'full MiB');

function measure(model) {
  const work = opt.keep ? join(opt.keep, basename(model, '.onnx')) : mkdtempSync(join(tmpdir(), 'oqz-bench-'));
  try {
    const shape = JSON.parse(run('node', [join(here, 'peer.mjs'), 'shape', model]).stdout);
    const runs = Math.max(3, Math.round(seconds * ours(model, 2).rate));
    const float = measureFloat(model, runs);
    const kind = opt.float ? null : kindOf(shape);
    return row(model, float, kind ? measureEvaluation(model, kind, shape, runs, work) : null);
  } finally {
    if (!opt.keep) rmSync(work, { recursive: true, force: true });
  }
}

function modelsOf(paths) {
  return paths.flatMap((p) => (statSync(p).isDirectory() ? readdirSync(p).filter((f) => f.endsWith('.onnx')).sort().map((f) => join(p, f)) : [p]));
}

function commit() {
  try {
    return execFileSync('git', ['-C', here, 'describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

let models = modelsOf(positionals);
if (!models.length) {
  const dir = architectures();
  models = dir ? modelsOf([dir]) : makeStandIns(mkdtempSync(join(tmpdir(), 'oqz-bench-models-')));
  console.log(dir ? 'Well-known architectures, random weights.\n' : 'No model was named: these are generated stand-ins.\n');
}
console.log(`${new Date().toISOString().slice(0, 10)}, commit ${commit()}, ${cpus()[0].model.trim()} (${availableParallelism()} processors), ${rounds} rounds\n`);
console.log(`| ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length)}`);
let failures = 0;
for (const model of models) {
  try {
    console.log(`| ${measure(model).join(' | ')} |`);
  } catch (e) {
    console.log(`| ${basename(model, '.onnx')} | failed: ${e.message} |`);
    failures++;
  }
}
process.exitCode = failures ? 1 : 0;
