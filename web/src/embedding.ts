// The channel between the page and the panel around it (EMBED.md). Owns whom the page listens and talks to.
//
// The panel speaks first: until a hello came from the parent window and from an origin that the gateway lists, nothing is
// posted and nothing obeyed. From then on messages go to exactly that origin, never to '*', and only while the
// session's own list holds it too. What the panel may ask for is decided in commands.ts.

import { CommandError, obey, type Obedient } from './commands.ts';
import type { Dispatcher } from './events.ts';

const SOURCE = 'consolegate';
const VERSION = 1;
/** What happened before the hello is kept for it, the newest of it. */
const MOST_KEPT = 32;
/** Commands that are not answered yet. */
const MOST_OPEN = 64;

interface Message {
  readonly type: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly id?: string;
}

export class Embedding {
  readonly #page: Obedient;
  /** Origins that may frame any page of this gateway. */
  readonly #known: ReadonlySet<string>;
  /** Those of the session's issuer; undefined while there is no session. */
  #listed: ReadonlySet<string> | undefined;
  #panel: string | undefined;
  #kept: Message[] = [];
  #open = 0;

  constructor(page: Obedient, events: Dispatcher, origins = document.documentElement.dataset['origins']) {
    this.#page = page;
    this.#known = new Set([location.origin, ...(origins ?? '').split(/\s+/).filter(isOrigin)]);
    if (window.parent === window) return;
    events.onAll((type, detail) => this.#tell({ type, detail }));
    window.addEventListener('message', (event) => this.#hear(event));
  }

  /** A session was granted to be embedded by these; undefined: what was is over, and a new token will say. */
  narrow(origins: readonly string[] | undefined): void {
    this.#listed = origins && new Set([location.origin, ...origins]);
    if (!origins) this.#kept = [];
  }

  #hear({ source, origin, data }: MessageEvent<unknown>): void {
    if (source !== window.parent || !this.#known.has(origin)) return;
    const message = read(data);
    if (!message) return;
    if (message.type === 'hello') return this.#greet(origin);
    if (origin === this.#panel && message.id !== undefined) void this.#serve(message.type, message.detail, message.id);
  }

  #greet(origin: string): void {
    if (!this.#trusts(origin)) return;
    this.#panel = origin;
    this.#post({ type: 'ready', detail: {} });
    for (const message of this.#kept.splice(0)) this.#post(message);
  }

  async #serve(type: string, detail: Message['detail'], id: string): Promise<void> {
    this.#open += 1;
    try {
      if (this.#open > MOST_OPEN) throw new CommandError('busy');
      // A new token may bring a session that this panel may embed; anything else is for those who may.
      if (type !== 'connect' && !this.#trusts(this.#panel)) throw new CommandError('not_allowed');
      this.#post({ type: 'done', detail: { value: await obey(this.#page, type, detail) }, id });
    } catch (error) {
      this.#post({ type: 'failed', detail: { code: error instanceof CommandError ? error.code : 'failed' }, id });
    } finally {
      this.#open -= 1;
    }
  }

  #trusts(origin: string | undefined): origin is string {
    return origin !== undefined && this.#known.has(origin) && (this.#listed?.has(origin) ?? true);
  }

  #tell(message: Message): void {
    if (this.#panel === undefined) {
      this.#kept.push(message);
      if (this.#kept.length > MOST_KEPT) this.#kept.shift();
    } else if (this.#trusts(this.#panel)) this.#post(message);
  }

  #post(message: Message): void {
    if (this.#panel !== undefined) window.parent.postMessage({ v: VERSION, source: SOURCE, ...message }, this.#panel);
  }
}

function read(data: unknown): Message | undefined {
  if (!isFields(data) || data['v'] !== VERSION || data['source'] !== SOURCE) return undefined;
  const { type, detail = {}, id } = data;
  if (typeof type !== 'string' || !isFields(detail)) return undefined;
  if (id === undefined) return { type, detail };
  return typeof id === 'string' && id.length <= 64 ? { type, detail, id } : undefined;
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Not so the unfilled template. */
function isOrigin(text: string): boolean {
  try {
    return new URL(text).origin === text;
  } catch {
    return false;
  }
}
