// The terminal as the page drives it (screen/screen.ts), on a channel that the test holds in its hands.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accessible, paged } from './scene.mjs';
import { DIST } from './gateway.mjs';

const CHUNK = Object.keys(JSON.parse(readFileSync(join(DIST, 'manifest.json'), 'utf8')).files).find((name) => /^assets\/terminal-\w+\.js$/.test(name));

/** A test in a page that has no session of its own but `open` and `printed` of `prepare`. */
function driven(name, body) {
  paged(name, {}, async ({ gateway, page }) => {
    await page.goto(`${gateway.origin}/console`);
    await page.waitForSelector('main.console[data-state="ended"]');
    await page.evaluate(prepare, `${gateway.origin}/${CHUNK}`);
    await body(page);
  });
}

/** Runs in the page: `open` makes a terminal over the whole of it, and `printed` waits until the machine's words are there. */
async function prepare(chunk) {
  const { openTerminal } = await import(chunk);
  class Channel extends EventTarget {
    readyState = 1;
    bufferedAmount = 0;
    sent = [];
    send(message) {
      this.sent.push(new TextDecoder().decode(message));
    }
    say(text) {
      this.dispatchEvent(new MessageEvent('message', { data: new TextEncoder().encode(text).buffer }));
    }
  }
  globalThis.open = (options) => {
    const target = document.createElement('div');
    target.style.cssText = 'position: fixed; inset: 0; z-index: 9';
    document.querySelector('main').append(target);
    const channel = new Channel();
    const happened = { connected: 0, failed: 0, clipboard: [], sizes: [] };
    const words = new Proxy({}, { get: (_, key) => `{${String(key)}}` });
    const screen = openTerminal(target, channel, { viewOnly: false, clipboard: false, scale: 'fit', label: 'Terminal', describedBy: 'leave-hint', words, ...options }, {
      connected: () => (happened.connected += 1),
      failed: () => (happened.failed += 1),
      clipboard: (text) => happened.clipboard.push(text),
      resized: (columns, rows) => happened.sizes.push([columns, rows]),
    });
    return { target, channel, happened, screen, typed: () => channel.sent.filter((message) => message.startsWith('0:')).map((message) => message.replace(/^0:\d+:/, '')).join('') };
  };
  // xterm.js parses in turns of its own; it answers the question after all before it.
  globalThis.printed = async ({ channel, typed }, text) => {
    const before = typed().length;
    channel.say(`${text}\x1b[5n`);
    while (typed().length === before) await new Promise((next) => setTimeout(next));
    channel.sent.length = 0;
  };
}

driven('the first message, even an empty one, says that the login is done; text is no terminal', async (page) => {
  const seen = await page.evaluate(() => {
    const { channel, happened } = globalThis.open({});
    channel.dispatchEvent(new Event('open'));
    const before = happened.connected;
    channel.say('');
    channel.say('more');
    const { connected, failed } = happened;
    channel.dispatchEvent(new MessageEvent('message', { data: 'text' }));
    return { before, connected, failed, after: happened.failed, sizes: happened.sizes.length, first: channel.sent[0] };
  });
  assert.deepEqual({ ...seen, first: undefined }, { before: 0, connected: 1, failed: 0, after: 1, sizes: 1, first: undefined });
  assert.match(seen.first, /^1:\d+:\d+:$/);
});

driven('keys by name, held keys, pastes and a sign of life arrive', async (page) => {
  const sent = await page.evaluate(() => {
    const { channel, screen } = globalThis.open({});
    screen.sendKeys(['Control', 'Alt', 'Delete']);
    screen.hold('Control', true);
    screen.hold('F5', true);
    screen.hold('F5', false);
    screen.hold('Control', false);
    screen.paste('a\nb');
    screen.stay();
    screen.setViewOnly(true);
    screen.sendKeys(['Enter']);
    screen.paste('no');
    screen.stay();
    return channel.sent;
  });
  const size = sent.at(-1);
  assert.match(size, /^1:\d+:\d+:$/);
  assert.deepEqual(sent, ['0:6:\x1b[3;7~', '0:7:\x1b[15;5~', '0:3:a\rb', size, size]);
});

driven('a held key changes what is typed', async (page) => {
  await page.evaluate(() => {
    globalThis.made = globalThis.open({});
    globalThis.made.screen.focus();
    globalThis.made.screen.hold('Control', true);
  });
  await page.keyboard.type('c');
  await page.evaluate(() => globalThis.made.screen.hold('Control', false));
  await page.keyboard.type('c');
  assert.equal(await page.evaluate(() => globalThis.made.typed()), '\x03c');
});

