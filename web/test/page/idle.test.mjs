// Said in time: nobody is active, or the session is nearly over.

import assert from 'node:assert/strict';
import { accessible, allCame, drawn, inState, keys, paged, picture, until } from './scene.mjs';

const SHIFT = 0xffe1;
const MINUTE = 60_000;

const idle = (page) => page.getByRole('alertdialog', { name: 'Are you still there?' });
const ends = (page) => page.getByRole('group', { name: /^This session ends in/ });
const stays = (gateway) => keys(gateway).filter(({ key, down }) => key === SHIFT && !down).length;

/** The page with a clock of the test's; `idle_seconds` and the like in the answer. */
async function begin({ gateway, page, open }, limits, more = {}) {
  gateway.steps = [{ with: limits, ...more }];
  await page.clock.install();
  await open();
  await drawn(page);
  await page.mouse.move(640, 500);
}

paged('a minute before an idle end somebody is asked, and the button keeps the console', {}, async (t) => {
  const { gateway, page } = t;
  await begin(t, { idle_seconds: 900 });
  await page.clock.fastForward(13 * MINUTE);
  assert.equal(await idle(page).isVisible(), false);
  await page.clock.fastForward(MINUTE);
  await idle(page).waitFor();
  assert.match(await idle(page).textContent(), /closes in (1 minute|\d\d seconds),/);
  const heard = await page.getByRole('status').textContent();
  assert.match(heard, /^Are you still there\? The console closes in/);
  await page.clock.fastForward(20_000);
  await page.waitForFunction(() => /closes in (3\d|40) seconds/.test(document.querySelector('[role=alertdialog]').textContent));
  assert.equal(await page.getByRole('status').textContent(), heard, 'the countdown is not read aloud');
  assert.ok(await page.evaluate(() => document.activeElement.matches('.screen canvas')), 'the keyboard is left where it is');
  await accessible(page);
  await picture(page, 'idle-1280');
  await allCame(gateway);
  assert.equal(stays(gateway), 0);
  await page.getByRole('button', { name: 'Stay connected' }).dispatchEvent('click');
  await idle(page).waitFor({ state: 'hidden' });
  await allCame(gateway);
  assert.equal(stays(gateway), 1);
  assert.equal(await page.getByRole('status').textContent(), 'You stay connected.');
  await page.clock.fastForward(13 * MINUTE);
  assert.equal(await idle(page).isVisible(), false);
  await page.clock.fastForward(MINUTE);
  await idle(page).waitFor();
});

for (const [name, act] of [
  ['a key', (page) => page.keyboard.press('a')],
  ['the pointer', (page, turn) => page.mouse.move(300 + turn, 300)],
  ['the wheel', (page) => page.mouse.wheel(0, 10)],
  ['a pointer over the bar', (page, turn) => page.mouse.move(300 + turn, 5)],
]) {
  paged(`${name} says that somebody is there`, {}, async (t) => {
    const { gateway, page } = t;
    await begin(t, { idle_seconds: 900 });
    await page.clock.fastForward(10 * MINUTE);
    await act(page, 1);
    await page.clock.fastForward(10 * MINUTE);
    assert.equal(await idle(page).isVisible(), false, 'it put the end off');
    await page.clock.fastForward(4.1 * MINUTE);
    await idle(page).waitFor();
    await act(page, 2);
    await idle(page).waitFor({ state: 'hidden' });
    await until(() => stays(gateway) > 0);
  });
}

paged('of a short limit it is said at half', {}, async (t) => {
  const { page } = t;
  await begin(t, { idle_seconds: 40 });
  await page.clock.fastForward(15_000);
  assert.equal(await idle(page).isVisible(), false);
  await page.clock.fastForward(6000);
  await idle(page).waitFor();
});

paged('who only watches is noticed too', {}, async (t) => {
  const { gateway, page } = t;
  await begin(t, { idle_seconds: 900 }, { console: { rights: [] } });
  await until(() => stays(gateway) === 1);
  await page.mouse.move(200, 300);
  await page.mouse.move(210, 310);
  await page.clock.fastForward(MINUTE);
  await allCame(gateway);
  assert.equal(stays(gateway), 1, 'not with every move');
  await page.mouse.move(220, 320);
  await until(() => stays(gateway) === 2);
  await page.clock.fastForward(14.1 * MINUTE);
  await idle(page).waitFor();
  await page.getByRole('button', { name: 'Stay connected' }).dispatchEvent('click');
  await allCame(gateway);
  assert.equal(stays(gateway), 3);
  assert.deepEqual(keys(gateway).filter(({ down }) => down), [], 'no key goes down');
});

paged('without an idle limit nobody is asked', {}, async (t) => {
  const { page } = t;
  await begin(t, { idle_seconds: 0, session_seconds: 28_800 });
  await page.clock.fastForward(300 * MINUTE);
  assert.equal(await page.locator('.note:visible').count(), 0);
});

paged('the end of the session is said at 10, 5 and 1 minutes, and can be put away', {}, async (t) => {
  const { gateway, page } = t;
  await begin(t, { session_seconds: 3600 });
  await page.clock.fastForward(49 * MINUTE);
  assert.equal(await ends(page).isVisible(), false);
  await page.clock.fastForward(MINUTE + 2000);
  await ends(page).waitFor();
  assert.match(await page.getByRole('status').textContent(), /^This session ends in 10 minutes\. .*open a new console from your panel\.$/);
  await accessible(page);
  await picture(page, 'ends-1280');
  await page.clock.fastForward(2 * MINUTE);
  await page.getByRole('heading', { name: 'This session ends in 8 minutes' }).waitFor();
  await page.getByRole('button', { name: 'Dismiss' }).click();
  assert.equal(await ends(page).isVisible(), false);
  assert.ok(await page.evaluate(() => document.activeElement.matches('.screen canvas')), 'the keyboard goes back to the screen');
  await page.clock.fastForward(2 * MINUTE);
  assert.equal(await ends(page).isVisible(), false);
  await page.clock.fastForward(1.1 * MINUTE);
  await ends(page).waitFor();
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await page.clock.fastForward(4 * MINUTE);
  await page.getByRole('heading', { name: /This session ends in (1 minute|\d\d seconds)/ }).waitFor();
  gateway.sockets.at(-1).close(4410, '{"code":"session_over","ref":"r"}');
  await inState(page, 'ended');
  assert.equal(await ends(page).isVisible(), false);
});
