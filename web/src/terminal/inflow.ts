// Output of the machine on its way into the terminal. A browser cannot stop a WebSocket, so this bounds what piles up:
// xterm.js is given about a mebibyte at a time and the rest waits here; when even that overflows (a flood that nobody can
// read) the oldest of it is left out and the gap is shown. The connection and what is typed stay alive.

const MOST_PARSING = 1024 * 1024;
const MOST_WAITING = 16 * 1024 * 1024;

/** Ends whatever sequence was cut off (CAN), takes back its colours, and says how much is missing. */
function gap(bytes: number): Uint8Array {
  return new TextEncoder().encode(`\x18\x1b[0m\r\n\u22ef ${Math.ceil(bytes / 1024 / 1024)} MiB \u22ef\r\n`);
}

export type Write = (bytes: Uint8Array, parsed: () => void) => void;

export class Inflow {
  readonly #write: Write;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #parsing = 0;
  #left = 0;

  constructor(write: Write) {
    this.#write = write;
  }

  /** The terminal has output that it has not read to its end. */
  get reading(): boolean {
    return this.#parsing > 0;
  }

  take(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#feed();
    if (this.#waitingBytes > MOST_WAITING) this.#leaveOut();
  }

  #feed(): void {
    while (this.#parsing < MOST_PARSING) {
      if (this.#left > 0) {
        const left = this.#left;
        this.#left = 0;
        this.#pass(gap(left));
        continue;
      }
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#waitingBytes -= next.length;
      this.#pass(next);
    }
  }

  #pass(bytes: Uint8Array): void {
    this.#parsing += bytes.length;
    this.#write(bytes, () => {
      this.#parsing -= bytes.length;
      this.#feed();
    });
  }

  /** Keeps the newer half, so that this is rare. */
  #leaveOut(): void {
    let kept = 0;
    let from = this.#waiting.length;
    while (from > 1 && kept < MOST_WAITING / 2) kept += this.#waiting[--from]?.length ?? 0;
    this.#waiting = this.#waiting.slice(from);
    this.#left += this.#waitingBytes - kept;
    this.#waitingBytes = kept;
  }
}
