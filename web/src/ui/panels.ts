// The panels of the bar: one open at a time, and the keyboard returns to the tool that opened it.

import { element } from './element.ts';
import { Panel, type Content } from './panel.ts';

export class Panels {
  readonly root = element('div', { class: 'panels' });
  readonly #closeLabel: string;
  readonly #handBack: () => void;
  readonly #changed: () => void;
  readonly #panels: Panel[] = [];

  constructor(closeLabel: string, handBack: () => void, changed: () => void) {
    this.#closeLabel = closeLabel;
    this.#handBack = handBack;
    this.#changed = changed;
  }

  /** `home`: where the keyboard goes when it was closed by a key. */
  add(content: Content, home: () => void): Panel {
    const panel = new Panel(content, this.#closeLabel, (byPointer) => {
      this.#changed();
      if (byPointer) this.#handBack();
      else home();
    });
    this.#panels.push(panel);
    this.root.append(panel.root);
    return panel;
  }

  toggle(panel: Panel): void {
    if (panel.open) return panel.close(false);
    for (const other of this.#panels) other.close();
    panel.show();
    this.#changed();
  }

  /** Another session: nothing of the one before belongs to it. */
  forget(): void {
    for (const panel of this.#panels) panel.forget();
  }

  /** Something else is looked at now. */
  makeWay(): void {
    this.closeUnless((panel) => panel.busy);
    this.#changed();
  }

  /** The tool of a panel has gone. */
  closeUnless(stays: (panel: Panel) => boolean): void {
    for (const panel of this.#panels) if (panel.open && !stays(panel)) panel.close();
  }
}
