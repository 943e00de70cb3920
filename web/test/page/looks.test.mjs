// Sizes, themes, scaling and full screen. The pictures in artifacts/ are for people to look at.

import assert from 'node:assert/strict';
import { accessible, drawn, inState, paged, picture, TOKEN } from './scene.mjs';

paged('the scale follows the query; a link takes the bar away in a frame only, where the panel may have its own', {}, async ({ gateway, page, open }) => {
  await open('?scale=off&toolbar=off');
  await drawn(page);
  const canvas = await page.locator('.screen canvas').boundingBox();
  assert.deepEqual([canvas.width, canvas.height], [640, 400]);
  assert.equal(await page.getByRole('toolbar').isVisible(), true);
  gateway.files['/framing'] = ['text/html', `<title>framing</title><iframe src="/console?toolbar=off#${TOKEN}"></iframe>`];
  await page.goto(`${gateway.origin}/framing`);
  const frame = page.frameLocator('iframe');
  await frame.locator('main.console[data-state="connected"]').waitFor();
  assert.equal(await frame.getByRole('toolbar').isVisible(), false);
  await page.goto('about:blank');
  await open();
  await drawn(page);
  const box = await page.locator('.screen').boundingBox();
  const fitted = await page.locator('.screen canvas').boundingBox();
  assert.ok(Math.abs(fitted.height - box.height) < 2, 'the picture fills the height');
  await page.getByRole('button', { name: 'Size' }).click();
  await page.getByRole('menuitemradio', { name: 'Actual size' }).click();
  assert.equal((await page.locator('.screen canvas').boundingBox()).width, 640);
});

paged('full screen hides the bar until it is needed', {}, async ({ page, open }) => {
  await open();
  await drawn(page);
  await page.getByRole('button', { name: 'Full screen' }).click();
  await page.waitForFunction(() => document.fullscreenElement !== null);
  await page.locator('.full .screen canvas').hover();
  await page.waitForFunction(() => document.querySelector('.bar').getBoundingClientRect().bottom < 10);
  const ground = await page.locator('.screen').evaluate((screen) => getComputedStyle(screen).backgroundColor);
  assert.equal(ground, 'rgb(12, 15, 18)', 'dark around the picture, in the light theme too');
  await picture(page, 'full-screen-quiet-1280');
  await page.mouse.move(600, 2);
  await page.waitForFunction(() => document.querySelector('.bar').getBoundingClientRect().top > -1);
  await picture(page, 'full-screen-1280');
});

for (const [name, width, height] of [['phone', 320, 640], ['desktop', 1600, 1000]]) {
  for (const colorScheme of ['light', 'dark']) {
    paged(`looks right: ${name}, ${colorScheme}`, { viewport: { width, height }, colorScheme, hasTouch: name === 'phone' }, async ({ gateway, page, open }) => {
      gateway.steps = [{ console: { title: 'a-rather-long-name.customers.example.com', rights: ['input'] } }];
      await open();
      await drawn(page);
      await narrow(page);
      await picture(page, `connected-${colorScheme}-${name}`);
      gateway.steps = [{ close: [4502, '{"code":"host_refused","ref":"01JD7Q3F6ZK2V9T8XW4"}'] }];
      gateway.sockets.at(-1).terminate();
      await page.getByText('refused the console').first().waitFor();
      await narrow(page);
      await picture(page, `refused-${colorScheme}-${name}`);
      await page.getByRole('button', { name: 'Cancel' }).click();
      await inState(page, 'ended');
      await accessible(page);
      await picture(page, `cancelled-${colorScheme}-${name}`);
    });
  }
}

async function narrow(page) {
  const { wide, targets } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth - innerWidth,
    targets: [...document.querySelectorAll('button')].map((button) => button.getBoundingClientRect()).filter((box) => box.width > 0).map((box) => Math.min(box.width, box.height, innerWidth - box.right + 100)),
  }));
  assert.ok(wide <= 0, `${wide} px too wide`);
  for (const size of targets) assert.ok(size >= 24, `a target of ${size} px`);
}
