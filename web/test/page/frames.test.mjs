// The page inside other sites and strict browsers, and the demo's panel around it.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { accessible, browse, cut, keys, picture, TOKEN, until } from './scene.mjs';
import { startGateway } from './gateway.mjs';
import { startPanel } from './panel.mjs';
import { launchWith, watch } from './browser.mjs';

test('without JavaScript it says so', { timeout: 30_000 }, async (t) => {
  const gateway = await startGateway();
  t.after(() => gateway.stop());
  const page = await launchWith(t, { javascript: 2 });
  await page.goto(`${gateway.origin}/console#${TOKEN}`);
  await page.locator('noscript p').waitFor({ state: 'visible', timeout: 10_000 });
  assert.equal(await page.locator('#unsupported').isVisible(), false);
  assert.equal(gateway.calls.length, 0);
});

test('it works in a frame of another site, with cookies and storage forbidden', { timeout: 60_000 }, async (t) => {
  const gateway = await startGateway('127.0.0.1');
  t.after(() => gateway.stop());
  const frames = `<title>panel</title><iframe src="${gateway.origin}/console#${TOKEN}" width="800" height="600" allow="fullscreen"></iframe>`;
  const panel = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(frames));
  await new Promise((ready) => panel.listen(0, 'localhost', ready));
  t.after(() => panel.close());
  const page = await launchWith(t, { cookies: 2 });
  const complaints = watch(page);
  await page.goto(`http://localhost:${panel.address().port}/`);
  const frame = page.frames().find((candidate) => candidate !== page.mainFrame());
  await frame.waitForSelector('main.console[data-state="connected"]', { timeout: 30_000 });
  const refused = await frame.evaluate(() => {
    try {
      localStorage.setItem('x', '1');
      return 'storage works';
    } catch (error) {
      return error.name;
    }
  });
  assert.equal(refused, 'SecurityError', 'the test is worth nothing where storage is allowed');
  assert.equal(frame.url(), `${gateway.origin}/console`);
  await cut(gateway);
  await frame.waitForSelector('main.console[data-state="connecting"]');
  gateway.release();
  await frame.waitForSelector('main.console[data-state="connected"]', { timeout: 30_000 });
  assert.deepEqual(gateway.calls.map((call) => call.token), [TOKEN, 'resume-1']);
  assert.deepEqual(complaints, []);
});

for (const [name, width, height, colorScheme] of [['desktop', 1440, 900, 'light'], ['desktop', 1440, 900, 'dark'], ['phone', 360, 720, 'light']]) {
  test(`the demo's panel opens a console in a frame: ${name}, ${colorScheme}`, { timeout: 60_000 }, async (t) => {
    const gateway = await startGateway('127.0.0.1');
    t.after(() => gateway.stop());
    gateway.steps = [{ console: { title: 'web-01' } }];
    const panel = await startPanel(gateway.origin);
    t.after(() => panel.stop());
    gateway.origins = [panel.origin];
    const { page, complaints } = await browse(t, { viewport: { width, height }, colorScheme });
    const warnings = [];
    page.on('console', (message) => /Unrecognized feature|Blocked autofocusing/.test(message.text()) && warnings.push(message.text()));
    const missing = [];
    page.on('response', (response) => response.status() === 404 && missing.push(response.url()));
    await page.goto(panel.origin);
    const open = page.getByRole('button', { name: 'Open console of web-01' });
    await open.waitFor();
    await picture(page, `panel-list-${colorScheme}-${name}`);
    assert.equal(await page.locator('.guest').count(), 4);
    await open.click();
    const frame = page.frameLocator('iframe');
    await frame.locator('main.console[data-state="connected"]').waitFor();
    const allow = await page.locator('iframe').getAttribute('allow');
    for (const feature of ['fullscreen', 'clipboard-read', 'clipboard-write']) assert.ok(allow.includes(feature));
    const known = await page.evaluate(() => document.featurePolicy.features().includes('keyboard-lock'));
    assert.equal(allow.includes('keyboard-lock'), known, 'what the browser does not know it would complain of');
    assert.deepEqual(warnings, []);
    await page.keyboard.type('x');
    await until(() => keys(gateway).some(({ key }) => key === 0x78));
    await accessible(page);
    await picture(page, `panel-open-${colorScheme}-${name}`);
    await page.getByRole('button', { name: 'New link' }).click();
    await until(() => gateway.calls.length === 2);
    await frame.locator('main.console[data-state="connected"]').waitFor();
    await page.getByRole('button', { name: 'Ctrl+Alt+Del' }).first().click();
    await until(() => keys(gateway).some(({ key }) => key === 0xffff));
    assert.equal(await page.locator('.log').isVisible(), name === 'desktop');
    for (const event of ['ready', 'connected', 'focus']) await page.locator('.events strong', { hasText: new RegExp(`^${event}$`) }).first().waitFor({ state: 'attached' });
    assert.deepEqual(gateway.calls.map((call) => call.token), ['link.100.1', 'link.100.2']);
    await page.getByRole('button', { name: 'Close', exact: true }).click();
    assert.equal(await page.locator('iframe').count(), 0);
    if (name === 'desktop') {
      panel.refuse = true;
      await open.click();
      await page.getByText('No console link for web-01.').waitFor();
      assert.ok((await page.locator('.notice').boundingBox()).y < (await page.locator('.guest').first().boundingBox()).y, 'in sight, above the list');
    }
    assert.deepEqual(missing, []);
    assert.deepEqual(complaints, []);
  });
}

