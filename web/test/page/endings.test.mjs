// Every way in which a console is refused, ends, waits and comes back; what is hostile on the way.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from './gateway.mjs';
import { accessible, browse, card, cut, drawn, inState, paged, picture, ranUntil, stopClock, TOKEN } from './scene.mjs';

/** Close code, what the gateway says, the title, and the state the page goes to. */
const ENDINGS = [
  [1000, 'closed', 'The console was closed', 'ended'],
  [1001, 'going_away', 'The console service is stopping', 'ended'],
  [1000, 'no_terminal', 'This machine has no text console', 'over'],
  [1002, 'protocol_error', 'misunderstood each other', 'over'],
  [1003, 'unsupported_data', 'misunderstood each other', 'over'],
  [1007, 'invalid_text', 'misunderstood each other', 'over'],
  [1008, 'policy', 'not allowed', 'over'],
  [1009, 'message_too_big', 'too large', 'over'],
  [1011, 'internal', 'Something went wrong on our side', 'over'],
  [1012, 'restarting', 'being updated', 'reconnecting'],
  [1013, 'overloaded', 'busy', 'reconnecting'],
  [4401, 'token_rejected', 'This console link was not accepted', 'over'],
  [4401, 'token_before_start', 'made before the console service restarted', 'over'],
  [4403, 'killed', 'Your provider closed this console', 'over'],
  [4404, 'guest_not_found', 'The machine was not found', 'over'],
  [4408, 'idle', 'because it was idle', 'over'],
  [4409, 'taken_over', 'opened elsewhere', 'over'],
  [4410, 'session_over', 'longest session time', 'over'],
  [4423, 'guest_locked', 'busy with a task', 'waiting'],
  [4429, 'limit_guest', 'Too many consoles of this machine', 'ended'],
  [4502, 'host_refused', 'refused the console', 'reconnecting'],
  [4503, 'host_unreachable', 'cannot be reached', 'reconnecting'],
  [4504, 'host_too_slow', 'too slow to answer', 'reconnecting'],
  [4508, 'too_slow', 'too slow for too long', 'reconnecting'],
];

test('every close code says its words and does what the design says', { timeout: 120_000 }, async (t) => {
  const gateway = await startGateway();
  t.after(() => gateway.stop());
  const { page, complaints } = await browse(t);
  for (const [close, code, title, state] of ENDINGS) {
    gateway.steps = [{ close: [close, JSON.stringify({ code, ref: `ref-${close}` })] }];
    await page.goto('about:blank');
    await page.goto(`${gateway.origin}/console#${TOKEN}`);
    await inState(page, state === 'over' ? 'ended' : state);
    const shown = await card(page);
    assert.ok(shown.title.includes(title), `${close}: ${shown.title}`);
    assert.equal(shown.reference, `Reference ref-${close}`);
    assert.ok(shown.detail.length > 10, String(close));
    const again = await page.getByRole('button', { name: 'Reconnect' }).isVisible();
    assert.equal(again, state === 'ended', `${close}: a way back`);
    assert.match(await page.getByRole('status').textContent(), new RegExp(title), String(close));
  }
  assert.deepEqual(complaints, []);
});

paged('a cut is mended with the resume token, over the last picture', { colorScheme: 'dark' }, async ({ gateway, page, open }) => {
  await open();
  await drawn(page);
  const busy = { status: 503, code: 'overloaded', title: 't', detail: 'd', retryable: true };
  gateway.steps = [{ drop: true }, { drop: true }, { problem: busy, headers: { 'retry-after': '300' } }, {}];
  gateway.sockets.at(-1).terminate();
  await page.getByText('The console service is busy').first().waitFor();
  await inState(page, 'reconnecting');
  assert.equal((await card(page)).reference, 'Reference s-1');
  assert.match((await card(page)).progress, /^Attempt \d · Next attempt in \d+ s$/);
  assert.ok(await page.locator('canvas.frozen').isVisible());
  await accessible(page);
  await picture(page, 'reconnecting-dark-1280');
  await page.getByRole('button', { name: 'Connect now' }).click();
  await drawn(page);
  assert.equal(await page.locator('canvas.frozen').count(), 0);
  assert.deepEqual(gateway.calls.map((call) => call.token), [TOKEN, 'resume-1', 'resume-1', 'resume-1', 'resume-1']);
  await cut(gateway);
  assert.ok(await page.locator('canvas.frozen').isVisible());
  gateway.release();
  await drawn(page);
  assert.equal(gateway.calls.at(-1).token, 'resume-2');
});

paged('a machine that is off is waited for', { colorScheme: 'light' }, async ({ gateway, page, open }) => {
  const off = { close: [4423, '{"code":"guest_stopped","ref":"7f3a"}'] };
  gateway.steps = [off];
  await page.clock.install();
  await open();
  await inState(page, 'waiting');
  assert.equal((await card(page)).title, 'The machine is powered off');
  assert.match((await card(page)).progress, /^Checking again in \d+ s$/);
  await accessible(page);
  await picture(page, 'waiting-light-1280');
  await stopClock(page);
  const checked = () => {
    const count = gateway.calls.length;
    return ranUntil(page, () => gateway.calls.length > count);
  };
  await checked();
  await inState(page, 'waiting');
  gateway.steps = [{}];
  const gap = await checked();
  assert.ok(gap > 1900 && gap < 8000, `checked after ${gap} ms`);
  await page.clock.resume();
  await drawn(page);
  assert.deepEqual(gateway.calls.map((call) => call.token), [TOKEN, ...gateway.calls.slice(1).map((_, n) => `resume-${n + 1}`)]);
});

