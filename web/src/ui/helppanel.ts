// The help panel: why letters come out wrong, the way out of the screen, and what fingers do.

import type { Tools } from '../messages/catalogue.ts';
import { element } from './element.ts';
import type { Look } from './look.ts';
import type { Content } from './panel.ts';

export class HelpPanel implements Content {
  readonly title: string;
  readonly body = element('div', { class: 'panel-body help', tabindex: '0', role: 'group' });
  readonly #words: Tools;
  readonly #look: () => Look;

  constructor(words: Tools, look: () => Look) {
    this.title = words.help;
    this.#words = words;
    this.#look = look;
    this.body.setAttribute('aria-label', words.help);
  }

  first(): HTMLElement {
    return this.body;
  }

  opened(): void {
    const words = this.#words;
    const { picture, viewOnly } = this.#look();
    const text = (line: string): HTMLElement => element('p', {}, line);
    const touch = [words.touchTap, words.touchTwo, words.touchThree, words.touchDrag, words.touchScroll, words.touchPinch];
    const typing = [...(picture ? [text(words.helpLayout)] : []), text(words.helpLeave)];
    const keyboard = [...(viewOnly ? [text(words.helpWatch)] : typing), text(words.helpFull)];
    const fingers = [element('h3', {}, words.helpTouch), element('ul', {}, ...touch.map((line) => element('li', {}, line)))];
    this.body.replaceChildren(element('h3', {}, words.helpKeyboard), ...keyboard, ...(picture && !viewOnly ? fingers : []));
  }
}