async function demo(t, options) {
  const gateway = await startGateway('127.0.0.1');
  t.after(() => gateway.stop());
  const panel = await startPanel(gateway.origin);
  t.after(() => panel.stop());
  gateway.origins = [panel.origin];
  const { page, complaints } = await browse(t, options);
  await page.goto(panel.origin);
  return { gateway, panel, page, complaints };
}

test('the demo\u2019s list follows what the console tells of its machine, and says what goes wrong beside the buttons', { timeout: 60_000 }, async (t) => {
  const { gateway, page, complaints } = await demo(t, { viewport: { width: 1440, height: 900 } });
  const rights = ['input', 'power'];
  gateway.steps = [{ close: [4423, '{"code":"guest_stopped"}'], console: { rights }, with: { control: 'c' } }, { console: { rights }, with: { control: 'c' } }];
  gateway.guest = 'stopped';
  const open = page.getByRole('button', { name: 'Open console of web-01' });
  await open.waitFor();
  // The list is fetched anew now and then, and what the console told of its machine goes with it.
  await page.evaluate(() => {
    globalThis.states = [];
    const look = () => states.push(document.querySelector('.guest .state').textContent);
    new MutationObserver(look).observe(document.querySelector('.guests'), { childList: true });
  });
  const became = (...states) => page.waitForFunction((wanted) => wanted.reduce((at, state) => (at < 0 ? at : globalThis.states.indexOf(state, at)), 0) >= 0, states);
  await open.click();
  await became('stopped');
  const frame = page.frameLocator('iframe');
  await frame.locator('.card').getByRole('button', { name: 'Start' }).click();
  gateway.guest = 'running';
  await frame.locator('main.console[data-state="connected"]').waitFor();
  await became('stopped', 'starting', 'running');
  // With a new token it is tried again, and other words take the place of these.
  gateway.steps = [{ problem: { status: 401, code: 'token_expired', title: 't', detail: 'd' } }, { hold: 'session' }];
  await page.getByRole('button', { name: 'New link' }).click();
  const notice = page.locator('.controls .notice', { hasText: 'This console link has expired' });
  await notice.waitFor();
  assert.ok((await notice.boundingBox()).y < 200, 'in sight');
  await picture(page, 'panel-notice-light-desktop');
  assert.deepEqual(complaints, []);
});

test('the demo offers Ctrl+Alt+Del only where it is of use', { timeout: 60_000 }, async (t) => {
  const { gateway, page } = await demo(t, { viewport: { width: 1440, height: 900 } });
  gateway.steps = [{ console: { protocol: 'term', kind: 'lxc' } }];
  await page.getByRole('button', { name: 'Open console of mail-01' }).click();
  await page.frameLocator('iframe').locator('main.console[data-state="connected"]').waitFor();
  assert.equal(await page.locator('.controls').getByRole('button', { name: 'Ctrl+Alt+Del' }).count(), 0);
  assert.equal(await page.locator('.controls').getByRole('button', { name: 'Full screen' }).count(), 1);
});

for (const [name, width, height, share] of [['a phone on its side', 844, 390, 0.7], ['a small window', 900, 600, 0.55]]) {
  test(`the demo leaves the console its room: ${name}`, { timeout: 60_000 }, async (t) => {
    const { page } = await demo(t, { viewport: { width, height } });
    await page.getByRole('button', { name: 'Open console of web-01' }).click();
    await page.frameLocator('iframe').locator('main.console[data-state="connected"]').waitFor();
    const frame = await page.locator('iframe').boundingBox();
    assert.ok(frame.height > height * share && frame.y + frame.height <= height, `${frame.height} of ${height}`);
    const strong = page.locator('.controls strong');
    assert.ok(await strong.evaluate((title) => title.scrollWidth <= title.clientWidth), 'the name is not cut');
    await picture(page, `panel-open-${width}x${height}`);
    await page.getByRole('button', { name: 'Close', exact: true }).click();
    assert.ok(await page.getByRole('button', { name: 'Open console of web-01' }).isVisible(), 'and back to the list');
  });
}
