// The panel that has a text typed key by key, for machines that share no clipboard. Owns what is seen; which keys it takes
// is decided in keyboard/typing.ts.

import { chosenLayout, remember } from '../keyboard/choice.ts';
import { isLayoutId, LAYOUTS, loadLayout, type Layout, type LayoutId } from '../keyboard/layout.ts';
import { charactersOf, missingFrom, tapsOf } from '../keyboard/typing.ts';
import { PACES, secondsFor, type, type Keyboard, type PaceName } from '../keyboard/typist.ts';
import { fill, type Tools } from '../messages/catalogue.ts';
import { element } from './element.ts';
import { button, field, status, textArea } from './field.ts';
import { nameOf, show } from './names.ts';
import type { Content } from './panel.ts';

export class TypePanel implements Content {
  readonly title: string;
  readonly body: HTMLElement;
  readonly #words: Tools;
  readonly #keyboard: () => Keyboard | undefined;
  readonly #done: () => void;
  readonly #text = textArea(4);
  readonly #layout = element('select');
  readonly #pace = element('select');
  readonly #skip = element('input', { type: 'checkbox' });
  readonly #skipRow: HTMLElement;
  /** Out of sight while the text is typed, so that the machine is to be seen. */
  readonly #choices: HTMLElement;
  readonly #check = element('p', { class: 'said', 'aria-live': 'polite' });
  readonly #said = status();
  readonly #bar = element('progress', { value: '0', max: '1' });
  readonly #go: HTMLButtonElement;
  readonly #stop: HTMLButtonElement;
  #table: Layout | undefined;
  /** By the person; a guess that comes later is of no use. */
  #chosen = false;
  #typing: AbortController | undefined;

  /** `keyboard`: undefined where nobody takes keys any more. `done`: all of a text was typed. */
  constructor(words: Tools, language: string, keyboard: () => Keyboard | undefined, done: () => void) {
    this.title = words.typeText;
    this.#words = words;
    this.#keyboard = keyboard;
    this.#done = done;
    for (const id of Object.keys(LAYOUTS).filter(isLayoutId)) this.#layout.append(element('option', { value: id }, nameOf(id, language, words)));
    const paces = { slow: words.paceSlow, normal: words.paceNormal, fast: words.paceFast };
    for (const [id, label] of Object.entries(paces)) this.#pace.append(element('option', { value: id }, label));
    this.#pace.value = 'normal';
    this.#skipRow = element('label', { class: 'tick' }, this.#skip, words.typeSkip);
    this.#go = button(words.typeGo, () => void this.#type(), true);
    this.#stop = button(words.typeStop, () => this.#typing?.abort());
    this.#bar.setAttribute('aria-label', words.typeText);
    const advice = element('p', { class: 'advice' }, words.typeAdvice);
    const choices = element('div', { class: 'choices' }, field(words.typeField, this.#text).row, field(words.typeLayout, this.#layout).row, field(words.typePace, this.#pace).row, advice, this.#check, this.#skipRow);
    const actions = element('div', { class: 'actions' }, this.#go, this.#stop);
    this.#choices = choices;
    this.body = element('div', { class: 'panel-body' }, choices, this.#bar, this.#said, actions);
    this.#listen();
    this.#look();
  }

  first(): HTMLElement {
    return this.#text;
  }

  get busy(): boolean {
    return this.#typing !== undefined;
  }

  opened(): void {
    this.#said.textContent = '';
    if (!this.#table) void chosenLayout().then((id) => (this.#chosen ? undefined : this.#choose(id)));
  }

  closed(): void {
    this.#typing?.abort();
  }

  forget(): void {
    this.#typing?.abort();
    this.#text.value = '';
    this.#said.textContent = '';
    this.#look();
  }

  #listen(): void {
    this.#text.addEventListener('input', () => this.#look());
    this.#pace.addEventListener('change', () => this.#look());
    this.#skip.addEventListener('change', () => this.#look());
    this.#layout.addEventListener('change', () => {
      const id = this.#layout.value;
      if (!isLayoutId(id)) return;
      this.#chosen = true;
      remember(id);
      void this.#choose(id);
    });
    // Stops first; only then it closes the panel.
    this.body.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !this.#typing) return;
      event.preventDefault();
      this.#typing.abort();
    });
  }

  async #choose(id: LayoutId): Promise<void> {
    this.#layout.value = id;
    const table = await loadLayout(id).catch(() => undefined);
    if (this.#layout.value !== id) return;
    this.#table = table;
    this.#said.textContent = table ? '' : this.#words.typeNoLayout;
    this.#look();
  }

  /** Shows what would be typed, and what cannot be. */
  #look(): void {
    const text = this.#text.value;
    const table = this.#table;
    const busy = this.#typing !== undefined;
    const missing = table ? missingFrom(text, table) : [];
    this.#check.textContent = '';
    if (table && text !== '') {
      const seconds = secondsFor(tapsOf(text, table), this.#speed);
      const list = show(missing);
      this.#check.textContent = missing.length > 0 ? fill(this.#words.typeMissing, { list }) : fill(this.#words.typeAll, { seconds });
    }
    this.#check.classList.toggle('warn', missing.length > 0);
    this.#skipRow.hidden = missing.length === 0;
    this.#choices.hidden = busy;
    this.#bar.hidden = !busy;
    this.#stop.hidden = !busy;
    this.#go.hidden = busy;
    this.#go.disabled = !table || text === '' || (missing.length > 0 && !this.#skip.checked);
  }

  async #type(): Promise<void> {
    const table = this.#table;
    const keyboard = this.#keyboard();
    if (!table || !keyboard || this.#typing) return;
    const text = this.#text.value;
    const total = charactersOf(text).length;
    const stop = (this.#typing = new AbortController());
    let done = 0;
    this.#bar.max = total;
    this.#bar.value = 0;
    this.#said.textContent = '';
    this.#look();
    this.#stop.focus();
    const hand = {
      takes: () => this.#keyboard() === keyboard,
      progress: (count: number) => {
        done = count;
        this.#bar.value = count;
        this.#bar.textContent = fill(this.#words.typeProgress, { done, total });
      },
      pause: (ms: number) => new Promise<void>((next) => setTimeout(next, ms)),
    };
    const outcome = await type(tapsOf(text, table), this.#speed, keyboard, hand, stop.signal);
    const focused = this.body.contains(document.activeElement);
    this.#typing = undefined;
    // It may be a password.
    if (outcome === 'whole') this.#text.value = '';
    else this.#said.textContent = fill(this.#words.typeStopped, { done, total });
    this.#look();
    if (outcome === 'whole') this.#done();
    else if (focused) this.#text.focus();
  }

  get #speed(): PaceName {
    const chosen = this.#pace.value;
    return Object.hasOwn(PACES, chosen) ? (chosen as PaceName) : 'normal';
  }
}
