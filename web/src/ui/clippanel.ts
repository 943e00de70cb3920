// The panel of the clipboard: a field that works even where the browser lets no page near the clipboard. For a terminal it
// is a place to paste into.

import type { Clipboard } from '../clipboard.ts';
import type { Tools } from '../messages/catalogue.ts';
import { element } from './element.ts';
import { button, field, status, textArea } from './field.ts';
import type { Content } from './panel.ts';

export class ClipPanel implements Content {
  readonly title: string;
  readonly body: HTMLElement;
  readonly #clipboard: Clipboard;
  readonly #words: Tools;
  readonly #text = textArea(6);
  readonly #said = status();

  constructor(words: Tools, clipboard: Clipboard, terminal: boolean) {
    this.title = terminal ? words.paste : words.clipboard;
    this.#words = words;
    this.#clipboard = clipboard;
    const send = button(terminal ? words.paste : words.clipSend, () => this.#send(), true);
    const read = button(words.clipRead, () => void this.#read());
    const copy = button(words.clipCopy, () => void this.#copy());
    const advice = terminal ? [] : [element('p', { class: 'advice' }, words.clipAdvice), element('p', { class: 'advice' }, words.clipUnsure)];
    const actions = element('div', { class: 'actions pairs' }, read, copy, send);
    this.body = element('div', { class: 'panel-body' }, ...advice, field(words.clipField, this.#text).row, this.#said, actions);
  }

  first(): HTMLElement {
    return this.#text;
  }

  opened(): void {
    this.#said.textContent = '';
    if (this.#clipboard.offered !== undefined) this.#text.value = this.#clipboard.offered;
  }

  forget(): void {
    this.#text.value = '';
    this.#said.textContent = '';
  }

  /** The machine put text into its clipboard. */
  came(text: string): void {
    this.#text.value = text;
    this.#said.textContent = this.#words.clipCame;
  }

  #send(): void {
    if (this.#clipboard.send(this.#text.value)) this.#said.textContent = this.#words.clipSent;
  }

  async #read(): Promise<void> {
    const text = await this.#clipboard.read();
    if (text === undefined) this.#said.textContent = this.#words.clipRefused;
    else this.#text.value = text;
  }

  async #copy(): Promise<void> {
    this.#said.textContent = (await this.#clipboard.write(this.#text.value)) ? this.#words.copied : this.#words.clipRefused;
  }
}
