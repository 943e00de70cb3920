// One gateway, one page, and what is asked of every page. Everything opened here is closed with its test.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { launch, picture, watch } from './browser.mjs';
import { startGateway } from './gateway.mjs';

export { picture };
export const TOKEN = 'eyJh.eyJi.c2ln';
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** A page of its own context, and the complaints collected from it. */
export async function browse(t, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  t.after(() => context.close());
  await context.addInitScript(countQuestions);
  const page = await context.newPage();
  return { page, complaints: watch(page) };
}

function countQuestions() {
  const { fetch } = globalThis;
  globalThis.asking = 0;
  globalThis.fetch = (...asked) => {
    globalThis.asking += 1;
    return fetch(...asked).finally(() => (globalThis.asking -= 1));
  };
}

/** A test with a gateway and a page; at its end the page must not have broken its policy. */
export function paged(name, options, body) {
  test(name, { timeout: 90_000 }, async (t) => {
    const gateway = await startGateway();
    t.after(() => gateway.stop());
    const { page, complaints } = await browse(t, options);
    await body({ gateway, page, open: (query = '') => page.goto(`${gateway.origin}/console${query}#${TOKEN}`) });
    assert.deepEqual(complaints, []);
  });
}

/** Waits until the console page is in this state. */
export function inState(page, state, timeout = 30_000) {
  return page.waitForSelector(`main.console[data-state="${state}"]`, { timeout });
}

/** Waits until the picture is there. */
export async function drawn(page) {
  await inState(page, 'connected');
  await page.waitForFunction(() => {
    const canvas = document.querySelector('.screen canvas:not(.frozen)');
    return canvas.width > 0 && canvas.getContext('2d').getImageData(1, 1, 1, 1).data[2] > 0;
  });
}

export function pixel(page, x, y) {
  return page.evaluate(([px, py]) => {
    const canvas = document.querySelector('.screen canvas:not(.frozen)');
    return [...canvas.getContext('2d').getImageData(px, py, 1, 1).data.slice(0, 3)];
  }, [x, y]);
}

/** What the card over the screen says. */
export async function card(page) {
  const text = async (selector) => (await page.locator(`.card ${selector}`).textContent()) ?? '';
  return { title: await text('h2'), detail: await text('.detail'), progress: await text('.progress'), reference: await text('.reference') };
}

/** Asks axe-core; nothing at all is let pass. */
export async function accessible(page) {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(AXE);
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  assert.ok(passes.length > 5);
  assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), []);
}

/**
 * Waits until all that the page has sent to its machines so far has come: they ask, and are answered after it. The page has
 * then also read all that they had sent. To be asked before saying what came, and above all what did not.
 */
export async function allCame(gateway) {
  const screens = gateway.screens.filter(({ socket }) => socket.readyState === 1);
  assert.ok(screens.length > 0, 'nobody is connected who could say so');
  for (const screen of screens) screen.ask();
  // Who has gone meanwhile has nothing more to say.
  await until(() => screens.every(({ due, socket }) => due === 0 || socket.readyState === 3));
}

/** Waits until the page has an answer to all that it has asked for (`fetch`). */
export function allAnswered(page) {
  return page.waitForFunction(() => globalThis.asking === 0);
}

export const keys = (gateway) => gateway.seen.filter((seen) => seen.key !== undefined);

/**
 * Cuts the connection, and holds the page's next attempt back until the gateway is told to `release` it: how long the page
 * stays away is left to chance, and what it shows meanwhile may be gone before anybody has looked. `before`: what its earlier
 * attempts meet; `then`: what the held one gets.
 */
export async function cut(gateway, { before = [], then = {} } = {}) {
  gateway.steps = [...before, { ...then, hold: 'session' }, then];
  gateway.sockets.at(-1).terminate();
  await until(() => gateway.waiting.length === 1);
}

/** Stops the page's clock (`page.clock.install()`): from now on it goes only where a test lets it run. */
export async function stopClock(page) {
  const now = () => page.evaluate(() => Date.now());
  // A machine that has much else to do may get there too late; the clock stands all the same, and can be told again.
  const set = async () => page.clock.pauseAt((await now()) + 1000);
  await set().catch(set);
  await allAnswered(page);
}

/** Lets the stopped clock run until it is done, but not while the page waits for the network; how many milliseconds that took. */
export async function ranUntil(page, done, most = 30_000) {
  for (let ms = 0; ms <= most; ms += 100) {
    if (done()) return ms;
    await page.clock.runFor(100);
    await page.waitForFunction(() => globalThis.asking === 0 && document.querySelector('main').dataset.state !== 'connecting');
  }
  return assert.fail(`ran in vain: ${done}`);
}

/** Waits for something outside the page. */
export async function until(done, within = 30_000) {
  const end = Date.now() + within;
  while (!done()) {
    assert.ok(Date.now() < end, `waited in vain: ${done}`);
    await new Promise((next) => setTimeout(next, 5));
  }
}
