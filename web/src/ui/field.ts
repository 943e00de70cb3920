// Labelled fields and status lines of the panels.

import { element } from './element.ts';

let count = 0;

/** A label above its field. */
export function field<E extends HTMLElement>(label: string, control: E): { readonly row: HTMLElement; readonly control: E } {
  count += 1;
  control.id = `field-${count}`;
  return { row: element('div', { class: 'field' }, element('label', { for: control.id }, label), control), control };
}

export function textArea(rows: number): HTMLTextAreaElement {
  return element('textarea', { rows: String(rows), spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off', dir: 'auto' });
}

export function button(label: string, act: (event: MouseEvent) => void, main = false): HTMLButtonElement {
  const made = element('button', { type: 'button', class: main ? 'button main' : 'button' }, label);
  made.addEventListener('click', act);
  return made;
}

/** Seen and heard when it changes. */
export function status(): HTMLElement {
  return element('p', { class: 'said', role: 'status' });
}
