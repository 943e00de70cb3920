// The page and the SDK across sites: a panel, the gateway in its frame, and a stranger. Cookies and storage are forbidden.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, CONNECTED, connected, element, embedded, frameOf, hears, STRICT, told } from './panels.mjs';
import { allCame, cut, keys, TOKEN, until } from './scene.mjs';
import { launchWith, watch } from './browser.mjs';
import { desktopSize } from './rfb.mjs';
import { startGateway } from './gateway.mjs';
import { example, startSite } from './sites.mjs';

test('the iframe of EMBED.md works across sites, with cookies and storage forbidden', { timeout: 60_000 }, async (t) => {
  const gateway = await startGateway();
  t.after(() => gateway.stop());
  const panel = await startSite(t, 'panel.example', { '/index.html': example('frame.html', gateway, TOKEN) });
  gateway.origins = [panel.origin];
  const page = await launchWith(t, { cookies: 2 });
  const complaints = watch(page);
  await page.goto(panel.origin);
  await page.evaluate(() => {
    globalThis.heard = [];
    addEventListener('message', ({ data }) => globalThis.heard.push(data));
  });
  const frame = await (await page.waitForSelector('iframe')).contentFrame();
  await frame.waitForSelector(CONNECTED, { timeout: 30_000 });
  await cut(gateway);
  await frame.waitForSelector('main.console[data-state="connecting"]');
  gateway.release();
  await frame.waitForSelector(CONNECTED, { timeout: 30_000 });
  await page.evaluate((link) => {
    document.querySelector('iframe').src = link;
  }, `${gateway.origin}/console#second.token.x`);
  await until(() => gateway.calls.length === 3);
  await frame.waitForSelector(CONNECTED, { timeout: 30_000 });
  assert.deepEqual(gateway.calls.map((call) => call.token), [TOKEN, 'resume-1', 'second.token.x']);
  assert.deepEqual(await page.evaluate(() => globalThis.heard), [], 'nobody said hello, so nothing was posted');
  assert.deepEqual(complaints, []);
});

test('the SDK example of EMBED.md works across sites, under the strict policy, with cookies and storage forbidden', { timeout: 60_000 }, async (t) => {
  const gateway = await startGateway();
  t.after(() => gateway.stop());
  const link = (count) => `${gateway.origin}/console#link.${count}.x`;
  const files = { '/index.html': example('sdk.html', gateway), '/panel.js': example('panel.js', gateway), '/panel.css': 'console-gate { height: 500px }', '/console-link/100': link };
  const panel = await startSite(t, 'panel.example', files, STRICT(gateway));
  gateway.origins = [panel.origin];
  const page = await launchWith(t, { cookies: 2 });
  const complaints = watch(page);
  await page.goto(panel.origin);
  await connected(page);
  await page.getByText('Session s-1').waitFor();
  assert.deepEqual(gateway.calls.map((call) => call.token), ['link.1.x']);
  const box = await page.locator('console-gate iframe').boundingBox();
  assert.equal(box.height, 500, 'the panel says how high');
  await page.keyboard.type('x');
  await page.getByRole('button', { name: 'Ctrl+Alt+Del' }).click();
  await until(() => keys(gateway).some(({ key, down }) => key === 0xffff && down));
  await allCame(gateway);
  assert.deepEqual(keys(gateway).filter(({ down }) => down).map(({ key }) => key), [0x78, 0xffe3, 0xffe9, 0xffff]);
  await cut(gateway, { before: [{ drop: true }] });
  await (await frameOf(page)).waitForSelector('main.console[data-state="connecting"]');
  gateway.release();
  await page.getByText('Session s-2').waitFor({ timeout: 30_000 });
  gateway.steps = [{ problem: { status: 401, code: 'resume_expired', title: 't', detail: 'd' } }, {}];
  gateway.sockets.at(-1).terminate();
  await page.getByText('Session s-3').waitFor({ timeout: 30_000 });
  assert.equal(gateway.calls.at(-1).token, 'link.2.x', 'a new token was fetched');
  assert.deepEqual(complaints, []);
});

