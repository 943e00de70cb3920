// The terminal: what is typed, pasted and shown, in a browser with and without WebGL.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launch, watch } from './browser.mjs';
import { startGateway } from './gateway.mjs';
import { accessible, cut, inState, paged, picture, TOKEN, until } from './scene.mjs';

const TERM = { kind: 'lxc', protocol: 'term', title: 'mail-01' };
const KEPT = 'consolegate.font-size';

/** A test with a terminal that is connected and has the keyboard; `elements`: drawn without WebGL, so that it can be read. */
function termed(name, { elements = false, console = {}, step = {}, before = () => undefined, ...options }, body) {
  paged(name, options, async (scene) => {
    const { gateway, page, open } = scene;
    gateway.steps = [{ ...step, console: { ...TERM, ...console } }];
    if (elements) await page.addInitScript(withoutWebGl);
    await before(scene);
    await open();
    await inState(page, 'connected');
    await body(scene);
    assert.deepEqual(gateway.term.wrong, []);
  });
}

function withoutWebGl() {
  const original = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
    return kind === 'webgl2' ? null : original.call(this, kind, ...rest);
  };
}

const print = (gateway, text) => gateway.sockets.at(-1).send(Buffer.from(text));

/** This has been typed, and no more: the terminal answers the question after all that came before it. */
async function typedOnly(gateway, text, why) {
  print(gateway, '\x1b[5n');
  await until(() => gateway.term.typed.toString().endsWith('\x1b[0n'));
  assert.equal(gateway.term.typed.toString(), `${text}\x1b[0n`, why);
}

const rows = (page) => page.locator('.xterm-rows > div').allTextContents();
const shows = (page, text) =>
  page.waitForFunction((wanted) => [...document.querySelectorAll('.xterm-rows > div')].some((row) => row.textContent.replaceAll('\xa0', ' ').includes(wanted)), text);

/** As the browser tells of a paste, which is all the page relies on. */
const paste = (page, text) =>
  page.evaluate((pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', pasted);
    document.querySelector('.xterm-helper-textarea').dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  }, text);

termed('x04_what_is_typed_arrives_byte_for_byte', {}, async ({ gateway, page }) => {
  await page.waitForFunction(() => document.activeElement.matches('.xterm-helper-textarea'));
  await page.keyboard.insertText('é€😀');
  await page.keyboard.type('ls -l');
  for (const key of ['Enter', 'Tab', 'Control+c', 'Control+v', 'F5', 'Alt+x']) await page.keyboard.press(key);
  const expected = Buffer.from('é€😀ls -l\r\t\x03\x16\x1b[15~\x1bx');
  await until(() => gateway.term.typed.length >= expected.length);
  assert.deepEqual(gateway.term.typed, expected);
  await accessible(page);
});

termed('x07_a_paste_of_a_mebibyte_arrives_byte_for_byte', {}, async ({ gateway, page }) => {
  const text = 'é€😀 one line of a large paste\n'.repeat(30_000);
  await paste(page, text);
  await page.keyboard.type('#');
  const expected = Buffer.from(`${text.replaceAll('\n', '\r')}#`);
  assert.ok(expected.length > 1024 * 1024);
  await until(() => gateway.term.typed.length >= expected.length);
  assert.ok(gateway.term.typed.equals(expected));
  assert.ok(gateway.term.largest <= 128 * 1024, `a message of ${gateway.term.largest} bytes`);
  assert.ok(gateway.term.messages < 30, `${gateway.term.messages} messages`);
});

