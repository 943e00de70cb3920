// What a visit loads: the screen that is needed, before the token is spent where the token says which, and nothing large.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { card, inState, paged } from './scene.mjs';
import { DIST } from './gateway.mjs';

const { files } = JSON.parse(readFileSync(join(DIST, 'manifest.json'), 'utf8'));

/** Everything that was fetched, with and without the hash in its name, and the sum as it travels. */
function fetched(gateway) {
  const paths = gateway.requests.map(({ url }) => new URL(url, gateway.origin).pathname);
  const known = paths.map((path) => (path === '/console' ? 'console.html' : path.slice(1))).filter((name) => files[name]);
  return {
    known,
    names: known.map((name) => name.replace(/^assets\/|-[A-Z0-9]{8}(?=\.)/g, '')),
    bytes: known.reduce((sum, name) => sum + files[name].br, 0),
  };
}

const link = (protocol) => `h.${Buffer.from(JSON.stringify({ sub: 'käse', console: { protocol } })).toString('base64url')}.s`;

for (const [protocol, needed, other, most] of [['vnc', 'vnc.js', 'terminal.js', 200_000], ['term', 'terminal.js', 'vnc.js', 240_000]]) {
  for (const [kind, token] of [['says what it is for', link(protocol)], ['says nothing', 'eyJh.eyJi.c2ln']]) {
    paged(`a visit is small: ${protocol}, with a token that ${kind}`, {}, async ({ gateway, page }) => {
      gateway.steps = [{ console: { protocol } }];
      await page.goto(`${gateway.origin}/console#${token}`);
      await inState(page, 'connected');
      const { known, names, bytes } = fetched(gateway);
      for (const name of ['console.html', 'console.js', 'console.css', needed]) assert.ok(names.includes(name), `${name} in ${names}`);
      assert.ok(!names.includes(other), names.join(' '));
      assert.equal(new Set(known).size, known.length, 'nothing twice');
      assert.ok(bytes > 40_000 && bytes < most, `${bytes} bytes, compressed`);
    });
  }
}

paged('a screen that does not load costs no token that says which screen it is for', {}, async ({ gateway, page }) => {
  await page.route('**/assets/terminal-*.js', (route) => route.abort());
  await page.goto(`${gateway.origin}/console#${link('term')}`);
  await inState(page, 'ended');
  assert.equal((await card(page)).title, 'A part of this page could not be loaded');
  assert.equal(gateway.calls.length, 0);
});

paged('a screen that does not load at first is tried again with the session that was granted', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ console: { protocol: 'term' } }];
  await page.route('**/assets/terminal-*.js', (route) => route.abort(), { times: 1 });
  await open();
  await inState(page, 'connected');
  assert.equal(gateway.calls.length, 1);
});

paged('a token that lies about the screen gets the one that the gateway says', {}, async ({ gateway, page }) => {
  await page.goto(`${gateway.origin}/console#${link('term')}`);
  await inState(page, 'connected');
  assert.equal(await page.locator('.screen canvas').count(), 1);
  assert.equal(await page.locator('.xterm').count(), 0);
});
