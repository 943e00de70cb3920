// What the tools of the bar do, whatever language they speak: keys held down, power, the clipboard, pictures, the keyboard of
// phones. Outlives a change of language; never sends more than the rights allow, which the gateway checks again.

import { Clipboard } from '../clipboard.ts';
import type { Dispatcher } from '../events.ts';
import { chosenLayout } from '../keyboard/choice.ts';
import { loadLayout, type Layout } from '../keyboard/layout.ts';
import { Sticky } from '../keyboard/sticky.ts';
import { charactersOf, strokesFor, type Stroke } from '../keyboard/typing.ts';
import type { KeyName } from '../keys.ts';
import { Latency } from '../latency.ts';
import { fill, wordsFor } from '../messages/catalogue.ts';
import type { Language } from '../messages/languages.ts';
import { askPower, type Power } from '../power.ts';
import type { Screen } from '../screen/screen.ts';
import type { Opened } from '../session.ts';
import { confirm } from './confirm.ts';
import type { Look } from './look.ts';
import { save } from './screenshot.ts';
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
  readonly toast: Toast;
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
  #ms: number | undefined;
  #layout: Layout | undefined;
  #came: (text: string) => void = () => undefined;

  constructor(bench: Bench) {
    this.#bench = bench;
    this.sticky = new Sticky(() => bench.live());
    this.clipboard = new Clipboard({
      paste: (text) => this.#paste(text),
      allowed: () => bench.live() !== undefined && bench.look().clipboard,
      takes: () => bench.live() !== undefined && bench.look().clipboard && bench.look().picture,
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

  /** False where nobody takes keys any more. */
  stroke({ keysym, code, down }: Stroke): boolean {
    const live = this.#bench.live();
    if (!live?.stroke || this.#bench.look().viewOnly) return false;
    live.stroke({ keysym, code }, down);
    return true;
  }

  /** For the keyboard of a phone: as if typed on the layout that was chosen for typing. */
  async prepareLayout(): Promise<void> {
    this.#layout = await chosenLayout().then(loadLayout).catch(() => undefined);
  }

  typeNow(text: string): void {
    for (const char of charactersOf(text)) for (const stroke of strokesFor(char, this.#layout)) this.stroke(stroke);
  }

  async screenshot(): Promise<void> {
    const live = this.#bench.live();
    try {
      if (live) save(await live.screenshot(), this.#bench.look().title);
    } catch {
      this.#bench.toast.say(wordsFor(this.#bench.language().catalogue, { code: 'display_failed' }).title);
    }
  }

  async power(action: Power): Promise<void> {
    const { tools, ui } = this.#bench.language().catalogue;
    if (action !== 'start') {
      const title = fill(tools[`${action}Title`], { title: this.#bench.look().title });
      const sure = await confirm(this.#bench.root, { title, detail: tools[`${action}Detail`], yes: tools[action], no: ui.cancel });
      if (!sure) return;
    }
    await this.#ask(action);
  }

  /** What the gateway cannot do, the panel around the page may. */
  async #ask(action: Power): Promise<void> {
    const { base, events, toast } = this.#bench;
    const opened = this.#bench.opened();
    if (!opened) return;
    const why = opened.control ? await askPower(base, opened.session, opened.control, action) : undefined;
    const done = opened.control !== undefined && why === undefined;
    events.emit('power', { action, done });
    const { catalogue } = this.#bench.language();
    if (done) return toast.say(catalogue.tools[`${action}Asked`]);
    if (!why) return toast.say(catalogue.tools.powerElsewhere);
    const { title, detail } = wordsFor(catalogue, why);
    toast.say(`${title}. ${detail}`);
  }

  #paste(text: string): boolean {
    const [live, look] = [this.#bench.live(), this.#bench.look()];
    if (!live || look.viewOnly || text === '' || (look.picture && !look.clipboard)) return false;
    live.paste(text);
    return true;
  }
}
