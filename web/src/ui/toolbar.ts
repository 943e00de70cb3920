// The bar: what this is, how it is, and what can be done. Owns the row of tools and what goes into "More" for want of room.

import { fill } from '../messages/catalogue.ts';
import type { Bench, Desk } from './desk.ts';
import { element } from './element.ts';
import { Fitting } from './fitting.ts';
import { keyLabel } from './menus.ts';
import { Menu, type Group, type Item } from './menu.ts';
import type { Panels } from './panels.ts';
import { Roving } from './roving.ts';
import { buttonOf, type Tool } from './tool.ts';
import { makeTools, type Acts } from './tools.ts';

export class Toolbar {
  readonly root: HTMLElement;
  readonly #bench: Bench;
  readonly #desk: Desk;
  readonly #panels: Panels;
  readonly #title = element('h1', { class: 'title' });
  /** What a phone types into; a hidden bar does not hide it. */
  readonly touch: HTMLElement;
  readonly raiseKeyboard: () => void;
  readonly #badge: HTMLElement;
  readonly #state = element('span', { class: 'state' });
  readonly #held = element('span', { class: 'badge' });
  readonly #ms = element('span');
  readonly #latency: HTMLElement;
  readonly #tools: readonly Tool[];
  readonly #more: HTMLButtonElement;
  readonly #roving: Roving;
  readonly #fitting: Fitting;
  #shape = '';

  constructor(bench: Bench, desk: Desk, acts: Acts, panels: Panels) {
    const { tools: words, ui } = bench.language().catalogue;
    this.#bench = bench;
    this.#desk = desk;
    this.#panels = panels;
    this.#badge = element('span', { class: 'badge', title: ui.viewOnlyHint }, ui.viewOnly);
    this.#latency = element('span', { class: 'latency', title: words.latency }, element('span', { class: 'quiet' }, `${words.latency}: `), this.#ms);

    const { tools, foldable, wordy, touch, raise } = makeTools(bench, desk, acts, panels, (tool) => this.#home(tool));
    this.#tools = tools;
    this.#more = buttonOf({ icon: 'more', label: words.more, hint: words.moreHint });
    const more = new Menu(this.#more, words.more, () => this.#rest(), acts.handBack, () => panels.makeWay());
    const nodes = tools.map(({ node }) => node);
    const row = element('div', { class: 'tools', role: 'toolbar', 'aria-label': ui.controls }, ...nodes.slice(0, -1), more.root, ...nodes.slice(-1));
    this.#roving = new Roving(row, () => [...tools.slice(0, -1).map(({ button }) => button), this.#more, ...tools.slice(-1).map(({ button }) => button)]);
    const leave = element('span', { class: 'leave', 'aria-hidden': 'true' }, ui.leaveShort);
    const name = element('div', { class: 'name' }, element('span', { class: 'dot' }), this.#title, this.#badge, this.#held, this.#state, this.#latency, leave);
    this.root = element('header', { class: 'bar' }, name, row);
    this.touch = touch.root;
    this.raiseKeyboard = raise;
    this.#fitting = new Fitting(this.root, name, more.root, { foldable, wordy }, () => this.#roving.refresh());
  }

  show(): void {
    const look = this.#bench.look();
    const { tools: words, ui } = this.#bench.language().catalogue;
    this.#title.textContent = look.title;
    this.#title.title = look.title;
    this.#badge.hidden = !look.viewOnly;
    this.#state.textContent = ui[look.state];
    const held = this.#desk.sticky.held.map((key) => keyLabel(words, [key]));
    this.#held.hidden = held.length === 0;
    this.#held.textContent = held.join(' ');
    this.#held.title = fill(words.heldNow, { keys: held.join(', ') });
    const ms = this.#desk.latency;
    this.#latency.hidden = ms === undefined;
    this.#ms.textContent = ms === undefined ? '' : fill(words.milliseconds, { n: ms });
    for (const tool of this.#tools) tool.show(look);
    this.#panels.closeUnless((panel) => this.#tools.some((tool) => tool.opens === panel && tool.usable));
    this.#fit();
  }

  /** False where the bar is not shown. */
  focus(): boolean {
    this.#roving.focus();
    return this.root.contains(document.activeElement);
  }

  /** Measuring costs; most changes are not of the tools that are there. */
  #fit(): void {
    const shape = this.#tools.map(({ wanted }) => Number(wanted)).join('');
    if (shape === this.#shape) return;
    this.#shape = shape;
    for (const { node, wanted } of this.#tools) node.hidden = !wanted;
    this.#fitting.fit();
    this.#roving.refresh();
  }

  /** The tools that found no room: the plain ones together, each menu as a part of its own. */
  #rest(): readonly Group[] {
    const { folded } = this.#fitting;
    const groups = this.#tools.filter((tool) => folded.has(tool)).flatMap((tool) => tool.groups);
    const plain: Item[] = groups.filter(({ label }) => label === '').flatMap(({ items }) => items);
    return [{ label: this.#bench.language().catalogue.tools.more, items: plain }, ...groups.filter(({ label }) => label !== '')];
  }

  /** Back to the tool whose panel was closed, or to "More" where it is in there. */
  #home(tool: Tool): void {
    if (this.#fitting.folded.has(tool)) this.#more.focus();
    else tool.button.focus();
  }
}
