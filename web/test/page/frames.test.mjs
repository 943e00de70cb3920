// The page inside other sites and strict browsers, and the demo's panel around it.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { accessible, browse, keys, picture, TOKEN, until } from './scene.mjs';
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
  await frame.waitForSelector('main.console[data-state="connected"]', { timeout: 15_000 });
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
  gateway.sockets.at(-1).terminate();
  await frame.waitForSelector('main.console[data-state="reconnecting"]');
  await frame.waitForSelector('main.console[data-state="connected"]', { timeout: 15_000 });
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
    await page.goto(panel.origin);
    const open = page.getByRole('button', { name: 'Open console of web-01' });
    await open.waitFor();
    await picture(page, `panel-list-${colorScheme}-${name}`);
    assert.equal(await page.locator('.guest').count(), 4);
    await open.click();
    const frame = page.frameLocator('iframe');
    await frame.locator('main.console[data-state="connected"]').waitFor();
    const allow = await page.locator('iframe').getAttribute('allow');
    for (const feature of ['fullscreen', 'clipboard-read', 'clipboard-write', 'keyboard-lock']) assert.ok(allow.includes(feature));
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
    const events = await page.locator('.events strong').allTextContents();
    for (const event of ['ready', 'connected', 'focus']) assert.ok(events.includes(event), `${event} in ${events}`);
    assert.deepEqual(gateway.calls.map((call) => call.token), ['link.100.1', 'link.100.2']);
    await page.getByRole('button', { name: 'Close', exact: true }).click();
    assert.equal(await page.locator('iframe').count(), 0);
    if (name === 'desktop') {
      panel.refuse = true;
      await open.click();
      await page.getByText('No console link for web-01.').waitFor();
    }
    assert.deepEqual(complaints, []);
  });
}
