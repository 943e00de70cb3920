// The clipboard, both ways, with and without the right to it, and where the browser forbids it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessible, allCame, browse, drawn, paged, TOKEN, until } from './scene.mjs';
import { cutText } from './rfb.mjs';
import { startGateway } from './gateway.mjs';
import { startSite } from './sites.mjs';

const GRANTED = { permissions: ['clipboard-read', 'clipboard-write'] };
const WITH = [{ console: { rights: ['input', 'clipboard'] } }];
const cuts = (gateway) => gateway.seen.filter(({ cut }) => cut !== undefined).map(({ cut }) => cut);
const local = (page) => page.evaluate(() => navigator.clipboard.readText());

paged('what the machine copies is on this device, and in the panel', GRANTED, async ({ gateway, page, open }) => {
  gateway.steps = WITH;
  await open();
  await drawn(page);
  gateway.sockets.at(-1).send(cutText('from the machine'));
  await page.waitForFunction(async () => (await navigator.clipboard.readText()) === 'from the machine');
  await page.getByRole('button', { name: 'Clipboard' }).click();
  const field = page.getByRole('dialog').getByLabel('Text');
  assert.equal(await field.inputValue(), 'from the machine');
  gateway.sockets.at(-1).send(cutText('and more'));
  await page.getByText('The machine copied text.').waitFor();
  assert.equal(await field.inputValue(), 'and more');
  await accessible(page);
  await allCame(gateway);
  assert.deepEqual(cuts(gateway), [], 'what came from the machine does not go back');
});

paged('this device\u2019s text goes to the machine: by the panel, by a paste, and when the screen is touched', GRANTED, async ({ gateway, page, open }) => {
  gateway.steps = WITH;
  await open();
  await drawn(page);
  await page.getByRole('button', { name: 'Clipboard' }).click();
  await page.evaluate(() => navigator.clipboard.writeText('one'));
  await page.getByRole('button', { name: 'Fetch from this device' }).click();
  await page.waitForFunction(() => document.querySelector('.panel:not([hidden]) textarea').value === 'one');
  await page.getByRole('button', { name: 'Send to the machine' }).click();
  await page.getByText('Sent to the machine.').waitFor();
  await until(() => cuts(gateway).length === 1);
  await page.evaluate(() => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', 'two');
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  });
  await until(() => cuts(gateway).length === 2);
  await page.evaluate(() => navigator.clipboard.writeText('three'));
  for (let times = 0; times < 2; times += 1) await page.locator('.screen canvas').click();
  await until(() => cuts(gateway).length === 3);
  await allCame(gateway);
  assert.deepEqual(cuts(gateway), ['one', 'two', 'three'], 'each once');
});

paged('the device\u2019s clipboard is read at a touch of the screen, never for the focus alone', GRANTED, async ({ gateway, page, open }) => {
  gateway.steps = WITH;
  await page.addInitScript(() => {
    const read = Clipboard.prototype.readText;
    globalThis.reads = 0;
    Clipboard.prototype.readText = function () {
      globalThis.reads += 1;
      return read.call(this);
    };
  });
  const reads = () => page.evaluate(() => globalThis.reads);
  const leave = (text) => page.evaluate((copied) => {
    window.dispatchEvent(new Event('blur'));
    return navigator.clipboard.writeText(copied).then(() => window.dispatchEvent(new Event('focus')));
  }, text);
  await open();
  await drawn(page);
  await leave('private');
  // Neither a focus nor events that a script makes nor the bar say that the person wants it in the machine.
  await page.evaluate(() => {
    document.querySelector('.screen canvas').focus();
    for (const event of [new KeyboardEvent('keydown', { key: 'a', bubbles: true }), new PointerEvent('pointerup', { bubbles: true })]) document.querySelector('.screen canvas').dispatchEvent(event);
  });
  await page.getByRole('button', { name: 'Help' }).click();
  await page.keyboard.press('Escape');
  assert.equal(await reads(), 0);
  await page.locator('.screen canvas').focus();
  await page.keyboard.press('a');
  await until(() => cuts(gateway).length === 1);
  await page.keyboard.press('b');
  await leave('more');
  await page.locator('.screen canvas').click();
  await until(() => cuts(gateway).length === 2);
  await allCame(gateway);
  assert.deepEqual([cuts(gateway), await reads()], [['private', 'more'], 2], 'once for each return');
});

paged('without the right nothing goes across, whatever either side does', GRANTED, async ({ gateway, page, open }) => {
  await open();
  await drawn(page);
  assert.equal(await page.getByRole('button', { name: 'Clipboard' }).count(), 0);
  await page.evaluate(() => navigator.clipboard.writeText('private'));
  gateway.sockets.at(-1).send(cutText('poison'));
  await allCame(gateway);
  await page.evaluate(() => window.dispatchEvent(new Event('focus')));
  await page.locator('.screen canvas').click();
  await page.keyboard.type('x');
  await allCame(gateway);
  assert.deepEqual(gateway.seen.filter(({ key }) => key).map(({ key }) => key), [0x78, 0x78]);
  assert.equal(await local(page), 'private');
  assert.deepEqual(cuts(gateway), []);
});

paged('a browser that wants a touch first gets the text at the touch', GRANTED, async ({ gateway, page, open }) => {
  gateway.steps = WITH;
  await page.addInitScript(() => {
    const write = Clipboard.prototype.writeText;
    globalThis.touched = false;
    Clipboard.prototype.writeText = function (text) {
      return globalThis.touched ? write.call(this, text) : Promise.reject(new DOMException('', 'NotAllowedError'));
    };
  });
  await open();
  await drawn(page);
  gateway.sockets.at(-1).send(cutText('later'));
  await page.getByRole('button', { name: 'Clipboard' }).click();
  await page.waitForFunction(() => document.querySelector('.panel:not([hidden]) textarea').value === 'later');
  await page.getByRole('button', { name: 'Copy to this device' }).click();
  await page.getByText(/The browser does not allow it here/).waitFor();
  await page.evaluate(() => (globalThis.touched = true));
  await page.keyboard.press('Escape');
  await page.waitForFunction(async () => (await navigator.clipboard.readText()) === 'later');
});

test('in a frame that may not, the panel\u2019s field still works', { timeout: 60_000 }, async (t) => {
  const gateway = await startGateway();
  t.after(() => gateway.stop());
  gateway.steps = WITH;
  const { page, complaints } = await browse(t);
  const frames = `<title>panel</title><iframe src="${gateway.origin}/console#${TOKEN}" width="1100" height="700"></iframe>`;
  const panel = await startSite(t, 'panel', { '/index.html': frames });
  await page.goto(panel.origin);
  const frame = page.frameLocator('iframe');
  await frame.locator('main.console[data-state="connected"]').waitFor();
  gateway.sockets.at(-1).send(cutText('framed'));
  await allCame(gateway);
  await frame.getByRole('button', { name: 'Clipboard' }).click();
  const field = frame.getByRole('dialog').getByLabel('Text');
  await frame.getByRole('button', { name: 'Fetch from this device' }).click();
  await frame.getByText(/The browser does not allow it here/).waitFor();
  assert.equal(await field.inputValue(), 'framed');
  await field.fill('typed here');
  await frame.getByRole('button', { name: 'Send to the machine' }).click();
  await until(() => cuts(gateway).length === 1);
  await allCame(gateway);
  assert.deepEqual(cuts(gateway), ['typed here']);
  assert.deepEqual(complaints, []);
});
