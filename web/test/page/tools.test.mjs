// Pictures, sizes, power, latency, help, and the tools of a terminal.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { accessible, allAnswered, allCame, drawn, inState, paged, picture, ranUntil, stopClock, until } from './scene.mjs';
import { HEIGHT, passedOn, WIDTH } from './rfb.mjs';

const CONTROL = { control: 'ctl.1' };

paged('a screenshot is a PNG of the machine\u2019s screen, named after machine and time', { timezoneId: 'Europe/Berlin' }, async ({ gateway, page, open }) => {
  gateway.steps = [{ console: { title: '../web 01: "ü"', rights: [] } }];
  await open();
  await drawn(page);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Screenshot' }).click()]);
  assert.match(download.suggestedFilename(), /^web-01-ü_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d\.png$/);
  const file = await readFile(await download.path());
  assert.equal(file.toString('latin1', 1, 4), 'PNG');
  assert.deepEqual([file.readUInt32BE(16), file.readUInt32BE(20)], [WIDTH, HEIGHT]);
});

paged('the sizes are one choice, and the machine\u2019s own only with the right to it', {}, async ({ gateway, page, open }) => {
  await open('?scale=remote');
  await drawn(page);
  const button = page.getByRole('button', { name: 'Size' });
  const chosen = () => page.locator('[role=menuitemradio][aria-checked=true]').allTextContents();
  await button.click();
  assert.deepEqual(await chosen(), ['Fit to the window']);
  assert.equal(await page.getByRole('menuitemradio').count(), 2);
  await page.getByRole('menuitemradio', { name: 'Actual size' }).click();
  assert.equal((await page.locator('.screen canvas').boundingBox()).width, WIDTH);
  await button.click();
  assert.deepEqual(await chosen(), ['Actual size']);
  await page.keyboard.press('Escape');
  gateway.steps = [{ console: { rights: ['input', 'resize'] } }];
  await page.evaluate(() => (location.hash = 'second.token.x'));
  await until(() => gateway.calls.length === 2);
  await drawn(page);
  await button.click();
  await page.getByRole('menuitemradio', { name: /resolution/ }).click();
  await button.click();
  assert.deepEqual(await chosen(), ['Change the machine\u2019s resolution']);
});

const RESIZING = { console: { rights: ['input', 'resize'] } };
const sizes = (gateway) => gateway.seen.filter(({ size }) => size).map(({ size }) => size.join('x'));
const place = (page) => page.locator('.screen').evaluate((screen) => `${screen.clientWidth}x${screen.clientHeight}`);
const follows = (page) =>
  page.waitForFunction(() => {
    const [canvas, screen] = [document.querySelector('.screen canvas:not(.frozen)'), document.querySelector('.screen')];
    return canvas.width === screen.clientWidth && canvas.height === screen.clientHeight;
  });

paged('the machine\u2019s resolution follows the window, at first, later and not longer than it is wanted', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ ...RESIZING, sizes: 'at once' }];
  await open('?scale=remote');
  await drawn(page);
  await follows(page);
  await page.setViewportSize({ width: 900, height: 600 });
  await follows(page);
  await allCame(gateway);
  assert.equal(sizes(gateway).at(-1), await place(page));
  await page.getByRole('button', { name: 'Size' }).click();
  await page.getByRole('menuitemradio', { name: 'Fit to the window' }).click();
  await allCame(gateway);
  const asked = sizes(gateway).length;
  await page.setViewportSize({ width: 1000, height: 700 });
  await page.waitForFunction(() => document.querySelector('.screen canvas').getBoundingClientRect().width > 900);
  await page.getByRole('button', { name: 'Size' }).click();
  await page.getByRole('menuitemradio', { name: /resolution/ }).click();
  await follows(page);
  await allCame(gateway);
  assert.equal(sizes(gateway).length, asked + 1);
});

paged('the last size of a window is not lost where the answer to the one before takes its time', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ ...RESIZING, sizes: 'held' }];
  await open('?scale=remote');
  await drawn(page);
  await until(() => sizes(gateway).length === 1);
  await page.setViewportSize({ width: 800, height: 500 });
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  await allCame(gateway);
  assert.equal(sizes(gateway).length, 1, 'one at a time');
  gateway.sockets.at(-1).send(passedOn(...gateway.seen.find(({ size }) => size).size));
  await until(() => sizes(gateway).length > 1);
  await allCame(gateway);
  assert.deepEqual(sizes(gateway).slice(1), [await place(page)]);
});

