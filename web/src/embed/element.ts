// <console-gate>: a console of the gateway in a frame, its events as DOM events, its commands as methods that return
// promises. What a command may do is decided by the page in the frame and the rights of its session.

import type { Events } from '../events.ts';
import { Channel } from './channel.ts';
import { ANSWER_MS, Commanding } from './commanding.ts';
import { ConsoleGateError, type ErrorCode } from './errors.ts';
import { frameOf, shadowOf, someoneTypes } from './frame.ts';
import { Allowance, linkOf, tokenOf, type Link } from './link.ts';

/** From a command to a page that can take it: a token to fetch, a page to load. */
const PATIENCE_MS = 30_000;

const EVENTS: Readonly<Record<keyof Events, true>> = {
  ready: true,
  connecting: true,
  connected: true,
  reconnecting: true,
  waiting: true,
  disconnected: true,
  error: true,
  resize: true,
  state: true,
  power: true,
  latency: true,
  clipboard: true,
  focus: true,
  blur: true,
  'token-needed': true,
};
const LOOKS = ['theme', 'lang', 'scale', 'toolbar'] as const;
const PROPERTIES = ['src', 'fetchToken'] as const;

type FetchToken = () => Promise<string>;

export class ConsoleGate extends Commanding {
  static readonly observedAttributes = ['src', 'theme', 'lang', 'scale', 'view-only'];

  readonly #shadow = shadowOf(this);
  readonly #allowance = new Allowance(3, 60_000);
  #fetchToken: FetchToken | undefined;
  #link: Link | undefined;
  /** A link opens one console: this token has been given to a frame. */
  #spent: string | undefined;
  #channel: Channel | undefined;
  #ready = false;
  #waiting: ((error?: ConsoleGateError) => void)[] = [];
  /** Set while the element is in the document; each start makes the ones before it stale. */
  #run: object | undefined;

  get src(): string {
    return this.getAttribute('src') ?? '';
  }

  set src(src: string) {
    this.setAttribute('src', src);
  }

  get fetchToken(): FetchToken | undefined {
    return this.#fetchToken;
  }

