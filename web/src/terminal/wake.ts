// A serial console says nothing by itself once its login has been printed: whoever opens it then sees an empty screen that
// waits for a key. Says so, until something comes or is typed.

import type { Terminal } from '@xterm/xterm';
import { element } from '../ui/element.ts';

const PATIENCE_MS = 2500;
/** What Proxmox itself prints before the machine's own words. */
const MOST_LINES = 3;

export class WakeHint {
  readonly root = element('p', { class: 'wake', role: 'status' });
  readonly #text: string;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(text: string) {
    this.#text = text;
    this.root.hidden = true;
  }

  /** The terminal is there. A line that is not ended is a prompt, which needs no explanation. */
  begin(term: Terminal): void {
    this.#timer = setTimeout(() => {
      const { cursorX, cursorY, baseY } = term.buffer.active;
      if (cursorX !== 0 || baseY + cursorY > MOST_LINES) return;
      this.root.hidden = false;
      this.root.textContent = this.#text;
    }, PATIENCE_MS);
  }

  /** More came: said already, it has been answered; not said yet, it is looked at when it is time. */
  heard(): void {
    if (!this.root.hidden) this.end();
  }

  /** Something was typed, or the terminal closes. */
  end(): void {
    clearTimeout(this.#timer);
    this.root.hidden = true;
  }
}
