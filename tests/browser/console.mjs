// Drives the console page in headless Chromium, for tests written in Rust: one JSON command a line on stdin, one JSON
// answer a line on stdout ({"ok":...} or {"error":"..."}), in order. The end of stdin ends the browser.
//
// Waits for what happens in the page; never sleeps. Chromium is CHROMIUM or /usr/bin/chromium.

import { createRequire } from 'node:module';
import { readFile, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { readPpm, samePicture } from './picture.mjs';
import { pressed } from './keys.mjs';
import { Received } from './received.mjs';

const { chromium } = createRequire(new URL('../../web/package.json', import.meta.url))('playwright-core');

const PATIENCE_MS = 60_000;
const SCREEN = 'canvas:not(.frozen)';
const TERMINAL = '.xterm-helper-textarea';

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
  ],
});
const context = await browser.newContext({ viewport: { width: 1024, height: 720 }, locale: 'en-US', ignoreHTTPSErrors: true });
context.setDefaultTimeout(PATIENCE_MS);
// A terminal drawn as elements can be read.
await context.addInitScript(() => {
  const original = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
    return kind === 'webgl2' ? null : original.call(this, kind, ...rest);
  };
});
await context.addInitScript(() => {
  globalThis.rows = () => [...document.querySelectorAll('.xterm-rows > div')].map((row) => row.textContent.replaceAll('\xa0', ' ').trimEnd()).filter(Boolean);
  // No other way tells how a WebSocket ended.
  globalThis.closes = [];
  // Not a subclass: noVNC wants to see WebSocket's own prototype.
  globalThis.WebSocket = new Proxy(WebSocket, {
    construct(target, args) {
      const socket = new target(...args);
      socket.addEventListener('close', ({ code, reason }) => globalThis.closes.push({ code, reason }));
      return socket;
    },
  });
});
const problems = [];
context.on('page', (opened) => {
  opened.on('pageerror', (error) => problems.push(String(error)));
  opened.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
});
const first = await context.newPage();
const received = await Received.of(await context.newCDPSession(first));
/** Tabs by name; commands say which one they mean, or mean the first. */
const tabs = new Map([['first', first]]);

/** In the page: what it shows. */
function look() {
  const overlay = document.querySelector('.overlay');
  return {
    state: document.querySelector('main')?.dataset.state ?? null,
    words: overlay && !overlay.hidden ? overlay.innerText : '',
    address: location.href,
    closes: globalThis.closes,
    rows: rows(),
  };
}

/** The pixel of the screen as a place in the viewport. */
async function place(page, { x, y }) {
  const screen = page.locator(SCREEN);
  const box = await screen.boundingBox();
  const size = await screen.evaluate((canvas) => ({ width: canvas.width, height: canvas.height }));
  return [box.x + (x * box.width) / size.width, box.y + (y * box.height) / size.height];
}

/** As a keyboard types it that has the letter; what no keyboard has comes from an input method. */
async function press(page, letter) {
  if (letter.length > 1) return page.keyboard.insertText(letter);
  if (letter <= '~') return page.keyboard.press(letter === '\n' ? 'Enter' : letter);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Input.dispatchKeyEvent', { type: 'keyDown', key: letter, text: letter });
  await cdp.send('Input.dispatchKeyEvent', { type: 'keyUp', key: letter });
  return cdp.detach();
}

const commands = {
  async open(page, { url }) {
    await page.goto(url);
  },
  state: (page) => page.evaluate(look),
  async waitState(page, { state }) {
    await page.waitForFunction((wanted) => document.querySelector('main')?.dataset.state === wanted, state, { polling: 'raf' });
    return page.evaluate(look);
  },
  async waitText(page, { text }) {
    await page.waitForFunction((wanted) => document.body.innerText.includes(wanted), text, { polling: 'raf' });
  },
  async waitPicture(page, { path, different = 0 }) {
    const wanted = readPpm(await readFile(path));
    return page.waitForFunction(samePicture, { ...wanted, different, screen: SCREEN }, { polling: 'raf' }).then((same) => same.jsonValue());
  },
  async waitTerminal(page, { text }) {
    await page.waitForFunction((wanted) => rows().some((row) => row.includes(wanted)), text, { polling: 'raf' });
  },
  async type(page, { text }) {
    await page.locator(SCREEN).focus();
    // A real keyboard's controller keeps 16 bytes until the guest has taken them.
    for (const letter of text) await page.keyboard.press(pressed(letter), { delay: 10 });
  },
  async typeTerminal(page, { text }) {
    await page.locator(TERMINAL).focus();
    for (const letter of text) await press(page, letter);
  },
  /** What the browser tells a page of a paste. */
  async paste(page, { text, times = 1 }) {
    await page.locator(TERMINAL).evaluate((field, pasted) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData('text/plain', pasted);
      field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    }, text.repeat(times));
  },
  async key(page, { key }) {
    await page.locator(SCREEN).focus();
    await page.keyboard.press(key);
  },
  async move(page, to) {
    await page.mouse.move(...(await place(page, to)), { steps: to.steps ?? 1 });
  },
  async click(page, to) {
    await page.mouse.click(...(await place(page, to)), { button: to.button ?? 'left' });
  },
  async press(page, { name }) {
    await page.getByRole('button', { name }).click();
  },
  async screenshot(page, { path }) {
    await page.screenshot({ path });
  },
  evaluate: (page, { expression }) => page.evaluate(expression),
  offline: (_page, { offline }) => context.setOffline(offline),
  problems: () => problems,
  async received(_page, { path }) {
    const { bytes, counts } = await received.all();
    await writeFile(path, bytes);
    return counts;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  let page = first;
  try {
    const { cmd, tab = 'first', ...rest } = JSON.parse(line);
    if (!Object.hasOwn(commands, cmd)) throw new Error(`no command ${cmd}`);
    if (!tabs.has(tab)) tabs.set(tab, await context.newPage());
    page = tabs.get(tab);
    answer = { ok: (await commands[cmd](page, rest)) ?? null };
  } catch (error) {
    answer = { error: String(error), page: await page.evaluate(look).catch(String), problems };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
