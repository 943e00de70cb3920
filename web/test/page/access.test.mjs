// What people need who do not see the screen, do not use a pointer, or do not bear motion; and the keys in full screen.

import assert from 'node:assert/strict';
import { drawn, inState, paged } from './scene.mjs';

/** Name, description and role as the browser tells them to assistive technology. */
async function told(page, selector) {
  const cdp = await page.context().newCDPSession(page);
  const { root } = await cdp.send('DOM.getDocument');
  const { nodeId } = await cdp.send('DOM.querySelector', { nodeId: root.nodeId, selector });
  const { nodes } = await cdp.send('Accessibility.getPartialAXTree', { nodeId, fetchRelatives: false });
  await cdp.detach();
  const [{ role, name, description }] = nodes;
  return { role: role.value, name: name.value, description: description?.value };
}

paged('the screen has a name, a role that lets keys through, and says how to leave it', {}, async ({ page, open }) => {
  await open();
  await drawn(page);
  assert.deepEqual(await told(page, '.screen canvas'), {
    role: 'application',
    name: 'Screen of web-01',
    description: 'Keys go to the machine. Press and release Ctrl, Alt and Shift together to leave it.',
  });
  for (const key of ['Control', 'Alt', 'Shift']) await page.keyboard.down(key);
  for (const key of ['Shift', 'Alt', 'Control']) await page.keyboard.up(key);
  await page.waitForFunction(() => document.activeElement.closest('[role=toolbar]'));
  await page.keyboard.press('Tab');
  const { name, description } = await told(page, '.screen');
  assert.deepEqual([name, description], ['Screen of web-01', 'Press Enter to type into the machine. Tab moves on.']);
});

paged('the terminal has a name too, and says how to leave it', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ console: { protocol: 'term', kind: 'lxc', title: 'mail-01' } }];
  await open();
  await inState(page, 'connected');
  const { name, description } = await told(page, '.xterm-helper-textarea');
  assert.equal(name, 'Screen of mail-01');
  assert.match(description, /^Keys go to the machine\. Press and release Ctrl, Alt and Shift/);
});

/** A line of at least two pixels in a colour with a contrast of 3 to what is behind it. */
const mark = (page) =>
  page.evaluate(() => {
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(document.activeElement);
    const channels = (colour) => colour.match(/[\d.]+/g).slice(0, 3).map(Number);
    const light = (colour) => {
      const [r, g, b] = channels(colour).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = getComputedStyle(document.querySelector('.bar')).backgroundColor;
    const [low, high] = [light(outlineColor), light(behind)].sort((a, b) => a - b);
    return { name: document.activeElement.textContent.trim() || document.activeElement.className, style: outlineStyle, width: parseFloat(outlineWidth), contrast: (high + 0.05) / (low + 0.05) };
  });

for (const colorScheme of ['light', 'dark']) {
  paged(`whatever has the keyboard is marked: ${colorScheme}`, { colorScheme }, async ({ page, open }) => {
    await open();
    await drawn(page);
    const ink = () => page.locator('.screen').evaluate((screen) => getComputedStyle(screen, '::after').borderTopColor);
    const inScreen = await ink();
    assert.doesNotMatch(inScreen, /, 0\)$/, 'a line over the screen that has the keyboard');
    for (const key of ['Control', 'Alt', 'Shift']) await page.keyboard.down(key);
    for (const key of ['Shift', 'Alt', 'Control']) await page.keyboard.up(key);
    await page.waitForFunction(() => document.activeElement.closest('[role=toolbar]'));
    assert.notEqual(await ink(), inScreen);
    const seen = [];
    for (const key of ['ArrowRight', 'ArrowRight', 'End', 'Home', 'Tab']) {
      await page.keyboard.press(key);
      seen.push(await mark(page));
    }
    for (const { name, style, width, contrast } of seen) assert.ok(style === 'solid' && width >= 2 && contrast >= 3, `${name}: ${style} ${width} px, ${contrast.toFixed(1)}`);
    assert.equal(new Set(seen.map(({ name }) => name)).size, 5);
  });
}

const moving = (page) =>
  page.evaluate(() => document.getAnimations().filter(({ playState, effect }) => playState === 'running' && effect.getComputedTiming().activeDuration > 0).map(({ effect, animationName, transitionProperty }) => `${effect.target.className} ${animationName ?? transitionProperty}`));

for (const reducedMotion of ['no-preference', 'reduce']) {
  paged(`motion: ${reducedMotion}`, { reducedMotion }, async ({ gateway, page, open }) => {
    const moved = [];
    const look = async () => moved.push(...(await moving(page)));
    gateway.steps = [{ hold: 'session' }];
    await open();
    await page.locator('.card').waitFor();
    await look();
    gateway.steps = [{}];
    await page.evaluate(() => (location.hash = 'second.token.x'));
    await drawn(page);
    gateway.steps = [{ hold: 'session' }];
    gateway.sockets.at(-1).terminate();
    await page.locator('.word').waitFor();
    await look();
    gateway.steps = [{}];
    await page.evaluate(() => (location.hash = 'third.token.x'));
    await drawn(page);
    await page.getByRole('button', { name: 'Help' }).click();
    await page.getByRole('dialog').waitFor();
    await look();
    if (reducedMotion === 'reduce') assert.deepEqual(moved, []);
    else assert.ok(moved.some((name) => name.startsWith('spinner')), 'the test is worth nothing where nothing ever moves');
  });
}

paged('full screen takes the keys that the browser would keep, and gives them back', {}, async ({ page, open }) => {
  await page.addInitScript(() => {
    globalThis.locks = [];
    const keyboard = { lock: async (...codes) => locks.push(['lock', codes.length, document.fullscreenElement !== null]), unlock: () => locks.push(['unlock']) };
    Object.defineProperty(Navigator.prototype, 'keyboard', { get: () => keyboard });
  });
  const locks = () => page.evaluate(() => globalThis.locks);
  await open();
  await drawn(page);
  assert.deepEqual(await locks(), []);
  await page.getByRole('button', { name: 'Full screen' }).click();
  await page.waitForFunction(() => globalThis.locks.length === 1);
  assert.deepEqual(await locks(), [['lock', 0, true]], 'all keys, once it is full');
  await page.evaluate(() => document.exitFullscreen());
  await page.waitForFunction(() => globalThis.locks.length === 2);
  assert.deepEqual((await locks())[1], ['unlock']);
});
