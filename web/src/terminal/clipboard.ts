// The clipboard between terminal and person: what is selected goes out, and a program on the machine may offer text (OSC 52)
// where the session has the right to it. It may never ask what is in the clipboard.

/** A program that offers more than this means no good. */
const MOST_OFFERED = 1024 * 1024;

/** The text of `ESC ] 52 ; targets ; base64`. Nothing for a question (`?`), an empty text or what is no such thing. */
export function offered(payload: string): string | undefined {
  const base64 = /^[^;]*;([A-Za-z0-9+/]+={0,2})$/.exec(payload)?.[1];
  if (base64 === undefined || base64.length > (MOST_OFFERED * 4) / 3) return undefined;
  try {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** False where the browser or the frame around the page forbids it. Must follow a person's own action. */
export async function copy(text: string): Promise<boolean> {
  if (text === '') return false;
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // A frame without `allow="clipboard-write"`: the older way needs no permission and copies xterm.js's selection.
    return document.execCommand('copy');
  }
}
