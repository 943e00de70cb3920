// Builds web/dist: pages, content-hashed assets, their compressed copies and manifest.json. Does nothing where dist is
// already what these sources give (stamp.mjs); `--anew` builds all the same.

import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import { keymaps } from './keymaps.mjs';
import { isCurrent, stampOf, writeStamp } from './stamp.mjs';
import { thirdParty } from './third-party.mjs';
import { xtermCsp } from './xterm-csp.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, 'dist');

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.ts': 'text/plain; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
};

/** The script and the style of each page; its template is src/<page>.html. */
const PAGES = {
  console: ['src/main.ts', 'src/ui/console.css'],
  panel: ['src/panel/main.ts', 'src/panel/panel.css'],
};

/** Places that the gateway fills in when it serves the page. */
const SERVED = ['origins'];

const stamp = await stampOf(here);
if (!process.argv.includes('--anew') && (await isCurrent(here, stamp))) {
  console.log('web/dist is up to date');
  process.exit(0);
}

await mkdir(join(dist, 'assets'), { recursive: true });
/** What this build wrote or found as it should be. */
const written = new Set();

const notices = await thirdParty(here);
const noticesName = hashed('third-party.txt', notices);
const files = new Map([[`assets/${noticesName}`, notices]]);
const names = {};

for (const page of Object.keys(PAGES)) {
  const { outputs, shared } = await bundle(page, noticesName);
  for (const [name, content] of outputs) {
    files.set(`assets/${name}`, content);
    names[roleOf(name)] = `assets/${name}`;
  }
  names[`${page}.shared`] = shared.map((name) => `<link rel="modulepreload" href="assets/${name}">`).join('\n');
}
const icon = await readFile(join(here, 'src/assets/icon.svg'));
names['icon.svg'] = `assets/${hashed('icon.svg', icon)}`;
files.set(names['icon.svg'], icon);

files.set('embed.js', await sdk());
files.set('embed.d.ts', await readFile(join(here, 'src/embed/embed.d.ts')));

for (const page of Object.keys(PAGES)) {
  const template = await readFile(join(here, `src/${page}.html`), 'utf8');
  const filled = template.replace(/\{\{([\w.-]+)\}\}/g, (place, name) => {
    if (SERVED.includes(name)) return place;
    if (names[name] === undefined) throw new Error(`${page}: nothing was built for ${name}`);
    return names[name];
  });
  files.set(`${page}.html`, Buffer.from(filled));
}

const manifest = { files: {} };
for (const name of [...files.keys()].sort()) manifest.files[name] = await store(name, files.get(name));
await write('manifest.json', Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
await sweep();
await writeStamp(here, stamp);
report(manifest);

/** What panels load. Its name never changes, so it is one file. */
async function sdk() {
  const { outputFiles } = await build({
    absWorkingDir: here,
    entryPoints: ['src/embed/index.ts'],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    write: false,
    banner: { js: '/*! consolegate, Apache-2.0 */' },
    logLevel: 'warning',
  });
  return Buffer.from(outputFiles[0].contents);
}

/**
 * One page's scripts and style. Screens are chunks of their own, fetched when they are needed. `shared`: what the page's own
 * script has in common with them; it needs it at once.
 */
async function bundle(page, notices) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: here,
    entryPoints: PAGES[page].map((path) => ({ in: path, out: page })),
    outdir: join(dist, 'assets'),
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    write: false,
    metafile: true,
    legalComments: 'inline',
    charset: 'utf8',
    banner: { js: `/*! consolegate, Apache-2.0. Parts of others and their licences: ${notices} */` },
    plugins: [keymaps, xtermCsp(here)],
    logLevel: 'warning',
  });
  const nameOf = (path) => relative(join(dist, 'assets'), path);
  const script = Object.values(metafile.outputs).find((output) => output.entryPoint === PAGES[page][0]);
  return {
    outputs: outputFiles.map((file) => [nameOf(file.path), Buffer.from(file.contents)]),
    shared: script.imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => nameOf(join(here, path))),
  };
}

/** `console-ABCDEFGH.js` is what a template calls `console.js`. */
function roleOf(name) {
  return name.replace(/-[A-Z0-9]{8}(?=\.)/, '');
}

/** The name with the hash of the content, in the manner of esbuild. */
function hashed(name, content) {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 8).toUpperCase();
  return `${basename(name, extname(name))}-${hash}${extname(name)}`;
}

async function store(name, content) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  const br = await promisify(brotliCompress)(content, { params });
  await Promise.all([write(name, content), write(`${name}.br`, br)]);
  return {
    type: TYPES[extname(name)],
    sha256: createHash('sha256').update(content).digest('hex'),
    bytes: content.length,
    br: br.length,
    immutable: name.startsWith('assets/'),
  };
}

/** Leaves a file alone that is as it should be: its time tells whether the gateway has to be compiled again. */
async function write(name, content) {
  written.add(name);
  const there = await readFile(join(dist, name)).catch(() => undefined);
  if (!there?.equals(content)) await writeFile(join(dist, name), content);
}

/** Removes what earlier builds left. */
async function sweep() {
  for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && !written.has(relative(dist, path))) await rm(path);
  }
}

function report({ files }) {
  for (const [name, { bytes, br }] of Object.entries(files)) {
    console.log(`${name.padEnd(36)} ${String(bytes).padStart(8)}  br ${String(br).padStart(7)}`);
  }
}
