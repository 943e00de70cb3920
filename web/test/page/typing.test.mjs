// Text typed key by key: which keys arrive, what cannot be typed, stopping; and the keyboard of a phone.

import assert from 'node:assert/strict';
import { accessible, allCame, cut, drawn, inState, keys, paged, picture, until } from './scene.mjs';

const strokes = (gateway) => keys(gateway).map(({ key, down, scancode }) => `${down ? '+' : '-'}${key.toString(16)}/${scancode?.toString(16)}`);

async function panel(page) {
  await page.getByRole('button', { name: 'Type text' }).click();
  return {
    text: page.getByRole('textbox', { name: 'Text' }),
    layout: page.getByLabel('Keyboard layout of the machine'),
    speed: page.getByLabel('Speed'),
    go: page.getByRole('button', { name: 'Type', exact: true }),
    stop: page.getByRole('button', { name: 'Stop', exact: true }),
  };
}

paged('a text arrives as the keys of the chosen layout, in order', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ extended: true }];
  await open();
  await drawn(page);
  const { text, layout, go } = await panel(page);
  assert.ok(await text.evaluate((field) => field === document.activeElement), 'the field has the keyboard');
  await layout.selectOption({ label: 'German' });
  await text.fill('Zürich@€^');
  await page.getByText(/^Every character can be typed/).waitFor();
  await go.click();
  await page.locator('.toast', { hasText: 'The text was typed.' }).waitFor();
  assert.equal(await page.getByRole('dialog').count(), 0, 'what was typed is to be seen');
  assert.equal(await page.locator('.panel textarea').first().inputValue(), '', 'it may have been a password');
  await allCame(gateway);
  const tap = (key, code) => [`+${key}/${code}`, `-${key}/${code}`];
  const held = (modifier, key, code) => [`+${modifier}`, ...tap(key, code), `-${modifier}`];
  assert.deepEqual(strokes(gateway), [
    ...held('ffe1/2a', '5a', '15'),
    ...tap('fc', '1a'),
    ...tap('72', '13'),
    ...tap('69', '17'),
    ...tap('63', '2e'),
    ...tap('68', '23'),
    ...held('fe03/b8', '40', '10'),
    ...held('fe03/b8', '20ac', '12'),
    ...tap('fe52', '29'),
    ...tap('20', '39'),
  ]);
  assert.ok(await page.evaluate(() => document.activeElement.matches('.screen canvas')), 'the keyboard is in the screen');
  await accessible(page);
  await page.reload();
});

paged('what cannot be typed is listed, and only left out when that is said', {}, async ({ gateway, page, open }) => {
  await open();
  await drawn(page);
  const { text, layout, go } = await panel(page);
  await text.fill('aü\u00a0ü“');
  await page.getByText('This layout has no keys for: ü ×2 U+00A0 “').waitFor();
  assert.ok(await go.isDisabled());
  await accessible(page);
  await picture(page, 'type-missing-1280');
  await page.getByLabel('Leave these characters out').check();
  await go.click();
  await page.locator('.toast', { hasText: 'The text was typed.' }).waitFor();
  await allCame(gateway);
  assert.deepEqual(keys(gateway).map(({ key }) => key), [0x61, 0x61]);
  await page.getByRole('button', { name: 'Type text' }).click();
  await text.fill('\u00a0ü');
  await layout.selectOption('de');
  await page.getByText('This layout has no keys for: U+00A0').waitFor();
  await page.reload();
  await inState(page, 'ended');
  assert.equal(await page.evaluate(() => localStorage.getItem('consolegate.layout')), 'de', 'the choice is kept');
});

paged('stopping, with the button or Esc, stops within one key', {}, async ({ gateway, page, open }) => {
  await open();
  await drawn(page);
  const { text, speed, go, stop } = await panel(page);
  await text.fill('A'.repeat(400));
  await speed.selectOption({ label: 'Slow, for boot screens' });
  await go.click();
  await until(() => keys(gateway).length >= 6);
  assert.ok(await stop.evaluate((button) => button === document.activeElement), 'the way to stop is at hand');
  assert.ok(await page.getByRole('progressbar').isVisible());
  assert.equal(await text.isVisible(), false, 'the panel leaves the machine to be seen');
  await page.getByRole('button', { name: 'Keys' }).click();
  assert.ok(await stop.isVisible(), 'a menu does not end it');
  await page.keyboard.press('Escape');
  await stop.focus();
  await picture(page, 'typing-1280');
  await accessible(page);
  await page.keyboard.press('Escape');
  await page.getByText(/^Stopped after \d+ of 400 characters\.$/).waitFor();
  assert.ok(await page.getByRole('dialog', { name: 'Type text' }).isVisible(), 'the panel stays');
  await allCame(gateway);
  const count = keys(gateway).length;
  assert.equal(count % 4, 0, 'no key stays pressed');
  assert.ok(count < 80);
  assert.equal(keys(gateway).filter(({ down }) => down).length, count / 2);
  await go.click();
  await until(() => keys(gateway).length > count);
  await cut(gateway);
  assert.equal(await page.getByRole('dialog').count(), 0, 'nobody takes keys any more');
  const last = keys(gateway).length;
  gateway.release();
  await drawn(page);
  await allCame(gateway);
  assert.equal(keys(gateway).length, last, 'and nothing goes to the next connection');
});

