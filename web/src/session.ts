// The one API call of the page: a token in, a session or an ending out. Never stores or logs the token.

import { CLOSE_OF, isPublic, type Ending } from './reasons.ts';

/** What `POST /v1/sessions` grants (design section 2). */
export interface Opened {
  readonly session: string;
  /** Path and query of the WebSocket. Its host is always the page's own: the policy allows no other. */
  readonly path: string;
  readonly ticket: string;
  /** How long `ticket` is good. */
  readonly ticketMs: number;
  readonly resume: string;
  /** How long after a cut `resume` is good. */
  readonly resumeMs: number;
  /** Bearer of what can be asked about the running session, good for its whole life. */
  readonly control: string | undefined;
  /** How long until the session ends whatever happens. */
  readonly sessionMs: number | undefined;
  /** How long nobody may be active; 0: for ever. */
  readonly idleMs: number;
  readonly brand: Brand | null;
  /** Exact origins of the panels that may embed this session. */
  readonly embedders: readonly string[];
  readonly console: Console;
}

/** How the operator wants the page to look for this panel's customers. */
export interface Brand {
  readonly name: string | null;
  /** A path on the page's own origin. */
  readonly logo: string | null;
  /** `#rrggbb`, on light and on dark. */
  readonly accent: string | null;
  readonly accentDark: string | null;
}

export interface Console {
  readonly kind: string;
  readonly protocol: string;
  readonly rights: readonly string[];
  readonly title: string | null;
  readonly lang: string | null;
  readonly theme: string | null;
}

export type Answer = { readonly opened: Opened } | { readonly ending: Ending };

type Fields = Record<string, unknown>;

/** Characters of a compact JWT and of a sealed token. Anything else cannot be one and is not sent. */
const TOKEN = /^[A-Za-z0-9._~-]{1,8192}$/;
/** A compact JWT with a signature (RFC 7515 7.1), as every link holds one. */
const CONNECT_TOKEN = /^(?=.{5,8192}$)[\w-]+\.[\w-]+\.[\w-]+$/;

/** Any web page can open this one with nonsense for a token: sent, it would count against the visitor's address. */
export function isConnectToken(text: string): boolean {
  return CONNECT_TOKEN.test(text);
}

export const TOKEN_REJECTED: Ending = { code: 'token_rejected', close: CLOSE_OF.token_rejected };

export async function openSession(url: URL, token: string, signal: AbortSignal): Promise<Answer> {
  if (!TOKEN.test(token)) return { ending: TOKEN_REJECTED };
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
      signal,
    });
    body = await response.json().catch(() => undefined);
  } catch {
    return { ending: { code: 'unreachable' } };
  }
  // What the answer names is below the page's own base, as v1/sessions is.
  return response.ok ? granted(body, new URL('..', url)) : { ending: problem(response, body) };
}

export function granted(body: unknown, base: URL): Answer {
  const opened = isFields(body) && isFields(body.console) ? read(body, body.console, base) : undefined;
  return opened ? { opened } : { ending: { code: 'bad_answer' } };
}

function read(body: Fields, console: Fields, base: URL): Opened | undefined {
  const { session, websocket, ticket, resume } = body;
  const { kind, protocol, rights } = console;
  if (!isText(session) || !isText(websocket) || !isText(ticket) || !isText(resume)) return undefined;
  if (!isText(kind) || !isText(protocol) || !Array.isArray(rights) || !rights.every(isText)) return undefined;
  const path = pathOf(websocket, base);
  if (!TOKEN.test(ticket) || path === undefined) return undefined;
  return {
    session,
    path,
    ticket,
    ticketMs: typeof body.ticket_seconds === 'number' ? body.ticket_seconds * 1000 : Infinity,
    resume,
    resumeMs: milliseconds(body.resume_seconds) ?? 0,
    control: isText(body.control) && TOKEN.test(body.control) ? body.control : undefined,
    sessionMs: milliseconds(body.session_seconds),
    idleMs: milliseconds(body.idle_seconds) ?? 0,
    brand: isFields(body.brand) ? brand(body.brand, base) : null,
    embedders: isFields(body.embed) && Array.isArray(body.embed.origins) ? body.embed.origins.filter(isText) : [],
    console: { kind, protocol, rights, title: text(console.title), lang: text(console.lang), theme: text(console.theme) },
  };
}

function brand(fields: Fields, base: URL): Brand {
  const colour = (value: unknown): string | null => (isText(value) && /^#[0-9a-f]{6}$/i.test(value) ? value.toLowerCase() : null);
  const logo = isText(fields.logo) ? pathOf(fields.logo, base) : undefined;
  return { name: text(fields.name), logo: logo ?? null, accent: colour(fields.accent), accentDark: colour(fields.accent_dark) };
}

function milliseconds(seconds: unknown): number | undefined {
  return typeof seconds === 'number' && seconds >= 0 && Number.isFinite(seconds) ? seconds * 1000 : undefined;
}

/** Path and query of an address, whatever host it names. With two slashes it would be read as another host. */
function pathOf(websocket: string, base: URL): string | undefined {
  try {
    const url = new URL(websocket, base);
    return /^\/(?!\/)/.test(url.pathname) ? url.pathname + url.search : undefined;
  } catch {
    return undefined;
  }
}

/** A refusal in problem details (RFC 9457); from a balancer in between it may be anything. */
export function problem(response: Response, body: unknown): Ending {
  const after = Number(response.headers.get('retry-after'));
  const rest = after > 0 ? { afterMs: Math.min(after, 600) * 1000 } : {};
  if (!isFields(body) || !isText(body.code)) {
    return { code: response.status >= 500 || response.status === 429 ? 'unreachable' : 'bad_answer', ...rest };
  }
  const { code, title, detail, ref, retryable } = body;
  return {
    code,
    ...(isPublic(code) ? { close: CLOSE_OF[code] } : {}),
    ...(isText(title) ? { title } : {}),
    ...(isText(detail) ? { detail } : {}),
    ...(isText(ref) ? { ref } : {}),
    ...(typeof retryable === 'boolean' ? { retryable } : {}),
    ...rest,
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function text(value: unknown): string | null {
  return isText(value) ? value : null;
}