paged('waiting can be cancelled, and taken up again', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ close: [4423, '{"code":"guest_stopped"}'] }];
  await open();
  await inState(page, 'waiting');
  await page.getByRole('button', { name: 'Disconnect' }).click({ force: true });
  await inState(page, 'waiting');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await inState(page, 'ended');
  assert.equal((await card(page)).title, 'Not connected');
  gateway.steps = [{}];
  await page.getByRole('button', { name: 'Reconnect' }).click();
  await drawn(page);
});

paged('a refusal of the token is said and ends it', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ problem: { status: 401, code: 'token_expired', title: 'x', detail: 'y', retryable: false, ref: 'a1b2c3' } }];
  await open();
  await inState(page, 'ended');
  assert.equal((await card(page)).title, 'This console link has expired');
  assert.equal((await card(page)).reference, 'Reference a1b2c3');
  assert.equal(await page.locator('.card button:visible').count(), 0);
  assert.equal(gateway.calls.length, 1);
  await accessible(page);
  await picture(page, 'expired-light-1280');
});

paged('what cannot be a token is refused by the page itself: asking would count against the visitor', {}, async ({ gateway, page, open }) => {
  const refused = async () => {
    await inState(page, 'ended');
    assert.equal((await card(page)).title, 'This console link was not accepted');
    assert.equal(await page.locator('.card button:visible').count(), 0);
  };
  for (const garbage of ['garbage', 'a.b', 'a.b.', 'a.b.c%0d']) {
    await page.goto('about:blank');
    await page.goto(`${gateway.origin}/console#${garbage}`);
    await refused();
  }
  assert.ok(page.url().endsWith('/console'), page.url());
  await page.goto('about:blank');
  await open();
  await drawn(page);
  await page.evaluate(() => location.assign('#garbage'));
  await refused();
  assert.deepEqual(gateway.calls.map((call) => call.token), [TOKEN]);
});

paged('an overloaded gateway is asked again with the same token', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ problem: { status: 503, code: 'overloaded', title: 't', detail: 'd', retryable: true } }, { drop: true }, {}];
  await open();
  await drawn(page);
  assert.deepEqual(gateway.calls.map((call) => call.token), [TOKEN, TOKEN, TOKEN]);
});

paged('p06_names_and_words_from_outside_are_text', {}, async ({ gateway, page, open }) => {
  const nasty = '<img src=x onerror=alert(1)><script>1</script>';
  gateway.steps = [{ console: { title: nasty }, desktop: nasty }];
  await open();
  await drawn(page);
  assert.equal(await page.locator('h1').textContent(), nasty);
  gateway.steps = [{ problem: { status: 418, code: 'new_code', title: nasty, detail: nasty, ref: nasty } }];
  gateway.sockets.at(-1).terminate();
  await inState(page, 'ended');
  const shown = await card(page);
  assert.deepEqual([shown.title, shown.detail, shown.reference], [nasty, nasty, `Reference ${nasty}`]);
  assert.equal(await page.locator('body img, body script').count(), 0);
});

paged('p04_settings_of_other_clients_in_the_address_have_no_effect', {}, async ({ gateway, page, open }) => {
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('websocket', (socket) => asked.push(socket.url()));
  await open('?host=evil.example&port=1&path=wss://evil.example/x&password=p&encrypt=1&token=t&autoconnect=0');
  await drawn(page);
  assert.ok(asked.length > 4);
  const host = new URL(gateway.origin).host;
  for (const url of asked) assert.equal(new URL(url).host, host, url);
});

paged('p10_a_held_reconnect_key_makes_no_storm', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ close: [4429, '{"code":"limit_subject","ref":"r"}'] }];
  await page.clock.install();
  await open();
  await inState(page, 'ended');
  await page.getByRole('button', { name: 'Reconnect' }).focus();
  await stopClock(page);
  for (let ms = 0; ms < 6000; ms += 50) {
    await page.keyboard.down('Enter');
    await page.clock.runFor(50);
  }
  await page.keyboard.up('Enter');
  assert.ok(gateway.calls.length <= 4, `${gateway.calls.length} attempts in six seconds`);
  assert.ok(gateway.calls.length >= 2);
});

paged('a way back that a restarted gateway cannot open asks for a new link, and does not blame the old one', {}, async ({ gateway, page, open }) => {
  await open();
  await drawn(page);
  gateway.steps = [{ problem: { status: 401, code: 'token_rejected', title: 't', detail: 'd' } }];
  gateway.sockets.at(-1).terminate();
  await inState(page, 'ended');
  const other = (await card(page)).title;
  assert.equal(other, 'This console needs a new link');
  assert.equal(gateway.calls.at(-1).token, 'resume-1');
});

paged('a shell that was left has ended, and the machine has not ended its console', {}, async ({ gateway, page, open }) => {
  const ended = { close: [1000, '{"code":"guest_ended","ref":"r"}'] };
  for (const [console, title] of [[{ kind: 'lxc', protocol: 'term' }, 'The shell has ended'], [{ kind: 'qemu', protocol: 'term' }, 'The machine ended the console'], [{ kind: 'lxc' }, 'The machine ended the console']]) {
    gateway.steps = [{ ...ended, console }];
    await page.goto('about:blank');
    await open();
    await inState(page, 'ended');
    assert.equal((await card(page)).title, title);
    assert.match(await page.getByRole('status').textContent(), new RegExp(title));
    assert.ok(await page.getByRole('button', { name: 'Reconnect' }).isVisible());
  }
  gateway.steps = [{ close: [1000, '{"code":"no_terminal","ref":"r"}'], console: { kind: 'lxc', protocol: 'term' } }];
  await page.goto('about:blank');
  await open();
  await inState(page, 'ended');
  assert.equal((await card(page)).title, 'The shell has ended', 'a container needs no serial port');
  assert.equal(await page.locator('.card button:visible').count(), 0);
});
