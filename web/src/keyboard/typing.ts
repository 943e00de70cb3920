// Text and a layout in, key strokes out. Decides only: sends nothing and knows no time (typist.ts does).
//
// One tap is what one press of a finger types: the modifiers go down, the key goes down and up, the modifiers go up. So
// whoever stops between two taps leaves no key pressed.

import { KEYS } from '../keys.ts';
import { accentOf, type Layout, type Place } from './layout.ts';

export interface Stroke {
  readonly keysym: number;
  readonly code: string;
  readonly down: boolean;
}

export interface Tap {
  /** How many characters are typed once this tap is done. */
  readonly done: number;
  readonly strokes: readonly Stroke[];
}

export interface Missing {
  readonly char: string;
  readonly count: number;
}

/** Accents that dead key and space type alike everywhere; of ´ and ¨ systems make different things. */
const SPACED = ['^', '`', '~'];

/** What is typed of the text: one line ending, and composed letters where there are any. */
export function charactersOf(text: string): readonly string[] {
  return [...text.replace(/\r\n?/g, '\n').normalize('NFC')];
}

/** Characters that have no key are passed over; ask `missingFrom` before. */
export function* tapsOf(text: string, layout: Layout): Generator<Tap> {
  let done = 0;
  for (const char of charactersOf(text)) {
    done += 1;
    for (const place of placesOf(char, layout) ?? []) yield { done, strokes: strokesOf(place) };
  }
}

/** What cannot be typed, in the order of the text. */
export function missingFrom(text: string, layout: Layout): readonly Missing[] {
  const counts = new Map<string, number>();
  for (const char of charactersOf(text)) {
    if (!placesOf(char, layout)) counts.set(char, (counts.get(char) ?? 0) + 1);
  }
  return [...counts].map(([char, count]) => ({ char, count }));
}

/** The keys for one character, one after the other. */
export function placesOf(char: string, layout: Layout): readonly Place[] | undefined {
  if (char === '\n') return [[KEYS.Enter.keysym, KEYS.Enter.code, 0]];
  if (char === '\t') return [[KEYS.Tab.keysym, KEYS.Tab.code, 0]];
  const direct = layout.keys[char];
  const spaced = SPACED.includes(char) ? layout.dead[accentOf(char)] : undefined;
  const space = layout.keys[' '];
  // With AltGr systems differ; the plain dead key of a layout is the same in all of them.
  if (spaced && space && (!direct || (direct[2] > 1 && spaced[2] < 2))) return [spaced, space];
  return direct ? [direct] : composed(char, layout);
}

function composed(char: string, layout: Layout): readonly Place[] | undefined {
  const [letter, accent, ...more] = char.normalize('NFD');
  if (letter === undefined || accent === undefined || more.length > 0) return undefined;
  const dead = layout.dead[accent];
  const base = layout.keys[letter];
  return dead && base ? [dead, base] : undefined;
}

/** A character at once, and where no layout is known or has it, the character itself: machines that look at keysyms get it. */
export function strokesFor(char: string, layout: Layout | undefined): readonly Stroke[] {
  const places = layout && placesOf(char, layout);
  if (places) return places.flatMap(strokesOf);
  const point = char.codePointAt(0) ?? 0;
  const plain: Place | undefined = char === '\n' ? [KEYS.Enter.keysym, KEYS.Enter.code, 0] : undefined;
  return strokesOf(plain ?? [point < 0x100 ? point : 0x1000000 + point, '', 0]);
}

function strokesOf([keysym, code, held]: Place): readonly Stroke[] {
  const modifiers = [...(held & 1 ? [KEYS.Shift] : []), ...(held & 2 ? [KEYS.AltGr] : [])];
  return [
    ...modifiers.map((key) => ({ ...key, down: true })),
    { keysym, code, down: true },
    { keysym, code, down: false },
    ...modifiers.toReversed().map((key) => ({ ...key, down: false })),
  ];
}
