// The ARIA toolbar pattern: one tab stop, the arrow keys, Home and End inside. Owns the tab stop, not what the controls do.

export class Roving {
  readonly #root: HTMLElement;
  readonly #controls: () => readonly HTMLElement[];

  /** `controls`: all there are, in order; those that are not shown are passed over. */
  constructor(root: HTMLElement, controls: () => readonly HTMLElement[]) {
    this.#root = root;
    this.#controls = controls;
    root.addEventListener('keydown', (event) => this.#rove(event));
    root.addEventListener('focusin', (event) => this.#stopAt(event.target));
  }

  /** After controls came, went or were hidden. */
  refresh(): void {
    if (!this.#usable().some((control) => control.tabIndex === 0)) this.#stopAt(this.#usable()[0]);
  }

  focus(): void {
    this.#usable().find((control) => control.tabIndex === 0)?.focus();
  }

  #usable(): readonly HTMLElement[] {
    return this.#controls().filter((control) => control.getClientRects().length > 0);
  }

  /** The arrows go where they point, so they change sides where the page reads from right to left. */
  #rove(event: KeyboardEvent): void {
    const usable = this.#usable();
    const here = usable.findIndex((control) => control === event.target);
    const onwards = getComputedStyle(this.#root).direction === 'rtl' ? -1 : 1;
    const there = { ArrowRight: here + onwards, ArrowLeft: here - onwards, Home: 0, End: usable.length - 1 }[event.key];
    if (here < 0 || there === undefined) return;
    event.preventDefault();
    usable[(there + usable.length) % usable.length]?.focus();
  }

  #stopAt(target: EventTarget | null | undefined): void {
    const controls = this.#controls();
    if (!controls.some((control) => control === target)) return;
    for (const control of controls) control.tabIndex = control === target ? 0 : -1;
  }
}
