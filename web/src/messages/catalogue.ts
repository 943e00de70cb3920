// The shape of a language's words, and how they are read. Which languages there are is in languages.ts.

import type { Ending, OwnCode, PublicCode } from '../reasons.ts';
import type { tools } from './tools/en.ts';

export interface Words {
  readonly title: string;
  readonly detail: string;
}

export type UiKey =
  | 'untitled' | 'controls' | 'screen' | 'leaveHint' | 'enterHint' | 'wakeHint' | 'leaveShort' | 'released' | 'viewOnly' | 'viewOnlyHint'
  | 'ctrlAltDel' | 'ctrlAltDelHint' | 'fullScreen' | 'fullScreenHint' | 'disconnect' | 'disconnectHint'
  | 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'waiting' | 'ended'
  | 'stageSession' | 'stageSocket' | 'stageScreen' | 'openTitle' | 'attempt' | 'nextIn' | 'checkIn' | 'tryingNow'
  | 'search' | 'searchField' | 'searchCase' | 'searchPrevious' | 'searchNext' | 'searchClose' | 'searchCount' | 'searchNone'
  | 'linkHint' | 'tooMuchOutput'
  | 'checkingNow' | 'tryNow' | 'checkNow' | 'cancel' | 'again' | 'fromPanel' | 'gaveUp' | 'reference' | 'connectedNow'
  | 'idleTitle' | 'idleDetail' | 'stay' | 'stayed' | 'endsTitle' | 'endsDetail' | 'dismiss';

/** The words of the bar's tools. */
export type Tools = Readonly<Record<keyof typeof tools, string>>;

export interface Catalogue {
  readonly ui: Readonly<Record<UiKey, string>>;
  readonly tools: Tools;
  readonly reasons: Readonly<Record<PublicCode | OwnCode, Words>>;
  /** Of codes that mean something narrower in this console. */
  readonly special: Readonly<Record<'startHere' | 'shellEnded' | 'shellGone', Words>>;
  /** For a code that a newer gateway knows and this page does not. */
  readonly unknown: Words;
}

/** What else there is to know of the console: `startable`: its machine can be started from here; `shell`: it is one. */
export interface Circumstances {
  readonly startable?: boolean;
  readonly shell?: boolean;
}

/** The catalogue's words for an ending, else what the gateway said, else something general. Always shown as text. */
export function wordsFor(catalogue: Catalogue, ending: Ending, { startable, shell }: Circumstances = {}): Words {
  if (startable && ending.code === 'guest_stopped') return catalogue.special.startHere;
  if (shell && ending.code === 'guest_ended') return catalogue.special.shellEnded;
  if (shell && ending.code === 'no_terminal') return catalogue.special.shellGone;
  const known = Object.hasOwn(catalogue.reasons, ending.code)
    ? catalogue.reasons[ending.code as keyof Catalogue['reasons']]
    : undefined;
  if (known) return known;
  return { title: ending.title ?? catalogue.unknown.title, detail: ending.detail ?? catalogue.unknown.detail };
}

export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, key: string) => String(values[key] ?? whole));
}
