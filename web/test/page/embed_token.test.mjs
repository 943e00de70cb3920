// Links and tokens: where the SDK takes them from, when it asks for a new one, and when it stops asking.

import assert from 'node:assert/strict';
import { ask, connected, element, embedded, hears, told } from './panels.mjs';
import { allCame, keys, TOKEN, until } from './scene.mjs';

const tokens = (gateway) => gateway.calls.map((call) => call.token);
const refuse = (code) => ({ problem: { status: 401, code, title: 't', detail: 'd' } });
const codes = async (page, type) => (await told(page, type)).map(({ code }) => code);

/** `fetchToken` of the one console counts up. */
const FETCH = `
  globalThis.fetched = 0;
  document.querySelector('console-gate').fetchToken = async () => 'fetched.' + (fetched += 1) + '.x';`;

embedded('mount makes a console in an element, and remove takes it away', { body: '<div id="place"></div>', script: (gateway) => `
  globalThis.gate = sdk.mount(document.querySelector('#place'), { src: '${gateway.origin}/console#${TOKEN}', theme: 'dark', lang: 'de', scale: 'off', toolbar: 'off', title: 'Konsole', viewOnly: true });
` }, async ({ gateway, page }) => {
  await hears(page, 'connected');
  const frame = page.frameLocator('#place console-gate iframe[title="Konsole"]');
  assert.equal(await frame.locator('html').getAttribute('data-theme'), 'dark');
  assert.equal(await frame.locator('html').getAttribute('lang'), 'de');
  assert.equal(await frame.getByRole('toolbar').isVisible(), false);
  assert.equal(await frame.locator('.screen canvas').evaluate((canvas) => canvas.getBoundingClientRect().width), 640);
  assert.equal(await ask(page, 'sendKeys', ['Tab']), 'not_allowed');
  await page.evaluate(() => document.querySelector('console-gate').removeAttribute('view-only'));
  assert.equal(await ask(page, 'sendKeys', ['Tab']), 'done');
  assert.equal(await page.evaluate(() => globalThis.gate === document.querySelector('console-gate')), true, 'the handle is the element');
  const code = page.evaluate(() => {
    const asked = globalThis.gate.screenshot();
    globalThis.gate.remove();
    return asked.then(() => 'done', (error) => error.code);
  });
  assert.equal(await code, 'removed');
  await until(() => gateway.sockets[0].readyState === 3);
});

embedded('two consoles of a panel are kept apart', { body: (gateway) => element(gateway) + element(gateway).replace(TOKEN, 'second.token.x') }, async ({ gateway, page }) => {
  gateway.steps = [{}];
  await hears(page, 'connected', 2);
  const heard = await page.evaluate(async () => {
    const gates = [...document.querySelectorAll('console-gate')];
    const heard = gates.map(() => []);
    gates.forEach((gate, n) => gate.addEventListener('disconnected', ({ detail }) => heard[n].push(detail.code)));
    await gates[1].disconnect();
    await gates[0].sendKeys(['Tab']);
    return heard;
  });
  assert.deepEqual(heard, [[], ['disconnected']]);
  await allCame(gateway);
  assert.equal(keys(gateway).length, 2);
});

embedded('properties that were set before the script had loaded count', { body: (gateway) => `<console-gate src="${gateway.origin}/console"></console-gate>`, files: {
  '/keep.js': `globalThis.told = []; addEventListener('DOMContentLoaded', () => {}); new MutationObserver((_, observer) => {
    const gate = document.querySelector('console-gate');
    if (!gate) return;
    observer.disconnect();
    gate.fetchToken = async () => 'early.token.x';
    gate.addEventListener('connected', ({ detail }) => told.push({ type: 'connected', ...detail }));
  }).observe(document, { childList: true, subtree: true });`,
} }, async ({ gateway, page }) => {
  await hears(page, 'connected');
  assert.deepEqual(tokens(gateway), ['early.token.x']);
});

embedded('without any token nothing is loaded, and the panel is told', { body: (gateway) => `<console-gate src="${gateway.origin}/console"></console-gate>` }, async ({ gateway, page }) => {
  await hears(page, 'token-needed');
  assert.deepEqual(await told(page, 'token-needed'), [{ type: 'token-needed', code: 'no_token', automatic: true }]);
  assert.equal(await page.locator('console-gate iframe').count(), 0);
  assert.equal(await ask(page, 'connect', 'not a token'), 'invalid_token');
  assert.equal(await ask(page, 'connect', 'given.token.x'), 'done');
  await hears(page, 'connected');
  assert.deepEqual(tokens(gateway), ['given.token.x']);
});

