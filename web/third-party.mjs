// The notices for what is bundled into the pages: noVNC under MPL-2.0 and what it carries itself, xterm.js and tables of
// keyboards under MIT.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export async function thirdParty(web) {
  const noVnc = join(web, 'node_modules/@novnc/novnc');
  const read = (path) => readFile(join(noVnc, path), 'utf8');
  const { version } = JSON.parse(await read('package.json'));
  const des = (await read('core/crypto/des.js')).match(/^\/\*[\s\S]*?\*\//)?.[0];
  if (!des) throw new Error('core/crypto/des.js has lost its notice');
  const tables = join(web, 'node_modules/@kubevirt-ui-ext/vnc-keymaps');
  const keymaps = JSON.parse(await readFile(join(tables, 'package.json'), 'utf8'));
  const parts = [
    `The pages of consolegate contain the following works of others, bundled and minified, and unchanged but for xterm.js, whose style elements were replaced by style sheets made by script.`,
    section(`noVNC ${version}`, [
      `Licence: Mozilla Public License 2.0. Source code of exactly this version:`,
      `  the npm package @novnc/novnc ${version}`,
      `  https://github.com/novnc/noVNC/tree/v${version}`,
      '',
      await read('AUTHORS'),
    ]),
    section('noVNC: DES (core/crypto/des.js)', [des]),
    section('noVNC: pako (vendor/pako)', [await read('vendor/pako/LICENSE')]),
    section(`Keyboard layouts (derived from ${keymaps.name} ${keymaps.version})`, [await readFile(join(tables, 'LICENSE'), 'utf8')]),
    ...(await xterm(web)),
    section('Mozilla Public License 2.0', [await read('docs/LICENSE.MPL-2.0')]),
  ];
  return Buffer.from(`${parts.join('\n\n')}\n`);
}

/** xterm.js and its addons: each a package with a copyright notice of its own. */
async function xterm(web) {
  const folder = join(web, 'node_modules/@xterm');
  const packages = (await readdir(folder)).sort();
  return Promise.all(
    packages.map(async (name) => {
      const { version } = JSON.parse(await readFile(join(folder, name, 'package.json'), 'utf8'));
      return section(`@xterm/${name} ${version}`, [await readFile(join(folder, name, 'LICENSE'), 'utf8')]);
    }),
  );
}

function section(title, lines) {
  return `${'='.repeat(78)}\n${title}\n${'='.repeat(78)}\n\n${lines.join('\n').trim()}`;
}
