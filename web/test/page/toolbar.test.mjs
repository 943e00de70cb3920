// The bar: walked by keyboard alone, its menus, its keys, and how it fits on a phone and from right to left.

import assert from 'node:assert/strict';
import { accessible, allCame, cut, drawn, keys, paged, picture, until } from './scene.mjs';

const [CONTROL, ALT, SHIFT] = [0xffe3, 0xffe9, 0xffe1];
const ALL = ['input', 'clipboard', 'resize', 'power'];
export const focused = (page) => page.evaluate(() => document.activeElement.textContent || document.activeElement.tagName);
const events = (gateway) => keys(gateway).map(({ key, down }) => (down ? key : -key));

export async function toBar(page) {
  for (const key of ['Control', 'Alt', 'Shift']) await page.keyboard.down(key);
  for (const key of ['Shift', 'Alt', 'Control']) await page.keyboard.up(key);
  await page.waitForFunction(() => document.activeElement.closest('[role=toolbar]'));
}

paged('the whole bar is walked and every menu and panel opened by keyboard alone', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ console: { rights: ALL }, with: { control: 'ctl' } }];
  await open();
  await drawn(page);
  await toBar(page);
  const names = [];
  for (let at = await focused(page); !names.includes(at); at = await focused(page)) {
    names.push(at);
    const [menu, panel] = await page.evaluate(() => [document.activeElement.ariaHasPopup === 'menu', document.activeElement.hasAttribute('aria-expanded')]);
    if (panel) {
      await page.keyboard.press('Enter');
      assert.equal(await page.evaluate(() => [...document.querySelectorAll('[role=toolbar] [aria-expanded=true]')].length), 1, at);
      assert.ok(await page.evaluate(() => document.activeElement.closest('[role=menu], [role=dialog]')), `${at} has the keyboard`);
      await accessible(page);
      await picture(page, `tool-${at.toLowerCase().replaceAll(' ', '-')}-1280`);
      await page.keyboard.press('Escape');
      assert.equal(await focused(page), at, 'the keyboard is back');
      assert.equal(await page.locator('[role=menu]:visible, [role=dialog]:visible').count(), 0);
    }
    assert.equal(menu && !panel, false);
    assert.equal(await page.locator('[role=toolbar] [tabindex="0"]').count(), 1, 'one tab stop');
    await page.keyboard.press('ArrowRight');
  }
  assert.deepEqual(names, ['Ctrl+Alt+Del', 'Keys', 'Type text', 'Clipboard', 'Screenshot', 'Size', 'Full screen', 'Power', 'Help', 'Disconnect']);
});

paged('the menu of keys sends exactly its keys, and is used by keyboard alone', {}, async ({ gateway, page, open }) => {
  await open();
  await drawn(page);
  await toBar(page);
  await allCame(gateway);
  assert.equal(keys(gateway).length, 6);
  gateway.seen.length = 0;
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowUp');
  const named = () => page.evaluate(() => document.activeElement.ariaLabel ?? document.activeElement.textContent);
  assert.equal(await named(), 'Ctrl+Alt+F12', 'ArrowUp opens at the last item');
  await page.keyboard.press('ArrowDown');
  assert.equal(await focused(page), 'Ctrl+Alt+Del', 'round and round');
  const steps = [['End', 'Ctrl+Alt+F12'], ['Home', 'Ctrl+Alt+Del'], ['ArrowRight', 'Ctrl+Alt+Del'], ['t', 'Tab'], ['e', 'Esc'], ['s', 'Shift'], ['s', 'Super'], ['ArrowDown', 'Arrow left'], ['ArrowRight', 'Arrow up'], ['ArrowLeft', 'Arrow left']];
  for (const [key, expected] of steps) {
    await page.keyboard.press(key);
    assert.equal(await named(), expected, key);
  }
  await page.keyboard.press('Tab');
  assert.equal(await page.locator('[role=menu]:visible').count(), 0, 'Tab leaves and closes it');
  await toBar(page);
  await allCame(gateway);
  assert.equal(keys(gateway).length, 0, 'Tab did not lead into the screen');
  await page.keyboard.press('Enter');
  await page.keyboard.press('c');
  await page.keyboard.press('End');
  for (let steps = 0; steps < 10; steps += 1) await page.keyboard.press('ArrowUp');
  assert.equal(await named(), 'Ctrl+Alt+F2');
  await page.keyboard.press('Enter');
  assert.equal(await focused(page), 'Keys', 'the keyboard stays in the bar');
  await allCame(gateway);
  const F2 = 0xffbf;
  assert.deepEqual(events(gateway), [CONTROL, ALT, F2, -F2, -ALT, -CONTROL]);
  assert.deepEqual(gateway.seen.length, 6, 'and nothing else');
});

