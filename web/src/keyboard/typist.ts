// Types taps at a pace, one text at a time, and stops when told: between two taps, so that no key stays pressed.

import type { Key } from '../keys.ts';
import type { Screen } from '../screen/screen.ts';
import type { Stroke, Tap } from './typing.ts';

/** Boot loaders and firmware look at the keyboard rarely and keep little; a system that runs takes it as fast as it comes. */
export const PACES = {
  slow: { strokeMs: 25, tapMs: 110 },
  normal: { strokeMs: 0, tapMs: 25 },
  fast: { strokeMs: 0, tapMs: 6 },
} as const;

export type PaceName = keyof typeof PACES;

/** What is typed into; it stays the same for the whole text. */
export type Keyboard = Pick<Screen, 'stroke'>;

export interface Hand {
  /** False once the keyboard takes no more keys. */
  takes(): boolean;
  progress(done: number): void;
  pause(ms: number): Promise<void>;
}

/** `busy`: another text is being typed there, and the two would be mixed. */
export type Outcome = 'whole' | 'stopped' | 'busy';

interface Text {
  /** Keys that are down now, in the order in which they were pressed. */
  readonly down: Key[];
  over: boolean;
}

const texts = new WeakMap<Keyboard, Text>();

/** `taps` may still have to be made; the keyboard is this text's from now on. */
export async function type(taps: Iterable<Tap> | (() => Promise<Iterable<Tap>>), pace: PaceName, keyboard: Keyboard, hand: Hand, stop: AbortSignal): Promise<Outcome> {
  if (texts.has(keyboard)) return 'busy';
  const text: Text = { down: [], over: false };
  texts.set(keyboard, text);
  try {
    const all = typeof taps === 'function' ? await taps() : taps;
    return (await typeAll(all, pace, keyboard, text, hand, stop)) ? 'whole' : 'stopped';
  } finally {
    texts.delete(keyboard);
  }
}

/** Ends the text that is being typed there and lets its keys go, for whoever is about to close the keyboard. */
export function letGo(keyboard: Keyboard): void {
  const text = texts.get(keyboard);
  if (!text) return;
  text.over = true;
  for (const key of text.down.splice(0).toReversed()) keyboard.stroke?.(key, false);
}

async function typeAll(taps: Iterable<Tap>, pace: PaceName, keyboard: Keyboard, text: Text, hand: Hand, stop: AbortSignal): Promise<boolean> {
  const { strokeMs, tapMs } = PACES[pace];
  for (const { done, strokes } of taps) {
    if (stop.aborted) return false;
    for (const stroke of strokes) {
      if (!hand.takes()) letGo(keyboard);
      if (text.over) return false;
      send(keyboard, text.down, stroke);
      if (strokeMs > 0) await hand.pause(strokeMs);
    }
    hand.progress(done);
    await hand.pause(tapMs);
  }
  return !stop.aborted;
}

function send(keyboard: Keyboard, down: Key[], { keysym, code, down: pressed }: Stroke): void {
  const key = { keysym, code };
  keyboard.stroke?.(key, pressed);
  if (pressed) down.push(key);
  else down.splice(down.findLastIndex((held) => held.keysym === keysym && held.code === code), 1);
}

/** How long it will take, at least. */
export function secondsFor(taps: Iterable<Tap>, pace: PaceName): number {
  const { strokeMs, tapMs } = PACES[pace];
  let ms = 0;
  for (const { strokes } of taps) ms += tapMs + strokes.length * strokeMs;
  return Math.ceil(ms / 1000);
}