paged('a text does not go to the next machine, and is not typed on after a change of language', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ console: { rights: ['input', 'clipboard'] } }, { console: { rights: ['input', 'clipboard'] } }, { console: { rights: ['input', 'clipboard'], lang: 'de' } }];
  await open();
  await drawn(page);
  const { text, speed, go } = await panel(page);
  await text.fill('secret');
  await page.getByRole('button', { name: 'Clipboard' }).click();
  await page.getByRole('textbox', { name: 'Text' }).fill('secret too');
  const next = async (token, calls) => {
    await page.evaluate((hash) => (location.hash = hash), token);
    await until(() => gateway.calls.length === calls);
    await drawn(page);
  };
  await next('second.token.x', 2);
  assert.deepEqual(await page.locator('.panel textarea').evaluateAll((fields) => fields.map(({ value }) => value)), ['', '', '']);
  await page.getByRole('button', { name: 'Type text' }).click();
  await text.fill('A'.repeat(400));
  await speed.selectOption({ label: 'Slow, for boot screens' });
  await go.click();
  await until(() => keys(gateway).length >= 6);
  await next('third.token.x', 3);
  await page.getByRole('button', { name: 'Text eintippen' }).click();
  await allCame(gateway);
  const count = keys(gateway).length;
  assert.ok(count < 200);
  assert.equal(await page.locator('.panel:visible textarea').inputValue(), '');
});

paged('who may not type has nothing to type with', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ console: { rights: ['clipboard'] } }];
  await open();
  await drawn(page);
  for (const name of ['Ctrl+Alt+Del', 'Keys', 'Type text', 'Clipboard', 'Power']) assert.equal(await page.getByRole('button', { name }).count(), 0, name);
  assert.ok(await page.getByRole('button', { name: 'Screenshot' }).isVisible());
});

paged('the keyboard of a phone types, corrects and erases', { viewport: { width: 412, height: 915 }, hasTouch: true, isMobile: true }, async ({ gateway, page, open }) => {
  gateway.steps = [{ extended: true }];
  await open();
  await drawn(page);
  const button = page.getByRole('button', { name: 'Keyboard' });
  await button.tap();
  await page.waitForFunction(() => document.activeElement.matches('.touch-keys'));
  assert.equal(await button.getAttribute('aria-pressed'), 'true');
  await page.waitForFunction(() => performance.getEntriesByType('resource').some(({ name }) => name.includes('layout-en-us')));
  // What waits for the table has it before who asks for it again.
  await page.evaluate(() => import(performance.getEntriesByType('resource').find(({ name }) => name.includes('layout-en-us')).name));
  await page.keyboard.type('a');
  await page.keyboard.press('Backspace');
  await page.keyboard.press('Enter');
  await allCame(gateway);
  assert.deepEqual(strokes(gateway), ['+61/1e', '-61/1e', '+ff08/e', '-ff08/e', '+ff0d/1c', '-ff0d/1c']);
  gateway.seen.length = 0;
  const client = await page.context().newCDPSession(page);
  await client.send('Input.imeSetComposition', { text: 'te', selectionStart: 2, selectionEnd: 2 });
  await client.send('Input.imeSetComposition', { text: 'Tea', selectionStart: 3, selectionEnd: 3 });
  await client.send('Input.insertText', { text: 'Tea ' });
  await allCame(gateway);
  assert.deepEqual(keys(gateway).filter(({ down }) => down).map(({ key }) => key), [0x74, 0x65, 0xff08, 0xff08, 0xffe1, 0x54, 0x65, 0x61, 0x20]);
  await accessible(page);
  await button.tap();
  await page.waitForFunction(() => !document.activeElement.matches('.touch-keys'));
  assert.equal(await button.getAttribute('aria-pressed'), 'false');
});
