// Types of /embed.js. A test holds them against the script.

export type Theme = 'auto' | 'light' | 'dark';
export type Scale = 'fit' | 'remote' | 'off';
type Nothing = Record<string, never>;

export interface ConsoleGateDetails {
  /** The page in the frame is there and takes commands. */
  ready: Nothing;
  connecting: { stage: 'session' | 'socket' | 'screen'; attempt: number };
  connected: { sessionId: string; kind: string; protocol: string; width?: number; height?: number };
  reconnecting: { code: string; attempt: number; delayMs: number };
  waiting: { code: string; attempt: number; delayMs: number };
  disconnected: { code: string; message: string; clean: boolean; retryable: boolean; close?: number; ref?: string };
  error: { code: string; message: string; hint: string; ref?: string };
  resize: { width: number; height: number };
  state: { power: string };
  /** Without `done` nobody knows what happened: look before it is done again. */
  power: { action: string; done?: boolean; code?: string };
  latency: { rttMs: number };
  clipboard: { text: string };
  focus: Nothing;
  blur: Nothing;
  /** `preventDefault()` keeps `fetchToken` from being called. */
  'token-needed': { code: string; automatic: boolean };
}

export type ConsoleGateEventMap = Omit<HTMLElementEventMap, keyof ConsoleGateDetails> & {
  [K in keyof ConsoleGateDetails]: CustomEvent<ConsoleGateDetails[K]>;
};

export type ErrorCode =
  | 'invalid_src' | 'invalid_token' | 'no_answer' | 'timeout' | 'removed' | 'fetch_failed' | 'too_many_tokens' | 'busy'
  | 'not_allowed' | 'not_connected' | 'bad_argument' | 'unsupported' | 'untypable' | 'refused' | 'failed';

export class ConsoleGateError extends Error {
  constructor(code: ErrorCode, options?: ErrorOptions);
  readonly code: ErrorCode;
}

/** `<console-gate>`. Every method rejects with a `ConsoleGateError`. */
export class ConsoleGate extends HTMLElement {
  /** Address of the console page, with or without its token. */
  src: string;
  /** Answers with a console link or a token, freshly signed. */
  fetchToken: (() => Promise<string>) | undefined;

  /** Opens another console in the same frame; resolves when the page has begun. */
  connect(tokenOrLink: string): Promise<void>;
  disconnect(): Promise<void>;
  override focus(): Promise<void>;
  /** Pressed in this order, released in the opposite one: `['Ctrl', 'Alt', 'Delete']`. */
  sendKeys(keys: readonly string[]): Promise<void>;
  typeText(text: string, options?: { layout?: string; delayMs?: number }): Promise<void>;
  setScale(scale: Scale): Promise<void>;
  setViewOnly(viewOnly: boolean): Promise<void>;
  setTheme(theme: Theme): Promise<void>;
  setLocale(locale: string): Promise<void>;
  /** Call it from a click. */
  fullscreen(on?: boolean): Promise<void>;
  /** A PNG of what is shown now. */
  screenshot(): Promise<Blob>;
  /** The on-screen keyboard of a phone. */
  requestKeyboard(): Promise<void>;

  override addEventListener<K extends keyof ConsoleGateEventMap>(
    type: K,
    listener: (this: ConsoleGate, event: ConsoleGateEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

export interface MountOptions {
  src?: string;
  fetchToken?: () => Promise<string>;
  theme?: Theme;
  lang?: string;
  scale?: Scale;
  toolbar?: 'auto' | 'off';
  /** Accessible name of the frame. */
  title?: string;
  viewOnly?: boolean;
  autofocus?: boolean;
}

/** Puts a console into an element of the panel; `remove()` of the handle takes it away. */
export function mount(parent: Element, options: MountOptions): ConsoleGate;

declare global {
  interface HTMLElementTagNameMap {
    'console-gate': ConsoleGate;
  }
}
