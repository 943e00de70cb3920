// The life of the console as a pure machine: state and event in, state and effect out.
//
// Decides when to try, wait and give up. Never opens anything, reads no clock, throws no dice and holds no token.
//
//   idle ─▶ connecting ─▶ connected
//             ▲   │          │
//             │   ▼          ▼
//        reconnecting / waiting ─▶ ended ─▶ (again) connecting

import { backOff, BRIEF_ATTEMPTS, CALM_MS, herdBackOff, MOST_ATTEMPTS, patience, pauseAfter, SHORTEST_GAP_MS, STEADY_MS } from './reconnect.ts';
import { CLOSE_OF, planFor, type Ending } from './reasons.ts';
import { begin, hear, isOver, look, type Guest, type Watch } from './watch.ts';

/** How far an attempt is: asking for a session, opening the WebSocket, waiting for the first of the screen. */
export type Stage = 'session' | 'socket' | 'screen';

/** A pause before the next attempt; kept while that attempt runs, so that the page does not flicker. */
export interface Pause {
  readonly kind: 'reconnecting' | 'waiting';
  readonly why: Ending;
  readonly watch?: Watch;
  readonly cut: number;
  readonly brief: boolean;
}

export type State =
  | { readonly name: 'idle' }
  | { readonly name: 'connecting'; readonly stage: Stage; readonly attempt: number; readonly began: number; readonly after?: Pause }
  | { readonly name: 'connected'; readonly attempt: number; readonly began: number; readonly since: number }
  | {
      readonly name: 'reconnecting' | 'waiting';
      readonly attempt: number;
      readonly began: number;
      readonly due: number;
      readonly why: Ending;
      /** Since when the way back in hand is running out. */
      readonly cut: number;
      /** The first attempts after a screen that was there: most likely it comes back before anybody has read why it went. */
      readonly brief: boolean;
      /** While waiting, where the gateway can be asked how the machine is: then `due` is the next question. */
      readonly watch?: Watch;
    }
  | { readonly name: 'ended'; readonly attempt: number; readonly began: number; readonly why: Ending; readonly again: boolean };

/**
 * `at` is milliseconds of any steady clock; `resumable`: a token to try with is still in hand; `keepMs`: for how long after
 * a cut it is good; `watched`: the gateway can be asked how the machine is; `hidden`: nobody sees the page.
 */
export type Event =
  | { readonly type: 'start'; readonly at: number }
  | { readonly type: 'stage'; readonly stage: Stage }
  | { readonly type: 'connected'; readonly at: number }
  | {
      readonly type: 'lost';
      readonly at: number;
      readonly why: Ending;
      readonly resumable: boolean;
      readonly keepMs?: number | undefined;
      readonly watched?: boolean;
      readonly hidden?: boolean;
    }
  | { readonly type: 'due'; readonly at: number; readonly hidden?: boolean }
  /** Somebody asks for it, or it may well work now: the page is seen again, or the network is back. */
  | { readonly type: 'now'; readonly at: number }
  | { readonly type: 'guest'; readonly at: number; readonly guest: Guest }
  | { readonly type: 'stop'; readonly why: Ending; readonly resumable: boolean }
  | { readonly type: 'expired' }
  | { readonly type: 'again'; readonly at: number };

export type Effect =
  | { readonly do: 'open' }
  | { readonly do: 'sleep'; readonly ms: number }
  /** Asks how the machine is; the answer comes as `guest`. */
  | { readonly do: 'ask' }
  | { readonly do: 'close' };

export type Step = readonly [State, Effect?];

export const IDLE: State = { name: 'idle' };

/** A cut that is most likely mended at once: not worth more than a word. */
export function isBrief(state: State): boolean {
  return state.name === 'reconnecting' ? state.brief : state.name === 'connecting' && state.after?.brief === true;
}

/** Nothing new to be said: the page tries or waits on for the same reason. */
export function isSame(state: State, before: State): boolean {
  if (state.name !== before.name) return false;
  return !('why' in state) || !('why' in before) || state.why.code === before.why.code;
}

export function step(state: State, event: Event, dice: number): Step {
  switch (event.type) {
    case 'start':
      return open(event.at, 0);
    case 'stage':
      return state.name === 'connecting' ? [{ ...state, stage: event.stage }] : [state];
    case 'connected':
      if (state.name !== 'connecting') return [state];
      return [{ name: 'connected', attempt: state.attempt, began: state.began, since: event.at }];
    case 'lost':
      return lost(state, event, dice);
    case 'due':
    case 'now':
      return isPausing(state) ? sooner(state, event) : [state];
    case 'guest':
      return isPausing(state) && state.watch?.asking ? answered(state, state.watch, event, dice) : [state];
    case 'stop':
      if (state.name === 'ended') return [state];
      return end(state, event.why, event.resumable);
    case 'expired':
      return state.name === 'ended' ? [{ ...state, again: false }] : [state];
    case 'again':
      return state.name === 'ended' && state.again ? again(state, event.at) : [state];
  }
}

function open(at: number, attempt: number, after?: Pause): Step {
  const state: State = { name: 'connecting', stage: 'session', attempt, began: at, ...(after ? { after } : {}) };
  return [state, { do: 'open' }];
}

