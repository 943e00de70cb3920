// Keys that the bar holds down for the person. Never outlives the connection: what it held is up on the far side then.

import type { KeyName } from '../keys.ts';
import type { Screen } from '../screen/screen.ts';

export class Sticky {
  readonly #held = new Set<KeyName>();
  readonly #screen: () => Screen | undefined;

  constructor(screen: () => Screen | undefined) {
    this.#screen = screen;
  }

  get held(): readonly KeyName[] {
    return [...this.#held];
  }

  toggle(key: KeyName): void {
    const down = !this.#held.has(key);
    this.#screen()?.hold(key, down);
    if (down) this.#held.add(key);
    else this.#held.delete(key);
  }

  release(): void {
    for (const key of this.#held) this.#screen()?.hold(key, false);
    this.#held.clear();
  }
}
