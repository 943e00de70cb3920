// What strangers around the frame, and panels that may not embed, get: nothing. What a panel may do: no more than the person.

import assert from 'node:assert/strict';
import { ask, CONNECTED, connected, element, embedded, frameOf, hears, told } from './panels.mjs';
import { cutText } from './rfb.mjs';
import { allCame, keys, TOKEN, until } from './scene.mjs';
import { startSite } from './sites.mjs';

/** Fakes of both sides, posted to everybody; and what was received. */
const STRANGER = `
  globalThis.received = [];
  addEventListener('message', ({ data }) => received.push(data));
  const message = (type, detail, id) => ({ v: 1, source: 'consolegate', type, detail, id });
  const everybody = () => [top, ...Array.from({ length: top.length }, (_, n) => top[n])];
  globalThis.harass = () => {
    for (const target of everybody()) {
      target.postMessage(message('hello', { mark: 'own' }), '*');
      target.postMessage(message('disconnect', {}, '1'), '*');
      target.postMessage(message('sendKeys', { keys: ['Delete'] }, '2'), '*');
      target.postMessage(message('connect', { token: 'evil.token.x' }, '3'), '*');
      target.postMessage(message('connected', { sessionId: 'fake' }), '*');
      target.postMessage(message('error', { code: 'fake' }), '*');
    }
  };
  harass();`;

/** What the stranger posts reaches itself too. A hello of its own has a mark. */
const isOwn = (type, detail) => ['connected', 'error', 'disconnect', 'sendKeys'].includes(type) || detail.token === 'evil.token.x' || detail.mark === 'own';

const stranger = (t) => startSite(t, 'stranger.example', { '/index.html': '<!doctype html><title>stranger</title><script src="/stranger.js"></script>', '/stranger.js': STRANGER });

/** The stranger as a second frame of the panel, past the panel's policy: as an advertisement would stand there. */
async function besides(page, origin) {
  const loaded = page.waitForEvent('frameattached');
  await page.evaluate((src) => {
    const frame = document.createElement('iframe');
    frame.src = src;
    document.body.append(frame);
  }, origin);
  const frame = await loaded;
  await frame.waitForFunction(() => globalThis.received);
  return frame;
}

const OPEN_POLICY = { policy: () => undefined };

/** The element's frame is in a shadow tree, out of a stranger's reach; a plain one is not. */
const plain = (gateway) => `<iframe src="${gateway.origin}/console#plain.token.x"></iframe>`;

embedded('p08_a_stranger_beside_the_frame_is_not_obeyed_and_not_believed', { body: (gateway) => element(gateway) + plain(gateway), ...OPEN_POLICY }, async ({ t, gateway, page }) => {
  const site = await stranger(t);
  gateway.origins.push(site.origin);
  await page.reload();
  await hears(page, 'connected');
  await page.frameLocator('body > iframe').locator(CONNECTED).waitFor();
  const frame = await besides(page, site.origin);
  await frame.evaluate(() => globalThis.harass());
  assert.equal(await frame.evaluate(() => top.length), 2, 'the plain frame and the stranger itself');
  assert.equal(await ask(page, 'sendKeys', ['Tab']), 'done', 'still the panel’s alone');
  await allCame(gateway);
  assert.deepEqual(keys(gateway).map(({ key }) => key), [0xff09, 0xff09]);
  assert.deepEqual((await told(page, 'connected')).map(({ sessionId }) => sessionId === 'fake'), [false]);
  assert.deepEqual(await told(page, 'error'), []);
  assert.deepEqual(gateway.calls.slice(-2).map((call) => call.token).sort(), [TOKEN, 'plain.token.x']);
  assert.equal(await page.frameLocator('iframe[src*="plain"]').locator('main').getAttribute('data-state'), 'connected');
  assert.equal((await frame.evaluate(() => globalThis.received)).filter(({ type, detail }) => !isOwn(type, detail)).length, 0);
});

