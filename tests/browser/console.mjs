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

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
  ],
});
const context = await browser.newContext({ viewport: { width: 1024, height: 720 }, locale: 'en-US', ignoreHTTPSErrors: true });
const page = await context.newPage();
page.setDefaultTimeout(PATIENCE_MS);
// No other way tells how a WebSocket ended.
await page.addInitScript(() => {
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
const received = await Received.of(await context.newCDPSession(page));
const problems = [];
page.on('pageerror', (error) => problems.push(String(error)));
page.on('console', (message) => {
  if (message.type() === 'error') problems.push(message.text());
});

/** In the page: what it shows. */
function look() {
  const overlay = document.querySelector('.overlay');
  return {
    state: document.querySelector('main')?.dataset.state ?? null,
    words: overlay && !overlay.hidden ? overlay.innerText : '',
    address: location.href,
    closes: globalThis.closes,
  };
}

/** The pixel of the screen as a place in the viewport. */
async function place({ x, y }) {
  const screen = page.locator(SCREEN);
  const box = await screen.boundingBox();
  const size = await screen.evaluate((canvas) => ({ width: canvas.width, height: canvas.height }));
  return [box.x + (x * box.width) / size.width, box.y + (y * box.height) / size.height];
}

const commands = {
  async open({ url }) {
    await page.goto(url);
  },
  state: () => page.evaluate(look),
  async waitState({ state }) {
    await page.waitForFunction((wanted) => document.querySelector('main')?.dataset.state === wanted, state, { polling: 'raf' });
    return page.evaluate(look);
  },
  async waitText({ text }) {
    await page.waitForFunction((wanted) => document.body.innerText.includes(wanted), text, { polling: 'raf' });
  },
  async waitPicture({ path, different = 0 }) {
    const wanted = readPpm(await readFile(path));
    return page.waitForFunction(samePicture, { ...wanted, different, screen: SCREEN }, { polling: 'raf' }).then((same) => same.jsonValue());
  },
  async type({ text }) {
    await page.locator(SCREEN).focus();
    // A real keyboard's controller keeps 16 bytes until the guest has taken them.
    for (const letter of text) await page.keyboard.press(pressed(letter), { delay: 10 });
  },
  async key({ key }) {
    await page.locator(SCREEN).focus();
    await page.keyboard.press(key);
  },
  async move(to) {
    await page.mouse.move(...(await place(to)), { steps: to.steps ?? 1 });
  },
  async click(to) {
    await page.mouse.click(...(await place(to)), { button: to.button ?? 'left' });
  },
  async press({ name }) {
    await page.getByRole('button', { name }).click();
  },
  async screenshot({ path }) {
    await page.screenshot({ path });
  },
  evaluate: ({ expression }) => page.evaluate(expression),
  offline: ({ offline }) => context.setOffline(offline),
  problems: () => problems,
  async received({ path }) {
    const { bytes, counts } = await received.all();
    await writeFile(path, bytes);
    return counts;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const { cmd, ...rest } = JSON.parse(line);
    if (!Object.hasOwn(commands, cmd)) throw new Error(`no command ${cmd}`);
    answer = { ok: (await commands[cmd](rest)) ?? null };
  } catch (error) {
    answer = { error: String(error), page: await page.evaluate(look).catch(String), problems };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
