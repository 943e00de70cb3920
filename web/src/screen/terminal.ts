// A terminal screen: xterm.js on the channel, which speaks termproxy's messages (terminal/framing.ts) and is logged in by the
// gateway. The gateway's first message, which may be empty, says that the login is done.
//
// What the machine prints is hostile until proven otherwise: no title, no reading of the clipboard, no link without a key held.

import type { Terminal } from '@xterm/xterm';
import xtermCss from '@xterm/xterm/css/xterm.css';
import { FitAddon } from '@xterm/addon-fit';
import type { KeyName } from '../keys.ts';
import { copy, offered } from '../terminal/clipboard.ts';
import { encode, encodeBytes, KEEP_ALIVE, pasted, resizeMessage, within, type Size } from '../terminal/framing.ts';
import { Inflow } from '../terminal/inflow.ts';
import { bytesOf, chord, modified } from '../terminal/keys.ts';
import { drawWithWebGl, makeTerminal } from '../terminal/make.ts';
import { Outbox } from '../terminal/outbox.ts';
import { SearchBar } from '../terminal/search.ts';
import { adopt, sheetOf } from '../terminal/sheets.ts';
import { draw } from '../terminal/still.ts';
import { shortcutOf } from '../terminal/shortcuts.ts';
import { WakeHint } from '../terminal/wake.ts';
import { keepFontSize, keptFontSize, nextFontSize, themeOf, watchTheme } from '../terminal/theme.ts';
import css from '../terminal/terminal.css';
import { element } from '../ui/element.ts';
import type { OpenScreen, Screen, ScreenHooks, ScreenOptions, TerminalControls } from './screen.ts';

const KEEP_ALIVE_MS = 30_000;
const SHEETS = [xtermCss, css].map(sheetOf);

export const openTerminal: OpenScreen = (target, channel, options, hooks) => new TerminalScreen(target, channel, options, hooks);

class TerminalScreen implements Screen {
  readonly terminal: TerminalControls;
  readonly #box = element('div', { class: 'terminal-box' });
  readonly #term: Terminal;
  readonly #fit = new FitAddon();
  readonly #outbox: Outbox;
  readonly #inflow: Inflow;
  readonly #search: SearchBar;
  readonly #hooks: ScreenHooks;
  readonly #wake: WakeHint;
  readonly #held = new Set<KeyName>();
  readonly #ends: (() => void)[] = [];
  #viewOnly: boolean;
  #size: Size | undefined;
  #heard = false;