embedded('p08_a_stranger_that_took_over_the_frame_is_not_believed_and_hears_nothing', { body: element, ...OPEN_POLICY }, async ({ t, page }) => {
  await hears(page, 'connected');
  const site = await stranger(t);
  await page.evaluate((src) => {
    document.querySelector('console-gate').shadowRoot.querySelector('iframe').src = src;
  }, `${site.origin}/?${TOKEN}`);
  const frame = await frameOf(page);
  await frame.waitForFunction(() => globalThis.harass);
  await page.evaluate(() => {
    globalThis.sent = document.querySelector('console-gate').connect('secret.token.x').catch(() => undefined);
  });
  await frame.evaluate(() => globalThis.harass());
  // Neither side has more to hear from the other once it has heard this.
  await page.evaluate(() => {
    addEventListener('message', ({ data }) => (globalThis.last ||= data === 'last'));
    document.querySelector('console-gate').shadowRoot.querySelector('iframe').contentWindow.postMessage({ type: 'last', detail: { mark: 'own' } }, '*');
  });
  await frame.evaluate(() => top.postMessage('last', '*'));
  await page.waitForFunction(() => globalThis.last);
  await frame.waitForFunction(() => globalThis.received.some(({ type }) => type === 'last'));
  const received = (await frame.evaluate(() => globalThis.received)).filter(({ type, detail }) => !isOwn(type, detail));
  assert.deepEqual(received, [], 'neither a hello nor a token went to it');
  assert.deepEqual((await told(page, 'connected')).map(({ sessionId }) => sessionId), ['s-1']);
  assert.deepEqual(await told(page, 'error'), []);
});

embedded('p08_a_panel_that_the_gateway_does_not_list_gets_no_answer', { body: element, allowed: false }, async ({ gateway, panel, page }) => {
  gateway.steps = [{ embed: [panel.origin] }];
  await page.clock.install();
  await page.reload();
  await connected(page);
  const answers = page.evaluate(() => document.querySelector('console-gate').sendKeys(['Delete']).then(() => 'done', ({ code }) => code));
  await page.clock.fastForward(10_000);
  await hears(page, 'error');
  assert.deepEqual((await told(page, 'error')).map(({ code }) => code), ['no_answer']);
  assert.deepEqual((await page.evaluate(() => globalThis.told)).map(({ type }) => type), ['error']);
  await allCame(gateway);
  assert.deepEqual(keys(gateway), []);
  await page.evaluate(() => document.querySelector('console-gate').remove());
  assert.equal(await answers, 'removed');
});

embedded('p08_a_panel_of_another_issuer_hears_nothing_of_the_session_and_may_only_bring_a_token', { body: element }, async ({ gateway, panel, page }) => {
  await hears(page, 'connected');
  gateway.steps = [{ embed: ['https://other.example'] }];
  assert.equal(await ask(page, 'connect', 'other.token.x'), 'done');
  await until(() => gateway.sockets.length === 2);
  await connected(page);
  for (const [method, ...given] of [['sendKeys', ['Tab']], ['screenshot'], ['disconnect'], ['setViewOnly', true]]) {
    assert.equal(await ask(page, method, ...given), 'not_allowed', method);
  }
  assert.equal((await told(page, 'connected')).length, 1);
  await allCame(gateway);
  assert.deepEqual(keys(gateway), []);
  gateway.steps = [{ embed: [panel.origin] }];
  assert.equal(await ask(page, 'connect', 'own.token.x'), 'done');
  await hears(page, 'connected', 2);
  assert.equal(await ask(page, 'sendKeys', ['Tab']), 'done');
});

