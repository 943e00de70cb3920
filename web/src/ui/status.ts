// What a screen reader hears: changes of state and what was done, once each; never a countdown.

import { IDLE, isSame, type State } from '../connection.ts';
import { fill, wordsFor, type Catalogue } from '../messages/catalogue.ts';
import { element } from './element.ts';

export class Status {
  readonly root = element('p', { class: 'quiet', role: 'status' });
  #mute = true;

  /** The words of the right language are there: what is the case now is said first. */
  begin(state: State, catalogue: Catalogue, title: string): void {
    this.#mute = false;
    this.tell(state, IDLE, catalogue, title);
  }

  tell(state: State, before: State, catalogue: Catalogue, title: string): void {
    if (isSame(state, before)) return;
    if (state.name === 'connected') this.say(fill(catalogue.ui.connectedNow, { title }));
    else if (state.name === 'connecting' && !state.after) this.say(catalogue.ui.openTitle);
    else if ('why' in state) {
      const words = wordsFor(catalogue, state.why);
      this.say(`${words.title}. ${words.detail}`);
    }
  }

  /** The same words again are no news. */
  say(text: string): void {
    if (!this.#mute && this.root.textContent !== text) this.root.textContent = text;
  }
}
