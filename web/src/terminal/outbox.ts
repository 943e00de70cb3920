// Input on its way to the machine, in order. Holds back what the network does not take yet, so that a large paste neither
// fills the browser's memory twice nor makes the gateway close the channel. What waits leaves in as few messages as it can.
// Loses nothing that a person typed while the channel is open; what the terminal itself answers is bounded.

import { inputMessages } from './framing.ts';

/** So much may wait in the WebSocket itself. */
const MOST_UNDERWAY = 256 * 1024;
/** So many bytes of answers may wait: programs ask a few things when they start, only a flood asks for more. */
const MOST_ANSWERS = 4 * 1024;
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
  #waiting: Uint8Array[] = [];
  #underway: Generator<Uint8Array<ArrayBuffer>> | undefined;
  /** Bytes among the waiting that are answers. */
  #answers = 0;
  #soon = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Input for the machine, after all input before it. */
  input(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#waiting.push(bytes);
    if (this.#timer === undefined) this.#drain();
  }

  /** Said while output was being read: most likely what the terminal answers to it. All of one turn is one message. */
  answer(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.#answers >= MOST_ANSWERS) return;
    this.#answers += bytes.length;
    this.#waiting.push(bytes);
    if (this.#soon) return;
    this.#soon = true;
    queueMicrotask(() => {
      this.#soon = false;
      if (this.#timer === undefined) this.#drain();
    });
  }

  /** A message that has no place in the order of the input: size, keep-alive. */
  now(message: Uint8Array<ArrayBuffer>): void {
    if (this.#channel.readyState === OPEN) this.#channel.send(message);
  }

  /** Forgets what is still held back. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#underway = undefined;
    this.#take();
  }

  /** All that waits, as one. */
  #take(): Uint8Array | undefined {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#answers = 0;
    return waiting.length > 1 ? joined(waiting) : waiting[0];
  }

  #drain(): void {
    this.#timer = undefined;
    if (this.#channel.readyState > OPEN) return this.clear();
    while (this.#underway || this.#waiting.length > 0) {
      if (this.#channel.readyState !== OPEN || this.#channel.bufferedAmount > MOST_UNDERWAY) {
        this.#timer = setTimeout(() => this.#drain(), LOOK_AGAIN_MS);
        return;
      }
      this.#underway ??= inputMessages(this.#take() ?? new Uint8Array());
      const next = this.#underway.next();
      if (next.done) this.#underway = undefined;
      else this.#channel.send(next.value);
    }
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
