// When to warn that a console is about to close: nobody is active, or the session's time is up. Pure: no clock, no timers.
//
// `at` is milliseconds of one clock. The gateway alone ends a console; this only says it beforehand.

const MINUTE = 60_000;

/** Activity is noted this often at the most. */
const COARSE_MS = 1000;

/** Minutes before a session's end at which it is said. */
const STAGES = [10, 5, 1] as const;

export interface Idle {
  readonly limitMs: number;
  /** When somebody was active last. */
  readonly last: number;
  readonly warning: boolean;
}

export function beginIdle(limitMs: number, at: number): Idle {
  return { limitMs, last: at, warning: false };
}

/** How long before the end it is said: a minute, of a short limit the half. */
export function leadOf(limitMs: number): number {
  return limitMs < 2 * MINUTE ? limitMs / 2 : MINUTE;
}

/** Somebody typed, pointed or pasted. The same value where that changes nothing. */
export function active(idle: Idle, at: number): Idle {
  if (!idle.warning && at - idle.last < COARSE_MS) return idle;
  return { ...idle, last: at, warning: false };
}

/** Whether it is time to warn, and how long until the next look. */
export function lookIdle(idle: Idle, at: number): { readonly idle: Idle; readonly ms: number } {
  const warnAt = idle.last + idle.limitMs - leadOf(idle.limitMs);
  if (at < warnAt) return { idle: idle.warning ? { ...idle, warning: false } : idle, ms: warnAt - at };
  return { idle: idle.warning ? idle : { ...idle, warning: true }, ms: nextSecond(closesIn(idle, at)) };
}

/** Milliseconds until the console closes, never below zero. */
export function closesIn(idle: Idle, at: number): number {
  return Math.max(idle.last + idle.limitMs - at, 0);
}

/** The stage that a session is in with so much time left: 10, 5 or 1 minutes, or none yet. */
export function stageOf(leftMs: number): number | undefined {
  return STAGES.findLast((minutes) => leftMs <= minutes * MINUTE);
}

/** How long until the next stage, or until what is shown must change: every minute, in the last one every second. */
export function nextStageIn(leftMs: number): number {
  const stage = stageOf(leftMs);
  if (stage === undefined) return leftMs - STAGES[0] * MINUTE;
  if (leftMs <= MINUTE) return nextSecond(leftMs);
  return leftMs % MINUTE || MINUTE;
}

/** Minutes, in the last one seconds, as they are told: never zero. */
export function told(leftMs: number): { readonly unit: 'minute' | 'second'; readonly count: number } {
  if (leftMs < MINUTE) return { unit: 'second', count: Math.max(Math.ceil(leftMs / 1000), 1) };
  return { unit: 'minute', count: Math.ceil(leftMs / MINUTE) };
}

function nextSecond(leftMs: number): number {
  return Math.max(leftMs % 1000 || 1000, 50);
}