function lost(state: State, event: Extract<Event, { type: 'lost' }>, dice: number): Step {
  if (state.name !== 'connecting' && state.name !== 'connected') return [state];
  const { at, resumable, keepMs = 0 } = event;
  const after = state.name === 'connecting' ? state.after : undefined;
  const why = isOver(event.why, after) ? after.why : event.why;
  const plan = why === event.why ? planFor(why) : 'over';
  const name = plan === 'wait' ? 'waiting' : 'reconnecting';
  const attempt = isFresh(state, name, at) ? 1 : state.attempt + 1;
  const hopeless = !resumable || plan === 'over' || (plan !== 'wait' && keepMs === 0 && attempt > MOST_ATTEMPTS);
  if (plan === 'offer' || hopeless) {
    return end({ attempt, began: state.began }, why, resumable && plan !== 'over');
  }
  // Whoever got past the session has a new way back in hand.
  const cut = after !== undefined && state.name === 'connecting' && state.stage === 'session' ? after.cut : at;
  const brief = plan === 'reconnect' && attempt <= BRIEF_ATTEMPTS && (state.name === 'connected' || after?.brief === true);
  const pause = { name, attempt, began: state.began, why, cut, brief } as const;
  if (plan === 'wait') return wait(pause, event, after?.watch, dice);
  const left = keepMs > 0 ? cut + keepMs - at : Infinity;
  if (left <= 0) return end({ attempt, began: state.began }, tooLate(why), false);
  const pace = { reconnect: backOff, herd: herdBackOff }[plan];
  const calm = event.hidden === true ? Math.min(CALM_MS, keepMs / 4) : 0;
  const ms = Math.max(Math.min(Math.max(pace(attempt, dice), calm), left), why.afterMs ?? 0);
  return [{ ...pause, due: at + ms }, { do: 'sleep', ms }];
}

/** The gateway has forgotten the session by now, though nobody could be asked. */
function tooLate({ ref }: Ending): Ending {
  return { code: 'resume_expired', close: CLOSE_OF.resume_expired, ...(ref === undefined ? {} : { ref }) };
}

type Cut = Extract<Event, { type: 'lost' }>;

/** For the machine: asking after it where that is possible, else by attempts. */
function wait(pause: Omit<Pausing, 'due' | 'watch'>, { at, watched, keepMs = 0 }: Cut, before: Watch | undefined, dice: number): Step {
  const floor = pause.why.afterMs ?? 0;
  if (watched !== true) {
    const tokenEnds = keepMs > 0 ? Math.max(keepMs / 2, SHORTEST_GAP_MS) : Infinity;
    const ms = Math.max(Math.min(patience(pause.attempt, dice), tokenEnds), floor);
    return [{ ...pause, due: at + ms }, { do: 'sleep', ms }];
  }
  const [watch, ms] = begin(before, { at, keepMs, floor }, dice);
  return [{ ...pause, due: at + ms, watch }, { do: 'sleep', ms }];
}

function end(last: State | { attempt: number; began: number }, why: Ending, again: boolean): Step {
  const { attempt, began } = 'attempt' in last ? last : { attempt: 0, began: 0 };
  return [{ name: 'ended', attempt, began, why, again }, { do: 'close' }];
}

/** The button of an ended console: a held key gets longer and longer pauses (P10). */
function again(state: Extract<State, { name: 'ended' }>, at: number): Step {
  const { attempt, began, why } = state;
  const due = began + pauseAfter(attempt);
  if (at >= due) return open(at, attempt);
  return [{ name: 'reconnecting', attempt, began, due, why, cut: at, brief: false }, { do: 'sleep', ms: due - at }];
}

/** Counting starts over once a connection has proved itself, and where the trouble is of another kind than before. */
function isFresh(state: Extract<State, { name: 'connecting' | 'connected' }>, kind: Pause['kind'], at: number): boolean {
  if (state.name === 'connected') return at - state.since >= STEADY_MS;
  return state.after !== undefined && state.after.kind !== kind;
}

type Pausing = Extract<State, { name: 'reconnecting' | 'waiting' }>;

function isPausing(state: State): state is Pausing {
  return state.name === 'reconnecting' || state.name === 'waiting';
}

/** What of a pause the attempt after it remembers. */
function kept({ name, why, cut, brief }: Pausing): Pause {
  return { kind: name, why, cut, brief };
}

/** The wait is over, or somebody asked to end it: never within the shortest gap after the attempt before (P10). */
function sooner(state: Pausing, event: { type: 'due' | 'now'; at: number; hidden?: boolean }): Step {
  const { watch, ...pause } = state;
  if (watch !== undefined) {
    const next = look(watch, state.began, event);
    if (next === undefined) return [state];
    if (next.do === 'open') return open(event.at, state.attempt, { ...kept(state), watch });
    if (next.do === 'ask') return [{ ...pause, watch: next.watch }, { do: 'ask' }];
    const due = event.type === 'now' ? Math.min(state.due, event.at + next.ms) : event.at + next.ms;
    return [{ ...state, due }, { do: 'sleep', ms: due - event.at }];
  }
  const floor = state.began + SHORTEST_GAP_MS;
  if (event.type === 'due' || event.at >= floor) {
    return open(event.at, state.attempt, kept(state));
  }
  const due = Math.min(state.due, floor);
  return [{ ...state, due }, { do: 'sleep', ms: due - event.at }];
}

/** What the gateway says of the machine while it is waited for. */
function answered(state: Pausing, asked: Watch, { at, guest }: Extract<Event, { type: 'guest' }>, dice: number): Step {
  const { watch: _, ...pause } = state;
  const heard = hear(asked, state.why, guest, at, dice);
  switch (heard.do) {
    case 'open':
      return open(at, state.attempt, { ...kept(state), watch: heard.watch });
    case 'end':
      return end(state, heard.why, false);
    case 'sleep':
      return [{ ...pause, why: heard.why, due: at + heard.ms, ...(heard.watch ? { watch: heard.watch } : {}) }, { do: 'sleep', ms: heard.ms }];
  }
}
