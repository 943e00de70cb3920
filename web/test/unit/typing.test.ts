import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fits, isLayoutId, LAYOUTS, layoutFor, loadLayout, type LayoutId } from '../../src/keyboard/layout.ts';
import { missingFrom, placesOf, tapsOf } from '../../src/keyboard/typing.ts';
import { letGo, secondsFor, type, type Outcome } from '../../src/keyboard/typist.ts';

/** `ga KeyQ` is AltGr with that key, `s KeyA` Shift; several keys are joined by `, `. */
async function typed(id: LayoutId, text: string): Promise<string[]> {
  const layout = await loadLayout(id);
  return [...text].map((char) => {
    const places = placesOf(char, layout);
    return places?.map(([, code, held]) => `${['', 's ', 'g ', 'sg '][held]}${code}`).join(', ') ?? 'none';
  });
}

const TABLE: readonly [LayoutId, string, readonly string[]][] = [
  ['en-us', 'aZ@[]{}\\|~^`#"', ['KeyA', 's KeyZ', 's Digit2', 'BracketLeft', 'BracketRight', 's BracketLeft', 's BracketRight', 'Backslash', 's Backslash', 's Backquote', 's Digit6', 'Backquote', 's Digit3', 's Quote']],
  ['en-gb', '@"#~£€\\|', ['s Quote', 's Digit2', 'Backslash', 's Backslash', 's Digit3', 'g Digit4', 'IntlBackslash', 's IntlBackslash']],
  ['de', 'zY@€[]{}\\|~ß/', ['KeyY', 's KeyZ', 'g KeyQ', 'g KeyE', 'g Digit8', 'g Digit9', 'g Digit7', 'g Digit0', 'g Minus', 'g IntlBackslash', 'g BracketRight', 'Minus', 's Digit7']],
  ['de', '^`é', ['Backquote, Space', 's Equal, Space', 'Equal, KeyE']],
  ['de-nodeadkeys', '^`', ['Backquote', 's Equal']],
  ['fr', 'aqA1@€[]{}\\|~ê', ['KeyQ', 'KeyA', 's KeyQ', 's Digit1', 'g Digit0', 'g KeyE', 'g Digit5', 'g Minus', 'g Digit4', 'g Equal', 'g Digit8', 'g Digit6', 'g Digit2', 'BracketLeft, KeyE']],
  ['es', 'ñ@€[]{}\\|~á', ['Semicolon', 'g Digit2', 'g KeyE', 'g BracketLeft', 'g BracketRight', 'g Quote', 'g Backslash', 'g Backquote', 'g Digit1', 'g Digit4', 'Quote, KeyA']],
  ['it', '@#[]{}\\|', ['g Semicolon', 'g Quote', 'g BracketLeft', 'g BracketRight', 'sg BracketLeft', 'sg BracketRight', 'Backquote', 's Backquote']],
  ['pt-br', 'ç/?@[]{}\\|~ã', ['Semicolon', 'IntlRo', 's IntlRo', 's Digit2', 'BracketRight', 'Backslash', 's BracketRight', 's Backslash', 'IntlBackslash', 's IntlBackslash', 'Quote, Space', 'Quote, KeyA']],
];

for (const [id, text, expected] of TABLE) {
  test(`${id} has ${text} where its keyboard has them`, async () => assert.deepEqual(await typed(id, text), expected));
}

test('every layout can be fetched, has Enter, Tab and space, and the Latin ones all of ASCII', async () => {
  const ascii = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('');
  for (const id of Object.keys(LAYOUTS).filter(isLayoutId)) {
    const missing = missingFrom(`${ascii}\n\t`, await loadLayout(id)).map(({ char }) => char);
    if (['ar', 'mk', 'ru', 'th'].includes(id)) assert.ok(!missing.includes(' ') && missing.includes('a'), id);
    else assert.deepEqual(missing, [], id);
  }
});

test('what has no key is counted, in the order of the text', async () => {
  const layout = await loadLayout('en-us');
  assert.deepEqual(missingFrom('ü€aü“', layout), [{ char: 'ü', count: 2 }, { char: '€', count: 1 }, { char: '“', count: 1 }]);
  assert.deepEqual([...tapsOf('ü€“', layout)], []);
  assert.deepEqual(missingFrom('u\u0308', await loadLayout('de')), [], 'a letter and its accent are one');
});

