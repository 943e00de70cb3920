// One tool of the bar: a button that does something, opens a menu or opens a panel, and the same as items of "More".

import { element, icon } from './element.ts';
import type { Foldable } from './fitting.ts';
import { ICONS, type IconName } from './icons.ts';
import type { Look } from './look.ts';
import { Menu, type Group } from './menu.ts';
import type { Panel } from './panel.ts';

export interface Face {
  readonly icon: IconName;
  readonly label: string;
  readonly hint: string;
}

/** Whether it is there, and whether it can be used; an unusable one stays in reach of the arrow keys, as the pattern asks. */
export interface Rule {
  readonly wanted: boolean;
  readonly off?: boolean;
  readonly pressed?: boolean;
}

export class Tool implements Foldable {
  readonly button: HTMLButtonElement;
  readonly node: HTMLElement;
  readonly #rule: (look: Look) => Rule;
  readonly #groups: (off: boolean) => readonly Group[];
  /** The panel that it opens. */
  readonly opens: Panel | undefined;
  #wanted = false;
  #off = false;

  constructor(button: HTMLButtonElement, node: HTMLElement, rule: (look: Look) => Rule, groups: (off: boolean) => readonly Group[], opens?: Panel) {
    this.button = button;
    this.node = node;
    this.#rule = rule;
    this.#groups = groups;
    this.opens = opens;
  }

  get wanted(): boolean {
    return this.#wanted;
  }

  get usable(): boolean {
    return this.#wanted && !this.#off;
  }

  /** What it is in "More". */
  get groups(): readonly Group[] {
    return this.#groups(this.#off);
  }

  show(look: Look): void {
    const { wanted, off = false, pressed } = this.#rule(look);
    this.#wanted = wanted;
    this.#off = off;
    this.button.setAttribute('aria-disabled', String(off));
    if (pressed !== undefined) this.button.setAttribute('aria-pressed', String(pressed));
  }
}

/** `moves`: it puts the keyboard somewhere itself. */
export function actionTool(face: Face, rule: (look: Look) => Rule, act: () => void, handBack: () => void, moves = false): Tool {
  const button = buttonOf(face);
  button.addEventListener('click', (event) => {
    if (isOff(button)) return;
    act();
    if (event.detail > 0 && !moves) handBack();
  });
  return new Tool(button, button, rule, (off) => [{ label: '', items: [{ label: face.label, off, moves, act }] }]);
}

export function menuTool(face: Face, rule: (look: Look) => Rule, groups: () => readonly Group[], handBack: () => void, opened: () => void): Tool {
  const button = buttonOf(face);
  const { root } = new Menu(button, face.label, groups, handBack, opened);
  return new Tool(button, root, rule, (off) => (off ? [] : groups()));
}

export function panelTool(face: Face, rule: (look: Look) => Rule, panel: Panel, toggle: () => void): Tool {
  const button = buttonOf(face);
  button.setAttribute('aria-expanded', 'false');
  button.addEventListener('click', () => !isOff(button) && toggle());
  const shown = (look: Look): Rule => {
    button.setAttribute('aria-expanded', String(panel.open));
    return rule(look);
  };
  return new Tool(button, button, shown, (off) => [{ label: '', items: [{ label: face.label, off, moves: true, act: toggle }] }], panel);
}

export function buttonOf({ icon: name, label, hint }: Face): HTMLButtonElement {
  const button = element('button', { type: 'button', class: 'tool', title: hint, tabindex: '-1' }, icon(ICONS[name]));
  button.append(element('span', { class: 'label' }, label));
  return button;
}

function isOff(button: HTMLButtonElement): boolean {
  return button.getAttribute('aria-disabled') === 'true';
}
