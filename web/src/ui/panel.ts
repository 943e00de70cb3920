// A panel beside the screen that a tool opens: one at a time, not modal, so that the machine can be watched and used
// meanwhile. Owns opening, closing and where the keyboard goes; what is in it is its own file's.

import { element, icon } from './element.ts';
import { ICONS } from './icons.ts';

export interface Content {
  readonly title: string;
  readonly body: HTMLElement;
  /** What has the keyboard at first. */
  first(): HTMLElement;
  opened?(): void;
  closed?(): void;
  /** It is in the middle of something that closing would end. */
  readonly busy?: boolean;
  /** Another session: nothing of the one before belongs to it. */
  forget?(): void;
}

let count = 0;

export class Panel {
  readonly root: HTMLElement;
  readonly #content: Content;
  readonly #left: (byPointer: boolean) => void;

  /** `left`: closed; a pointer gives the keyboard to the screen, else it returns to the tool. */
  constructor(content: Content, closeLabel: string, left: (byPointer: boolean) => void) {
    count += 1;
    const id = `panel-${count}`;
    this.#content = content;
    this.#left = left;
    const close = element('button', { type: 'button', class: 'tool', title: closeLabel, 'aria-label': closeLabel }, icon(ICONS.disconnect));
    close.addEventListener('click', (event) => this.close(event.detail > 0));
    const head = element('div', { class: 'panel-head' }, element('h2', { id }, content.title), close);
    this.root = element('section', { class: 'panel', role: 'dialog', 'aria-labelledby': id, tabindex: '-1' }, head, content.body);
    this.root.hidden = true;
    this.root.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      event.preventDefault();
      this.close(false);
    });
  }

  get open(): boolean {
    return !this.root.hidden;
  }

  get busy(): boolean {
    return this.#content.busy ?? false;
  }

  show(): void {
    this.root.hidden = false;
    this.#content.opened?.();
    // A panel that is taller than the window begins with its head.
    this.#content.first().focus({ preventScroll: true });
  }

  forget(): void {
    this.#content.forget?.();
  }

  /** `undefined`: nobody closed it, so the keyboard stays where it is. */
  close(byPointer?: boolean): void {
    if (!this.open) return;
    this.root.hidden = true;
    this.#content.closed?.();
    if (byPointer !== undefined) this.#left(byPointer);
  }
}
