// What every kind of screen offers the page: a picture (VNC) or a terminal. A screen knows its own protocol and nothing of
// the bar, the card or the panel around the page.

import type { Scale } from '../address.ts';
import type { Key, KeyName } from '../keys.ts';
import type { Catalogue } from '../messages/catalogue.ts';

export interface ScreenOptions {
  readonly viewOnly: boolean;
  /** Text may go to and come from the machine's clipboard. */
  readonly clipboard: boolean;
  readonly scale: Scale;
  /** Accessible name of the screen. */
  readonly label: string;
  /** Id of the element that describes how to leave it. */
  readonly describedBy: string;
  /** For what a screen says itself. */
  readonly words: Catalogue['ui'];
}

export interface ScreenHooks {
  /** The far side speaks and the first picture is being drawn. */
  connected(): void;
  /** The protocol failed in the browser; the WebSocket's own close is not told here. */
  failed(): void;
  /** The machine put text into its clipboard; only with the right to it. */
  clipboard?(text: string): void;
  /** The machine's screen has another size: pixels, or columns and rows of a terminal. */
  resized?(width: number, height: number): void;
}

/** What only a terminal can do. */
export interface TerminalControls {
  /** Opens the search bar and puts the keyboard into it. */
  search(): void;
  /** Copies what is selected. False where nothing is, or the browser forbids it. */
  copy(): Promise<boolean>;
  /** One step larger or smaller, or 0 for the usual size; returns the new one in pixels. It is kept for the next time. */
  fontSize(change: 1 | -1 | 0): number;
  /** Reads new lines aloud and lets a screen reader walk through them; costs time, so it is off until asked for. */
  screenReader(on: boolean): void;
}

export interface Screen {
  /** Left out by a picture. */
  readonly terminal?: TerminalControls;
  focus(): void;
  setScale(scale: Scale): void;
  /** Nothing typed or clicked is sent while true. */
  setViewOnly(viewOnly: boolean): void;
  /** Presses the keys in this order and releases them in the opposite one. */
  sendKeys(keys: readonly KeyName[]): void;
  /** Holds a key down or lets it go, for the bar's sticky keys. */
  hold(key: KeyName, down: boolean): void;
  /** One key up or down, known by its place. Left out by a terminal: text is all it takes. */
  stroke?(key: Key, down: boolean): void;
  /** Offers text to the machine's clipboard, or pastes it into a terminal. */
  paste(text: string): void;
  /** A picture of what is shown now. */
  screenshot(): Promise<Blob>;
  /** The same at once, to be shown after the screen has gone; left out where the screen's own canvas can be copied. */
  still?(): HTMLCanvasElement;
  /** Tells the gateway that a person is here, without doing anything to the machine. */
  stay(): void;
  close(): void;
}

/** Starts at once: the channel may not have said anything before. */
export type OpenScreen = (target: HTMLElement, channel: WebSocket, options: ScreenOptions, hooks: ScreenHooks) => Screen;
