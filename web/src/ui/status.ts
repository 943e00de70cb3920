// What a screen reader hears: changes of state and what was done, once each; never a countdown.

import { IDLE, isSame, type State } from '../connection.ts';
import { fill, type Catalogue, type Words } from '../messages/catalogue.ts';
import type { Ending } from '../reasons.ts';
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

  /** The words of the right language are there: what is the case now is said first. */
  begin(state: State, voice: Voice): void {
    this.#mute = false;
    this.tell(state, IDLE, voice);
  }

  tell(state: State, before: State, { ui, title, words }: Voice): void {
    if (isSame(state, before)) return;
    if (state.name === 'connected') this.say(fill(ui.connectedNow, { title }));
    else if (state.name === 'connecting' && !state.after) this.say(ui.openTitle);
    else if ('why' in state) {
      const said = words(state.why);
      this.say(`${said.title}. ${said.detail}`);
    }
  }

  /** The same words again are no news. */
  say(text: string): void {
    if (!this.#mute && this.root.textContent !== text) this.root.textContent = text;
  }
}
