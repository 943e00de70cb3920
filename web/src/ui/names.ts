// Layouts and characters in the reader's language: how they are called, decides nothing.

import { LAYOUTS, type LayoutId } from '../keyboard/layout.ts';
import type { Missing } from '../keyboard/typing.ts';
import { fill, type Tools } from '../messages/catalogue.ts';

const MOST_SHOWN = 30;

/** `Deutsch (Schweiz)`, in the words of the browser. */
export function nameOf(id: LayoutId, language: string, words: Tools): string {
  const entry = LAYOUTS[id];
  let layout: string = entry.tag;
  try {
    layout = new Intl.DisplayNames([language], { type: 'language', languageDisplay: 'standard' }).of(entry.tag) ?? layout;
  } catch {
    layout = entry.tag;
  }
  layout = layout.charAt(0).toLocaleUpperCase(language) + layout.slice(1);
  return 'noDeadKeys' in entry ? fill(words.noDeadKeys, { layout }) : layout;
}

/** `ü ×2, €, U+00A0`: what cannot be seen is shown as its number. */
export function show(missing: readonly Missing[]): string {
  const shown = missing.slice(0, MOST_SHOWN).map(({ char, count }) => {
    const seen = /^[\p{L}\p{N}\p{P}\p{S}]/u.test(char) ? char : `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
    return count > 1 ? `${seen} ×${count}` : seen;
  });
  return [...shown, ...(missing.length > MOST_SHOWN ? ['…'] : [])].join(' ');
}