termed('output full of questions makes few messages, and typing goes on', { elements: true }, async ({ gateway, page }) => {
  const before = gateway.term.messages;
  print(gateway, `${'\x1b[c'.repeat(100_000)}\r\nasked`);
  await shows(page, 'asked');
  await page.keyboard.type('here');
  await until(() => gateway.term.typed.toString().endsWith('here'));
  assert.match(gateway.term.typed.toString(), /^(\x1b\[\?1;2c)+here$/);
  assert.ok(gateway.term.messages - before < 1000, `${gateway.term.messages - before} messages`);
  assert.equal(gateway.sockets.length, 1);
});

termed('marks without end make many short cells', { elements: true }, async ({ gateway, page }) => {
  print(gateway, `a${'\u0301'.repeat(50_000)}\r\nmarked`);
  await shows(page, 'marked');
  const longest = Math.max(...(await rows(page)).map((row) => row.length));
  assert.ok(longest < 17 * 250, `a row of ${longest}`);
});

termed('a paste is marked where the program asks for it, and cannot end the mark itself', { elements: true }, async ({ gateway, page }) => {
  print(gateway, '\x1b[?2004hready');
  await shows(page, 'ready');
  await paste(page, 'a\n\x1b[201~rm\n');
  const expected = '\x1b[200~a\r\u241b[201~rm\r\x1b[201~';
  await until(() => gateway.term.typed.length >= Buffer.byteLength(expected));
  assert.equal(gateway.term.typed.toString(), expected);
});

termed('x07_a_marked_paste_of_a_mebibyte_arrives_byte_for_byte_between_one_pair_of_marks', { elements: true }, async ({ gateway, page }) => {
  print(gateway, '\x1b[?2004hready');
  await shows(page, 'ready');
  const text = 'é€😀 one line of a large paste\n'.repeat(30_000);
  await paste(page, text);
  await page.keyboard.type('#');
  const expected = Buffer.from(`\x1b[200~${text.replaceAll('\n', '\r')}\x1b[201~#`);
  assert.ok(expected.length > 1024 * 1024);
  await until(() => gateway.term.typed.length >= expected.length);
  assert.ok(gateway.term.typed.equals(expected));
});

termed('x05_the_size_is_told_at_first_and_when_it_changes', {}, async ({ gateway, page }) => {
  await until(() => gateway.term.sizes.length === 1);
  const [[columns, lines]] = gateway.term.sizes;
  assert.ok(columns > 100 && columns < 200 && lines > 30 && lines < 70, `${columns} by ${lines}`);
  await page.setViewportSize({ width: 640, height: 400 });
  await until(() => gateway.term.sizes.length > 1 && gateway.term.sizes.at(-1)[0] < columns / 1.8);
  await page.setViewportSize({ width: 20, height: 20 });
  await until(() => gateway.term.sizes.at(-1)[0] === 2);
  for (const [n, size] of gateway.term.sizes.slice(1).entries()) assert.notDeepEqual(size, gateway.term.sizes[n], 'no size twice');
  assert.equal(gateway.term.typed.length, 0);
});

termed('view only sends sizes and nothing else', { elements: true, console: { rights: [] }, step: { greeting: 'mail-01 login: ' } }, async ({ gateway, page }) => {
  await shows(page, 'mail');
  assert.ok(await page.locator('.xterm-helper-textarea').evaluate((field) => field.readOnly));
  await page.locator('.xterm-screen').click();
  await page.keyboard.type('rm');
  await paste(page, 'rm\n');
  print(gateway, '\x1b[c\x1b[6n\x1b[?1003h asked');
  await shows(page, 'asked');
  await page.mouse.move(300, 300);
  await page.setViewportSize({ width: 900, height: 600 });
  await until(() => gateway.term.sizes.length === 2);
  assert.equal(gateway.term.typed.length, 0);
  await page.keyboard.press('Tab');
  assert.ok(!(await page.evaluate(() => document.activeElement.matches('.xterm-helper-textarea'))), 'Tab leaves a terminal that takes no keys');
  await accessible(page);
});

termed('a silent line is connected all the same', { step: { greeting: '' } }, async ({ gateway, page }) => {
  await page.keyboard.type('hello');
  await until(() => gateway.term.typed.toString() === 'hello');
});

termed('the search finds, counts and gives the keyboard back', { elements: true, colorScheme: 'light' }, async ({ gateway, page }) => {
  const lines = Array.from({ length: 200 }, (_, n) => `line ${n}${n % 50 === 7 ? ' Needle' : ''}`);
  print(gateway, `\r\n${lines.join('\r\n')}\r\nneedle end`);
  await shows(page, 'needle end');
  await page.keyboard.press('Control+Shift+F');
  const field = page.getByRole('searchbox', { name: 'Search the terminal' });
  await field.fill('needle');
  const says = (count) => page.waitForFunction((wanted) => document.querySelector('.found').textContent === wanted, count);
  await says('5 of 5');
  await field.press('Enter');
  await says('4 of 5');
  await page.getByRole('button', { name: 'Previous match' }).click();
  await says('3 of 5');
  await shows(page, 'line 107 Needle');
  await field.press('Shift+Enter');
  await page.getByRole('button', { name: 'Next match' }).click();
  await says('5 of 5');
  await page.getByRole('button', { name: 'Match case' }).click();
  await says('1 of 1');
  await shows(page, 'needle end');
  await accessible(page);
  await picture(page, 'terminal-search-light-1280');
  await field.fill('nowhere');
  await says('Not found');
  assert.ok(!(await page.evaluate(() => document.querySelector('main').classList.contains('keys'))), 'the keys do not go to the machine');
  await field.press('Escape');
  assert.equal(await field.isVisible(), false);
  await page.keyboard.type('x');
  await until(() => gateway.term.typed.toString() === 'x');
});

termed('what is selected is copied', { permissions: ['clipboard-read', 'clipboard-write'], elements: true }, async ({ gateway, page }) => {
  print(gateway, '\r\nunmistakable');
  await shows(page, 'unmistakable');
  const row = (await rows(page)).findIndex((text) => text.includes('unmistakable'));
  const box = await page.locator('.xterm-rows > div').nth(row).boundingBox();
  await page.mouse.dblclick(box.x + 30, box.y + box.height / 2);
  await page.keyboard.press('Control+Shift+C');
  await page.waitForFunction(async () => (await navigator.clipboard.readText()) === 'unmistakable');
  await page.keyboard.press('Control+Shift+V');
  await until(() => gateway.term.typed.toString() === 'unmistakable');
});

termed('x08_a_program_can_neither_read_nor_write_the_clipboard_without_the_right', { permissions: ['clipboard-read', 'clipboard-write'], elements: true }, async ({ gateway, page }) => {
  await page.evaluate(() => navigator.clipboard.writeText('mine'));
  print(gateway, `\x1b]52;c;${Buffer.from('theirs').toString('base64')}\x07\x1b]52;c;?\x07\x1b]0;a title\x07\x1b[21t done`);
  await shows(page, 'done');
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'mine');
  await typedOnly(gateway, '', 'no answer to questions about clipboard and title');
  assert.equal(await page.title(), 'mail-01');
});