paged('a held key stays down until it is let go, and never outlives the connection', {}, async ({ gateway, page, open }) => {
  await open();
  await drawn(page);
  const button = page.getByRole('button', { name: 'Keys' });
  await button.click();
  await page.getByRole('menuitemcheckbox', { name: 'Ctrl' }).click();
  const shift = page.getByRole('menuitemcheckbox', { name: 'Shift' });
  await shift.click();
  assert.equal(await shift.getAttribute('aria-checked'), 'true');
  assert.equal(await button.getAttribute('aria-pressed'), 'true');
  await accessible(page);
  await picture(page, 'keys-held-1280');
  await shift.click();
  await page.locator('.screen canvas').click({ position: { x: 20, y: 20 } });
  await page.keyboard.type('c');
  await allCame(gateway);
  assert.deepEqual(events(gateway), [CONTROL, SHIFT, -SHIFT, 0x63, -0x63]);
  assert.ok(await page.getByTitle('Held down: Ctrl').isVisible());
  await cut(gateway);
  assert.equal(await page.getByTitle('Held down: Ctrl').count(), 0);
  gateway.release();
  await drawn(page);
  await button.click();
  assert.equal(await page.getByRole('menuitemcheckbox', { name: 'Ctrl' }).getAttribute('aria-checked'), 'false');
});

paged('keys that phones lack are sent one by one, and those that move stay at hand', { viewport: { width: 412, height: 915 }, hasTouch: true, isMobile: true }, async ({ gateway, page, open }) => {
  await open();
  await drawn(page);
  await page.getByRole('button', { name: 'Keys' }).tap();
  for (const name of ['Arrow up', 'Arrow up', 'Arrow left', 'Home', 'End', 'Page down']) await page.getByRole('menuitem', { name, exact: true }).tap();
  assert.ok(await page.getByRole('menu').isVisible(), 'the menu stays open');
  await page.getByRole('menuitem', { name: 'F5', exact: true }).tap();
  assert.equal(await page.locator('[role=menu]:visible').count(), 0);
  await allCame(gateway);
  assert.equal(keys(gateway).length, 14);
  assert.deepEqual(keys(gateway).filter(({ down }) => down).map(({ key }) => key), [0xff52, 0xff52, 0xff51, 0xff50, 0xff57, 0xff56, 0xffc2]);
});

paged('a menu opens under its button, stays where its headings are clicked, and takes the place of a panel', { viewport: { width: 674, height: 640 } }, async ({ gateway, page, open }) => {
  gateway.steps = [{ console: { rights: ALL }, with: { control: 'ctl' } }];
  await open();
  await drawn(page);
  for (const name of ['Keys', 'Size', 'Power']) {
    const button = page.getByRole('button', { name, exact: true });
    await button.click();
    const [under, menu] = [await button.boundingBox(), await page.locator('[role=menu]:visible').boundingBox()];
    assert.ok(menu.x <= under.x + 1 && menu.x + menu.width >= under.x + under.width - 1, `${name} is above its menu`);
    assert.ok(menu.x >= 7 && menu.x + menu.width <= 667, `${name} is in the window`);
    assert.ok(Math.abs(menu.x - under.x) < 2 || menu.x + menu.width > 664, `${name}: ${menu.x} is no further than it must`);
    await page.keyboard.press('Escape');
  }
  await page.getByRole('button', { name: 'Clipboard' }).click();
  const panel = page.getByRole('dialog', { name: 'Clipboard' });
  await panel.waitFor();
  await page.getByRole('button', { name: 'Keys', exact: true }).click();
  assert.equal(await panel.isVisible(), false, 'the panel makes way');
  assert.equal(await page.getByRole('button', { name: 'Clipboard' }).getAttribute('aria-expanded'), 'false');
  await page.locator('.menu-label', { hasText: 'Hold down' }).click();
  assert.ok(await page.getByRole('menu').isVisible(), 'a heading is no way out');
  await page.keyboard.press('ArrowDown');
  assert.ok(await page.evaluate(() => document.activeElement.matches('.item')), 'the keyboard is still in the menu');
  await page.locator('.screen').click({ position: { x: 20, y: 300 } });
  assert.equal(await page.locator('[role=menu]:visible').count(), 0, 'another place is one');
});

paged('tools get their words back one by one, Ctrl+Alt+Del first', { viewport: { width: 1280, height: 600 } }, async ({ gateway, page, open }) => {
  gateway.steps = [{ console: { rights: ALL }, with: { control: 'ctl' } }];
  await open();
  await drawn(page);
  const worded = () => page.locator('[role=toolbar] button:visible .label').evaluateAll((labels) => labels.filter((label) => label.getBoundingClientRect().width > 2).map((label) => label.textContent));
  const seen = [];
  for (let width = 1440; width >= 560; width -= 40) {
    await page.setViewportSize({ width, height: 600 });
    await page.evaluate(() => new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next))));
    seen.push(await worded());
    assert.ok((await page.locator('.title').boundingBox()).width > 40, `the name at ${width}`);
  }
  assert.equal(seen[0].length, 10, 'all of them');
  const counts = seen.map((labels) => labels.length);
  assert.deepEqual(counts, counts.toSorted((a, b) => b - a), 'ever fewer');
  assert.ok(new Set(counts).size > 4, `one by one: ${counts}`);
  for (const labels of seen) assert.ok(labels.length === 0 || labels.includes('Ctrl+Alt+Del'), String(labels));
  assert.ok(seen.some((labels) => labels.length === 1));
});

