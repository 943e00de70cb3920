// Why a console could not be opened or ended, and what the page then does.
//
// Owns the mirror of the gateway's public codes and of which of them a session comes back from (a test compares both with
// src/reason/public.rs), and the page's own codes.
// The words are in messages/.

/** Every public code of the gateway with the WebSocket close code it comes with. */
export const CLOSE_OF = {
  token_rejected: 4401,
  ambiguous_token: 4401,
  token_expired: 4401,
  token_not_yet_valid: 4401,
  token_invalid: 4401,
  token_out_of_scope: 4401,
  token_used: 4409,
  token_before_start: 4401,
  stronger_login_needed: 4401,
  token_bound_elsewhere: 4401,
  revoked: 4403,
  resume_expired: 4401,
  origin_refused: 4401,
  bad_request: 1002,
  not_found: 1002,
  method_not_allowed: 1002,
  upgrade_required: 1002,
  misdirected: 1002,
  request_too_large: 1009,
  expectation_failed: 1002,
  request_timeout: 1002,
  overloaded: 1013,
  restarting: 1012,
  going_away: 1001,
  internal: 1011,
  limit_guest: 4429,
  limit_subject: 4429,
  limit_node: 4429,
  limit_client: 4429,
  power_refused: 1008,
  power_pace: 4429,
  closed: 1000,
  guest_ended: 1000,
  no_terminal: 1000,
  idle: 4408,
  session_over: 4410,
  killed: 4403,
  taken_over: 4409,
  too_slow: 4508,
  protocol_error: 1002,
  unsupported_data: 1003,
  invalid_text: 1007,
  policy: 1008,
  message_too_big: 1009,
  guest_not_found: 4404,
  guest_stopped: 4423,
  guest_locked: 4423,
  host_refused: 4502,
  host_unreachable: 4503,
  host_too_slow: 4504,
} as const;

export type PublicCode = keyof typeof CLOSE_OF;

/**
 * Codes after which the gateway lets the session come back, or has not spent the token: the others are over for good, and a
 * button would lead to `resume_expired`.
 */
export const MAY_RETURN: ReadonlySet<string> = new Set<PublicCode>([
  'request_timeout',
  'overloaded',
  'restarting',
  'going_away',
  'limit_guest',
  'limit_subject',
  'limit_node',
  'limit_client',
  'closed',
  'guest_ended',
  'too_slow',
  'guest_stopped',
  'guest_locked',
  'host_refused',
  'host_unreachable',
  'host_too_slow',
]);

/** What only the page itself can notice, or is told only when it asks after the guest. */
export const OWN_CODES = [
  'guest_migrating',
  'no_token',
  'unreachable',
  'connection_lost',
  'timed_out',
  'bad_answer',
  'load_failed',
  'display_failed',
  'unsupported_console',
  'cancelled',
  'disconnected',
] as const;

export type OwnCode = (typeof OWN_CODES)[number];

/** Why a console is not there. `title` and `detail` are the gateway's words, used where the catalogue has none. */
export interface Ending {
  readonly code: string;
  /** WebSocket close code; left out where there was no WebSocket and the code is not known. */
  readonly close?: number;
  readonly ref?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly retryable?: boolean;
  /** The gateway asked to stay away for so long. */
  readonly afterMs?: number;
}

/**
 * What the page does:
 * `reconnect` with back-off; `herd`: the same, spread wide because too many want to; `wait` for the guest;
 * `offer` a reconnect button; `over`: only a new link from the panel helps.
 */
export type Plan = 'reconnect' | 'herd' | 'wait' | 'offer' | 'over';

const OWN_PLANS: Record<OwnCode, Plan> = {
  guest_migrating: 'wait',
  no_token: 'over',
  unreachable: 'reconnect',
  connection_lost: 'reconnect',
  timed_out: 'reconnect',
  bad_answer: 'offer',
  load_failed: 'offer',
  display_failed: 'offer',
  unsupported_console: 'over',
  cancelled: 'offer',
  disconnected: 'offer',
};

export function planFor(ending: Ending): Plan {
  if (isOwn(ending.code)) return OWN_PLANS[ending.code];
  if (isPublic(ending.code) && !MAY_RETURN.has(ending.code)) return 'over';
  switch (ending.close) {
    case 4401:
    case 4403:
    case 4408:
    case 4409:
    case 4410:
      return 'over';
    case 4404:
    case 4423:
      return 'wait';
    case 1013:
      return 'herd';
    // A gateway that restarts closes its sessions one after the other, and another one may be there already.
    case 1012:
    case 4502:
    case 4503:
    case 4504:
    case 4508:
      return 'reconnect';
    case 1000:
    case 1001:
    case 4429:
      return 'offer';
    default:
      return ending.retryable === true ? 'reconnect' : 'offer';
  }
}

/** An end that somebody wanted or that was due: nothing to be alarmed about. */
export function isCalm(ending: Ending): boolean {
  const { code, close } = ending;
  if (code === 'no_terminal') return false;
  return close === 1000 || close === 4408 || close === 4410 || code === 'cancelled' || code === 'disconnected' || code === 'no_token';
}

/** The ending that a WebSocket close means. Browsers report 1005 and 1006 where the other side gave no code. */
export function fromClose(close: number, reason: string): Ending {
  if (close === 1005 || close === 1006 || close === 1015) return { code: 'connection_lost' };
  const told = parse(reason);
  return {
    code: told.code ?? codeOf(close),
    close,
    ...(told.ref === undefined ? {} : { ref: told.ref }),
  };
}

export function isPublic(code: string): code is PublicCode {
  return Object.hasOwn(CLOSE_OF, code);
}

function isOwn(code: string): code is OwnCode {
  return (OWN_CODES as readonly string[]).includes(code);
}

/** A close reason is `{"code":…,"ref":…}`; a balancer in between may have put anything else there. */
function parse(reason: string): { code?: string; ref?: string } {
  let value: unknown;
  try {
    value = JSON.parse(reason);
  } catch {
    return {};
  }
  if (typeof value !== 'object' || value === null) return {};
  const { code, ref } = value as Record<string, unknown>;
  return {
    ...(typeof code === 'string' && !isOwn(code) ? { code } : {}),
    ...(typeof ref === 'string' ? { ref } : {}),
  };
}

/** The general code of a close code that came without a reason of ours. */
function codeOf(close: number): string {
  const general: Record<number, PublicCode> = {
    1000: 'closed',
    1001: 'going_away',
    1002: 'protocol_error',
    1003: 'unsupported_data',
    1007: 'invalid_text',
    1008: 'policy',
    1009: 'message_too_big',
    1011: 'internal',
    1012: 'restarting',
    1013: 'overloaded',
    4401: 'token_rejected',
    4403: 'killed',
    4404: 'guest_not_found',
    4408: 'idle',
    4409: 'taken_over',
    4410: 'session_over',
    4423: 'guest_stopped',
    4429: 'limit_subject',
    4502: 'host_refused',
    4503: 'host_unreachable',
    4504: 'host_too_slow',
    4508: 'too_slow',
  };
  return general[close] ?? `close_${close}`;
}