termed('x08_text_of_a_program_is_only_offered_until_somebody_copies_it', { permissions: ['clipboard-read', 'clipboard-write'], elements: true, console: { rights: ['input', 'clipboard'] } }, async ({ gateway, page }) => {
  await page.evaluate(() => navigator.clipboard.writeText('mine'));
  print(gateway, `\x1b]52;c;${Buffer.from('theirs').toString('base64')}\x07 done`);
  await shows(page, 'done');
  await page.keyboard.type('x');
  await typedOnly(gateway, 'x');
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'mine');
});

termed('x08_a_program_with_the_right_still_cannot_ask_for_the_clipboard', { permissions: ['clipboard-read', 'clipboard-write'], elements: true, console: { rights: ['input', 'clipboard'] } }, async ({ gateway, page }) => {
  await page.evaluate(() => navigator.clipboard.writeText('secret'));
  print(gateway, '\x1b]52;c;?\x07\x1b]52;p;?\x1b\\ done');
  await shows(page, 'done');
  await typedOnly(gateway, '');
});

termed('x08_a_link_shows_where_it_leads_and_opens_only_with_a_key_held', { elements: true }, async ({ gateway, page }) => {
  const link = (address, text) => `\x1b]8;;${address}\x1b\\${text}\x1b]8;;\x1b\\`;
  print(gateway, `\r\n${link(`${gateway.origin}/manifest.json`, 'https://bank.example')} ${link('javascript:alert(1)', 'wicked')}`);
  await shows(page, 'wicked');
  const row = (await rows(page)).findIndex((text) => text.includes('bank'));
  const box = await page.locator('.xterm-rows > div').nth(row).boundingBox();
  const popups = [];
  page.on('popup', (popup) => popups.push(popup));
  await page.mouse.move(box.x + 40, box.y + box.height / 2);
  await page.waitForFunction(() => document.querySelector('.terminal-box').title.includes('/manifest.json'));
  assert.match(await page.locator('.terminal-box').getAttribute('title'), /Ctrl or ⌘/);
  await page.mouse.click(box.x + 40, box.y + box.height / 2);
  await page.keyboard.down('Control');
  const opened = page.waitForEvent('popup');
  await page.mouse.click(box.x + 40, box.y + box.height / 2);
  const popup = await opened;
  await popup.waitForURL(`${gateway.origin}/manifest.json`);
  assert.equal(await popup.evaluate(() => [window.opener, document.referrer].join()), ',');
  await page.mouse.click(box.x + 22 * 8.5, box.y + box.height / 2);
  await page.keyboard.up('Control');
  assert.equal(popups.length, 1);
});

