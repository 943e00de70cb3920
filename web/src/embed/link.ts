// What a console link is made of, and how often a new one may be fetched. No I/O.

import { ConsoleGateError } from './errors.ts';

export interface Link {
  /** The page without its token. */
  readonly page: URL;
  readonly token?: string;
}

/** Reads `https://gateway/console#token`; the token may be missing. Relative only to what it is said to be relative to. */
export function linkOf(src: string, base?: string): Link {
  let page: URL;
  try {
    page = new URL(src, base);
  } catch (cause) {
    throw new ConsoleGateError('invalid_src', { cause });
  }
  if (page.protocol !== 'https:' && page.protocol !== 'http:') throw new ConsoleGateError('invalid_src');
  const token = page.hash.slice(1);
  page.hash = '';
  return token === '' ? { page } : { page, token };
}

/** Takes a link or a bare token. A link of another gateway is refused: the frame and its origin stay what `src` says. */
export function tokenOf(given: unknown, page: URL): string {
  if (typeof given !== 'string' || given === '') throw new ConsoleGateError('invalid_token');
  if (!given.includes('#')) {
    if (/[/:?\s]/.test(given)) throw new ConsoleGateError('invalid_token');
    return given;
  }
  const link = linkOf(given, page.href);
  if (link.token === undefined || link.page.origin !== page.origin) throw new ConsoleGateError('invalid_token');
  return link.token;
}

/** So many in so long, then none. */
export class Allowance {
  readonly #most: number;
  readonly #within: number;
  #taken: number[] = [];

  constructor(most: number, withinMs: number) {
    this.#most = most;
    this.#within = withinMs;
  }

  take(now: number): boolean {
    this.#taken = this.#taken.filter((at) => now - at < this.#within);
    if (this.#taken.length >= this.#most) return false;
    this.#taken.push(now);
    return true;
  }
}
