// The console page connects, is driven and looked at.

import assert from 'node:assert/strict';
import { allCame, card, drawn, inState, keys, paged, picture, accessible, pixel, TOKEN, until } from './scene.mjs';
import { CORNER } from './rfb.mjs';

paged('p02_the_token_leaves_the_address_and_the_picture_comes', {}, async ({ gateway, page, open }) => {
  await open();
  await drawn(page);
  assert.equal(page.url(), `${gateway.origin}/console`);
  assert.equal(await page.evaluate(() => history.length), 2, 'about:blank and the page, no entry with the token');
  assert.deepEqual(await pixel(page, 1, 1), CORNER);
  assert.deepEqual(gateway.calls.map((call) => call.token), [TOKEN]);
  for (const { url, referer, cookie } of gateway.requests) {
    assert.ok(!url.includes(TOKEN));
    assert.deepEqual([referer, cookie], [undefined, undefined]);
  }
  assert.equal(await page.title(), 'web-01');
  assert.ok(await page.evaluate(() => document.activeElement.matches('.screen canvas')), 'the keyboard is in the screen');
  await accessible(page);
  await picture(page, 'connected-light-1280');
});

paged('what is typed and clicked reaches the machine', {}, async ({ gateway, page, open }) => {
  await open();
  await drawn(page);
  await page.keyboard.type('ls');
  await page.getByRole('button', { name: 'Ctrl+Alt+Del' }).click();
  await page.keyboard.press('Tab');
  await page.locator('.screen canvas').click();
  await page.waitForFunction(() => document.activeElement.matches('.screen canvas'));
  await allCame(gateway);
  assert.ok(gateway.seen.some((seen) => seen.buttons === 1));
  const down = keys(gateway).filter((key) => key.down).map(({ key }) => key);
  assert.deepEqual(down, [0x6c, 0x73, 0xffe3, 0xffe9, 0xffff, 0xff09]);
});

paged('the keyboard can leave the screen and walk the bar', {}, async ({ gateway, page, open }) => {
  await open();
  await drawn(page);
  for (const key of ['Control', 'Alt', 'Shift']) await page.keyboard.down(key);
  for (const key of ['Shift', 'Alt', 'Control']) await page.keyboard.up(key);
  await page.waitForFunction(() => document.activeElement.closest('[role=toolbar]'));
  await allCame(gateway);
  assert.equal(keys(gateway).length, 6);
  assert.equal(keys(gateway).filter(({ down }) => !down).length, 3, 'the machine saw the keys go up');
  assert.match(await page.getByRole('status').textContent(), /keyboard has left/);
  const label = () => page.evaluate(() => document.activeElement.textContent);
  assert.equal(await label(), 'Ctrl+Alt+Del');
  for (const [key, expected] of [['ArrowRight', 'Keys'], ['End', 'Disconnect'], ['ArrowRight', 'Ctrl+Alt+Del'], ['ArrowLeft', 'Disconnect'], ['Home', 'Ctrl+Alt+Del']]) {
    await page.keyboard.press(key);
    assert.equal(await label(), expected);
  }
  assert.equal(await page.locator('[role=toolbar] [tabindex="0"]').count(), 1, 'one tab stop');
  await page.keyboard.press('Tab');
  assert.ok(await page.evaluate(() => document.activeElement.matches('.screen')), 'Tab goes on to the screen, not into it');
  assert.match(await page.locator('#enter-hint').textContent(), /^Press Enter/);
  await accessible(page);
  await picture(page, 'doorstep-1280');
  await page.keyboard.press('Tab');
  assert.ok(await page.evaluate(() => !document.querySelector('main').contains(document.activeElement) || document.activeElement.matches('main')), 'and out of the page');
  await page.keyboard.press('Shift+Tab');
  assert.ok(await page.evaluate(() => document.activeElement.matches('.screen')));
  await page.keyboard.press('Enter');
  assert.ok(await page.evaluate(() => document.activeElement.matches('.screen canvas')), 'Enter leads in');
  await page.keyboard.press('Tab');
  await allCame(gateway);
  assert.deepEqual(keys(gateway).slice(6).map(({ key }) => key), [0xff09, 0xff09], 'nothing but what was typed in it');
});

