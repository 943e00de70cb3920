// The shape of a language, and the choice of one. A new language is one file beside en.ts and one line in LANGUAGES.

import type { Ending, OwnCode, PublicCode } from '../reasons.ts';
import { en } from './en.ts';

export interface Words {
  readonly title: string;
  readonly detail: string;
}

export type UiKey =
  | 'untitled' | 'controls' | 'screen' | 'leaveHint' | 'leaveShort' | 'released' | 'viewOnly' | 'viewOnlyHint'
  | 'ctrlAltDel' | 'ctrlAltDelHint' | 'fit' | 'fitHint' | 'fullScreen' | 'fullScreenHint' | 'disconnect' | 'disconnectHint'
  | 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'waiting' | 'ended'
  | 'stageSession' | 'stageSocket' | 'stageScreen' | 'openTitle' | 'attempt' | 'nextIn' | 'checkIn' | 'tryingNow'
  | 'checkingNow' | 'tryNow' | 'checkNow' | 'cancel' | 'again' | 'fromPanel' | 'gaveUp' | 'reference' | 'connectedNow';

export interface Catalogue {
  readonly ui: Readonly<Record<UiKey, string>>;
  readonly reasons: Readonly<Record<PublicCode | OwnCode, Words>>;
  /** For a code that a newer gateway knows and this page does not. */
  readonly unknown: Words;
}

export interface Language {
  /** BCP 47, for the `lang` attribute. */
  readonly tag: string;
  readonly catalogue: Catalogue;
}

const LANGUAGES: readonly Language[] = [{ tag: 'en', catalogue: en }];

/** The first wish that is there: `de-AT` finds `de-AT`, then `de`. Wishes: token, then query, then browser. */
export function choose(wishes: readonly (string | null | undefined)[], known = LANGUAGES): Language {
  for (const wish of wishes) {
    const tag = wish?.toLowerCase();
    if (!tag) continue;
    const exact = known.find((language) => language.tag.toLowerCase() === tag);
    const near = known.find((language) => language.tag.toLowerCase() === tag.split('-')[0]);
    const found = exact ?? near;
    if (found) return found;
  }
  return known[0] ?? { tag: 'en', catalogue: en };
}

/** The catalogue's words for an ending, else what the gateway said, else something general. Always shown as text. */
export function wordsFor(catalogue: Catalogue, ending: Ending): Words {
  const known = Object.hasOwn(catalogue.reasons, ending.code)
    ? catalogue.reasons[ending.code as keyof Catalogue['reasons']]
    : undefined;
  if (known) return known;
  return { title: ending.title ?? catalogue.unknown.title, detail: ending.detail ?? catalogue.unknown.detail };
}

export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, key: string) => String(values[key] ?? whole));
}
