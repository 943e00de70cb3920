// The card over the screen while there is no picture: what happens, why, and what can be done about it.

import { isBrief, type State } from '../connection.ts';
import { isCalm, planFor, type Ending } from '../reasons.ts';
import { BRIEF_MS } from '../reconnect.ts';
import { fill, type Catalogue, type Words } from '../messages/catalogue.ts';
import { element, icon } from './element.ts';

export interface Choices {
  now(): void;
  cancel(): void;
  again(): void;
}

type Mark = 'busy' | 'wait' | 'over' | 'stop';

const MARKS = {
  over: 'M8 12h8M12 3a9 9 0 1 0 0 18 9 9 0 1 0 0-18',
  wait: 'M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 1 0 0-18',
  stop: 'M12 7.5v5.5M12 16.5h.01M12 3a9 9 0 1 0 0 18 9 9 0 1 0 0-18',
};

export class Overlay {
  readonly root: HTMLElement;
  /** Among the buttons, for what else can be done while the machine is waited for. Hidden where it is empty. */
  readonly slot = element('div', { class: 'slot' });
  readonly #card: HTMLElement;
  readonly #catalogue: Catalogue;
  readonly #words: (why: Ending) => Words;
  readonly #mark = element('div', { class: 'mark' });
  readonly #title = element('h2');
  readonly #detail = element('p', { class: 'detail' });
  readonly #progress = element('p', { class: 'progress' });
  readonly #reference = element('p', { class: 'reference' });
  readonly #main = element('button', { type: 'button', class: 'button main' });
  readonly #cancel = element('button', { type: 'button', class: 'button' });
  #press: () => void = () => undefined;
  #ticking: ReturnType<typeof setInterval> | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #hadKeyboard = false;

  /** `words`: of an ending, as this console has them. */
  constructor(catalogue: Catalogue, words: (why: Ending) => Words, choices: Choices) {
    this.#catalogue = catalogue;
    this.#words = words;
    this.#main.addEventListener('click', () => this.#press());
    this.#cancel.addEventListener('click', () => choices.cancel());
    this.#cancel.textContent = catalogue.ui.cancel;
    const actions = element('div', { class: 'actions' }, this.slot, this.#main, this.#cancel);
    this.#card = element('div', { class: 'card' }, this.#mark, this.#title, this.#detail, this.#progress, actions, this.#reference);
    const word = element('p', { class: 'word' }, element('span', { class: 'spinner' }), catalogue.ui.reconnecting);
    this.root = element('div', { class: 'overlay' }, this.#card, word);
    this.#choices = choices;
  }

  readonly #choices: Choices;

  /** `clock` reads the same clock as the state's times; `other`: what is in the slot is what the person most likely wants. */
  show(state: State, clock: () => number, other: boolean): void {
    clearInterval(this.#ticking);
    this.#main.classList.toggle('main', !other);
    this.root.hidden = state.name === 'connected';
    this.root.classList.toggle('first', state.name === 'connecting' && !state.after);
    this.#briefly(isBrief(state));
    switch (state.name) {
      case 'idle':
      case 'connected':
        return;
      case 'connecting':
        return this.#connecting(state);
      case 'reconnecting':
      case 'waiting':
        return this.#pausing(state, clock);
      case 'ended':
        return this.#ended(state);
    }
  }

  /** Instead of the card, a word beside the last picture. */
  #briefly(brief: boolean): void {
    if (!brief) {
      clearTimeout(this.#patience);
      this.#patience = undefined;
      this.#reveal();
    } else if (this.#patience === undefined) {
      this.root.classList.add('brief');
      this.#patience = setTimeout(() => this.#reveal(), BRIEF_MS);
    }
  }

  #reveal(): void {
    this.root.classList.remove('brief');
    const idle = document.activeElement === null || document.activeElement === document.body;
    if (this.#hadKeyboard && idle && !this.root.hidden) this.focus();
    this.#hadKeyboard = false;
  }

  /** Stands above everything else in the card. */
  brand(logo: HTMLImageElement | undefined): void {
    this.#card.querySelector('.logo')?.remove();
    if (logo) this.#card.prepend(logo);
  }

  /** Where the keyboard goes when the screen it was in has gone. */
  focus(): void {
    this.#hadKeyboard = this.root.classList.contains('brief');
    if (!this.#hadKeyboard && !this.#main.hidden) this.#main.focus();
  }

  #connecting(state: Extract<State, { name: 'connecting' }>): void {
    const { ui } = this.#catalogue;
    const after = state.after;
    if (after) {
      this.#say(this.#words(after.why), after.why, 'busy');
      this.#progress.textContent = after.kind === 'waiting' ? ui.checkingNow : this.#trying(state.attempt, ui.tryingNow);
      this.#offer(after.kind === 'waiting' ? ui.checkNow : ui.tryNow, () => undefined, true);
      return;
    }
    const stage = { session: ui.stageSession, socket: ui.stageSocket, screen: ui.stageScreen }[state.stage];
    this.#say({ title: ui.openTitle, detail: '' }, undefined, 'busy');
    this.#progress.textContent = stage;
    this.#offer(undefined, () => undefined, true);
  }

  #pausing(state: Extract<State, { name: 'reconnecting' | 'waiting' }>, clock: () => number): void {
    const { ui } = this.#catalogue;
    const waiting = state.name === 'waiting';
    this.#say(this.#words(state.why), state.why, waiting ? 'wait' : 'busy');
    if (state.watch?.asking) {
      this.#progress.textContent = ui.checkingNow;
      return this.#offer(ui.checkNow, () => undefined, true);
    }
    const tick = (): void => {
      const seconds = Math.max(1, Math.ceil((state.due - clock()) / 1000));
      const next = fill(waiting ? ui.checkIn : ui.nextIn, { seconds });
      this.#progress.textContent = waiting ? next : this.#trying(state.attempt, next);
    };
    tick();
    this.#ticking = setInterval(tick, 250);
    this.#offer(waiting ? ui.checkNow : ui.tryNow, () => this.#choices.now(), true);
  }

  #ended(state: Extract<State, { name: 'ended' }>): void {
    const { ui } = this.#catalogue;
    const plan = planFor(state.why);
    const words = this.#words(state.why);
    const gaveUp = plan === 'reconnect' || plan === 'herd';
    this.#say(gaveUp ? { ...words, detail: ui.gaveUp } : words, state.why, isCalm(state.why) ? 'over' : 'stop');
    this.#progress.textContent = state.again || plan === 'over' ? '' : ui.fromPanel;
    this.#offer(state.again ? ui.again : undefined, () => this.#choices.again(), false);
  }

  #trying(attempt: number, text: string): string {
    return `${fill(this.#catalogue.ui.attempt, { n: attempt })} · ${text}`;
  }

  #say(words: Words, why: Ending | undefined, mark: Mark): void {
    this.#title.textContent = words.title;
    this.#detail.textContent = words.detail;
    this.#reference.textContent = '';
    if (why?.ref) this.#reference.append(`${this.#catalogue.ui.reference} `, element('code', {}, why.ref));
    if (this.#mark.dataset['mark'] === mark) return;
    this.#mark.dataset['mark'] = mark;
    this.#mark.replaceChildren(mark === 'busy' ? element('span', { class: 'spinner' }) : icon(MARKS[mark]));
  }

  /** The main button keeps its place and the focus while an attempt runs. */
  #offer(label: string | undefined, press: () => void, cancel: boolean): void {
    this.#main.hidden = label === undefined;
    this.#main.textContent = label ?? '';
    this.#press = press;
    this.#cancel.hidden = !cancel;
  }
}
