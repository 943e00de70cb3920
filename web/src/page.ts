// What is seen: the bar, the screen, the card over it, and the live region. Decides nothing about the connection.

import type { Scale, Theme } from './address.ts';
import { announce, powerOf, type Facts } from './announce.ts';
import type { Obedient } from './commands.ts';
import { isSame, type State } from './connection.ts';
import { Embedding } from './embedding.ts';
import { Dispatcher, type Events } from './events.ts';
import { letGo } from './keyboard/typist.ts';
import { fill, wordsFor, type Catalogue, type Words } from './messages/catalogue.ts';
import { choose, ENGLISH, load, type Language } from './messages/languages.ts';
import { isCalm, type Ending } from './reasons.ts';
import { clock, Runner, type Stage } from './runner.ts';
import type { OpenScreen, Screen, ScreenHooks } from './screen/screen.ts';
import type { Opened } from './session.ts';
import { Terms } from './terms.ts';
import { onIdleClick } from './ui/click.ts';
import { Desk, type Bench } from './ui/desk.ts';
import { Doorstep } from './ui/doorstep.ts';
import { element } from './ui/element.ts';
import { freeze, thaw } from './ui/frozen.ts';
import { isFullScreen, onFullScreen, toggleFullScreen } from './ui/fullscreen.ts';
import type { Look } from './ui/look.ts';
import { watchChord } from './ui/release.ts';
import { Status, type Voice } from './ui/status.ts';
import { Surface } from './ui/surface.ts';
import { showTheme } from './ui/theme.ts';
import { Toast } from './ui/toast.ts';
import { Warnings } from './warnings.ts';

const HINT_ID = 'leave-hint';
const ENTER_ID = 'enter-hint';
/** The page stays blank for so long at most while the words of its language are fetched. */
const BLANK_MS = 400;

