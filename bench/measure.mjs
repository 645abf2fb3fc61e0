// SPDX-License-Identifier: Apache-2.0
//
// Runs of the program under measurement, on one core, and what they say of themselves.
import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';

export const OQZ = process.env.OQZ ?? 'oqz';
export function run(command, args) {
  const r = spawnSync(command, args, { env: { ...process.env, OMP_NUM_THREADS: '1' }, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (r.status !== 0) throw new Error(`${basename(command)} ${args.join(' ')}: ${(r.stderr || String(r.error)).trim().split('\n').pop()}`);
  return r;
}

export const median = (x) => {
  const s = [...x].sort((a, b) => a - b);
  return s.length % 2 ? s[s.length >> 1] : (s[s.length / 2 - 1] + s[s.length / 2]) / 2;
};

export const fixed = (x, n) => (Number.isFinite(x) ? x.toFixed(n) : '-');

// A run's events, into folder `dir`, with `workers` workers. perImage: processor seconds per image, from the first event
// that has images to the last one; wallPerImage: the same by the clock; mib: peak memory.
export function evaluate(manifest, dir, verb, select, flags = [], workers = 1) {
  const args = ['--progress', 'json', '-o', dir, ...flags, ...select.flatMap((s) => ['--select', s]), manifest];
  const events = run(OQZ, verb === 'run' ? [verb, '-j', String(workers), ...args] : [verb, ...args])
    .stderr.split('\n')
    .filter((l) => l.startsWith('{'))
    .map((l) => JSON.parse(l));
  const failed = events.filter((e) => e.event === 'done' && e.status !== 'ok');
  if (failed.length) throw new Error(failed[0].message);
  const of = events.filter((e) => e.event === (verb === 'run' ? 'evaluate' : 'calibrate') && e.done > e.resumed);
  const [a, b] = [of[0], of[of.length - 1]];
  const per = (clock) => (b.done > a.done ? (b[clock] - a[clock]) / (b.done - a.done) : b[clock] / b.done);
  return {
    perImage: per('cpu_seconds'),
    wallPerImage: per('seconds'),
    mib: Math.max(...events.map((e) => (e.peak_bytes ?? 0) / 1048576)),
  };
}
