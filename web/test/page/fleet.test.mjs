// A console outlives its gateway: another one behind the same address takes it up, and all that is seen is a word.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBalancer } from './fleet.mjs';
import { startGateway } from './gateway.mjs';
import { browse, drawn, picture, ranUntil, stopClock, TOKEN } from './scene.mjs';

/** From the loss of the connection to the picture, as the page has it. */
const BACK_MS = 2000;
/** Of that, what the page waits on purpose: the longest it may stay away before the attempt that reaches the next gateway. */
const AWAY_MS = 1500;
/** A machine that has much else to do may be slow now and then; one that is slow every time would be the page's own doing. */
const ROUNDS = 7;

/** The longest pauses that chance can give; when the connection went; when its successor's picture came; what stood over it. */
const WATCHED = `
  Math.random = () => 0.999;
  globalThis.shown = new Set();
  globalThis.WebSocket = new Proxy(WebSocket, {
    construct(target, args) {
      const socket = new target(...args);
      socket.addEventListener('close', () => (globalThis.wentAt ??= performance.now()));
      return socket;
    },
  });
  const look = () => {
    const canvas = document.querySelector('.screen canvas:not(.frozen)');
    if (!globalThis.wentAt) return requestAnimationFrame(look);
    for (const part of document.querySelector('.overlay').children) if (part.checkVisibility()) shown.add(part.className);
    const connected = document.querySelector('main').dataset.state === 'connected';
    globalThis.left ||= !connected;
    if (globalThis.left && connected && canvas?.width > 0 && canvas.getContext('2d').getImageData(1, 1, 1, 1).data[2] > 0) globalThis.backAt = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);`;

const ENDS = {
  'drains (1012)': async ({ one, balancer, two }) => {
    balancer.target = two;
    // What the browser still has open leads to the one that goes.
    one.draining = true;
    one.sockets.at(-1).close(1012, '{"code":"restarting","ref":"r1"}');
  },
  'is killed (1006)': async ({ one, balancer, two }) => {
    balancer.target = two;
    await one.stop();
  },
};

/** A console whose gateway goes; how long it had no picture, and what was seen in its place. */
async function leaves(t, end) {
  const [one, two] = [await startGateway(), await startGateway()];
  for (const gateway of [one, two]) t.after(() => gateway.stop());
  const balancer = await startBalancer(t, one);
  const { page, complaints } = await browse(t);
  await page.addInitScript(WATCHED);
  await page.goto(`${balancer.origin}/console#${TOKEN}`);
  await drawn(page);
  await end({ one, two, balancer });
  await page.waitForFunction(() => globalThis.backAt);
  const away = await page.evaluate(() => ({ ms: Math.round(globalThis.backAt - globalThis.wentAt), shown: [...globalThis.shown] }));
  assert.deepEqual(two.calls.map(({ token }) => token), ['resume-1'], 'by the way back alone, once');
  assert.ok(await page.evaluate(() => document.activeElement.matches('.screen canvas')), 'and one types on');
  assert.deepEqual(complaints, []);
  await page.context().close();
  return away;
}

for (const [what, end] of Object.entries(ENDS)) {
  test(`a gateway of several ${what}: the next one has the picture within two seconds, with no click and no card`, { timeout: 60_000 }, async (t) => {
    const rounds = [];
    while (rounds.length < ROUNDS && !(rounds.at(-1)?.ms <= BACK_MS)) rounds.push(await leaves(t, end));
    const { ms, shown } = rounds.at(-1);
    assert.ok(ms <= BACK_MS, `${rounds.map((round) => round.ms).join(', ')} ms`);
    assert.deepEqual(shown, ['word'], 'a word, no card');
  });
}

test('a gateway that was away for a moment is found again within two seconds', { timeout: 60_000 }, async (t) => {
  const gateway = await startGateway();
  t.after(() => gateway.stop());
  const balancer = await startBalancer(t, gateway);
  const { page } = await browse(t, { colorScheme: 'dark' });
  await page.addInitScript('Math.random = () => 0.999');
  await page.clock.install();
  await page.goto(`${balancer.origin}/console#${TOKEN}`);
  await drawn(page);
  await stopClock(page);
  balancer.target = undefined;
  gateway.sockets.at(-1).terminate();
  await page.locator('.word').waitFor();
  await picture(page, 'reconnecting-word-dark-1280');
  assert.equal(await page.locator('.word').textContent(), 'Reconnecting');
  assert.equal(await page.getByRole('status').textContent(), 'Reconnecting');
  const first = await ranUntil(page, () => balancer.refused > 0);
  balancer.target = gateway;
  const second = await ranUntil(page, () => gateway.calls.length === 2);
  assert.ok(first + second <= AWAY_MS + 200, `asked after ${first} and ${second} ms`);
  await page.clock.resume();
  await drawn(page);
});
