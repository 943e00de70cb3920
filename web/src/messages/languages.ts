// Which languages there are, the choice of one, and fetching it. English is always here; every other language is a chunk of
// its own, fetched when it is wished for. A new language is one file beside en.ts and one line in OFFERS.

import type { Catalogue } from './catalogue.ts';
import { en } from './en.ts';

export interface Language {
  /** BCP 47, for the `lang` attribute and for Intl. */
  readonly tag: string;
  readonly dir: 'ltr' | 'rtl';
  readonly catalogue: Catalogue;
}

interface Offer {
  readonly tag: string;
  load(): Promise<Catalogue>;
}

export const ENGLISH: Language = { tag: 'en', dir: 'ltr', catalogue: en };

const OFFERS: readonly Offer[] = [
  { tag: 'en', load: () => Promise.resolve(en) },
  { tag: 'de', load: async () => (await import('./de.ts')).de },
  { tag: 'fr', load: async () => (await import('./fr.ts')).fr },
  { tag: 'es', load: async () => (await import('./es.ts')).es },
  { tag: 'pt-BR', load: async () => (await import('./pt-BR.ts')).ptBR },
];

export const TAGS: readonly string[] = OFFERS.map(({ tag }) => tag);

/** Languages that are written from right to left. */
const RTL = new Set(['ar', 'ckb', 'dv', 'fa', 'he', 'ps', 'sd', 'ug', 'ur', 'yi']);

export function dirOf(tag: string): Language['dir'] {
  return RTL.has(primary(tag)) ? 'rtl' : 'ltr';
}

/** The first wish that is there: `de-AT` finds `de-AT`, else `de`, else any `de-…`. Wishes: token, then query, then browser. */
export function choose(wishes: readonly (string | null | undefined)[], tags = TAGS): string {
  for (const wish of wishes) {
    const tag = wish?.toLowerCase();
    if (!tag) continue;
    const same = (wanted: string) => tags.find((known) => known.toLowerCase() === wanted);
    const found = same(tag) ?? same(primary(tag)) ?? tags.find((known) => primary(known) === primary(tag));
    if (found) return found;
  }
  return tags[0] ?? ENGLISH.tag;
}

/** Rejects where the chunk cannot be fetched. */
export async function load(tag: string): Promise<Language> {
  const offer = OFFERS.find((known) => known.tag === tag);
  return offer ? { tag, dir: dirOf(tag), catalogue: await offer.load() } : ENGLISH;
}

function primary(tag: string): string {
  return tag.toLowerCase().split('-')[0] ?? '';
}
