// Waiting for a machine by asking the gateway how it is: when to ask, what the answer means. Pure: no clock, no I/O.
//
// The way back to the session is good only for a while after each attempt (`resume_seconds`), and so is the right to ask.
// So an attempt is made in time even where the machine is known to be off; it renews both.

import { CLOSE_OF, type Ending } from './reasons.ts';
import { patience, SHORTEST_GAP_MS, vigil } from './reconnect.ts';

/** What `GET /v1/sessions/{session}` says; `over`: the session can never come back; `mute`: no answer, or none we know. */
export type Guest = 'running' | 'stopped' | 'locked' | 'migrating' | 'missing' | 'unreachable' | 'over' | 'unoffered' | 'mute';

export interface Watch {
  /** When an attempt must be made whatever the machine is. */
  readonly keepBy: number;
  readonly checks: number;
  readonly asked: number;
  readonly asking: boolean;
}

type Look = { readonly do: 'open' } | { readonly do: 'ask'; readonly watch: Watch } | { readonly do: 'sleep'; readonly ms: number };

type Heard =
  | { readonly do: 'open'; readonly watch: Watch }
  | { readonly do: 'end'; readonly why: Ending }
  | { readonly do: 'sleep'; readonly ms: number; readonly why: Ending; readonly watch?: Watch };

const WHY: Partial<Record<Guest, Ending>> = {
  stopped: { code: 'guest_stopped', close: CLOSE_OF.guest_stopped },
  locked: { code: 'guest_locked', close: CLOSE_OF.guest_locked },
  migrating: { code: 'guest_migrating' },
  missing: { code: 'guest_not_found', close: CLOSE_OF.guest_not_found },
  unreachable: { code: 'host_unreachable', close: CLOSE_OF.host_unreachable },
};

/** The part of the token's time after which it is renewed: timers of a hidden page may come a minute late. */
const RENEW = 0.45;

export function begin(before: Watch | undefined, { at, keepMs, floor }: { at: number; keepMs: number; floor: number }, dice: number): [Watch, number] {
  const checks = before?.checks ?? 0;
  const pace = Math.max(vigil(checks, dice), floor);
  const keep = Math.max(keepMs * RENEW, SHORTEST_GAP_MS, floor);
  return [{ keepBy: at + keep, checks, asked: at, asking: false }, Math.min(pace, keep)];
}

/** What to do when it is time, or when somebody asks for it; undefined: nothing new. */
export function look(watch: Watch, began: number, { type, at, hidden }: { type: 'due' | 'now'; at: number; hidden?: boolean }): Look | undefined {
  if (watch.asking) return undefined;
  if (at >= watch.keepBy) return { do: 'open' };
  if (type === 'due') return hidden === true ? { do: 'sleep', ms: watch.keepBy - at } : { do: 'ask', watch: { ...watch, asked: at, asking: true } };
  const floor = Math.max(began, watch.asked) + SHORTEST_GAP_MS;
  if (at < floor) return { do: 'sleep', ms: floor - at };
  return { do: 'ask', watch: { ...watch, checks: 0, asked: at, asking: true } };
}

export function hear(asked: Watch, why: Ending, guest: Guest, at: number, dice: number): Heard {
  const watch = { ...asked, asking: false, checks: asked.checks + 1 };
  switch (guest) {
    case 'running':
      return { do: 'open', watch };
    case 'over':
      return { do: 'end', why: why.code === 'guest_not_found' ? why : { ...why, code: 'resume_expired', close: CLOSE_OF.resume_expired } };
    case 'unoffered':
      return { do: 'sleep', ms: patience(1, dice), why };
    default: {
      const ms = Math.min(vigil(watch.checks, dice), Math.max(watch.keepBy - at, 0));
      const ref = why.ref === undefined ? {} : { ref: why.ref };
      return { do: 'sleep', ms, why: WHY[guest] ? { ...WHY[guest], ...ref } : why, watch };
    }
  }
}

/** A resume token that opens nothing any more. */
const REFUSED = new Set(['resume_expired', 'token_rejected', 'token_used', 'token_before_start']);

/** A session ends with a machine that is nowhere; that it cannot be resumed then says less than why. */
export function isOver<P extends { readonly kind: string; readonly why: Ending }>(why: Ending, after: P | undefined): after is P {
  return REFUSED.has(why.code) && after?.kind === 'waiting' && after.why.code === 'guest_not_found';
}
