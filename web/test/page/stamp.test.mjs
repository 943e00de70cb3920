// Whether a build is skipped only where it would give what is there already.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isCurrent, stampOf, writeStamp } from '../../stamp.mjs';

test('a build is skipped until a source or what was built is another', async (t) => {
  const web = await mkdtemp(join(tmpdir(), 'consolegate-stamp-'));
  t.after(() => rm(web, { recursive: true }));
  const put = (name, text) => writeFile(join(web, name), text);
  for (const folder of ['src/ui', 'dist/assets']) await mkdir(join(web, folder), { recursive: true });
  await put('package-lock.json', '{}');
  await put('build.mjs', 'build');
  await put('src/ui/bar.css', 'a');
  await put('dist/manifest.json', '{"files":{"assets/a.css":{}}}');
  for (const end of ['', '.br']) await put(`dist/assets/a.css${end}`, 'a');
  const current = async () => isCurrent(web, await stampOf(web));
  assert.equal(await current(), false, 'nothing is known of it');
  await writeStamp(web, await stampOf(web));
  assert.equal(await current(), true);
  await put('README.md', 'words');
  assert.equal(await current(), true, 'words are no source');
  for (const [name, other, same] of [['src/ui/bar.css', 'b', 'a'], ['package-lock.json', '[]', '{}'], ['build.mjs', 'x', 'build'], ['dist/manifest.json', '{"files":{}}', '{"files":{"assets/a.css":{}}}']]) {
    await put(name, other);
    assert.equal(await current(), false, name);
    await put(name, same);
    assert.equal(await current(), true, name);
  }
  await put('src/new.ts', '');
  assert.equal(await current(), false, 'a new source');
  await rm(join(web, 'src/new.ts'));
  await rm(join(web, 'dist/assets/a.css.br'));
  assert.equal(await current(), false, 'a file is missing');
});
