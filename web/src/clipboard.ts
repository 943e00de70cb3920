// The clipboards of the machine and of this device. Owns when text goes across by itself: out at the person's next touch of
// the page where the browser wants one, in only where the browser was already told that it may, and only once the person has
// touched the screen. The focus alone proves nobody's wish: a panel may give it to its frame at any time.

export interface ClipboardEnds {
  /** False where text may not go to the machine. */
  paste(text: string): boolean;
  /** The session has the right to exchange text. */
  allowed(): boolean;
  /** Text may also go in without being asked for: a clipboard takes it, a terminal would run it. */
  takes(): boolean;
  /** What was touched is the machine's screen, and what is typed there reaches it. */
  touches(target: EventTarget | null): boolean;
}

export class Clipboard {
  readonly #ends: ClipboardEnds;
  /** What both sides have, as far as is known. */
  #shared: string | undefined;
  #offered: string | undefined;
  #waiting: string | undefined;
  /** The person has been elsewhere since this device's text was looked at, and may have copied something there. */
  #away = true;
  #pressed = false;

  constructor(ends: ClipboardEnds) {
    this.#ends = ends;
    for (const touch of ['pointerdown', 'keydown'] as const) document.addEventListener(touch, () => void this.#flush(), true);
    document.addEventListener('pointerdown', (event) => (this.#pressed = this.#isTouch(event)), true);
    // A frame has the focus only now, and a press in the screen ends on an element of noVNC's over the whole page.
    document.addEventListener('pointerup', () => this.#pressed && void this.#fetch(), true);
    document.addEventListener('keydown', (event) => this.#isTouch(event) && void this.#fetch(), true);
    window.addEventListener('blur', () => (this.#away = true));
    document.addEventListener('paste', (event) => this.#pasted(event));
  }

  /** The newest text of the machine. */
  get offered(): string | undefined {
    return this.#offered;
  }

  /** Another session: nothing of the one before belongs to it. */
  forget(): void {
    this.#shared = this.#offered = this.#waiting = undefined;
    this.#away = true;
  }

  /**
   * The machine put text into its clipboard. What a program prints on a terminal is only offered: whoever shows a foreign
   * file there would let it into the clipboard of this device.
   */
  async take(text: string): Promise<void> {
    if (!this.#ends.allowed()) return;
    this.#offered = text;
    if (!this.#ends.takes()) return;
    this.#shared = this.#waiting = text;
    await this.#flush();
  }

  send(text: string): boolean {
    if (!this.#ends.paste(text)) return false;
    this.#shared = text;
    return true;
  }

  async read(): Promise<string | undefined> {
    try {
      return await navigator.clipboard.readText();
    } catch {
      return undefined;
    }
  }

  async write(text: string): Promise<boolean> {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return false;
    }
  }

  /** Refused without a touch of the page, or while it has not the keyboard: the next touch tries again. */
  async #flush(): Promise<void> {
    const text = this.#waiting;
    if (text === undefined || !this.#ends.allowed()) return;
    if ((await this.write(text)) && this.#waiting === text) this.#waiting = undefined;
  }

  /** Never makes the browser ask: who was asked once and said yes wants it. */
  async #fetch(): Promise<void> {
    if (!this.#away || !this.#ends.takes()) return;
    this.#away = false;
    if (!(await mayRead())) return;
    const text = await this.read();
    if (text !== undefined && text !== '' && text !== this.#shared && this.#waiting === undefined) this.send(text);
  }

  /** Of the person, not of a script. */
  #isTouch({ isTrusted, target }: Event): boolean {
    return isTrusted && this.#ends.touches(target);
  }

  /** A paste into the page itself, by a menu or a key; into a field it stays there. */
  #pasted(event: ClipboardEvent): void {
    if (event.target instanceof HTMLElement && event.target.matches('input, textarea')) return;
    const text = event.clipboardData?.getData('text/plain') ?? '';
    if (text === '' || !this.#ends.takes()) return;
    event.preventDefault();
    this.send(text);
  }
}

/** Browsers that have no such permission are not asked for text at all. */
async function mayRead(): Promise<boolean> {
  try {
    const { state } = await navigator.permissions.query({ name: 'clipboard-read' as PermissionName });
    return state === 'granted';
  } catch {
    return false;
  }
}
