// How long to stay away before the next attempt. No clock and no randomness of its own: `dice` is 0..1 from the caller.

const SECOND = 1000;

/** Nothing waits longer than this between two attempts. */
export const LONGEST_MS = 30 * SECOND;

/** After so many attempts in a row the page stops by itself and offers a button, where no session says for how long to try. */
export const MOST_ATTEMPTS = 20;

/** A held or hammered "now" key may not make attempts faster than this. */
export const SHORTEST_GAP_MS = 2 * SECOND;

/** A connection that stood for so long has proved itself: the next cut starts at the first step again. */
export const STEADY_MS = 10 * SECOND;

/** A cut that is not mended within this, or by so many attempts, is worth its reason. */
export const BRIEF_MS = 2.5 * SECOND;
export const BRIEF_ATTEMPTS = 2;

/** The shortest time between the starts of two attempts that somebody asks for by hand: 1, 2, 4 .. 30 s. */
export function pauseAfter(attempt: number): number {
  return Math.min(SECOND * 2 ** Math.min(Math.max(attempt - 1, 0), 10), LONGEST_MS);
}

/** Nobody is in a hurry while the page is not seen. */
export const CALM_MS = 15 * SECOND;

/**
 * Anything up to 1 s, then up to 0.5 s (full jitter), then 0.5 to 1, 1 to 2, 2 to 4 .. 15 to 30 s. The first spreads those who were cut
 * together and may still meet the gateway that goes; with the second it is over within two seconds. The later ones are never short, so
 * that no page is faster than a gateway lets a session be resumed. `attempt` counts from 1.
 */
export function backOff(attempt: number, dice: number): number {
  const most = attempt === 1 ? SECOND : Math.min((SECOND / 2) * 2 ** Math.min(attempt - 2, 10), LONGEST_MS);
  return Math.round(attempt <= 2 ? most * dice : most * (0.5 + dice / 2));
}

/** A service that has too much to do is not asked at once: the first steps are longer and so spread wider. */
export function herdBackOff(attempt: number, dice: number): number {
  return backOff(attempt + 4, dice);
}

/** A guest that is off is asked after every few seconds, later more rarely. */
export function patience(attempt: number, dice: number): number {
  return spread(attempt <= 10 ? 4 * SECOND : 12 * SECOND, dice);
}

/** How the machine is, is asked after 2 to 5 s, and ever more rarely up to 6 to 15 s. `checks` counts from 0. */
export function vigil(checks: number, dice: number): number {
  return Math.round((2 + 3 * dice) * SECOND * Math.min(1.25 ** checks, 3));
}

function spread(middle: number, dice: number): number {
  return Math.round(Math.min(middle * (0.5 + dice), LONGEST_MS));
}