termed('three keys together leave the terminal', {}, async ({ gateway, page }) => {
  for (const key of ['Control', 'Alt', 'Shift']) await page.keyboard.down(key);
  for (const key of ['Shift', 'Alt', 'Control']) await page.keyboard.up(key);
  await page.waitForFunction(() => document.activeElement.closest('[role=toolbar]'));
  await typedOnly(gateway, '');
});

termed('a cut is mended over the last picture, in a new terminal', {}, async ({ gateway, page }) => {
  await cut(gateway, { then: { console: TERM, greeting: 'again:~$ ' } });
  const inks = await page.evaluate(() => {
    const frozen = document.querySelector('canvas.frozen');
    const { data } = frozen.getContext('2d').getImageData(0, 0, frozen.width, frozen.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
  assert.ok(inks > 3, `${inks} colours: letters were drawn`);
  assert.equal(await page.locator('.xterm').count(), 0);
  await picture(page, 'terminal-reconnecting-1280');
  gateway.release();
  await inState(page, 'connected');
  assert.equal(await page.locator('.xterm').count(), 1);
  assert.equal(await page.locator('canvas.frozen').count(), 0);
  await page.keyboard.type('ok');
  await until(() => gateway.term.typed.toString() === 'ok');
});

for (const colorScheme of ['light', 'dark']) {
  termed(`looks right: ${colorScheme}`, { colorScheme, elements: true }, async ({ gateway, page }) => {
    const colours = Array.from({ length: 16 }, (_, n) => `\x1b[${n < 8 ? 30 + n : 82 + n}mcolour ${n}\x1b[0m \x1b[48;5;${n}m on ${n} \x1b[0m \x1b[38;2;${n * 16};90;${255 - n * 16}mtrue ${n}\x1b[0m`);
    print(gateway, `\r\n${colours.join('\r\n')}\r\n\x1b[1mbold\x1b[0m \x1b[3mitalic\x1b[0m \x1b[4munderlined\x1b[0m \x1b[7minverse\x1b[0m 漢字 😀 └─┘ shown`);
    await shows(page, 'shown');
    const styled = await page.evaluate(() => [...document.querySelectorAll('.xterm-rows span')].filter((span) => span.textContent.includes('true')).map((span) => getComputedStyle(span).color));
    assert.ok(new Set(styled).size > 10, 'colours of their own are applied under the policy');
    await accessible(page);
    await picture(page, `terminal-${colorScheme}-1280`);
  });
}

termed('letters have the size that was kept', { before: ({ page }) => page.addInitScript((key) => localStorage.setItem(key, '28'), KEPT) }, async ({ gateway }) => {
  await until(() => gateway.term.sizes.length === 1);
  assert.ok(gateway.term.sizes[0][0] < 80, `${gateway.term.sizes[0]}`);
});

termed('a browser that keeps nothing shows the terminal', { before: ({ page }) => page.addInitScript(withoutStorage) }, async ({ gateway }) => {
  await until(() => gateway.term.sizes.length === 1);
  assert.ok(gateway.term.sizes[0][0] > 100, `${gateway.term.sizes[0]}`);
});

function withoutStorage() {
  Object.defineProperty(window, 'localStorage', {
    get: () => {
      throw new DOMException('forbidden', 'SecurityError');
    },
  });
}

termed('the canvas is given up when the browser takes it away', {}, async ({ gateway, page }) => {
  assert.equal(await page.locator('.xterm-rows').count(), 0, 'drawn with WebGL at first');
  await page.evaluate(() => {
    for (const canvas of document.querySelectorAll('.xterm-screen canvas')) canvas.getContext('webgl2')?.getExtension('WEBGL_lose_context').loseContext();
  });
  await page.waitForSelector('.xterm-rows', { timeout: 30_000 });
  print(gateway, 'still here');
  await shows(page, 'still here');
});

test('a browser without WebGL shows the terminal', { timeout: 60_000 }, async (t) => {
  const gateway = await startGateway();
  t.after(() => gateway.stop());
  const browser = await launch(['--disable-3d-apis']);
  t.after(() => browser.close());
  const page = await browser.newPage();
  const complaints = watch(page);
  gateway.steps = [{ console: TERM }];
  await page.goto(`${gateway.origin}/console#${TOKEN}`);
  await shows(page, 'web-01:~$');
  await page.keyboard.type('é');
  await until(() => gateway.term.typed.toString() === 'é');
  assert.deepEqual(complaints, []);
});

for (const deviceScaleFactor of [2, 3]) {
  termed(`emulated devices of ${deviceScaleFactor} pixels to a point show their terminal`, { viewport: { width: 390, height: 844 }, deviceScaleFactor, isMobile: true, hasTouch: true, step: { greeting: 'mail-01 login: ' } }, async ({ page }) => {
    // The browser tells a canvas of other pixels than it has, so nothing would be drawn on it.
    await shows(page, 'mail-01 login:');
    assert.equal(await page.locator('.xterm-screen > canvas').count(), 0, 'drawn with elements');
    await page.setViewportSize({ width: 844, height: 390 });
    await shows(page, 'mail-01 login:');
  });
}

const withClock = ({ page }) => page.clock.install();

termed('a canvas that fits is used', { before: withClock }, async ({ page }) => {
  await page.clock.runFor(300);
  assert.ok((await page.locator('.xterm-screen > canvas').count()) > 0);
});

termed('a serial console that says nothing more has its key named, until it speaks or something is typed', { elements: true, console: { kind: 'qemu' }, step: { greeting: 'starting serial terminal on interface serial0\r\n' } }, async ({ gateway, page }) => {
  const hint = page.locator('.wake', { hasText: 'Press Enter to wake it.' });
  await hint.waitFor();
  await accessible(page);
  await picture(page, 'terminal-quiet-1280');
  print(gateway, '\r\nmail-01 login: ');
  await hint.waitFor({ state: 'hidden' });
});

termed('a prompt needs no hint', { elements: true, before: withClock, step: { greeting: '\r\nmail-01 login: ' } }, async ({ page }) => {
  await shows(page, 'login:');
  await page.clock.fastForward(3000);
  assert.equal(await page.locator('.wake').isVisible(), false);
});

termed('nor does who has typed already', { elements: true, before: withClock, step: { greeting: '' } }, async ({ page }) => {
  await page.keyboard.press('Enter');
  await page.clock.fastForward(3000);
  assert.equal(await page.locator('.wake').isVisible(), false);
});
