// Asks the gateway how the machine is, with the session's control token. One question, one word; never throws.

import type { Guest } from './watch.ts';

/** Longer than the gateway itself waits for a node that says nothing, so that its answer still comes. */
const ANSWER_MS = 15_000;
const STATES: readonly Guest[] = ['running', 'stopped', 'locked', 'migrating', 'missing', 'unreachable'];

export async function askGuest(base: URL, session: string, control: string, stop: AbortSignal): Promise<Guest> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ANSWER_MS);
  stop.addEventListener('abort', () => abort.abort());
  try {
    const response = await fetch(new URL(`v1/sessions/${encodeURIComponent(session)}`, base), {
      headers: { authorization: `Bearer ${control}` },
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
      signal: abort.signal,
    });
    if (response.ok) return guestOf(await response.json());
    if (response.status === 401) return 'over';
    return response.status === 404 || response.status === 405 ? 'unoffered' : 'mute';
  } catch {
    return 'mute';
  } finally {
    clearTimeout(timer);
  }
}

export function guestOf(body: unknown): Guest {
  const state = typeof body === 'object' && body !== null && 'state' in body ? body.state : undefined;
  return STATES.find((known) => known === state) ?? 'mute';
}
