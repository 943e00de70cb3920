// Asks the gateway to start, shut down, reset or stop the machine, with the session's control token. Decides nothing.

import { problem } from './session.ts';
import type { Ending } from './reasons.ts';

export const POWER = ['start', 'shutdown', 'reset', 'stop'] as const;
export type Power = (typeof POWER)[number];

const PATIENCE_MS = 30_000;

/** Undefined once the gateway has taken it, else why not. */
export async function askPower(base: URL, session: string, control: string, action: Power): Promise<Ending | undefined> {
  try {
    const response = await fetch(new URL(`v1/sessions/${encodeURIComponent(session)}/power`, base), {
      method: 'POST',
      headers: { authorization: `Bearer ${control}`, 'content-type': 'application/json' },
      body: JSON.stringify({ action }),
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (response.ok) return undefined;
    return problem(response, await response.json().catch(() => undefined));
  } catch {
    return { code: 'unreachable' };
  }
}