embedded('commands are obeyed and events told', { body: element }, async ({ gateway, page, errors }) => {
  await connected(page);
  await hears(page, 'connected');
  const names = (await page.evaluate(() => globalThis.told)).filter(({ type }) => !['state', 'latency'].includes(type)).map(({ type, stage }) => stage ?? type);
  assert.deepEqual(names, ['ready', 'session', 'socket', 'screen', 'connected'], 'what came before the hello is told after it');
  assert.deepEqual(await told(page, 'connected'), [{ type: 'connected', sessionId: 's-1', kind: 'qemu', protocol: 'vnc', width: 640, height: 400 }]);

  assert.equal(await ask(page, 'sendKeys', ['Ctrl', 'Alt', 'F2']), 'done');
  await allCame(gateway);
  assert.deepEqual(keys(gateway).map(({ key }) => key), [0xffe3, 0xffe9, 0xffbf, 0xffbf, 0xffe9, 0xffe3]);
  assert.equal(await ask(page, 'sendKeys', ['Ctrl', 'c']), 'done');
  assert.equal(await ask(page, 'typeText', 'aZ|', { layout: 'de' }), 'done');
  await allCame(gateway);
  assert.equal(keys(gateway).length, 20);
  const down = keys(gateway).slice(6).filter((key) => key.down).map(({ key }) => key);
  assert.deepEqual(down, [0xffe3, 0x63, 0x61, 0xffe1, 0x5a, 0xfe03, 0x7c], 'AltGr makes | on a German keyboard');
  const [first, second] = await Promise.all([ask(page, 'typeText', 'slowly', { layout: 'en-GB', delayMs: 100 }), ask(page, 'typeText', 'mixed', { layout: 'en-GB' })]);
  assert.deepEqual([first, second], ['done', 'busy']);
  const crowd = () => page.evaluate(() => Promise.all(Array.from({ length: 200 }, () => document.querySelector('console-gate').screenshot().then(() => 'done', (error) => error.code))));
  for (let times = 0; times < 2; times += 1) assert.deepEqual([...new Set(await crowd())].sort(), ['busy', 'done'], 'as many as before');
  assert.equal(await ask(page, 'typeText', 'pass\u{1f511}word', { layout: 'de' }), 'untypable');
  for (const strange of [['', {}], ['x', { layout: 'klingon' }], ['x', { layout: '' }], ['x', { delayMs: -1 }], ['x', { delayMs: 'no' }], ['x'.repeat(10_001)]]) assert.equal(await ask(page, 'typeText', ...strange), 'bad_argument');
  await allCame(gateway);
  assert.equal(keys(gateway).length, 32);
  for (const strange of [[], ['Hyper'], 'Tab', [7], Array(9).fill('Tab')]) assert.equal(await ask(page, 'sendKeys', strange), 'bad_argument', String(strange));

  const picture = await page.evaluate(async () => {
    const blob = await document.querySelector('console-gate').screenshot();
    const bitmap = await createImageBitmap(blob);
    return [blob.type, bitmap.width, bitmap.height];
  });
  assert.deepEqual(picture, ['image/png', 640, 400]);

  const frame = await frameOf(page);
  const width = () => frame.locator('.screen canvas').evaluate((canvas) => canvas.getBoundingClientRect().width);
  const fitted = await width();
  assert.equal(await ask(page, 'setScale', 'off'), 'done');
  assert.equal(await width(), 640);
  await page.evaluate(() => document.querySelector('console-gate').setAttribute('scale', 'fit'));
  await frame.waitForFunction((wanted) => document.querySelector('.screen canvas').getBoundingClientRect().width === wanted, fitted);
  assert.equal(await ask(page, 'setScale', 'huge'), 'bad_argument');

  assert.equal(await ask(page, 'setTheme', 'dark'), 'done');
  assert.equal(await frame.evaluate(() => document.documentElement.dataset.theme), 'dark');
  assert.equal(await ask(page, 'setLocale', 'de-AT'), 'done');
  await frame.getByRole('button', { name: 'Trennen' }).waitFor();

  assert.equal(await ask(page, 'setViewOnly', true), 'done');
  assert.equal(await ask(page, 'sendKeys', ['Tab']), 'not_allowed');
  assert.equal(await ask(page, 'typeText', 'x'), 'not_allowed');
  assert.equal(await ask(page, 'setViewOnly', false), 'done');
  assert.equal(await ask(page, 'sendKeys', ['Tab']), 'done');

  assert.equal(await ask(page, 'disconnect'), 'done');
  await hears(page, 'disconnected');
  const [end] = await told(page, 'disconnected');
  assert.deepEqual([end.code, end.clean, end.retryable], ['disconnected', true, true]);
  assert.equal(await ask(page, 'screenshot'), 'not_connected');
  assert.deepEqual(await told(page, 'error'), []);

  assert.equal(await ask(page, 'connect', `${gateway.origin}/console#second.token.x`), 'done');
  await hears(page, 'connected', 2);
  assert.equal(await ask(page, 'connect', 'third.token.x'), 'done');
  await hears(page, 'connected', 3);
  await page.evaluate((src) => {
    document.querySelector('console-gate').src = src;
  }, `${gateway.origin}/console#fourth.token.x`);
  await hears(page, 'connected', 4);
  assert.deepEqual(gateway.calls.map((call) => call.token), [TOKEN, 'second.token.x', 'third.token.x', 'fourth.token.x']);
  assert.equal(await page.evaluate(() => history.length), 2, 'no entry in the history of the panel');
  assert.equal(await ask(page, 'connect', 'https://elsewhere.example/console#a.b.c'), 'invalid_token');
  assert.deepEqual(errors, []);
});

embedded('a cut, a size and an end are told', { body: element }, async ({ gateway, page }) => {
  await hears(page, 'connected');
  gateway.steps = [{ drop: true }, {}];
  gateway.sockets.at(-1).send(desktopSize(800, 600));
  await hears(page, 'resize');
  assert.deepEqual(await told(page, 'resize'), [{ type: 'resize', width: 800, height: 600 }]);
  gateway.sockets.at(-1).terminate();
  await hears(page, 'reconnecting');
  const [lost] = await told(page, 'reconnecting');
  assert.deepEqual([lost.code, lost.attempt], ['connection_lost', 1]);
  assert.ok(lost.delayMs >= 0 && lost.delayMs <= 1000, `${lost.delayMs}`);
  await hears(page, 'connected', 2);
  gateway.steps = [{ close: [4423, '{"code":"guest_stopped","ref":"r1"}'] }];
  gateway.sockets.at(-1).terminate();
  await hears(page, 'waiting');
  assert.equal((await told(page, 'waiting'))[0].code, 'guest_stopped');
  gateway.steps = [{ close: [4403, '{"code":"killed","ref":"r2"}'] }];
  await hears(page, 'error');
  const [end] = await told(page, 'disconnected');
  assert.deepEqual([end.code, end.close, end.ref, end.clean, end.retryable], ['killed', 4403, 'r2', false, false]);
  const [error] = await told(page, 'error');
  assert.deepEqual([error.code, error.message, error.ref], ['killed', 'Your provider closed this console', 'r2']);
  assert.deepEqual((await told(page, 'state')).map(({ power }) => power), ['running', 'running', 'stopped']);
  assert.deepEqual(await told(page, 'token-needed'), [], 'who was thrown out is not let in again by itself');
});
