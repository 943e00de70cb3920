// Short news at the lower edge, seen for a while and heard at once. The live region that is heard belongs to the page.

import { element } from './element.ts';

const SHOWN_MS = 8000;

export class Toast {
  /** What is seen; a screen reader hears the live region instead. */
  readonly root = element('p', { class: 'toast', 'aria-hidden': 'true' });
  readonly #heard: (text: string) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(heard: (text: string) => void) {
    this.#heard = heard;
    this.root.hidden = true;
  }

  say(text: string): void {
    clearTimeout(this.#timer);
    this.#heard(text);
    this.root.textContent = text;
    this.root.hidden = false;
    this.#timer = setTimeout(() => (this.root.hidden = true), SHOWN_MS);
  }

  /** It is no news any more. Another text stays. */
  drop(text: string): void {
    if (this.root.textContent === text) this.root.hidden = true;
  }
}
