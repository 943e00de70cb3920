// A console outlives its gateway: another one behind the same address takes it up, and all that is seen is a word.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBalancer } from './fleet.mjs';
import { startGateway } from './gateway.mjs';
import { browse, drawn, inState, picture, TOKEN, until } from './scene.mjs';

/** From the moment another gateway has the address, to the attempt that reaches it, and to the picture. */
const ASKED_MS = 1700;
const BACK_MS = 2000;
/** What a busy machine may take longer to draw the picture in a browser. */
const SLOW_MS = 2000;

/** Everything that was shown over the screen, and when the picture came back. */
const watchTheCard = (page) =>
  page.evaluate(() => {
    globalThis.shown = new Set();
    const look = () => {
      const { overlay, state } = { overlay: document.querySelector('.overlay'), state: document.querySelector('main').dataset.state };
      for (const part of overlay.children) if (part.checkVisibility()) shown.add(part.className);
      if (state !== 'connected') globalThis.left = true;
      else if (globalThis.left) globalThis.back ??= Date.now();
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
  });

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

for (const [what, end] of Object.entries(ENDS)) {
  test(`a gateway of several ${what}: the next one has the picture within two seconds, with no click and no card`, { timeout: 60_000 }, async (t) => {
    const [one, two] = [await startGateway(), await startGateway()];
    for (const gateway of [one, two]) t.after(() => gateway.stop());
    const balancer = await startBalancer(t, one);
    const { page, complaints } = await browse(t);
    await page.goto(`${balancer.origin}/console#${TOKEN}`);
    await drawn(page);
    await watchTheCard(page);
    const began = Date.now();
    await end({ one, two, balancer });
    await page.waitForFunction(() => globalThis.back);
    const took = (await page.evaluate(() => globalThis.back)) - began;
    assert.ok(two.calls[0].at - began <= ASKED_MS, `asked after ${two.calls[0].at - began} ms`);
    assert.ok(took <= BACK_MS + SLOW_MS, `${took} ms`);
    await drawn(page);
    assert.deepEqual(two.calls.map(({ token }) => token), ['resume-1'], 'by the way back alone, once');
    assert.deepEqual(await page.evaluate(() => [...globalThis.shown]), ['word'], 'a word, no card');
    assert.ok(await page.evaluate(() => document.activeElement.matches('.screen canvas')), 'and one types on');
    assert.deepEqual(complaints, []);
  });
}

test('a gateway that was away for a moment is found again within two seconds', { timeout: 60_000 }, async (t) => {
  const gateway = await startGateway();
  t.after(() => gateway.stop());
  const balancer = await startBalancer(t, gateway);
  const { page } = await browse(t, { colorScheme: 'dark' });
  await page.goto(`${balancer.origin}/console#${TOKEN}`);
  await drawn(page);
  balancer.target = undefined;
  gateway.sockets.at(-1).terminate();
  await page.locator('.word').waitFor();
  await picture(page, 'reconnecting-word-dark-1280');
  assert.equal(await page.locator('.word').textContent(), 'Reconnecting');
  assert.equal(await page.getByRole('status').textContent(), 'Reconnecting');
  await until(() => balancer.refused > 0);
  const began = Date.now();
  balancer.target = gateway;
  await inState(page, 'connected');
  assert.ok(gateway.calls.at(-1).at - began <= ASKED_MS, `asked after ${gateway.calls.at(-1).at - began} ms`);
  assert.ok(Date.now() - began <= BACK_MS + SLOW_MS, `${Date.now() - began} ms`);
});
