// The button that starts a machine that is off, on the card where it is waited for.

import type { State } from '../connection.ts';
import { button } from './field.ts';

export class StartButton {
  readonly root: HTMLElement;

  constructor(label: string, start: () => void) {
    this.root = button(label, start);
  }

  /** `may`: the session has the right to it. */
  show(state: State, may: boolean): void {
    this.root.hidden = !may || !isOff(state);
  }
}

/** Known to be off; an attempt to see whether it still is changes nothing about that. */
function isOff(state: State): boolean {
  const why = state.name === 'connecting' ? state.after?.why : 'why' in state ? state.why : undefined;
  return why?.code === 'guest_stopped' && state.name !== 'ended';
}