paged('power is asked for with the control token, and asked about before', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ console: { rights: ['input', 'power'] }, with: CONTROL }];
  await page.clock.install();
  await open();
  await drawn(page);
  const choose = async (name) => {
    await page.getByRole('button', { name: 'Power' }).click();
    await page.getByRole('menuitem', { name }).click();
  };
  const dead = async () => {
    await page.getByRole('button', { name: 'Power' }).click();
    const names = await page.locator('[role=menu]:visible [aria-disabled=true]').allTextContents();
    await page.keyboard.press('Escape');
    return names;
  };
  assert.deepEqual(await dead(), ['Start'], 'it runs already');
  await choose('Stop');
  const question = page.getByRole('dialog', { name: 'Stop web-01?' });
  await question.waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Cancel');
  await accessible(page);
  await picture(page, 'power-confirm-1280');
  await page.keyboard.press('Escape');
  await question.waitFor({ state: 'hidden' });
  await choose('Reset');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await choose('Shut down');
  await page.getByRole('dialog').getByRole('button', { name: 'Shut down' }).click();
  await until(() => gateway.powered.length === 1);
  const asked = { path: '/v1/sessions/s-1/power', token: 'Bearer ctl.1', method: 'POST' };
  assert.deepEqual(gateway.powered, [{ ...asked, action: 'shutdown' }]);
  await page.locator('.toast', { hasText: 'The machine was asked to shut down.' }).waitFor();
  gateway.guest = 'stopped';
  gateway.steps = [{ console: { rights: ['input', 'power'] }, with: CONTROL }];
  gateway.sockets.at(-1).close(4423, '{"code":"guest_stopped"}');
  await inState(page, 'waiting');
  assert.equal(await page.locator('.toast').isVisible(), false, 'it is done, and the card says so');
  assert.deepEqual(await dead(), ['Shut down', 'Reset', 'Stop'], 'it is off');
  await choose('Start');
  await page.locator('.toast', { hasText: 'The machine is being started.' }).waitFor();
  assert.deepEqual(gateway.powered.at(-1), { ...asked, action: 'start' });
  gateway.power = { status: 502, code: 'host_refused', title: 't', detail: 'd', ref: 'r-7' };
  await choose('Start');
  const unsure = 'It is not known whether the order reached the machine: look at it before you try again.';
  await page.locator('.toast', { hasText: `The machine\u2019s host refused the console. ${unsure} Reference r-7` }).waitFor();
  assert.match(await page.getByRole('status').first().textContent(), /refused/);
  gateway.power = { status: 429, code: 'power_pace', title: 't', detail: 'd' };
  await choose('Start');
  await page.locator('.toast', { hasText: /switched a moment ago\. Wait two seconds, then try again\.$/ }).waitFor();
  await stopClock(page);
  gateway.guest = 'running';
  await page.getByRole('button', { name: 'Check now' }).click();
  await ranUntil(page, () => gateway.sockets.length === 2);
  await inState(page, 'connected');
  assert.ok(await page.locator('.toast').isVisible(), 'a fault is still news');
});

paged('a container has no reset, and a host no switch at all', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ console: { kind: 'lxc', rights: ['input', 'power'] }, with: CONTROL }];
  await open();
  await drawn(page);
  await page.getByRole('button', { name: 'Power' }).click();
  assert.deepEqual(await page.locator('[role=menu]:visible .item').allTextContents(), ['Start', 'Shut down', 'Stop']);
  gateway.steps = [{ console: { kind: 'node', rights: ['input', 'power'] }, with: CONTROL }];
  await page.evaluate(() => (location.hash = 'second.token.x'));
  await until(() => gateway.calls.length === 2);
  await drawn(page);
  assert.equal(await page.getByRole('button', { name: 'Power' }).count(), 0);
});

paged('once it is over there is nothing to be sized or filled', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ problem: { status: 401, code: 'token_expired', title: 't', detail: 'd' } }];
  await open();
  await inState(page, 'ended');
  for (const name of ['Size', 'Full screen', 'Screenshot']) assert.equal(await page.getByRole('button', { name }).getAttribute('aria-disabled'), 'true', name);
  await page.getByRole('button', { name: 'Size' }).click({ force: true });
  assert.equal(await page.locator('[role=menu]:visible').count(), 0);
});

paged('a question about one machine is never answered for another', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ console: { rights: ['input', 'power'] }, with: CONTROL }, { console: { rights: ['input', 'power'], title: 'db-01' }, with: { control: 'ctl.2' } }];
  await open();
  await drawn(page);
  await page.getByRole('button', { name: 'Power' }).click();
  await page.getByRole('menuitem', { name: 'Reset' }).click();
  const question = page.getByRole('dialog', { name: 'Reset web-01?' });
  await question.waitFor();
  const pressed = await page.evaluate(async () => {
    const yes = document.querySelector('dialog .danger');
    location.hash = 'second.token.x';
    await new Promise((next) => addEventListener('hashchange', next, { once: true }));
    yes.click();
    return document.querySelectorAll('dialog').length;
  });
  assert.equal(pressed, 0, 'the question went with its session');
  await page.getByRole('heading', { name: 'db-01' }).waitFor();
  await drawn(page);
  await page.getByRole('button', { name: 'Power' }).click();
  await page.getByRole('menuitem', { name: 'Reset' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Reset' }).click();
  await until(() => gateway.powered.length > 0);
  assert.deepEqual(gateway.powered.map(({ path, action }) => [path, action]), [['/v1/sessions/s-2/power', 'reset']]);
});

