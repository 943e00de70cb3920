// What the terminal makes of keys, of the clipboard sequence and of links.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyName } from '../../src/keys.ts';
import { hintOf } from '../../src/screen/load.ts';
import { offered } from '../../src/terminal/clipboard.ts';
import { bytesOf, chord, modified } from '../../src/terminal/keys.ts';
import { shortcutOf } from '../../src/terminal/shortcuts.ts';

const held = (...keys: KeyName[]): Set<KeyName> => new Set(keys);

test('keys by name send what xterm sends', () => {
  assert.equal(bytesOf('Enter', held()), '\r');
  assert.equal(bytesOf('F1', held()), '\x1bOP');
  assert.equal(bytesOf('F12', held()), '\x1b[24~');
  assert.equal(bytesOf('F5', held('Control', 'Shift')), '\x1b[15;6~');
  assert.equal(bytesOf('Tab', held('Shift')), '\x1b[Z');
  assert.equal(bytesOf('Backspace', held('Control')), '\b');
  assert.equal(bytesOf('Super', held()), '');
  assert.equal(chord(['Control', 'Alt', 'Delete']), '\x1b[3;7~');
  assert.equal(chord(['Control', 'Alt', 'F2']), '\x1b[1;7Q');
  assert.equal(chord(['Alt', 'Tab']), '\x1b\t');
});

test('held keys change what is typed next', () => {
  assert.equal(modified('c', held('Control')), '\x03');
  assert.equal(modified('C', held('Control')), '\x03');
  assert.equal(modified(' ', held('Control')), '\0');
  assert.equal(modified('é', held('Control')), 'é');
  assert.equal(modified('x', held('Alt')), '\x1bx');
  assert.equal(modified('x', held('Control', 'Alt')), '\x1b\x18');
  assert.equal(modified('x', held('Shift')), 'X');
  assert.equal(modified('\x1b[A', held('Control')), '\x1b[1;5A');
  assert.equal(modified('\x1bOA', held('Shift')), '\x1b[1;2A');
  assert.equal(modified('\x1b[5~', held('Alt')), '\x1b[5;3~');
  assert.equal(modified('pasted text', held('Control')), 'pasted text');
  assert.equal(modified('\x1b[12;40R', held('Control')), '\x1b[12;40R', 'an answer of the terminal is no key');
  assert.equal(modified('c', held()), 'c');
});

test('x08_a_program_may_offer_text_and_never_ask_for_it', () => {
  assert.equal(offered(`c;${Buffer.from('é€😀').toString('base64')}`), 'é€😀');
  assert.equal(offered(';aGk='), 'hi');
  for (const refused of ['c;?', '?', 'c;', '', 'c;***', 'c;/w==', 'c;aGk=;x', `c;${'A'.repeat(2 * 1024 * 1024)}`]) {
    assert.equal(offered(refused), undefined, refused.slice(0, 20));
  }
});

test('the terminal keeps three keys for itself, in every layout', () => {
  const press = (keys: Partial<KeyboardEvent>): Parameters<typeof shortcutOf>[0] => ({ key: '', code: '', ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...keys });
  const both = { ctrlKey: true, shiftKey: true };
  assert.equal(shortcutOf(press({ key: 'C', code: 'KeyI', ...both })), 'copy');
  assert.equal(shortcutOf(press({ key: 'М', code: 'KeyV', ...both })), 'paste');
  assert.equal(shortcutOf(press({ key: 'F', code: 'KeyF', ...both })), 'search');
  assert.equal(shortcutOf(press({ key: 'c', code: 'KeyC', ctrlKey: true })), undefined);
  assert.equal(shortcutOf(press({ key: 'F', code: 'KeyF', ...both, altKey: true })), undefined);
  assert.equal(shortcutOf(press({ key: 'F1', code: 'F1', ...both })), undefined);
});

test('a token is a hint of the screen, and anything else is none', () => {
  const token = (claims: unknown): string => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;
  assert.equal(hintOf(token({ console: { protocol: 'term', title: 'ÿþ?>' } })), 'term');
  assert.equal(hintOf(token({ console: { protocol: 'vnc' } })), 'vnc');
  for (const none of [token({ console: { protocol: 'constructor' } }), token({ console: null }), token(null), 'resume-1', '', 'a.%%.c']) {
    assert.equal(hintOf(none), undefined, none);
  }
});
