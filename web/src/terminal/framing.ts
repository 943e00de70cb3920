// What the page says to the machine's terminal, as messages of Proxmox's termproxy: `0:LEN:` and so many bytes of input,
// `1:COLS:ROWS:`, and `2` to keep alive. Bytes in, bytes out; sends nothing.

/** The gateway and the node take frames of 128 KiB; the head is at most nine bytes of that. */
const MOST_IN_MESSAGE = 128 * 1024 - 16;
const SMALLEST = 2;
const LARGEST = 1000;

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export const KEEP_ALIVE: Uint8Array<ArrayBuffer> = Uint8Array.of(0x32);

const encoder = new TextEncoder();

export function encode(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Where xterm.js speaks in bytes (mouse reports), each character is one. */
export function encodeBytes(binary: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0) & 0xff);
}

/** The messages that carry these bytes. No message ends inside a character, so that whoever reads one may decode it. */
export function* inputMessages(bytes: Uint8Array, most = MOST_IN_MESSAGE): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; ) {
    const end = cut(bytes, at, most);
    const head = encode(`0:${end - at}:`);
    const message = new Uint8Array(head.length + end - at);
    message.set(head);
    message.set(bytes.subarray(at, end), head.length);
    yield message;
    at = end;
  }
}

export function resizeMessage({ columns, rows }: Size): Uint8Array<ArrayBuffer> {
  return encode(`1:${columns}:${rows}:`);
}

/** A terminal of a size that the node accepts. */
export function within(columns: number, rows: number): Size {
  return { columns: clamp(columns), rows: clamp(rows) };
}

/**
 * Text as it is pasted: lines end as the Enter key ends them, and where the program asked for it (bracketed paste) the whole
 * is marked. Escape characters are shown instead of sent there: a text that brings the end mark along could type commands.
 */
export function pasted(text: string, bracketed: boolean): string {
  const lines = text.replace(/\r?\n/g, '\r');
  return bracketed ? `\x1b[200~${lines.replaceAll('\x1b', '\u241b')}\x1b[201~` : lines;
}

/** The end of the piece that begins at `at`: before a character that would not fit. Bytes that are no UTF-8 are cut anywhere. */
function cut(bytes: Uint8Array, at: number, most: number): number {
  const end = at + most;
  if (end >= bytes.length) return bytes.length;
  for (let back = 0; back < 4; back += 1) if (startsCharacter(bytes[end - back])) return end - back;
  return end;
}

function startsCharacter(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) !== 0x80;
}

function clamp(cells: number): number {
  return Number.isFinite(cells) ? Math.min(Math.max(Math.floor(cells), SMALLEST), LARGEST) : SMALLEST;
}