  set fetchToken(fetchToken: FetchToken | undefined) {
    const known = this.#fetchToken !== undefined;
    this.#fetchToken = fetchToken;
    // Frameworks set a new function at every turn; what the one before was asked for still comes.
    if (this.#run && !this.#channel && !known) this.#start();
  }

  connectedCallback(): void {
    for (const name of PROPERTIES) this.#upgrade(name);
    this.#start();
  }

  /** `moveBefore` leaves the frame as it is, so there is nothing to begin anew. */
  connectedMoveCallback(): void {}

  disconnectedCallback(): void {
    this.#run = undefined;
    this.#close();
    for (const settle of this.#waiting.splice(0)) settle(new ConsoleGateError('removed'));
  }

  attributeChangedCallback(name: string, before: string | null, value: string | null): void {
    if (!this.#run || before === value) return;
    if (name === 'src') return this.#start();
    const changes: Record<string, () => Promise<void>> = {
      theme: () => this.setTheme(value ?? 'auto'),
      lang: () => this.setLocale(value || navigator.language),
      scale: () => this.setScale(value ?? 'fit'),
      'view-only': () => this.setViewOnly(value !== null),
    };
    if (this.#channel) changes[name]?.().catch(() => undefined);
  }

  async connect(token: string): Promise<void> {
    if (!this.#run) throw new ConsoleGateError('removed');
    this.#link ??= { page: linkOf(token).page };
    const bare = tokenOf(token, this.#link.page);
    this.#run = {};
    if (!this.#channel) return this.#open(this.#link.page, bare);
    this.#spent = bare;
    await this.call('connect', { token: bare });
  }

  override async focus(): Promise<void> {
    this.#shadow.querySelector('iframe')?.focus({ preventScroll: true });
    await this.call('focus');
  }

  /** The page takes the whole screen itself where the browser lets the panel's click count there, else the frame does. */
  async fullscreen(on = true): Promise<void> {
    if (!on) return document.fullscreenElement === this ? document.exitFullscreen() : undefined;
    const frame = this.#shadow.querySelector('iframe');
    try {
      await this.call('fullscreen', {}, ANSWER_MS, 'fullscreen');
    } catch (cause) {
      if (!frame || !(cause instanceof ConsoleGateError) || cause.code !== 'refused') throw cause;
      await frame.requestFullscreen().catch(() => Promise.reject(cause));
    }
  }

  async requestKeyboard(): Promise<void> {
    this.#shadow.querySelector('iframe')?.focus({ preventScroll: true });
    await this.call('requestKeyboard');
  }

  /** A property that was set before the script had loaded hides the accessor. */
  #upgrade(name: (typeof PROPERTIES)[number]): void {
    if (!Object.hasOwn(this, name)) return;
    const { [name]: value } = this as Record<string, unknown>;
    delete (this as Record<string, unknown>)[name];
    Object.assign(this, { [name]: value });
  }

  /** Begins with what `src` and `fetchToken` say now. */
  #start(): void {
    const run = (this.#run = {});
    try {
      this.#link = this.src === '' ? undefined : linkOf(this.src, document.baseURI);
    } catch (error) {
      this.#close();
      return this.#complain(error);
    }
    const { token } = this.#link ?? {};
    if (this.#link && token !== undefined && (token !== this.#spent || !this.#fetchToken)) return this.#begin(this.#link.page, token);
    if (this.#fetchToken) void this.#fetch(run);
    else if (this.#link) queueMicrotask(() => run === this.#run && this.#tell('token-needed', { code: 'no_token', automatic: true }));
  }

  /** In the frame that is there, where it shows this page; else in a new one. */
  #begin(page: URL, token: string): void {
    const here = this.#shadow.querySelector('iframe');
    if (!this.#ready || !here || new URL(here.src).href.split(/[?#]/)[0] !== page.href.split(/[?#]/)[0]) return this.#open(page, token);
    this.#spent = token;
    this.call('connect', { token }).catch((error: unknown) => this.#complain(error));
  }

  #open(page: URL, token: string): void {
    this.#close();
    const address = new URL(page);
    for (const look of LOOKS) {
      const value = this.getAttribute(look);
      if (value) address.searchParams.set(look, value);
    }
    address.hash = token;
    this.#spent = token;
    const frame = frameOf(address.href, this.title || 'Console');
    this.#channel = new Channel(frame, page.origin, {
      heard: (type, detail) => this.#heard(type, detail),
      unheard: () => this.#complain(new ConsoleGateError('no_answer')),
    });
    frame.addEventListener('load', () => this.#loaded(frame));
    this.#shadow.append(frame);
  }

  #close(): void {
    this.#channel?.close();
    this.#channel = undefined;
    this.#ready = false;
    this.#shadow.replaceChildren();
  }

  #heard(type: string, detail: Record<string, unknown>): void {
    if (!Object.hasOwn(EVENTS, type)) return;
    if (type === 'ready') this.#greeted();
    const untouched = this.#tell(type, detail);
    if (type === 'token-needed' && untouched && detail['automatic'] === true && this.#fetchToken && this.#run) void this.#fetch(this.#run);
  }

  #greeted(): void {
    this.#ready = true;
    if (this.hasAttribute('view-only')) this.setViewOnly(true).catch(() => undefined);
    for (const settle of this.#waiting.splice(0)) settle();
  }

  /** False where a listener said that it sees to it. */
  #tell(type: string, detail: object): boolean {
    return this.dispatchEvent(new CustomEvent(type, { detail, cancelable: type === 'token-needed' }));
  }

  async #fetch(run: object): Promise<void> {
    try {
      if (!this.#allowance.take(performance.now())) throw new ConsoleGateError('too_many_tokens');
      const given = await this.#fetchToken?.().catch((cause: unknown) => Promise.reject(new ConsoleGateError('fetch_failed', { cause })));
      if (run !== this.#run || given === undefined) return;
      this.#link ??= { page: linkOf(given).page };
      this.#begin(this.#link.page, tokenOf(given, this.#link.page));
    } catch (error) {
      if (run === this.#run) this.#complain(error);
    }
  }

  /** A page that is there now knows nothing of the one before. It takes the keyboard once it is connected, if its frame has the focus then. */
  #loaded(frame: HTMLIFrameElement): void {
    this.#ready = false;
    if (this.autofocus && !someoneTypes(this)) frame.focus({ preventScroll: true });
  }

  protected async call(type: string, detail: object = {}, ms = ANSWER_MS, delegate?: string): Promise<unknown> {
    if (!this.#run) throw new ConsoleGateError('removed');
    if (!this.#ready) await this.#untilReady();
    if (!this.#channel) throw new ConsoleGateError('removed');
    return this.#channel.call(type, detail, ms, delegate);
  }

  #untilReady(): Promise<void> {
    return new Promise((done, failed) => {
      const timer = setTimeout(() => settle(new ConsoleGateError('no_answer')), PATIENCE_MS);
      const settle = (error?: ConsoleGateError): void => {
        clearTimeout(timer);
        this.#waiting = this.#waiting.filter((waiting) => waiting !== settle);
        if (error) failed(error);
        else done();
      };
      this.#waiting.push(settle);
    });
  }

  #complain(error: unknown): void {
    const { code, message }: { code: ErrorCode; message: string } = error instanceof ConsoleGateError ? error : new ConsoleGateError('failed');
    this.#tell('error', { code, message, hint: '' });
  }
}
