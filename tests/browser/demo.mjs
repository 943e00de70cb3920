// The demo as a person uses it: the panel, a console in its frame, a guest that is off, and a page that may not frame it.
//
//   demo.mjs PANEL_URL ARTIFACTS

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';

const { chromium } = createRequire(new URL('../../web/package.json', import.meta.url))('playwright-core');
const [panel, artifacts] = process.argv.slice(2);
const patience = 30_000;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
  const problems = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (/Content Security Policy|Unrecognized feature|Blocked autofocusing/.test(message.text())) problems.push(message.text());
  });
  page.on('response', (response) => response.status() === 404 && problems.push(response.url()));

  await page.goto(panel);
  await open(page, 100);
  const running = await consoleIn(page, 'connected');
  assert.match(await running.locator('body').innerText(), /web-01/);
  await running.waitForFunction(() => {
    const canvas = document.querySelector('canvas');
    const pixels = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    return new Set(pixels).size > 20;
  });
  assert.equal(new URL(running.url()).hash, '', 'the token left the address');
  await page.screenshot({ path: path.join(artifacts, 'demo-running.png') });
  await running.getByRole('button', { name: 'Size' }).click();
  await running.getByRole('menuitemradio', { name: 'resolution' }).click();
  const first = await machineFollows(running);
  await page.setViewportSize({ width: 1000, height: 650 });
  const second = await machineFollows(running, first);
  assert.notDeepEqual(second, first);
  await page.screenshot({ path: path.join(artifacts, 'demo-resized.png') });
  await page.setViewportSize({ width: 1200, height: 800 });

  await open(page, 101);
  const off = await consoleIn(page, 'waiting');
  assert.match(await off.locator('body').innerText(), /The machine is powered off/);
  await page.screenshot({ path: path.join(artifacts, 'demo-off.png') });
  // A terminal takes what is typed: the shell ends when it is told to.
  await open(page, '103');
  const shell = await consoleIn(page, 'connected');
  await page.screenshot({ path: path.join(artifacts, 'demo-terminal.png') });
  await shell.locator('.xterm-helper-textarea').focus();
  await page.keyboard.type('exit\n');
  await consoleIn(page, 'ended');

  await open(page, '100-watch');
  await consoleIn(page, 'connected');
  assert.deepEqual(problems, []);

  // P01: the same panel under another name is another origin, which no issuer lists.
  const stranger = new URL(panel);
  stranger.hostname = 'localhost';
  await page.goto(stranger.href);
  const refused = page.waitForEvent('console', { predicate: (message) => message.text().includes('frame-ancestors'), timeout: patience });
  await open(page, 100);
  await refused;
} finally {
  await browser.close();
}

// The card is marked once its console stands in the place of the one before.
async function open(page, id) {
  const button = `button[data-vmid="${id}"]`;
  await page.click(button, { timeout: patience });
  await page.waitForSelector(`[aria-current="true"] ${button}`, { timeout: patience });
}

// The console's frame, once its page is in this state.
async function consoleIn(page, state) {
  const frame = await (await page.waitForSelector('iframe', { timeout: patience })).contentFrame();
  await frame.waitForFunction((wanted) => document.querySelector('main')?.dataset.state === wanted, state, { timeout: patience });
  return frame;
}

// The machine's resolution once it is that of its place and not what it was, drawn to its last corner.
function machineFollows(frame, before = [640, 400]) {
  const follows = (was) => {
    const [canvas, screen] = [document.querySelector('canvas:not(.frozen)'), document.querySelector('.screen')];
    const size = [canvas.width, canvas.height];
    if (String(size) === String(was) || canvas.width !== screen.clientWidth || canvas.height !== screen.clientHeight) return false;
    const [red, green, blue] = canvas.getContext('2d').getImageData(canvas.width - 1, canvas.height - 1, 1, 1).data;
    return red + green + blue > 0 && size;
  };
  return frame.waitForFunction(follows, before, { timeout: patience }).then((size) => size.jsonValue());
}
