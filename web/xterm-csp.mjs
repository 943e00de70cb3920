// Two adaptations of the build, so that xterm.js works under `style-src 'self'` without 'unsafe-inline':
//
// - Its <style> elements become style sheets made by script, and its one style attribute is set as a property: the policy
//   forbids the former of each and allows the latter. xterm.js is pinned, and the build fails where its text has changed.
// - A style sheet that a script imports is its text, for the script to adopt: a chunk brings its own style along.

import { transform } from 'esbuild';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

const REPLACED = [
  [/[\w.]+\.createElement\("style"\)/g, 'styleElement()', 3],
  [/(\w+)\.setAttribute\("style",`\$\{\1\.getAttribute\("style"\)\|\|""\}\$\{(\w+)\};`\)/g, '$1.style.cssText+=`${$2};`', 1],
];

export function xtermCsp(web) {
  const sheets = join(web, 'src/terminal/sheets.ts');
  return {
    name: 'xterm-csp',
    setup(build) {
      build.onLoad({ filter: /@xterm[\\/]xterm[\\/]lib[\\/]xterm\.mjs$/ }, async ({ path }) => {
        let text = await readFile(path, 'utf8');
        for (const [pattern, replacement, times] of REPLACED) {
          const found = text.match(pattern)?.length ?? 0;
          if (found !== times) throw new Error(`xterm.js has ${found} of ${pattern}, not ${times}`);
          text = text.replace(pattern, replacement);
        }
        return { contents: `import { styleElement } from ${JSON.stringify(sheets)};\n${text}`, resolveDir: dirname(path) };
      });
      build.onResolve({ filter: /\.css$/ }, ({ path, kind, importer }) => {
        if (kind !== 'import-statement') return undefined;
        const file = path.startsWith('.') ? resolve(dirname(importer), path) : join(web, 'node_modules', path);
        return { path: file, namespace: 'sheet' };
      });
      build.onLoad({ filter: /.*/, namespace: 'sheet' }, async ({ path }) => {
        const { code } = await transform(await readFile(path, 'utf8'), { loader: 'css', minify: true, legalComments: 'none' });
        return { contents: code, loader: 'text' };
      });
    },
  };
}
