// The pages in a real browser against a mock of the gateway. Run with `npm run page`, after `npm run build`; names of files
// (`node test/page.mjs terminal idle`) choose among them.
//
// Each file has a process and a browser of its own. Much of a test is waiting, so several files at a time cost little more
// than one; those that take longest begin first.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('page', import.meta.url));
const LONGEST = ['states-phone', 'states-desktop', 'languages', 'terminal', 'endings', 'embed', 'frames', 'tools', 'toolbar'];

const wanted = process.argv.slice(2);
const names = readdirSync(FOLDER).filter((name) => name.endsWith('.test.mjs')).map((name) => name.replace('.test.mjs', ''));
const chosen = wanted.length > 0 ? names.filter((name) => wanted.includes(name)) : names;
const rank = (name) => (LONGEST.includes(name) ? LONGEST.indexOf(name) : LONGEST.length);
const files = chosen.sort((a, b) => rank(a) - rank(b)).map((name) => join(FOLDER, `${name}.test.mjs`));
if (files.length === 0) throw new Error(`no tests: ${wanted}`);
const { status } = spawnSync(process.execPath, ['--test', `--test-concurrency=${Math.max(availableParallelism(), 2)}`, ...files], { stdio: 'inherit' });
process.exit(status ?? 1);
