// The SDK in a panel of another site, in a browser that forbids its frame cookies and storage, with a stranger beside it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, connected, element, frameOf, hears, STRICT, told } from './panels.mjs';
import { allCame, keys } from './scene.mjs';
import { launchWith, watch } from './browser.mjs';
import { startGateway } from './gateway.mjs';
import { startSite } from './sites.mjs';

/** Says to everybody what a panel and what a console would say, and keeps what it hears that is not its own. */
const STRANGER = `
  globalThis.heard = [];
  addEventListener('message', ({ source, data }) => source !== window && heard.push(data));
  globalThis.harass = () => {
    const everybody = [top, ...Array.from({ length: top.length }, (_, n) => top[n])].filter((other) => other !== window);
    for (const [type, detail] of [['hello', {}], ['disconnect', {}], ['sendKeys', { keys: ['Delete'] }], ['connect', { token: 'evil.token.x' }], ['connected', { sessionId: 'fake' }], ['resize', { width: 1, height: 1 }]]) {
      for (const other of everybody) other.postMessage({ v: 1, source: 'consolegate', type, detail, id: '1' }, '*');
    }
  };`;

test('p08_across_sites_with_cookies_and_storage_forbidden_a_resize_is_told_and_a_stranger_is_not_heard', { timeout: 60_000 }, async (t) => {
  const gateway = await startGateway();
  t.after(() => gateway.stop());
  gateway.steps = [{ sizes: 'at once', console: { rights: ['input', 'resize'] } }];
  const stranger = await startSite(t, 'stranger.example', { '/index.html': '<!doctype html><title>stranger</title><script src="/stranger.js"></script>', '/stranger.js': STRANGER });
  const policy = STRICT(gateway).replace(/frame-src [^;]*/, `$& ${stranger.origin}`);
  const panel = await startSite(t, 'panel.example', {}, policy);
  gateway.origins = [panel.origin];
  panel.files = {
    '/index.html': `<!doctype html><title>panel</title><script src="/told.js"></script>${element(gateway, 'scale="remote"')}<iframe src="${stranger.origin}" title="advertisement"></iframe><script type="module" src="/panel.js"></script>`,
    '/told.js': `globalThis.told = []; for (const type of ['connected', 'resize', 'error', 'disconnected']) addEventListener(type, (event) => event instanceof CustomEvent && told.push({ type, ...event.detail }), true);`,
    '/panel.js': `import * as sdk from '${gateway.origin}/embed.js'; Object.assign(globalThis, sdk);`,
  };
  const page = await launchWith(t, { cookies: 2 });
  const complaints = watch(page);
  await page.goto(panel.origin);
  await connected(page);
  await hears(page, 'connected');
  const frame = await frameOf(page);
  assert.equal(await frame.evaluate(() => { try { return String(localStorage); } catch ({ name }) { return name; } }), 'SecurityError', 'the test is worth nothing where storage is allowed');

  const strange = page.frames().find((candidate) => candidate.url().startsWith(stranger.origin));
  await strange.evaluate(() => globalThis.harass());

  await page.evaluate(() => Object.assign(document.querySelector('console-gate').style, { width: '700px', height: '444px' }));
  await frame.waitForFunction(() => document.querySelector('canvas:not(.frozen)').width === 700);
  await page.waitForFunction(() => globalThis.told.some(({ type, width }) => type === 'resize' && width === 700));
  assert.equal(await ask(page, 'sendKeys', ['Tab']), 'done');
  await allCame(gateway);
  assert.deepEqual(keys(gateway).map(({ key }) => key), [0xff09, 0xff09], 'the panel\u2019s keys alone');
  assert.deepEqual((await told(page, 'connected')).map(({ sessionId }) => sessionId), ['s-1']);
  assert.ok((await told(page, 'resize')).every(({ width }) => width > 1));
  assert.deepEqual(await strange.evaluate(() => globalThis.heard), [], 'and the stranger has heard nothing at all');
  assert.equal(gateway.calls.length, 1);

  gateway.sockets.at(-1).terminate();
  await hears(page, 'connected', 2);
  assert.deepEqual([await told(page, 'error'), await strange.evaluate(() => globalThis.heard), complaints], [[], [], []]);
});
