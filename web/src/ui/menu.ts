// The ARIA menu button pattern: a button of the bar that opens a menu. Owns opening, closing and the keys inside; what the
// items are is asked every time it opens.

import { element } from './element.ts';

export interface Item {
  readonly label: string;
  /** What it is called where the label alone does not say it. */
  readonly name?: string;
  /** It is often wanted more than once: a pointer leaves the menu open. */
  readonly again?: boolean;
  readonly kind?: 'check' | 'radio';
  /** Only of a check or a radio. */
  readonly on?: boolean;
  readonly off?: boolean;
  /** It puts the keyboard somewhere itself. */
  readonly moves?: boolean;
  act(): void;
}

export interface Group {
  readonly label: string;
  /** Short items side by side. */
  readonly columns?: 4 | 6;
  readonly items: readonly Item[];
}

/** Between a menu and the edge of the window. */
const EDGE = 8;
const ROLES = { check: 'menuitemcheckbox', radio: 'menuitemradio' } as const;

export class Menu {
  /** Holds the button and, while it is open, the menu. */
  readonly root: HTMLElement;
  readonly #button: HTMLButtonElement;
  readonly #groups: () => readonly Group[];
  readonly #handBack: () => void;
  readonly #opened: () => void;
  readonly #list: HTMLElement;
  #shut = new AbortController();

  /** `handBack`: a pointer chose something, so the keyboard belongs to the screen again. `opened`: it is about to open. */
  constructor(button: HTMLButtonElement, label: string, groups: () => readonly Group[], handBack: () => void, opened: () => void) {
    this.#button = button;
    this.#groups = groups;
    this.#handBack = handBack;
    this.#opened = opened;
    this.#list = element('div', { class: 'menu', role: 'menu', 'aria-label': label });
    this.#list.hidden = true;
    this.root = element('div', { class: 'anchor' }, button, this.#list);
    button.setAttribute('aria-haspopup', 'menu');
    button.setAttribute('aria-expanded', 'false');
    button.addEventListener('click', () => this.#toggle());
    button.addEventListener('keydown', (event) => this.#onButton(event));
    this.#list.addEventListener('keydown', (event) => this.#inside(event));
    // What is no item takes no keyboard, so that a click on it closes nothing.
    this.#list.addEventListener('mousedown', (event) => {
      if (event.target !== this.#list && event.target instanceof Element && !event.target.closest('.item')) event.preventDefault();
    });
    this.root.addEventListener('focusout', ({ relatedTarget }) => {
      if (!(relatedTarget instanceof Node && this.root.contains(relatedTarget))) this.close();
    });
  }

  get open(): boolean {
    return !this.#list.hidden;
  }

  close(): void {
    this.#shut.abort();
    this.#list.hidden = true;
    this.#button.setAttribute('aria-expanded', 'false');
  }

  #toggle(): void {
    if (this.open) this.close();
    else if (this.#button.getAttribute('aria-disabled') !== 'true') this.#show(0);
  }

  /** Opens at the first item or, with -1, at the last. */
  #show(at: 0 | -1): void {
    this.#opened();
    this.#fill();
    this.#list.hidden = false;
    this.#place();
    this.#button.setAttribute('aria-expanded', 'true');
    this.#watchOutside();
    this.#entries().at(at)?.focus();
  }

  /** Under its button, and no further from it than the window asks for. */
  #place(): void {
    this.#list.style.removeProperty('translate');
    const { left, right } = this.#list.getBoundingClientRect();
    const over = Math.max(right - (document.documentElement.clientWidth - EDGE), 0);
    const shift = over > 0 ? -Math.min(over, left - EDGE) : Math.max(EDGE - left, 0);
    if (shift !== 0) this.#list.style.translate = `${shift}px`;
  }

  /** Safari does not focus a button that is clicked, so nothing is lost when another place is. Only while it is open. */
  #watchOutside(): void {
    this.#shut.abort();
    this.#shut = new AbortController();
    const close = ({ target }: Event): void => {
      if (!(target instanceof Node && this.root.contains(target))) this.close();
    };
    document.addEventListener('pointerdown', close, { signal: this.#shut.signal });
  }

  #fill(): void {
    const groups = this.#groups().filter(({ items }) => items.length > 0);
    this.#list.replaceChildren(
      ...groups.map(({ label, columns, items }) => {
        const words = element('div', { class: 'menu-label', 'aria-hidden': 'true' }, label);
        const entries = items.map((item) => this.#entry(item));
        const body = columns ? [element('div', { class: `grid columns-${columns}`, role: 'presentation' }, ...entries)] : entries;
        const group = element('div', { role: 'group', 'aria-label': label }, ...body);
        if (groups.length > 1) group.prepend(words);
        return group;
      }),
    );
  }

  /** Shows anew what is ticked. */
  #mark(): void {
    const items = this.#groups().flatMap((group) => group.items);
    this.#entries().forEach((entry, at) => items[at]?.kind && entry.setAttribute('aria-checked', String(items[at].on ?? false)));
  }

  #entry(item: Item): HTMLButtonElement {
    const role = item.kind ? ROLES[item.kind] : 'menuitem';
    const entry = element('button', { type: 'button', class: 'item', role, tabindex: '-1' }, item.label);
    if (item.kind) entry.setAttribute('aria-checked', String(item.on ?? false));
    if (item.off) entry.setAttribute('aria-disabled', 'true');
    if (item.name !== undefined) entry.setAttribute('aria-label', item.name);
    entry.addEventListener('click', (event) => this.#choose(item, event));
    return entry;
  }

  /** What can be ticked stays open: more than one is often wanted. */
  #choose(item: Item, event: MouseEvent): void {
    if (item.off) return;
    if (item.kind === 'check' || item.again) {
      item.act();
      return this.#mark();
    }
    this.#button.focus();
    this.close();
    item.act();
    if (event.detail > 0 && !item.moves) this.#handBack();
  }

  #onButton(event: KeyboardEvent): void {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    if (this.#button.getAttribute('aria-disabled') !== 'true') this.#show(event.key === 'ArrowDown' ? 0 : -1);
  }

  #inside(event: KeyboardEvent): void {
    const entries = this.#entries();
    const here = entries.findIndex((entry) => entry === event.target);
    const onwards = getComputedStyle(this.#list).direction === 'rtl' ? -1 : 1;
    const beside = event.target instanceof Element && event.target.closest('.grid') ? { ArrowRight: here + onwards, ArrowLeft: here - onwards } : {};
    const ways: Partial<Record<string, number>> = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: entries.length - 1, ...beside };
    const there = ways[event.key];
    if (there !== undefined) entries[(there + entries.length) % entries.length]?.focus();
    else if (event.key === 'Escape') {
      this.#button.focus();
      this.close();
    } else if (!this.#jump(event, entries, here)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** A letter goes to the next item that begins with it. */
  #jump(event: KeyboardEvent, entries: readonly HTMLElement[], here: number): boolean {
    if ([...event.key].length !== 1 || event.key === ' ' || event.ctrlKey || event.altKey || event.metaKey) return false;
    const letter = event.key.toLocaleLowerCase();
    const order = [...entries.slice(here + 1), ...entries.slice(0, here + 1)];
    order.find((entry) => entry.textContent.toLocaleLowerCase().startsWith(letter))?.focus();
    return true;
  }

  #entries(): readonly HTMLElement[] {
    return [...this.#list.querySelectorAll<HTMLElement>('.item')];
  }
}
