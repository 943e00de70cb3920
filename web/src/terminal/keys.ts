// Keys by name, and the bar's held Ctrl, Alt and Shift, as the bytes that a terminal sends for them (xterm's sequences).

import type { KeyName } from '../keys.ts';

type Modifier = 'Shift' | 'Alt' | 'Control';

/** The bits of xterm's modifier parameter, which is one more than their sum. */
const BITS: Readonly<Record<Modifier, number>> = { Shift: 1, Alt: 2, Control: 4 };

export type Held = ReadonlySet<KeyName>;

const PLAIN: Readonly<Partial<Record<KeyName, string>>> = {
  Tab: '\t',
  Escape: '\x1b',
  Enter: '\r',
  Backspace: '\x7f',
  Delete: '\x1b[3~',
  ArrowUp: '\x1b[A',
  ArrowDown: '\x1b[B',
  ArrowRight: '\x1b[C',
  ArrowLeft: '\x1b[D',
  Home: '\x1b[H',
  End: '\x1b[F',
  PageUp: '\x1b[5~',
  PageDown: '\x1b[6~',
  KeyC: 'c',
  F1: '\x1bOP',
  F2: '\x1bOQ',
  F3: '\x1bOR',
  F4: '\x1bOS',
  F5: '\x1b[15~',
  F6: '\x1b[17~',
  F7: '\x1b[18~',
  F8: '\x1b[19~',
  F9: '\x1b[20~',
  F10: '\x1b[21~',
  F11: '\x1b[23~',
  F12: '\x1b[24~',
};

/** What a key sends; nothing for one that a terminal does not know by itself, such as a modifier. `application`: DECCKM is on. */
export function bytesOf(key: KeyName, held: Held, application = false): string {
  const plain = PLAIN[key];
  if (plain === undefined) return '';
  if (key === 'Tab' && held.has('Shift')) return withAlt('\x1b[Z', held);
  if (key === 'Backspace' && held.has('Control')) return withAlt('\b', held);
  if (application && bitsOf(held) === 0 && /^\x1b\[[A-DFH]$/.test(plain)) return plain.replace('[', 'O');
  return modified(plain, held);
}

/** The keys of a chord such as Ctrl+Alt+Del: what those before a key do to it. */
export function chord(keys: readonly KeyName[], application = false): string {
  const held = new Set<KeyName>();
  let bytes = '';
  for (const key of keys) {
    bytes += bytesOf(key, held, application);
    held.add(key);
  }
  return bytes;
}

/** What a typed key becomes while modifiers are held on the bar. */
export function modified(data: string, held: Held): string {
  const bits = bitsOf(held);
  if (bits === 0) return data;
  const cursor = /^\x1b[[O]([A-FHPQRS])$/.exec(data);
  if (cursor) return `\x1b[1;${bits + 1}${cursor[1]}`;
  const numbered = /^\x1b\[(\d+)~$/.exec(data);
  if (numbered) return `\x1b[${numbered[1]};${bits + 1}~`;
  const characters = [...data];
  if (characters.length !== 1 || characters[0] === undefined) return data;
  const cased = held.has('Shift') ? characters[0].toUpperCase() : characters[0];
  return withAlt(held.has('Control') ? control(cased) : cased, held);
}

function withAlt(bytes: string, held: Held): string {
  return held.has('Alt') ? `\x1b${bytes}` : bytes;
}

function bitsOf(held: Held): number {
  return Object.entries(BITS).reduce((sum, [name, bit]) => sum + (held.has(name as Modifier) ? bit : 0), 0);
}

/** Ctrl with a character: the caret notation's, and the digits and marks that stand for those hard to type. */
function control(letter: string): string {
  if (letter === '?' || letter === '8') return '\x7f';
  const other = { ' ': '@', '2': '@', '3': '[', '4': '\\', '5': ']', '6': '^', '7': '_', '/': '_', '-': '_' }[letter] ?? letter;
  const code = other.toUpperCase().charCodeAt(0);
  return code >= 0x40 && code <= 0x5f ? String.fromCharCode(code & 0x1f) : letter;
}
