// Whether dist is what the sources beside it give: a hash of everything that goes into a build, kept with the hash of the
// manifest that came out. Without it every start of the demo would build the page again.

import { createHash } from 'node:crypto';
import { access, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const KEPT = '.built';

/** Of all sources, the packages in use and the node that builds. */
export async function stampOf(web) {
  const own = (await readdir(web)).filter((name) => /^(package(-lock)?\.json|.*\.mjs)$/.test(name));
  const inner = (await readdir(join(web, 'src'), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const hash = createHash('sha256').update(process.version);
  for (const path of [...own.map((name) => join(web, name)), ...inner].sort()) {
    hash.update(`\0${path.slice(web.length)}\0`).update(await readFile(path));
  }
  return hash.digest('hex');
}

/** Nothing in dist may be missing; what is in the files is the manifest's to say. */
export async function isCurrent(web, stamp) {
  try {
    const manifest = await readFile(join(web, 'dist/manifest.json'));
    if ((await readFile(join(web, KEPT), 'utf8')) !== kept(stamp, manifest)) return false;
    const names = Object.keys(JSON.parse(manifest).files).flatMap((name) => [name, `${name}.br`]);
    await Promise.all(names.map((name) => access(join(web, 'dist', name))));
    return true;
  } catch {
    return false;
  }
}

export async function writeStamp(web, stamp) {
  await writeFile(join(web, KEPT), kept(stamp, await readFile(join(web, 'dist/manifest.json'))));
}

function kept(stamp, manifest) {
  return `${stamp} ${createHash('sha256').update(manifest).digest('hex')}\n`;
}
