// SPDX-License-Identifier: Apache-2.0
//
// Well-known architectures with random weights, where there is a script that exports them: OQZ_SHARED/tools/make_models.py
// (OQZ_PYTHON, by default /usr/bin/python3, with PyTorch). OQZ_ARCHITECTURES is a folder in which they are kept; without it
// they are made anew.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// The folder with the models, or null where they cannot be made.
export function architectures() {
  const kept = process.env.OQZ_ARCHITECTURES;
  if (kept && existsSync(kept) && readdirSync(kept).some((f) => f.endsWith('.onnx'))) return kept;
  const script = join(process.env.OQZ_SHARED ?? '', 'tools', 'make_models.py');
  if (!process.env.OQZ_SHARED || !existsSync(script)) return null;
  const python = process.env.OQZ_PYTHON ?? '/usr/bin/python3';
  if (spawnSync(python, ['-c', 'import torch, torchvision, onnx']).status !== 0) return null;
  const dir = kept ?? mkdtempSync(join(tmpdir(), 'oqz-architectures-'));
  mkdirSync(dir, { recursive: true });
  console.error(`making the models of ${script} in ${dir}`);
  const r = spawnSync(python, [script, dir], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (r.status !== 0) throw new Error(`${script} failed`);
  return dir;
}
