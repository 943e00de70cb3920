// The button that starts a machine that is off, on the card where it is waited for.

import { button } from './field.ts';

export class StartButton {
  readonly root: HTMLElement;

  constructor(label: string, start: () => void) {
    this.root = button(label, start);
  }

  /** `main`: it is what the person most likely wants. */
  show(shown: boolean, main: boolean): void {
    this.root.hidden = !shown;
    this.root.classList.toggle('main', main);
  }
}