paged('power without a control token is left to the panel, and without the right it is not there', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ console: { rights: ['input', 'power'] } }];
  await open();
  await drawn(page);
  await page.getByRole('button', { name: 'Power' }).click();
  await page.getByRole('menuitem', { name: 'Stop' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Stop' }).click();
  await page.locator('.toast', { hasText: 'This console cannot do that. Use your panel.' }).waitFor();
  await allAnswered(page);
  assert.deepEqual(gateway.powered, []);
  gateway.steps = [{}];
  await page.evaluate(() => (location.hash = 'second.token.x'));
  await until(() => gateway.calls.length === 2);
  await drawn(page);
  assert.equal(await page.getByRole('button', { name: 'Power' }).count(), 0);
});

paged('a machine that is off can be started from where one waits for it, and is looked at at once', {}, async ({ gateway, page, open }) => {
  gateway.guest = 'stopped';
  gateway.steps = [{ close: [4423, '{"code":"guest_stopped"}'], console: { rights: ['input', 'power'] }, with: CONTROL }, {}];
  // The longest wait before it is asked after by itself: 5 s.
  await page.addInitScript(() => (Math.random = () => 0.999));
  await page.clock.install();
  await open();
  await inState(page, 'waiting');
  await stopClock(page);
  const start = page.locator('.card').getByRole('button', { name: 'Start' });
  assert.equal(await page.locator('.card .detail').textContent(), 'Start it here. The console then connects by itself.');
  assert.deepEqual(await page.locator('.card .button.main:visible').allTextContents(), ['Start'], 'the one main button');
  await start.click();
  await page.locator('.toast', { hasText: 'The machine is being started.' }).waitFor();
  assert.deepEqual(gateway.powered.map(({ action }) => action), ['start']);
  const asked = await ranUntil(page, () => gateway.asked.length > 0);
  assert.ok(asked < 2500, `asked after ${asked} ms`);
  await page.clock.resume();
  await accessible(page);
  await picture(page, 'waiting-start-1280');
  await page.getByRole('button', { name: 'Power' }).click();
  await page.getByRole('menuitem', { name: 'Start' }).click();
  await until(() => gateway.powered.length === 2);
});

paged('the latency is measured while connected and seen, and not without a control token', {}, async ({ gateway, page, open }) => {
  const asked = () => gateway.requests.filter(({ url }) => url === '/healthz').length;
  await page.clock.install();
  await open();
  await drawn(page);
  assert.equal(await page.locator('.latency').isVisible(), false);
  await allAnswered(page);
  assert.equal(asked(), 0);
  gateway.steps = [{ with: CONTROL }];
  await page.evaluate(() => (location.hash = 'second.token.x'));
  await page.getByText(/^Latency to the console service: \d+ ms$/).waitFor();
  assert.equal(asked(), 1);
  await accessible(page);
  await page.clock.fastForward(15_000);
  await until(() => asked() === 2);
  gateway.sockets.at(-1).close(1000);
  await inState(page, 'ended');
  assert.equal(await page.locator('.latency').isVisible(), false);
});

paged('a terminal has its own tools', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ console: { protocol: 'term', rights: ['input'] }, greeting: 'login: ' }];
  await open();
  await inState(page, 'connected');
  const row = await page.locator('[role=toolbar] button:visible').allTextContents();
  assert.deepEqual(row, ['Keys', 'Paste', 'Terminal', 'Screenshot', 'Full screen', 'Help', 'Disconnect']);
  await page.getByRole('button', { name: 'Terminal' }).click();
  await accessible(page);
  await picture(page, 'terminal-menu-1280');
  await page.getByRole('menuitemcheckbox', { name: 'Screen reader mode' }).click();
  assert.ok(await page.locator('.xterm-accessibility').count());
  await page.getByRole('menuitem', { name: 'Larger letters' }).click();
  await page.locator('.toast', { hasText: /^Letters of \d+ pixels$/ }).waitFor();
  await page.getByRole('button', { name: 'Terminal' }).click();
  await page.getByRole('menuitem', { name: 'Search' }).click();
  await page.waitForFunction(() => document.activeElement.matches('.terminal-box input'));
  await page.getByRole('button', { name: 'Keys' }).click();
  assert.equal(await page.getByRole('menuitem', { name: /Alt\+F2/ }).count(), 0);
  await accessible(page);
  await picture(page, 'terminal-keys-1280');
  await page.getByRole('menuitem', { name: 'Arrow up' }).click();
  // The terminal answers the question once it has read what came before.
  gateway.sockets.at(-1).send(Buffer.from('\x1b[?1h\x1b[5n'));
  await until(() => gateway.term.typed.includes('\x1b[A\x1b[0n'));
  await page.getByRole('menuitem', { name: 'Arrow up' }).click();
  await page.getByRole('menuitem', { name: 'Ctrl+C' }).click();
  await until(() => gateway.term.typed.includes('\x1b[A\x1b[0n\x1bOA\x03'));
  await page.getByRole('button', { name: 'Paste', exact: true }).click();
  await page.getByRole('dialog').getByLabel('Text').fill('uname -a');
  await accessible(page);
  await page.getByRole('dialog').getByRole('button', { name: 'Paste' }).click();
  await page.getByText('Sent to the machine.').waitFor();
  await until(() => gateway.term.typed.includes('uname -a'));
});
