// What every kind of screen offers the page: VNC today; a terminal fits the same shape.

import type { Scale } from '../address.ts';

export interface ScreenOptions {
  readonly viewOnly: boolean;
  readonly scale: Scale;
  /** Accessible name of the screen. */
  readonly label: string;
  /** Id of the element that describes how to leave it. */
  readonly describedBy: string;
}

export interface ScreenHooks {
  /** The far side speaks and the first picture is being drawn. */
  connected(): void;
  /** The protocol failed in the browser; the WebSocket's own close is not told here. */
  failed(): void;
}

export interface Screen {
  focus(): void;
  setScale(scale: Scale): void;
  sendCtrlAltDel(): void;
  close(): void;
}

/** Starts at once: the channel may not have said anything before. */
export type OpenScreen = (target: HTMLElement, channel: WebSocket, options: ScreenOptions, hooks: ScreenHooks) => Screen;