embedded('a new token is fetched where it helps, and nobody is let in again who was idle or thrown out', { body: element, script: FETCH }, async ({ gateway, page }) => {
  await hears(page, 'connected');
  for (const [code, close, automatic] of [['session_over', 4410, true], ['token_before_start', 4401, true], ['idle', 4408, false], ['killed', 4403, undefined], ['taken_over', 4409, undefined]]) {
    const before = await page.evaluate(() => globalThis.fetched);
    const connects = (await told(page, 'connected')).length;
    const ends = (await told(page, 'disconnected')).length;
    gateway.sockets.at(-1).close(close, JSON.stringify({ code }));
    await hears(page, 'disconnected', ends + 1);
    if (automatic) await hears(page, 'connected', connects + 1);
    else assert.equal(await ask(page, 'connect', `by-hand.${code}.x`), 'done');
    await hears(page, 'connected', connects + 1);
    assert.equal((await told(page, 'token-needed')).find((need) => need.code === code)?.automatic, automatic, code);
    assert.equal(await page.evaluate(() => globalThis.fetched), before + (automatic ? 1 : 0), code);
  }
  assert.deepEqual(tokens(gateway), [TOKEN, 'fetched.1.x', 'fetched.2.x', 'by-hand.idle.x', 'by-hand.killed.x', 'by-hand.taken_over.x']);
});

embedded('tokens are fetched three times a minute and no more', { body: element, script: FETCH }, async ({ gateway, page }) => {
  await hears(page, 'connected');
  gateway.steps = [refuse('token_expired')];
  assert.equal(await ask(page, 'connect', 'late.token.x'), 'done');
  await page.waitForFunction(() => globalThis.told.some(({ code }) => code === 'too_many_tokens'));
  assert.deepEqual(tokens(gateway).slice(-3), ['fetched.1.x', 'fetched.2.x', 'fetched.3.x']);
  assert.equal(await page.evaluate(() => globalThis.fetched), 3);
});

embedded('a function that is set at every turn is asked once', { body: (gateway) => `<console-gate src="${gateway.origin}/console"></console-gate>`, script: `
  globalThis.fetched = 0;
  const gate = document.querySelector('console-gate');
  for (let turn = 0; turn < 5; turn += 1) gate.fetchToken = async () => 'fetched.' + (fetched += 1) + '.x';
` }, async ({ gateway, page }) => {
  await hears(page, 'connected');
  assert.equal(await page.evaluate(() => globalThis.fetched), 1);
  assert.deepEqual(tokens(gateway), ['fetched.1.x']);
  assert.deepEqual(await codes(page, 'error'), []);
});

embedded('the panel may see to the token itself; what it fetches in vain is told', { body: element, script: `
  const gate = document.querySelector('console-gate');
  gate.fetchToken = async () => { throw new Error('the panel is down'); };
  globalThis.mine = true;
  gate.addEventListener('token-needed', (event) => mine && event.preventDefault());
` }, async ({ gateway, page }) => {
  await hears(page, 'connected');
  gateway.sockets.at(-1).close(4410, '{"code":"session_over"}');
  await hears(page, 'token-needed');
  assert.equal(await ask(page, 'connect', 'mine.token.x'), 'done');
  await hears(page, 'connected', 2);
  assert.deepEqual(await codes(page, 'error'), []);
  await page.evaluate(() => {
    globalThis.mine = false;
  });
  gateway.sockets.at(-1).close(4410, '{"code":"session_over"}');
  await hears(page, 'error');
  assert.deepEqual(await codes(page, 'error'), ['fetch_failed']);
  assert.deepEqual(tokens(gateway), [TOKEN, 'mine.token.x']);
});

embedded('an element that is moved opens its console anew, with a new token', { body: (gateway) => `<div id="place"></div>${element(gateway)}`, script: FETCH }, async ({ gateway, page }) => {
  await hears(page, 'connected');
  await page.evaluate(() => document.querySelector('#place').append(document.querySelector('console-gate')));
  await hears(page, 'connected', 2);
  assert.deepEqual(tokens(gateway), [TOKEN, 'fetched.1.x']);
  const kept = await page.evaluate(() => document.body.moveBefore?.(document.querySelector('console-gate'), null) === undefined && 'moveBefore' in document.body);
  if (kept) {
    await connected(page);
    assert.equal(await ask(page, 'sendKeys', ['Tab']), 'done', 'moveBefore keeps the frame');
    assert.equal(gateway.calls.length, 2);
  }
});

embedded('an address that is none is told, not framed', { body: `<console-gate src="javascript:alert(1)//#a.b.c"></console-gate>` }, async ({ page }) => {
  await hears(page, 'error');
  assert.deepEqual(await codes(page, 'error'), ['invalid_src']);
  assert.equal(await page.locator('console-gate iframe').count(), 0);
});
