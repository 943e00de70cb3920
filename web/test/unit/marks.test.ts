import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import type { IUnicodeVersionProvider, Terminal } from '@xterm/xterm';
import { bounded } from '../../src/terminal/marks.ts';

/** The cells of a text, as xterm.js makes them. */
function cells(text: string): string[] {
  let given: IUnicodeVersionProvider | undefined;
  new Unicode11Addon().activate({ unicode: { register: (provider: IUnicodeVersionProvider) => (given = provider) } } as unknown as Terminal);
  assert.ok(given);
  const provider = bounded(given);
  const made: string[] = [];
  let before = 0;
  for (const letter of text) {
    before = provider.charProperties(letter.codePointAt(0) ?? 0, before);
    if ((before & 1) === 1) made.push((made.pop() ?? '') + letter);
    else made.push(letter);
  }
  return made;
}

test('no cell grows without end', () => {
  const made = cells(`a${'\u0301'.repeat(100_000)}b`);
  assert.ok(made.every((cell) => cell.length <= 17), 'each is short');
  assert.equal(made.at(-1), 'b');
  assert.ok(cells(`\u4e00${'\u200d\u0308'.repeat(1000)}`).every((cell) => cell.length <= 17), 'of a wide letter and of joiners too');
});

test('what people write stays as it is', () => {
  assert.deepEqual(cells('ṩ\u0323e\u0301\u0302'), ['ṩ\u0323', 'e\u0301\u0302']);
  assert.deepEqual(cells('กี้'), ['กี้']);
  const flag = '\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}';
  assert.deepEqual(cells(`${flag}x`), [flag, 'x']);
});
