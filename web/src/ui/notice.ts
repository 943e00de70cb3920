// A message over the screen that takes nothing away: the console goes on behind it, and so does the keyboard.
//
// Its words are read aloud once by the page's status; the countdown in it is only to be seen.

import { element, icon } from './element.ts';

export interface Wording {
  readonly title: string;
  readonly detail: string;
  readonly button: string;
}

const CLOCK = 'M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 1 0 0-18';
const CROSS = 'M6 6l12 12M18 6 6 18';

export class Notice {
  readonly root: HTMLElement;
  readonly #title: HTMLElement;
  readonly #detail: HTMLElement;
  readonly #button = element('button', { type: 'button' });
  readonly #quiet: boolean;

  /** `urgent`: an answer is wanted, by a button with words; otherwise it can be put away. */
  constructor(id: string, urgent: boolean, pressed: () => void) {
    this.#quiet = !urgent;
    this.#title = element('h2', { id: `${id}-title` });
    this.#detail = element('p', { id: `${id}-detail` });
    this.#button.className = urgent ? 'button main' : 'tool close';
    this.#button.addEventListener('click', pressed);
    this.root = element(
      'div',
      { class: urgent ? 'note urgent' : 'note', role: urgent ? 'alertdialog' : 'group', 'aria-labelledby': this.#title.id, 'aria-describedby': this.#detail.id },
      icon(CLOCK),
      element('div', { class: 'words' }, this.#title, this.#detail),
      this.#button,
    );
    this.root.hidden = true;
  }

  get shown(): boolean {
    return !this.root.hidden;
  }

  show({ title, detail, button }: Wording): void {
    this.#title.textContent = title;
    this.#detail.textContent = detail;
    if (this.#quiet) this.#close(button);
    else this.#button.textContent = button;
    this.root.hidden = false;
  }

  /** True where the keyboard was in it. */
  hide(): boolean {
    const hadKeyboard = this.root.contains(document.activeElement);
    this.root.hidden = true;
    return hadKeyboard;
  }

  #close(label: string): void {
    if (this.#button.title === label) return;
    this.#button.title = label;
    this.#button.setAttribute('aria-label', label);
    this.#button.replaceChildren(icon(CROSS));
  }
}
