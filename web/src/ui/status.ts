// What a screen reader hears: changes of state and what was done, once each; never a countdown.

import { IDLE, isBrief, isSame, type State } from '../connection.ts';
import { fill, type Catalogue, type Words } from '../messages/catalogue.ts';
import type { Ending } from '../reasons.ts';
import { BRIEF_MS } from '../reconnect.ts';
import { element } from './element.ts';

/** What it says it with. */
export interface Voice {
  readonly ui: Catalogue['ui'];
  readonly title: string;
  words(why: Ending): Words;
}

export class Status {
  readonly root = element('p', { class: 'quiet', role: 'status' });
  #mute = true;
  /** Why a cut was, where it is not mended soon. */
  #later: ReturnType<typeof setTimeout> | undefined;

  /** The words of the right language are there: what is the case now is said first. */
  begin(state: State, voice: Voice): void {
    this.#mute = false;
    this.tell(state, IDLE, voice);
  }

  tell(state: State, before: State, { ui, title, words }: Voice): void {
    clearTimeout(this.#later);
    if (isBrief(state)) {
      this.#later = setTimeout(() => this.#why(state, words), BRIEF_MS);
      return this.say(ui.reconnecting);
    }
    if (isSame(state, before)) return;
    if (state.name === 'connected') this.say(fill(ui.connectedNow, { title }));
    else if (state.name === 'connecting' && !state.after) this.say(ui.openTitle);
    else this.#why(state, words);
  }

  #why(state: State, words: Voice['words']): void {
    const why = state.name === 'connecting' ? state.after?.why : 'why' in state ? state.why : undefined;
    if (why) this.say(`${words(why).title}. ${words(why).detail}`);
  }

  /** The same words again are no news. */
  say(text: string): void {
    if (!this.#mute && this.root.textContent !== text) this.root.textContent = text;
  }
}
