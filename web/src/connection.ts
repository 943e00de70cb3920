// The life of the console as a pure machine: state and event in, state and effect out.
//
// Decides when to try, wait and give up. Never opens anything, reads no clock, throws no dice and holds no token.
//
//   idle ─▶ connecting ─▶ connected
//             ▲   │          │
//             │   ▼          ▼
//        reconnecting / waiting ─▶ ended ─▶ (again) connecting

import { backOff, herdBackOff, MOST_ATTEMPTS, patience, pauseAfter, SHORTEST_GAP_MS, STEADY_MS } from './reconnect.ts';
import { planFor, type Ending } from './reasons.ts';

/** How far an attempt is: asking for a session, opening the WebSocket, waiting for the first of the screen. */
export type Stage = 'session' | 'socket' | 'screen';

/** A pause before the next attempt; kept while that attempt runs, so that the page does not flicker. */
export interface Pause {
  readonly kind: 'reconnecting' | 'waiting';
  readonly why: Ending;
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
    }
  | { readonly name: 'ended'; readonly attempt: number; readonly began: number; readonly why: Ending; readonly again: boolean };

/** `at` is milliseconds of any steady clock; `resumable`: a token to try with is still in hand. */
export type Event =
  | { readonly type: 'start'; readonly at: number }
  | { readonly type: 'stage'; readonly stage: Stage }
  | { readonly type: 'connected'; readonly at: number }
  | { readonly type: 'lost'; readonly at: number; readonly why: Ending; readonly resumable: boolean }
  | { readonly type: 'due'; readonly at: number }
  | { readonly type: 'now'; readonly at: number }
  | { readonly type: 'stop'; readonly why: Ending; readonly resumable: boolean }
  | { readonly type: 'expired' }
  | { readonly type: 'again'; readonly at: number };

export type Effect =
  | { readonly do: 'open' }
  | { readonly do: 'sleep'; readonly ms: number }
  | { readonly do: 'close' };

export type Step = readonly [State, Effect?];

export const IDLE: State = { name: 'idle' };

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
  const { why, at, resumable } = event;
  const plan = planFor(why);
  const name = plan === 'wait' ? 'waiting' : 'reconnecting';
  const attempt = isFresh(state, name, at) ? 1 : state.attempt + 1;
  const hopeless = !resumable || plan === 'over' || (plan !== 'wait' && attempt > MOST_ATTEMPTS);
  if (plan === 'offer' || hopeless) {
    return end({ attempt, began: state.began }, why, resumable && plan !== 'over');
  }
  const pace = { reconnect: backOff, herd: herdBackOff, wait: patience }[plan];
  const ms = Math.max(pace(attempt, dice), why.afterMs ?? 0);
  return [{ name, attempt, began: state.began, due: at + ms, why }, { do: 'sleep', ms }];
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
  return [{ name: 'reconnecting', attempt, began, due, why }, { do: 'sleep', ms: due - at }];
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

/** The wait is over, or somebody asked to end it: never within the shortest gap after the attempt before (P10). */
function sooner(state: Pausing, event: { type: 'due' | 'now'; at: number }): Step {
  const floor = state.began + SHORTEST_GAP_MS;
  if (event.type === 'due' || event.at >= floor) {
    return open(event.at, state.attempt, { kind: state.name, why: state.why });
  }
  const due = Math.min(state.due, floor);
  return [{ ...state, due }, { do: 'sleep', ms: due - event.at }];
}
