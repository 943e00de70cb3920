// Who has the keyboard: the panel's fields keep it, a click in the frame takes it, a click outside gives it back.

import assert from 'node:assert/strict';
import { ask, connected, element, embedded, frameOf, hears, told } from './panels.mjs';
import { allCame, drawn, keys, until } from './scene.mjs';

const inConsole = (frame) => frame.evaluate(() => document.hasFocus() && document.activeElement.matches('.screen canvas'));
const typed = (gateway) => keys(gateway).filter(({ down }) => down).map(({ key }) => String.fromCharCode(key)).join('');

embedded('a console that connects takes no keyboard from a field of the panel', { body: (gateway) => element(gateway, 'autofocus') }, async ({ gateway, page }) => {
  const field = page.locator('#field');
  await connected(page);
  for (const [count, disturb] of [[1, () => page.reload()], [2, () => gateway.sockets.at(-1).terminate()], [3, () => ask(page, 'connect', 'next.token.x')]]) {
    if (count === 1) {
      await page.route('**/embed.js', async (route) => {
        await field.focus();
        await route.continue();
      });
    }
    await disturb();
    await hears(page, 'connected', count);
    await drawn(await frameOf(page));
    await page.keyboard.type(`${count}`);
  }
  assert.equal(await field.inputValue(), '123');
  await allCame(gateway);
  assert.equal(typed(gateway), '');
  assert.deepEqual(await told(page, 'focus'), []);
});

embedded('autofocus gives the keyboard to a console that connects, where nobody types', { body: (gateway) => element(gateway, 'autofocus') }, async ({ gateway, page }) => {
  await hears(page, 'focus');
  await page.keyboard.type('a');
  await until(() => typed(gateway) === 'a');
  gateway.sockets.at(-1).terminate();
  await hears(page, 'connected', 2);
  await page.waitForFunction(() => globalThis.told.at(-1).type === 'focus');
  await page.keyboard.type('b');
  await until(() => typed(gateway) === 'ab');
});

embedded('without autofocus the panel keeps the keyboard until somebody clicks anywhere in the frame', { body: element }, async ({ gateway, page }) => {
  await hears(page, 'connected');
  const frame = await frameOf(page);
  assert.equal(await inConsole(frame), false);
  for (const [place, char] of [['.screen canvas', 'a'], ['h1', 'b'], ['.screen', 'c']]) {
    await page.locator('#field').click();
    await frame.waitForFunction(() => !document.hasFocus());
    await page.keyboard.type(char);
    await frame.locator(place).click({ position: { x: 3, y: 3 } });
    await frame.waitForFunction(() => document.hasFocus() && document.activeElement.matches('.screen canvas'));
    await page.keyboard.type(char);
  }
  await until(() => typed(gateway) === 'abc');
  assert.equal(await page.locator('#field').inputValue(), 'abc');
});

embedded('focus and blur are told once each, also for a click beside any field', { body: element, script: `
  globalThis.names = [];
  for (const type of ['focus', 'blur']) document.querySelector('console-gate').addEventListener(type, (event) => names.push([type, event instanceof CustomEvent]));
` }, async ({ page }) => {
  await hears(page, 'connected');
  const frame = await frameOf(page);
  await frame.locator('.screen canvas').click();
  await hears(page, 'focus');
  await page.mouse.click(700, 780);
  await hears(page, 'blur');
  assert.equal(await ask(page, 'focus'), 'done');
  await hears(page, 'focus', 2);
  await page.locator('#field').focus();
  await hears(page, 'blur', 2);
  assert.deepEqual(await page.evaluate(() => globalThis.names), [['focus', true], ['blur', true], ['focus', true], ['blur', true]]);
});

embedded('full screen follows a click of the panel', { body: (gateway) => `<button id="full">Full</button>${element(gateway)}`, script: `
  const gate = document.querySelector('console-gate');
  gate.addEventListener('connected', () => gate.fullscreen().catch(({ code }) => console.error('nobody clicked: ' + code)));
  document.querySelector('#full').addEventListener('click', () => gate.fullscreen().then(() => { document.title = 'full'; }, ({ code }) => { document.title = code; }));
` }, async ({ page, errors }) => {
  await until(() => errors.includes('nobody clicked: refused'));
  const frame = await frameOf(page);
  await page.locator('#full').click();
  await page.waitForFunction(() => document.title !== 'panel');
  assert.equal(await page.title(), 'full');
  assert.ok(await frame.evaluate(() => document.fullscreenElement !== null), 'the page itself: its bar hides');
  assert.equal(await ask(page, 'fullscreen', false), 'done');
  await frame.waitForFunction(() => document.fullscreenElement === null);
});

embedded('the keyboard of a phone comes up for the panel too, without any bar', { body: (gateway) => element(gateway, 'toolbar="off"'), options: { viewport: { width: 412, height: 915 }, hasTouch: true, isMobile: true } }, async ({ gateway, page }) => {
  await hears(page, 'connected');
  const frame = await frameOf(page);
  assert.equal(await frame.getByRole('toolbar').isVisible(), false);
  assert.equal(await ask(page, 'requestKeyboard'), 'done');
  await frame.waitForFunction(() => document.hasFocus() && document.activeElement.matches('.touch-keys'));
  await page.keyboard.type('a');
  await until(() => typed(gateway) === 'a');
  assert.equal(await ask(page, 'setViewOnly', true), 'done');
  assert.equal(await ask(page, 'requestKeyboard'), 'not_allowed');
});
