// Everything around the screen that speaks: bar, panels and card, in one language. Another language is another surface.

import type { State } from '../connection.ts';
import type { Brand } from '../session.ts';
import { logoOf, wear } from './brand.ts';
import type { Bench, Desk } from './desk.ts';
import { Overlay, type Choices } from './overlay.ts';
import { Panels } from './panels.ts';
import { StartButton } from './start.ts';
import { Toolbar } from './toolbar.ts';
import type { Acts } from './tools.ts';

export class Surface {
  readonly toolbar: Toolbar;
  readonly panels: Panels;
  readonly overlay: Overlay;
  readonly #start: StartButton;
  readonly #bench: Bench;

  constructor(bench: Bench, desk: Desk, acts: Acts, choices: Choices) {
    const { catalogue } = bench.language();
    this.#bench = bench;
    this.panels = new Panels(catalogue.tools.close, acts.handBack, () => bench.refresh());
    this.toolbar = new Toolbar(bench, desk, acts, this.panels);
    this.overlay = new Overlay(catalogue, (why) => bench.words(why), choices);
    this.#start = new StartButton(catalogue.tools.start, () => void desk.power('start'));
    this.overlay.slot.append(this.#start.root);
  }

  /** The keyboard is in the bar, in a panel, or a phone's own. */
  get focused(): boolean {
    return [this.toolbar.root, this.toolbar.touch, this.panels.root].some((part) => part.contains(document.activeElement));
  }

  show(state: State, clock: () => number): void {
    this.toolbar.show();
    const { power, machine } = this.#bench.look();
    const startable = this.#bench.startable();
    this.#start.show(power && machine === 'stopped' && state.name !== 'ended', startable);
    this.overlay.show(state, clock, startable);
  }

  /** The panel's own look, where the operator has set one. */
  wear(brand: Brand | null): void {
    wear(document.documentElement, brand);
    this.toolbar.root.querySelector('.logo')?.remove();
    const logo = logoOf(brand);
    if (logo) this.toolbar.root.querySelector('.name')?.prepend(logo);
    this.overlay.brand(logoOf(brand));
  }
}
