// The search bar over the terminal: a field, next, previous, case, close. It finds in what the terminal still holds, and begins
// at its end: what was printed last is what is looked for first.

import type { Terminal } from '@xterm/xterm';
import { SearchAddon, type ISearchOptions } from '@xterm/addon-search';
import { fill, type Catalogue } from '../messages/catalogue.ts';
import { element, icon } from '../ui/element.ts';

type Words = Catalogue['ui'];

const PREVIOUS = 'M6 15l6-6 6 6';
const NEXT = 'M6 9l6 6 6-6';
const CASE = 'M3 18l4.5-12L12 18M4.6 14h5.8M21 18v-7M21 14.5a3 3 0 1 1-6 0 3 3 0 1 1 6 0';
const CLOSE = 'M6 6l12 12M18 6 6 18';
const MOST_MARKED = 1000;

/** Marks that stand out on the light and the dark ground; xterm.js sees to it that the text on them can be read. */
const MARKS = {
  matchBackground: '#b58900',
  matchOverviewRuler: '#b58900',
  activeMatchBackground: '#d9480f',
  activeMatchColorOverviewRuler: '#d9480f',
};

export class SearchBar {
  readonly root: HTMLElement;
  readonly #addon = new SearchAddon({ highlightLimit: MOST_MARKED });
  readonly #words: Words;
  readonly #field: HTMLInputElement;
  readonly #count = element('span', { class: 'found', role: 'status' });
  readonly #case: HTMLButtonElement;
  readonly #leave: () => void;

  /** `leave` gives the keyboard back to the terminal. */
  constructor(terminal: Terminal, words: Words, leave: () => void) {
    this.#words = words;
    this.#leave = leave;
    this.#field = element('input', { type: 'search', 'aria-label': words.searchField, autocomplete: 'off', spellcheck: 'false', enterkeyhint: 'search' });
    this.#case = this.#button(words.searchCase, CASE, () => this.#toggleCase());
    this.#case.setAttribute('aria-pressed', 'false');
    this.root = element(
      'div',
      { class: 'search', role: 'search', 'aria-label': words.search, hidden: '' },
      this.#field,
      this.#count,
      this.#case,
      this.#button(words.searchPrevious, PREVIOUS, () => this.#find(-1)),
      this.#button(words.searchNext, NEXT, () => this.#find(1)),
      this.#button(words.searchClose, CLOSE, () => this.close()),
    );
    this.#field.addEventListener('input', () => this.#find(-1, true));
    this.root.addEventListener('keydown', (event) => this.#key(event));
    // The keys do not go to the machine from here, so the page must not show that they do.
    this.root.addEventListener('focusin', (event) => event.stopPropagation());
    terminal.loadAddon(this.#addon);
    this.#addon.onDidChangeResults(({ resultIndex, resultCount }) => this.#say(resultIndex, resultCount));
  }

  open(text: string): void {
    this.root.hidden = false;
    if (text !== '' && !text.includes('\n')) this.#field.value = text;
    this.#field.focus();
    this.#field.select();
    if (this.#field.value !== '') this.#find(-1, true);
  }

  close(): void {
    if (this.root.hidden) return;
    this.root.hidden = true;
    this.#addon.clearDecorations();
    this.#leave();
  }

  #key(event: KeyboardEvent): void {
    if (event.key === 'Escape') this.close();
    else if (event.key === 'Enter' && event.target === this.#field) this.#find(event.shiftKey ? 1 : -1);
    else return;
    event.preventDefault();
  }

  /** `incremental`: what is found already may grow with the word that is still being typed. */
  #find(direction: 1 | -1, incremental = false): void {
    const text = this.#field.value;
    if (text === '') {
      this.#addon.clearDecorations();
      this.#count.textContent = '';
      return;
    }
    const options: ISearchOptions = { caseSensitive: this.#exact, incremental, decorations: MARKS };
    if (direction === 1) this.#addon.findNext(text, options);
    else this.#addon.findPrevious(text, options);
  }

  get #exact(): boolean {
    return this.#case.getAttribute('aria-pressed') === 'true';
  }

  #toggleCase(): void {
    this.#case.setAttribute('aria-pressed', String(!this.#exact));
    // The addon counts anew for another text only; without this it would go on with the old count.
    this.#addon.clearDecorations();
    this.#find(-1, true);
  }

  #say(index: number, count: number): void {
    const { searchNone, searchCount } = this.#words;
    const many = count >= MOST_MARKED ? `${MOST_MARKED}+` : count;
    this.#count.textContent = this.#field.value === '' ? '' : count === 0 ? searchNone : fill(searchCount, { n: index + 1 || '?', count: many });
  }

  #button(label: string, path: string, act: () => void): HTMLButtonElement {
    const made = element('button', { type: 'button', class: 'tool', 'aria-label': label, title: label }, icon(path));
    made.addEventListener('click', act);
    return made;
  }
}