  constructor(target: HTMLElement, channel: WebSocket, options: ScreenOptions, hooks: ScreenHooks) {
    this.#hooks = hooks;
    this.#viewOnly = options.viewOnly;
    this.#outbox = new Outbox(channel);
    SHEETS.forEach(adopt);
    this.#term = makeTerminal(options, this.#box);
    this.#term.loadAddon(this.#fit);
    target.append(this.#box);
    this.#open(options);
    this.#search = new SearchBar(this.#term, options.words, () => this.focus());
    this.#wake = new WakeHint(options.words.wakeHint);
    this.#ends.push(() => this.#wake.end());
    this.#box.append(this.#search.root, this.#wake.root);
    this.#refit();
    this.#inflow = new Inflow((bytes, parsed) => this.#term.write(bytes, parsed));
    this.#speak(channel, options);
    this.#watch();
    this.terminal = this.#controls();
  }

  focus(): void {
    this.#term.focus();
  }

  /** A terminal always fills its place; its size is that of the letters. */
  setScale(): void {
    this.#refit();
  }

  setViewOnly(viewOnly: boolean): void {
    this.#viewOnly = viewOnly;
    this.#term.options.disableStdin = viewOnly;
    if (viewOnly) this.#outbox.clear();
  }

  sendKeys(keys: readonly KeyName[]): void {
    this.#input(encode(chord(keys, this.#term.modes.applicationCursorKeysMode)));
  }

  hold(key: KeyName, down: boolean): void {
    if (down) {
      this.#input(encode(bytesOf(key, this.#held)));
      this.#held.add(key);
    } else this.#held.delete(key);
  }

  paste(text: string): void {
    if (text !== '') this.#input(encode(pasted(text, this.#term.modes.bracketedPasteMode)));
  }

  still(): HTMLCanvasElement {
    return draw(this.#term, this.#box);
  }

  screenshot(): Promise<Blob> {
    return new Promise((done, fail) => {
      this.still().toBlob((blob) => (blob ? done(blob) : fail(new Error('the picture could not be encoded'))));
    });
  }

  /** The size it has already: nothing changes, but the gateway has heard of a person. */
  stay(): void {
    if (this.#size) this.#outbox.now(resizeMessage(this.#size));
  }

  close(): void {
    for (const end of this.#ends.splice(0)) end();
    this.#outbox.clear();
    this.#term.dispose();
    this.#box.remove();
  }

  #open(options: ScreenOptions): void {
    this.#term.open(this.#box);
    this.#term.textarea?.setAttribute('aria-describedby', options.describedBy);
    this.#ends.push(drawWithWebGl(this.#term, this.#box));
    this.#term.attachCustomKeyEventHandler((event) => this.#passes(event));
    // Before xterm.js, which would send a large text in one piece and let an end mark in it through.
    this.#on(this.#box, 'paste', (event) => this.#pasteEvent(event), true);
  }

  #speak(channel: WebSocket, options: ScreenOptions): void {
    channel.binaryType = 'arraybuffer';
    this.#on(channel, 'open', () => this.stay());
    this.#on(channel, 'message', ({ data }) => this.#hear(data));
    this.#term.onData((data) => this.#said(encode(this.#held.size > 0 ? modified(data, this.#held) : data)));
    this.#term.onBinary((data) => this.#input(encodeBytes(data)));
    this.#term.parser.registerOscHandler(52, (payload) => {
      const text = options.clipboard ? offered(payload) : undefined;
      if (text !== undefined) this.#hooks.clipboard?.(text);
      return true;
    });
    const beat = setInterval(() => this.#outbox.now(KEEP_ALIVE), KEEP_ALIVE_MS);
    this.#ends.push(() => clearInterval(beat));
  }

  #hear(data: unknown): void {
    if (!(data instanceof ArrayBuffer)) return this.#hooks.failed();
    if (!this.#heard) {
      this.#heard = true;
      this.#hooks.connected();
      this.#hooks.resized?.(this.#term.cols, this.#term.rows);
      if (!this.#viewOnly) this.#wake.begin(this.#term);
    } else this.#wake.heard();
    if (data.byteLength > 0) this.#inflow.take(new Uint8Array(data));
  }

  /** xterm.js does not tell what it answers from what a person types. */
  #said(bytes: Uint8Array): void {
    if (!this.#inflow.reading) this.#input(bytes);
    else if (!this.#viewOnly) this.#outbox.answer(bytes);
  }

  #input(bytes: Uint8Array): void {
    this.#wake.end();
    if (!this.#viewOnly) this.#outbox.input(bytes);
  }

  #pasteEvent(event: ClipboardEvent): void {
    if (event.target instanceof Node && this.#search.root.contains(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.paste(event.clipboardData?.getData('text/plain') ?? '');
  }

  /** False for keys that are not the machine's. */
  #passes(event: KeyboardEvent): boolean {
    // Who only watches is not caught in the terminal.
    if (this.#viewOnly && event.key === 'Tab') return false;
    const shortcut = shortcutOf(event);
    if (shortcut === undefined) return true;
    // A paste is left to the browser, which needs nobody's permission for it and then tells of it.
    if (shortcut !== 'paste') event.preventDefault();
    if (event.type === 'keydown' && shortcut === 'copy') void this.terminal.copy();
    if (event.type === 'keydown' && shortcut === 'search') this.terminal.search();
    return false;
  }

  /** Fits the number of letters to the place, once before every frame in which the place has changed. */
  #watch(): void {
    let frame = 0;
    const soon = (): void => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => this.#refit());
    };
    const place = new ResizeObserver(soon);
    place.observe(this.#box);
    const themed = watchTheme(document.documentElement, () => {
      this.#term.options.theme = themeOf(document.documentElement);
    });
    this.#ends.push(themed, () => place.disconnect(), () => cancelAnimationFrame(frame));
  }

  #refit(): void {
    const { cols, rows } = this.#fit.proposeDimensions() ?? this.#term;
    const size = within(cols, rows);
    const before = this.#size;
    this.#size = size;
    this.#term.resize(size.columns, size.rows);
    // The first size is told when the channel opens.
    if (before === undefined || (before.columns === size.columns && before.rows === size.rows)) return;
    this.stay();
    this.#hooks.resized?.(size.columns, size.rows);
  }

  #controls(): TerminalControls {
    const term = this.#term;
    return {
      search: () => this.#search.open(term.getSelection()),
      copy: () => copy(term.getSelection()),
      fontSize: (change) => {
        const size = nextFontSize(term.options.fontSize ?? keptFontSize(), change);
        term.options.fontSize = size;
        keepFontSize(size);
        this.#refit();
        return size;
      },
      screenReader: (on) => {
        term.options.screenReaderMode = on;
      },
    };
  }

  #on<K extends keyof HTMLElementEventMap>(target: HTMLElement, name: K, listener: (event: HTMLElementEventMap[K]) => void, capture?: boolean): void;
  #on<K extends keyof WebSocketEventMap>(target: WebSocket, name: K, listener: (event: WebSocketEventMap[K]) => void): void;
  #on(target: EventTarget, name: string, listener: (event: never) => void, capture = false): void {
    target.addEventListener(name, listener as (event: Event) => void, capture);
    this.#ends.push(() => target.removeEventListener(name, listener as (event: Event) => void, capture));
  }
}