test('modifiers go down before the key and up after it, line endings are one Enter', async () => {
  const taps = [...tapsOf('@\r\nx', await loadLayout('de'))];
  assert.deepEqual(taps[0]?.strokes, [
    { keysym: 0xfe03, code: 'AltRight', down: true },
    { keysym: 0x40, code: 'KeyQ', down: true },
    { keysym: 0x40, code: 'KeyQ', down: false },
    { keysym: 0xfe03, code: 'AltRight', down: false },
  ]);
  assert.deepEqual(taps.map(({ strokes }) => strokes.find(({ down }) => down)?.code), ['AltRight', 'Enter', 'KeyX']);
  assert.deepEqual(taps.map(({ done }) => done), [1, 2, 3]);
  assert.equal([...tapsOf('€', await loadLayout('de'))][0]?.strokes[1]?.keysym, 0x20ac);
});

/** A keyboard that notes its keys, and takes none once it is `shut`. */
function board(): { sent: string[]; shut: boolean; keyboard: { stroke(key: { code: string }, down: boolean): void } } {
  const own = {
    sent: [] as string[],
    shut: false,
    keyboard: { stroke: ({ code }: { code: string }, down: boolean) => void (own.shut || own.sent.push(`${down ? '+' : '-'}${code}`)) },
  };
  return own;
}

test('a keyboard that is shut within a tap keeps no key down, and gets nothing more when it opens again', async () => {
  const layout = await loadLayout('de');
  const own = board();
  let strokes = 0;
  const hand = {
    takes: () => !own.shut,
    progress: () => undefined,
    pause: () => {
      strokes += 1;
      if (strokes === 2) {
        letGo(own.keyboard);
        own.shut = true;
      }
      if (strokes === 3) own.shut = false;
      return Promise.resolve();
    },
  };
  assert.equal(await type(tapsOf('@@', layout), 'slow', own.keyboard, hand, new AbortController().signal), 'stopped');
  assert.deepEqual(own.sent, ['+AltRight', '+KeyQ', '-KeyQ', '-AltRight']);
});

test('two texts are never typed into one keyboard at once, whoever types them', async () => {
  const layout = await loadLayout('de');
  const own = board();
  const hand = { takes: () => true, progress: () => undefined, pause: () => Promise.resolve() };
  const begin = (keyboard = own.keyboard): Promise<Outcome> => type(tapsOf('ab', layout), 'fast', keyboard, hand, new AbortController().signal);
  assert.deepEqual(await Promise.all([begin(), begin(), begin(board().keyboard)]), ['whole', 'busy', 'whole']);
  assert.deepEqual(own.sent, ['+KeyA', '-KeyA', '+KeyB', '-KeyB']);
  assert.equal(await begin(), 'whole');
});

test('stopping leaves no key pressed', async () => {
  const stop = new AbortController();
  const { sent, keyboard } = board();
  const pauses: number[] = [];
  const hand = {
    takes: () => true,
    progress: (done: number) => done === 2 && stop.abort(),
    pause: (ms: number) => Promise.resolve(void pauses.push(ms)),
  };
  const layout = await loadLayout('de');
  assert.equal(await type(tapsOf('A@{{{', layout), 'slow', keyboard, hand, stop.signal), 'stopped');
  assert.deepEqual(sent, ['+ShiftLeft', '+KeyA', '-KeyA', '-ShiftLeft', '+AltRight', '+KeyQ', '-KeyQ', '-AltRight']);
  assert.equal(pauses.length, 10, 'a boot loader sees every stroke for a while');
  assert.equal(await type(tapsOf('ab', layout), 'fast', keyboard, { ...hand, progress: () => undefined }, new AbortController().signal), 'whole');
  assert.ok(secondsFor(tapsOf('x'.repeat(100), layout), 'slow') > 10 * secondsFor(tapsOf('x'.repeat(100), layout), 'fast'));
});

test('the layout is guessed from the keys, else from the language', async () => {
  assert.deepEqual(['de-AT', 'pt-PT', 'pt-BR', 'fr-CA', 'en', 'zz'].map((wish) => layoutFor([wish])), ['de', 'pt', 'pt-br', 'fr-ca', 'en-us', 'en-us']);
  assert.equal(layoutFor(['zh-CN', 'de']), 'de');
  const board = new Map([['KeyY', 'z'], ['KeyZ', 'y'], ['Minus', 'ß'], ['Backquote', '^'], ['Equal', '´'], ['KeyQ', 'q']]);
  assert.ok(fits(await loadLayout('de'), board));
  assert.ok(!fits(await loadLayout('en-us'), board));
  assert.ok(!fits(await loadLayout('en-us'), new Map()));
});
