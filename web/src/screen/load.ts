// The kinds of screens the page knows. Each is a chunk of its own, so that nobody loads the other kind's.

import type { OpenScreen } from './screen.ts';

const SCREENS = {
  vnc: async () => (await import('./vnc.ts')).openVnc,
  term: async () => (await import('./terminal.ts')).openTerminal,
} as const;

export type Protocol = keyof typeof SCREENS;

const TRIES = 3;
const PAUSE_MS = 1000;

export function isProtocol(word: string): word is Protocol {
  return Object.hasOwn(SCREENS, word);
}

/** A network that fails for a moment must not cost a session that was granted already: it is tried again. */
export async function loadScreen(protocol: Protocol): Promise<OpenScreen | undefined> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await SCREENS[protocol]();
    } catch {
      if (tries === TRIES) return undefined;
      await new Promise((next) => setTimeout(next, PAUSE_MS));
    }
  }
}

/**
 * What a connect token says of itself, to load the right screen before the token is spent. Only a hint: the gateway, which
 * alone can check the token, has the last word, and a token that cannot be read (a resume token is sealed) gives none.
 */
export function hintOf(token: string): Protocol | undefined {
  try {
    const claims: unknown = JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')));
    const protocol = (claims as { console?: { protocol?: unknown } }).console?.protocol;
    return typeof protocol === 'string' && isProtocol(protocol) ? protocol : undefined;
  } catch {
    return undefined;
  }
}