paged('a pointer is always to be seen: a dot where the machine draws none, the page\u2019s own where one only watches', {}, async ({ gateway, page, open }) => {
  const cursor = () => page.locator('.screen canvas').evaluate((canvas) => getComputedStyle(canvas).cursor);
  await open();
  await drawn(page);
  assert.match(await cursor(), /^url\("data:image/);
  gateway.steps = [{ console: { rights: [] } }];
  await page.evaluate(() => (location.hash = 'second.token.x'));
  await page.getByText('View only', { exact: true }).waitFor();
  await drawn(page);
  assert.equal(await cursor(), 'default');
  const described = await page.locator('.screen canvas').evaluate((canvas) => document.getElementById(canvas.getAttribute('aria-describedby')).textContent);
  assert.match(described, /^You can watch this console/);
  await page.getByRole('button', { name: 'Help' }).click();
  const help = page.getByRole('dialog', { name: 'Help' });
  await help.getByText('You only watch this console').waitFor();
  assert.doesNotMatch(await help.textContent(), /Keys go to the machine|Tap|which key you press/);
});

paged('view only is said, and no key leaves the page', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ console: { rights: [], theme: 'dark' } }];
  await open('?theme=light');
  await drawn(page);
  assert.ok(await page.getByText('View only', { exact: true }).isVisible());
  assert.equal(await page.getByRole('button', { name: 'Ctrl+Alt+Del' }).isVisible(), false);
  await page.locator('.screen canvas').click();
  await page.keyboard.type('rm');
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark', 'the token wins over the query');
  await accessible(page);
  await picture(page, 'view-only-dark-1280');
  await allCame(gateway);
  gateway.sockets.at(-1).close(1000);
  await inState(page, 'ended');
  assert.deepEqual(gateway.seen, []);
});

paged('a new link in the same frame starts anew', {}, async ({ gateway, page, open }) => {
  await open();
  await drawn(page);
  gateway.steps = [{ console: { title: 'db-02' } }];
  await page.evaluate(() => {
    location.hash = 'second.token.x';
  });
  await page.waitForFunction(() => document.title === 'db-02');
  await drawn(page);
  assert.equal(page.url(), `${gateway.origin}/console`);
  assert.deepEqual(gateway.calls.map((call) => call.token), [TOKEN, 'second.token.x']);
  await until(() => gateway.sockets[0].readyState === 3);
});

paged('a reload says that a new link is needed', {}, async ({ gateway, page, open }) => {
  await open();
  await drawn(page);
  await page.reload();
  await inState(page, 'ended');
  assert.equal((await card(page)).title, 'This console needs a new link');
  assert.equal(gateway.calls.length, 1);
});

paged('the button goes when the gateway has forgotten the session', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ close: [4429, '{"code":"limit_guest","ref":"r9"}'], resume_seconds: 1 }];
  await open();
  await inState(page, 'ended');
  assert.ok(await page.getByRole('button', { name: 'Reconnect' }).isVisible());
  await page.getByRole('button', { name: 'Reconnect' }).waitFor({ state: 'hidden' });
  assert.equal((await card(page)).progress, 'Open the console again from your panel.');
});

paged('nonsense from the far side is said, not thrown', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ greet: 'HTTP/1.1 400 no\r\n\r\n' }];
  await open();
  await inState(page, 'ended');
  assert.equal((await card(page)).title, 'The picture could not be shown');
});

paged('a console of a kind that the page cannot show is said', {}, async ({ gateway, page, open }) => {
  gateway.steps = [{ console: { protocol: 'hologram' } }];
  await open();
  await inState(page, 'ended');
  assert.equal((await card(page)).title, 'This kind of console is not available here');
  assert.equal(gateway.sockets.length, 0);
});

paged('a page whose script does not start says so', {}, async ({ page, open }) => {
  await page.route('**/assets/console-*.js', (route) => route.abort());
  await open();
  const words = page.getByText('too old for the console');
  await words.waitFor({ state: 'visible', timeout: 10_000 });
  await page.unroute('**/assets/console-*.js');
  await page.goto('about:blank');
  await open();
  await inState(page, 'connected');
  assert.equal(await words.count(), 0);
});
