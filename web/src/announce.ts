// Turns changes of the connection's state into the events that a panel knows. Decides what is told, not to whom.

import type { State } from './connection.ts';
import type { Dispatcher, Events } from './events.ts';
import { isCalm, type Ending } from './reasons.ts';
import type { Words } from './messages/catalogue.ts';

/** A new token mends these without asking anybody: nobody was idle, thrown out or replaced by another window. */
const MENDED = new Set(['no_token', 'token_expired', 'token_used', 'token_before_start', 'resume_expired', 'session_over']);
/** Here a person should say first that the console is still wanted, or it would only fail again and again. */
const ASKED = new Set(['idle', 'internal', 'protocol_error', 'unsupported_data', 'invalid_text', 'policy', 'message_too_big']);

export interface Facts {
  readonly connected: Events['connected'];
  /** Milliseconds until the next attempt. */
  delay(due: number): number;
  words(why: Ending): Words;
}

/** How the machine is, where the connection shows it. */
const POWERS: Readonly<Record<string, string>> = {
  guest_stopped: 'stopped',
  guest_locked: 'locked',
  guest_migrating: 'migrating',
  guest_not_found: 'missing',
};

export function announce(events: Dispatcher, state: State, before: State, facts: Facts): void {
  const power = powerOf(state);
  if (power !== undefined && power !== powerOf(before)) events.emit('state', { power });
  switch (state.name) {
    case 'idle':
      return;
    case 'connecting':
      if (before.name === 'connecting' && before.began === state.began && before.stage === state.stage) return;
      return events.emit('connecting', { stage: state.stage, attempt: state.attempt });
    case 'connected':
      return events.emit('connected', facts.connected);
    case 'reconnecting':
    case 'waiting':
      return events.emit(state.name, { code: state.why.code, attempt: state.attempt, delayMs: facts.delay(state.due) });
    case 'ended':
      return before.name === 'ended' ? expired(events, state.why, state.again) : ended(events, state.why, state.again, facts);
  }
}

/** How the machine is, as far as the connection shows it; undefined: nobody knows. */
export function powerOf(state: State): string | undefined {
  if (state.name === 'connected') return 'running';
  const why = state.name === 'connecting' ? state.after?.why : state.name === 'waiting' || state.name === 'ended' ? state.why : undefined;
  return why && POWERS[why.code];
}

function ended(events: Dispatcher, why: Ending, again: boolean, facts: Facts): void {
  const { code, close, ref } = why;
  const { title, detail } = facts.words(why);
  const known = ref === undefined ? {} : { ref };
  const clean = isCalm(why);
  events.emit('disconnected', { code, message: title, clean, retryable: again, ...(close === undefined ? {} : { close }), ...known });
  if (!clean) events.emit('error', { code, message: title, hint: detail, ...known });
  if (MENDED.has(code)) events.emit('token-needed', { code, automatic: true });
  else if (ASKED.has(code)) events.emit('token-needed', { code, automatic: false });
}

/** The way back has gone while the card was on show: nobody asked for the console, so nobody is to fetch a token for it. */
function expired(events: Dispatcher, why: Ending, again: boolean): void {
  if (!again) events.emit('token-needed', { code: why.code, automatic: false });
}
