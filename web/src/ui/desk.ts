// What the tools of the bar do, whatever language they speak: keys held down, power, the clipboard, pictures, the keyboard of
// phones. Outlives a change of language; never sends more than the rights allow, which the gateway checks again.

import { Clipboard } from '../clipboard.ts';
import type { Dispatcher } from '../events.ts';
import { chosenLayout } from '../keyboard/choice.ts';
import { loadLayout, type Layout } from '../keyboard/layout.ts';
import { Sticky } from '../keyboard/sticky.ts';
import { charactersOf, strokesFor } from '../keyboard/typing.ts';
import type { KeyName } from '../keys.ts';
import { Latency } from '../latency.ts';
import { wordsFor } from '../messages/catalogue.ts';
import type { Language } from '../messages/languages.ts';
import type { Words } from '../messages/catalogue.ts';
import type { Ending } from '../reasons.ts';
import type { Power } from '../power.ts';
import type { Screen } from '../screen/screen.ts';
import type { Opened } from '../session.ts';
import type { Look } from './look.ts';
import { save } from './screenshot.ts';
import { Switching } from './switching.ts';
import type { Toast } from './toast.ts';

/** The page, as far as the tools see it. */
export interface Bench {
  readonly root: HTMLElement;
  readonly base: URL;
  readonly events: Dispatcher;
  /** The screen of a console that is connected now. */
  live(): Screen | undefined;
  opened(): Opened | undefined;
  language(): Language;
  look(): Look;
  /** The words of an ending, as this console has them. */
  words(why: Ending): Words;
  /** The machine is off, and this session can start it. */
  startable(): boolean;
  readonly toast: Toast;
  /** Looks at once how the machine is that is waited for. */
  lookNow(): void;
  /** Something of what the bar shows is another. */
  refresh(): void;
}

export class Desk {
  readonly #bench: Bench;
  readonly sticky: Sticky;
  readonly clipboard: Clipboard;
  /** Of a terminal; kept when it is opened again. */
  readonly reading = { on: false };
  readonly #latency: Latency;
  readonly #switching: Switching;
  #ms: number | undefined;
  #layout: Layout | undefined;
  #came: (text: string) => void = () => undefined;

  constructor(bench: Bench) {
    this.#bench = bench;
    this.#switching = new Switching(bench);
    this.sticky = new Sticky(() => bench.live());
    this.clipboard = new Clipboard({
      paste: (text) => this.#paste(text),
      allowed: () => bench.live() !== undefined && bench.look().clipboard,
      takes: () => bench.live() !== undefined && bench.look().clipboard && bench.look().picture,
      touches: (target) => target instanceof Element && target.closest('.screen') !== null && !bench.look().viewOnly,
    });
    this.#latency = new Latency(bench.base, (ms) => {
      this.#ms = ms;
      if (ms !== undefined) bench.events.emit('latency', { rttMs: ms });
      bench.refresh();
    });
  }

  get latency(): number | undefined {
    return this.#ms;
  }

  /** Who shows what the machine put into its clipboard. */
  onClipboard(came: (text: string) => void): void {
    this.#came = came;
  }

  /** After every change of state. */
  follow(): void {
    const [live, opened] = [this.#bench.live(), this.#bench.opened()];
    if (!live) this.sticky.release();
    else if (this.reading.on) live.terminal?.screenReader(true);
    if (!opened) this.clipboard.forget();
    this.#switching.follow();
    this.#latency.run(live !== undefined && opened?.control !== undefined);
  }

  /** Only with the right to it, which the screen and the gateway have looked at before. */
  came(text: string): void {
    if (!this.#bench.look().clipboard) return;
    void this.clipboard.take(text);
    this.#came(text);
    this.#bench.events.emit('clipboard', { text });
  }

  hold(key: KeyName): void {
    this.sticky.toggle(key);
    this.#bench.refresh();
  }

  send(keys: readonly KeyName[]): void {
    this.#bench.live()?.sendKeys(keys);
  }

  /** Whatever takes single keys now. */
  get keyboard(): Screen | undefined {
    const live = this.#bench.live();
    return live?.stroke && !this.#bench.look().viewOnly ? live : undefined;
  }

  /** For the keyboard of a phone: as if typed on the layout that was chosen for typing. */
  async prepareLayout(): Promise<void> {
    this.#layout = await chosenLayout().then(loadLayout).catch(() => undefined);
  }

  typeNow(text: string): void {
    for (const char of charactersOf(text)) for (const { keysym, code, down } of strokesFor(char, this.#layout)) this.keyboard?.stroke?.({ keysym, code }, down);
  }

  async screenshot(): Promise<void> {
    const live = this.#bench.live();
    try {
      if (live) save(await live.screenshot(), this.#bench.look().title);
    } catch {
      this.#bench.toast.say(wordsFor(this.#bench.language().catalogue, { code: 'display_failed' }).title);
    }
  }

  /** A question that is open is answered with no. */
  drop(): void {
    this.#switching.drop();
  }

  power(action: Power): Promise<void> {
    return this.#switching.press(action);
  }

  #paste(text: string): boolean {
    const [live, look] = [this.#bench.live(), this.#bench.look()];
    if (!live || look.viewOnly || text === '' || (look.picture && !look.clipboard)) return false;
    live.paste(text);
    return true;
  }
}
