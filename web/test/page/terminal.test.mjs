// The terminal: what is typed, pasted and shown, in a browser with and without WebGL.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { accessible, browse, inState, paged, picture, TOKEN, until } from './scene.mjs';
import { DIST } from './gateway.mjs';

const TERM = { console: { kind: 'lxc', protocol: 'term', title: 'mail-01' } };

/** A test with a terminal that is connected and has the keyboard. */
function termed(name, step, body, options = {}) {
  paged(name, options, async (scene) => {
    const { gateway, page, open } = scene;
    gateway.steps = [{ ...TERM, ...step, console: { ...TERM.console, ...step.console } }];
    await open();
    await inState(page, 'connected');
    await body(scene);
    assert.deepEqual(gateway.term.wrong, []);
  });
}

const print = (gateway, text) => gateway.sockets.at(-1).send(Buffer.from(text));
const shows = (page, text) => page.waitForFunction((wanted) => document.querySelector('.xterm-rows')?.textContent.includes(wanted), text);

termed('what is typed arrives byte for byte', {}, async ({ gateway, page }) => {
  await page.waitForFunction(() => document.activeElement.matches('.xterm-helper-textarea'));
  await page.keyboard.insertText('é€😀');
  await page.keyboard.type('ls -l');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+c');
  await page.keyboard.press('F5');
  const expected = Buffer.from('é€😀ls -l\r\t\x03\x1b[15~');
  await until(() => gateway.term.typed.length >= expected.length);
  assert.deepEqual(gateway.term.typed, expected);
  await accessible(page);
});
