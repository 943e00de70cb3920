// The stop of the Tab key in front of the screen: a screen takes every key, Tab among them, so Tab alone never leads into it.
// Enter does, and so do a click and the page itself; who is let out with Ctrl, Alt and Shift can then walk past it.

/** What has the keyboard while the machine gets it: noVNC's canvas, xterm.js' field. */
const INNER = 'canvas:not(.frozen), .xterm-helper-textarea';

export class Doorstep {
  readonly #screen: HTMLElement;
  readonly #enter: () => void;

  constructor(screen: HTMLElement, enter: () => void) {
    this.#screen = screen;
    this.#enter = enter;
    screen.setAttribute('role', 'group');
    screen.addEventListener('keydown', (event) => {
      if (event.target !== screen || event.key !== 'Enter') return;
      event.preventDefault();
      this.#enter();
    });
  }

  /** The keyboard stands before the screen and not in it. */
  isOn(target: EventTarget | null): boolean {
    return target === this.#screen;
  }

  /** `guarded`: there is a screen that takes keys. One that is only watched takes none, so it needs no guard. */
  show(guarded: boolean, label: string, hint: string): void {
    const inner = this.#screen.querySelector<HTMLElement>(INNER);
    if (inner) inner.tabIndex = guarded ? -1 : 0;
    if (guarded) this.#screen.tabIndex = 0;
    else this.#screen.removeAttribute('tabindex');
    this.#screen.setAttribute('aria-label', label);
    if (guarded) this.#screen.setAttribute('aria-describedby', hint);
    else this.#screen.removeAttribute('aria-describedby');
  }
}
