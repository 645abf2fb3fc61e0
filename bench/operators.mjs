// SPDX-License-Identifier: Apache-2.0
//
// One operator at a time, on tensors as large as vision models have them: ours beside ONNX Runtime, one thread each. The tensor
// is made inside the model, from one number, and one element of the result leaves it, so that nobody's copies at the edge are
// counted; the time of the same model without the operator is taken off. Row-major tensors: reorders to and from the layout that
// an implementation wants are counted, which in a model they seldom are. Medians of alternating rounds.
//
//   node operators.mjs [--rounds N] [--repeat N] [NAME...]      only the operators whose names contain a NAME
//
// Environment as for bench.mjs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fixed, median, OQZ, run } from './measure.mjs';
import { Model } from './model.mjs';
import { rows } from './operator_rows.mjs';

const peer = join(dirname(fileURLToPath(import.meta.url)), 'peer.mjs');
const { values: opt, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, repeat: { type: 'string', default: '20' } },
});

const attempt = (f) => {
  try {
    return f();
  } catch {
    return NaN; // the peer does not have it
  }
};
// The operator between a tensor of these dimensions and one number; without `build`, the rest alone.
function write(path, dims, opset, build) {
  const m = new Model([1], opset);
  const x = m.op('Add', ['x', m.weights(dims, 1)]);
  const flat = m.op('Reshape', [build ? build(m, x) : x, m.ints(-1)]);
  return m.write(path, m.op('Cast', [m.op('Slice', [flat, m.ints(0), m.ints(1)])], { to: 1 }), [1]);
}

const milliseconds = (model) => Number(/^([0-9.]+) ms per run/.exec(run(OQZ, ['profile', '--repeat', opt.repeat, model]).stdout)[1]);
const peerMilliseconds = (model) => 1000 / Number(run('node', [peer, 'speed', model, opt.repeat, '1']).stdout.split(' ')[1]);

const work = mkdtempSync(join(tmpdir(), 'oqz-operators-'));
try {
  console.log('| operator | input | ours ms | peer ms | peer / ours | pairs |\n|---|---|--:|--:|--:|---|');
  for (const [name, dims, build, opset] of rows) {
    if (positionals.length && !positionals.some((p) => name.includes(p))) continue;
    const model = write(join(work, 'operator.onnx'), dims, opset, build);
    const rest = write(join(work, 'rest.onnx'), dims, opset);
    const pairs = Array.from({ length: Number(opt.rounds) }, () => ({
      a: milliseconds(model) - milliseconds(rest),
      b: attempt(() => peerMilliseconds(model) - peerMilliseconds(rest)),
    }));
    const ratios = pairs.map((p) => p.b / p.a).sort((x, y) => x - y);
    const spread = Number.isNaN(ratios[0]) ? '-' : `${fixed(ratios[0], 2)} .. ${fixed(ratios[ratios.length - 1], 2)}`;
    console.log(
      `| ${name} | ${dims.join('x')} | ${fixed(median(pairs.map((p) => p.a)), 3)} | ${fixed(median(pairs.map((p) => p.b)), 3)} | ${fixed(median(ratios), 2)} | ${spread} |`,
    );
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