for (const [width, height] of [[320, 568], [412, 915]]) {
  const phone = { viewport: { width, height }, hasTouch: true, isMobile: true };
  paged(`on a phone of ${width} px everything is in reach of a thumb and nothing is cut off`, phone, async ({ gateway, page, open }) => {
    gateway.steps = [{ console: { rights: ALL, title: 'a-rather-long-name.customers.example.com' }, with: { control: 'ctl' } }];
    await open();
    await drawn(page);
    await reachable(page, 'bar');
    assert.ok(await page.getByRole('button', { name: 'Keyboard' }).isVisible());
    for (const name of ['Keys', 'More']) {
      await page.getByRole('button', { name, exact: true }).tap();
      await reachable(page, name);
      await accessible(page);
      await picture(page, `phone-${width}-${name.toLowerCase()}`);
      if (name === 'Keys') await page.keyboard.press('Escape');
    }
    const wanted = ['Ctrl+Alt+Del', 'Type text', 'Clipboard', 'Screenshot', 'Fit to the window', 'Actual size', 'Shut down', 'Help'];
    const offered = await page.locator('[role=menu]:visible .item, [role=toolbar] button:visible').allTextContents();
    assert.deepEqual(wanted.filter((name) => !offered.includes(name)), []);
    for (const name of ['Help', 'Type text', 'Clipboard']) {
      const tool = page.getByRole('button', { name, exact: true });
      if (!(await tool.isVisible())) {
        if (!(await page.locator('[role=menu]:visible').count())) await page.getByRole('button', { name: 'More', exact: true }).tap();
        await page.getByRole('menuitem', { name, exact: true }).tap();
      } else await tool.tap();
      const panel = page.getByRole('dialog', { name, exact: true });
      await panel.waitFor();
      await reachable(page, name);
      const out = panel.getByRole('button', { name: 'Close', exact: true });
      const inSight = () => out.evaluate((button) => button.contains(document.elementFromPoint(...['x', 'y'].map((side) => button.getBoundingClientRect()[side] + 12))));
      assert.ok(await inSight(), `${name}: the way out`);
      await panel.evaluate((opened) => opened.closest('.panels').scrollTo(0, 1000));
      assert.ok(await inSight(), `${name}: the way out, at its end`);
      await panel.evaluate((opened) => opened.closest('.panels').scrollTo(0, 0));
      await accessible(page);
      await picture(page, `phone-${width}-${name.toLowerCase().replace(' ', '-')}`);
      await page.keyboard.press('Escape');
      await panel.waitFor({ state: 'hidden' });
    }
  });
}

paged('from right to left the bar is mirrored, and the arrows go where they point', { viewport: { width: 900, height: 600 } }, async ({ gateway, page, open }) => {
  gateway.steps = [{ console: { rights: ALL } }];
  await open();
  await drawn(page);
  await page.evaluate(() => (document.documentElement.dir = 'rtl'));
  const [name, row] = [await page.locator('.name').boundingBox(), await page.getByRole('toolbar').boundingBox()];
  assert.ok(row.x < name.x, 'the tools are at the left');
  await toBar(page);
  assert.equal(await focused(page), 'Ctrl+Alt+Del');
  await page.keyboard.press('ArrowLeft');
  assert.equal(await focused(page), 'Keys');
  await page.keyboard.press('Enter');
  const menu = await page.locator('[role=menu]:visible').boundingBox();
  assert.ok(menu.x >= 0 && menu.x + menu.width <= 900, 'the menu is on the page');
  await accessible(page);
  await picture(page, 'keys-rtl-900');
});

/** Nothing wider than the page, nothing outside of it, and every target large enough for a thumb. */
async function reachable(page, what) {
  const { wide, small, outside } = await page.evaluate(() => {
    const shown = [...document.querySelectorAll('button, select, .tick')].map((node) => [node.textContent || node.ariaLabel, node.getBoundingClientRect()]).filter(([, box]) => box.width > 0);
    const sides = ([, box]) => box.left < 0 || box.right > innerWidth;
    return {
      wide: document.documentElement.scrollWidth - innerWidth,
      small: shown.filter(([, box]) => box.width < 43.5 || box.height < 43.5).map(([name, box]) => `${name}: ${box.width} x ${box.height}`),
      outside: shown.filter(sides).map(([name]) => name),
    };
  });
  assert.ok(wide <= 0, `${what}: ${wide} px too wide`);
  assert.deepEqual([small, outside], [[], []], what);
}