driven('x08_text_from_a_program_reaches_the_page_only_with_the_right', async (page) => {
  const come = await page.evaluate(async (offer) => {
    const all = [];
    for (const clipboard of [false, true]) {
      const made = globalThis.open({ clipboard });
      await globalThis.printed(made, offer);
      all.push(made.happened.clipboard);
      made.screen.close();
    }
    return all;
  }, `\x1b]52;c;${Buffer.from('é€😀').toString('base64')}\x07\x1b]52;c;?\x07`);
  assert.deepEqual(come, [[], ['é€😀']]);
});

driven('letters grow, shrink, go back, and are kept; the size follows', async (page) => {
  const seen = await page.evaluate(() => {
    const { screen, happened } = globalThis.open({});
    const { terminal } = screen;
    const sizes = [terminal.fontSize(0), terminal.fontSize(1), terminal.fontSize(1), terminal.fontSize(-1)];
    for (let n = 0; n < 50; n += 1) terminal.fontSize(1);
    return { sizes, kept: localStorage.getItem('consolegate.font-size'), largest: terminal.fontSize(1), told: happened.sizes };
  });
  assert.deepEqual(seen.sizes, [14, 15, 16, 15]);
  assert.deepEqual([seen.largest, seen.kept], [32, '32']);
  assert.ok(seen.told.at(-1)[0] < seen.told[0][0] / 1.8, JSON.stringify(seen.told));
});

driven('a screen reader hears new lines when it is asked for', async (page) => {
  await page.evaluate(async () => {
    globalThis.made = globalThis.open({});
    globalThis.made.screen.terminal.screenReader(true);
    await globalThis.printed(globalThis.made, 'first words\r\n');
  });
  await page.waitForFunction(() => document.querySelector('.xterm-accessibility [aria-live]')?.textContent.includes('first words'));
  assert.equal(await page.locator('.xterm-accessibility [role=listitem]').first().textContent(), 'first words');
  await accessible(page);
  await page.evaluate(() => globalThis.made.screen.terminal.screenReader(false));
  assert.equal(await page.locator('.xterm-accessibility').count(), 0);
});

driven('a picture shows the letters and their colours', async (page) => {
  const shown = await page.evaluate(async () => {
    const made = globalThis.open({});
    await globalThis.printed(made, '\x1b[48;2;18;52;86m          \x1b[0m\r\n\x1b[48;5;196m          \x1b[0m\r\n\x1b[7m          ');
    const bitmap = await createImageBitmap(await made.screen.screenshot());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d');
    context.drawImage(bitmap, 0, 0);
    const line = made.target.querySelector('.xterm-screen').getBoundingClientRect();
    const high = line.height / (made.happened.sizes[0]?.[1] ?? 1);
    const at = (row) => [...context.getImageData(Math.round(line.left + 20), Math.round(line.top + (row + 0.5) * high), 1, 1).data.slice(0, 3)];
    const ink = getComputedStyle(document.documentElement).getPropertyValue('--cg-term-fg').trim();
    return { size: [bitmap.width, bitmap.height], box: [innerWidth, innerHeight], rows: [at(0), at(1), at(2)], ink };
  });
  assert.deepEqual(shown.size, shown.box);
  assert.deepEqual(shown.rows.slice(0, 2), [[18, 52, 86], [255, 0, 0]]);
  assert.equal(`#${shown.rows[2].map((part) => part.toString(16).padStart(2, '0')).join('')}`, shown.ink);
});

driven('a closed terminal leaves nothing behind', async (page) => {
  const left = await page.evaluate(() => {
    const before = document.adoptedStyleSheets.length;
    const made = globalThis.open({});
    made.screen.close();
    const first = document.adoptedStyleSheets.length;
    const again = globalThis.open({});
    again.screen.close();
    made.channel.dispatchEvent(new Event('open'));
    made.channel.say('late');
    return { before, first, second: document.adoptedStyleSheets.length, children: made.target.children.length, sent: made.channel.sent, connected: made.happened.connected };
  });
  assert.ok(left.first > left.before, "the terminal's own sheets stay for the next one");
  assert.deepEqual([left.first, left.children, left.sent, left.connected], [left.second, 0, [], 0]);
});