export class Page implements Stage, Obedient {
  readonly events = new Dispatcher();
  readonly #embedding = new Embedding(this, this.events);
  readonly #terms = new Terms();
  readonly #runner = new Runner(new URL(document.baseURI), this);
  readonly #root = element('main', { class: 'console', tabindex: '-1' });
  readonly #screenBox = element('section', { class: 'screen' });
  readonly #status = new Status();
  readonly #hint = element('p', { class: 'quiet', id: HINT_ID });
  readonly #enterHint = element('p', { class: 'quiet', id: ENTER_ID });
  readonly #doorstep = new Doorstep(this.#screenBox, () => this.live?.focus());
  #language: Language = ENGLISH;
  #wanted = ENGLISH.tag;
  readonly #warnings = new Warnings(this.#root, this.#screenBox, {
    language: () => this.#language,
    live: () => this.live,
    viewOnly: () => this.viewOnly,
    say: (text) => this.#status.say(text),
    handBack: () => this.live?.focus(),
  });
  #size: Partial<Events['resize']> = {};
  #screen: Screen | undefined;
  readonly #toast = new Toast((text) => this.#status.say(text));
  readonly #bench: Bench = {
    root: this.#root,
    base: new URL(document.baseURI),
    events: this.events,
    toast: this.#toast,
    live: () => this.live,
    opened: () => this.#terms.opened,
    language: () => this.#language,
    look: () => this.#look,
    words: (why) => this.#words(why),
    startable: () => this.#startable,
    lookNow: () => this.#runner.now(),
    refresh: () => this.#show(),
  };
  readonly #desk = new Desk(this.#bench);
  #surface: Surface = this.#makeSurface();

  constructor(body: HTMLElement) {
    showTheme(document.documentElement, this.#terms.theme);
    this.#root.classList.toggle('bare', !this.#terms.looks.toolbar);
    this.#dress();
    body.append(this.#root);
    void this.#firstWords();
    onIdleClick(this.#root, () => this.live?.focus());
    watchChord(this.#screenBox, () => this.#release());
    onFullScreen(() => this.#show());
    window.addEventListener('online', () => this.#runner.now());
    document.addEventListener('visibilitychange', () => document.hidden || this.#runner.now());
    for (const [name, here] of [['focusin', true], ['focusout', false]] as const) {
      this.#screenBox.addEventListener(name, ({ target }) => this.#doorstep.isOn(target) || this.#keyboard(here));
    }
  }

  /** Begins with this token, whatever went before. */
  start(token: string | undefined): void {
    this.#terms.opened = undefined;
    this.#embedding.narrow(undefined);
    thaw(this.#screenBox);
    this.#screen = undefined;
    this.#surface.panels.forget();
    this.#runner.start(token);
  }

  accepted(opened: Opened): void {
    this.#terms.opened = opened;
    this.#embedding.narrow(opened.embedders);
    showTheme(document.documentElement, this.#terms.theme);
    this.#warnings.granted(opened);
    this.#surface.wear(opened.brand);
    void this.#speak();
    this.#show();
  }

  get live(): Screen | undefined {
    return this.#runner.state.name === 'connected' ? this.#screen : undefined;
  }

  get viewOnly(): boolean {
    return this.#terms.viewOnly;
  }

  disconnect(): void {
    this.#runner.disconnect();
  }

  setScale(scale: Scale): void {
    this.#terms.wish = scale;
    this.#screen?.setScale(this.#terms.scale);
    this.#show();
  }

  setViewOnly(viewOnly: boolean): void {
    if (viewOnly) this.#desk.sticky.release();
    if (viewOnly && this.#screen) letGo(this.#screen);
    this.#terms.asked.viewOnly = viewOnly;
    this.#screen?.setViewOnly(this.viewOnly);
    this.#show();
  }

  async fullScreen(): Promise<boolean> {
    if (!isFullScreen()) await toggleFullScreen();
    return isFullScreen();
  }

  requestKeyboard(): void {
    this.#surface.toolbar.raiseKeyboard();
  }

  setTheme(theme: Theme): void {
    this.#terms.asked.theme = theme;
    showTheme(document.documentElement, this.#terms.theme);
  }

  setLocale(lang: string): void {
    this.#terms.asked.lang = lang;
    void this.#speak();
  }

  makeScreen(open: OpenScreen, channel: WebSocket, _opened: Opened, hooks: ScreenHooks): Screen {
    const label = fill(this.#ui.screen, { title: this.#title });
    const options = { viewOnly: this.viewOnly, clipboard: this.#terms.may('clipboard'), scale: this.#terms.scale, label, describedBy: HINT_ID, words: this.#ui };
    const resized = (width: number, height: number): void => {
      this.#size = { width, height };
      if (this.live) this.events.emit('resize', { width, height });
    };
    this.#size = {};
    const clipboard = (text: string): void => this.#desk.came(text);
    this.#screen = open(this.#screenBox, channel, options, { ...hooks, resized, clipboard });
    return this.#screen;
  }

  losing(brief: boolean): void {
    if (brief) freeze(this.#screenBox, this.#screen?.still?.());
  }

  changed(state: State, before: State): void {
    const hadKeyboard = this.#screenBox.contains(document.activeElement);
    if (state.name !== 'connecting' && state.name !== 'connected') this.#screen = undefined;
    if (state.name === 'connected' || state.name === 'waiting' || state.name === 'ended') thaw(this.#screenBox);
    this.#desk.follow();
    this.#show();
    if (state.name === 'connected') this.#warnings.connected();
    else this.#warnings.gone();
    this.#status.tell(state, before, this.#voice);
    if (state.name !== 'waiting' || !isSame(state, before)) announce(this.events, state, before, this.#facts());
    if (state.name === 'connected') this.#takeKeyboard();
    else if (hadKeyboard && before.name === 'connected') this.#surface.overlay.focus();
  }

  /** Takes the keyboard for the screen, but not from the bar, and never from a panel's own field around the frame. */
  #takeKeyboard(): void {
    const ours = document.hasFocus() || (window.parent === window && !this.#hasConnected);
    this.#hasConnected = true;
    if (ours && !this.#surface.focused && !this.viewOnly) this.#screen?.focus();
  }

  #hasConnected = false;

  #keyboard(here: boolean): void {
    this.#root.classList.toggle('keys', here && !this.viewOnly);
    this.events.emit(here ? 'focus' : 'blur', {});
  }

  #release(): void {
    this.#status.say(this.#ui.released);
    if (!this.#surface.toolbar.focus()) this.#root.focus();
  }

  #show(): void {
    const { state } = this.#runner;
    this.#root.dataset['state'] = state.name;
    this.#root.classList.toggle('calm', state.name === 'ended' && isCalm(state.why));
    this.#root.classList.toggle('full', isFullScreen());
    this.#root.classList.toggle('picture', this.#look.picture);
    this.#hint.textContent = this.#look.viewOnly ? this.#ui.viewOnlyHint : this.#ui.leaveHint;
    this.#doorstep.show(this.live !== undefined && !this.viewOnly, fill(this.#ui.screen, { title: this.#title }), ENTER_ID);
    const name = this.#terms.opened?.brand?.name;
    document.title = name ? `${this.#title} · ${name}` : this.#title;
    this.#surface.show(state, clock);
  }

  /** Nothing is seen or heard before the words of the browser's language are there, or take too long. */
  async #firstWords(): Promise<void> {
    this.#root.classList.add('wordless');
    await Promise.race([this.#speak(), new Promise((late) => setTimeout(late, BLANK_MS))]);
    this.#root.classList.remove('wordless');
    this.#status.begin(this.#runner.state, this.#voice);
  }

  /** Changes to the first language there is of the token's, the address' and the browser's; stays where it cannot be fetched. */
  async #speak(): Promise<void> {
    const tag = choose(this.#terms.languages);
    this.#wanted = tag;
    if (tag === this.#language.tag) return;
    const language = await load(tag).catch(() => undefined);
    if (language === undefined || this.#wanted !== tag) return;
    const hadKeyboard = this.#screenBox.contains(document.activeElement);
    this.#surface.panels.closeUnless(() => false);
    this.#desk.drop();
    this.#language = language;
    this.#surface = this.#makeSurface();
    this.#dress();
    this.#show();
    if (hadKeyboard) this.#screen?.focus();
  }

  #facts(): Facts {
    const { session = '', console } = this.#terms.opened ?? {};
    return {
      connected: { sessionId: session, kind: console?.kind ?? '', protocol: console?.protocol ?? '', ...this.#size },
      delay: (due) => Math.round(due - clock()),
      words: (why) => this.#words(why),
    };
  }

  #dress(): void {
    const { tag, dir } = this.#language;
    Object.assign(document.documentElement, { lang: tag, dir });
    this.#enterHint.textContent = this.#ui.enterHint;
    const { toolbar, panels, overlay } = this.#surface;
    this.#root.replaceChildren(
      ...[toolbar.root, toolbar.touch, panels.root, this.#screenBox, overlay.root],
      ...[this.#warnings.root, this.#toast.root, this.#status.root, this.#hint, this.#enterHint],
    );
    this.#surface.wear(this.#terms.opened?.brand ?? null);
  }

  #makeSurface(): Surface {
    const acts = {
      setScale: (scale: Scale) => this.setScale(scale),
      toggleFullScreen: () => void toggleFullScreen(),
      disconnect: () => this.disconnect(),
      handBack: () => this.live?.focus(),
    };
    const choices = { now: () => this.#runner.now(), cancel: () => this.#runner.cancel(), again: () => this.#runner.again() };
    return new Surface(this.#bench, this.#desk, acts, choices);
  }

  get #ui(): Catalogue['ui'] {
    return this.#language.catalogue.ui;
  }

  get #voice(): Voice {
    return { ui: this.#ui, title: this.#title, words: (why) => this.#words(why) };
  }

  /** A shell is what a container or a host shows as text; the text of a virtual machine comes from its serial port. */
  #words(why: Ending): Words {
    const { protocol, kind } = this.#terms.opened?.console ?? {};
    return wordsFor(this.#language.catalogue, why, { startable: this.#startable, shell: protocol === 'term' && kind !== 'qemu' });
  }

  get #startable(): boolean {
    const { state } = this.#runner;
    return powerOf(state) === 'stopped' && state.name !== 'ended' && this.#terms.may('power') && this.#terms.opened?.control !== undefined;
  }

  get #title(): string {
    return this.#terms.opened?.console.title ?? this.#ui.untitled;
  }

  get #look(): Look {
    const { opened, scale } = this.#terms;
    return {
      title: this.#title,
      kind: opened?.console.kind ?? '',
      machine: powerOf(this.#runner.state),
      state: this.#runner.state.name,
      viewOnly: opened !== undefined && this.viewOnly,
      picture: opened?.console.protocol !== 'term',
      clipboard: this.#terms.may('clipboard'),
      resize: this.#terms.may('resize'),
      power: this.#terms.may('power'),
      scale,
      fullScreen: isFullScreen(),
    };
  }
}
