// Bundles the unit tests (the node in use may not read TypeScript) and runs them with node's own test runner.

import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keymaps } from '../keymaps.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const tests = readdirSync(join(here, 'unit')).filter((name) => name.endsWith('.test.ts'));
if (tests.length === 0) throw new Error('no unit tests found');
const out = mkdtempSync(join(tmpdir(), 'consolegate-unit-'));
let status = 1;
try {
  await build({
    entryPoints: tests.map((name) => join(here, 'unit', name)),
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    plugins: [keymaps],
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  const files = tests.map((name) => join(out, name.replace(/\.ts$/, '.mjs')));
  const env = { ...process.env, CONSOLEGATE_ROOT: join(here, '../..') };
  ({ status } = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...files], { stdio: 'inherit', env }));
} finally {
  rmSync(out, { recursive: true });
}
process.exit(status ?? 1);