embedded('p08_messages_that_are_not_of_the_schema_are_not_answered', {}, async ({ gateway, page }) => {
  const answers = await page.evaluate(async ([origin, token]) => {
    const heard = [];
    addEventListener('message', (event) => heard.push({ origin: event.origin, ...event.data }));
    const frame = Object.assign(document.createElement('iframe'), { src: `${origin}/console#${token}` });
    document.body.append(frame);
    const message = (type, more) => ({ v: 1, source: 'consolegate', type, detail: {}, ...more });
    const post = (data) => frame.contentWindow.postMessage(data, origin);
    const settled = (done) => new Promise((next) => {
      const look = () => (done() ? next() : setTimeout(look, 20));
      look();
    });
    await new Promise((loaded) => frame.addEventListener('load', loaded));
    for (const strange of [null, 7, 'hello', [], {}, { ...message('hello'), v: 2 }, { ...message('hello'), source: 'x' }, { ...message('hello'), detail: 7 }, message('disconnect', { id: '1' })]) post(strange);
    post(message('hello'));
    await settled(() => heard.some(({ type }) => type === 'connected'));
    const early = heard.slice(heard[0]?.type === 'ready' ? 1 : 0).filter(({ id, type }) => id !== undefined || type === 'ready');
    heard.length = 0;
    for (const id of [1, {}, 'x'.repeat(65)]) post(message('disconnect', { id }));
    for (const type of ['toString', 'constructor', 'start', 'ready', '']) post(message(type, { id: `no-${type}` }));
    post(message('sendKeys', { id: 'k', detail: { keys: ['Tab'] } }));
    await settled(() => heard.some(({ id }) => id === 'k'));
    return { early, heard };
  }, [gateway.origin, TOKEN]);
  assert.deepEqual(answers.early, []);
  const all = [...['toString', 'constructor', 'start', 'ready', ''].map((type) => ['failed', `no-${type}`, 'unsupported']), ['done', 'k', undefined]];
  assert.deepEqual(answers.heard.filter(({ id }) => id !== undefined).map(({ type, id, detail }) => [type, id, detail.code]), all);
  for (const { origin } of answers.heard) assert.equal(origin, gateway.origin);
});

embedded('what the machine copied is told only with the right to it', { body: element }, async ({ gateway, page }) => {
  await hears(page, 'connected');
  gateway.sockets.at(-1).send(cutText('secret'));
  await allCame(gateway);
  gateway.steps = [{ console: { rights: ['input', 'clipboard'] } }];
  assert.equal(await ask(page, 'connect', 'copying.token.x'), 'done');
  await hears(page, 'connected', 2);
  gateway.sockets.at(-1).send(cutText('shared'));
  await hears(page, 'clipboard');
  assert.deepEqual(await told(page, 'clipboard'), [{ type: 'clipboard', text: 'shared' }]);
});

embedded('the rights of the session bind the panel too', { body: element }, async ({ gateway, page }) => {
  gateway.steps = [{ console: { rights: [] } }];
  assert.equal(await ask(page, 'connect', 'watching.token.x'), 'done');
  await hears(page, 'connected');
  await until(() => gateway.calls.length > 1);
  await connected(page);
  assert.equal(await ask(page, 'setViewOnly', false), 'done');
  assert.equal(await ask(page, 'sendKeys', ['Delete']), 'not_allowed');
  await allCame(gateway);
  assert.deepEqual(keys(gateway), []);
});

embedded('a panel is told to switch a machine itself only where certainly nothing happened', { body: element }, async ({ gateway, page, errors }) => {
  gateway.steps = [{ console: { rights: ['power'] }, with: { control: 'ctl.1' } }];
  const refused = (code, status) => ({ status, code, title: 't', detail: 'd' });
  assert.equal(await ask(page, 'connect', 'switching.token.x'), 'done');
  await until(() => gateway.calls.length > 1);
  await connected(page);
  const frame = await frameOf(page);
  for (const answer of [202, refused('power_refused', 403), refused('power_pace', 429), refused('host_too_slow', 504)]) {
    gateway.power = answer;
    const count = gateway.powered.length;
    await frame.getByRole('button', { name: 'Power' }).click();
    await frame.getByRole('menuitem', { name: 'Reset' }).click();
    await frame.getByRole('dialog').getByRole('button', { name: 'Reset' }).click();
    await until(() => gateway.powered.length > count);
    await frame.locator('.toast', { hasText: { power_refused: 'cannot switch', power_pace: 'a moment ago', host_too_slow: 'too slow' }[answer.code] ?? 'being reset' }).waitFor();
  }
  assert.deepEqual(await told(page, 'power'), [
    { type: 'power', action: 'reset', done: true },
    { type: 'power', action: 'reset', code: 'power_refused', done: false },
    { type: 'power', action: 'reset', code: 'host_too_slow' },
  ]);
  assert.deepEqual(errors.filter((text) => !text.includes('status of')), [], 'no browser had to refuse anything');
});
