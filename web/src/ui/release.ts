// The way out of the screen for people without a mouse: the screen swallows Tab, so Ctrl, Alt and Shift pressed and
// released together, with no other key, give the keyboard back (WCAG 2.1.2). Acting on the release means that the machine
// has seen all three keys go up.

type Modifier = 'Control' | 'Alt' | 'Shift';

export class Chord {
  readonly #down = new Set<string>();
  #complete = false;
  #spoiled = false;

  press(code: string): void {
    if (modifierOf(code) === undefined) this.#spoiled = true;
    this.#down.add(code);
    const held = new Set([...this.#down].map(modifierOf));
    if (held.has('Control') && held.has('Alt') && held.has('Shift')) this.#complete = true;
  }

  /** True when this was the last key of the chord. */
  release(code: string): boolean {
    this.#down.delete(code);
    if (this.#down.size > 0) return false;
    const whole = this.#complete && !this.#spoiled;
    this.reset();
    return whole;
  }

  reset(): void {
    this.#down.clear();
    this.#complete = false;
    this.#spoiled = false;
  }
}

function modifierOf(code: string): Modifier | undefined {
  return /^(Control|Alt|Shift)(Left|Right)$/.exec(code)?.[1] as Modifier | undefined;
}

/** Calls `released` after the screen has handled the last key. */
export function watchChord(screen: HTMLElement, released: () => void): void {
  const chord = new Chord();
  screen.addEventListener('keydown', (event) => chord.press(event.code), true);
  screen.addEventListener('keyup', (event) => chord.release(event.code) && setTimeout(released), true);
  screen.addEventListener('focusout', () => chord.reset());
  window.addEventListener('blur', () => chord.reset());
}
