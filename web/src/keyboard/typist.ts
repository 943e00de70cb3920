// Types taps at a pace and stops when told: between two taps, so that no key stays pressed.

import type { Stroke, Tap } from './typing.ts';

/** Boot loaders and firmware look at the keyboard rarely and keep little; a system that runs takes it as fast as it comes. */
export const PACES = {
  slow: { strokeMs: 25, tapMs: 110 },
  normal: { strokeMs: 0, tapMs: 25 },
  fast: { strokeMs: 0, tapMs: 6 },
} as const;

export type PaceName = keyof typeof PACES;

export interface Hand {
  send(stroke: Stroke): void;
  progress(done: number): void;
  pause(ms: number): Promise<void>;
}

/** True when it came to the end. */
export async function type(taps: Iterable<Tap>, pace: PaceName, hand: Hand, stop: AbortSignal): Promise<boolean> {
  const { strokeMs, tapMs } = PACES[pace];
  for (const { done, strokes } of taps) {
    if (stop.aborted) return false;
    for (const stroke of strokes) {
      hand.send(stroke);
      if (strokeMs > 0) await hand.pause(strokeMs);
    }
    hand.progress(done);
    await hand.pause(tapMs);
  }
  return !stop.aborted;
}

/** How long it will take, at least. */
export function secondsFor(taps: Iterable<Tap>, pace: PaceName): number {
  const { strokeMs, tapMs } = PACES[pace];
  let ms = 0;
  for (const { strokes } of taps) ms += tapMs + strokes.length * strokeMs;
  return Math.ceil(ms / 1000);
}
