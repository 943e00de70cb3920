// Waiting for a machine that is off, locked, moving or lost, by asking the gateway how it is.

import assert from 'node:assert/strict';
import { allAnswered, card, drawn, inState, paged, ranUntil, stopClock, until } from './scene.mjs';

const OFF = { close: [4423, '{"code":"guest_stopped","ref":"7f3a"}'], with: { control: 'control.1' } };

const titled = (page, title) => page.getByRole('heading', { level: 2, name: title }).waitFor({ timeout: 20_000 });

paged('the machine is asked after until it runs, and its state is told in words', {}, async ({ gateway, page, open }) => {
  gateway.steps = [OFF, {}];
  gateway.guest = 'stopped';
  await page.clock.install();
  await open();
  await inState(page, 'waiting');
  await stopClock(page);
  assert.equal((await card(page)).title, 'The machine is powered off');
  gateway.guest = 'locked';
  const asked = () => {
    const count = gateway.asked.length;
    return ranUntil(page, () => gateway.asked.length > count);
  };
  await asked();
  await titled(page, 'The machine is busy with a task');
  assert.match(await page.getByRole('status').textContent(), /^The machine is busy with a task\. A backup/);
  gateway.guest = 'migrating';
  const gaps = [await asked()];
  await titled(page, 'The machine is moving to another host');
  gateway.guest = 'unreachable';
  gaps.push(await asked());
  await titled(page, /host cannot be reached/);
  assert.equal((await card(page)).reference, 'Reference 7f3a');
  assert.equal(gateway.calls.length, 1, 'nothing is attempted while it is known to be of no use');
  gateway.guest = 'running';
  gaps.push(await asked());
  await page.clock.resume();
  await drawn(page);
  assert.equal(gateway.calls.length, 2);
  assert.equal(gateway.calls[1].token, 'resume-1');
  for (const { path, token, cookie } of gateway.asked) {
    assert.deepEqual([path, token, cookie], ['/v1/sessions/s-1', 'Bearer control.1', undefined]);
  }
  for (const gap of gaps) assert.ok(gap > 1900 && gap < 15_500, `asked after ${gap} ms`);
  const questions = gateway.asked.length;
  await page.clock.fastForward(60_000);
  await allAnswered(page);
  assert.equal(gateway.asked.length, questions, 'nobody asks while connected');
});

paged('the way back is renewed in time', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ ...OFF, with: { control: 'control.1', resume_seconds: 8 } }];
  gateway.guest = 'stopped';
  await page.clock.install();
  await open();
  await inState(page, 'waiting');
  await stopClock(page);
  const gaps = [];
  for (const count of [2, 3, 4]) {
    gaps.push(await ranUntil(page, () => gateway.calls.length === count));
    await until(() => gateway.sockets.length === count);
    await inState(page, 'waiting');
  }
  assert.deepEqual(gateway.calls.slice(1).map(({ token }) => token), ['resume-1', 'resume-2', 'resume-3']);
  for (const gap of gaps.slice(1)) assert.ok(gap > 1900 && gap < 6000, `renewed after ${gap} ms`);
});

paged('a session that can never come back says so', {}, async ({ gateway, page, open }) => {
  gateway.steps = [OFF];
  gateway.guest = 401;
  await page.clock.install();
  await open();
  await inState(page, 'waiting');
  await page.clock.fastForward(5000);
  await inState(page, 'ended');
  assert.equal((await card(page)).title, 'This console needs a new link');
  assert.equal((await card(page)).reference, 'Reference 7f3a');
  assert.equal(await page.locator('.card button:visible').count(), 0);
  assert.equal(gateway.calls.length, 1);
});

paged('a hidden page asks nothing, and asks at once when it is seen again', {}, async ({ gateway, page, open }) => {
  gateway.steps = [OFF, {}];
  gateway.guest = 'stopped';
  await page.clock.install();
  await open();
  await inState(page, 'waiting');
  await until(() => gateway.asked.length > 0);
  await page.getByText(/^Checking again in/).waitFor();
  await hide(page, true);
  const before = gateway.asked.length;
  await page.clock.fastForward(20_000);
  await allAnswered(page);
  assert.equal(gateway.asked.length, before);
  gateway.guest = 'running';
  await hide(page, false);
  await drawn(page);
  assert.equal(gateway.asked.length, before + 1);
});

paged('the button asks at once', {}, async ({ gateway, page, open }) => {
  gateway.steps = [OFF, {}];
  gateway.guest = 'stopped';
  await page.clock.install();
  await open();
  await inState(page, 'waiting');
  for (const count of [1, 2, 3]) {
    await page.clock.fastForward(8000);
    await until(() => gateway.asked.length === count);
    await page.getByText(/^Checking again in/).waitFor();
  }
  await stopClock(page);
  gateway.guest = 'running';
  const count = gateway.asked.length;
  await page.getByRole('button', { name: 'Check now' }).click();
  const asked = await ranUntil(page, () => gateway.asked.length > count);
  assert.ok(asked < 2500, `asked after ${asked} ms`);
  await page.clock.resume();
  await drawn(page);
});

/** As when the person goes to another tab; no tab of a test is ever hidden by itself. */
function hide(page, hidden) {
  return page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
}
