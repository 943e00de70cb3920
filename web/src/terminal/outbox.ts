// Input on its way to the machine, in order. Holds back what the network does not take yet, so that a large paste neither
// fills the browser's memory twice nor makes the gateway close the channel. Loses nothing while the channel is open.

import { inputMessages } from './framing.ts';

/** So much may wait in the WebSocket itself. */
const MOST_UNDERWAY = 256 * 1024;
/** WebSocket has no event for "sent": this is asked for while something is held back, and at no other time. */
const LOOK_AGAIN_MS = 15;

/** What of a WebSocket is used here. */
export interface Channel {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(message: Uint8Array<ArrayBuffer>): void;
}

const OPEN = 1;

export class Outbox {
  readonly #channel: Channel;
  readonly #waiting: Generator<Uint8Array<ArrayBuffer>>[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Input for the machine, after all input before it. */
  input(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#waiting.push(inputMessages(bytes));
    if (this.#timer === undefined) this.#drain();
  }

  /** A message that has no place in the order of the input: size, keep-alive. */
  now(message: Uint8Array<ArrayBuffer>): void {
    if (this.#channel.readyState === OPEN) this.#channel.send(message);
  }

  /** Forgets what is still held back. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.length = 0;
  }

  #drain(): void {
    this.#timer = undefined;
    if (this.#channel.readyState > OPEN) return this.clear();
    while (this.#waiting.length > 0) {
      if (this.#channel.readyState !== OPEN || this.#channel.bufferedAmount > MOST_UNDERWAY) {
        this.#timer = setTimeout(() => this.#drain(), LOOK_AGAIN_MS);
        return;
      }
      const next = this.#waiting[0]?.next();
      if (next === undefined || next.done) this.#waiting.shift();
      else this.#channel.send(next.value);
    }
  }
}
