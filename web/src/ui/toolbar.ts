// The bar: what this is, how it is, and what can be done.

import type { Catalogue, UiKey } from '../messages/catalogue.ts';
import type { State } from '../connection.ts';
import { element, icon } from './element.ts';
import { Roving } from './roving.ts';

export interface Actions {
  ctrlAltDel(): void;
  toggleFit(): void;
  toggleFullScreen(): void;
  disconnect(): void;
  /** A pointer, not the keyboard, used a button: the keyboard belongs to the screen again. */
  handBack(): void;
}

export interface Look {
  readonly title: string;
  readonly viewOnly: boolean;
  readonly fit: boolean;
  readonly fullScreen: boolean;
}

const ICONS = {
  ctrlAltDel: 'M3 7h18v10H3zM7 11h.01M11 11h.01M15 11h.01M8 14h8',
  fit: 'M9 4v5H4M15 4v5h5M9 20v-5H4M15 20v-5h5',
  fullScreen: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
  disconnect: 'M6 6l12 12M18 6 6 18',
};

export class Toolbar {
  readonly root: HTMLElement;
  readonly #words: Catalogue['ui'];
  readonly #title = element('h1', { class: 'title' });
  readonly #badge: HTMLElement;
  readonly #state = element('span', { class: 'state' });
  readonly #ctrlAltDel: HTMLButtonElement;
  readonly #fit: HTMLButtonElement;
  readonly #fullScreen: HTMLButtonElement;
  readonly #disconnect: HTMLButtonElement;
  readonly #roving: Roving;

  constructor(words: Catalogue['ui'], actions: Actions) {
    this.#words = words;
    this.#badge = element('span', { class: 'badge', title: words.viewOnlyHint }, words.viewOnly);
    const button = (key: keyof typeof ICONS, hint: UiKey, act: () => void): HTMLButtonElement => {
      const made = element('button', { type: 'button', class: 'tool', title: words[hint], tabindex: '-1' }, icon(ICONS[key]));
      made.append(element('span', { class: 'label' }, words[key]));
      made.addEventListener('click', (event) => {
        if (made.getAttribute('aria-disabled') === 'true') return;
        act();
        if (event.detail > 0) actions.handBack();
      });
      return made;
    };
    this.#ctrlAltDel = button('ctrlAltDel', 'ctrlAltDelHint', () => actions.ctrlAltDel());
    this.#fit = button('fit', 'fitHint', () => actions.toggleFit());
    this.#fullScreen = button('fullScreen', 'fullScreenHint', () => actions.toggleFullScreen());
    this.#disconnect = button('disconnect', 'disconnectHint', () => actions.disconnect());
    const buttons = [this.#ctrlAltDel, this.#fit, this.#fullScreen, this.#disconnect];

    const tools = element('div', { class: 'tools', role: 'toolbar', 'aria-label': words.controls }, ...buttons);
    this.#roving = new Roving(tools, () => buttons);
    const name = element('div', { class: 'name' }, element('span', { class: 'dot' }), this.#title, this.#badge, this.#state);
    const leave = element('span', { class: 'leave', 'aria-hidden': 'true' }, words.leaveShort);
    this.root = element('header', { class: 'bar' }, name, leave, tools);
  }

  show(state: State, look: Look): void {
    const live = state.name === 'connected';
    this.#title.textContent = look.title;
    this.#title.title = look.title;
    this.#badge.hidden = !look.viewOnly;
    this.#state.textContent = this.#words[state.name];
    this.#ctrlAltDel.hidden = look.viewOnly;
    this.#fullScreen.hidden = !document.fullscreenEnabled;
    setOff(this.#ctrlAltDel, !live);
    setOff(this.#disconnect, !live);
    this.#fit.setAttribute('aria-pressed', String(look.fit));
    this.#fullScreen.setAttribute('aria-pressed', String(look.fullScreen));
    this.#roving.refresh();
  }

  /** False where the bar is not shown. */
  focus(): boolean {
    this.#roving.focus();
    return this.root.contains(document.activeElement);
  }
}

/** Still reachable with the arrow keys, as the pattern asks; the click is ignored. */
function setOff(button: HTMLButtonElement, off: boolean): void {
  button.setAttribute('aria-disabled', String(off));
}
