// Messages between this window and the frame. Believes only its own frame while that shows the gateway's exact origin, and
// posts to nothing else.

import { ConsoleGateError, errorOf } from './errors.ts';

const SOURCE = 'consolegate';
const VERSION = 1;
/** From the page being there to its `ready`. */
const GREETING_MS = 10_000;

interface Call {
  done(value: unknown): void;
  failed(error: ConsoleGateError): void;
  timer: ReturnType<typeof setTimeout>;
}

export interface Hearer {
  heard(type: string, detail: Record<string, unknown>): void;
  /** The page is there and does not greet back. */
  unheard(): void;
}

export class Channel {
  readonly #frame: HTMLIFrameElement;
  readonly #origin: string;
  readonly #hearer: Hearer;
  readonly #calls = new Map<string, Call>();
  #count = 0;
  #greeting: ReturnType<typeof setTimeout> | undefined;

  constructor(frame: HTMLIFrameElement, origin: string, hearer: Hearer) {
    this.#frame = frame;
    this.#origin = origin;
    this.#hearer = hearer;
    window.addEventListener('message', this.#hear);
    frame.addEventListener('load', this.#greet);
  }

  /** `delegate`: a right that a click on the panel gives, handed on with this message. */
  call(type: string, detail: object, ms: number, delegate?: string): Promise<unknown> {
    return new Promise((done, failed) => {
      const id = String((this.#count += 1));
      const timer = setTimeout(() => this.#settle(id)?.failed(new ConsoleGateError('timeout')), ms);
      this.#calls.set(id, { done, failed, timer });
      try {
        this.#post({ type, detail, id }, delegate);
      } catch {
        this.#settle(id)?.failed(new ConsoleGateError(delegate ? 'refused' : 'bad_argument'));
      }
    });
  }

  close(): void {
    window.removeEventListener('message', this.#hear);
    this.#frame.removeEventListener('load', this.#greet);
    clearTimeout(this.#greeting);
    for (const id of [...this.#calls.keys()]) this.#settle(id)?.failed(new ConsoleGateError('removed'));
  }

  /** Also after the frame was loaded anew: its page knows nobody then. */
  readonly #greet = (): void => {
    this.#post({ type: 'hello', detail: {} });
    clearTimeout(this.#greeting);
    this.#greeting = setTimeout(() => this.#hearer.unheard(), GREETING_MS);
  };

  readonly #hear = ({ source, origin, data }: MessageEvent<unknown>): void => {
    if (source !== this.#frame.contentWindow || origin !== this.#origin || !isFields(data)) return;
    const { v, source: from, type, detail, id } = data;
    if (v !== VERSION || from !== SOURCE || typeof type !== 'string' || !isFields(detail)) return;
    if (type === 'done') return this.#settle(id)?.done(detail['value']);
    if (type === 'failed') return this.#settle(id)?.failed(errorOf(detail['code']));
    if (type === 'ready') clearTimeout(this.#greeting);
    this.#hearer.heard(type, detail);
  };

  #settle(id: unknown): Call | undefined {
    const call = typeof id === 'string' ? this.#calls.get(id) : undefined;
    if (!call) return undefined;
    clearTimeout(call.timer);
    this.#calls.delete(id as string);
    return call;
  }

  #post(message: object, delegate?: string): void {
    const options = { targetOrigin: this.#origin, ...(delegate ? { delegate } : {}) };
    this.#frame.contentWindow?.postMessage({ v: VERSION, source: SOURCE, ...message }, options);
  }
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
