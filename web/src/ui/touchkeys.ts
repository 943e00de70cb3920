// The on-screen keyboard of phones for a picture: a field that cannot be seen raises it, and what changes in the field
// becomes keys. Phones change whole words while one types, so it is the difference that counts, not the keys they report.

import { element } from './element.ts';

export interface TouchTyping {
  /** Text that came in. */
  type(text: string): void;
  erase(count: number): void;
}

/** Something to erase: without it a phone reports no Backspace. */
const FILLER = '_'.repeat(32);

export class TouchKeys {
  readonly root: HTMLTextAreaElement;
  readonly #typing: TouchTyping;
  #before = FILLER;

  constructor(label: string, typing: TouchTyping, changed: () => void) {
    this.#typing = typing;
    this.root = element('textarea', {
      class: 'touch-keys', 'aria-label': label, tabindex: '-1', autocomplete: 'off', autocapitalize: 'off', autocorrect: 'off', spellcheck: 'false',
    });
    this.root.value = FILLER;
    this.root.addEventListener('input', (event) => this.#changed(event instanceof InputEvent && event.isComposing));
    this.root.addEventListener('compositionend', () => this.#changed(false));
    for (const name of ['focus', 'blur'] as const) this.root.addEventListener(name, changed);
  }

  get shown(): boolean {
    return document.activeElement === this.root;
  }

  show(): void {
    this.#reset();
    this.root.focus({ preventScroll: true });
  }

  #changed(composing: boolean): void {
    const [erased, added] = difference(this.#before, this.root.value);
    if (erased > 0) this.#typing.erase(erased);
    if (added !== '') this.#typing.type(added);
    if (composing) this.#before = this.root.value;
    else this.#reset();
  }

  #reset(): void {
    if (this.root.value !== FILLER) this.root.value = FILLER;
    this.root.setSelectionRange(FILLER.length, FILLER.length);
    this.#before = FILLER;
  }
}

/** How many characters of the end went, and what came in their place. */
export function difference(before: string, now: string): readonly [number, string] {
  const [old, fresh] = [[...before], [...now]];
  let same = 0;
  while (same < old.length && same < fresh.length && old[same] === fresh[same]) same += 1;
  return [old.length - same, fresh.slice(same).join('')];
}
